/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory operands: their address, and the check of the TLB in line.
 *
 *      lea     operand, S1
 *      mov     S1, S2
 *      shr     $7, S2                      entries are 32 bytes
 *      and     $(TLB_SIZE - 1) * 32, S2
 *      xor     tag(S2), S1                 a hit leaves the offset in the page
 *      cmp     $4096 - size, S1
 *      ja      miss
 *      mov     addend(S2), S2              and the operand is at (base + S2), or S1 is made again
 *
 * The table is that of the block's MMU mode, which is part of what a block is found by.  Tags that must not match differ
 * from all addresses that lead to their entry (cpu.h).
 *
 * Going further was weighed: guest pages mirrored into the host's address space would leave the check to the host's MMU, at the
 * price of a system call for every page that the guest maps or unmaps.  See docs/software-cpu.md.
 */

#include "accel/soft/jit/code.h"

_Static_assert(sizeof(TlbEntry) == 32, "the shift below");

unsigned code_reg(Code *c, unsigned guest, unsigned temp)
{
    if (host_register_of[guest] != IN_MEMORY) {
        return host_register_of[guest];
    }
    emit_cpu(c->e, 0x8b | X_W, temp, CPU_GPR(guest));
    return temp;
}

/* Flags that the present instruction or a later one reads. */
static bool flags_needed(const Code *c)
{
    return !c->saved && c->live[c->i];
}

void code_begin_access(Code *c)
{
    if (flags_needed(c)) {
        code_save_flags(c->e, S2);
    }
}

void code_end_access(Code *c, Place *place)
{
    if (flags_needed(c)) {
        code_restore_flags(c->e, place ? code_spare(c, place) : S2);
    }
}

bool code_can_address(const Code *c)
{
    const Insn *insn = c->insn;
    s64 rip_disp = (s64)insn->disp + c->page_at;

    return insn->base != REG_BLOCK || (insn->index == REG_NONE && rip_disp == (s32)rip_disp);
}

void code_offset(Code *c, unsigned to, u32 width)
{
    const Insn *insn = c->insn;
    unsigned base = NO_REG, index = NO_REG;
    s32 disp = insn->disp;

    if (insn->base == REG_BLOCK) {
        emit_cpu(c->e, 0x8b | X_W, S1, offsetof(Cpu, code_page));
        base = S1;
        disp += c->page_at;
    } else if (insn->base != REG_NONE) {
        base = code_reg(c, insn->base, S1);
    }
    if (insn->index != REG_NONE) {
        index = code_reg(c, insn->index, S2);
    }
    emit_rm(c->e, 0x8d | width, to, base, index, insn->shape & INSN_SCALE, disp);
}

void code_address(Code *c)
{
    const Insn *insn = c->insn;

    code_offset(c, S1, (insn->shape & INSN_ADDR) == INSN_ADDR32 ? 0 : X_W);
    if (insn->seg != SEG_FLAT) {
        emit_cpu(c->e, 0x03 | X_W, S1, offsetof(Cpu, seg) + insn->seg * sizeof(Segment) + offsetof(Segment, base));
    }
}

/* S1 is a linear address. */
static size_t check(Code *c, unsigned size, bool write)
{
    size_t table = offsetof(Cpu, tlbs) + c->mmu * sizeof(TlbEntry) * TLB_SIZE;
    size_t tag = table + (write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read));
    Emit *e = c->e;
    Cold *cold;

    emit_rr(e, 0x8b | X_W, S2, S1);
    emit_rr(e, 0xc1 | X_W, 5, S2);                              /* shr */
    emit8(e, PAGE_SHIFT - 5);
    emit_rr(e, 0x81, 4, S2);                                    /* and */
    emit32(e, (TLB_SIZE - 1) * sizeof(TlbEntry));
    emit_rm(e, 0x33 | X_W | X_GS, S1, NO_REG, S2, 0, tag);      /* xor */
    emit_rr(e, 0x81 | X_W, 7, S1);                              /* cmp */
    emit32(e, PAGE_BYTES - size);
    cold = code_new_cold(c, emit_jump(e, CC_A, 0));
    cold->insn = c->insn;
    cold->saved = true;
    return tag;
}

static void load_addend(Code *c)
{
    size_t table = offsetof(Cpu, tlbs) + c->mmu * sizeof(TlbEntry) * TLB_SIZE;

    emit_rm(c->e, 0x8b | X_W | X_GS, S2, NO_REG, S2, 0, table + offsetof(TlbEntry, addend));
}

Place code_place(Code *c, unsigned base, s32 disp, unsigned size, bool write)
{
    emit_rm(c->e, 0x8d | X_W, S1, base, NO_REG, 0, disp);
    check(c, size, write);
    load_addend(c);
    return (Place){ .base = S2, .index = base, .disp = disp, .spare = S1 };
}

static bool has_register(unsigned guest)
{
    return guest < REG_NONE && host_register_of[guest] != IN_MEMORY;
}

Place code_operand(Code *c, unsigned size, bool write)
{
    const Insn *insn = c->insn;
    bool plain = insn->seg == SEG_FLAT && (insn->shape & INSN_ADDR) == INSN_ADDR64 && has_register(insn->base);
    size_t tag;

    if (plain && insn->index == REG_NONE) {
        return code_place(c, host_register_of[insn->base], insn->disp, size, write);
    }
    code_address(c);
    tag = check(c, size, write);
    if (plain && has_register(insn->index)) {
        load_addend(c);
        code_address(c);
    } else {
        emit_rm(c->e, 0x33 | X_W | X_GS, S1, NO_REG, S2, 0, tag);       /* the address again */
        load_addend(c);
    }
    return (Place){ .base = S1, .index = S2, .spare = NO_REG };
}

unsigned code_spare(Code *c, Place *place)
{
    if (place->spare == NO_REG) {
        emit_rm(c->e, 0x8d | X_W, S1, S1, S2, 0, 0);
        *place = (Place){ .base = S1, .index = NO_REG, .spare = S2 };
    }
    return place->spare;
}

void code_at(Code *c, u32 op, unsigned reg, const Place *place)
{
    emit_rm(c->e, op, reg, place->base, place->index, 0, place->disp);
}
