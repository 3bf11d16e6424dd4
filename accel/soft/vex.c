/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX, AVX2, FMA, BMI and what else is behind a VEX prefix: operands are brought
 * together, the host executes the instruction (host.h), results go where they belong.
 * Writing an XMM register clears the upper half of its YMM register.  A vCPU's own
 * thread.
 */

#include "accel/soft/vex.h"

/* SDM vol. 2A, 2.4: exception classes; those of general registers ask for nothing. */
void avx_check(Cpu *cpu)
{
    enum { XCR0_AVX = 6 };

    if (unlikely(!(cpu->cr4 & CR4_OSXSAVE) || (cpu->xcr0 & XCR0_AVX) != XCR0_AVX)) {
        cpu_raise(cpu, EXC_UD);
    }
    if (unlikely(cpu->cr0 & CR0_TS)) {
        cpu_raise(cpu, EXC_NM);
    }
}

void vex_get(const Cpu *cpu, unsigned n, u8 *to)
{
    memcpy(to, cpu->fx + FX_XMM + 16 * n, 16);
    memcpy(to + 16, cpu->ymm_high[n], 16);
}

void vex_set(Cpu *cpu, unsigned n, const u8 *from)
{
    memcpy(cpu->fx + FX_XMM + 16 * n, from, 16);
    memcpy(cpu->ymm_high[n], from + 16, 16);
}

/* Bytes of an operand in memory. */
static unsigned operand_bytes(const Opcode *row, Operand operand, const Insn *insn)
{
    bool ymm = insn->more & INSN2_VEX256;
    unsigned scale = ymm && row->vex & VEX_SCALES ? 2 : 1;

    if (row->memory) {
        return row->memory;
    }
    switch (operand) {
    case O_Wx: case O_M:
        return ymm ? 32 : 16;
    case O_Wq: case O_Mq:
        return 8 * scale;
    case O_Wd: case O_Ed: case O_Md:
        return 4 * scale;
    case O_Ww:
        return 2 * scale;
    default:
        return (insn->more & INSN2_WIDTH) == 3 ? 8 : 4;
    }
}

/* The operand that ModRM.rm names, or O_NONE. */
static Operand rm_operand(const Opcode *row)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Wx:
        case O_Ux:
        case O_Wq:
        case O_Wd:
        case O_Ww:
        case O_M:
        case O_Md:
        case O_Mq:
        case O_Ed: case O_Ey: case O_Mv:
            return row->operand[i];
        default:
            break;
        }
    }
    return O_NONE;
}

static bool is_gpr(Operand operand)
{
    return operand == O_Ed || operand == O_Ey || operand == O_Gd || operand == O_Gy ||
           operand == O_By;
}

/*
 * The address of a memory operand, aligned if the row says so: #GP if it is not, also
 * where the address is not canonical and on the stack (found on the host: the manual
 * gives no order).
 */
static gva vex_linear(Cpu *cpu, const Insn *insn, unsigned n, Access access)
{
    gva at = insn_linear(cpu, insn, n, access);

    if (opcode_row(insn->op)->attr & OP_ALIGN && unlikely(at & (n - 1))) {
        cpu_gp(cpu, 0);
    }
    return at;
}

static void vex_load(Cpu *cpu, gva at, u8 *to, unsigned n)
{
    if (n == 32 && likely(in_one_page(at, 32) && !cpu->data_checks)) {
        simd_load(cpu, at, to, 16);
        simd_load(cpu, at + 16, to + 16, 16);
    } else {
        simd_load(cpu, at, to, n);
    }
}

static void vex_store(Cpu *cpu, gva at, const u8 *from, unsigned n)
{
    if (n == 32 && likely(in_one_page(at, 32) && !cpu->data_checks)) {
        mmu_probe_write(cpu, at, 32);
        simd_store(cpu, at, from, 16);
        simd_store(cpu, at + 16, from + 16, 16);
    } else {
        simd_store(cpu, at, from, n);
    }
}

/* ---- what the host computes ---- */

/* A place for a result. */
static void put_gpr(Cpu *cpu, const Insn *insn, unsigned n, u64 value)
{
    cpu->gpr[n] = (insn->more & INSN2_WIDTH) == 3 ? value : (u32)value;
}

/* Registers into their places.  Does not fault. */
static void gather_registers(const Cpu *cpu, const Insn *insn, const Opcode *row,
                             HostVectors *v, HostRegs *regs)
{
    unsigned last = insn->more & INSN2_CODE64 ? 15 : 7;

    for (unsigned i = 0; i < G_N_ELEMENTS(row->operand); i++) {
        switch (row->operand[i]) {
        case O_Vx:
            vex_get(cpu, insn->reg, v->reg);
            break;
        case O_Hx:
            vex_get(cpu, insn_vvvv(insn) & last, v->vvvv);
            break;
        case O_Lx:
            vex_get(cpu, insn->imm >> 4 & last, v->last);
            break;
        case O_By:
            regs->r9 = cpu->gpr[insn_vvvv(insn) & last];
            break;
        default:
            break;
        }
    }
    regs->rdx = cpu->gpr[RDX];
    regs->arith = cpu->arith;
}

/* ModRM.rm as a source.  May fault. */
static void gather_rm(Cpu *cpu, const Insn *insn, const Opcode *row, HostVectors *v,
                      HostRegs *regs)
{
    Operand rm = rm_operand(row);
    unsigned n = operand_bytes(row, rm, insn);

    if (insn->shape & INSN_MEM) {
        vex_load(cpu, vex_linear(cpu, insn, n, ACCESS_READ), v->rm, n);
    } else if (is_gpr(rm)) {
        regs->rcx = cpu->gpr[insn->rm];
    } else {
        vex_get(cpu, insn->rm, v->rm);
    }
}

static void put_result(Cpu *cpu, const Insn *insn, const Opcode *row,
                       const HostVectors *v, const HostRegs *regs)
{
    unsigned vvvv = insn_vvvv(insn) & (insn->more & INSN2_CODE64 ? 15 : 7);

    switch (row->operand[0]) {
    case O_Vx:
        vex_set(cpu, insn->reg, v->reg);
        break;
    case O_Hx:
        vex_set(cpu, vvvv, v->vvvv);
        break;
    case O_Gd: case O_Gy:
        if (row->vex & VEX_BOTH) {
            put_gpr(cpu, insn, vvvv, regs->r9);
        }
        put_gpr(cpu, insn, insn->reg, regs->rax);
        break;
    case O_By:
        put_gpr(cpu, insn, vvvv, regs->r9);
        break;
    case O_Ed: case O_Ey:
        put_gpr(cpu, insn, insn->rm, regs->rcx);
        break;
    case O_Wx: case O_Wq: case O_Wd:
        vex_set(cpu, insn->rm, v->rm);
        break;
    default:
        break;
    }
}

static void vex_compute(Cpu *cpu, const Insn *insn, HostRegs *regs)
{
    const Opcode *row = opcode_row(insn->op);
    Operand rm = rm_operand(row);
    bool to_memory = insn->shape & INSN_MEM && row->operand[0] == rm;
    unsigned n = to_memory ? operand_bytes(row, rm, insn) : 0;
    HostVectors v = { .rm = { 0 } };
    gva at = 0;

    if (row->attr & OP_SSE) {
        avx_check(cpu);
    }
    if (to_memory) {
        at = vex_linear(cpu, insn, n, ACCESS_WRITE);
        if (!(row->attr & OP_MXCSR)) { /* VCVTPS2PH sets flags there, and faults then */
            mmu_probe_write(cpu, at, n);
        }
    } else if (row->operand[0] != rm) {
        gather_rm(cpu, insn, row, &v, regs);
    }
    gather_registers(cpu, insn, row, &v, regs);
    simd_run(cpu, insn, row, &v, NULL, regs);
    if (to_memory) {
        vex_store(cpu, at, v.rm, n);
    } else {
        put_result(cpu, insn, row, &v, regs);
    }
}

void vex_op(Cpu *cpu, const Insn *insn)
{
    HostRegs regs = { 0 };

    vex_compute(cpu, insn, &regs);
}

/* VPCMPxSTRx: lengths in rAX and rDX, the result in rCX or XMM0. */
void vex_string(Cpu *cpu, const Insn *insn)
{
    HostRegs regs = { .rax = cpu->gpr[RAX] };

    vex_compute(cpu, insn, &regs);
    if (opcode_row(insn->op)->byte & 1) {
        cpu->gpr[RCX] = (u32)regs.rcx;
    } else {
        memcpy(cpu_xmm(cpu, 0), regs.xmm0, 16);
        memset(cpu->ymm_high[0], 0, 16);
    }
}

/* ---- moves ---- */

/* V <- W. */
void vex_move_load(Cpu *cpu, const Insn *insn)
{
    unsigned n = insn->more & INSN2_VEX256 ? 32 : 16;
    u8 bytes[32] = { 0 };

    avx_check(cpu);
    if (insn->shape & INSN_MEM) {
        vex_load(cpu, vex_linear(cpu, insn, n, ACCESS_READ), bytes, n);
    } else {
        vex_get(cpu, insn->rm, bytes);
        memset(bytes + n, 0, 32 - n);
    }
    vex_set(cpu, insn->reg, bytes);
}

/* W <- V. */
void vex_move_store(Cpu *cpu, const Insn *insn)
{
    unsigned n = insn->more & INSN2_VEX256 ? 32 : 16;
    u8 bytes[32];

    avx_check(cpu);
    vex_get(cpu, insn->reg, bytes);
    if (insn->shape & INSN_MEM) {
        vex_store(cpu, vex_linear(cpu, insn, n, ACCESS_WRITE), bytes, n);
    } else {
        memset(bytes + n, 0, 32 - n);
        vex_set(cpu, insn->rm, bytes);
    }
}

/* VZEROUPPER, and with L VZEROALL: 8 registers outside 64-bit mode. */
void vex_zero(Cpu *cpu, const Insn *insn)
{
    unsigned n = insn->more & INSN2_CODE64 ? 16 : 8;

    avx_check(cpu);
    memset(cpu->ymm_high, 0, 16 * n);
    if (insn->more & INSN2_VEX256) {
        memset(cpu_xmm(cpu, 0), 0, 16 * n);
    }
}

/* ---- masks: VMASKMOVPS, VPMASKMOVD and their like ---- */

/* VMASKMOVDQU: as without VEX. */
void vex_mask_move(Cpu *cpu, const Insn *insn)
{
    avx_check(cpu);
    simd_mask_move(cpu, insn);
}

/* The sign of an element says whether it is moved; only those can fault. */
static bool element_on(const u8 *mask, unsigned i, unsigned size)
{
    return mask[i * size + size - 1] & 0x80;
}

/* Elements of these are 8 bytes: the PD forms have odd opcodes, the integer ones W. */
static unsigned mask_element(const Opcode *row)
{
    return row->byte < 0x80 ? (row->byte & 1 ? 8 : 4) : row->attr & OP_W64 ? 8 : 4;
}

void vex_mask_load(Cpu *cpu, const Insn *insn)
{
    unsigned n = insn->more & INSN2_VEX256 ? 32 : 16,
             size = mask_element(opcode_row(insn->op));
    u8 mask[32], bytes[32] = { 0 };
    gva at;

    avx_check(cpu);
    vex_get(cpu, insn_vvvv(insn), mask);
    at = insn_linear(cpu, insn, n, ACCESS_READ);
    for (unsigned i = 0; i < n / size; i++) {
        if (element_on(mask, i, size)) {
            mmu_read(cpu, at + i * size, bytes + i * size, size);
        }
    }
    vex_set(cpu, insn->reg, bytes);
}

void vex_mask_store(Cpu *cpu, const Insn *insn)
{
    unsigned n = insn->more & INSN2_VEX256 ? 32 : 16,
             size = mask_element(opcode_row(insn->op));
    u8 mask[32], bytes[32];
    gva at;

    avx_check(cpu);
    vex_get(cpu, insn_vvvv(insn), mask);
    vex_get(cpu, insn->reg, bytes);
    at = insn_linear(cpu, insn, n, ACCESS_WRITE);
    for (unsigned i = 0; i < n / size; i++) {
        if (element_on(mask, i, size)) {
            mmu_probe_write(cpu, at + i * size, size);
        }
    }
    for (unsigned i = 0; i < n / size; i++) {
        if (element_on(mask, i, size)) {
            mmu_write(cpu, at + i * size, bytes + i * size, size);
        }
    }
}

/* ---- gathers ---- */

/*
 * The address of element `i`: its index, sign-extended and scaled, is added to the
 * offset.
 */
static gva gather_linear(Cpu *cpu, const Insn *insn, const u8 *indices, unsigned i,
                         bool wide_index, unsigned size)
{
    u64 offset = insn_offset(cpu, insn);
    s64 index = 0;

    if (wide_index) {
        memcpy(&index, indices + 8 * i, 8);
    } else {
        s32 narrow;

        memcpy(&narrow, indices + 4 * i, 4);
        index = narrow;
    }
    offset += (u64)index << (insn->shape & INSN_SCALE);
    offset = (insn->shape & INSN_ADDR) == INSN_ADDR64 ? offset : (u32)offset;
    return insn->seg == SEG_FLAT ?
               offset :
               segment_linear(cpu, insn->seg, offset, size, ACCESS_READ);
}

/*
 * Elements are read from the lowest up; what has been done before a fault stays, and
 * its mask is cleared, so that the instruction goes on where it was (SDM vol. 2C,
 * VGATHERDPS).
 */
void vex_gather(Cpu *cpu, const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    unsigned size = row->attr & OP_W64 ? 8 : 4, index = row->byte & 1 ? 8 : 4;
    unsigned n = (insn->more & INSN2_VEX256 ? 32 : 16) / MAX(size, index);
    unsigned mask_reg = insn_vvvv(insn), indices_reg = insn_indices(insn);
    u8 mask[32], to[32], indices[32];

    avx_check(cpu);
    if (insn->reg == mask_reg || insn->reg == indices_reg || mask_reg == indices_reg) {
        cpu_raise(cpu, EXC_UD);
    }
    vex_get(cpu, mask_reg, mask);
    vex_get(cpu, insn->reg, to);
    vex_get(cpu, indices_reg, indices);
    memset(to + n * size, 0, sizeof to - n * size);
    for (unsigned i = 0; i < n; i++) {
        if (element_on(mask, i, size)) {
            mmu_read(cpu, gather_linear(cpu, insn, indices, i, index == 8, size),
                     to + i * size, size);
            memset(mask + i * size, 0, size);
            memcpy(cpu_xmm(cpu, insn->reg), to, 16);        /* not to be done again */
            memcpy(cpu->ymm_high[insn->reg], to + 16, 16);
            vex_set(cpu, mask_reg, mask);
        }
    }
    memset(mask, 0, sizeof mask);
    vex_set(cpu, insn->reg, to);
    vex_set(cpu, mask_reg, mask);
}
