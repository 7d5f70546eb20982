"""What gdb asks, answered: one request in, its answer out. Pure but for what the monitor's commands play.

GDB manual, appendix E (13.1). CPUs are threads, CPU k is thread k + 1. What would change the run (registers, memory)
is refused: it is a recording. Walking past its ends is told as `replaylog`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import escape

from trapscope.core.types import RIP
from trapscope.gdb.description import GDB_REGISTERS, encoded, target_xml
from trapscope.gdb.files import Files
from trapscope.gdb.monitor import Monitor
from trapscope.gdb.packets import INTERRUPT, PACKET_BYTES
from trapscope.gdb.replay import Cause, Halt, Replay

#: How gdb is told of the guest's ELF, which it then reads through `vFile`.
ELF_PATH: Final = "/trapscope/guest.elf"
_SIGNAL_TRAP: Final = 5
_SIGNAL_INTERRUPT: Final = 2
_REFUSED: Final = "E.this is a recorded run: nothing of it can be changed"
_UNSUPPORTED: Final = ""
#: EFAULT: of memory, gdb takes numbers only.
_NO_RAM: Final = "E0e"
_MEMORY_BYTES: Final = PACKET_BYTES // 4
_XFER: Final = re.compile(r"qXfer:(features|threads|exec-file):read:([^:]*):([0-9a-f]+),([0-9a-f]+)")
_POINT: Final = re.compile(r"([zZ])([0-4]),([0-9a-f]+),([0-9a-f]+)(?:;.*)?")
_MEMORY: Final = re.compile(r"m([0-9a-f]+),([0-9a-f]+)")
_THREAD: Final = re.compile(r"(?:p(?:[0-9a-f]+|-1)\.)?(-1|[0-9a-f]+)")
_FEATURES: Final = (
    f"PacketSize={PACKET_BYTES:x};QStartNoAckMode+;ReverseStep+;ReverseContinue+;swbreak+;hwbreak+;vContSupported+;"
    "qXfer:features:read+;qXfer:threads:read+;qXfer:exec-file:read+"
)


class Stub:
    """Answers for one connection over one replay. `done` once gdb has gone."""

    def __init__(self, replay: Replay, monitor: Monitor, elf: bytes) -> None:
        self._replay, self._monitor = replay, monitor
        self._files = Files({ELF_PATH: elf})
        self._thread_of = {"g": 0, "c": 0}
        """By what it is asked for (`Hg`, `Hc`), the CPU."""
        self._tells_breaks = False
        self._hardware: set[int] = set()
        """Breakpoints that gdb asked for as hardware's."""
        self._exact: dict[str, Callable[[], str]] = {
            "?": lambda: self._stopped(_SIGNAL_TRAP, 0),
            "g": self._registers,
            "s": lambda: self._told(self._replay.step(self._thread_of["c"])),
            "c": lambda: self._told(self._replay.go_on(self._thread_of["c"])),
            "bs": lambda: self._told(self._replay.step_back(self._thread_of["c"])),
            "bc": lambda: self._told(self._replay.go_back(self._thread_of["c"])),
            "vCont?": lambda: "vCont;c;C;s;S",
            "QStartNoAckMode": lambda: "OK",
            "qC": lambda: f"QC{_thread(self._thread_of['g'])}",
            "qAttached": lambda: "1",
            "qfThreadInfo": lambda: "m" + ",".join(map(_thread, range(self._replay.cpus))),
            "qsThreadInfo": lambda: "l",
            "qSymbol::": lambda: "OK",
            "D": self._leave,
        }
        self.done = False

    def answer(self, request: bytes) -> list[bytes]:
        """The bodies to send for one request; the empty body says that it is not supported."""
        if request == INTERRUPT:
            return [self._stopped(_SIGNAL_INTERRUPT, self._thread_of["c"]).encode()]
        if request.startswith(b"vFile:"):
            return [self._files.answer(request)]
        if request.startswith((b"X", b"M", b"G", b"P")):
            return [_REFUSED.encode()]
        if request == b"k":
            self.done = True
            return []
        text = request.decode("ascii", errors="replace")
        if text.startswith("qRcmd,"):
            return self._carry_out(text.removeprefix("qRcmd,"))
        return [self._plain(text).encode()]

    def _plain(self, text: str) -> str:
        if text in self._exact:
            return self._exact[text]()
        if text.startswith("qSupported"):
            self._tells_breaks = "swbreak+" in text
            return _FEATURES
        if match := _XFER.fullmatch(text):
            return self._transferred(match[1], match[2], int(match[3], 16), int(match[4], 16))
        if match := _MEMORY.fullmatch(text):
            return self._memory(int(match[1], 16), int(match[2], 16))
        if match := _POINT.fullmatch(text):
            return self._point(match[1] == "Z", match[2], int(match[3], 16), int(match[4], 16))
        if text.startswith("vCont;"):
            return self._resumed(text.removeprefix("vCont;").split(";"))
        if text.startswith("p"):
            return self._register(text[1:])
        if text.startswith("H"):
            return self._chosen(text[1:2], text[2:])
        if text.startswith("T"):
            return "OK" if self._cpu(text[1:]) is not None else "E01"
        if text.startswith("qThreadExtraInfo,"):
            cpu = self._cpu(text.partition(",")[2])
            return "E01" if cpu is None else self._monitor.about(cpu).encode().hex()
        if text.startswith("D;"):
            return self._leave()
        return _UNSUPPORTED

    def _carry_out(self, command: str) -> list[bytes]:
        try:
            told = self._monitor.carry_out(bytes.fromhex(command).decode("utf-8", errors="replace"))
        except ValueError:
            return [b"E01"]
        lines = [f"{line}\n".encode() for line in told]
        return [
            b"O" + line[at : at + _MEMORY_BYTES].hex().encode()
            for line in lines
            for at in range(0, len(line), _MEMORY_BYTES)
        ] + [b"OK"]

    def _leave(self) -> str:
        self.done = True
        return "OK"

    def _chosen(self, what: str, thread: str) -> str:
        cpu = self._cpu(thread)
        if what not in self._thread_of or cpu is None:
            return "E01"
        self._thread_of[what] = cpu
        return "OK"

    def _cpu(self, thread: str) -> int | None:
        """The CPU of a thread; the current one for 0 (any) and -1 (all); None for one that is not there."""
        match = _THREAD.fullmatch(thread)
        if match is None:
            return None
        number = int(match[1], 16)
        if number <= 0:
            return self._thread_of["g"]
        return number - 1 if number <= self._replay.cpus else None

    def _resumed(self, actions: list[str]) -> str:
        """The first step that is asked for is made; else the run goes on. All CPUs move along the recording."""
        for action in actions:
            kind, _, thread = action.partition(":")
            if kind[:1] in ("s", "S"):
                cpu = self._thread_of["c"] if not thread else self._cpu(thread)
                return "E01" if cpu is None else self._told(self._replay.step(cpu))
        if any(action[:1] in ("c", "C") for action in actions):
            return self._told(self._replay.go_on(self._thread_of["c"]))
        return _UNSUPPORTED

    def _told(self, halt: Halt) -> str:
        facts = ""
        match halt.cause:
            case Cause.BREAKPOINT if self._tells_breaks:
                address = self._replay.registers(halt.cpu)[RIP]
                facts = "hwbreak:;" if address in self._hardware else "swbreak:;"
            case Cause.WATCHPOINT:
                facts = f"watch:{halt.address:x};"
            case Cause.END:
                facts = "replaylog:end;"
            case Cause.BEGIN:
                facts = "replaylog:begin;"
            case Cause.BREAKPOINT | Cause.STEP:
                pass
        return self._stopped(_SIGNAL_TRAP, halt.cpu, facts)

    def _stopped(self, signal: int, cpu: int, facts: str = "") -> str:
        self._thread_of = {"g": cpu, "c": cpu}
        return f"T{signal:02x}thread:{_thread(cpu)};core:{cpu:x};{facts}"

    def _registers(self) -> str:
        file = self._replay.registers(self._thread_of["g"])
        return "".join(encoded(file, register) for register in GDB_REGISTERS)

    def _register(self, number: str) -> str:
        try:
            register = GDB_REGISTERS[int(number, 16)]
        except (ValueError, IndexError):
            return "E01"
        return encoded(self._replay.registers(self._thread_of["g"]), register)

    def _memory(self, address: int, length: int) -> str:
        """As many of the bytes as there are, from the first on."""
        length = min(length, _MEMORY_BYTES)
        while length > 0:
            try:
                return self._replay.memory(address, length).hex()
            except ValueError:
                length //= 2
        return _NO_RAM

    def _point(self, setting: bool, kind: str, address: int, length: int) -> str:
        if kind in ("0", "1"):
            change = set.add if setting else set.discard
            change(self._replay.breakpoints, address)
            if kind == "1":
                change(self._hardware, address)
            return "OK"
        if kind != "2":
            return _UNSUPPORTED  # reads are not recorded
        try:
            self._replay.memory(address, length)
        except ValueError:
            return _NO_RAM
        (set.add if setting else set.discard)(self._replay.watchpoints, (address, length))
        return "OK"

    def _transferred(self, what: str, annex: str, offset: int, length: int) -> str:
        if what == "features":
            whole = target_xml() if annex == "target.xml" else None
        elif what == "threads":
            whole = self._threads()
        else:
            whole = ELF_PATH
        if whole is None:
            return "E00"
        part = whole[offset : offset + length]
        return ("m" if offset + len(part) < len(whole) else "l") + part

    def _threads(self) -> str:
        threads = "".join(
            f'<thread id="{_thread(cpu)}" core="{cpu}" name="CPU {cpu}">{escape(self._monitor.about(cpu))}</thread>'
            for cpu in range(self._replay.cpus)
        )
        return f"<threads>{threads}</threads>"


def _thread(cpu: int) -> str:
    return f"{cpu + 1:x}"
