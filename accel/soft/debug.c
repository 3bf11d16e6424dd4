/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug registers (SDM vol. 3, 17.2), single steps, and alignment checks (6.15,
 * "Interrupt 17").  They cost nothing until they are on:
 *
 *   - while TF is set or DR7 enables anything, cpu->mode has MODE_STEP and the run loop
 *     runs one instruction at a time, with cpu_step_begin and cpu_step_end around it;
 *   - while #AC or data breakpoints are on, cpu->tlb is an empty table: every data
 *     access comes to mmu.c, which asks debug_data.
 *
 * Left out: breakpoints on I/O ports.  Data breakpoints on what the processor itself
 * reads (descriptors, frames of interrupts) are not noticed, as the SDM allows.
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/tlb.h"

enum { BREAK_FETCH, BREAK_WRITE, BREAK_IO, BREAK_ACCESS };

static bool break_enabled(const Cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> n * 2 & 3;
}

static unsigned break_kind(const Cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> (16 + n * 4) & 3;
}

/* LENn: 1, 2, 8 or 4 bytes; the address is used aligned to that (17.2.5). */
static unsigned break_bytes(const Cpu *cpu, unsigned n)
{
    static const u8 bytes[4] = { 1, 2, 8, 4 };

    return bytes[cpu->dr[7] >> (18 + n * 4) & 3];
}

bool debug_has_data(const Cpu *cpu)
{
    for (unsigned n = 0; n < 4; n++) {
        if (break_enabled(cpu, n) && (break_kind(cpu, n) & BREAK_WRITE)) {
            return true;
        }
    }
    return false;
}

static void note_breaks(Cpu *cpu, gva at, size_t size, Access access)
{
    for (unsigned n = 0; n < 4; n++) {
        unsigned kind = break_kind(cpu, n), bytes = break_bytes(cpu, n);
        gva first = cpu->dr[n] & ~(gva)(bytes - 1);

        if (break_enabled(cpu, n) && at < first + bytes && first < at + size &&
            (kind == BREAK_ACCESS || (kind == BREAK_WRITE && access == ACCESS_WRITE))) {
            cpu->dr_hit |= 1 << n;
        }
    }
}

/*
 * VCVTPH2PS and VCVTPS2PH take their 8 bytes from anywhere (found on the host: no
 * others do).
 */
static bool never_aligned(const Cpu *cpu)
{
    return cpu->insn && !g_strcmp0(opcode_row(cpu->insn->op)->feature, "f16c");
}

/* A bad address comes first: the caller raises what it is worth. */
void debug_align(Cpu *cpu, gva at, size_t size)
{
    bool power = size && !(size & (size - 1));

    if (cpu->cpl == 3 && (cpu->cr0 & CR0_AM) && (cpu->rflags & FLAG_AC) && power &&
        size <= 8 && (at & (size - 1)) &&
        (!cpu_code64(cpu) || cpu_canonical(cpu, at)) && !never_aligned(cpu)) {
        cpu_raise_error(cpu, EXC_AC, 0);
    }
}

void debug_data(Cpu *cpu, gva at, size_t size, Access access)
{
    debug_align(cpu, at, size);
    if (cpu->dr[7] & DR7_ENABLED) {
        note_breaks(cpu, at, size, access);
    }
}

/* 17.3.1.1: a fault, before the instruction, unless RF is set. */
void cpu_step_begin(Cpu *cpu)
{
    gva at = cpu->seg[SEG_CS].base + cpu->rip;
    unsigned hit = 0;

    cpu->step_trap = cpu->rflags & FLAG_TF;
    if (cpu->inhibit == INHIBIT_DEBUG) {
        return;                         /* and what MOV SS met is still to be told */
    }
    cpu->dr_hit = 0;
    for (unsigned n = 0; n < 4; n++) {
        if (break_enabled(cpu, n) && break_kind(cpu, n) == BREAK_FETCH &&
            cpu->dr[n] == (cpu_code64(cpu) ? at : (u32)at)) {
            hit |= 1 << n;
        }
    }
    if (hit && !(cpu->rflags & FLAG_RF)) {
        cpu->dr[6] = (cpu->dr[6] & ~15ull) | hit;
        cpu_raise(cpu, EXC_DB);
    }
    cpu->rflags &= ~FLAG_RF;
}

/*
 * 17.3.1.2 to 17.3.1.4: traps, after it.  TF counts as it was before the instruction;
 * those that save the flags and clear TF (INT n, SYSCALL) also clear step_trap.
 */
void cpu_step_end(Cpu *cpu)
{
    bool trap = cpu->step_trap;

    cpu->step_trap = false;
    if (cpu->inhibit == INHIBIT_DEBUG || (!trap && !cpu->dr_hit)) {
        return;
    }
    cpu->dr[6] = (cpu->dr[6] & ~15ull) | cpu->dr_hit | (trap ? DR6_BS : 0);
    cpu->dr_hit = 0;
    cpu_deliver(cpu, EXC_DB, false, 0, false, false);
}
