/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87: what computes is run on the host, with the whole x87 state going in and out
 * (host.h); so results, tags, and pending exceptions are the host's.  A pending
 * unmasked exception shows in FSW.ES and is raised by the next waiting instruction (SDM
 * vol. 1, 8.6).  Also here: how MMX shares the registers.  A vCPU's own thread.
 */

#include "accel/soft/x87.h"

void x87_check(Cpu *cpu)
{
    if (unlikely(cpu->cr0 & (CR0_EM | CR0_TS))) {
        cpu_raise(cpu, EXC_NM);
    }
}

/*
 * Without CR0.NE the exception goes to IRQ 13 as on a PC/AT; nothing that runs today
 * asks for it, so it is #MF as well.
 */
void x87_check_pending(Cpu *cpu)
{
    if (unlikely(fx_get16(cpu, FX_FSW) & FSW_ES)) {
        cpu_raise(cpu, EXC_MF);
    }
}

void x87_summarize(Cpu *cpu)
{
    u16 fsw = fx_get16(cpu, FX_FSW);
    bool pending = fsw & ~fx_get16(cpu, FX_FCW) & 0x3f;

    fx_set16(cpu, FX_FSW, pending ? fsw | 0x8080 : fsw & ~0x8080);
}

/* ---- MMX in the x87 registers ---- */

void mmx_check(Cpu *cpu)
{
    if (unlikely(cpu->cr0 & (CR0_EM | CR0_TS))) {
        cpu_raise(cpu, cpu->cr0 & CR0_EM ? EXC_UD : EXC_NM);
    }
    x87_check_pending(cpu);
}

void mmx_begin(Cpu *cpu)
{
    u16 fsw = fx_get16(cpu, FX_FSW);
    unsigned top = fsw >> FSW_TOP_SHIFT & 7;
    u8 turned[8 * 16];

    x87_check_pending(cpu);
    if (unlikely(top)) { /* ST(i) is register top + i: MM(n) is register n */
        for (unsigned i = 0; i < 8; i++) {
            memcpy(turned + 16 * ((top + i) & 7), cpu->fx + FX_ST + 16 * i, 16);
        }
        memcpy(cpu->fx + FX_ST, turned, sizeof turned);
        fx_set16(cpu, FX_FSW, fsw & ~(7 << FSW_TOP_SHIFT));
    }
    cpu->fx[FX_FTW] = 0xff;
}

/* ---- computing ---- */

/* On `fx`, the CPU's state or a copy of it. */
static void x87_run(Cpu *cpu, const Insn *insn, u8 modrm, u8 *fx, void *memory)
{
    u8 opcode = opcode_row(insn->op)->byte;
    u16 fop = (opcode & 7) << 8 | modrm;
    HostStub *stub = host_stub_x87(opcode, modrm);
    HostRegs regs = { .arith = cpu->arith, .host_mxcsr = HOST_MXCSR };
    u64 fip = cpu_rip(cpu), fdp;

    if (!stub) {
        cpu_unimplemented(cpu, insn);
    }
    memcpy(&fdp, fx + FX_FDP, sizeof fdp);
    stub(fx, memory, &regs);
    cpu->arith = regs.arith;
    memcpy(fx + FX_FOP, &fop, sizeof fop);
    memcpy(fx + FX_FIP, &fip, sizeof fip);
    memcpy(fx + FX_FDP, &fdp, sizeof fdp);
}

static void set_data_pointer(Cpu *cpu, const Insn *insn)
{
    u64 fdp = insn_offset(cpu, insn);

    memcpy(cpu->fx + FX_FDP, &fdp, sizeof fdp);
}

static u8 memory_form(const Insn *insn)
{
    return (insn->reg & 7) << 3;
}

void x87_load(Cpu *cpu, const Insn *insn)
{
    unsigned n = opcode_row(insn->op)->memory;
    u8 bytes[16];

    x87_check(cpu);
    x87_check_pending(cpu);
    mmu_read(cpu, insn_linear(cpu, insn, n, ACCESS_READ), bytes, n);
    x87_run(cpu, insn, memory_form(insn), cpu->fx, bytes);
    set_data_pointer(cpu, insn);
}

/*
 * An unmasked invalid operation, denormal, overflow or underflow leaves memory alone
 * (SDM vol. 1, 8.5): it can't fault then.
 */
static void store_unmasked(Cpu *cpu, const Insn *insn, gva at, unsigned n)
{
    u8 fx[sizeof cpu->fx] __attribute__((aligned(16))), bytes[16];
    u16 fsw;

    memcpy(fx, cpu->fx, sizeof fx);
    x87_run(cpu, insn, memory_form(insn), fx, bytes);
    memcpy(&fsw, fx + FX_FSW, sizeof fsw);
    if (!(fsw & ~fx_get16(cpu, FX_FCW) & 0x1f)) {
        mmu_write(cpu, at, bytes, n);
    }
    memcpy(cpu->fx, fx, sizeof fx);
}

void x87_store(Cpu *cpu, const Insn *insn)
{
    unsigned n = opcode_row(insn->op)->memory;
    u8 bytes[16];
    gva at;

    x87_check(cpu);
    x87_check_pending(cpu);
    at = insn_linear(cpu, insn, n, ACCESS_WRITE);
    if ((fx_get16(cpu, FX_FCW) & 0x3f) != 0x3f) {
        store_unmasked(cpu, insn, at, n);
    } else {
        mmu_probe_write(cpu, at, n);
        x87_run(cpu, insn, memory_form(insn), cpu->fx, bytes);
        mmu_write(cpu, at, bytes, n);
    }
    set_data_pointer(cpu, insn);
}

void x87_register(Cpu *cpu, const Insn *insn)
{
    x87_check(cpu);
    x87_check_pending(cpu);
    x87_run(cpu, insn, 0xc0 | (insn->reg & 7) << 3 | (insn->rm & 7), cpu->fx, NULL);
}

void x87_nop(Cpu *cpu, const Insn *insn)
{
    x87_check(cpu);
}

/* WAIT takes CR0.MP with CR0.TS (SDM vol. 3, table 2-2). */
void x87_fwait(Cpu *cpu, const Insn *insn)
{
    if ((cpu->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) {
        cpu_raise(cpu, EXC_NM);
    }
    x87_check_pending(cpu);
}
