/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder against Zydis: bytes made from every row of the table, and random ones,
 * must decode to the same length, operand size, memory operand and legality in 16-, 32-
 * and 64-bit mode; and rows must say of the flags what Zydis says.  MAYFLY_LONG=1 tries
 * many more.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/soft.h"
#include <Zydis/Zydis.h>

enum { MODES = 3, CODE16 = 0, CODE32, CODE64 };
static const unsigned mode_bits[MODES] = { 0, MODE_CODE32 | MODE_STACK32, MODE_CODE64 };
static ZydisDecoder zydis[MODES];

/* What the guest's CPUID does not offer; a CPU without these raises #UD. */
static const ZydisISASet absent[] = {
    ZYDIS_ISA_SET_AMD3DNOW,     ZYDIS_ISA_SET_AMD_INVLPGB,
    ZYDIS_ISA_SET_CET,          ZYDIS_ISA_SET_CLZERO,
    ZYDIS_ISA_SET_ENQCMD,       ZYDIS_ISA_SET_HRESET,
    ZYDIS_ISA_SET_KEYLOCKER,    ZYDIS_ISA_SET_KEYLOCKER_WIDE,
    ZYDIS_ISA_SET_MCOMMIT,      ZYDIS_ISA_SET_MONITOR,
    ZYDIS_ISA_SET_MONITORX,     ZYDIS_ISA_SET_MOVDIR,
    ZYDIS_ISA_SET_PADLOCK_ACE,  ZYDIS_ISA_SET_PADLOCK_PHE,
    ZYDIS_ISA_SET_PADLOCK_PMM,  ZYDIS_ISA_SET_PADLOCK_RNG,
    ZYDIS_ISA_SET_PCONFIG,      ZYDIS_ISA_SET_PKU,
    ZYDIS_ISA_SET_PT,           ZYDIS_ISA_SET_RDPRU,
    ZYDIS_ISA_SET_RTM,          ZYDIS_ISA_SET_SERIALIZE,
    ZYDIS_ISA_SET_SGX,          ZYDIS_ISA_SET_SGX_ENCLV,
    ZYDIS_ISA_SET_SMX,          ZYDIS_ISA_SET_SNP,
    ZYDIS_ISA_SET_SSE4A,        ZYDIS_ISA_SET_SVM,
    ZYDIS_ISA_SET_TDX,          ZYDIS_ISA_SET_TSX_LDTRK,
    ZYDIS_ISA_SET_UINTR,        ZYDIS_ISA_SET_VMFUNC,
    ZYDIS_ISA_SET_VTX,          ZYDIS_ISA_SET_WAITPKG,
    ZYDIS_ISA_SET_XSAVES,       ZYDIS_ISA_SET_INVALID,
    ZYDIS_ISA_SET_KNCJKBR,      ZYDIS_ISA_SET_KNCSTREAM,
    ZYDIS_ISA_SET_FMA4,         ZYDIS_ISA_SET_XOP,
    ZYDIS_ISA_SET_TBM,          ZYDIS_ISA_SET_AMX_BF16,
    ZYDIS_ISA_SET_AMX_INT8,     ZYDIS_ISA_SET_AMX_TILE,
    ZYDIS_ISA_SET_AVX512F_KOP,  ZYDIS_ISA_SET_AVX512BW_KOP,
    ZYDIS_ISA_SET_AVX512DQ_KOP, ZYDIS_ISA_SET_AVX512F_SCALAR,
    ZYDIS_ISA_SET_KNCE,         ZYDIS_ISA_SET_KNCV,
    ZYDIS_ISA_SET_KNC_MISC,
};

static u64 seed;

/* splitmix64 */
static u64 draw(void)
{
    u64 z = seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static unsigned rounds(unsigned short_run)
{
    return g_getenv("MAYFLY_LONG") ? short_run * 60 : short_run;
}

/*
 * Zydis knows later meanings of some hints and prefixes: without them, as the guest's
 * CPU.
 */
static void open_zydis(void)
{
    static const ZydisDecoderMode off[] = {
        ZYDIS_DECODER_MODE_MPX,          ZYDIS_DECODER_MODE_CET,
        ZYDIS_DECODER_MODE_WBNOINVD,     ZYDIS_DECODER_MODE_CLDEMOTE,
        ZYDIS_DECODER_MODE_AMD_BRANCHES,
    };

    ZydisDecoderInit(&zydis[CODE16], ZYDIS_MACHINE_MODE_LEGACY_16,
                     ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&zydis[CODE32], ZYDIS_MACHINE_MODE_LEGACY_32,
                     ZYDIS_STACK_WIDTH_32);
    ZydisDecoderInit(&zydis[CODE64], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    for (unsigned i = 0; i < MODES; i++) {
        for (unsigned j = 0; j < G_N_ELEMENTS(off); j++) {
            ZydisDecoderEnableMode(&zydis[i], off[j], false);
        }
    }
}

/* ---- one comparison ---- */

typedef struct {
    u8 byte[15];
    unsigned mode;
    Insn insn;
    unsigned len;
    bool known;                 /* by Zydis */
    ZydisDecodedInstruction z;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
} Case;

static const Opcode *row_of(const Case *c)
{
    return opcode_row(c->insn.op);
}

static bool has_operand(const Opcode *row, Operand operand)
{
    return memchr(row->operand, operand, sizeof row->operand);
}

static char *describe(const Case *c)
{
    GString *s = g_string_new(NULL);

    g_string_append_printf(s, "mode %u:", c->mode);
    for (unsigned i = 0; i < (c->known ? c->z.length : 15u); i++) {
        g_string_append_printf(s, " %02x", c->byte[i]);
    }
    g_string_append_printf(s, " (%s; Zydis: %s)", row_of(c)->name,
                           c->known ? ZydisMnemonicGetString(c->z.mnemonic) :
                                      "illegal");
    return g_string_free(s, FALSE);
}

#define SAME(c, a, b)                            \
    do {                                         \
        s64 a_ = (a), b_ = (b);                  \
                                                 \
        if (a_ != b_) {                          \
            g_autofree char *text = describe(c); \
                                                 \
            g_test_message("%s", text);          \
            g_assert_cmpint(a_, ==, b_);         \
        }                                        \
    } while (0)

static bool is_absent(const Case *c)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(absent); i++) {
        if (c->z.meta.isa_set == absent[i]) {
            return true;
        }
    }
    return c->z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
           c->z.encoding != ZYDIS_INSTRUCTION_ENCODING_VEX;
}

/*
 * Which control registers exist, that a gather names three registers, and that CS can't
 * be loaded, is found when the instruction is run.
 */
static bool judged_later(const Case *c)
{
    return opcode_traits(c->insn.op) & IGNORES_MOD || row_of(c)->operand[0] == O_Sw ||
           row_of(c)->operand[1] == O_Mv;
}

/* Legal for both, or for neither? */
static bool check_legal(const Case *c)
{
    bool legal = c->insn.op >= OP_SPECIAL;

    if (!legal && c->known && is_absent(c)) {
        return false;
    }
    if (legal && !c->known && judged_later(c)) {
        return false;
    }
    SAME(c, legal, c->known);
    return legal;
}

/* Only where the operand size follows from prefixes. */
static void check_width(const Case *c)
{
    static const Operand sized[] = { O_Ev, O_Gv, O_Zv, O_Iz, O_Iv,
                                     O_Rv, O_Jz, O_Xv, O_Yv, O_Ov };
    unsigned width = 8 << (c->insn.more & INSN2_WIDTH);

    /*
     * Ports have no 64 bits, and Zydis goes its own way with sizes that do not matter.
     */
    if (has_operand(row_of(c), O_DX) || !strcmp(row_of(c)->name, "nop")) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(sized); i++) {
        if (has_operand(row_of(c), sized[i])) {
            SAME(c, width, c->z.operand_width);
            return;
        }
    }
}

static const ZydisDecodedOperand *memory_operand(const Case *c)
{
    for (unsigned i = 0; i < c->z.operand_count; i++) {
        if (c->operand[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            c->operand[i].encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM) {
            return &c->operand[i];
        }
    }
    return NULL;
}

static int register_number(ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_NONE ? REG_NONE :
           reg == ZYDIS_REGISTER_RIP || reg == ZYDIS_REGISTER_EIP ? REG_BLOCK :
           ZydisRegisterGetId(reg);
}

static void check_segment(const Case *c, ZydisRegister reg)
{
    int segment = ZydisRegisterGetId(reg);

    if (c->z.mnemonic == ZYDIS_MNEMONIC_LEA) {
        return;
    }
    if (c->mode == CODE64 && segment != SEG_FS && segment != SEG_GS) {
        segment = SEG_FLAT;
    }
    SAME(c, c->insn.seg, segment);
}

/*
 * Zydis 4.0 takes r13d for a base in "67, REX.B, mod 0, SIB base 5"; the SDM (table
 * 2-5) and CPUs don't.
 */
static bool is_zydis_mistake(const Case *c)
{
    return c->mode == CODE64 && c->z.address_width == 32 && c->z.raw.rex.B &&
           c->z.raw.modrm.mod == 0 && c->z.raw.modrm.rm == 4 && c->z.raw.sib.base == 5;
}

static void check_memory(const Case *c)
{
    const ZydisDecodedOperand *memory = memory_operand(c);
    const Insn *insn = &c->insn;
    s64 disp;

    SAME(c, !!(insn->shape & INSN_MEM), memory != NULL);
    if (!memory || is_zydis_mistake(c)) {
        return;
    }
    disp = memory->mem.disp.has_displacement ? memory->mem.disp.value : 0;
    if (insn->base == REG_BLOCK) {
        disp += insn->at + insn->len - (insn->index == REG_2G ? 1ll << 31 : 0);
    } else if (row_of(c)->operand[1] != O_Mv) {
        SAME(c, insn->index, register_number(memory->mem.index));
    }
    SAME(c, insn->base, register_number(memory->mem.base));
    SAME(c, insn->disp, disp);
    if (insn->index < REG_NONE) {
        SAME(c, 1 << (insn->shape & INSN_SCALE), memory->mem.scale);
    }
    SAME(c, 16 << ((insn->shape & INSN_ADDR) >> 2), c->z.address_width);
    check_segment(c, memory->mem.segment);
}

/* Registers that VEX alone names: in vvvv, in an immediate, and indices. */
static void check_vex(const Case *c)
{
    const ZydisDecodedOperand *memory = memory_operand(c);

    SAME(c, !!(c->insn.more & INSN2_VEX256), c->z.raw.vex.L);
    for (unsigned i = 0; i < c->z.operand_count; i++) {
        const ZydisDecodedOperand *o = &c->operand[i];

        if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
            o->encoding == ZYDIS_OPERAND_ENCODING_NDSNDD) {
            unsigned n = insn_vvvv(&c->insn) & (c->mode == CODE64 ? 15 : 7);

            SAME(c, n, register_number(o->reg.value));
        }
    }
    if (memory && row_of(c)->operand[1] == O_Mv) {
        SAME(c, insn_indices(&c->insn), register_number(memory->mem.index));
    }
}

static bool compare(Case *c)
{
    unsigned at = draw() & 0xfff;

    c->len = decode_insn(c->byte, 15, mode_bits[c->mode], at, NULL, &c->insn);
    c->known = ZYAN_SUCCESS(ZydisDecoderDecodeFull(&zydis[c->mode], c->byte, 15, &c->z,
                                                   c->operand));
    if (!check_legal(c)) {
        return false;
    }
    SAME(c, c->len, c->z.length);
    SAME(c, c->insn.len, c->len);
    check_width(c);
    check_memory(c);
    if (c->z.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX) {
        check_vex(c);
    }
    g_assert_true(insn_fn(&c->insn) != op_stale);
    return true;
}

/* ---- bytes ---- */

static unsigned put_prefixes(u8 *byte)
{
    static const u8 prefix[] = {
        0x66, 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e,
        0x26, 0x64, 0x65, 0x48, 0x41, 0x44, 0x4f,
    };
    unsigned n = 0;

    while (n < 6 && draw() % 3 == 0) {
        byte[n++] = prefix[draw() % sizeof prefix];
    }
    return n;
}

static void fill(u8 *byte, unsigned from)
{
    for (unsigned i = from; i < 15; i++) {
        byte[i] = draw();
    }
}

/* A VEX prefix: of the row, or of anything. */
static unsigned put_vex(u8 *byte, unsigned n, const Opcode *row)
{
    static const u8 pp[] = { [P_66] = 1, [P_F3] = 2, [P_F2] = 3 };
    u8 map = row ? (u8)(row->map - MAP_VEX_0F + 1) : (u8)(draw() % 4), last = draw();

    if (row) {
        last = (last & ~3) | pp[row->prefix];
        last = row->attr & OP_W64 ? last | 0x80 :
               row->attr & OP_W32 ? last & ~0x80 :
                                    last;
        last = row->vex & VEX_L0 ? last & ~4 : row->vex & VEX_L1 ? last | 4 : last;
    }
    last |= draw() % 4 ? 0x78 : 0;
    if (map == 1 && !(last & 0x80) && draw() % 2) {
        byte[n++] = 0xc5;
        byte[n++] = last | (draw() & 0x80);
        return n;
    }
    byte[n++] = 0xc4;
    byte[n++] = map | (draw() & 0xe0) | (draw() % 2 ? 0xc0 : 0);
    byte[n++] = last;
    return n;
}

static unsigned put_map(u8 *byte, unsigned n, unsigned map)
{
    if (map != MAP_1) {
        byte[n++] = 0x0f;
    }
    if (map > MAP_0F) {
        byte[n++] = map == MAP_0F38 ? 0x38 : 0x3a;
    }
    return n;
}

static void random_bytes(u8 *byte)
{
    unsigned n = put_prefixes(byte);

    fill(byte, draw() % 4 ? put_map(byte, n, draw() % 4) : put_vex(byte, n, NULL));
}

/* Bytes that mean this row. */
static void row_bytes(u8 *byte, unsigned op)
{
    static const u8 mandatory[] = { [P_66] = 0x66, [P_F3] = 0xf3, [P_F2] = 0xf2 };
    const Opcode *row = opcode_row(op);
    bool vex = row->map >= MAP_VEX_0F;
    unsigned n = row->prefix == P_NONE || vex ? 0 : put_prefixes(byte);

    if (row->prefix > P_NONE && row->prefix < P_SIZE && !vex) {
        byte[n++] = mandatory[row->prefix];
    }
    if (row->attr & OP_W64 && !vex) {
        byte[n++] = 0x48 | (draw() & 7);
    }
    n = vex ? put_vex(byte, n, row) : put_map(byte, n, row->map);
    byte[n++] = row->byte +
                (opcode_traits(op) & HAS_Z ? draw() % (8 - (row->byte & 7)) : 0);
    fill(byte, n);
    if (row->ext >= 0) {
        byte[n] = (byte[n] & 0xc7) | row->ext << 3;
    }
    if (row->rm >= 0) {
        byte[n] = (byte[n] & 0xf8) | row->rm;
    }
    if (row->mod == MOD_REG) {
        byte[n] |= 0xc0;
    }
}

static void test_random(void)
{
    unsigned legal = 0, n = rounds(200000);

    for (unsigned i = 0; i < n; i++) {
        Case c = { .mode = draw() % MODES };

        random_bytes(c.byte);
        legal += compare(&c);
    }
    g_assert_cmpuint(legal, >, n / 4);
}

/* Every row can be reached, in some mode. */
static void test_rows(void)
{
    for (unsigned op = OP_SPECIAL; op < opcode_count(); op++) {
        unsigned reached = 0;

        for (unsigned i = 0; i < rounds(150) || (!reached && i < 20000); i++) {
            Case c = { .mode = draw() % MODES };

            row_bytes(c.byte, op);
            compare(&c);
            reached += c.insn.op == op;
        }
        if (!reached) {
            g_test_message("row %u: %s", op, opcode_row(op)->name);
        }
        g_assert_cmpuint(reached, >, 0);
    }
}

/* ---- flags ---- */

/* What Zydis says an instruction does with flags, over many encodings of one row. */
typedef struct {
    unsigned reads, writes, seen;
} FlagUse;

static FlagUse flags_used(unsigned op)
{
    FlagUse use = { 0 };

    for (unsigned i = 0; i < 100; i++) {
        Case c = { .mode = draw() % MODES };

        row_bytes(c.byte, op);
        if (compare(&c) && c.insn.op == op && c.z.cpu_flags) {
            use.reads |= c.z.cpu_flags->tested & FLAGS_ARITH;
            use.writes |= (c.z.cpu_flags->modified | c.z.cpu_flags->set_0 |
                           c.z.cpu_flags->set_1 | c.z.cpu_flags->undefined) &
                          FLAGS_ARITH;
            use.seen++;
        }
    }
    return use;
}

/*
 * VMCALL and RSM do nothing here but raise #UD; of VPTEST Zydis does not tell the flags
 * that are cleared.
 */
static bool flags_left_out(const Opcode *row)
{
    return !strcmp(row->name, "vmcall") || !strcmp(row->name, "rsm") ||
           g_str_has_prefix(row->name, "vtestp") || !strcmp(row->name, "vptest");
}

/* A row may claim to read more than it does. */
static void test_flags(void)
{
    for (unsigned op = OP_SPECIAL; op < opcode_count(); op++) {
        const Opcode *row = opcode_row(op);
        FlagUse use = flags_used(op);

        if (!use.seen || flags_left_out(row)) {
            continue;
        }
        if (use.reads & ~row->reads || use.writes != row->writes) {
            g_test_message("%s (%02x) writes %#x and reads %#x; Zydis: %#x and %#x",
                           row->name, row->byte, row->writes, row->reads, use.writes,
                           use.reads);
        }
        g_assert_cmphex(use.reads & ~row->reads, ==, 0);
        g_assert_cmphex(use.writes, ==, row->writes);
    }
}

/* ---- edges ---- */

static Insn decode(const char *hex, unsigned mode)
{
    u8 byte[15] = { 0 };
    unsigned n = strlen(hex) / 2;
    Insn insn;

    for (unsigned i = 0; i < n; i++) {
        byte[i] = g_ascii_xdigit_value(hex[i * 2]) << 4 |
                  g_ascii_xdigit_value(hex[i * 2 + 1]);
    }
    decode_insn(byte, 15, mode_bits[mode], 0, NULL, &insn);
    return insn;
}

static void test_length(void)
{
    static const u8 byte[20] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                 0x66, 0x66, 0x66, 0x81, 0xc0, 0x34, 0x12, 0x90 };
    static const u8 longer[20] = { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                   0x66, 0x66, 0x66, 0x66, 0x81, 0xc0, 0x34, 0x12 };
    Insn insn;

    g_assert_cmpuint(decode_insn(byte, 20, MODE_CODE64, 0, NULL, &insn), ==, 15);
    g_assert_cmpuint(insn.op, >=, OP_SPECIAL);
    for (unsigned n = 0; n < 15; n++) {
        g_assert_cmpuint(decode_insn(byte, n, MODE_CODE64, 0, NULL, &insn), ==, 0);
    }
    g_assert_cmpuint(decode_insn(longer, 20, MODE_CODE64, 0, NULL, &insn), ==, 15);
    g_assert_cmpuint(insn.op, ==, OP_TOO_LONG);
}

/* SDM vol. 2A, 2.2.1: a REX prefix that is not the last means nothing. */
static void test_prefixes(void)
{
    Insn insn = decode("48668bc1", CODE64);

    g_assert_cmpuint(insn.more & INSN2_WIDTH, ==, 1);
    g_assert_cmpuint(insn.len, ==, 4);
    insn = decode("66488bc1", CODE64);
    g_assert_cmpuint(insn.more & INSN2_WIDTH, ==, 3);
    insn = decode("f3f2a4", CODE64);
    g_assert_cmpuint(insn.shape & (INSN_REPZ | INSN_REPNZ), ==, INSN_REPNZ);
    insn = decode("642e8b00", CODE64);
    g_assert_cmpuint(insn.seg, ==, SEG_FS);
    insn = decode("642e8b00", CODE32);
    g_assert_cmpuint(insn.seg, ==, SEG_CS);
}

static void test_byte_registers(void)
{
    Insn insn = decode("88e7", CODE64);                 /* mov bh, ah */

    g_assert_cmpuint(insn.reg, ==, BYTE_HIGH | RAX);
    g_assert_cmpuint(insn.rm, ==, BYTE_HIGH | RBX);
    insn = decode("4088e7", CODE64);                    /* mov dil, spl */
    g_assert_cmpuint(insn.reg, ==, RSP);
    g_assert_cmpuint(insn.rm, ==, RDI);
    insn = decode("0fb6c4", CODE64);                    /* movzx eax, ah */
    g_assert_cmpuint(insn.reg, ==, RAX);
    g_assert_cmpuint(insn.rm, ==, BYTE_HIGH | RAX);
}

/*
 * A RIP-relative displacement that does not fit any more once it counts from the block.
 */
static void test_far_rip(void)
{
    static const u8 byte[] = { 0x8b, 0x05, 0xfe, 0xff, 0xff, 0x7f };
    Insn insn;

    g_assert_cmpuint(decode_insn(byte, 6, MODE_CODE64, 0x800, NULL, &insn), ==, 6);
    g_assert_cmpuint(insn.index, ==, REG_2G);
    g_assert_cmpint((1ll << 31) + insn.disp, ==, 0x7ffffffell + 0x800 + 6);
}

int main(int argc, char **argv)
{
    seed = 20;
    open_zydis();
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/soft/decode/length", test_length);
    g_test_add_func("/soft/decode/prefixes", test_prefixes);
    g_test_add_func("/soft/decode/byte-registers", test_byte_registers);
    g_test_add_func("/soft/decode/far-rip", test_far_rip);
    g_test_add_func("/soft/decode/rows", test_rows);
    g_test_add_func("/soft/decode/random", test_random);
    g_test_add_func("/soft/decode/flags", test_flags);
    return g_test_run();
}
