"""The engine process: `python -m trapscope.server.worker`, requests on stdin, answers on stdout.

Unicorn may end the process that it is in, and runs code that changes itself: so it is alone here, with bounded memory,
no core dumps and few descriptors, and it ends when the server does. The C library's stdout is moved away, because
whatever a library prints must not fall between two messages.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import BinaryIO, Final

from trapscope.core.errors import TrapscopeError
from trapscope.core.image import Image
from trapscope.core.machine import selftest
from trapscope.server.pipe import requests as ask
from trapscope.server.pipe.message import BrokenPipe, Message, read_message
from trapscope.server.worker import catalogue_facts, guest_facts
from trapscope.server.worker.hosted import Hosted

_MAX_DESCRIPTORS: Final = 64


def main() -> None:
    memory_mib = int(sys.argv[1])
    _confine(memory_mib)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        begun = read_message(sys.stdin.buffer)
    except BrokenPipe:
        return
    begin = ask.BEGINNINGS.validate_python(begun.head)
    try:
        selftest.verify()
        image = Image.from_bytes(begun.parts[0])
        hosted = Hosted(image, dict(zip(begin.sources, json.loads(begun.parts[1]), strict=True)))
        greeting = ask.Ready(
            outcome="ready",
            guest=guest_facts.guest_info(image, begin.sources),
            scenarios=catalogue_facts.scenario_list(image),
            designs=catalogue_facts.design_list(),
        )
    except TrapscopeError as error:
        _say(output, ask.Unfit(outcome="unfit", why=str(error)))
        raise SystemExit(1) from None
    _say(output, greeting)
    hosted.warm_up()
    _serve(hosted, sys.stdin.buffer, output)


def _serve(hosted: Hosted, requests: BinaryIO, output: BinaryIO) -> None:
    """Until the server closes the pipe."""
    while True:
        try:
            message = read_message(requests)
        except BrokenPipe:
            return
        answer, parts = hosted.answer(ask.REQUESTS.validate_python(message.head))
        _say(output, answer, parts)


def _say(output: BinaryIO, said: ask.Answer | ask.Greeting, parts: tuple[bytes, ...] = ()) -> None:
    output.write(Message(said.model_dump(mode="json"), parts).encode())
    output.flush()


def _confine(memory_mib: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's; this process ends with its pipe
    resource.setrlimit(resource.RLIMIT_AS, (memory_mib << 20, memory_mib << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_DESCRIPTORS, _MAX_DESCRIPTORS))


if __name__ == "__main__":
    main()
