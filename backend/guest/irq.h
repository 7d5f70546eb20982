#ifndef GUEST_IRQ_H
#define GUEST_IRQ_H

/* irq.c */
void irq_enter(void);
void irq_exit(void);

/* softirq.c */
#define TIMER_SOFTIRQ 1
void raise_softirq(int nr);
int local_softirq_pending(void);
void __do_softirq(void);

#endif
