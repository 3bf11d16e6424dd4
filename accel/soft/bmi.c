/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Later instructions of general registers: LZCNT, TZCNT, MOVBE, ADX, RDRAND, RDSEED,
 * and BMI1 and BMI2, which are behind a VEX prefix (vex.c).  Each is executed by the
 * host's own, and offered only where it has it.  A vCPU's own thread.
 */

#include "accel/soft/opcodes.h"
#include "accel/soft/operand.h"
#include "accel/soft/vex.h"

/* ---- LZCNT TZCNT ---- */

#define COUNT(name)                                                             \
    HOST_SCAN(name)                                                             \
    inline_always void name##_to(Cpu *cpu, const Insn *insn, unsigned w, u64 b) \
    {                                                                           \
        u64 *a = &cpu->gpr[insn->reg];                                          \
                                                                                \
        *a = host_##name(cpu, w, *a, b);                                        \
    }                                                                           \
    inline_always void name##_from_reg(Cpu *cpu, const Insn *insn, unsigned w)  \
    {                                                                           \
        name##_to(cpu, insn, w, cpu->gpr[insn->rm]);                            \
    }                                                                           \
    inline_always void name##_from_mem(Cpu *cpu, const Insn *insn, unsigned w)  \
    {                                                                           \
        name##_to(cpu, insn, w, mem_get(cpu, mem_in(cpu, insn, w), w));         \
    }                                                                           \
    STAMP3(name##_reg, name##_from_reg)                                         \
    STAMP3(name##_mem, name##_from_mem)                                         \
    static const OpForms name = { WIDTHS3(name##_reg), WIDTHS3(name##_mem), { NULL } };

COUNT(lzcnt)
COUNT(tzcnt)

/* ---- MOVBE ---- */

inline_always u64 swapped(u64 a, unsigned w)
{
    return w == 1 ? __builtin_bswap16(a) :
           w == 2 ? __builtin_bswap32(a) :
                    __builtin_bswap64(a);
}

inline_always void load_swapped(Cpu *cpu, const Insn *insn, unsigned w)
{
    reg_set(cpu, insn->reg, w, swapped(mem_get(cpu, mem_in(cpu, insn, w), w), w));
}

inline_always void store_swapped(Cpu *cpu, const Insn *insn, unsigned w)
{
    mem_set(cpu, mem_out(cpu, insn, w), w, swapped(reg_get(cpu, insn->reg, w), w));
}

STAMP3(movbe_load, load_swapped)
STAMP3(movbe_store, store_swapped)
static const OpForms movbe_load = { .mem = WIDTHS3(movbe_load) };
static const OpForms movbe_store = { .mem = WIDTHS3(movbe_store) };

/* ---- ADCX ADOX: in and out by CF or OF, other flags stay ---- */

inline_always u64 add_chain(Cpu *cpu, unsigned w, bool overflow, u64 a, u64 b)
{
    u16 flags = cpu->arith;

    if (overflow) {
        if (w == 3) {
            asm(PUT_FLAGS "adoxq %[b], %[a]" TAKE_FLAGS
                : [a] "+r"(a), "+a"(flags)
                : [b] "r"(b)
                : "cc");
        } else {
            asm(PUT_FLAGS "adoxl %k[b], %k[a]" TAKE_FLAGS
                : [a] "+r"(a), "+a"(flags)
                : [b] "r"(b)
                : "cc");
        }
    } else if (w == 3) {
        asm(PUT_FLAGS "adcxq %[b], %[a]" TAKE_FLAGS
            : [a] "+r"(a), "+a"(flags)
            : [b] "r"(b)
            : "cc");
    } else {
        asm(PUT_FLAGS "adcxl %k[b], %k[a]" TAKE_FLAGS
            : [a] "+r"(a), "+a"(flags)
            : [b] "r"(b)
            : "cc");
    }
    cpu->arith = flags;
    return a;
}

static void add_chain_op(Cpu *cpu, const Insn *insn, bool overflow)
{
    unsigned w = (insn->more & INSN2_WIDTH) == 3 ? 3 : 2;
    u64 b = insn->shape & INSN_MEM ? mem_get(cpu, mem_in(cpu, insn, w), w) :
                                     cpu->gpr[insn->rm];
    u64 a = add_chain(cpu, w, overflow, cpu->gpr[insn->reg], b);

    cpu->gpr[insn->reg] = low_bits(a, w);
}

static void op_adcx(Cpu *cpu, const Insn *insn)
{
    add_chain_op(cpu, insn, false);
}

static void op_adox(Cpu *cpu, const Insn *insn)
{
    add_chain_op(cpu, insn, true);
}

/*
 * ---- RDRAND RDSEED: CF says whether there was a number, other flags are cleared ----
 */

static bool host_random(bool seed, u64 *value)
{
    bool ok;

    if (seed) {
        asm volatile("rdseed %0\n\tsetc %1" : "=r"(*value), "=qm"(ok) : : "cc");
    } else {
        asm volatile("rdrand %0\n\tsetc %1" : "=r"(*value), "=qm"(ok) : : "cc");
    }
    return ok;
}

static void random_op(Cpu *cpu, const Insn *insn, bool seed)
{
    u64 value = 0;
    bool ok = host_random(seed, &value);

    reg_set(cpu, insn->rm, insn->more & INSN2_WIDTH, ok ? value : 0);
    cpu_set_arith(cpu, ok ? FLAG_CF : 0);
}

static void op_rdrand(Cpu *cpu, const Insn *insn)
{
    random_op(cpu, insn, false);
}

static void op_rdseed(Cpu *cpu, const Insn *insn)
{
    random_op(cpu, insn, true);
}

static void op_rdpid(Cpu *cpu, const Insn *insn)
{
    cpu->gpr[insn->rm] = (u32)cpu->tsc_aux;
}

/* ---- rows ---- */

/* Behind VEX; without flags, and with them. */
#define GENERAL(m, b, p, nm, feat, flags, v, ...)                                  \
    { .map = MAP_VEX_##m, .byte = b, .prefix = p, .ext = -1, .rm = -1, .name = nm, \
      .operand = { __VA_ARGS__ }, .attr = OP_PROT, .vex = VEX_L0 | (v),            \
          .feature = feat,                                                         \
      .writes = flags, .fn = vex_op }
#define LOWEST(e, nm)                                                               \
    { .map = MAP_VEX_0F38, .byte = 0xf3, .prefix = P_NONE, .ext = e, .rm = -1,      \
        .name = nm,                                                                 \
      .operand = { O_By, O_Ey }, .attr = OP_PROT, .vex = VEX_L0, .feature = "bmi1", \
      .writes = FLAGS_ARITH, .fn = vex_op }

static const Opcode rows[] = {
    ROW(MAP_0F, 0xbd, "lzcnt", .prefix = P_F3, .operand = { O_Gv, O_Ev },
        .writes = FLAGS_ARITH,
        .feature = "abm", .class = CLASS_COPY, .forms = &lzcnt),
    ROW(MAP_0F, 0xbc, "tzcnt", .prefix = P_F3, .operand = { O_Gv, O_Ev },
        .writes = FLAGS_ARITH,
        .feature = "bmi1", .class = CLASS_COPY, .forms = &tzcnt),
    ROW(MAP_0F38, 0xf0, "movbe", .prefix = P_SIZE, .mod = MOD_MEM,
        .operand = { O_Gv, O_Ev }, .feature = "movbe",
        .forms = &movbe_load),
    ROW(MAP_0F38, 0xf1, "movbe", .prefix = P_SIZE, .mod = MOD_MEM,
        .operand = { O_Ev, O_Gv }, .feature = "movbe",
        .forms = &movbe_store),
    ROW(MAP_0F38, 0xf6, "adcx", .prefix = P_66, .operand = { O_Gy, O_Ey },
        .feature = "adx",
        .reads = FLAG_CF, .writes = FLAG_CF, .fn = op_adcx),
    ROW(MAP_0F38, 0xf6, "adox", .prefix = P_F3, .operand = { O_Gy, O_Ey },
        .feature = "adx",
        .reads = FLAG_OF, .writes = FLAG_OF, .fn = op_adox),
    ROW_EXT(MAP_0F, 0xc7, 6, "rdrand", .prefix = P_SIZE, .mod = MOD_REG,
        .operand = { O_Rv },
            .writes = FLAGS_ARITH, .feature = "rdrand", .fn = op_rdrand),
    ROW_EXT(MAP_0F, 0xc7, 7, "rdseed", .prefix = P_SIZE, .mod = MOD_REG,
        .operand = { O_Rv },
            .writes = FLAGS_ARITH, .feature = "rdseed", .fn = op_rdseed),
    ROW_EXT(MAP_0F, 0xc7, 7, "rdpid", .prefix = P_F3, .mod = MOD_REG,
        .operand = { O_Rd },
            .feature = "rdpid", .fn = op_rdpid),

    GENERAL(0F38, 0xf2, P_NONE, "andn", "bmi1", FLAGS_ARITH, 0, O_Gy, O_By, O_Ey),
    LOWEST(1, "blsr"), LOWEST(2, "blsmsk"), LOWEST(3, "blsi"),
    GENERAL(0F38, 0xf7, P_NONE, "bextr", "bmi1", FLAGS_ARITH, 0, O_Gy, O_Ey, O_By),
    GENERAL(0F38, 0xf5, P_NONE, "bzhi", "bmi2", FLAGS_ARITH, 0, O_Gy, O_Ey, O_By),
    GENERAL(0F38, 0xf5, P_F3, "pext", "bmi2", 0, 0, O_Gy, O_By, O_Ey),
    GENERAL(0F38, 0xf5, P_F2, "pdep", "bmi2", 0, 0, O_Gy, O_By, O_Ey),
    GENERAL(0F38, 0xf6, P_F2, "mulx", "bmi2", 0, VEX_BOTH, O_Gy, O_By, O_Ey),
    GENERAL(0F38, 0xf7, P_66, "shlx", "bmi2", 0, 0, O_Gy, O_Ey, O_By),
    GENERAL(0F38, 0xf7, P_F3, "sarx", "bmi2", 0, 0, O_Gy, O_Ey, O_By),
    GENERAL(0F38, 0xf7, P_F2, "shrx", "bmi2", 0, 0, O_Gy, O_Ey, O_By),
    GENERAL(0F3A, 0xf0, P_F2, "rorx", "bmi2", 0, 0, O_Gy, O_Ey, O_Ib),
};

FAMILY(ops_bmi, "bmi", rows);
