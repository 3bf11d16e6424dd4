/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest registers that have none in the host, in S1 and S2.
 *
 * What such a register becomes is always stored, so nobody else need know of this. But
 * between instructions that use nothing else of S1 and S2 the values stay there, and
 * need not be loaded again: of two instructions in a row that work on r13 the second
 * would wait for the first one's store.
 */

#include "accel/soft/jit/code.h"

static const u8 scratch[2] = { S1, S2 };

bool scratch_needed(unsigned guest)
{
    return !(guest & BYTE_HIGH) && host_register_of[guest] == IN_MEMORY;
}

bool scratch_is_kept(const Code *c, unsigned guest)
{
    return c->kept[0] == guest || c->kept[1] == guest;
}

/* One with memory ends what is kept. */
unsigned scratch_next_use(const Code *c, unsigned guest)
{
    enum { FAR = INSNS_MAX };

    if (guest == NOT_KEPT) {
        return FAR;
    }
    for (unsigned i = c->i + 1; i < c->block->n; i++) {
        const Insn *insn = &c->block->insn[i];

        if (insn->shape & INSN_MEM) {
            return FAR;
        }
        if (insn->reg == guest || insn->rm == guest) {
            return i - c->i;
        }
    }
    return FAR;
}

/* The scratch register to be lost: not that of `other`, rather what is used later. */
static unsigned choose(const Code *c, unsigned other)
{
    for (unsigned i = 0; i < 2; i++) {
        if (c->kept[i] == other && other != NOT_KEPT) {
            return !i;
        }
    }
    return scratch_next_use(c, c->kept[1]) > scratch_next_use(c, c->kept[0]);
}

void scratch_forget(Code *c)
{
    c->kept[0] = c->kept[1] = NOT_KEPT;
}

unsigned scratch_hold(Code *c, unsigned guest, unsigned other, bool load)
{
    unsigned i;

    if (guest & BYTE_HIGH) {
        return (guest & 3) + 4;
    }
    if (!scratch_needed(guest)) {
        return host_register_of[guest];
    }
    i = c->kept[0] == guest ? 0 : c->kept[1] == guest ? 1 : 2;
    if (i == 2) {
        i = choose(c, other);
        c->kept[i] = guest;
        if (load) {
            emit_cpu(c->e, 0x8b | X_W, scratch[i], CPU_GPR(guest));
        }
    }
    return scratch[i];
}

void scratch_store(Code *c, unsigned guest, unsigned host)
{
    if (scratch_needed(guest)) {
        emit_cpu(c->e, 0x89 | X_W, host, CPU_GPR(guest));
    }
}
