"""Instructions as text and as operands."""

import pytest

from trapscope.core.image import Disassembler, Image
from trapscope.core.types import GS_BASE, RAX, RCX, RDX, REGISTERS, RIP, RSP

NAMES = {0x1005: "callee+0x0", 0x1010: "table+0x8", 0xFFFFFFFF81000000: "traced_fn+0x0"}


@pytest.fixture
def disassembler() -> Disassembler:
    return Disassembler(NAMES.get, {0x38: "current_task+0x0"}.get)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("e800000000", "call callee"),
        ("e801000000", "call 0x1006"),
        ("7403", "je callee"),
        ("488b0509000000", "mov rax, qword ptr [rip + table+0x8]"),
        ("488b0508000000", "mov rax, qword ptr [rip + 8]"),
        ("65488b042538000000", "mov rax, qword ptr gs:[current_task]"),
        ("48c7c700000081", "mov rdi, offset traced_fn"),
        ("488b54c818", "mov rdx, qword ptr [rax + rcx*8 + 0x18]"),
        ("48cf", "iretq"),
        ("cc", "int3"),
        ("e8", "(bad)"),
    ],
)
def test_text_names_what_has_a_name(disassembler: Disassembler, code: str, text: str) -> None:
    assert disassembler.text(0x1000, bytes.fromhex(code)) == text


def test_the_same_bytes_elsewhere_have_another_target(disassembler: Disassembler) -> None:
    code = bytes.fromhex("e800000000")
    assert (disassembler.text(0x1000, code), disassembler.text(0x2000, code)) == ("call callee", "call 0x2005")


def registers(**values: int) -> list[int]:
    return [values.get(name, 0) for name in REGISTERS]


def test_effective_addresses_follow_base_index_scale_and_displacement(disassembler: Disassembler) -> None:
    (load,) = disassembler.decode(bytes.fromhex("488b54c818")).loads
    assert (load.base, load.index, load.scale, load.displacement, load.size) == (RAX, RCX, 8, 0x18, 8)
    assert load.address(registers(rax=0x1000, rcx=2), 0) == 0x1028


def test_effective_addresses_wrap_at_64_bits(disassembler: Disassembler) -> None:
    (load,) = disassembler.decode(bytes.fromhex("488b54c818")).loads
    assert load.address(registers(rax=0x1000, rcx=(1 << 64) - 1), 0) == 0x1010


def test_gs_adds_its_base_and_rip_the_next_instruction(disassembler: Disassembler) -> None:
    (per_cpu,) = disassembler.decode(bytes.fromhex("65488b042538000000")).loads
    assert per_cpu.gs
    assert per_cpu.address(registers(gs_base=0x5000), 0) == 0x5038
    (relative,) = disassembler.decode(bytes.fromhex("488b0509000000")).loads
    assert relative.base == RIP
    assert relative.address(registers(), 0x1007) == 0x1010


def test_a_store_is_no_load_and_a_locked_add_is_both(disassembler: Disassembler) -> None:
    store = disassembler.decode(bytes.fromhex("48895018"))
    assert (len(store.loads), len(store.stores), store.source) == (0, 1, RDX)
    both = disassembler.decode(bytes.fromhex("f0830001"))
    assert (len(both.loads), len(both.stores)) == (1, 1)


@pytest.mark.parametrize("code", ["488d4424f8", "0f1f440000", "67890500000000"])
def test_lea_nop_and_32_bit_addresses_access_nothing(disassembler: Disassembler, code: str) -> None:
    insn = disassembler.decode(bytes.fromhex(code))
    assert not [operand for operand in insn.memory if operand.base != RIP and (operand.reads or operand.writes)]


def test_lines_cover_every_byte_even_of_what_is_no_code(disassembler: Disassembler) -> None:
    code = bytes.fromhex("5006e800000000e8")
    lines = disassembler.lines(0x0FFE, code)
    assert b"".join(insn for _, insn, _ in lines) == code
    assert [text for _, _, text in lines] == ["push rax", "(bad)", "call callee", "(bad)"]


def test_the_guests_stub_reads_as_it_was_written(image: Image) -> None:
    stub = image.symbol("ftrace_int3_stub_regs_caller")
    lines = image.disassembler.lines(stub.address, image.bytes_at(stub.address, stub.size))
    texts = [text for _, _, text in lines]
    assert "mov rax, qword ptr gs:[current_task]" in texts
    assert texts[-1] == "jmp ftrace_regs_caller"


def test_gs_base_and_rsp_are_where_the_operands_expect_them() -> None:
    assert (REGISTERS[GS_BASE], REGISTERS[RSP]) == ("gs_base", "rsp")
