/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions about descriptor tables: LGDT LIDT SGDT SIDT LLDT SLDT LTR STR, and
 * those that ask about descriptors: LAR LSL VERR VERW ARPL (SDM vol. 2).
 *
 * On the vCPU's own thread, in the guest.
 */

#include "accel/soft/operand.h"
#include "accel/soft/segment.h"
#include "accel/soft/system.h"

/* ---- GDTR, IDTR ---- */

/* The operand is a limit of 16 bits and a base of 32, in 64-bit mode of 64. */
static unsigned table_bytes(const Cpu *cpu)
{
    return cpu_code64(cpu) ? 10 : 6;
}

static void store_table(Cpu *cpu, const Insn *insn, u64 base, u16 limit)
{
    unsigned n = table_bytes(cpu);
    gva at = insn_linear(cpu, insn, n, ACCESS_WRITE);
    u8 image[10];

    check_umip(cpu);
    memcpy(image, &limit, 2);
    memcpy(image + 2, &base, 8);
    mmu_write(cpu, at, image, n);
}

static void load_table(Cpu *cpu, const Insn *insn, u64 *base, u16 *limit)
{
    unsigned n = table_bytes(cpu);
    u8 image[10] = { 0 };
    u64 value;

    check_kernel(cpu);
    mmu_read(cpu, insn_linear(cpu, insn, n, ACCESS_READ), image, n);
    memcpy(&value, image + 2, 8);
    if (cpu_code64(cpu)) {
        if (!cpu_canonical(cpu, value)) {
            cpu_gp(cpu, 0);
        }
    } else if ((insn->more & INSN2_WIDTH) == 1) {
        value &= 0xffffff;
    }
    memcpy(limit, image, 2);
    *base = value;
}

static void op_sgdt(Cpu *cpu, const Insn *insn)
{
    store_table(cpu, insn, cpu->gdt_base, cpu->gdt_limit);
}

static void op_sidt(Cpu *cpu, const Insn *insn)
{
    store_table(cpu, insn, cpu->idt_base, cpu->idt_limit);
}

static void op_lgdt(Cpu *cpu, const Insn *insn)
{
    load_table(cpu, insn, &cpu->gdt_base, &cpu->gdt_limit);
}

static void op_lidt(Cpu *cpu, const Insn *insn)
{
    load_table(cpu, insn, &cpu->idt_base, &cpu->idt_limit);
}

/* ---- LDTR, TR ---- */

static u16 load_selector(Cpu *cpu, const Insn *insn)
{
    return insn->shape & INSN_MEM ? cpu_load16(cpu, mem_in(cpu, insn, 1))
                                  : cpu->gpr[insn->rm];
}

void store_word(Cpu *cpu, const Insn *insn, u64 value)
{
    if (insn->shape & INSN_MEM) {
        cpu_store16(cpu, mem_out(cpu, insn, 1), value);
    } else {
        reg_set(cpu, insn->rm, insn->more & INSN2_WIDTH, value);
    }
}

static void op_sldt(Cpu *cpu, const Insn *insn)
{
    check_umip(cpu);
    store_word(cpu, insn, cpu->seg[SEG_LDTR].selector);
}

static void op_str(Cpu *cpu, const Insn *insn)
{
    check_umip(cpu);
    store_word(cpu, insn, cpu->seg[SEG_TR].selector);
}

/*
 * A system descriptor of the GDT that is to be loaded; `type` and `other` are the right
 * types.
 */
static Segment system_segment(Cpu *cpu, u16 selector, unsigned type, unsigned other)
{
    u32 error = selector_error(selector);
    unsigned found;
    Segment s;
    u64 upper;

    if (selector & 4 || !descriptor_system(cpu, selector, &s, &upper)) {
        cpu_gp(cpu, error);
    }
    found = SEG_TYPE(s.attr);
    if (s.attr & SEG_S || (found != type && found != other) ||
        (cpu_long(cpu) && (upper >> 32 & 0x1f00 || !cpu_canonical(cpu, s.base)))) {
        cpu_gp(cpu, error);
    }
    if (!(s.attr & SEG_P)) {
        cpu_raise_error(cpu, EXC_NP, error);
    }
    return s;
}

static void op_lldt(Cpu *cpu, const Insn *insn)
{
    u16 selector;

    check_kernel(cpu);
    selector = load_selector(cpu, insn);
    cpu->seg[SEG_LDTR] = selector_null(selector)
                             ? segment_null(selector, 0)
                             : system_segment(cpu, selector, SYS_LDT, SYS_LDT);
}

static void op_ltr(Cpu *cpu, const Insn *insn)
{
    u16 selector;
    Segment s;
    u8 type;

    check_kernel(cpu);
    selector = load_selector(cpu, insn);
    if (selector_null(selector)) {
        cpu_gp(cpu, 0);
    }
    s = system_segment(cpu, selector, SYS_TSS, cpu_long(cpu) ? SYS_TSS : SYS_TSS16);
    s.attr |= (SYS_TSS_BUSY ^ SYS_TSS) << 8;
    type = s.attr >> 8;
    mmu_write_system(cpu, cpu->gdt_base + (selector & ~7u) + 5, &type, 1);
    cpu->seg[SEG_TR] = s;
}

/* ---- questions about descriptors: the answer is ZF ---- */

static void set_zf(Cpu *cpu, bool yes)
{
    cpu_set_arith(cpu, (cpu_flags(cpu) & ~(u64)FLAG_ZF) | (yes ? FLAG_ZF : 0));
}

/* System types that LAR and LSL know; bit n is type n. */
enum {
    LAR_LEGACY = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 |
                 1 << 12,
    LAR_LONG = 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12,
    LSL_LEGACY = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11,
    LSL_LONG = 1 << 2 | 1 << 9 | 1 << 11,
};

/*
 * Is there a descriptor, of a type in `system` or a segment, that may be seen from
 * here?
 */
static bool look_at(Cpu *cpu, u16 selector, unsigned system, Segment *s)
{
    unsigned rpl = selector & 3;

    if (selector_null(selector) || !descriptor_segment(cpu, selector, s) ||
        (!(s->attr & SEG_S) && !(system >> SEG_TYPE(s->attr) & 1))) {
        return false;
    }
    return attr_conforming(s->attr) || MAX(rpl, cpu->cpl) <= SEG_DPL(s->attr);
}

static void op_lar(Cpu *cpu, const Insn *insn)
{
    u16 selector = load_selector(cpu, insn);
    Segment s;
    bool seen = look_at(cpu, selector, cpu_long(cpu) ? LAR_LONG : LAR_LEGACY, &s);

    set_zf(cpu, seen);
    if (seen) {
        reg_set(cpu, insn->reg, insn->more & INSN2_WIDTH, s.attr);
    }
}

static void op_lsl(Cpu *cpu, const Insn *insn)
{
    u16 selector = load_selector(cpu, insn);
    Segment s;
    bool seen = look_at(cpu, selector, cpu_long(cpu) ? LSL_LONG : LSL_LEGACY, &s);

    set_zf(cpu, seen);
    if (seen) {
        reg_set(cpu, insn->reg, insn->more & INSN2_WIDTH, s.limit);
    }
}

static void op_verr(Cpu *cpu, const Insn *insn)
{
    u16 selector = load_selector(cpu, insn);
    Segment s;

    set_zf(cpu, look_at(cpu, selector, 0, &s) && attr_readable(s.attr));
}

static void op_verw(Cpu *cpu, const Insn *insn)
{
    u16 selector = load_selector(cpu, insn);
    Segment s;

    set_zf(cpu, look_at(cpu, selector, 0, &s) && attr_writable(s.attr));
}

static void op_arpl(Cpu *cpu, const Insn *insn)
{
    unsigned rpl = cpu->gpr[insn->reg] & 3;
    bool memory = insn->shape & INSN_MEM;
    gva at = memory ? mem_out(cpu, insn, 1) : 0;
    u16 selector = memory ? mem_get_to_change(cpu, at, 1) : cpu->gpr[insn->rm];
    bool raise = (selector & 3u) < rpl;

    selector = raise ? (selector & ~3u) | rpl : selector;
    if (memory) {
        cpu_store16(cpu, at, selector);
    } else {
        reg_set(cpu, insn->rm, 1, selector);
    }
    set_zf(cpu, raise);
}

#define GROUP6(ext, name, attributes, function)                               \
    ROW_EXT(MAP_0F, 0x00, ext, name, .operand = { O_Ew }, .attr = attributes, \
            .fn = function)
#define GROUP7(ext, name, function)                                       \
    ROW_EXT(MAP_0F, 0x01, ext, name, .mod = MOD_MEM, .operand = { O_Ms }, \
            .fn = function)

static const Opcode rows[] = {
    ROW(MAP_1, 0x63, "arpl", .operand = { O_Ew, O_Gw }, .attr = OP_NO64 | OP_PROT,
        .writes = FLAG_ZF, .fn = op_arpl),
    GROUP6(0, "sldt", OP_PROT, op_sldt),
    GROUP6(1, "str", OP_PROT, op_str),
    GROUP6(2, "lldt", OP_PROT, op_lldt),
    GROUP6(3, "ltr", OP_PROT, op_ltr),
    ROW_EXT(MAP_0F, 0x00, 4, "verr", .operand = { O_Ew }, .attr = OP_PROT,
            .writes = FLAG_ZF, .fn = op_verr),
    ROW_EXT(MAP_0F, 0x00, 5, "verw", .operand = { O_Ew }, .attr = OP_PROT,
            .writes = FLAG_ZF, .fn = op_verw),
    GROUP7(0, "sgdt", op_sgdt),
    GROUP7(1, "sidt", op_sidt),
    GROUP7(2, "lgdt", op_lgdt),
    GROUP7(3, "lidt", op_lidt),
    ROW(MAP_0F, 0x02, "lar", .operand = { O_Gv, O_Ew }, .attr = OP_PROT,
        .writes = FLAG_ZF, .fn = op_lar),
    ROW(MAP_0F, 0x03, "lsl", .operand = { O_Gv, O_Ew }, .attr = OP_PROT,
        .writes = FLAG_ZF, .fn = op_lsl),
};

FAMILY(ops_table, "table", rows);
