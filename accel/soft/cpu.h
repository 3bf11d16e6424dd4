/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One software vCPU.
 *
 * A Cpu belongs to its thread.  Other threads reach it through `request` (atomic bits,
 * looked at between blocks) and through its LAPIC's own lock; while the machine is
 * paused the main thread may read and write all of it.
 *
 * Arithmetic flags are the host's: every operation that sets flags is done by the
 * host's own instruction and its flags are taken with LAHF and SETO, so undefined flags
 * are the host's too.  `arith` holds them so:
 *
 *     bit   15 14 13 12 11 10  9  8 | 7..1   0
 *           SF ZF  0 AF  0 PF  1 CF |   0   OF
 *
 * The other flags are in `rflags`, where the arithmetic ones are 0.  cpu_flags() puts
 * both together.
 *
 * A fault unwinds by longjmp to the run loop: nothing of the guest's state was changed
 * before.  rip is not written per instruction: inside a block it is gpr[REG_BLOCK] +
 * insn->at.
 */

#ifndef ACCEL_SOFT_CPU_H
#define ACCEL_SOFT_CPU_H

#include "accel/soft/insn.h"
#include "accel/x86_state.h"
#include "accel/cpu_model.h"
#include "hw/core/machine.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>

typedef struct Soft Soft;
typedef struct Lapic Lapic;
typedef struct Machine Machine;

/* ---- TLB (mmu.h has the access functions) ---- */

/*
 * One entry maps a page for one MMU mode.  A tag is the page's linear address when the
 * access may go straight to the host.  Otherwise it has low bits set, and is no
 * canonical address: a tag and an address that differ in less than a page are a hit,
 * which is all that translated code looks at.  (With an address that is not canonical
 * either it finds a hit that is none; there is no such address on the host, so the
 * access traps.)
 */
typedef struct {
    u64 read, write, exec;      /* tags */
    u64 addend;                 /* host address = linear address + addend */
} TlbEntry;
enum { TLB_BITS = 13, TLB_SIZE = 1 << TLB_BITS };
/*
 * A table begins with so many entries, and grows when pages drive each other out.  Its
 * memory is zero at first, which is an empty entry like TLB_NONE: only what ends in
 * page 0 has the tag 0, and looks at the first entry or the last, which are never 0.
 */
enum { TLB_FIRST_SIZE = 512, TLB_GROWTH = 4 };
/* ... when so many were driven out as four times its size; the jump cache the same. */
enum { CONFLICTS = 4 };
#define TLB_OUTSIDE (1ull << 62) /* what makes an address not canonical */
#define TLB_NONE (TLB_OUTSIDE | 1)              /* the tag that matches nothing */
enum { TLB_SLOW = 2 };          /* tlb_slow(page): allowed, but only through mmu.c */

static inline u64 tlb_slow(gva page) { return (page ^ TLB_OUTSIDE) | TLB_SLOW; }
static inline TlbEntry tlb_none(void)
{
    return (TlbEntry){ TLB_NONE, TLB_NONE, TLB_NONE, 0 };
}

/*
 * Translated code looks first at the entry that the same place in it used last,
 * whatever the address: so that the address is not needed to find the entry.  A hint is
 * a copy of that entry, so that no pointer to it has to be followed.  Copies are listed
 * with their entry, and forgotten when it ceases to be true (tlb.c).  Each MMU mode has
 * hints of its own, because an entry says what its mode may do; the first is for the
 * stack.
 */
typedef struct {
    u64 read, write, addend;    /* of the entry */
    /*
     * The next hint of the entry, and where that is said of this one: in the one before
     * or in tlb_hints_of.  Both as offsets in the Cpu; 0: none, not listed.
     */
    u32 next, named_at;
} TlbHint;
enum { TLB_HINTS = 1 << 13 };

/* The rest of an entry, which only the slow path needs. */
typedef struct {
    gpa phys;                   /* of the page; TLB_* below in its low bits */
    u64 ram_page;               /* UINT64_MAX: not RAM */
} TlbInfo;
enum {
    TLB_GLOBAL = 1, TLB_DEVICE = 2, TLB_APIC = 4, TLB_ROM = 8,
    TLB_LOGGED = 16, TLB_LOGGED_GLOBAL = 32, TLB_FOREIGN = 64,
};

/* What an address is checked against: who asks. */
typedef enum { MMU_USER, MMU_KERNEL, MMU_KERNEL_SMAP, MMU_MODES } MmuMode;

/*
 * Entries that may be in use, so that a flush need not look at all of them; those in
 * the log of what is not global may have become global meanwhile, and the reverse.
 */
typedef struct {
    unsigned n;
    u16 entry[MMU_MODES * TLB_SIZE];
} TlbLog;

/* In which GiB pages larger than 4 KiB were seen, and how large they are at most. */
enum { LARGE_PLACES = 512 };
typedef struct {
    u64 bytes;
    u64 places[LARGE_PLACES / 64];      /* bits, by a mix of the GiB's number */
} LargePages;

/* Translated code looks here as well. */
typedef struct {
    gva rip;                    /* linear */
    void *code;                 /* the translation, or what leaves for the run loop */
    u64 tag; /* jump_tag when it was entered: other ones don't see it */
    Block *block;               /* NULL: empty */
} JumpEntry;
enum { JUMP_SIZE = 1 << 14, JUMP_FIRST_SIZE = 256 };
/*
 * Where an address's entry is, in bytes: `jump_mask` of so many times the address.
 * That is one LEA, for which a mispredicted jump waits; where code begins at multiples
 * of 16, all entries are used nevertheless.
 */
enum { JUMP_MIX = 9 };
_Static_assert(sizeof(JumpEntry) == 1 << 5, "not more than JUMP_MIX can reach");

/*
 * What entries of the jump cache rest on: the translations of the pages that their code
 * was found in.  `age` is in their tags; a new one is given when one of these goes.
 */
enum { JUMP_PAGES = 4096 };
typedef struct {
    u64 age;
    u64 pages[JUMP_PAGES / 64]; /* a bit for each page, by its number's lower bits */
    bool global;                /* one of them may be global */
} JumpSpace;

/* What the TLB held of a PCID when CR3 left it (tlb_flush.c). */
enum { SHELVES = 8, SHELF_ENTRIES = 2048 };
typedef struct {
    u16 n;                      /* where it was, as in TlbLog */
    TlbEntry entry;
    TlbInfo info;
} ShelvedEntry;

typedef struct {
    bool used;
    u16 pcid;
    u64 since;                  /* a count of switches */
    JumpSpace user;
    LargePages large;
    unsigned n;
} TlbShelf;

/* A block of one instruction that is this CPU's own, and its bytes. */
typedef struct {
    u8 byte[16];
    u8 block[sizeof(Block) + 2 * sizeof(Insn)] __attribute__((aligned(32)));
} OneBlock;
enum { CROSSINGS = 64 };

typedef struct {
    u64 base;
    u32 limit;                  /* bytes, expanded */
    u32 attr;                   /* as in x86_state.h */
    u16 selector;
} Segment;

/*
 * What STI and MOV SS hold off until the next instruction is done (SDM vol. 3, 6.8.3).
 */
enum { INHIBIT_INTERRUPTS = 1, INHIBIT_DEBUG = 2 /* and #DB */ };

/*
 * Reasons to leave the run loop between blocks; set by any thread with cpu_request().
 */
enum {
    REQUEST_INTERRUPT = 1 << 0,     /* the LAPIC or the PIC has something: look again */
    REQUEST_NMI_IN    = 1 << 1,
    REQUEST_INIT      = 1 << 2,
    REQUEST_SIPI      = 1 << 3,
    /* go to the gate (exclusive section, pause, map change) */
    REQUEST_PAUSE     = 1 << 4,
    REQUEST_FLUSH     = 1 << 5,     /* empty the TLB and the jump cache */
    REQUEST_EXIT_CPU  = 1 << 6,     /* the thread ends */
};

struct Cpu {
    /* Hot: what generated code and the interpreter touch all the time. */
    u64 gpr[REG_COUNT];
    u16 arith;                  /* arithmetic flags, see above */
    u8 mode; /* MODE_* as blocks are keyed; recomputed by cpu_mode_changed() */
    u8 cpl;
    u32 rflags;                 /* the other flags; bit 1 is always 1 */
    _Atomic u32 request;
    u8 inhibit;                 /* INHIBIT_*: events held off for one instruction */
    const Insn *insn;           /* being executed, or NULL between blocks */
    u64 rip;                    /* next instruction, between blocks */
    TlbEntry *tlb;              /* that of the present MMU mode */
    u32 tlb_mask;               /* of an entry's place in it, in bytes */
    u32 jump_mask;              /* the same for `jump` */
    u64 insns; /* instructions completed by the interpreter (counted per block) */
    u64 jump_tag; /* mode and age of what may be entered from `jump` now */
    gva code_page;              /* translated code: where its page is */
    u64 jit_temp, jit_addend;   /* of translated code */
    /* its stack: where it begins, and how far returns may be kept */
    u64 host_sp, return_limit;
    /* ... of the present MMU mode: the last one, and what they rest on (jit/run.c) */
    u64 return_base, return_tag;
    u64 c_sp;                   /* of C that is called meanwhile, below all of that */
    struct { u64 sp, tag; } returns[MMU_MODES];         /* of the others */
    u8 return_mode, return_first;
    bool returns_stale;         /* those that are kept are worth nothing any more */
    u64 stub_sp;
    u32 host_mxcsr;
    s32 hint_budget;            /* wrong hints (below) until jit/run.c looks at them */
    u64 hint_since;             /* the host's TSC then */
    /* translated code: FP_*, the guest's registers that are in the host's */
    u8 fp_live;
    Cpu *self;
    Insn pair[2];               /* jit/run.c: an instruction and the end */

    Segment seg[SEG_COUNT];
    u64 gdt_base, idt_base;
    u16 gdt_limit, idt_limit;
    u64 cr0, cr2, cr3, cr4, efer, xcr0;
    u64 pdpte[4];               /* PAE paging: loaded with CR3 */
    u64 dr[8];
    u8 dr_hit;                  /* data breakpoints met by the present instruction */
    bool step_trap; /* a single-step trap comes after the present instruction; or now */

    /*
     * x87, MMX, SSE and AVX as XSAVE lays them out, not compacted: what code on the
     * host may load with XRSTOR.  A YMM register's lower half is in fx (160 + 16 n).
     */
    u8 fx[512] __attribute__((aligned(64)));
    u8 xsave_header[64];
    u8 ymm_high[16][16];
    bool x87_in_host; /* reserved for keeping x87 state in the host's registers */

    /* System registers by number: msr.c has the table. */
    u64 apic_base, star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux, pat,
        misc_enable, spec_ctrl;
    u64 sysenter_cs, sysenter_esp, sysenter_eip, tsc_adjust, mcg_status, mtrr_def_type;
    u64 mtrr_base[8], mtrr_mask[8], mtrr_fixed[11];
    u64 kvm_wall_clock, kvm_system_time, kvm_poll, bios_sign_id;

    /* Events. */
    u8 run_state;               /* RUN_* */
    u8 sipi_vector;
    /* the vector that comes with REQUEST_SIPI: set by the sender */
    _Atomic u8 sipi_sent;
    bool nmi_pending, nmi_masked;
    /* Of a state that was set: another accelerator had begun to deliver it. */
    struct {
        bool pending, exception, has_error;
        u8 vector;
        u32 error;
    } begun;
    /* an interrupt waits for IF or the shadow: looked at when these change */
    bool irq_waiting;
    /* being delivered; for double faults */
    struct { u8 vector; u32 error; bool pending, has_error, soft; u64 payload; } event;
    u32 raised_error;
    u8 raised_vector;
    bool raised_has_error;
    bool raised_soft; /* INT n, INT3, INTO: DPL is checked, rip is the next one */

    Soft *soft;
    Machine *machine;
    Lapic *lapic;
    unsigned index;             /* vCPU number */
    CpuidTable cpuid;
    u64 features[4];            /* a bit per row of cpu_features[] */
    /* What follows from `cpuid`, kept by cpu_features_set(). */
    u64 cr4_allowed, efer_allowed, xcr0_allowed;
    u8 phys_bits;               /* physical address width */
    bool pages_1g;
    bool amd;                   /* the vendor, where AMD and Intel differ */
    pthread_t thread;
    bool has_thread;
    _Atomic bool in_guest;      /* false: at the gate, halted, or inside a device: may be ignored by exclusive sections */
    _Atomic bool sleeping;      /* waits on `wake` */
    bool at_boundary;           /* parked between instructions; under the gate lock */
    pthread_cond_t wake;
    BellHint bell[4];           /* doorbells rung last; by the address's low bits */
    u64 tsc_offset;             /* guest TSC - what the clock alone would give */
    Block *block;               /* being run, or last run */
    bool leaving; /* the unwinding under way is cpu_leave_block(), not an exception */
    OneBlock step;              /* one.c: the instruction of a single step */
    OneBlock crossing[CROSSINGS];       /* ... and those that cross pages */
    sigjmp_buf unwind;          /* set by the run loop; use cpu_raise() */
    u64 unimp_seen;             /* instructions that are not there, counted */
    /* of translated code: entered by the run loop; left by a jump that was not linked */
    u64 jit_entered, jit_unlinked;
    u64 *jit_interpreted; /* instructions done for it, by opcode row; jit/count.c */

    TlbEntry *tlb_table[MMU_MODES];     /* where they are, for translated code */
    /* Each page of these that is touched takes 4 KiB. */
    TlbEntry tlbs[MMU_MODES][TLB_SIZE] __attribute__((aligned(PAGE_BYTES)));
    TlbInfo tlb_info[MMU_MODES][TLB_SIZE];
    TlbHint tlb_hint[MMU_MODES][TLB_HINTS];
    u32 tlb_hints_of[MMU_MODES * TLB_SIZE];     /* the first of each entry */
    TlbLog tlb_log[2];                  /* [1]: global ones */
    /* pages that drove out another one since the size was set; then it is to grow */
    unsigned tlb_conflicts, jump_conflicts;
    bool tlb_grows;
    bool data_checks;                   /* `tlb` is the empty one: see debug.c */
    LargePages tlb_large[2];    /* [1]: global ones */
    u64 jump_ages;              /* the last one that was given */
    JumpSpace jump_space[2];    /* of user and kernel code */
    bool jump_local; /* kernel code was found through pages that are not global */
    JumpEntry jump[JUMP_SIZE] __attribute__((aligned(PAGE_BYTES)));
    u64 switches;               /* from PCID to PCID */
    bool shelved_global;        /* a shelf's JumpSpace may rest on global pages */
    TlbShelf shelf[SHELVES];
    ShelvedEntry shelved[SHELVES][SHELF_ENTRIES] __attribute__((aligned(PAGE_BYTES)));
};

/* ---- flags ---- */

static inline u64 cpu_flags(const Cpu *cpu)
{
    return cpu->rflags | (cpu->arith >> 8 & 0xd5) | (u64)(cpu->arith & 1) << 11;
}

static inline void cpu_set_arith(Cpu *cpu, u64 flags)
{
    cpu->arith = (flags & 0xd5) << 8 | 0x200 | (flags >> 11 & 1);
}

static inline bool cpu_cf(const Cpu *cpu) { return cpu->arith >> 8 & 1; }
static inline bool cpu_pf(const Cpu *cpu) { return cpu->arith >> 10 & 1; }
static inline bool cpu_af(const Cpu *cpu) { return cpu->arith >> 12 & 1; }
static inline bool cpu_zf(const Cpu *cpu) { return cpu->arith >> 14 & 1; }
static inline bool cpu_sf(const Cpu *cpu) { return cpu->arith >> 15; }
static inline bool cpu_of(const Cpu *cpu) { return cpu->arith & 1; }

/*
 * Sets all flags at once (after POPF, IRET, task of its caller to have checked which
 * may change).
 */
void cpu_set_flags(Cpu *cpu, u64 flags);

/* ---- where we are ---- */

static inline u64 cpu_rip(const Cpu *cpu)
{
    return cpu->insn ? cpu->gpr[REG_BLOCK] + cpu->insn->at : cpu->rip;
}

/* Address of the instruction after `insn`, wrapped to the code segment's size. */
static inline u64 insn_next(const Cpu *cpu, const Insn *insn)
{
    u64 next = cpu->gpr[REG_BLOCK] + insn->at + insn->len;

    return insn->more & INSN2_CODE64 ? next :
           insn->more & INSN2_CODE32 ? (u32)next :
                                       (u16)next;
}

static inline bool cpu_code64(const Cpu *cpu) { return cpu->mode & MODE_CODE64; }
static inline bool cpu_long(const Cpu *cpu) { return cpu->efer & EFER_LMA; }
static inline bool cpu_protected(const Cpu *cpu) { return cpu->cr0 & CR0_PE; }
static inline bool cpu_v86(const Cpu *cpu) { return cpu->rflags & FLAG_VM; }
static inline unsigned cpu_iopl(const Cpu *cpu) { return cpu->rflags >> 12 & 3; }

/* ---- exceptions (exception.c) ---- */

/*
 * Raises an exception of the present instruction: never returns; state as before the
 * instruction.
 */
void cpu_raise(Cpu *cpu, u8 vector) __attribute__((noreturn, cold));
void cpu_raise_error(Cpu *cpu, u8 vector, u32 error) __attribute__((noreturn, cold));
void cpu_page_fault(Cpu *cpu, gva at, u32 error) __attribute__((noreturn, cold));
/* An instruction that is not implemented: counted, shown with -d unimp, #UD. */
void cpu_unimplemented(Cpu *cpu, const Insn *insn) __attribute__((noreturn, cold));
static inline void cpu_gp(Cpu *cpu, u32 error) { cpu_raise_error(cpu, EXC_GP, error); }

/*
 * Delivers an exception or interrupt through the IDT (SDM vol. 3, chapter 6): pushes
 * the frame and loads cs:rip.  Faults on the way become double faults and, at the
 * third, a triple fault: reset is requested and the CPU stops.
 */
void cpu_deliver(Cpu *cpu, u8 vector, bool has_error, u32 error, bool soft,
                 bool external);

/* ---- mode and control state (control.c, segment.c) ---- */

/* after CS, SS, CR0, CR4, EFER, CPL or EFLAGS.VM/AC/TF changed: mode, tlb pointer */
void cpu_mode_changed(Cpu *cpu);
void cpu_jump_tag(Cpu *cpu);                /* after the mode or a JumpSpace changed */
void cpu_set_cr0(Cpu *cpu, u64 value);      /* with the checks of MOV CR0 */
void cpu_reload_pdptes(Cpu *cpu); /* after a new state: PAE's registers, from memory */
void cpu_set_cr3(Cpu *cpu, u64 value);
void cpu_set_cr4(Cpu *cpu, u64 value);
void cpu_set_efer(Cpu *cpu, u64 value);
u64 cpu_rdmsr(Cpu *cpu, u32 index);         /* raises #GP on an unknown one */
void cpu_wrmsr(Cpu *cpu, u32 index, u64 value);
CpuidLeaf cpu_cpuid(Cpu *cpu, u32 leaf, u32 index);
bool cpu_has(const Cpu *cpu, const char *feature);
void cpu_features_set(Cpu *cpu);            /* cpuid.c: `features` from `cpuid` */
/* MOV Sreg, POP Sreg, LxS: all checks */
void cpu_load_segment(Cpu *cpu, unsigned seg, u16 selector);
/* CPL, IOPL and the TSS bitmap; raises nothing but #PF */
bool cpu_io_allowed(Cpu *cpu, u16 port, unsigned size);

/* ---- debug registers (debug.c) ---- */

/*
 * Around an instruction that was entered with MODE_STEP: raises #DB for an instruction
 * breakpoint; delivers #DB after a single step or a data breakpoint.
 */
void cpu_step_begin(Cpu *cpu);
void cpu_step_end(Cpu *cpu);

/* ---- run loop (run.c) ---- */

/*
 * Runs until a request needs the thread (cpu_service): the thread's loop is in
 * thread.c.
 */
void cpu_run(Cpu *cpu);

/* Sets request bits and wakes the thread if it sleeps.  Any thread. */
void cpu_request(Cpu *cpu, u32 bits);

/*
 * An instruction made an interrupt possible that was not before (IF, shadow): look
 * between blocks.
 */
static inline void cpu_recheck_interrupts(Cpu *cpu)
{
    if (cpu->irq_waiting) {
        atomic_fetch_or_explicit(&cpu->request, REQUEST_INTERRUPT,
                                 memory_order_relaxed);
    }
}

/* ---- time (time.c) ---- */

u64 cpu_tsc(const Cpu *cpu);                                /* guest TSC now */
void cpu_set_tsc(Cpu *cpu, u64 value);

/* ---- neutral state (state.c) ---- */

/*
 * msr.c: all MSRs of its table as (number, value) pairs, and back; unknown ones are
 * left alone.
 */
void msrs_get(Cpu *cpu, X86State *state);
void msrs_set(Cpu *cpu, const X86State *state);

/* While paused; an INIT or SIPI that it has not seen to yet has happened there. */
void cpu_get_state(Cpu *cpu, X86State *state);
void cpu_init_state(Cpu *cpu, X86State *state);             /* what INIT makes of it */
bool cpu_set_state(Cpu *cpu, const X86State *state, GError **err) must_check;

#endif
