/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A walk over the opcode table: every row is complete, and no two mean the same bytes.
 */

#include "accel/cpu_model.h"
#include "accel/soft/opcodes.h"
#include "accel/soft/soft.h"

static void check(const Opcode *row, bool ok, const char *what)
{
    if (!ok) {
        g_test_message("%s (map %u, %02x /%d): %s", row->name, row->map, row->byte,
                       row->ext, what);
        g_test_fail();
    }
}

static bool has_forms(const OpForms *forms)
{
    for (unsigned w = 0; w < 4; w++) {
        if (forms->reg[w] || forms->mem[w]) {
            return true;
        }
    }
    return false;
}

static void test_complete(void)
{
    for (unsigned op = OP_SPECIAL; op < opcode_count(); op++) {
        const Opcode *row = opcode_row(op);

        check(row, row->name && *row->name, "has no name");
        check(row, row->forms ? !row->fn && has_forms(row->forms) : row->fn != NULL,
              "has no function, or two");
        check(row,
              row->map < MAP_COUNT && row->ext >= -1 && row->ext <= 7 &&
                  row->rm >= -1 && row->rm <= 7,
              "stands nowhere");
        check(row, row->rm < 0 || row->mod == MOD_REG, "asks for rm with memory");
        check(row, !((row->reads | row->writes) & ~FLAGS_ARITH), "uses other flags");
        check(row, row->class != CLASS_BRANCH || row->attr & OP_ENDS,
              "is a branch and goes on");
        check(row, (row->attr & (OP_NO64 | OP_ONLY64)) != (OP_NO64 | OP_ONLY64),
              "is nowhere");
    }
}

/*
 * Where LOCK is allowed there is what does it: beside each form for memory one with
 * LOCK.
 */
static void test_lock(void)
{
    for (unsigned op = OP_SPECIAL; op < opcode_count(); op++) {
        const Opcode *row = opcode_row(op);

        for (unsigned w = 0; row->forms && w < 4; w++) {
            bool mem = row->forms->mem[w], lock = row->forms->lock[w];

            check(row, lock ? mem : !(mem && row->attr & OP_LOCK),
                  "forms do not fit LOCK");
        }
    }
}

static void test_features(void)
{
    for (unsigned op = OP_SPECIAL; op < opcode_count(); op++) {
        const Opcode *row = opcode_row(op);
        const CpuFeature *f = cpu_features;

        while (row->feature && f->name && strcmp(f->name, row->feature)) {
            f++;
        }
        check(row, !row->feature || f->name, "needs a feature that nobody knows");
    }
}

/* ---- ambiguity ---- */

static bool prefixes_meet(const Opcode *a, const Opcode *b)
{
    return a->prefix == P_ANY || b->prefix == P_ANY || a->prefix == b->prefix;
}

static bool numbers_meet(s8 a, s8 b)
{
    return a < 0 || b < 0 || a == b;
}

static bool forms_meet(unsigned a, unsigned b)
{
    u8 both = opcode_traits(a) | opcode_traits(b);

    return !(both & HAS_MODRM) ||
           (both & (NO_MEMORY | NO_REGISTER)) != (NO_MEMORY | NO_REGISTER);
}

static bool modes_meet(const Opcode *a, const Opcode *b)
{
    u16 both = a->attr | b->attr;

    return ((a->vex | b->vex) & (VEX_L0 | VEX_L1)) != (VEX_L0 | VEX_L1) &&
           (both & (OP_NO64 | OP_ONLY64)) != (OP_NO64 | OP_ONLY64) &&
           (both & (OP_W64 | OP_W32)) != (OP_W64 | OP_W32);
}

static void test_ambiguous(void)
{
    for (unsigned at = 0; at < MAP_COUNT * 256; at++) {
        OpCandidates can = opcode_candidates(at / 256, at % 256);

        for (unsigned i = 0; i < can.n; i++) {
            for (unsigned j = i + 1; j < can.n; j++) {
                const Opcode *a = opcode_row(can.row[i]), *b = opcode_row(can.row[j]);
                bool meet = prefixes_meet(a, b) && numbers_meet(a->ext, b->ext) &&
                            numbers_meet(a->rm, b->rm) &&
                            forms_meet(can.row[i], can.row[j]) && modes_meet(a, b);

                check(a, !meet || opcode_particular(a) != opcode_particular(b),
                      b->name);
            }
        }
    }
}

/* All rows of one byte agree on whether there is a ModRM byte. */
static void test_modrm(void)
{
    for (unsigned at = 0; at < MAP_COUNT * 256; at++) {
        OpCandidates can = opcode_candidates(at / 256, at % 256);

        for (unsigned i = 0; i < can.n; i++) {
            check(opcode_row(can.row[i]),
                  !(opcode_traits(can.row[i]) & HAS_MODRM) == !can.modrm,
                  "differs in ModRM");
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/soft/table/complete", test_complete);
    g_test_add_func("/soft/table/lock", test_lock);
    g_test_add_func("/soft/table/features", test_features);
    g_test_add_func("/soft/table/ambiguous", test_ambiguous);
    g_test_add_func("/soft/table/modrm", test_modrm);
    return g_test_run();
}
