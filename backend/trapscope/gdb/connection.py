"""The shell around packets and stub: it moves bytes by two functions, a socket's or standard input's and output's."""

from __future__ import annotations

from collections.abc import Callable

from trapscope.gdb.packets import Packets
from trapscope.gdb.stub import Stub


def converse(stub: Stub, receive: Callable[[], bytes], send: Callable[[bytes], None]) -> None:
    """Answer until gdb leaves or hangs up. `receive` waits, and returns no bytes at the end."""
    packets = Packets()
    while not stub.done and (data := receive()):
        for request in packets.receive(data):
            for body in stub.answer(request):
                packets.send(body)
            if request == b"QStartNoAckMode":
                packets.acknowledges = False
        if packets.outgoing:
            send(bytes(packets.outgoing))
            packets.outgoing.clear()
