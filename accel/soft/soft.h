/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The software accelerator as a whole: its vCPUs, the block cache they share, and how they agree.
 *
 * A vCPU thread is "in the guest" while it runs blocks.  Before it waits for anything (the machine lock, a halt, the
 * gate) it leaves the guest; entering again waits while somebody holds the gate.  Who holds the gate (exclusive_begin) knows that
 * no other vCPU is in the guest: used to change what they all rely on without looking (the address map, the block cache's memory, a page
 * becoming code), and for locked operations that the host can't do atomically.
 *
 *     lock order: gate, then machine lock, then a LAPIC's lock, then the block cache's lock
 *     -- but nobody waits for the gate while holding the machine lock unless it is the space listener, and everybody
 *        else leaves the guest before asking for the machine lock.  So a holder of the machine lock always gets the gate.
 */

#ifndef ACCEL_SOFT_SOFT_H
#define ACCEL_SOFT_SOFT_H

#include "accel/accel.h"
#include "accel/soft/cpu.h"

typedef struct BlockCache BlockCache;

struct Soft {
    Accel accel;
    Cpu **cpu;
    unsigned cpus;
    BlockCache *blocks;
    CpuidTable model;
    CpuTopology topology;
    u64 tsc_khz;
    u64 cache_bytes;                /* -accel soft,tb-size=N */
    bool paused;                    /* under gate_lock */
    bool closing;
    pthread_mutex_t gate_lock;
    pthread_cond_t gate_open;       /* the gate is free, or the machine runs again */
    pthread_cond_t gate_empty;      /* a vCPU left the guest */
    unsigned gate_held;             /* 0, or 1 while an exclusive section runs */
    bool extint;                    /* the PIC's INTR line */
};

extern const AccelType accel_soft;

/* ---- gate.c ---- */
void guest_enter(Cpu *cpu);                 /* waits while the gate is held */
void guest_leave(Cpu *cpu);
void exclusive_begin(Soft *soft, Cpu *self);    /* self: the calling vCPU, in the guest or not; NULL: another thread */
void exclusive_end(Soft *soft, Cpu *self);

/* Device accesses of a vCPU: leave the guest, take the machine lock, dispatch, and back. */
u64 cpu_mmio_read(Cpu *cpu, gpa at, unsigned size);
void cpu_mmio_write(Cpu *cpu, gpa at, u64 value, unsigned size);
u64 cpu_port_read(Cpu *cpu, u16 port, unsigned size);
void cpu_port_write(Cpu *cpu, u16 port, u64 value, unsigned size);

/* ---- block.c: the cache of decoded code ---- */
BlockCache *blocks_new(Soft *soft, u64 bytes);
void blocks_free(BlockCache *blocks);
/* The block at cpu->rip in the present mode, decoded if need be; raises fetch faults.  Never NULL. */
Block *block_find(Cpu *cpu);
/* A RAM page that holds code was written (any thread): its blocks are dropped. */
void blocks_page_written(BlockCache *blocks, u64 ram_page);
void blocks_flush(Soft *soft, Cpu *self);   /* everything, in an exclusive section */
void blocks_print(BlockCache *blocks, GString *out);

/* ---- decode.c ---- */
/*
 * Decodes one instruction of at most `n` bytes (and 15) into *insn.  Returns its length; 0: the bytes end
 * before it does.  An illegal one decodes to a function that raises its fault when it is run.
 */
unsigned decode_insn(const u8 *bytes, unsigned n, unsigned mode, unsigned at, const Cpu *cpu, Insn *insn);

/* ---- lapic.c ---- */
Lapic *lapic_new(Cpu *cpu);
void lapic_free(Lapic *lapic);
void lapic_reset(Lapic *lapic, bool init);          /* init: INIT keeps the APIC ID and APIC_BASE */
u32 lapic_read(Lapic *lapic, unsigned offset);      /* xAPIC page offset, 16-byte aligned */
void lapic_write(Lapic *lapic, unsigned offset, u32 value);
u64 lapic_rdmsr(Lapic *lapic, u32 index);           /* x2APIC; raises #GP on the vCPU */
void lapic_wrmsr(Lapic *lapic, u32 index, u64 value);
u64 lapic_tsc_deadline(Lapic *lapic);
void lapic_set_tsc_deadline(Lapic *lapic, u64 tsc);
u8 lapic_tpr(Lapic *lapic);                         /* CR8 is its upper half */
void lapic_set_tpr(Lapic *lapic, u8 tpr);
bool lapic_set_base(Lapic *lapic, u64 value);       /* IA32_APIC_BASE; false: illegal, #GP */
/* The highest interrupt that may be delivered now, or -1; accepted: moved from IRR to ISR. */
int lapic_pending(Lapic *lapic);
int lapic_accept(Lapic *lapic);
void lapic_get_state(Lapic *lapic, X86Lapic *state);
void lapic_set_state(Lapic *lapic, const X86Lapic *state);
void lapics_message(Soft *soft, gpa address, u32 data);     /* an MSI or IOAPIC message: to the LAPICs it names */

#endif
