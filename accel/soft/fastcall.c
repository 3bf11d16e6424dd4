/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM vol. 2), and SWAPGS.  They load fixed flat
 * segments without looking at descriptors.
 *
 * Where vendors differ the model's vendor decides: outside 64-bit mode AMD has SYSCALL
 * and SYSRET (in compatibility mode; not offered in legacy mode), Intel has SYSENTER
 * and SYSEXIT.
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/operand.h"
#include "accel/soft/segment.h"

enum {
    FLAT_CODE = TYPE_CODE | TYPE_RW | TYPE_ACCESSED,
    FLAT_DATA = TYPE_RW | TYPE_ACCESSED
};

static Segment flat(u16 selector, unsigned type, unsigned dpl, u32 bits)
{
    return (Segment){ .selector = selector, .limit = UINT32_MAX,
                      .attr = type << 8 | SEG_S | dpl << 13 | SEG_P | SEG_G | bits };
}

/* CS and SS for privilege level `cpl`; their selectors' RPL is set to it. */
static void load_flat(Cpu *cpu, u16 code, u16 stack, unsigned cpl, bool code64)
{
    cpu->seg[SEG_CS] = flat((code & ~3u) | cpl, FLAT_CODE, cpl,
                            code64 ? SEG_L : SEG_DB);
    cpu->seg[SEG_SS] = flat((stack & ~3u) | cpl, FLAT_DATA, cpl, SEG_DB);
    cpu->cpl = cpl;
    cpu_mode_changed(cpu);
}

/* ---- SYSCALL, SYSRET ---- */

static void check_syscall(Cpu *cpu)
{
    if (!cpu_long(cpu) || !(cpu->efer & EFER_SCE) || (!cpu_code64(cpu) && !cpu->amd)) {
        cpu_raise(cpu, EXC_UD);
    }
}

static void op_syscall(Cpu *cpu, const Insn *insn)
{
    u16 selector = cpu->star >> 32;
    u64 flags = cpu_flags(cpu);

    check_syscall(cpu);
    cpu->gpr[RCX] = insn_next(cpu, insn);
    cpu->gpr[R11] = flags & ~(u64)FLAG_RF;
    cpu->rip = cpu_code64(cpu) ? cpu->lstar : cpu->cstar;
    load_flat(cpu, selector, (selector & ~3u) + 8, 0, true);
    cpu_set_flags(cpu, flags & ~(cpu->sfmask | FLAG_RF));
    cpu->step_trap &= !!(cpu->rflags & FLAG_TF);
}

/* The flags that SYSRET takes from R11: all but RF and VM. */
#define SYSRET_FLAGS 0x3c7fd7u

static void op_sysret(Cpu *cpu, const Insn *insn)
{
    bool wide = (insn->more & INSN2_WIDTH) == 3;
    u16 selector = cpu->star >> 48;
    u64 target = cpu->gpr[RCX];

    check_syscall(cpu);
    if (cpu->cpl || (wide && !cpu_canonical(cpu, target))) {
        cpu_gp(cpu, 0);
    }
    cpu->rip = wide ? target : (u32)target;
    load_flat(cpu, wide ? selector + 16 : selector, selector + 8, 3, wide);
    cpu_set_flags(cpu, cpu->gpr[R11] & SYSRET_FLAGS);
    cpu->step_trap = cpu->rflags & FLAG_TF;     /* traps at once, unlike IRET */
}

/* ---- SYSENTER, SYSEXIT ---- */

static void check_sysenter(Cpu *cpu)
{
    if (cpu->amd && cpu_long(cpu)) {
        cpu_raise(cpu, EXC_UD);
    }
    if (!cpu_protected(cpu) || selector_null(cpu->sysenter_cs)) {
        cpu_gp(cpu, 0);
    }
}

static void op_sysenter(Cpu *cpu, const Insn *insn)
{
    u16 selector = cpu->sysenter_cs & ~3u;
    bool wide = cpu_long(cpu);

    check_sysenter(cpu);
    cpu->gpr[RSP] = wide ? cpu->sysenter_esp : (u32)cpu->sysenter_esp;
    cpu->rip = wide ? cpu->sysenter_eip : (u32)cpu->sysenter_eip;
    cpu->rflags &= ~(FLAG_VM | FLAG_IF | FLAG_RF);
    load_flat(cpu, selector, selector + 8, 0, wide);
}

static void op_sysexit(Cpu *cpu, const Insn *insn)
{
    bool wide = (insn->more & INSN2_WIDTH) == 3;
    u16 selector = (cpu->sysenter_cs & ~3u) + (wide ? 32 : 16);
    u64 target = cpu->gpr[RDX], stack = cpu->gpr[RCX];

    check_sysenter(cpu);
    if (cpu->cpl ||
        (wide && (!cpu_canonical(cpu, target) || !cpu_canonical(cpu, stack)))) {
        cpu_gp(cpu, 0);
    }
    cpu->rip = wide ? target : (u32)target;
    cpu->gpr[RSP] = wide ? stack : (u32)stack;
    load_flat(cpu, selector, selector + 8, 3, wide);
}

/* ---- SWAPGS ---- */

static void op_swapgs(Cpu *cpu, const Insn *insn)
{
    u64 base = cpu->seg[SEG_GS].base;

    if (cpu->cpl) {
        cpu_gp(cpu, 0);
    }
    cpu->seg[SEG_GS].base = cpu->kernel_gs_base;
    cpu->kernel_gs_base = base;
}

static const Opcode rows[] = {
    ROW_RM(MAP_0F, 0x01, 7, 0, "swapgs", .attr = OP_ONLY64, .fn = op_swapgs),
    ROW(MAP_0F, 0x05, "syscall", .attr = OP_ENDS, .writes = FLAGS_ARITH,
        .feature = "syscall", .fn = op_syscall),
    ROW(MAP_0F, 0x07, "sysret", .attr = OP_ENDS, .writes = FLAGS_ARITH,
        .feature = "syscall", .fn = op_sysret),
    ROW(MAP_0F, 0x34, "sysenter", .attr = OP_ENDS, .feature = "sep", .fn = op_sysenter),
    ROW(MAP_0F, 0x35, "sysexit", .attr = OP_ENDS, .feature = "sep", .fn = op_sysexit),
};

FAMILY(ops_fastcall, "fastcall", rows);
