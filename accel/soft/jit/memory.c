/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory operands: their address, and the check of the TLB in line.
 *
 *      lea     operand, S1
 *      xor     hint's tag, S1              a hit leaves the offset in the page
 *      cmp     $4096 - size, S1
 *      ja      another entry, or a miss
 *      mov     hint's addend, S2           and the operand is at operand + S2
 *
 * The hint (cpu.h), which is what the entry was last time, keeps the address out of the
 * look-up, so that the access waits for nothing but what it waits for on the host.
 * Behind the code proper the address's own entry is tried, and becomes the hint.  Where
 * hints turn out to be wrong all the time (run.c) the entry is computed: mov, shr, and,
 * add, and is at S2.
 *
 * The table is that of the block's MMU mode, which is part of what a block is found by.
 *
 * Going further was weighed: guest pages mirrored into the host's address space would
 * leave the check to the host's MMU, at the price of a system call for every page that
 * the guest maps or unmaps.  See docs/software-cpu.md.
 */

#include "accel/soft/jit/code.h"

unsigned code_reg(Code *c, unsigned guest, unsigned temp)
{
    if (host_register_of[guest] != IN_MEMORY) {
        return host_register_of[guest];
    }
    emit_cpu(c->e, 0x8b | X_W, temp, CPU_GPR(guest));
    return temp;
}

void code_begin_access(Code *c)
{
    if (c->live[c->i]) {
        code_keep_flags(c);
    }
    c->gone = true;
}

void code_end_access(Code *c, const Place *place)
{
    code_settle_flags(c, place ? place->spare : S2);
}

bool code_can_address(const Code *c)
{
    const Insn *insn = c->insn;
    s64 rip_disp = (s64)insn->disp + c->page_at;

    return insn->base != REG_BLOCK ||
           (insn->index == REG_NONE && rip_disp == (s32)rip_disp);
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
    emit_lea(c->e, width, to, base, index, insn->shape & INSN_SCALE, disp);
}

void code_address(Code *c)
{
    const Insn *insn = c->insn;

    code_offset(c, S1, (insn->shape & INSN_ADDR) == INSN_ADDR32 ? 0 : X_W);
    if (insn->seg != SEG_FLAT) {
        emit_cpu(c->e, 0x03 | X_W, S1,
                 offsetof(Cpu, seg) + insn->seg * sizeof(Segment) +
                     offsetof(Segment, base));
    }
}

/* ---- the check ---- */

/* S2, an address, becomes its own entry. */
void code_own_entry(Emit *e, unsigned mode)
{
    emit_rr(e, 0xc1 | X_W, 5, S2);                              /* shr */
    emit8(e, PAGE_SHIFT - 5);
    emit_cpu(e, 0x23, S2, offsetof(Cpu, tlb_mask));             /* and */
    emit_cpu(e, 0x03 | X_W, S2, offsetof(Cpu, tlb_table) + mode * sizeof(TlbEntry *));
}
_Static_assert(sizeof(TlbEntry) == 32, "the shift above");

static unsigned new_hint(Code *c)
{
    u16 *given = &c->jit->hints[c->mmu], *made = &c->jit->hints_made[c->mmu];
    unsigned hint = 1 + *given;

    *given = hint % (TLB_HINTS - 1);
    if (hint > *made) {
        *made = hint;
        blocks_new_hint(c->blocks, c->mmu, hint);
    }
    return hint;
}

/* Places that lie beside the same pointer share one. */
static unsigned hint_of(Code *c, unsigned base)
{
    if (base == RSP) {
        return 0;
    }
    if (!c->hint[base]) {
        c->hint[base] = new_hint(c);
    }
    return c->hint[base];
}

bool code_is_far(const Insn *insn)
{
    return __atomic_load_n(&insn->more, __ATOMIC_RELAXED) & INSN2_FAR;
}

static size_t hint_at(const Code *c, unsigned hint)
{
    return offsetof(Cpu, tlb_hint[0][0]) +
           (c->mmu * TLB_HINTS + hint) * sizeof(TlbHint);
}

/* S2 = the hint's addend, or that of the entry at S2. */
static void load_addend(Code *c, unsigned hint, bool far)
{
    if (far) {
        emit_rm(c->e, 0x8b | X_W, S2, S2, NO_REG, 0, offsetof(TlbEntry, addend));
    } else {
        emit_cpu(c->e, 0x8b | X_W, S2, hint_at(c, hint) + offsetof(TlbHint, addend));
    }
}

/*
 * S1, an address, becomes what differs from the tag.  Without a hint: the entry is the
 * right one where the pages of `near` and S1 are the same, which is nearly always.
 */
static void compare(Code *c, unsigned near, unsigned hint, bool write, bool far)
{
    if (far) {
        emit_rr(c->e, 0x8b | X_W, S2, near);
        code_own_entry(c->e, c->mmu);
        emit_rm(c->e, 0x33 | X_W, S1, S2, NO_REG, 0,            /* xor */
                write ? offsetof(TlbEntry, write) : offsetof(TlbEntry, read));
    } else {
        emit_cpu(c->e, 0x33 | X_W, S1,
                 hint_at(c, hint) +
                     (write ? offsetof(TlbHint, write) : offsetof(TlbHint, read)));
    }
}

/*
 * S1 is a linear address, `near` one that is mostly in the same page.  After it S2 has
 * the addend.
 */
static void check(Code *c, unsigned near, unsigned hint, unsigned size, bool write,
                  bool far)
{
    Emit *e = c->e;
    Cold *cold;

    compare(c, near, hint, write, far);
    emit_rr(e, 0x81 | X_W, 7, S1);                              /* cmp */
    emit32(e, PAGE_BYTES - size);
    cold = code_new_cold(c, emit_jump(e, CC_A, 0));
    *cold = (Cold){ .jump = cold->jump, .insn = c->insn, .saved = true, .fp = c->fp,
                    .redo = c->redo, .hit = e->at, .size = size, .hint = hint,
                    .far = far, .write = write };
    load_addend(c, hint, far);
}

/* As check() left it, at the wrong entry.  Goes on behind if there is a miss. */
void code_look_again(Code *c, const Cold *cold)
{
    const Jit *jit = c->jit;
    Emit *e = c->e;
    u32 miss;

    if (!cold->far) {
        emit_z(e, 0xb8, S2);                                    /* mov */
        emit32(e, hint_at(c, cold->hint));
    }
    emit_call(e, (cold->far ? jit->find_entry : jit->find_hint)[c->mmu][cold->write]);
    emit_rr(e, 0x81 | X_W, 7, S1);                              /* cmp */
    emit32(e, PAGE_BYTES - cold->size);
    miss = emit_jump(e, CC_A, 0);
    if (cold->far) {
        emit_jump(e, JMP, cold->hit);
    } else {
        emit_cpu(e, 0x83, 5, offsetof(Cpu, hint_budget));       /* sub */
        emit8(e, 1);
        emit_jump(e, CC_NS, cold->hit);
    }
    emit_set_target(e, miss, e->at);
}

Place code_place(Code *c, unsigned guest, s32 disp, unsigned size, bool write)
{
    unsigned base = host_register_of[guest];

    emit_lea(c->e, X_W, S1, base, NO_REG, 0, disp);
    check(c, base, hint_of(c, guest), size, write, code_is_far(c->insn));
    return (Place){ .base = S2, .index = base, .disp = disp, .spare = S1 };
}

static bool has_register(unsigned guest)
{
    return guest < REG_NONE && host_register_of[guest] != IN_MEMORY;
}

void code_check_beside(Code *c, Beside *beside, s32 disp, unsigned size, bool write)
{
    unsigned base = code_reg(c, beside->base, S1), index = NO_REG;

    if (beside->index != REG_NONE) {
        index = host_register_of[beside->index];
        beside->hint = new_hint(c);
    } else {
        beside->hint = hint_of(c, beside->base);
    }
    emit_lea(c->e, X_W, S1, base, index, beside->scale, disp);
    check(c, index == NO_REG && !beside->far ? base : S1, beside->hint, size, write,
          beside->far);
    if (beside->far) {
        emit_cpu(c->e, 0x89 | X_W, S2, offsetof(Cpu, jit_addend));
    }
}

void code_fetch_addend(Code *c, const Beside *beside)
{
    if (beside->far) {
        emit_cpu(c->e, 0x8b | X_W, S2, offsetof(Cpu, jit_addend));
    } else {
        load_addend(c, beside->hint, false);
    }
}

/* A register that has none, or is one of two, is added to S2. */
static bool is_added(const Beside *beside)
{
    return !has_register(beside->base) || beside->index != REG_NONE;
}

void code_add_base(Code *c, const Beside *beside)
{
    if (is_added(beside)) {
        emit_rm(c->e, 0x8d | X_W, S2, S2, code_reg(c, beside->base, S1), 0, 0);
    }
}

Place code_place_beside(const Beside *beside, s32 disp)
{
    Place place = { .base = S2, .index = NO_REG, .spare = S1, .disp = disp };

    if (!is_added(beside)) {
        place.index = host_register_of[beside->base];
    } else if (beside->index != REG_NONE) {
        place.index = host_register_of[beside->index];
        place.scale = beside->scale;
    }
    return place;
}

/* ---- operands ---- */

/* With addresses of 32 bits: what was computed is computed again, and S2 added. */
static Place narrow_place(Code *c)
{
    emit_cpu(c->e, 0x89 | X_W, S2, offsetof(Cpu, jit_temp));
    code_address(c);
    emit_cpu(c->e, 0x03 | X_W, S1, offsetof(Cpu, jit_temp));
    return (Place){ .base = S1, .index = NO_REG, .spare = S2 };
}

/*
 * S2 is the addend; what has no register of its own is added to it.  The flags are
 * free.
 */
static Place wide_place(Code *c)
{
    const Insn *insn = c->insn;
    Place place = { .base = S2, .index = NO_REG, .spare = S1, .disp = insn->disp };

    if (insn->seg != SEG_FLAT) {
        emit_cpu(c->e, 0x03 | X_W, S2,
                 offsetof(Cpu, seg) + insn->seg * sizeof(Segment) +
                     offsetof(Segment, base));
    }
    if (insn->base == REG_BLOCK) {
        emit_cpu(c->e, 0x03 | X_W, S2, offsetof(Cpu, code_page));
        place.disp += c->page_at;
    } else if (has_register(insn->base) && insn->index == REG_NONE) {
        place.index = host_register_of[insn->base];
    } else if (has_register(insn->base)) {
        emit_rm(c->e, 0x8d | X_W, S2, S2, host_register_of[insn->base], 0, 0);
    } else if (insn->base != REG_NONE) {
        emit_cpu(c->e, 0x03 | X_W, S2, CPU_GPR(insn->base));
    }
    if (has_register(insn->index)) {
        place.index = host_register_of[insn->index];
        place.scale = insn->shape & INSN_SCALE;
    } else if (insn->index != REG_NONE) {
        emit_cpu(c->e, 0x8b | X_W, S1, CPU_GPR(insn->index));
        emit_rm(c->e, 0x8d | X_W, S2, S2, S1, insn->shape & INSN_SCALE, 0);
    }
    return place;
}

Place code_operand(Code *c, unsigned size, bool write)
{
    const Insn *insn = c->insn;
    bool shared = insn->index == REG_NONE && insn->base < REG_NONE &&
                  insn->seg == SEG_FLAT;

    code_address(c);
    check(c,
          shared && has_register(insn->base) ? (unsigned)host_register_of[insn->base] :
                                               S1,
          shared ? hint_of(c, insn->base) : new_hint(c), size, write,
          code_is_far(insn));
    return (insn->shape & INSN_ADDR) == INSN_ADDR64 ? wide_place(c) : narrow_place(c);
}

void code_at(Code *c, u32 op, unsigned reg, const Place *place)
{
    code_trap(c);
    emit_rm(c->e, op, reg, place->base, place->index, place->scale, place->disp);
}

void code_vex_at(Code *c, const VexOp *op, unsigned reg, const Place *place)
{
    code_trap(c);
    emit_vex_rm(c->e, op, reg, place->base, place->index, place->scale, place->disp);
}
