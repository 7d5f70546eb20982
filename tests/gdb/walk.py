"""Runs inside a real gdb (`source`): walks a run as asked and prints what gdb shows, a JSON line a stop.

Asked by the environment: WALK, a JSON list of [command, times]; each is carried out so often, and after each time
registers of all threads, five bytes of the patch site and the moment are printed.
"""

import json
import os

import gdb  # gdb's own module: it exists inside gdb only

NAMES = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
    "rip", "eflags", "cs", "ss", "gs_base",
]  # fmt: skip


def value(frame, name):
    return int(frame.read_register(name).format_string(format="x"), 16)


def shown(command, told):
    selected = gdb.selected_thread().num
    registers = {}
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda each: each.num):
        thread.switch()
        frame = gdb.newest_frame()
        registers[thread.num - 1] = [value(frame, name) for name in NAMES]
    gdb.execute(f"thread {selected}", to_string=True)
    site = bytes(gdb.selected_inferior().read_memory(int(gdb.parse_and_eval("(unsigned long)&traced_fn")), 5)).hex()
    moment = int(gdb.execute("monitor moment", to_string=True).split()[1])
    print(json.dumps([command, moment, selected - 1, registers, site, told]))


for command, times in json.loads(os.environ["WALK"]):
    for _ in range(times):
        try:
            told = gdb.execute(command, to_string=True)
        except gdb.error as error:
            told = f"error: {error}"
        if command.startswith("monitor"):
            gdb.execute("maintenance flush register-cache", to_string=True)
        shown(command, told)
