"""The Unicorn engine of one machine: one engine that is every CPU in turn, with a saved context for each.

It runs a slice of instructions of one CPU under one constant set of hooks; the recorder notes, per instruction, the
registers before it, its bytes and its stores. The rules behind the odd-looking parts are in docs/decisions/0002:
step always with `count=`; never call emu_stop or ctl_remove_cache inside a memory hook; add every hook before
the first run; after a store to text, drop the translation between runs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from unicorn import Uc, UcError, unicorn_const, x86_const

from trapscope.core.machine import apic, native
from trapscope.core.machine.code import serialises
from trapscope.core.machine.delivery import Tables, canonical
from trapscope.core.machine.faults import GP, UD, Event, Source
from trapscope.core.machine.fetch_view import FetchViews
from trapscope.core.machine.guest_memory import GuestMemory
from trapscope.core.machine.hooks import Hooks
from trapscope.core.machine.journal import Journal
from trapscope.core.machine.recorder import NOWHERE, STOP_AFTER, STOP_BEFORE, Recorder
from trapscope.core.machine.registers import WIDTH, RegisterFiles
from trapscope.core.types import (
    CS,
    GS_BASE,
    KERNEL_MAP,
    RAM_BASE,
    REGISTERS,
    RFLAGS,
    RIP,
    SS,
    FetchModel,
    ram_offset,
)

_CODE_BUFFER_BYTES: Final = 8 << 20
_TEXT_MAP: Final = KERNEL_MAP + RAM_BASE
_RESTORED: Final = frozenset(range(len(REGISTERS))) - {CS, SS, GS_BASE}


class Slice(NamedTuple):
    """What a run of one CPU did: how many instructions retired, and what it owes. The journal has the rest."""

    retired: int
    event: Event | None
    last_code: bytes
    """The bytes of the last instruction that retired, none if none did."""
    refused: bytes
    """The bytes of the instruction that was begun and is to be restarted, none if there is none."""


class Image(NamedTuple):
    """An engine at one moment: Unicorn's context of each CPU, their registers, the memory, the fetch views."""

    cpu: int
    contexts: tuple[Any, ...]
    registers: bytes
    memory: tuple[bytes, bytes]
    views: tuple[dict[int, int], ...]


class Engine:
    """One Unicorn engine, its memory, and what each CPU would decode."""

    def __init__(
        self,
        text: tuple[int, int],
        cpus: int,
        device_read: Callable[[int, int], int],
        device_write: Callable[[int, int, int], None],
        fetch: FetchModel = FetchModel.COHERENT,
        end: int = NOWHERE,
    ) -> None:
        """`text` is (first, end) of the read-only executable mapping; no run executes the instruction at `end`.

        The device is the local APIC page: `device_read` takes (offset, size), `device_write` (offset, size, value).
        """
        uc = Uc(unicorn_const.UC_ARCH_X86, unicorn_const.UC_MODE_64)
        uc.ctl_set_cpu_model(x86_const.UC_CPU_X86_ICELAKE_SERVER)
        # Before the TLB mode, which initialises the engine: afterwards it is accepted, and 1 GiB stays reserved.
        uc.ctl_set_tcg_buffer_size(_CODE_BUFFER_BYTES)
        uc.ctl_set_tlb_mode(unicorn_const.UC_TLB_VIRTUAL)
        self._uc = uc
        self.memory = GuestMemory(uc, text)
        self._views = FetchViews(cpus, fetch)
        uc.mmio_map(apic.BASE, apic.SIZE, self._on_device_read, None, self._on_device_write, None)
        self._device_read, self._device_write = device_read, device_write
        self.files = RegisterFiles(uc)
        self._recorder = Recorder(uc, self.files, self.memory, weak=fetch is FetchModel.WEAK)
        self._recorder.mark((end,), STOP_BEFORE)
        self.journal = Journal(self.files, self._recorder, self.memory, cpus)
        self._hooks = Hooks(uc, self.files, self._recorder, self.memory)
        self._handle = self.files.engine
        self._table_registers = native.TableRegister(), native.TableRegister()
        self._cpu = 0
        self._contexts = [uc.context_save() for _ in range(cpus)]
        self._saved = [context.context for context in self._contexts]
        for cpu in range(cpus):
            self.files.read(cpu)

    def stop_after(self, addresses: frozenset[int]) -> None:
        """From now on a run also stops after an instruction at any of these addresses (where PAUSE may stand)."""
        self._recorder.mark(addresses, STOP_AFTER)

    @property
    def cpu(self) -> int:
        """Which CPU the engine is now."""
        return self._cpu

    def become(self, cpu: int) -> None:
        """Make the engine that CPU; costs a context switch only if it was another."""
        if cpu != self._cpu:
            native.save_context(self._handle, self._saved[self._cpu])
            native.restore_context(self._handle, self._saved[cpu])
            left, self._cpu = self._cpu, cpu
            if self._views.weak:
                self._show([*self._views.stale(left), *self._views.stale(cpu)])

    def stale(self, cpu: int) -> dict[int, int]:
        """The bytes of text, by RAM offset, that a CPU would decode instead of what memory holds."""
        return dict(self._views.stale(cpu))

    def catch_up(self, cpu: int, offset: int | None = None) -> None:
        """Let a CPU's fetch see the newest text: all of it, or one byte by RAM offset."""
        self._catch_up(cpu, "schedule", offset)

    def snapshot(self) -> Image:
        """Everything that the engine would need to go on from here."""
        self._uc.context_update(self._contexts[self._cpu])
        contexts = []
        for context in self._contexts:
            self._uc.context_restore(context)
            contexts.append(self._uc.context_save())
        self._uc.context_restore(self._contexts[self._cpu])
        return Image(self._cpu, tuple(contexts), self.files.snapshot(), self.memory.snapshot(), self._views.snapshot())

    def restore(self, image: Image) -> None:
        """Be what the engine was at `snapshot()`; the same image can be restored any number of times.

        What the journal holds is dropped.
        """
        for mine, theirs in zip(self._contexts, image.contexts, strict=True):
            self._uc.context_restore(theirs)
            self._uc.context_update(mine)
        self._cpu = image.cpu
        self._uc.context_restore(self._contexts[self._cpu])
        self.files.restore(image.registers)
        self.journal.forget()
        self.memory.restore(image.memory)
        self._views.restore(image.views)

    def registers(self, cpu: int) -> memoryview[int]:
        """A CPU's registers after its last step, to index by register. Look, do not keep: it goes along."""
        return self.files.now[cpu]

    def set_registers(self, changes: Sequence[tuple[int, int]]) -> None:
        """Set (register index, value) pairs of the current CPU."""
        self.files.write(changes)
        self.files.read(self._cpu)

    def set_cr2(self, address: int) -> None:
        """The address of a page fault, as the handler reads it."""
        self._uc.reg_write(x86_const.UC_X86_REG_CR2, address)

    def model_specific(self, register: int) -> int:
        """Read a model-specific register of the current CPU."""
        return int(self._uc.msr_read(register))

    def set_model_specific(self, register: int, value: int) -> None:
        """Write a model-specific register of the current CPU."""
        self._uc.msr_write(register, value)

    def tables(self) -> Tables:
        """Where the current CPU's LIDT and LTR put its system tables."""
        idt, tss = self._table_registers
        native.read_register(self._handle, x86_const.UC_X86_REG_IDTR, ctypes.byref(idt))
        native.read_register(self._handle, x86_const.UC_X86_REG_TR, ctypes.byref(tss))
        return Tables(idt_base=idt.base, idt_limit=idt.limit, tss_base=tss.base)

    @property
    def is_full(self) -> bool:
        """Whether the journal must be taken before the next run or delivery."""
        return self._recorder.is_full

    def run(self, limit: int, stop_at: int = NOWHERE) -> Slice:
        """Run the current CPU for at most `limit` ≥ 1 instructions, fewer if something must be looked at first.

        It ends early at an exception, after a store to text or to the device, after PAUSE and HLT, where the journal
        is full, and before the address `stop_at` (which the first instruction may have).
        """
        cpu, hooks, journal, recorder = self._cpu, self._hooks, self.journal, self._recorder
        notes = recorder.notes
        first, stored = notes.rows, notes.stored
        stale = self._views.stale(cpu)
        if stale:
            limit = 1  # the next instruction may serialise
            recorder.lag(stale)
        hooks.begin()
        self._uc._hook_exception = None
        status = recorder.run(cpu, self.files.now[cpu][RIP], limit, stop_at)
        if self._uc._hook_exception is not None:
            raise self._uc._hook_exception
        if status and hooks.event is None:
            hooks.event = self._unexplained(UcError(status))
        if stale:
            for offset, byte in recorder.catch_up(stale).items():
                self.memory.fetched[offset] = byte
        if notes.unknown:
            journal.learn(first)
        refused = b""
        if hooks.faulted:
            # The instruction did not retire: it is to be restarted, and nothing that it stored counts.
            refused = journal.code(len(journal) - 1)
            before = self.files.kept(len(journal) - 1)
            self.files.write([(register, value) for register, value in enumerate(before) if register in _RESTORED])
            journal.drop_last()
            self.files.read(cpu)
        journal.end_turn(cpu)
        rows = notes.rows
        retired = rows - first
        code = journal.code(rows - 1) if retired else b""
        if notes.patched:
            self._patch(journal.stored(stored))
        if retired and self._views.stale(cpu) and serialises(code):
            self._catch_up(cpu, "serialised")
        return Slice(retired, hooks.event, code, refused)

    def flags_before_last(self) -> int:
        """RFLAGS before that instruction."""
        return self.files.words[(len(self.journal) - 1) * WIDTH + RFLAGS]

    def _patch(self, stores: list[tuple[int, int, int, int, int]]) -> None:
        """Between two runs: let fetches see what these stores did to text, as far as each CPU's view does."""
        for _, address, size, old, new in stores:
            offset = ram_offset(address)
            if self.memory.is_text(offset, size):
                self._views.stored(offset, old.to_bytes(size, "little"), new.to_bytes(size, "little"))
                self._show(range(offset, offset + size))
        if self._views.weak:
            for cpu in range(len(self._contexts)):
                self._tell_view(cpu, "stored")

    def _catch_up(self, cpu: int, cause: str, offset: int | None = None) -> None:
        changed = self._views.catch_up(cpu) if offset is None else self._views.catch_up_byte(cpu, offset)
        if cpu == self._cpu:
            self._show(changed)
        if changed:
            self._tell_view(cpu, cause)

    def _tell_view(self, cpu: int, cause: str) -> None:
        self.journal.see(cpu, cause, {_TEXT_MAP + at: byte for at, byte in self._views.stale(cpu).items()})

    def _show(self, offsets: Iterable[int]) -> None:
        """Make the current CPU's next fetch of these bytes follow its view."""
        stale, ram = self._views.stale(self._cpu), self.memory.ram
        self.memory.show({offset: stale.get(offset, ram[offset]) for offset in offsets})

    def _on_device_read(self, _uc: Uc, offset: int, size: int, _: Any) -> int:
        return self._device_read(offset, size)

    def _on_device_write(self, _uc: Uc, offset: int, size: int, value: int, _: Any) -> None:
        self._recorder.stop()
        value &= (1 << 8 * size) - 1
        self.journal.store_to_device(apic.BASE + offset, value.to_bytes(size, "little"))
        self._device_write(offset, size, value)

    def _unexplained(self, error: UcError) -> Event:
        if error.errno == unicorn_const.UC_ERR_INSN_INVALID:
            return Event(UD, Source.EXCEPTION)
        rip = int(self._uc.reg_read(x86_const.UC_X86_REG_RIP))
        if not canonical(rip):
            return Event(GP, Source.EXCEPTION, error_code=0)
        raise RuntimeError(f"Unicorn stopped at {rip:#x} for no reason of the guest's: {error}") from error
