/*
 * The three functions of the C library that are used. Plain loops: emulators disagree on how many steps a
 * REP string instruction takes, so there is none in this image.
 */
#include "types.h"

void *memcpy(void *dst, const void *src, size_t n)
{
	const u8 *from = src;
	u8 *to = dst;

	for (; n >= 8; n -= 8, from += 8, to += 8)
		*(u64 *)to = *(const u64 *)from;
	while (n--)
		*to++ = *from++;
	return dst;
}

void *memset(void *dst, int value, size_t n)
{
	u8 *to = dst;

	while (n--)
		*to++ = (u8)value;
	return dst;
}
