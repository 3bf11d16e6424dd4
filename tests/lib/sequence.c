/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random sequences of instructions (sequence.h): how they hang together.
 * sequence_insn.c makes the single instructions.
 */

#include "tests/lib/sequence_insn.h"
#include "tests/lib/host_run.h"
#include "tests/lib/host_vendor.h"

#include "accel/soft/simd.h"

enum { UNITS_LEAST = 5, UNITS_MOST = 40, FUNCTIONS = 2, SLOT_BYTES = 8 };

/* ---- random numbers ---- */

Rng rng_new(u64 seed)
{
    u64 z = seed + 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return (Rng){ z ? z : 1 };
}

u64 rng64(Rng *rng)
{
    rng->state ^= rng->state >> 12;
    rng->state ^= rng->state << 25;
    rng->state ^= rng->state >> 27;
    return rng->state * 0x2545f4914f6cdd1d;
}

u32 rng_below(Rng *rng, u32 n)
{
    return (rng64(rng) >> 32) * n >> 32;
}

bool rng_chance(Rng *rng, u32 of)
{
    return !rng_below(rng, of);
}

u64 rng_value(Rng *rng)
{
    static const u64 special[] = {
        0, 1, 2, ~0ull, 1ull << 63, (1ull << 63) - 1, 1u << 31, 0x7fffffff, 0xffffffff,
        0x80, 0x7f, 0xff, 0x8000, 0x7fff, 0xffff, 63, 64, 31, 32, 16, 8,
        0x3ff0000000000000, 0x7ff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
        0x3f8000003f800000, 0x7f8000007f800001, 0x4340000000000001, 0x000fffffffffffff,
    };
    u64 value = rng64(rng);

    switch (rng_below(rng, 4)) {
    case 0:
        return special[rng_below(rng, G_N_ELEMENTS(special))];
    case 1:
        return value >> rng_below(rng, 64);
    default:
        return value;
    }
}

/* ---- units ---- */

static void unit_bytes(Unit *u, const char *bytes, unsigned n)
{
    memcpy(u->byte + u->n, bytes, n);
    u->n += n;
}
#define BYTES(u, bytes) unit_bytes(u, bytes, sizeof bytes - 1)

static void unit_number(Unit *u, u64 value, unsigned n)
{
    memcpy(u->byte + u->n, &value, n);
    u->n += n;
}

/* A displacement of `n` bytes to unit `target`, which counts from the end of itself. */
static void unit_fix(Unit *u, unsigned target, unsigned n)
{
    u->fix_at = u->n;
    u->fix_bytes = n;
    u->target = target;
    unit_number(u, 0, n);
    u->fix_end = u->n;
}

static void unit_jump(Unit *u, Rng *rng, unsigned target)
{
    switch (rng_below(rng, 8)) {
    case 0:
        BYTES(u, "\xe9");
        unit_fix(u, target, 4);
        break;
    case 1:
        BYTES(u, "\xeb");
        unit_fix(u, target, 1);
        break;
    case 2:
        unit_number(u, 0xe0 + rng_below(rng, 4), 1);    /* LOOPNE LOOPE LOOP JRCXZ */
        unit_fix(u, target, 1);
        break;
    case 3:
        BYTES(u, "\x48\x8d\x05");                       /* lea target(%rip), %rax */
        unit_fix(u, target, 4);
        unit_bytes(u, rng_chance(rng, 2) ? "\xff\xe0" : "\x50\xc3", 2);
        break;                                          /* jmp *%rax; or push and ret */
    case 4: case 5:
        unit_number(u, 0x70 + rng_below(rng, 16), 1);
        unit_fix(u, target, 1);
        break;
    default:
        BYTES(u, "\x0f");
        unit_number(u, 0x80 + rng_below(rng, 16), 1);
        unit_fix(u, target, 4);
        break;
    }
}

/* dec %r9; js over; jcc or jmp target */
static void unit_back(Unit *u, Rng *rng, unsigned target)
{
    bool always = rng_chance(rng, 3);

    unit_bytes(u, always ? "\x49\xff\xc9\x78\x05" : "\x49\xff\xc9\x78\x06", 5);
    if (always) {
        BYTES(u, "\xe9");
    } else {
        BYTES(u, "\x0f");
        unit_number(u, 0x80 + rng_below(rng, 16), 1);
    }
    unit_fix(u, target, 4);
}

static void unit_call(Unit *u, Rng *rng, unsigned target)
{
    if (rng_chance(rng, 3)) {
        BYTES(u, "\x48\x8d\x05");                       /* lea target(%rip), %rax */
        unit_fix(u, target, 4);
        if (rng_chance(rng, 2)) {
            BYTES(u, "\x48\x8b\x0c\x24");               /* mov (%rsp), %rcx */
        }
        BYTES(u, "\xff\xd0");                           /* call *%rax */
    } else {
        BYTES(u, "\xe8");
        unit_fix(u, target, 4);
    }
}

/* Moves of the stack pointer and of the pointers to data: now and then, and not far. */
static void unit_pointer(Unit *u, Rng *rng)
{
    static const char *const lea[] = {
        "\x48\x8d\x64\x24", "\x48\x8d\x6d", "\x4d\x8d\x64\x24", "\x4d\x8d\x40", "\x4d\x8d\x76",
    };
    const char *bytes = lea[rng_below(rng, G_N_ELEMENTS(lea))];

    unit_bytes(u, bytes, strlen(bytes));
    unit_number(
        u, rng_below(rng, 16) * 16 - 128 + rng_below(rng, 16) * rng_chance(rng, 4), 1);
}

/*
 * Eight bytes that a patch may replace: a short instruction and NOPs, behind a TEST,
 * because translated code need not keep flags that what was there before it was patched
 * would not have read.
 */
static void unit_slot(Unit *u, Rng *rng, const Cpu *cpu)
{
    Unit insn;

    do {
        unit_random_insn(&insn, rng, cpu);
    } while (insn.n > SLOT_BYTES - 2 || insn.fix_bytes);
    BYTES(u, "\x85\xc0");                               /* test %eax, %eax */
    unit_bytes(u, (const char *)insn.byte, insn.n);
    while (u->n < SLOT_BYTES) {
        BYTES(u, "\x90");
    }
}

/* A store to a slot: new bytes for all of it, by MOV, XCHG or MOVS. */
static void unit_patch(Unit *u, Rng *rng, const Cpu *cpu, unsigned slot)
{
    Unit now = { .n = 0 };
    unsigned how = rng_below(rng, 3);

    unit_slot(&now, rng, cpu);
    BYTES(u, "\x48\xb8");                               /* movabs $now, %rax */
    unit_bytes(u, (const char *)now.byte, SLOT_BYTES);
    if (how < 2) {
        unit_bytes(u, how ? "\x48\x89\x05" : "\x48\x87\x05", 3);
        unit_fix(u, slot, 4);
    } else {
        BYTES(u, "\x48\x8d\x3d"); /* lea slot(%rip), %rdi; cld; stos */
        unit_fix(u, slot, 4);
        BYTES(u, "\xfc\x48\xab");
    }
}

/* rcx, rsi and rdi for a string instruction, and the instruction. */
static void unit_string(Unit *u, Rng *rng)
{
    static const u8 op[] = { 0xa4, 0xaa, 0xac, 0xa6, 0xae };
    unsigned ops = host_is_amd() ? 3 : 5;       /* see host_differs_in_faults */
    static const char *const from[] = { "\x48\x8d\x75", "\x49\x8d\x70",
                                        "\x49\x8d\x76" };
    static const char *const to[] = { "\x48\x8d\x7d", "\x49\x8d\x78", "\x49\x8d\x7e" };

    BYTES(u, "\xb9");
    unit_number(u, rng_below(rng, 40), 4);
    unit_bytes(u, from[rng_below(rng, 3)], 3);
    unit_number(u, rng64(rng), 1);
    unit_bytes(u, to[rng_below(rng, 3)], 3);
    unit_number(u, rng64(rng), 1);
    if (rng_chance(rng, 2)) {
        unit_number(u, 0xf2 + rng_below(rng, 2), 1);
    }
    if (rng_chance(rng, 2)) {
        unit_bytes(u, rng_chance(rng, 3) ? "\x66" : "\x48", 1);
    }
    unit_number(u, op[rng_below(rng, ops)] + rng_below(rng, 2), 1);
}

/* ---- a sequence ---- */

/*
 * Unit `i` of the main part, which has `n`; functions begin at first[0] and first[1].
 */
static void unit_random(Sequence *s, unsigned i, unsigned n, const u8 *first, Rng *rng,
                        const Cpu *cpu)
{
    Unit *u = &s->unit[i];

    switch (rng_below(rng, 24)) {
    case 0: case 1:
        unit_jump(u, rng, i + 1 + rng_below(rng, n - i));
        break;
    case 2:
        unit_back(u, rng, rng_below(rng, i + 1));
        break;
    case 3:
        unit_call(u, rng, first[rng_below(rng, FUNCTIONS)]);
        break;
    case 4:
        unit_pointer(u, rng);
        break;
    case 5:
        unit_string(u, rng);
        break;
    default:
        unit_random_insn(u, rng, cpu);
        break;
    }
}

/* One or two slots, and patches of them, at any places. */
static void add_patches(Sequence *s, unsigned n, Rng *rng, const Cpu *cpu)
{
    unsigned slot = rng_below(rng, n);

    s->changes = true;
    s->unit[slot] = (Unit){ 0 };
    unit_slot(&s->unit[slot], rng, cpu);
    for (unsigned i = 1 + rng_below(rng, 2); i > 0; i--) {
        unsigned at = rng_below(rng, n);

        if (at != slot) {
            s->unit[at] = (Unit){ 0 };
            unit_patch(&s->unit[at], rng, cpu, slot);
        }
    }
}

void sequence_random(Sequence *s, Rng *rng, const Cpu *cpu)
{
    unsigned n = UNITS_LEAST + rng_below(rng, UNITS_MOST - UNITS_LEAST + 1);
    u8 size[FUNCTIONS], first[FUNCTIONS];

    memset(s, 0, sizeof *s);
    s->n = n + 1;
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        size[f] = 1 + rng_below(rng, 4);
        first[f] = s->n;
        s->n += size[f] + 1;
    }
    for (unsigned i = 0; i < n; i++) {
        unit_random(s, i, n, first, rng, cpu);
    }
    if (rng_chance(rng, 8)) {
        add_patches(s, n, rng, cpu);
    }
    BYTES(&s->unit[n], "\xe9");                         /* jmp RUN_END */
    unit_fix(&s->unit[n], TARGET_END, 4);
    for (unsigned f = 0; f < FUNCTIONS; f++) {
        for (unsigned i = 0; i < size[f]; i++) {
            unit_random_insn(&s->unit[first[f] + i], rng, cpu);
        }
        BYTES(&s->unit[first[f] + size[f]], "\xc3");
    }
    s->start = RUN_CODE + (rng_chance(rng, 3) ? PAGE_BYTES - rng_below(rng, 400)
                                              : rng_below(rng, 64));
}

/* The value of a displacement.  One byte may not reach: then the jump goes nowhere. */
static s64 displacement(const Sequence *s, const Unit *u, const unsigned *at)
{
    u64 from = s->start + at[u - s->unit] + u->fix_end, to;
    u32 data;
    s64 by;

    if (u->target == TARGET_DATA) {
        memcpy(&data, u->byte + u->fix_at, 4);
        return (s64)(RUN_DATA + data - from);
    }
    to = u->target == TARGET_END ? RUN_END : s->start + at[u->target];
    by = (s64)(to - from);
    return u->fix_bytes == 1 && by != (s8)by ? 0 : by;
}

/* Does it patch a slot that is left out? */
static bool misses_its_slot(const Sequence *s, const Unit *u)
{
    return s->changes && u->fix_bytes && u->target < UNITS_MAX &&
           s->unit[u->target].off;
}

unsigned sequence_bytes(const Sequence *s, u8 *out)
{
    unsigned at[UNITS_MAX + 1], n = 0;

    for (unsigned i = 0; i < s->n; i++) {
        at[i] = n;
        n += s->unit[i].off ? 0 : s->unit[i].n;
    }
    for (unsigned i = 0; i < s->n; i++) {
        const Unit *u = &s->unit[i];

        if (!u->off && misses_its_slot(s, u)) {
            memset(out + at[i], 0x90, u->n);
        } else if (!u->off) {
            s64 by = displacement(s, u, at);

            memcpy(out + at[i], u->byte, u->n);
            memcpy(out + at[i] + u->fix_at, &by, u->fix_bytes);
        }
    }
    return n;
}

u64 sequence_unit_of(const Sequence *s, u64 rip)
{
    u64 at = s->start;

    for (unsigned i = 0; i < s->n; i++) {
        unsigned n = s->unit[i].off ? 0 : s->unit[i].n;

        if (rip - at < n) {
            return at;
        }
        at += n;
    }
    return 0;
}

/* ---- the state before it ---- */

/* Mostly well inside a page that can be written, else near the end of some page. */
static u64 data_address(Rng *rng)
{
    static const u8 inside[] = { 0, 1, 3, 5, 7 };
    u64 page = rng_chance(rng, 24) ? rng_below(rng, RUN_DATA_PAGES + 1)
                                   : inside[rng_below(rng, sizeof inside)];
    u64 at = RUN_DATA + page * PAGE_BYTES;

    at += rng_chance(rng, 12) ? (u64)rng_below(rng, 64) - 32 :
                                384 + rng_below(rng, PAGE_BYTES - 768);
    return rng_chance(rng, 3) ? at : at & ~31ull;
}

void sequence_registers(Rng *rng, u64 gpr[16], u64 *flags)
{
    static const u64 bad[] = { 0, 0x8000000000000000, 0xffff800000000000,
                               0x0000800000000000 };

    for (unsigned i = 0; i < 16; i++) {
        gpr[i] = rng_value(rng);
    }
    gpr[RSP] = data_address(rng) & (rng_chance(rng, 16) ? ~0ull : ~7ull);
    gpr[RBP] = data_address(rng);
    gpr[10] = bad[rng_below(rng, G_N_ELEMENTS(bad))] + rng_below(rng, PAGE_BYTES);
    gpr[11] = rng_below(rng, 64);
    gpr[12] = data_address(rng);
    gpr[8] = data_address(rng);
    gpr[14] = rng_chance(rng, 8) ?
                  RUN_CODE + RUN_CODE_BYTES - 512 + rng_below(rng, 384) :
                  data_address(rng);
    gpr[9] = rng_below(rng, 10);
    *flags = (rng64(rng) & 0x8d5) | (rng_chance(rng, 4) ? FLAG_DF : 0) |
             (rng_chance(rng, 64) && !host_is_amd() ? FLAG_AC : 0) | 0x202;
}

static void random_st(Rng *rng, u8 *st)
{
    u64 significand = rng_value(rng) | (rng_chance(rng, 4) ? 0 : 1ull << 63);
    u16 e = rng_chance(rng, 4) ? rng64(rng) : (0x3fff - 70 + rng_below(rng, 140)) |
            rng_below(rng, 2) << 15;

    memcpy(st, &significand, 8);
    memcpy(st + 8, &e, 2);
}

void sequence_area(Rng *rng, u8 *area)
{
    bool trap = rng_chance(rng, 12);
    u16 fcw = 0x40 | (trap ? rng_below(rng, 64) : 0x3f) | 3 << 8 |
              rng_below(rng, 4) << 10;
    u32 mxcsr = (trap ? rng_below(rng, 64) << 7 : 0x1f80) | rng_below(rng, 4) << 13 |
                rng_chance(rng, 4) << 15 | rng_chance(rng, 4) << 6;
    u16 fsw = rng_below(rng, 8) << 11;

    memset(area, 0, 512);
    memcpy(area + FX_FCW, &fcw, 2);
    memcpy(area + FX_FSW, &fsw, 2);
    area[FX_FTW] = rng_chance(rng, 3) ? rng64(rng) : 0xff;
    memcpy(area + FX_MXCSR, &mxcsr, 4);
    for (unsigned i = 0; i < 8; i++) {
        random_st(rng, area + FX_ST + 16 * i);
    }
    for (unsigned i = 0; i < 32; i++) {
        u64 value = rng_value(rng);

        memcpy(area + FX_XMM + 8 * i, &value, 8);
    }
}
