/*
 * The C half of pvh.S: page tables with permissions, the old interrupt controllers silenced, the other
 * CPUs started. Runs once, on CPU 0, on a machine that has firmware; an emulator's host does all this itself.
 */
#include "apic.h"
#include "pvh_main.h"
#include "processor.h"
#include "segment.h"
#include "text_patching.h"

#define PTRS 512
#define PAGE_SIZE 4096UL
#define PMD_SIZE 0x200000UL
#define RAM_BASE 0x1000000UL
#define RAM_PAGES 256

#define PAGE_PRESENT 0x001UL
#define PAGE_RW 0x002UL
#define PAGE_UNCACHED 0x018UL
#define PAGE_PSE 0x080UL
#define PAGE_NX (1UL << 63)
#define TABLE (PAGE_PRESENT | PAGE_RW)

#define AP_START 0x8000UL /* below one mebibyte, at a page: what a start-up IPI can name */

#define __page_table __section(".bss..page_tables") __aligned(4096)
__page_table u64 init_top_pgt[PTRS];
static __page_table u64 text_pud[PTRS], text_pmd[PTRS], text_pte[PTRS];
static __page_table u64 alias_pud[PTRS], alias_pmd[PTRS], alias_pte[PTRS];
static __page_table u64 apic_pud[PTRS], apic_pmd[PTRS];

static int pud_index(u64 address)
{
	return address >> 30 & (PTRS - 1);
}

static int pmd_index(u64 address)
{
	return address >> 21 & (PTRS - 1);
}

static int pgd_index(u64 address)
{
	return address >> 39 & (PTRS - 1);
}

static void map(u64 address, u64 *pud, u64 *pmd, u64 entry)
{
	init_top_pgt[pgd_index(address)] = __pa_symbol(pud) | TABLE;
	pud[pud_index(address)] = __pa_symbol(pmd) | TABLE;
	pmd[pmd_index(address)] = entry;
}

/* What runs is not writable, what is writable does not run: text is written through the alias only. */
static u64 permissions(u64 address)
{
	if (address < (u64)_etext)
		return PAGE_PRESENT;
	if (address >= (u64)__start_rodata && address < (u64)__end_rodata)
		return PAGE_PRESENT | PAGE_NX;
	return PAGE_PRESENT | PAGE_RW | PAGE_NX;
}

static void paging_init(void)
{
	u64 page;

	for (page = 0; page < RAM_PAGES; page++) {
		u64 physical = RAM_BASE + page * PAGE_SIZE;

		text_pte[page] = physical | permissions(START_KERNEL_MAP + physical);
		alias_pte[page] = physical | PAGE_PRESENT | PAGE_RW | PAGE_NX;
	}
	map(START_KERNEL_MAP + RAM_BASE, text_pud, text_pmd, __pa_symbol(text_pte) | TABLE);
	map(PAGE_OFFSET + RAM_BASE, alias_pud, alias_pmd, __pa_symbol(alias_pte) | TABLE);
	map(APIC_BASE, apic_pud, apic_pmd, APIC_BASE | PAGE_PRESENT | PAGE_RW | PAGE_UNCACHED | PAGE_PSE | PAGE_NX);
}

static void wait_icr_idle(void)
{
	while (*(volatile u32 *)(APIC_BASE + APIC_ICR) & APIC_ICR_BUSY)
		cpu_relax();
}

/* INIT, then twice the start-up IPI that names the page: the sequence of SDM vol. 3A, 8.4.4.1. */
static void start_other_cpus(void)
{
	memcpy((void *)AP_START, ap_start, ap_start_end - ap_start);
	apic_write(APIC_ICR, APIC_DEST_ALLBUT | APIC_INT_ASSERT | APIC_DM_INIT);
	wait_icr_idle();
	apic_write(APIC_ICR, APIC_DEST_ALLBUT | APIC_INT_ASSERT | APIC_DM_STARTUP | AP_START / PAGE_SIZE);
	wait_icr_idle();
	apic_write(APIC_ICR, APIC_DEST_ALLBUT | APIC_INT_ASSERT | APIC_DM_STARTUP | AP_START / PAGE_SIZE);
}

void pvh_main(void)
{
	/* The firmware leaves its timer running on the 8259s' vector 8, which is #DF here. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	paging_init();
	start_other_cpus();
}
