/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software accelerator as a whole: its vCPUs, the block cache they share, and how
 * they agree.
 *
 * A vCPU thread is "in the guest" while it runs blocks.  Before it waits for anything
 * (the machine lock, a halt, the gate) it leaves the guest, maybe in the middle of an
 * instruction.  There are two ways to keep the others out:
 *
 *   exclusive_begin   no other vCPU is in the guest; some may stand inside an
 *   instruction, in a device.  For locked operations
 *                     that the host can't do at once, a page becoming code, a new
 *                     address map.
 *   world_stop        every other vCPU stands between two instructions.  For pausing
 *   the machine and for reusing the block
 *                     cache's memory.
 *
 * Lock order: machine lock, then the gate.  The holder of the machine lock may begin an
 * exclusive section (the address map's listener does), because everybody leaves the
 * guest before asking for the machine lock, and whoever is inside an exclusive section
 * gives it up first (cpu_mmio_read and its like see to both).  world_stop is never
 * called with the machine lock or inside an exclusive section.
 */

#ifndef ACCEL_SOFT_SOFT_H
#define ACCEL_SOFT_SOFT_H

#include "accel/accel.h"
#include "accel/soft/cpu.h"

typedef struct BlockCache BlockCache;

/*
 * The guest's TSC counts nanoseconds; a guest that comes from elsewhere keeps the rate it
 * knows.
 */
enum { SOFT_TSC_KHZ = 1000000 };

/* idle.c: a while in which the machine may be idle; times are the host's, in us. */
typedef struct {
    pthread_mutex_t lock;
    s64 since;                      /* when this one began */
    s64 used;                       /* CPU time of the process then */
    unsigned whiles, patience;      /* it was idle in so many; is to be, to give back */
} SoftIdle;

struct Soft {
    Accel accel;
    Cpu **cpu;
    unsigned cpus;
    BlockCache *blocks;
    CpuidTable model;
    CpuTopology topology;
    u64 tsc_khz;                    /* of all vCPUs */
    u64 cache_bytes;                /* -accel soft,tb-size=N */
    bool jit;                       /* -accel soft,jit=on */
    bool perf_map;
    u16 hot; /* runs of the interpreter before a block is translated */
    SoftIdle idle;
    pthread_mutex_t gate_lock;      /* guards what follows, and Cpu.at_boundary */
    pthread_cond_t gate_changed;
    _Atomic bool gate_closed;       /* an exclusive section waits or runs */
    Cpu *gate_owner; /* the vCPU in it, or NULL: another thread, or nobody */
    bool stopping;                  /* somebody has stopped the world, or is about to */
    bool paused; /* ... and it is the main thread, for AccelType.pause */
    _Atomic bool extint;            /* the PIC's INTR line */
};

extern const AccelType accel_soft;

/* ---- gate.c ---- */
void guest_enter(Cpu *cpu);                     /* waits while the gate is closed */
void guest_leave(Cpu *cpu);
/* self: the calling vCPU, NULL: another thread */
void exclusive_begin(Soft *soft, Cpu *self);
void exclusive_end(Soft *soft, Cpu *self);
/* self: the calling vCPU, between instructions; or NULL */
void world_stop(Soft *soft, Cpu *self);
void world_start(Soft *soft, Cpu *self);

/* ---- thread.c ---- */
void *cpu_thread(void *cpu);                    /* a vCPU thread's whole life */
/*
 * Between instructions, with cpu->rip current: does what `request` asks, and waits as
 * long as the vCPU has nothing to do.
 */
void cpu_service(Cpu *cpu);

/* ---- idle.c ---- */
void idle_init(SoftIdle *idle);
/* Between instructions: it is about to sleep. */
void idle_note(Cpu *cpu);

/* ---- time.c: kvmclock (Linux Documentation/virt/kvm/x86/msr.rst) ---- */
/* MSR_KVM_SYSTEM_TIME was written: bit 0 enables */
void cpu_kvmclock_enable(Cpu *cpu, u64 msr);
void cpu_kvm_wall_clock(Cpu *cpu, u64 msr);     /* MSR_KVM_WALL_CLOCK was written */
/* when (virtual time) the guest's TSC reaches this */
u64 cpu_tsc_to_ns(const Cpu *cpu, u64 tsc);

/*
 * Device accesses of a vCPU: leave the guest, take the machine lock, dispatch, and
 * back.
 */
u64 cpu_mmio_read(Cpu *cpu, gpa at, unsigned size);
void cpu_mmio_write(Cpu *cpu, gpa at, u64 value, unsigned size);
u64 cpu_port_read(Cpu *cpu, u16 port, unsigned size);
void cpu_port_write(Cpu *cpu, u16 port, u64 value, unsigned size);

/* ---- block.c: the cache of decoded code ---- */
struct JitExit;
struct Jit;
/* `jit`: with a translator.  Half of the bytes are for decoded code then. */
BlockCache *blocks_new(Soft *soft, u64 bytes, GError **err);
void blocks_free(BlockCache *blocks);
/*
 * The block at cpu->rip in the present mode, decoded if need be; raises fetch faults.
 * Never NULL.
 */
Block *block_find(Cpu *cpu);
/* A RAM page that holds code was written (any thread): its blocks are dropped. */
void blocks_page_written(BlockCache *blocks, u64 ram_page);
/*
 * The same when it is known that only [offset, offset + n) of the page changed: code
 * beside data stays.
 */
void blocks_range_written(BlockCache *blocks, u64 ram_page, unsigned offset,
                          unsigned n);
/*
 * Blocks in these guest-physical bytes are dropped: something else lies there now.  In
 * an exclusive section.
 */
void blocks_drop_range(BlockCache *blocks, gpa at, u64 size);
/* everything; while the world stands */
void blocks_empty(Soft *soft);
void blocks_cool(BlockCache *blocks); /* what is not translated is not hot */
u64 blocks_bytes(BlockCache *blocks); /* of decoded and translated code that there is */
void blocks_print(BlockCache *blocks, GString *out);
struct Jit *blocks_jit(const BlockCache *blocks); /* NULL: the interpreter alone */
/*
 * Translates a hot block, or counts that it was run; may empty the cache: then the
 * block is not there any more.
 */
void blocks_heat(Cpu *cpu, Block *block);
void blocks_link(BlockCache *blocks, struct JitExit *from, Block *to);
/* INSN2_FAR for the block's n-th instruction, and translated anew. */
void blocks_mark_far(BlockCache *blocks, Block *block, unsigned n);

/* ---- decode.c ---- */
/*
 * Decodes one instruction of at most `n` bytes (and 15) into *insn.  Returns its
 * length; 0: the bytes end before it does.  An illegal one decodes to a function that
 * raises its fault when it is run.
 */
unsigned decode_insn(const u8 *bytes, unsigned n, unsigned mode, unsigned at,
                     const Cpu *cpu, Insn *insn);

/* ---- cpuid.c ---- */
/* All that the software CPU can do, for a machine with this much RAM. */
void soft_cpuid_supported(CpuidTable *out, u64 tsc_khz, u64 ram_bytes);

/* ---- lapic.c ---- */
Lapic *lapic_new(Cpu *cpu);
void lapic_free(Lapic *lapic);
/* init: INIT keeps the APIC ID and APIC_BASE */
void lapic_reset(Lapic *lapic, bool init);
u32 lapic_read(Lapic *lapic, unsigned offset); /* xAPIC page offset, 16-byte aligned */
void lapic_write(Lapic *lapic, unsigned offset, u32 value);
u64 lapic_rdmsr(Lapic *lapic, u32 index);           /* x2APIC; raises #GP on the vCPU */
void lapic_wrmsr(Lapic *lapic, u32 index, u64 value);
u64 lapic_tsc_deadline(Lapic *lapic);
void lapic_set_tsc_deadline(Lapic *lapic, u64 tsc);
u8 lapic_tpr(Lapic *lapic);                         /* CR8 is its upper half */
void lapic_set_tpr(Lapic *lapic, u8 tpr);
bool lapic_set_base(Lapic *lapic, u64 value); /* IA32_APIC_BASE; false: illegal, #GP */
/*
 * Does the PIC's INTR reach this CPU now (LINT0 as ExtINT on the first CPU, or the
 * LAPIC is off)?
 */
bool lapic_extint(Lapic *lapic);
/*
 * The highest interrupt that may be delivered now, or -1; accepted: moved from IRR to
 * ISR.
 */
int lapic_pending(Lapic *lapic);
int lapic_accept(Lapic *lapic);
void lapic_get_state(Lapic *lapic, X86Lapic *state);
void lapic_init_state(Lapic *lapic, X86Lapic *state);       /* what INIT makes of it */
void lapic_set_state(Lapic *lapic, const X86Lapic *state);
/* an MSI or IOAPIC message: to the LAPICs it names */
void lapics_message(Soft *soft, gpa address, u32 data);

#endif
