#ifndef GUEST_CALL_WITH_RSP_H
#define GUEST_CALL_WITH_RSP_H

/* call_with_rsp.S */
void call_with_rsp(void (*fn)(void), unsigned long odd);

#endif
