/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every instruction of the opcode table that user code can run, with random operands,
 * on the host's CPU and on the interpreter: registers, flags, memory, x87 and SSE
 * state, faults and their error codes must be equal, undefined flags too.
 *
 * Encodings are made from the rows: prefixes, ModRM, SIB, displacement and immediate at
 * random; registers are then bent so that addresses mostly fall into the data pages,
 * sometimes across their ends.  A fixed seed and few rounds in "make check";
 * MAYFLY_LONG=1 does millions of cases, MAYFLY_SEED=N others.
 */

#include "accel/soft/host.h"
#include "accel/soft/jit/jit.h"
#include "accel/soft/mmu.h"
#include "accel/soft/opcodes.h"
#include "accel/soft/run.h"
#include "accel/soft/simd.h"
#include "accel/soft/soft.h"
#include "tests/lib/host_cpu.h"
#include "tests/lib/host_vendor.h"

#include <string.h>
#include <sys/mman.h>

enum { SHORT_ROUNDS = 200, LONG_ROUNDS = 4000, FAILURES_SHOWN = 20 };

/*
 * Instructions whose result is the kernel's business or differs between two CPUs by
 * nature.
 */
static const char *const left_out[] = {
    "syscall", "sysret", "sysenter", "sysexit", "int", "int3", "int1", "into", "cpuid",
    "rdtsc", "rdtscp", "rdpid", "rdrand", "rdseed", "xsavec", "xgetbv", "rdfsbase",
    "rdgsbase", "wrfsbase", "wrgsbase", "sgdt", "sidt", "sldt", "str", "smsw", "lar",
    "lsl", "verr", "verw", "jmpf", "callf", "retf", "iret", "xsave", "xrstor",
    "xsaveopt", "rdpmc", "vmcall", "vmmcall", "monitor", "mwait", "umonitor",
    "clflushopt", "lss", "lfs", "lgs", "lds", "les", "in", "out", "ins", "outs", "rsm",
    "clac", "stac", "fxrstor", "hlt", "lgdt", "lidt", "ltr", "lldt", "invlpg",
    "invpcid", "swapgs", "wbinvd", "invd", "rdmsr", "wrmsr", "clts", "lmsw", "xsetbv",
    "cli", "sti", "ud0", "ud1", "ud2", "pushf",
    /* instruction and data pointers: see x87_environment */
    "fnsave", "fnstenv", "frstor", "fldenv",
};

static struct {
    Machine *machine;
    Cpu *cpu;
    u8 *data;                       /* the guest's data pages */
    u8 *code;                       /* its code */
    bool translate;                 /* what is tested is the translator */
    GRand *random;
    u64 cases, other_vendor;
    unsigned failures;
} test;

/*
 * ---- a guest in 64-bit user mode, with the host's pages at the host's addresses ----
 */

enum { RAM_BYTES = 1 << 20, DATA_AT = 0x10000, CODE_AT = 0x8000, TABLES_AT = 0x1000 };
enum { P_PRESENT = 1, P_WRITE = 2, P_USER = 4 };

static void put64(gpa at, u64 value)
{
    g_assert_true(mem_write(test.machine->mem, at, &value, 8));
}

/* Four levels, one table each, for the 2 MiB that hold code and data. */
static void build_tables(void)
{
    for (unsigned level = 0; level < 3; level++) {
        unsigned shift = 39 - 9 * level;

        put64(TABLES_AT + 0x1000 * level + 8 * ((u64)HOST_CODE >> shift & 511),
              (TABLES_AT + 0x1000 * (level + 1)) | P_PRESENT | P_WRITE | P_USER);
    }
    put64(TABLES_AT + 0x3000 + 8 * (HOST_CODE >> 12 & 511),
          CODE_AT | P_PRESENT | P_USER);
    for (unsigned i = 0; i < HOST_DATA_PAGES + HOST_READ_ONLY_PAGES; i++) {
        put64(TABLES_AT + 0x3000 + 8 * ((HOST_DATA >> 12 & 511) + i),
              (DATA_AT + PAGE_BYTES * i) | P_PRESENT | P_USER |
                  (i < HOST_DATA_PAGES ? P_WRITE : 0));
    }
}

static void set_user_mode(X86State *state)
{
    static const u16 selector[] = { [SEG_CS] = 0x33, [SEG_SS] = 0x2b, [SEG_TR] = 0 };

    for (unsigned i = 0; i < SEG_LDTR; i++) {
        state->segs.base[i] = 0;
        state->segs.limit[i] = 0xffffffff;
        state->segs.attr[i] = i == SEG_CS ? 0xa0fb00 :
                              i == SEG_SS ? 0xc0f300 :
                                            SEG_UNUSABLE;
        state->segs.selector[i] = selector[i];
    }
    state->control.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    state->control.cr3 = TABLES_AT;
    state->control.cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE |
                         CR4_FSGSBASE;
    state->control.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    state->control.xcr0 = test.cpu->xcr0_allowed & 7;
    state->regs.rflags = 0x202;
    state->regs.rip = HOST_CODE;
}

static void guest_open(void)
{
    g_autoptr(KeyVals) options = keyvals_parse("jit=on,tb-size=1024", NULL, NULL);
    AccelConfig config = { .cpu = "max",
                           .topology = { 1, 1, 1, 1 },
                           .options = options };
    g_autofree X86State *state = g_new0(X86State, 1);
    struct iovec data;
    GError *err = NULL;

    test.machine = machine_new();
    test.machine->cpus = 1;
    g_assert_true(
        mem_add_ram(test.machine->mem, test.machine->mmio, "ram", 0, RAM_BYTES, &err));
    g_assert_true(accel_soft.open(test.machine, &config, &err));
    test.cpu = container_of(test.machine->accel, Soft, accel)->cpu[0];
    build_tables();
    x86_state_reset(state, 0, true);
    set_user_mode(state);
    g_assert_true(accel_soft.set_state(test.machine->accel, 0, state, &err));
    g_assert_true(mem_iov(test.machine->mem, DATA_AT, HOST_ALL_BYTES, &data));
    test.data = data.iov_base;
    g_assert_true(mem_iov(test.machine->mem, CODE_AT, PAGE_BYTES, &data));
    test.code = data.iov_base;
}

/* ---- random values ---- */

static u32 rnd(u32 below)
{
    return g_rand_int_range(test.random, 0, below);
}

static bool chance(u32 of)
{
    return rnd(of) == 0;
}

static u64 random64(void)
{
    static const u64 special[] = {
        0,        1,          2,          ~0ull, 1ull << 63, (1ull << 63) - 1,
        1u << 31, 0x7fffffff, 0xffffffff, 0x80,  0x7f,       0xff,
        0x8000,   0x7fff,     0xffff,     63,    64,         31,
        32,       16,         8
    };
    u64 value = (u64)g_rand_int(test.random) << 32 | g_rand_int(test.random);

    switch (rnd(4)) {
    case 0:
        return special[rnd(G_N_ELEMENTS(special))];
    case 1:
        return value >> rnd(64);
    default:
        return value;
    }
}

/*
 * Bits of doubles and singles: zeros, infinities, quiet and signalling NaNs, denormals,
 * ordinary numbers.
 */
static u64 random_float64(void)
{
    static const u64 special[] = {
        0,
        1ull << 63,
        0x3ff0000000000000,
        0xbff0000000000000,
        0x7ff0000000000000,
        0xfff0000000000000,
        0x7ff8000000000000,
        0x7ff0000000000001,
        1,
        0x000fffffffffffff,
        0x7fefffffffffffff,
        0x0010000000000000,
        0x41e0000000000000,
        0x43e0000000000000,
        0x4340000000000001,
        0x3f8000003f800000,
        0x7f8000007f800001,
        0x000000017fc00000,
        0x4f000000cf000000,
        0x0080000000000001,
    };

    return chance(2) ? special[rnd(G_N_ELEMENTS(special))] : chance(3) ? random64() :
           (random64() & 0x800fffffffffffff) | (u64)(1023 - 40 + rnd(80)) << 52;
}

static void random_st(u8 *st)
{
    static const u16 exponent[] = {
        0, 1, 0x3fff, 0x4000, 0x7fff, 0x7ffe, 0x403e, 0x3ffe
    };
    u64 significand = chance(3) ? random64() : random64() | 1ull << 63;
    u16 e = (chance(2) ? exponent[rnd(G_N_ELEMENTS(exponent))] :
                         0x3fff - 70 + rnd(140)) |
            rnd(2) << 15;

    if (chance(8)) {
        significand = chance(2) ? 0 : 1ull << 63;
    }
    memcpy(st, &significand, 8);
    memcpy(st + 8, &e, 2);
}

static void random_fx(u8 *fx)
{
    u16 fcw = 0x40 | (chance(4) ? rnd(64) : 0x3f) | (chance(2) ? 3 : rnd(4)) << 8 |
              rnd(4) << 10;
    u16 fsw = rnd(8) << 11 | (rnd(16) & 7) << 8 | rnd(2) << 14 |
              (chance(4) ? rnd(128) : 0);
    u32 mxcsr = (chance(4) ? rnd(64) << 7 : 0x1f80) | rnd(4) << 13 |
                (chance(4) ? rnd(64) : 0) | chance(4) << 15 | chance(4) << 6;

    memset(fx, 0, 512);
    if (fsw & ~fcw & 0x3f) {
        fsw = chance(8) ? fsw | 0x8080 : fsw & ~0x7f;
    }
    memcpy(fx + FX_FCW, &fcw, 2);
    memcpy(fx + FX_FSW, &fsw, 2);
    fx[FX_FTW] = chance(3) ? rnd(256) : 0xff;
    memcpy(fx + FX_MXCSR, &mxcsr, 4);
    for (unsigned i = 0; i < 8; i++) {
        random_st(fx + FX_ST + 16 * i);
    }
    for (unsigned i = 0; i < 32; i++) {
        u64 value = random_float64();

        memcpy(fx + FX_XMM + 8 * i, &value, 8);
    }
}

/* ---- random encodings of a row ---- */

static bool has_operand(const Opcode *row, Operand operand)
{
    return memchr(row->operand, operand, sizeof row->operand);
}

typedef struct {
    u8 byte[32];
    unsigned n;
} Bytes;

static void add(Bytes *b, u64 value, unsigned n)
{
    memcpy(b->byte + b->n, &value, n);
    b->n += n;
}

static void add_prefixes(Bytes *b, const Opcode *row)
{
    static const u8 mandatory[] = { [P_66] = 0x66, [P_F3] = 0xf3, [P_F2] = 0xf2 };

    if (chance(12)) {
        add(b, 0x67, 1);
    }
    if (row->prefix == P_ANY && chance(4)) {
        add(b, 0x66, 1);
    }
    if (row->attr & OP_LOCK && chance(4)) {
        add(b, 0xf0, 1);
    }
    if (row->attr & OP_REP && chance(2)) {
        add(b, 0xf2 + rnd(2), 1);
    }
    if (row->prefix < G_N_ELEMENTS(mandatory) && mandatory[row->prefix]) {
        add(b, mandatory[row->prefix], 1);
    }
    if (row->attr & OP_W64 || (chance(2) && !(row->attr & OP_W32))) {
        add(b, 0x40 | rnd(16) | (row->attr & OP_W64 ? 8 : 0), 1);
    } else if (chance(2)) {
        add(b, 0x40 | rnd(8), 1);
    }
}

/* R, X, B and vvvv are inverted; bit 6 of C5's byte belongs to vvvv. */
static void add_vex(Bytes *b, const Opcode *row)
{
    static const u8 pp[] = { [P_66] = 1, [P_F3] = 2, [P_F2] = 3 };
    bool vvvv = has_operand(row, O_Hx) || has_operand(row, O_By), ymm = chance(2),
         w = chance(2);
    u8 last = pp[row->prefix] | (vvvv ? rnd(16) << 3 : 0x78),
       map = row->map - MAP_VEX_0F + 1;

    ymm = row->vex & VEX_L1 || (ymm && !(row->vex & VEX_L0));
    w = row->attr & OP_W64 || (w && !(row->attr & OP_W32));
    last |= ymm ? 4 : 0;
    if (map == 1 && !w && chance(2)) {
        add(b, 0xc5, 1);
        add(b, last | rnd(2) << 7, 1);
    } else {
        add(b, 0xc4, 1);
        add(b, map | rnd(8) << 5, 1);
        add(b, last | w << 7, 1);
    }
}

/* Displacements that alone (or from RIP) reach the data. */
static void add_modrm(Bytes *b, const Opcode *row, u8 traits)
{
    bool memory = !(traits & NO_MEMORY) && (traits & NO_REGISTER || chance(2));
    unsigned mod = row->mod == MOD_REG || !memory ? 3 : rnd(3),
             rm = row->rm >= 0 ? (unsigned)row->rm : rnd(8);
    unsigned reg = row->ext >= 0          ? (unsigned)row->ext :
                   has_operand(row, O_Sw) ? rnd(6) :
                                            rnd(8),
             base = rm;

    add(b, mod << 6 | reg << 3 | rm, 1);
    if (mod == 3) {
        return;
    }
    if (has_operand(row, O_Mv)) {
        b->byte[b->n - 1] = (b->byte[b->n - 1] & ~7) | (rm = 4);
    }
    if (rm == 4) {
        u8 sib = rnd(256);

        add(b, sib, 1);
        base = sib & 7;
    }
    if (mod == 0 && base == 5) {
        add(b, (rm == 5 ? HOST_DATA - HOST_CODE : HOST_DATA) + rnd(HOST_DATA_BYTES), 4);
    } else if (mod) {
        add(b, random64(), mod == 1 ? 1 : 4);
    }
}

static void encode(Bytes *b, unsigned op)
{
    const Opcode *row = opcode_row(op);
    u8 traits = opcode_traits(op);

    b->n = 0;
    if (row->map >= MAP_VEX_0F) {
        add_vex(b, row);
    } else {
        add_prefixes(b, row);
    }
    if (row->map != MAP_1 && row->map < MAP_VEX_0F) {
        add(b, 0x0f, 1);
    }
    if (row->map == MAP_0F38 || row->map == MAP_0F3A) {
        add(b, row->map == MAP_0F38 ? 0x38 : 0x3a, 1);
    }
    add(b, row->byte + (traits & HAS_Z ? rnd(8) : 0), 1);
    if (traits & HAS_MODRM) {
        add_modrm(b, row, traits);
    }
    if (has_operand(row, O_Jb)) {
        add(b, rnd(128), 1);
    } else if (has_operand(row, O_Jz)) {
        add(b, rnd(1024), 4);
    } else if (has_operand(row, O_Ob) || has_operand(row, O_Ov)) {
        add(b, HOST_DATA + rnd(HOST_ALL_BYTES), 8);
    } else {
        add(b, random64(), 8);
    }
    memset(b->byte + b->n, 0xcc, sizeof b->byte - b->n);
}

/* ---- a case ---- */

/*
 * Where memory operands lie: mostly well inside, sometimes at the border of what can be
 * written or read.
 */
static u64 random_address(bool align)
{
    u64 at = HOST_DATA + rnd(HOST_DATA_BYTES - 1024) + 512;

    if (chance(16)) {
        at = HOST_DATA + HOST_DATA_BYTES - rnd(32);
    } else if (chance(32)) {
        at = HOST_DATA + HOST_ALL_BYTES - rnd(32);
    } else if (chance(64)) {
        at = random64();
    }
    return align && !chance(16) ? at & ~15ull : at;
}

/* Indices of a gather: of 4 or of 8 bytes, mostly not far. */
static void bend_indices(HostCpu *cpu, const Insn *insn, const Opcode *row)
{
    unsigned n = insn_indices(insn), size = row->byte & 1 ? 8 : 4;
    u8 bytes[32];

    for (unsigned i = 0; i < 32; i += size) {
        u64 index = chance(16) ? random64() : rnd(256);

        memcpy(bytes + i, &index, size);
    }
    memcpy(cpu->fx + FX_XMM + 16 * n, bytes, 16);
    memcpy(cpu->ymm_high[n], bytes + 16, 16);
}

static void bend_registers(HostCpu *cpu, const Insn *insn, const Opcode *row)
{
    u64 at = random_address(row->attr & OP_ALIGN || chance(2));

    if (has_operand(row, O_Xb) || has_operand(row, O_Xv) || has_operand(row, O_Yb) ||
        has_operand(row, O_Yv) || strstr(row->name, "maskmov")) {
        cpu->gpr[RSI] = random_address(false);
        cpu->gpr[RDI] = random_address(false);
        cpu->gpr[RCX] = rnd(40);
    }
    if (has_operand(row, O_Mv)) {
        bend_indices(cpu, insn, row);
    }
    cpu->gpr[RSP] = random_address(!chance(8));
    cpu->gpr[RBP] = random_address(!chance(8));
    if (!strcmp(row->name, "xlat")) {
        cpu->gpr[RBX] = random_address(false);
    }
    if (insn->shape & INSN_MEM && insn->base < REG_NONE) {
        if (insn->index == insn->base) {
            cpu->gpr[insn->index] = 0;
            at = random_address(true);
            cpu->gpr[insn->base] = (at - insn->disp) /
                                   (1 + (1u << (insn->shape & INSN_SCALE)));
            return;
        }
        u64 index = insn->index < REG_NONE ?
                        cpu->gpr[insn->index] << (insn->shape & INSN_SCALE) :
                        0;

        cpu->gpr[insn->base] = at - index - insn->disp;
    } else if (insn->shape & INSN_MEM && insn->base == REG_NONE &&
               insn->index < REG_NONE) {
        cpu->gpr[insn->index] = (at - insn->disp) >> (insn->shape & INSN_SCALE);
    }
    if (opcode_row(insn->op)->attr & OP_ENDS && !(insn->shape & INSN_MEM) &&
        insn->rm < 16 && insn->rm != RSP && chance(2)) {
        /* jmp and call through a register */
        cpu->gpr[insn->rm] = HOST_CODE + 64 + rnd(2048);
    }
}

static void random_cpu(HostCpu *cpu)
{
    for (unsigned i = 0; i < 16; i++) {
        cpu->gpr[i] = random64();
    }
    cpu->rip = HOST_CODE;
    cpu->flags = (random64() & 0x8d5) | (chance(2) ? FLAG_DF : 0) | 0x202;
    random_fx(cpu->fx);
    for (unsigned i = 0; i < 32; i++) {
        u64 value = test.cpu->xcr0_allowed & 4 ? random_float64() : 0;

        memcpy(&cpu->ymm_high[i / 2][i % 2 * 8], &value, 8);
    }
}

/*
 * The instruction that lies at HOST_CODE by a translation of it and an UD2, which is
 * where it ends at the latest.
 */
static void run_translation(Cpu *cpu, const Insn *insn)
{
    Block *block;

    blocks_page_written(cpu->soft->blocks, CODE_AT / PAGE_BYTES);
    memcpy(test.code, host_cpu_code(), 32);
    memcpy(test.code + insn->len, "\x0f\x0b", 2);
    block = block_find(cpu);
    blocks_heat(cpu, block);
    g_assert_nonnull(block->code);
    jit_begin(cpu);
    atomic_store(&cpu->request, 0);     /* its thread is parked */
    do {
        jit_enter(cpu, block);
    } while (opcode_row(insn->op)->attr & OP_REP && cpu->rip == HOST_CODE);
}

/* The interpreter, on one instruction; the same fields as the host's answer. */
static void interpret(HostCpu *state, const Insn *insn)
{
    Cpu *cpu = test.cpu;

    memcpy(cpu->gpr, state->gpr, sizeof state->gpr);
    cpu->gpr[REG_BLOCK] = HOST_CODE;
    cpu->rip = HOST_CODE;
    cpu_set_flags(cpu, state->flags);
    memcpy(cpu->fx, state->fx, sizeof cpu->fx);
    memcpy(cpu->ymm_high, state->ymm_high, sizeof cpu->ymm_high);
    cpu->raised_soft = false;
    state->vector = -1;
    if (sigsetjmp(cpu->unwind, 0)) {
        state->vector = cpu->raised_vector;
        state->error = cpu->raised_has_error ? cpu->raised_error : 0;
        state->cr2 = cpu->cr2;
        state->rip = HOST_CODE;
        if (test.translate && state->vector == EXC_UD && cpu->insn->at) {
            state->vector = -1;
            state->rip = HOST_CODE + insn->len;
        }
    } else if (test.translate) {
        run_translation(cpu, insn);
        state->rip = cpu->rip;
    } else {
        do { /* repeated ones do a part of their work each time */
            insn_run(cpu, insn);
        } while (opcode_row(insn->op)->attr & OP_REP && cpu->rip == HOST_CODE);
        state->rip = cpu->rip;
    }
    cpu->insn = NULL;
    memcpy(state->gpr, cpu->gpr, sizeof state->gpr);
    state->flags = cpu_flags(cpu);
    memcpy(state->fx, cpu->fx, sizeof cpu->fx);
    memcpy(state->ymm_high, cpu->ymm_high, sizeof cpu->ymm_high);
}

/* ---- comparing ---- */

enum { FLAGS_COMPARED = 0xcd5 };

static bool same_x87(const u8 *a, const u8 *b)
{
    for (unsigned i = 0; i < 8; i++) {
        if (memcmp(a + FX_ST + 16 * i, b + FX_ST + 16 * i, 10)) {
            return false;
        }
    }
    return !memcmp(a, b, FX_FTW + 1);
}

/*
 * An MMX store that faults leaves TOP and tags partly as if it had been done, on the
 * host: not compared.
 */
static bool same_fx(const u8 *a, const u8 *b, bool x87)
{
    return (!x87 || same_x87(a, b)) && !memcmp(a + FX_MXCSR, b + FX_MXCSR, 4) &&
           !memcmp(a + FX_XMM, b + FX_XMM, 256);
}

/*
 * Left undefined by the manual, and different between the host's own forms: OF after
 * rotates by an immediate other than 1.
 */
static u64 flags_undefined(const Opcode *row)
{
    static const char *const name[] = { "rol", "ror", "rcl", "rcr",  "shl",
                                        "sal", "shr", "sar", "shld", "shrd" };

    for (unsigned i = 0; i < G_N_ELEMENTS(name); i++) {
        if (!strcmp(row->name, name[i]) && has_operand(row, O_Ib)) {
            return FLAG_OF;
        }
    }
    return test.translate ? host_flags_kept(row) : 0;
}

/*
 * Bytes that are not selected may fault, and which of two bad pages comes first is the
 * host's own affair.
 */
static bool answer_is_free(const Opcode *row, const HostCpu *host)
{
    bool fault = host->vector == EXC_PF || host->vector == EXC_GP ||
                 host->vector == EXC_SS;

    return fault && (strstr(row->name, "maskmov") || strstr(row->name, "gather") ||
                     !strcmp(row->name, "fxsave"));
}

/*
 * A branch may land in the bytes of the instruction itself, by an address that another
 * one has pushed: the host would go on there, perhaps for ever.
 */
static bool lands_in_itself(const Opcode *row, const HostCpu *ours)
{
    return row->attr & OP_ENDS && ours->vector < 0 && ours->rip - HOST_CODE < 15;
}

/*
 * Translations don't keep flags from a fault that the instruction itself would have
 * overwritten.
 */
static u64 flags_lost(const Opcode *row, const HostCpu *host)
{
    return test.translate && host->vector >= 0 ? row->writes : 0;
}

static bool same(const Opcode *row, const HostCpu *a, const HostCpu *b)
{
    if (a->vector != b->vector || a->rip != b->rip ||
        memcmp(a->gpr, b->gpr, sizeof a->gpr) ||
        ((a->flags ^ b->flags) & FLAGS_COMPARED & ~flags_undefined(row) &
         ~flags_lost(row, a)) ||
        !same_fx(a->fx, b->fx, a->vector < 0 || !(row->attr & OP_MMX)) ||
        memcmp(a->ymm_high, b->ymm_high, 256)) {
        return false;
    }
    if (a->vector == EXC_PF && (a->cr2 != b->cr2 || ((a->error ^ b->error) & ~1u))) {
        return false; /* present or not: the host's kernel half may be either */
    }
    return a->vector != EXC_GP || a->error == b->error;
}

static void show(const char *who, const HostCpu *c)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_string_printf(out, "%-6s vector %d error %x cr2 %lx rip %lx flags %04lx\n      ",
                    who, c->vector, c->vector < 0 ? 0 : c->error,
                    c->vector == EXC_PF ? c->cr2 : 0, c->rip,
                    c->flags & FLAGS_COMPARED);
    for (unsigned i = 0; i < 16; i++) {
        g_string_append_printf(out, " %016lx%s", c->gpr[i],
                               i % 8 == 7 ? "\n      " : "");
    }
    for (unsigned i = 0; i < 416; i++) {
        g_string_append_printf(out, "%02x%s", c->fx[i],
                               i % 32 == 31 ? "\n      " :
                               i % 8 == 7   ? " " :
                                              "");
    }
    for (unsigned i = 0; i < 256; i++) {
        g_string_append_printf(out, "%02x%s", c->ymm_high[i / 16][i % 16],
                               i % 32 == 31 ? "\n      " :
                               i % 8 == 7   ? " " :
                                              "");
    }
    g_test_message("%s", out->str);
}

static void report(const Opcode *row, const Insn *insn, const HostCpu *before,
                   const HostCpu *host, const HostCpu *ours, bool memory)
{
    g_autoptr(GString) bytes = g_string_new(NULL);

    for (unsigned i = 0; i < insn->len; i++) {
        g_string_append_printf(bytes, " %02x", host_cpu_code()[i]);
    }
    if (test.failures++ < FAILURES_SHOWN) {
        g_test_message("%s:%s differs%s", row->name, bytes->str,
                       memory ? " in memory" : "");
        show("before", before);
        show("host", host);
        show("ours", ours);
    }
    g_test_fail();
}

static void clear_upper_halves(HostCpu *cpu)
{
    cpu->gpr[RCX] = (u32)cpu->gpr[RCX];
    cpu->gpr[RSI] = (u32)cpu->gpr[RSI];
    cpu->gpr[RDI] = (u32)cpu->gpr[RDI];
}

static void one_case(unsigned op)
{
    const Opcode *row = opcode_row(op);
    HostCpu before, host, ours;
    Bytes b;
    Insn insn;
    bool same_memory;

    encode(&b, op);
    if (!decode_insn(b.byte, 15, MODE_CODE64, 0, test.cpu, &insn)) {
        return;
    }
    if (host_differs(row, &insn, b.byte)) {
        test.other_vendor++;
        return;
    }
    memset(b.byte + insn.len, 0xcc, sizeof b.byte - insn.len);
    memcpy(host_cpu_code(), b.byte, sizeof b.byte);
    random_cpu(&before);
    bend_registers(&before, &insn, row);
    host = ours = before;
    interpret(&ours, &insn);
    if (lands_in_itself(row, &ours)) {
        memcpy(test.data, (void *)(uintptr_t)HOST_DATA, HOST_ALL_BYTES);
        return;
    }
    host_cpu_run(&host);
    test.cases++;
    if ((host.vector >= 0 || !(u32)before.gpr[RCX]) &&
        (insn.shape & INSN_ADDR) == INSN_ADDR32 && row->attr & OP_REP) {
        /* hosts cut them before a fault, or with nothing to do */
        clear_upper_halves(&host);
        clear_upper_halves(&ours);
    }
    /* stored before the fault */
    if (host.vector >= 0 && (!strcmp(row->name, "call") ||
                             !strcmp(row->name, "enter") || row->memory == 10)) {
        memcpy(test.data, (void *)(uintptr_t)HOST_DATA, HOST_ALL_BYTES);
    }
    if (answer_is_free(row, &host) ||
        (host.vector >= 0 && host_differs_in_faults(row, &insn, b.byte))) {
        memcpy(test.data, (void *)(uintptr_t)HOST_DATA, HOST_ALL_BYTES);
        return;
    }
    same_memory = !memcmp(test.data, (void *)(uintptr_t)HOST_DATA, HOST_ALL_BYTES);
    if (!same_memory || !same(row, &host, &ours)) {
        report(row, &insn, &before, &host, &ours, !same_memory);
        memcpy(test.data, (void *)(uintptr_t)HOST_DATA, HOST_ALL_BYTES);
    }
}

static bool is_left_out(const Opcode *row)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(left_out); i++) {
        if (!strcmp(row->name, left_out[i])) {
            return true;
        }
    }
    return row->name[0] == '(' ||
           (row->map == MAP_0F && (row->byte == 0xa1 || row->byte == 0xa9)) ||
           row->attr & OP_NO64 || has_operand(row, O_Cd) || has_operand(row, O_Dd) ||
           (has_operand(row, O_Sw) && row->operand[0] == O_Sw) ||
           (row->feature && !cpu_has(test.cpu, row->feature));
}

static void refill_data(void)
{
    for (u64 at = 0; at < HOST_DATA_BYTES; at += 8) {
        u64 value = chance(2) ? random64() : random_float64();

        memcpy((u8 *)(uintptr_t)HOST_DATA + at, &value, 8);
    }
    memcpy(test.data, (void *)(uintptr_t)HOST_DATA, HOST_ALL_BYTES);
}

static void run_rows(void)
{
    unsigned rounds = g_getenv("MAYFLY_LONG") ? LONG_ROUNDS : SHORT_ROUNDS, rows = 0,
             before;
    const char *seed = g_getenv("MAYFLY_SEED"), *only = g_getenv("MAYFLY_ROW");

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    g_test_skip("wild addresses would hit the sanitizer's own memory");
    return;
#endif
    test.random = g_rand_new_with_seed(seed ? strtoul(seed, NULL, 0) : 1);
    for (unsigned op = OP_SPECIAL; op < opcode_count(); op++) {
        const Opcode *row = opcode_row(op);

        if (is_left_out(row) || (only && strcmp(only, row->name))) {
            continue;
        }
        rows++;
        if (g_test_verbose()) {
            g_printerr("%s\n", row->name);
        }
        before = test.failures;
        for (unsigned i = 0; i < rounds; i++) {
            if (i % 100 == 0) {
                refill_data();
            }
            one_case(op);
        }
        if (test.failures != before) {
            g_test_message("%s: %u of %u cases differ", row->name,
                           test.failures - before, rounds);
        }
    }
    g_test_message("%u rows, %" G_GUINT64_FORMAT " cases, %u differ; %" G_GUINT64_FORMAT
                   " left out: AMD's CPUs do otherwise than Intel's", rows, test.cases,
                   test.failures, test.other_vendor);
    g_rand_free(test.random);
}

static void test_rows(void)
{
    test.translate = false;
    run_rows();
}

static void test_translated_rows(void)
{
    test.translate = true;
    run_rows();
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    if (!host_cpu_open()) {
        g_printerr("the test's addresses are taken\n");
        return 1;
    }
    guest_open();
    if (mprotect((void *)(uintptr_t)(HOST_DATA + HOST_DATA_BYTES),
                 HOST_READ_ONLY_PAGES * PAGE_BYTES, PROT_READ)) {
        return 1;
    }
    g_test_add_func("/accel/soft/cpu/rows", test_rows);
    g_test_add_func("/accel/soft/cpu/translated-rows", test_translated_rows);
    status = g_test_run();
    accel_close(test.machine->accel);
    machine_free(test.machine);
    return status;
}
