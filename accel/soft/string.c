/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String instructions: MOVS CMPS STOS LODS SCAS INS OUTS, alone and repeated.
 *
 * A repeated one does a part of its work each time it is run, keeps rCX, rSI and rDI
 * true after every element, and goes on by being run again: so it can be interrupted
 * and can fault anywhere.  Elements in RAM that is in the TLB are done many at a time,
 * up to the end of the page.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"
#include "accel/soft/tlb.h"

typedef enum { MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS } String;

/*
 * What one run of a repeated instruction may do, in elements done one by one; a chunk
 * counts as some of these.
 */
enum { RUN_ELEMENTS = 64, CHUNK_COST = 16 };

/* ---- operands ---- */

static unsigned address_width(const Insn *insn)
{
    return 1 + ((insn->shape & INSN_ADDR) >> 2);
}

inline_always bool reads_source(String op)
{
    return op == MOVS || op == CMPS || op == LODS || op == OUTS;
}

inline_always bool uses_destination(String op)
{
    return op != LODS && op != OUTS;
}

inline_always Access destination_access(String op)
{
    return op == CMPS || op == SCAS ? ACCESS_READ : ACCESS_WRITE;
}

static unsigned source_segment(const Insn *insn)
{
    return insn->seg;
}

/* ES without exception. */
static unsigned destination_segment(const Insn *insn)
{
    return insn->more & INSN2_CODE64 ? SEG_FLAT : SEG_ES;
}

static gva linear(Cpu *cpu, const Insn *insn, unsigned reg, unsigned segment,
                  unsigned size, Access access)
{
    u64 offset = reg_get(cpu, reg, address_width(insn));

    return segment == SEG_FLAT ? offset :
                                 segment_linear(cpu, segment, offset, size, access);
}

/* Moves rSI or rDI (or rCX) on. */
static void advance(Cpu *cpu, const Insn *insn, unsigned reg, s64 by)
{
    reg_set(cpu, reg, address_width(insn), cpu->gpr[reg] + by);
}

/* ---- one element ---- */

static void check_port(Cpu *cpu, unsigned w)
{
    if (!cpu_io_allowed(cpu, cpu->gpr[RDX], 1 << w)) {
        cpu_gp(cpu, 0);
    }
}

static gva linear_destination(Cpu *cpu, const Insn *insn, unsigned w, String op)
{
    return linear(cpu, insn, RDI, destination_segment(insn), 1 << w,
                  destination_access(op));
}

/*
 * All that can fault comes first; CMPS reads at rDI and then at rSI, as the host does.
 */
inline_always void element(Cpu *cpu, const Insn *insn, unsigned w, String op)
{
    s64 step = cpu->rflags & FLAG_DF ? -(1 << w) : 1 << w;
    u64 value = 0, other = 0;
    gva to = 0;

    if (op == INS || op == OUTS) {
        check_port(cpu, w);
    }
    if (op == CMPS || op == SCAS) {
        other = mem_get(cpu, linear_destination(cpu, insn, w, op), w);
    }
    if (reads_source(op)) {
        gva from = linear(cpu, insn, RSI, source_segment(insn), 1 << w, ACCESS_READ);

        value = mem_get(cpu, from, w);
    }
    if (destination_access(op) == ACCESS_WRITE && uses_destination(op)) {
        to = linear_destination(cpu, insn, w, op);
    }
    switch (op) {
    case MOVS:
        mem_set(cpu, to, w, value);
        break;
    case STOS:
        mem_set(cpu, to, w, cpu->gpr[RAX]);
        break;
    case LODS:
        reg_set(cpu, RAX, w, value);
        break;
    case CMPS:
        host_compare(cpu, w, value, other);
        break;
    case SCAS:
        host_compare(cpu, w, cpu->gpr[RAX], other);
        break;
    case INS:
        mmu_probe_write(cpu, to, 1 << w);
        mem_set(cpu, to, w, cpu_port_read(cpu, cpu->gpr[RDX], 1 << w));
        break;
    case OUTS:
        cpu_port_write(cpu, cpu->gpr[RDX], value, 1 << w);
        break;
    }
    if (reads_source(op)) {
        advance(cpu, insn, RSI, step);
    }
    if (uses_destination(op)) {
        advance(cpu, insn, RDI, step);
    }
}

/* ---- many elements, in RAM and upwards ---- */

/*
 * How many elements lie before the end of the page, of the addresses and of the
 * segment.  Beyond that they are done one by one, and those find what is wrong.
 */
static u64 room(const Cpu *cpu, const Insn *insn, unsigned reg, unsigned segment,
                gva at, unsigned w)
{
    unsigned aw = address_width(insn);
    u64 bytes = PAGE_BYTES - (at & ~PAGE_MASK), offset = reg_get(cpu, reg, aw);

    if (aw != 3) {
        bytes = MIN(bytes, (1ull << (8 << aw)) - offset);
    }
    if (segment != SEG_FLAT && !cpu_code64(cpu)) {
        const Segment *s = &cpu->seg[segment];
        bool down = !(SEG_TYPE(s->attr) & 8) && SEG_TYPE(s->attr) & 4;

        bytes = down || offset > s->limit ? 0 : MIN(bytes, (u64)s->limit - offset + 1);
    }
    return bytes >> w;
}

static u8 *host_address(const Cpu *cpu, gva at, Access access)
{
    const TlbEntry *e = mmu_entry(cpu, at);
    u64 tag = access == ACCESS_WRITE ? e->write : e->read;

    return tag == (at & PAGE_MASK) ? (u8 *)(uintptr_t)(at + e->addend) : NULL;
}

/*
 * The same, found by a walk if need be: a source and a destination whose entries share a
 * place would otherwise drive each other out at every element.
 */
static u8 *host_found(Cpu *cpu, gva at, unsigned w, Access access)
{
    /* What may fault otherwise than by its page is left to the element. */
    if (at & ((1u << w) - 1) || (cpu_long(cpu) && !cpu_canonical(cpu, at))) {
        return host_address(cpu, at, access);
    }
    (void)tlb_get(cpu, at, access, mmu_mode(cpu, cpu->cpl, false));
    return host_address(cpu, at, access);
}

/*
 * Forwards, where an element that was stored may be loaded again: not if the host can
 * do it otherwise.
 */
inline_always bool chunk_move(u8 *to, const u8 *from, u64 bytes)
{
    bool plain = to <= from || to >= from + bytes;

    if (plain) {
        memmove(to, from, bytes);
    }
    return plain;
}

inline_always void chunk_fill(u8 *to, u64 n, unsigned w, u64 value)
{
    if (w == 0 || value == 0) {
        memset(to, value, n << w);
        return;
    }
    for (u64 i = 0; i < n; i++) {
        memcpy(to + (i << w), &value, 1 << w);
    }
}

/*
 * Compares until elements differ (`equal`) or are the same; returns how many were
 * looked at.  `a` NULL: with rAX.
 */
inline_always u64 chunk_compare(Cpu *cpu, const u8 *a, const u8 *b, u64 n, unsigned w,
                                bool equal)
{
    u64 x = low_bits(cpu->gpr[RAX], w), y = 0, i = 0;

    do {
        if (a) {
            x = 0;
            memcpy(&x, a + (i << w), 1 << w);
        }
        y = 0;
        memcpy(&y, b + (i << w), 1 << w);
        i++;
    } while (i < n && (x == y) == equal);
    host_compare(cpu, w, x, y);
    return i;
}

/* Does up to `n` elements; returns how many: 0, if it has to be done one by one. */
inline_always u64 chunk(Cpu *cpu, const Insn *insn, unsigned w, String op, u64 n)
{
    u8 *to, *from = NULL;
    gva at;

    if (op == LODS || op == INS || op == OUTS || cpu->rflags & FLAG_DF) {
        return 0;
    }
    if (op == CMPS) {
        (void)linear_destination(cpu, insn, w, op);     /* its fault comes first */
    }
    if (reads_source(op)) {
        at = linear(cpu, insn, RSI, source_segment(insn), 1 << w, ACCESS_READ);
        n = MIN(n, room(cpu, insn, RSI, source_segment(insn), at, w));
        from = op == MOVS && n ? host_found(cpu, at, w, ACCESS_READ)
                               : host_address(cpu, at, ACCESS_READ);
        if (!from) {
            return 0;
        }
    }
    at = linear_destination(cpu, insn, w, op);
    n = MIN(n, room(cpu, insn, RDI, destination_segment(insn), at, w));
    to = op == MOVS && n ? host_found(cpu, at, w, ACCESS_WRITE)
                         : host_address(cpu, at, destination_access(op));
    if (!to || !n || (op == MOVS && !chunk_move(to, from, n << w))) {
        return 0;
    }
    if (op == STOS) {
        chunk_fill(to, n, w, low_bits(cpu->gpr[RAX], w));
    } else if (op != MOVS) {
        n = chunk_compare(cpu, from, to, n, w, insn->shape & INSN_REPZ);
    }
    if (from) {
        advance(cpu, insn, RSI, n << w);
    }
    advance(cpu, insn, RDI, n << w);
    return n;
}

/* ---- repetition ---- */

/* After an element: do comparisons want another one? */
inline_always bool goes_on(const Cpu *cpu, const Insn *insn, String op)
{
    return (op != CMPS && op != SCAS) || cpu_zf(cpu) == !!(insn->shape & INSN_REPZ);
}

/*
 * Flags are those of the last comparison, and of no other: a fault in between finds
 * them as they were before the instruction (SDM vol. 2B, REP).
 */
inline_always void repeat(Cpu *cpu, const Insn *insn, unsigned w, String op)
{
    int budget = cpu->mode & MODE_STEP ? 1 : RUN_ELEMENTS;
    u64 count = reg_get(cpu, RCX, address_width(insn));
    u16 before = cpu->arith;
    bool more = count;

    while (more && budget > 0) {
        u64 done = budget > 1 ? chunk(cpu, insn, w, op, count) : 0;

        if (!done) {
            element(cpu, insn, w, op);
        }
        budget -= done ? CHUNK_COST : 1;
        advance(cpu, insn, RCX, -(s64)MAX(done, 1));
        count = reg_get(cpu, RCX, address_width(insn));
        more = count && goes_on(cpu, insn, op);
        if (more) {
            cpu->arith = before;
        }
    }
    cpu->rip = more ? cpu_rip(cpu) : insn_next(cpu, insn);
}

inline_always void string(Cpu *cpu, const Insn *insn, unsigned w, String op)
{
    if (insn->shape & (INSN_REPZ | INSN_REPNZ)) {
        repeat(cpu, insn, w, op);
    } else {
        element(cpu, insn, w, op);
    }
}

/* They may be the last of their block, or not. */
#define STRING_FORMS(name, OP)           \
    STAMP_LAST(name##_w8, 0, string, OP) \
    STAMP3_LAST(name##_w, string, OP)    \
    static const OpForms name = { .reg = WIDTHS4(name##_w) };

STRING_FORMS(movs, MOVS)
STRING_FORMS(cmps, CMPS)
STRING_FORMS(stos, STOS)
STRING_FORMS(lods, LODS)
STRING_FORMS(scas, SCAS)

/* Ports are 32 bits wide at most: REX.W does nothing. */
#define PORT_FORMS(name, OP)            \
    STAMP_LAST(name##8, 0, string, OP)  \
    STAMP_LAST(name##16, 1, string, OP) \
    STAMP_LAST(name##32, 2, string, OP) \
    static const OpForms name = { .reg = { name##8, name##16, name##32, name##32 } };

PORT_FORMS(ins, INS)
PORT_FORMS(outs, OUTS)

/* ---- rows ---- */

#define STRING(byte, name, ab, bb, av, bv, in, out, form)                          \
    ROW(MAP_1, byte, name, .operand = { ab, bb }, .attr = OP_REP | OP_BYTE,        \
        .reads = in,                                                               \
        .writes = out, .forms = &form),                                            \
    ROW(MAP_1, byte + 1, name, .operand = { av, bv }, .attr = OP_REP, .reads = in, \
        .writes = out, .forms = &form)

static const Opcode rows[] = {
    STRING(0xa4, "movs", O_Yb, O_Xb, O_Yv, O_Xv, 0, 0, movs),
    STRING(0xa6, "cmps", O_Xb, O_Yb, O_Xv, O_Yv, FLAG_ZF, FLAGS_ARITH, cmps),
    STRING(0xaa, "stos", O_Yb, O_AL, O_Yv, O_AX, 0, 0, stos),
    STRING(0xac, "lods", O_AL, O_Xb, O_AX, O_Xv, 0, 0, lods),
    STRING(0xae, "scas", O_AL, O_Yb, O_AX, O_Yv, FLAG_ZF, FLAGS_ARITH, scas),
    STRING(0x6c, "ins", O_Yb, O_DX, O_Yv, O_DX, 0, 0, ins),
    STRING(0x6e, "outs", O_DX, O_Xb, O_DX, O_Xv, 0, 0, outs),
};

FAMILY(ops_string, "string", rows);
