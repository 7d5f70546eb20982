#ifndef GUEST_LINKAGE_H
#define GUEST_LINKAGE_H

/* For .S files: a function with its type and size, so that the symbol table covers its instructions. */
#define FUNC(name) .globl name; .type name, @function; .balign 16; name:
#define END(name) .size name, . - name

/* A label inside a function that others know by name: a call to patch, a point to compare RIP with. */
#define LABEL(name) .globl name; name:

#endif
