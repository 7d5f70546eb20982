"""`trapscope gdb` over TCP: what it prints is enough to connect, and one gdb after the other may."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

_SECONDS = 60.0


@pytest.fixture
def port() -> Iterator[int]:
    """Of a running `trapscope gdb first-call --port 0`."""
    command = (sys.executable, "-m", "trapscope", "gdb", "first-call", "--port", "0")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline()
        match = re.search(r"target remote :(\d+)", told)
        assert match, told
        yield int(match[1])
        process.terminate()
        assert process.wait(_SECONDS) != 0


def ask(connection: socket.socket, packet: bytes) -> bytes:
    connection.sendall(packet)
    answer = b""
    while not re.search(rb"#[0-9a-f]{2}$", answer):
        data = connection.recv(4096)
        assert data, answer
        answer += data
    return answer


def test_one_connection_after_the_other_is_answered_each_from_moment_0(port: int) -> None:
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
            first = ask(connection, b"$?#3f")
            assert first.startswith(b"+$T05thread:1;core:0;")
            assert b"replaylog:end" in ask(connection, b"+$c#63")


def test_garbage_and_a_client_that_goes_in_the_middle_of_a_packet_harm_nobody_else(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
        connection.sendall(b"\xff\x00GET / HTTP/1.1\r\n\r\n$Hg99#00$qXfer:features:read:../x:0,9")
    with socket.create_connection(("127.0.0.1", port), _SECONDS) as connection:
        for body in (
            b"Hgzz",
            b"mffffffffffffffff,ffffffff",
            b"Z2,0,8",
            b"vCont;s:99",
            b"vFile:pread:9,1,1",
            b"p9999",
            b"qRcmd,zz",
        ):
            answer = ask(connection, b"$%b#%02x" % (body, sum(body) & 0xFF))
            assert re.match(rb"\+\$(E|F-1)", answer), (body, answer)
        assert ask(connection, b"$?#3f").endswith(b"#" + b"%02x" % (sum(b"T05thread:1;core:0;") & 0xFF))


def test_a_port_in_use_is_said_in_one_line(port: int) -> None:
    command = (sys.executable, "-m", "trapscope", "gdb", "first-call", "--port", str(port))
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr
    assert len(done.stderr.splitlines()) == 1
