"""Builds the guest kernel: the ELF that the emulator and QEMU run, a layout object, a copy of the sources.

Nothing of the machine it runs on gets into the output: the compiler is pinned, source paths are mapped to
/guest, objects are linked in a fixed order, so the same sources give the same bytes anywhere.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

SOURCE = Path(__file__).resolve().parent

#: Built with a call to __fentry__ at each function's start. All other files are entry code, handlers, the
#: scheduler, ftrace itself: tracing those would trace the tracer.
TRACED = frozenset({"workload.c"})

#: Only compiled: asm-offsets.c to assembly text, layouts.c to an object that is never linked.
NOT_LINKED = frozenset({"asm-offsets.c", "layouts.c"})

COMMON_FLAGS = (
    "-target", "x86_64-freestanding-none", "-g", "-gdwarf-5", "-fno-pic", "-fno-pie",
    "-fno-sanitize=all", "-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument",
)  # fmt: skip
#: zig's driver turns -O1 into -O2 and brings SSE back after -mgeneral-regs-only: hence -Xclang and -mcpu.
C_FLAGS = (
    "-std=gnu11", "-O1", "-Xclang", "-O1", "-ffreestanding", "-fno-builtin", "-mcmodel=kernel", "-mno-red-zone",
    "-mcpu=x86_64-mmx-sse-sse2-x87+soft_float", "-mstack-alignment=8", "-fomit-frame-pointer", "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fcf-protection=none", "-fno-jump-tables",
    "-fno-optimize-sibling-calls", "-finline-hint-functions", "-fno-common", "-fno-strict-aliasing",
)  # fmt: skip
LINK_FLAGS = (
    "-nostdlib", "-static", "-Wl,-T,guest.ld", "-Wl,--build-id=none", "-Wl,--no-gc-sections",
    "-Wl,-z,max-page-size=4096", "-Wl,-e,startup_64", "-Wl,--fatal-warnings",
)  # fmt: skip


@dataclass(frozen=True)
class Toolchain:
    """The pinned compiler, run where the sources are, with its caches and output in a folder of its own."""

    work: Path

    def cc(self, *arguments: str) -> None:
        """Ends the program if the compiler fails; it has said why on stderr by then."""
        environment = os.environ | {
            "ZIG_GLOBAL_CACHE_DIR": str(self.work / "cache"),
            "ZIG_LOCAL_CACHE_DIR": str(self.work / "cache"),
            "SOURCE_DATE_EPOCH": "0",
        }
        paths = (f"-ffile-prefix-map={SOURCE}=/guest", f"-ffile-prefix-map={self.work}=/guest")
        command = [sys.executable, "-m", "ziglang", "cc", *COMMON_FLAGS, *paths, "-I.", f"-I{self.work}", *arguments]
        if subprocess.run(command, cwd=SOURCE, env=environment, check=False).returncode:
            raise SystemExit("the guest does not build: ziglang cc " + " ".join(arguments[-3:]))

    def compile_c(self, source: str, output: Path, *flags: str, dynamic_ftrace: bool = True) -> None:
        """One C file; `dynamic_ftrace` is the kernel option that the seed patch depends on."""
        config = ["-DCONFIG_DYNAMIC_FTRACE=1"] if dynamic_ftrace else []
        trace = ["-pg", "-mfentry"] if source in TRACED else []
        self.cc(*C_FLAGS, *config, *trace, *(flags or ("-c",)), source, "-o", str(output))


def write_asm_offsets(toolchain: Toolchain) -> None:
    """The kernel's own trick: offsets appear as `->NAME $value expression` in the compiler's assembly output."""
    text = toolchain.work / "asm-offsets.s"
    toolchain.compile_c("asm-offsets.c", text, "-S", "-g0")
    lines = ["/* Generated from asm-offsets.c by build.py. */"]
    for line in re.findall(r'\.ascii\s+"->(.*)"', text.read_text()):
        match = re.fullmatch(r"(\w+) \$?(-?\d+) (.*)", line)
        lines.append(f"#define {match[1]} {match[2]} /* {match[3]} */" if match else "")
    (toolchain.work / "asm-offsets.h").write_text("\n".join(lines) + "\n")


def fentry_sites(obj: Path) -> Iterator[tuple[str, int]]:
    """Every call to __fentry__ in an object, as (function, offset in it), from the object's relocations."""
    elf = ELFFile(io.BytesIO(obj.read_bytes()))
    symbols = elf.get_section_by_name(".symtab")
    assert isinstance(symbols, SymbolTableSection)
    functions = [s for s in symbols.iter_symbols() if s["st_info"]["type"] == "STT_FUNC"]
    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection):
            continue
        for relocation in section.iter_relocations():
            if symbols.get_symbol(relocation["r_info_sym"]).name != "__fentry__":
                continue
            site = relocation["r_offset"] - 1  # the relocated word follows the opcode e8
            owner = next(
                f
                for f in functions
                if f["st_shndx"] == section["sh_info"] and f["st_value"] <= site < f["st_value"] + f["st_size"]
            )
            if owner["st_info"]["bind"] != "STB_GLOBAL":
                raise SystemExit(f"{obj.name}: {owner.name} is static and traced; make it global or notrace")
            yield owner.name, site - owner["st_value"]


def write_mcount_table(toolchain: Toolchain, objects: Sequence[Path]) -> Path:
    """The table of sites that ftrace_init() walks. Functions of one object come in ascending order already."""
    lines = ["/* Generated by build.py from the objects' relocations against __fentry__. */"]
    lines.append('\t.section __mcount_loc, "a"')
    for obj in objects:
        lines += [f"\t.quad\t{name} + {offset}" for name, offset in fentry_sites(obj)]
    table = toolchain.work / "mcount_loc.S"
    table.write_text("\n".join(lines) + "\n")
    return table


def build(out: Path) -> Path:
    """Builds everything into `out` and returns the ELF's path. Existing files there are replaced."""
    with tempfile.TemporaryDirectory() as folder:
        toolchain = Toolchain(Path(folder).resolve())
        write_asm_offsets(toolchain)
        objects = []
        for source in sorted(p.name for p in SOURCE.glob("*.[cS]") if p.name not in NOT_LINKED):
            objects.append(toolchain.work / f"{source}.o")
            if source.endswith(".c"):
                toolchain.compile_c(source, objects[-1])
            else:
                toolchain.cc("-c", source, "-o", str(objects[-1]))
        table = write_mcount_table(toolchain, objects)
        objects.append(table.with_suffix(".S.o"))
        toolchain.cc("-c", str(table), "-o", str(objects[-1]))
        toolchain.compile_c("layouts.c", toolchain.work / "layouts-noftrace.o", dynamic_ftrace=False)
        toolchain.cc(*LINK_FLAGS, *map(str, objects), "-o", str(toolchain.work / "guest.elf"))
        install(toolchain.work, out)
    return out / "guest.elf"


def install(work: Path, out: Path) -> None:
    """Copies the results, and the sources that the source pane shows, generated ones included."""
    sources = out / "src"
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    for path in sorted([*SOURCE.glob("*.[chS]"), SOURCE / "guest.ld", SOURCE / "README.md"]):
        shutil.copyfile(path, sources / path.name)
    for name in ("asm-offsets.h", "mcount_loc.S"):
        shutil.copyfile(work / name, sources / name)
    for name in ("guest.elf", "layouts-noftrace.o"):
        shutil.copyfile(work / name, out / name)


def main() -> None:
    """The command line: build.py --out FOLDER."""
    parser = argparse.ArgumentParser(description="Builds the guest kernel.")
    parser.add_argument("--out", type=Path, required=True, help="folder for guest.elf, layouts-noftrace.o, src/")
    print(build(parser.parse_args().out))


if __name__ == "__main__":
    main()
