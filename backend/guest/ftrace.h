#ifndef GUEST_FTRACE_H
#define GUEST_FTRACE_H

#include "atomic.h"
#include "ptrace.h"

#define MCOUNT_INSN_SIZE 5 /* a traced function begins with a site of this many bytes */
#define EINVAL 22

struct ftrace_ops;
typedef void (*ftrace_func_t)(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op, struct pt_regs *regs);

/* One site. The low bits of flags count the ops that want it; *_EN and ENABLED say what its bytes call now. */
struct dyn_ftrace {
	unsigned long ip;
	unsigned long flags;
};

#define FTRACE_FL_ENABLED (1UL << 31) /* the site is a call */
#define FTRACE_FL_REGS (1UL << 30)    /* some ops wants registers ... */
#define FTRACE_FL_REGS_EN (1UL << 29) /* ... and the site calls ftrace_regs_caller */
#define FTRACE_FL_TRAMP (1UL << 28)   /* its only ops has a trampoline ... */
#define FTRACE_FL_TRAMP_EN (1UL << 27) /* ... and the site calls that */
#define FTRACE_REF_MASK ((1UL << 25) - 1)

/* Every site of the image, by ascending address: built by ftrace_init(). */
struct ftrace_page {
	struct dyn_ftrace *records;
	int index; /* how many */
};
extern struct ftrace_page ftrace_pages;

#define FTRACE_MAX_RECORDS 16
/* Those that somebody traces or has traced; the others are the nops that ftrace_init() made. */
#define for_each_ftrace_rec(rec)                                                                            \
	for (struct dyn_ftrace *rec = ftrace_pages.records, *end__ = rec + ftrace_pages.index; rec < end__; \
	     rec++)                                                                                        \
		if (rec->flags)

/* Which sites an ops is called for. */
#define FTRACE_HASH_SIZE 8
struct ftrace_hash {
	int count;
	unsigned long ips[FTRACE_HASH_SIZE];
};

enum ftrace_ops_flags {
	FTRACE_OPS_FL_DYNAMIC = 1 << 1,	  /* never called directly, only through the list */
	FTRACE_OPS_FL_SAVE_REGS = 1 << 2, /* func reads regs ... */
	FTRACE_OPS_FL_IPMODIFY = 1 << 9,  /* ... and may change regs->ip */
};

/* One user of tracing: a function tracer, a live patch. */
struct ftrace_ops {
	ftrace_func_t func;
	struct ftrace_ops *next;
	enum ftrace_ops_flags flags;
	unsigned long trampoline; /* its own copy of ftrace_regs_caller, or 0 */
	struct ftrace_hash filter_hash;
};

/* What has to happen to a site. */
enum ftrace_update {
	FTRACE_UPDATE_IGNORE,
	FTRACE_UPDATE_MAKE_CALL,
	FTRACE_UPDATE_MODIFY_CALL,
	FTRACE_UPDATE_MAKE_NOP,
};

/* Commands of ftrace_modify_all_code(). */
#define FTRACE_UPDATE_CALLS (1 << 0)
#define FTRACE_DISABLE_CALLS (1 << 1)
#define FTRACE_UPDATE_TRACE_FUNC (1 << 2)

/* Each of these files needs what is below it, and nothing above: */

/* ftrace.c: ops come and go */
void __register_ftrace_function(struct ftrace_ops *ops);
int ftrace_startup_enable(void);
int register_ftrace_function(struct ftrace_ops *ops);
int unregister_ftrace_function(struct ftrace_ops *ops);

/* ftrace_modify.c: in which order text is rewritten */
extern unsigned long ftrace_update_func, ftrace_update_func_call;
int ftrace_modify_all_code(int command);
int arch_ftrace_update_code(int command);
void ftrace_update_ftrace_func(ftrace_func_t func);
void update_ftrace_func(unsigned long ip, unsigned long new_func);

/* ftrace_replace.c: how sites are rewritten */
extern atomic_t modifying_ftrace_code;
extern void (*ftrace_window)(void);
int ftrace_replace_code(int enable);

/* ftrace_records.c: the sites and what each should be */
void ftrace_init(void);
struct dyn_ftrace *ftrace_location(unsigned long ip);
void ftrace_hash_rec_update(struct ftrace_ops *ops, int inc);
enum ftrace_update ftrace_test_record(struct dyn_ftrace *rec, int enable);
void ftrace_update_record(struct dyn_ftrace *rec, int enable);
unsigned long ftrace_get_addr_curr(struct dyn_ftrace *rec);
unsigned long ftrace_get_addr_new(struct dyn_ftrace *rec);

/* fops.c: who wants what */
extern struct ftrace_ops *ftrace_ops_list;
extern ftrace_func_t ftrace_trace_function;
extern struct ftrace_ops *function_trace_op;
int ftrace_lookup_ip(struct ftrace_hash *hash, unsigned long ip);
void ftrace_set_filter_ip(struct ftrace_ops *ops, unsigned long ip);
void update_ftrace_function(void);
void ftrace_ops_list_func(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op, struct pt_regs *regs);

/* ftrace_int3.c */
int ftrace_int3_handler(struct pt_regs *regs);

/* ftrace_64.S; the labels are call instructions */
void __fentry__(void);
void ftrace_caller(void);
void ftrace_regs_caller(void);
void klp_trampoline(void);
void ftrace_stub(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *op, struct pt_regs *regs);
extern u8 ftrace_call[], ftrace_regs_call[], klp_call[];

#endif
