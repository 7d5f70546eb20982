#ifndef GUEST_LINKAGE_H
#define GUEST_LINKAGE_H

/*
 * For .S files: a function with its type and size, so that the symbol table covers its instructions, and
 * with call frame information, so that a debugger finds who called: at its first instruction the return
 * address lies on top of the stack. Whoever moves RSP says so by PUSH, POP or a .cfi_ line of its own.
 */
#define FUNC(name) .globl name; .type name, @function; .balign 16; .cfi_startproc; name:
#define END(name) .cfi_endproc; .size name, . - name

	.cfi_sections .debug_frame

.macro PUSH reg
	push	\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
.endm

.macro POP reg
	pop	\reg
	.cfi_adjust_cfa_offset -8
	.cfi_same_value \reg
.endm

/* A label inside a function that others know by name: a call to patch, a point to compare RIP with. */
#define LABEL(name) .globl name; name:

/*
 * For a stub that makes a call at another place than it was in the text. Before its return address is in
 * its place, the top of the stack is what the interrupted instruction saw: a function's site has its
 * function's caller there, a call inside a trampoline has the trampoline's data.
 */
.macro CFI_CALL_AHEAD target
	.ifc \target, ftrace_ops_list_func
	.cfi_undefined %rip
	.endif
.endm

.macro CFI_CALL_MADE
	.cfi_adjust_cfa_offset -8
	.cfi_offset %rip, -8
.endm

#endif
