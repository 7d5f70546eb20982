import { expect, it } from "vitest";
import { compactInsn } from "../../../src/state/guest/assembly";

it.each([
  ["mov qword ptr [rdi + 0x80], rcx", "mov [rdi+0x80], rcx"],
  ["mov dword ptr [rip + scenario_running], 1", "mov dword [rip+scenario_running], 1"],
  ["mov rax, qword ptr gs:[current_task]", "mov rax, gs:[current_task]"],
  ["lock inc dword ptr [rip + report+0x14]", "lock inc dword [rip+report+0x14]"],
  ["movzx eax, byte ptr [rdi]", "movzx eax, byte [rdi]"],
  ["push qword ptr [rsp + 0x28]", "push qword [rsp+0x28]"],
  ["call traced_fn", "call traced_fn"],
  ["nop dword ptr [rax + rax]", "nop dword [rax+rax]"],
])("writes %s as %s", (text, compact) => {
  expect(compactInsn(text)).toBe(compact);
});
