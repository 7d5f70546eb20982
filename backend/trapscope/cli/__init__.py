"""The command line. Exit status: 0 as wished, 1 a run that ended otherwise, 2 what was asked for is not possible.

Every error of the user's is one line on stderr. Each command's module is imported when it is called, so that
`trapscope --help` needs no emulator.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from pydantic import ValidationError

from trapscope.cli.arguments import parser
from trapscope.core.errors import TrapscopeError

_IMPOSSIBLE = 2
_BY_SIGNAL = 128


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; returns the exit status."""
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.command(arguments)
        sys.stdout.flush()
    except TrapscopeError as error:
        print(f"trapscope: {error}", file=sys.stderr)
        return _IMPOSSIBLE
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        print(f"trapscope: {name} is {first['input']!r}: {first['msg']}", file=sys.stderr)
        return _IMPOSSIBLE
    except BrokenPipeError:
        _give_up_stdout()
        return _BY_SIGNAL + signal.SIGPIPE
    except OSError as error:
        _give_up_stdout()
        print(f"trapscope: cannot write the output: {error.strerror}", file=sys.stderr)
        return _IMPOSSIBLE
    except KeyboardInterrupt:
        return _BY_SIGNAL + signal.SIGINT
    return status


def _give_up_stdout() -> None:
    """Nobody reads it. Python would otherwise complain once more when it flushes stdout at its own end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
