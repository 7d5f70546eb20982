#ifndef GUEST_TRAPS_H
#define GUEST_TRAPS_H

#include "ptrace.h"

/* Where the IDT's gates point: entry.S, nmi.S. */
void int3(void);
void int3_create_gap(void);
void invalid_op(void);
void general_protection(void);
void page_fault(void);
void double_fault(void);
void nmi(void);
void nmi_plain(void);
void machine_check(void);
void apic_timer_interrupt(void);
void call_function_interrupt(void);

/* What those call. */
void do_int3(struct pt_regs *regs, long error_code);
void do_invalid_op(struct pt_regs *regs, long error_code);
void do_general_protection(struct pt_regs *regs, long error_code);
void do_page_fault(struct pt_regs *regs, long error_code);
void do_double_fault(struct pt_regs *regs, long error_code);
void do_nmi(struct pt_regs *regs, long error_code);
void do_machine_check(struct pt_regs *regs, long error_code);
void smp_apic_timer_interrupt(struct pt_regs *regs);
void smp_call_function_interrupt(struct pt_regs *regs);

#endif
