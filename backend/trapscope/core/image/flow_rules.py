"""The rules by which an instruction's data flow follows from its mnemonic and operands.

One function for each kind of operation, from the Intel SDM vol. 2, each instruction's “Operation”; `RULES` says which
mnemonics go by which. What the guest's compiler and assembly use is there; `by_access` is for everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from capstone import CS_AC_READ, CS_AC_WRITE, CsInsn

from trapscope.core.image.disassembly import MemoryOperand
from trapscope.core.image.flow import (
    CF,
    CONDITIONS,
    DF,
    IF,
    OF,
    STATUS,
    Condition,
    Constant,
    Operand,
    Output,
    Part,
    Role,
    Untracked,
    Use,
)
from trapscope.core.image.parts import PARTS, SELECTOR
from trapscope.core.types import CS, GS_BASE, MASK64, RAX, RBP, RCX, RDX, RFLAGS, RIP, RSP, SS

_WORD: Final = 8

#: By the size in bytes of an implicit accumulator: it, and what it is extended into.
_ACCUMULATOR: Final = {1: Part(RAX, 0xFF), 2: Part(RAX, 0xFFFF), 4: Part(RAX, 0xFFFFFFFF), 8: Part(RAX)}


class Reading:
    """An instruction as the rules see it: operands in Intel's order, the destination first."""

    def __init__(self, insn: CsInsn, name: str, operands: list[Operand]) -> None:
        self.insn, self.name, self.operands = insn, name, operands
        self.sizes = [int(operand.size) for operand in insn.operands]

    def to(self, which: int, *uses: Use, copies: bool = False) -> list[Output]:
        """That operand set from these; none where a trace does not record it."""
        place = self.operands[which]
        if not isinstance(place, Part | MemoryOperand):
            return []
        return [Output(_widened(place), uses, copies)]

    @property
    def condition(self) -> Condition:
        return CONDITIONS[self.name.removeprefix("cmov").removeprefix("set").removeprefix("j")]


Rule = Callable[[Reading], list[Output]]


def data(operand: Operand) -> Use:
    return Use(Role.DATA, operand)


def _stack(offset: int, size: int = _WORD) -> MemoryOperand:
    """Memory at RSP as it is before the instruction."""
    return MemoryOperand(RSP, -1, 1, offset, gs=False, size=size, reads=offset >= 0, writes=offset < 0)


def _set(register: int, *uses: Use, mask: int = MASK64, copies: bool = False) -> Output:
    return Output(Part(register, mask), uses, copies)


_CONSTANT: Final = data(Constant())
_SP: Final = _set(RSP, data(Part(RSP)))
NEXT: Final = _set(RIP, data(Part(RIP)))


def _flags(mask: int, *uses: Use) -> Output:
    return _set(RFLAGS, *uses, mask=mask)


def _widened(place: Part | MemoryOperand) -> Part | MemoryOperand:
    """Setting the low 32 bits of a register clears the others (SDM vol. 1, 3.4.1.1)."""
    return Part(place.register) if isinstance(place, Part) and place.mask == 0xFFFFFFFF else place


def _move(i: Reading) -> list[Output]:
    return i.to(0, data(i.operands[1]), copies=True)


def _convert(i: Reading) -> list[Output]:
    return i.to(0, data(i.operands[1]))


def _lea(i: Reading) -> list[Output]:
    place = i.operands[1]
    if not isinstance(place, MemoryOperand):
        return by_access(i)
    uses = [data(Part(register)) for register in (place.base, place.index) if register >= 0]
    return i.to(0, *(uses or [_CONSTANT]))


def _arithmetic(i: Reading) -> list[Output]:
    """Target op= source. Subtracting a register from itself, or XOR with itself, takes nothing from it."""
    target, source = i.operands
    uses = [data(source), data(target)]
    if i.name in ("xor", "sub") and source == target:
        uses = [_CONSTANT]
    if i.name in ("adc", "sbb"):
        uses.append(Use(Role.FLAGS, Part(RFLAGS, CF)))
    return [*i.to(0, *uses), _flags(STATUS, *uses)]


def _compare(i: Reading) -> list[Output]:
    return [_flags(STATUS, *dict.fromkeys(map(data, i.operands)))]


def _count(i: Reading) -> list[Output]:
    """INC and DEC leave CF alone."""
    use = data(i.operands[0])
    return [*i.to(0, use), _flags(STATUS & ~CF, use)]


def _negate(i: Reading) -> list[Output]:
    use = data(i.operands[0])
    return [*i.to(0, use), *([] if i.name == "not" else [_flags(STATUS, use)])]


def _shift(i: Reading) -> list[Output]:
    """A count of 0, which only CL can be, leaves the flags as they were; a rotation sets but two of them."""
    uses = [data(operand) for operand in i.operands]
    mask = CF | OF if i.name in ("rol", "ror", "rcl", "rcr") else STATUS
    kept = [data(Part(RFLAGS, mask))] if any(isinstance(operand, Part) for operand in i.operands[1:]) else []
    if i.name in ("rcl", "rcr"):
        uses.append(Use(Role.FLAGS, Part(RFLAGS, CF)))
    return [*i.to(0, *uses), _flags(mask, *uses, *kept)]


def _multiply(i: Reading) -> list[Output]:
    if len(i.operands) == 1:
        return _wide(i)
    uses = [data(operand) for operand in (i.operands[1:] if len(i.operands) == 3 else reversed(i.operands))]
    return [*i.to(0, *uses), _flags(STATUS, *uses)]


def _wide(i: Reading) -> list[Output]:
    """MUL, DIV and their like: between the operand and RDX:RAX."""
    uses = [data(i.operands[0]), data(Part(RAX))] + ([data(Part(RDX))] if "div" in i.name else [])
    if i.sizes[0] == 1:
        return [_set(RAX, *uses, mask=0xFFFF), _flags(STATUS, *uses)]
    mask = MASK64 if i.sizes[0] > 2 else 0xFFFF
    return [_set(RAX, *uses, mask=mask), _set(RDX, *uses, mask=mask), _flags(STATUS, *uses)]


def _set_if(i: Reading) -> list[Output]:
    return i.to(0, i.condition.use)


def _move_if(i: Reading) -> list[Output]:
    condition = i.condition
    kept = (data(i.operands[0]), condition.use)
    return [
        Output(output.place, (data(i.operands[1]), condition.use), copies=True, condition=condition, otherwise=kept)
        for output in i.to(0)
    ]


def _jump_if(i: Reading) -> list[Output]:
    condition = i.condition
    uses = (condition.use, _CONSTANT)
    return [Output(Part(RIP), uses, condition=condition, otherwise=(condition.use, data(Part(RIP))))]


def _jump(i: Reading) -> list[Output]:
    return [_set(RIP, data(i.operands[0]), copies=True)]


def _call(i: Reading) -> list[Output]:
    return [
        _set(RIP, data(i.operands[0]), copies=True),
        _SP,
        Output(_stack(-_WORD), (data(Part(RIP)),)),
    ]


def _push(i: Reading) -> list[Output]:
    size = _WORD if isinstance(i.operands[0], Constant) else max(i.sizes[0], 2)
    return [Output(_stack(-size, size), (data(i.operands[0]),), copies=True), _SP]


def _push_flags(_: Reading) -> list[Output]:
    return [Output(_stack(-_WORD), (data(Part(RFLAGS)),)), _SP]


def _pop(i: Reading) -> list[Output]:
    return [*i.to(0, data(_stack(0, i.sizes[0])), copies=True), *([] if i.operands[0] == Part(RSP) else [_SP])]


def _pop_flags(_: Reading) -> list[Output]:
    return [_set(RFLAGS, data(_stack(0))), _SP]


def _return(_: Reading) -> list[Output]:
    return [_set(RIP, data(_stack(0)), copies=True), _SP]


def _return_far(i: Reading) -> list[Output]:
    size = _WORD if i.name == "retfq" else 4
    return [
        _set(RIP, data(_stack(0, size)), copies=True),
        _set(CS, data(_stack(size, 2)), mask=SELECTOR, copies=True),
        _SP,
    ]


def _return_from_interrupt(_: Reading) -> list[Output]:
    """The five words, from the stack pointer up. RFLAGS is not simply copied: reserved bits stay as they are."""
    return [
        _set(RIP, data(_stack(0)), copies=True),
        _set(CS, data(_stack(_WORD, 2)), mask=SELECTOR, copies=True),
        _set(RFLAGS, data(_stack(2 * _WORD))),
        _set(RSP, data(_stack(3 * _WORD)), copies=True),
        _set(SS, data(_stack(4 * _WORD, 2)), mask=SELECTOR, copies=True),
    ]


def _leave(_: Reading) -> list[Output]:
    saved = MemoryOperand(RBP, -1, 1, 0, gs=False, size=_WORD, reads=True, writes=False)
    return [_set(RBP, data(saved), copies=True), _set(RSP, data(Part(RBP)))]


def _exchange(i: Reading) -> list[Output]:
    one, other = i.operands
    return [*i.to(0, data(other), copies=True), *i.to(1, data(one), copies=True)]


def _exchange_and_add(i: Reading) -> list[Output]:
    target, source = i.operands
    uses = (data(source), data(target))
    return [*i.to(0, *uses), *i.to(1, data(target), copies=True), _flags(STATUS, *uses)]


def _compare_and_exchange(i: Reading) -> list[Output]:
    """ZF afterwards tells: where the accumulator was equal the source is stored, else what was there is loaded."""
    target, source = i.operands
    accumulator = _ACCUMULATOR[i.sizes[0]]
    equal = CONDITIONS["e"]
    compared = (data(accumulator), data(target))
    chosen = [
        Output(output.place, (data(source), *compared), copies=True, condition=equal, otherwise=(data(target),))
        for output in i.to(0)
    ]
    loaded = Output(
        _widened(accumulator), (data(accumulator),), copies=True, condition=equal, otherwise=(data(target),)
    )
    return [*chosen, loaded, _flags(STATUS, *compared)]


def _bit_test(i: Reading) -> list[Output]:
    uses = [data(operand) for operand in reversed(i.operands)]
    return [*([] if i.name == "bt" else i.to(0, *uses)), _flags(CF, *uses)]


def _bit_scan(i: Reading) -> list[Output]:
    """Of 0 it sets ZF and leaves the destination."""
    uses = [data(i.operands[1]), data(i.operands[0])]
    return [*i.to(0, *uses), _flags(STATUS, *uses[:1])]


def _extend_accumulator(i: Reading) -> list[Output]:
    """CBW, CWDE, CDQE: into more of RAX. CWD, CDQ, CQO: into RDX."""
    size = {"cbw": 1, "cwde": 2, "cdqe": 4, "cwd": 2, "cdq": 4, "cqo": 8}[i.name]
    use = data(_ACCUMULATOR[size])
    if i.name in ("cbw", "cwde", "cdqe"):
        return [_set(RAX, use, mask=0xFFFF if size == 1 else MASK64)]
    return [_set(RDX, use, mask=0xFFFF if size == 2 else MASK64)]


def _swap_bytes(i: Reading) -> list[Output]:
    return i.to(0, data(i.operands[0]))


def _one_flag(i: Reading) -> list[Output]:
    mask = {"cli": IF, "sti": IF, "cld": DF, "std": DF, "clc": CF, "stc": CF, "cmc": CF}[i.name]
    return [_flags(mask, data(Part(RFLAGS, CF)) if i.name == "cmc" else _CONSTANT)]


def _write_msr(_: Reading) -> list[Output]:
    """A trace has one of them, the GS base; which was written is in ECX. Any other leaves it as it was."""
    low, high, which = Part(RAX, 0xFFFFFFFF), Part(RDX, 0xFFFFFFFF), Part(RCX, 0xFFFFFFFF)
    return [_set(GS_BASE, data(low), data(high), data(Part(GS_BASE)), Use(Role.ADDRESS, which))]


def _read_port(i: Reading) -> list[Output]:
    return i.to(0, data(Untracked("an I/O port", device=True)))


def _nothing(_: Reading) -> list[Output]:
    return []


def by_access(i: Reading) -> list[Output]:
    """Every output from every input, as Capstone lists them."""
    read, written = i.insn.regs_access()
    places: list[Part | MemoryOperand] = [PARTS[name] for r in written if (name := i.insn.reg_name(r)) in PARTS]
    uses = [data(PARTS[name]) for r in read if (name := i.insn.reg_name(r)) in PARTS and name != "rip"]
    for operand, found in zip(i.insn.operands, i.operands, strict=True):
        if isinstance(found, MemoryOperand):
            places += [found] if operand.access & CS_AC_WRITE else []
            uses += [data(found)] if operand.access & CS_AC_READ else []
    uses = uses or [data(Untracked(f"whatever {i.name} answers"))]
    return [Output(Part(RFLAGS, STATUS) if place == Part(RFLAGS) else _widened(place), tuple(uses)) for place in places]


RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(("mov", "movabs", "movzx"), _move),
    **dict.fromkeys(("movsx", "movsxd"), _convert),
    "lea": _lea,
    **dict.fromkeys(("add", "adc", "sub", "sbb", "and", "or", "xor"), _arithmetic),
    **dict.fromkeys(("cmp", "test"), _compare),
    **dict.fromkeys(("inc", "dec"), _count),
    **dict.fromkeys(("neg", "not"), _negate),
    **dict.fromkeys(("shl", "sal", "shr", "sar", "rol", "ror", "rcl", "rcr"), _shift),
    "imul": _multiply,
    **dict.fromkeys(("mul", "div", "idiv"), _wide),
    **dict.fromkeys((f"set{name}" for name in CONDITIONS), _set_if),
    **dict.fromkeys((f"cmov{name}" for name in CONDITIONS), _move_if),
    **dict.fromkeys((f"j{name}" for name in CONDITIONS), _jump_if),
    "jmp": _jump,
    "call": _call,
    "push": _push,
    "pop": _pop,
    "pushfq": _push_flags,
    "popfq": _pop_flags,
    "ret": _return,
    **dict.fromkeys(("retf", "retfq"), _return_far),
    "iretq": _return_from_interrupt,
    "leave": _leave,
    "xchg": _exchange,
    "xadd": _exchange_and_add,
    "cmpxchg": _compare_and_exchange,
    **dict.fromkeys(("bt", "bts", "btr", "btc"), _bit_test),
    **dict.fromkeys(("bsf", "bsr", "tzcnt", "lzcnt"), _bit_scan),
    **dict.fromkeys(("cbw", "cwde", "cdqe", "cwd", "cdq", "cqo"), _extend_accumulator),
    "bswap": _swap_bytes,
    **dict.fromkeys(("cli", "sti", "cld", "std", "clc", "stc", "cmc"), _one_flag),
    "wrmsr": _write_msr,
    "in": _read_port,
    **dict.fromkeys(
        ("nop", "pause", "hlt", "int3", "int", "ud2", "out", "endbr64", "lgdt", "lidt", "ltr", "lldt", "invlpg",
         "mfence", "lfence", "sfence", "wbinvd", "clflush"),
        _nothing,
    ),
}  # fmt: skip
