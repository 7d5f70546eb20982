"""What can be typed: every command with its options, and the function that carries it out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final, NoReturn

from trapscope import __version__
from trapscope.core.types import DEFAULT_MAX_STEPS, MAX_CPUS, FetchModel

Command = Callable[[argparse.Namespace], int]

FIGURE_PARTS: Final = ("all", "code", "site", "stack", "thread-info")
FORMATS: Final = ("summary", "jsonl", "perfetto", "tenet")
QUESTIONS: Final = (
    "last-write", "next-write", "last-change", "next-change", "previous-execution", "next-execution",
)  # fmt: skip
_AT: Final = "a moment: a number, an event's name (right after its step), or EVENT:N for its N-th"
_TARGET: Final = (
    "a register (rax@0, al@0, rflags[zf]@0), depth@0 or slots[1]@0 of the int3 stack of CPU 0's task,"
    " an address and a length (0xffffffff81002000+8), or a symbol (report, report+0x10:4)"
)


class _OneLineParser(argparse.ArgumentParser):
    """An error is one line that names what is wrong; the usage is for those who ask for it."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        sys.exit(2)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _OneLineParser(
        prog="trapscope", description="Watch the Linux kernel patch its own running code, one instruction at a time."
    )
    top.add_argument("--version", action="version", version=f"trapscope {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_OneLineParser)
    _add_serve(commands)
    _add_scenarios(commands)
    _add_run(commands)
    _add_figure(commands)
    _add_why(commands)
    _add_find(commands)
    _add_gdb(commands)
    _add_check(commands)
    _add_guest(commands)
    _add_bench(commands)
    schema = commands.add_parser("schema", help="print the OpenAPI document, the socket's messages included")
    schema.add_argument("--jsonl", action="store_true", help="instead, the JSON Schema of the lines of --format jsonl")
    schema.set_defaults(command=_later("schema", "print_schema"))
    doctor = commands.add_parser("doctor", help="what is there, what is missing, and what to do about it")
    doctor.set_defaults(command=_later("doctor", "examine"))
    return top


def _add_serve(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    serve = commands.add_parser("serve", help="serve the web application")
    serve.add_argument("--host", help="address to listen on (127.0.0.1)")
    serve.add_argument("--port", type=_port, help="port to listen on (8000); 0 takes any free one")
    serve.add_argument("--workers", type=_positive, help="engine processes (2)", metavar="N")
    serve.set_defaults(command=_later("serve", "serve"))


def _add_scenarios(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    scenarios = commands.add_parser("scenarios", help="what can be run: question, designs, variants, CPUs")
    scenarios.add_argument("--json", action="store_true", help="the same for programs")
    scenarios.set_defaults(command=_later("scenarios", "list_scenarios"))


def _add_run(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    run = commands.add_parser("run", help="run a scenario without a browser")
    _add_choice_of_run(run)
    run.add_argument(
        "--format", choices=FORMATS, default="summary",
        help="summary, for people; jsonl, everything; perfetto, for ui.perfetto.dev; tenet, for Tenet (summary)",
    )  # fmt: skip
    run.add_argument("--cpu", type=_cpu, metavar="K", help="whose side `--format tenet` tells, where there are several")
    run.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    run.set_defaults(command=_later("run", "run"))


def _add_figure(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    figure = commands.add_parser("figure", help="a moment of a run as SVG, for slides and papers")
    _add_choice_of_run(figure)
    figure.add_argument("--at", required=True, metavar="MOMENT|EVENT", help=_AT)
    figure.add_argument("--theme", choices=("light", "dark"), default="light", help="(light)")
    figure.add_argument(
        "--part", choices=FIGURE_PARTS, default="all", help="all of the stage, 16:9, or one part of it (all)"
    )
    figure.add_argument("--cpu", type=_cpu, metavar="K", help="whose code and stack; who made the last step")
    figure.add_argument("--out", metavar="FILE", help="write there instead of to standard output")
    figure.set_defaults(command=_later("figure", "figure"))


def _add_why(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    why = commands.add_parser("why", help="where a value of a run came from, back through the steps that made it")
    _add_choice_of_run(why)
    why.add_argument("target", metavar="TARGET", help=_TARGET)
    why.add_argument("--at", required=True, metavar="MOMENT|EVENT", help=_AT)
    why.add_argument("--links", type=_positive, default=32, metavar="N", help="tell at most so many values (32)")
    why.add_argument("--json", action="store_true", help="the same for programs, as the HTTP interface has it")
    why.set_defaults(command=_later("why", "why"))


def _add_find(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    find = commands.add_parser("find", help="the step that last wrote, changed or executed something, or does so next")
    _add_choice_of_run(find)
    find.add_argument("question", metavar="QUESTION", choices=QUESTIONS, help=", ".join(QUESTIONS))
    find.add_argument("target", metavar="TARGET", help=f"{_TARGET}; to execute: a symbol, or an address")
    find.add_argument("--at", required=True, metavar="MOMENT|EVENT", help=_AT)
    find.add_argument("--on-cpu", type=_cpu, metavar="K", help="executions on this CPU only")
    find.add_argument("--json", action="store_true", help="the same for programs, as the HTTP interface has it")
    find.set_defaults(command=_later("why", "find"))


def _add_gdb(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    gdb = commands.add_parser("gdb", help="a run for gdb to walk, forwards and backwards")
    _add_choice_of_run(gdb)
    way = gdb.add_mutually_exclusive_group()
    way.add_argument("--port", type=_port, default=1234, metavar="N", help="on 127.0.0.1 (1234); 0 takes any free one")
    way.add_argument("--stdio", action="store_true", help="talk over standard input and output: `target remote | …`")
    gdb.set_defaults(command=_later("gdb", "gdb"))


def _add_choice_of_run(command: _OneLineParser) -> None:
    """What says which run it is: of every command that plays one (cli.run.prepared)."""
    command.add_argument("scenario", metavar="SCENARIO", help="a name that `trapscope scenarios` lists")
    command.add_argument("--design", metavar="D", help="how the trap is resolved (thread)")
    command.add_argument("--variant", metavar="V", action="append", default=[], help="a named mistake or alternative")
    command.add_argument(
        "--fetch", default=FetchModel.COHERENT.value, metavar="F", help="coherent, or weak: fetches may lag (coherent)"
    )
    command.add_argument(
        "--cpus", type=_cpus, metavar="N", help=f"1 to {MAX_CPUS}; the scenario's own number if not given"
    )
    command.add_argument("--policy", metavar="P", help="instead of a schedule: end, rr:QUANTUM or random:SEED")
    command.add_argument(
        "--schedule", metavar="S", help="who steps when, and what is injected; the scenario's own if not given"
    )
    command.add_argument(
        "--max-steps", type=_positive, default=DEFAULT_MAX_STEPS, metavar="N",
        help=f"the step budget; a run that needs more ends as out-of-steps ({DEFAULT_MAX_STEPS})",
    )  # fmt: skip


def _add_check(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    check = commands.add_parser("check", help="every scenario, design and variant: expected against got")
    check.add_argument("scenario", nargs="*", metavar="SCENARIO", help="only these")
    check.add_argument("--all", action="store_true", help="all of them: under a minute on two cores")
    check.add_argument("--qemu", action="store_true", help="also compare every instruction with QEMU's")
    check.add_argument("--format", choices=("text", "jsonl"), default="text", help="for people, or for programs (text)")
    check.set_defaults(command=_later("check", "check"))


def _add_bench(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    bench = commands.add_parser("bench", help="how fast it is, next to QEMU's gdbstub and a plain Unicorn hook")
    bench.add_argument("--json", action="store_true", help="the same for programs")
    bench.add_argument("--repeats", type=_positive, default=5, metavar="N", help="how often each is measured (5)")
    bench.set_defaults(command=_later("bench", "bench"))


def _add_guest(commands: argparse._SubParsersAction[_OneLineParser]) -> None:
    guest = commands.add_parser("guest", help="what runs inside: layouts, symbols, disassembly")
    parts = guest.add_subparsers(title="parts", metavar="PART", required=True, parser_class=_OneLineParser)
    layout = parts.add_parser(
        "layout", help="structs with offsets, sizes, holes and 64-byte lines, as pahole prints them"
    )
    layout.add_argument("struct", nargs="*", metavar="STRUCT", help="those of the patch if none is given")
    layout.set_defaults(command=_later("guest", "print_layouts"))
    symbols = parts.add_parser("symbols", help="addresses, sizes and names")
    symbols.add_argument("pattern", nargs="?", metavar="PATTERN", help="only names with this in them")
    symbols.set_defaults(command=_later("guest", "print_symbols"))
    asm = parts.add_parser("asm", help="disassembly with source lines, before anything is patched")
    asm.add_argument("symbol", nargs="*", metavar="SYMBOL", help="all of the text if none is given")
    asm.set_defaults(command=_later("guest", "print_assembly"))
    path = parts.add_parser("path", help="where the ELF is, for gdb and QEMU")
    path.set_defaults(command=_later("guest", "print_path"))


def _later(module: str, function: str) -> Command:
    """The function, imported when it is called."""

    def command(arguments: argparse.Namespace) -> int:
        chosen: Command = getattr(import_module(f"trapscope.cli.{module}"), function)
        return chosen(arguments)

    return command


def _positive(text: str) -> int:
    return _number(text, 1, None)


def _port(text: str) -> int:
    return _number(text, 0, 65535)


def _cpus(text: str) -> int:
    return _number(text, 1, MAX_CPUS)


def _cpu(text: str) -> int:
    return _number(text, 0, MAX_CPUS - 1)


def _number(text: str, least: int, most: int | None) -> int:
    """A whole number in the range; argparse shows the message."""
    wanted = f"a whole number from {least}" + ("" if most is None else f" to {most}")
    if not (text.isascii() and text.isdigit() and len(text) <= 18) or int(text) < least or (most and int(text) > most):
        raise argparse.ArgumentTypeError(f"“{text}” is not {wanted}")
    return int(text)
