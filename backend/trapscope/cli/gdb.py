"""`trapscope gdb`: a run for gdb to walk, forwards and backwards, over TCP or over standard input and output."""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Iterable
from typing import Final

from trapscope import assets
from trapscope.cli.run import play, prepared
from trapscope.cli.why import chain
from trapscope.core.errors import BadInput
from trapscope.core.session import Session
from trapscope.core.why import Inquiry
from trapscope.gdb.connection import converse
from trapscope.gdb.monitor import Monitor
from trapscope.gdb.replay import Replay
from trapscope.gdb.stub import Stub
from trapscope.wire import answers

_HOST: Final = "127.0.0.1"
_BYTES_AT_A_TIME: Final = 65536
_LINKS: Final = 32


def gdb(arguments: argparse.Namespace) -> int:
    """Play the run, then answer gdb: over TCP one connection after the other until interrupted."""
    session, chosen = prepared(arguments)
    play(session, chosen)

    def again() -> Session:
        return Session(session.image, session.spec, max_steps=session.max_steps)

    def stub() -> Stub:
        replay = Replay(session)
        return Stub(replay, Monitor(replay, _why, again), assets.guest_elf())

    if arguments.stdio:
        converse(stub(), lambda: os.read(sys.stdin.fileno(), _BYTES_AT_A_TIME), _to_stdout)
        return 0
    with _listening(arguments.port) as listener:
        port = listener.getsockname()[1]
        print(f"{session.spec.scenario}, {len(session.trace):,} steps, {session.verdict}: for gdb at {_HOST}:{port}")
        print(f"  gdb -ex 'set substitute-path /guest {assets.sources_path()}' -ex 'target remote :{port}'")
        sys.stdout.flush()
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    converse(stub(), lambda: connection.recv(_BYTES_AT_A_TIME), connection.sendall)  # noqa: B023 - used at once
                except ConnectionError:
                    continue  # gdb went without a word; the next one is welcome


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((_HOST, port), reuse_port=False)
    except OSError as error:
        raise BadInput(f"cannot listen on {_HOST}:{port}: {error.strerror}; --port 0 takes any free one") from None


def _to_stdout(data: bytes) -> None:
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


def _why(session: Session, target: str, moment: int) -> Iterable[str]:
    inquiry = Inquiry(session)
    return chain(answers.why(inquiry, inquiry.why(target, str(moment), _LINKS)))
