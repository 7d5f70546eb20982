/*
 * What Unicorn's hooks note while a CPU runs a slice: the registers before each instruction, which instruction it is,
 * and every store. All that happens once an instruction happens here; what happens once a slice, or less often, is
 * Python's (core/machine/recorder.py, which has the same struct).
 *
 * Nothing of a C library is used, so that one binary does for every Linux of its architecture. Unicorn's functions come
 * in as pointers. A hook only notes and asks for a stop: emu_stop inside a memory hook would repeat the store.
 */
#include <stddef.h>
#include <stdint.h>

enum { STOP_AFTER = 1, STOP_BEFORE = 2 };

struct store {
	uint64_t address;
	uint64_t old;   /* little-endian, of `size` bytes */
	uint64_t value; /* the same */
	uint32_t row;
	uint32_t size;
};

struct recorder {
	/* Unicorn's. */
	int (*start)(void *uc, uint64_t begin, uint64_t until, uint64_t timeout, size_t count);
	int (*stop)(void *uc);
	int (*read_registers)(void *uc, const int *ids, void *const *cells, int count);
	void *uc;

	const int *ids;   /* of the `width` registers of a file */
	uint64_t *files;  /* row i's are files[i * width] to files[i * width + width - 1] */
	uint8_t *ram;     /* guest RAM */
	uint8_t *fetched; /* what fetches of text see; it, and the four below, by RAM offset */
	const int32_t *code_at; /* the number of the instruction there, or -1 */
	const uint8_t *marks;   /* STOP_AFTER, STOP_BEFORE */
	const uint8_t *lags;    /* 1 where fetches of the CPU that runs are not as RAM has it */

	/* What is noted: of each row, and the stores of all rows. */
	int32_t *codes;
	uint64_t *rips;
	uint8_t *sizes;
	struct store *stores;
	uint32_t *shown; /* offsets of text whose bytes in `fetched` were replaced by RAM's, for a data read */

	uint64_t kernel_map; /* the two virtual addresses of RAM's first byte */
	uint64_t direct_map;
	uint64_t ram_size;
	uint64_t text_first; /* RAM offsets */
	uint64_t text_end;
	uint64_t stop_at; /* do not execute this address, unless it is the first */
	uint32_t width;
	uint32_t stores_most;
	uint32_t shown_most;
	uint32_t lagging; /* some of `lags` are 1 */

	uint32_t first; /* this run's first row */
	uint32_t rows;
	uint32_t stored;
	uint32_t shown_count;
	uint32_t stopping; /* the run is over behind the instruction at hand */
	uint32_t unknown;  /* some of this run's codes are -1 */
	uint32_t patched;  /* some of this run's stores went to text */
};

/* One instruction with all its stores must still fit when it begins. */
enum { STORES_OF_ONE = 64, MOST_REGISTERS = 64 };

static void read_file(struct recorder *r, uint64_t *file)
{
	void *cells[MOST_REGISTERS];

	for (uint32_t i = 0; i < r->width; i++)
		cells[i] = file + i;
	r->read_registers(r->uc, r->ids, cells, r->width);
}

void recorder_on_code(void *uc, uint64_t address, uint32_t size, struct recorder *r)
{
	uint64_t at = address - r->kernel_map;
	uint32_t row = r->rows;
	uint8_t mark = at < r->text_end ? r->marks[at] : 0;
	int32_t code = at < r->text_end ? r->code_at[at] : -1;

	if (r->stopping || (mark & STOP_BEFORE) || (address == r->stop_at && row > r->first) ||
	    r->stored + STORES_OF_ONE > r->stores_most) {
		r->stop(uc);
		return;
	}
	read_file(r, r->files + (size_t)row * r->width);
	r->codes[row] = code;
	r->rips[row] = address;
	r->sizes[row] = size;
	r->rows = row + 1;
	if (code < 0)
		r->unknown = 1;
	if (mark & STOP_AFTER)
		r->stopping = 1;
}

void recorder_on_write(void *uc, int access, uint64_t address, int size, int64_t value, struct recorder *r)
{
	uint64_t at = address - r->kernel_map;
	struct store *store = r->stores + r->stored;
	uint64_t old = 0, new = 0;

	(void)uc, (void)access;
	if (at >= r->ram_size)
		at = address - r->direct_map;
	if (at >= r->ram_size || at + size > r->ram_size || r->stored == r->stores_most)
		return; /* the local APIC, or a store that faults */
	for (int byte = size - 1; byte >= 0; byte--) {
		old = old << 8 | r->ram[at + byte];
		new = new << 8 | ((uint64_t)value >> 8 * byte & 0xff);
	}
	*store = (struct store){address, old, new, r->rows - 1, size};
	r->stored++;
	if (at < r->text_end && at + size > r->text_first)
		r->patched = r->stopping = 1;
}

/* A data read of text is coherent: show RAM's bytes for this instruction; no new translation sees them. */
void recorder_on_read(void *uc, int access, uint64_t address, int size, int64_t value, struct recorder *r)
{
	uint64_t at = address - r->kernel_map;

	(void)uc, (void)access, (void)value;
	if (!r->lagging || at >= r->text_end)
		return;
	for (uint64_t end = at + size; at < end && at < r->text_end; at++) {
		if (r->lags[at] && r->shown_count < r->shown_most) {
			r->shown[r->shown_count++] = at;
			r->fetched[at] = r->ram[at];
		}
	}
}

/* What Python's struct must have too. */
size_t recorder_size(void)
{
	return sizeof(struct recorder);
}

/* Run the engine's CPU from `rip` for at most `count` instructions, then read its registers into `now`. */
int recorder_run(struct recorder *r, uint64_t rip, uint64_t until, size_t count, uint64_t *now)
{
	int status;

	r->first = r->rows;
	r->stopping = r->unknown = r->patched = 0;
	status = r->start(r->uc, rip, until, 0, count);
	read_file(r, now);
	return status;
}
