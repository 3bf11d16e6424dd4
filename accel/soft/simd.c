/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMX and SSE: everything that computes is run on the host (host.h), moves are done
 * here.  A vCPU's own thread.
 */

#include "accel/soft/simd.h"

static void simd_check(Cpu *cpu, const Opcode *row)
{
    if (row->attr & OP_MMX) {
        mmx_check(cpu);
    } else {
        sse_check(cpu);
    }
}

/* Bytes in memory of an operand. */
static unsigned operand_bytes(const Opcode *row, Operand operand, const Insn *insn)
{
    if (row->memory) {
        return row->memory;
    }
    switch (operand) {
    case O_Wx:
    case O_Vx:
        return 16;
    case O_Wq: case O_Qq: case O_Pq: case O_Eq:
        return 8;
    case O_Wd: case O_Qd: case O_Ed:
        return 4;
    case O_Ww: case O_Mw:
        return 2;
    case O_Mb:
        return 1;
    default:
        return (insn->more & INSN2_WIDTH) == 3 ? 8 : 4;
    }
}

/* ---- operands of what the host computes ---- */

/*
 * The source: a pointer for XMM and MMX, a value in regs->rcx for a general register.
 * May fault; changes nothing.
 */
static const void *simd_source(Cpu *cpu, const Insn *insn, const Opcode *row,
                               Operand operand, unsigned reg, bool memory, u8 *bytes,
                               HostRegs *regs)
{
    HostReg kind = host_register(operand);

    if (memory) {
        unsigned n = operand_bytes(row, operand, insn);

        simd_load(cpu, simd_linear(cpu, insn, n, ACCESS_READ, row->attr & OP_ALIGN),
                  bytes, n);
        memcpy(&regs->rcx, bytes, 8);
        /* INSERTPS selects an element of a register, but takes the one of memory */
        if (n == 4) {
            memcpy(bytes + 4, bytes, 4);
            memcpy(bytes + 8, bytes, 8);
        }
        return bytes;
    }
    if (kind == HOST_XMM) {
        return cpu_xmm(cpu, reg);
    }
    if (kind == HOST_MM) {
        return cpu_mm(cpu, reg);
    }
    if (kind == HOST_GPR) {
        regs->rcx = cpu->gpr[reg];
    }
    return bytes;
}

static void write_gpr(Cpu *cpu, const Insn *insn, unsigned reg, u64 value)
{
    cpu->gpr[reg] = (insn->more & INSN2_WIDTH) == 3 ? value : (u32)value;
}

/* Runs the stub; raises #XM (or #UD, without OS support) with only MXCSR changed. */
void simd_run(Cpu *cpu, const Insn *insn, const Opcode *row, void *dst, const void *src,
              HostRegs *regs)
{
    HostStub *stub = host_stub(insn);

    if (!stub) {
        cpu_unimplemented(cpu, insn);
    }
    regs->mxcsr = cpu_mxcsr(cpu);
    regs->host_mxcsr = HOST_MXCSR;
    regs->fault = 0;
    stub(dst, src, regs);
    if (row->attr & OP_MXCSR) {
        cpu_set_mxcsr(cpu, regs->mxcsr);
        if (unlikely(regs->fault)) {
            cpu_raise(cpu, cpu->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
        }
    }
    if (row->writes) {
        cpu->arith = regs->arith;
    }
}

/*
 * PEXTR, EXTRACTPS, MOVD to r/m: ModRM.rm is the destination, a general register or
 * memory.
 */
static void simd_to_rm(Cpu *cpu, const Insn *insn, const Opcode *row, HostRegs *regs)
{
    u8 bytes[16] = { 0 };
    unsigned n = operand_bytes(row, row->operand[0], insn);
    const void *src;
    gva at = 0;

    if (insn->shape & INSN_MEM) {
        at = insn_linear(cpu, insn, n, ACCESS_WRITE);
        mmu_probe_write(cpu, at, n);
    }
    if (host_register(row->operand[1]) == HOST_MM) {
        mmx_begin(cpu);
    }
    src = simd_source(cpu, insn, row, row->operand[1], insn->reg, false, bytes, regs);
    simd_run(cpu, insn, row, bytes, src, regs);
    if (insn->shape & INSN_MEM) {
        mmu_write(cpu, at, &regs->rax, n);
    } else {
        write_gpr(cpu, insn, insn->rm, regs->rax);
    }
}

static void simd_compute(Cpu *cpu, const Insn *insn, HostRegs *regs)
{
    const Opcode *row = opcode_row(insn->op);
    HostReg dst = host_register(row->operand[0]);
    bool memory = insn->shape & INSN_MEM;
    u8 bytes[16] = { 0 };
    const void *src;
    void *to;

    simd_check(cpu, row);
    if (dst == HOST_GPR && row->operand[0] != O_Gd && row->operand[0] != O_Gy) {
        simd_to_rm(cpu, insn, row, regs);
        return;
    }
    if (dst == HOST_MM) {
        x87_check_pending(cpu);         /* comes before a fault of the memory operand */
    }
    src = simd_source(cpu, insn, row, row->operand[1], insn->rm, memory, bytes, regs);
    if (dst == HOST_MM || (host_register(row->operand[1]) == HOST_MM && !memory)) {
        mmx_begin(cpu);
    }
    to = dst == HOST_XMM ? cpu_xmm(cpu, insn->reg) :
         dst == HOST_MM  ? cpu_mm(cpu, insn->reg) :
                           bytes;
    simd_run(cpu, insn, row, to, src, regs);
    if (dst == HOST_MM) {
        mmx_written(cpu, insn->reg);
    } else if (dst == HOST_GPR) {
        write_gpr(cpu, insn, insn->reg, regs->rax);
    }
}

void simd_op(Cpu *cpu, const Insn *insn)
{
    HostRegs regs = { 0 };

    simd_compute(cpu, insn, &regs);
}

/* PBLENDVB, BLENDVPS, BLENDVPD: the mask is XMM0. */
void simd_blendv(Cpu *cpu, const Insn *insn)
{
    HostRegs regs = { 0 };

    memcpy(regs.xmm0, cpu_xmm(cpu, 0), 16);
    simd_compute(cpu, insn, &regs);
}

/* PCMPxSTRx: lengths in rAX and rDX, the result in rCX or XMM0. */
void simd_string(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    HostRegs regs = { .rax = cpu->gpr[RAX], .rdx = cpu->gpr[RDX] };

    memcpy(regs.xmm0, cpu_xmm(cpu, 0), 16);
    simd_compute(cpu, insn, &regs);
    if (row->byte & 1) {
        cpu->gpr[RCX] = (u32)regs.rcx;
    } else {
        memcpy(cpu_xmm(cpu, 0), regs.xmm0, 16);
    }
}

/* Shifts by an immediate: the one operand is ModRM.rm. */
void simd_shift_imm(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    HostRegs regs = { 0 };

    simd_check(cpu, row);
    if (row->attr & OP_MMX) {
        mmx_begin(cpu);
        simd_run(cpu, insn, row, NULL, cpu_mm(cpu, insn->rm), &regs);
        mmx_written(cpu, insn->rm);
    } else {
        simd_run(cpu, insn, row, NULL, cpu_xmm(cpu, insn->rm), &regs);
    }
}

/* ---- moves ---- */

static u8 *vector(Cpu *cpu, HostReg kind, unsigned n)
{
    return kind == HOST_MM ? cpu_mm(cpu, n) : cpu_xmm(cpu, n);
}

/*
 * V <- W of the same kind; a shorter memory operand clears the rest (MOVSS, MOVSD,
 * MOVQ, MOVD).
 */
void simd_load_op(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    HostReg kind = host_register(row->operand[0]);
    u8 bytes[16] = { 0 };
    unsigned n = operand_bytes(row, row->operand[1], insn);

    simd_check(cpu, row);
    if (insn->shape & INSN_MEM) {
        simd_load(cpu, simd_linear(cpu, insn, n, ACCESS_READ, row->attr & OP_ALIGN),
                  bytes, n);
    } else if (host_register(row->operand[1]) == HOST_GPR) {
        memcpy(bytes, &cpu->gpr[insn->rm], n);
    }
    if (kind == HOST_MM) {
        mmx_begin(cpu);
    }
    if (!(insn->shape & INSN_MEM) && host_register(row->operand[1]) != HOST_GPR) {
        memcpy(bytes, vector(cpu, kind, insn->rm), MIN(n, kind == HOST_MM ? 8 : 16));
    }
    memcpy(vector(cpu, kind, insn->reg), bytes, kind == HOST_MM ? 8 : 16);
    if (kind == HOST_MM) {
        mmx_written(cpu, insn->reg);
    }
}

/* W <- V: memory, a register of the same kind, or a general register. */
void simd_store_op(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    HostReg kind = host_register(row->operand[1]);
    unsigned n = operand_bytes(row, row->operand[0], insn);
    bool memory = insn->shape & INSN_MEM;
    gva at = 0;

    simd_check(cpu, row);
    if (memory) {
        at = simd_linear(cpu, insn, n, ACCESS_WRITE, row->attr & OP_ALIGN);
        mmu_probe_write(cpu, at, n);
    }
    if (kind == HOST_MM) {
        mmx_begin(cpu);
    }
    if (memory) {
        simd_store(cpu, at, vector(cpu, kind, insn->reg), n);
    } else if (host_register(row->operand[0]) == HOST_GPR) {
        u64 value;

        memcpy(&value, vector(cpu, kind, insn->reg), 8);
        write_gpr(cpu, insn, insn->rm, value);
    } else {
        memcpy(vector(cpu, kind, insn->rm), vector(cpu, kind, insn->reg),
               kind == HOST_MM ? 8 : 16);
        if (kind == HOST_MM) {
            mmx_written(cpu, insn->rm);
        }
    }
}

/* MOVSS, MOVSD: between registers only the low part moves. */
void simd_movs_load(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    if (insn->shape & INSN_MEM) {
        simd_load_op(cpu, insn);
        return;
    }
    sse_check(cpu);
    memcpy(cpu_xmm(cpu, insn->reg), cpu_xmm(cpu, insn->rm),
           operand_bytes(row, row->operand[1], insn));
}

void simd_movs_store(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);

    if (insn->shape & INSN_MEM) {
        simd_store_op(cpu, insn);
        return;
    }
    sse_check(cpu);
    memcpy(cpu_xmm(cpu, insn->rm), cpu_xmm(cpu, insn->reg),
           operand_bytes(row, row->operand[0], insn));
}

/* MOVLPS, MOVHPS and their PD forms, MOVHLPS, MOVLHPS: one half of a register.  Bit 2 of the opcode says
   the high half of V; between registers the other half of W is the source. */
void simd_movlh(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    unsigned half = row->byte & 4 ? 8 : 0;
    u64 value;

    sse_check(cpu);
    if (row->byte & 1) {
        memcpy(&value, cpu_xmm(cpu, insn->reg) + half, 8);
        cpu_store64(cpu, insn_linear(cpu, insn, 8, ACCESS_WRITE), value);
        return;
    }
    if (insn->shape & INSN_MEM) {
        value = cpu_load64(cpu, insn_linear(cpu, insn, 8, ACCESS_READ));
    } else {
        memcpy(&value, cpu_xmm(cpu, insn->rm) + (8 - half), 8);
    }
    memcpy(cpu_xmm(cpu, insn->reg) + half, &value, 8);
}

/* MOVQ to an XMM register or memory (66 0F D6): a register's upper half is cleared. */
void simd_movq_load(Cpu *cpu, const Insn *insn)
{
    if (insn->shape & INSN_MEM) {
        simd_store_op(cpu, insn);
        return;
    }
    sse_check(cpu);
    memmove(cpu_xmm(cpu, insn->rm), cpu_xmm(cpu, insn->reg), 8);
    memset(cpu_xmm(cpu, insn->rm) + 8, 0, 8);
}

void simd_movq2dq(Cpu *cpu, const Insn *insn)
{
    sse_check(cpu);
    mmx_begin(cpu);
    memcpy(cpu_xmm(cpu, insn->reg), cpu_mm(cpu, insn->rm), 8);
    memset(cpu_xmm(cpu, insn->reg) + 8, 0, 8);
}

void simd_movdq2q(Cpu *cpu, const Insn *insn)
{
    sse_check(cpu);
    mmx_begin(cpu);
    memcpy(cpu_mm(cpu, insn->reg), cpu_xmm(cpu, insn->rm), 8);
    mmx_written(cpu, insn->reg);
}

/* MASKMOVQ, MASKMOVDQU: bytes whose mask has bit 7 set go to DS:rDI. */
void simd_mask_move(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    bool mmx = row->attr & OP_MMX;
    unsigned n = mmx ? 8 : 16;
    u64 offset = cpu->gpr[RDI];
    const u8 *mask, *from;
    gva at;

    simd_check(cpu, row);
    offset = (insn->shape & INSN_ADDR) == INSN_ADDR64 ? offset :
             (insn->shape & INSN_ADDR)                ? (u32)offset :
                                                        (u16)offset;
    at = insn->seg == SEG_FLAT ?
             offset :
             segment_linear(cpu, insn->seg, offset, n, ACCESS_WRITE);
    if (mmx) {
        mmx_begin(cpu);
    }
    from = mmx ? cpu_mm(cpu, insn->reg) : cpu_xmm(cpu, insn->reg);
    mask = mmx ? cpu_mm(cpu, insn->rm) : cpu_xmm(cpu, insn->rm);
    for (unsigned i = 0; i < n; i++) {          /* only selected bytes can fault */
        if (mask[i] & 0x80) {
            mmu_probe_write(cpu, at + i, 1);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if (mask[i] & 0x80) {
            cpu_store8(cpu, at + i, from[i]);
        }
    }
}

void simd_emms(Cpu *cpu, const Insn *insn)
{
    mmx_check(cpu);
    mmx_begin(cpu);
    cpu->fx[FX_FTW] = 0;
}
