#ifndef GUEST_PVH_MAIN_H
#define GUEST_PVH_MAIN_H

#include "types.h"

/* The image's parts: guest.ld. */
extern u8 _text[], _etext[], __start_rodata[], __end_rodata[];

/* ap_start.S */
extern u8 ap_start[], ap_start_end[];

/* From pvh.S. */
void pvh_main(void);
extern u64 init_top_pgt[];

#endif
