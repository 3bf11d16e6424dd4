/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A decoded instruction, a block of them, and the opcode table's row.
 *
 * Guest code is decoded once.  The decoder finds the instruction's row in the opcode
 * table, resolves everything that does not change from run to run, and picks the
 * function that does it; running a block is then to call insn->fn(cpu, insn) for one
 * after the other.
 *
 * Blocks are keyed by the guest-physical address of their first byte and by mode, and
 * shared by all vCPUs.  They never cross a page, but for a last instruction that does
 * (such a block is alone and is not kept).  All addresses in a block are relative to
 * its start, because one physical page may be mapped at several linear addresses.
 */

#ifndef ACCEL_SOFT_INSN_H
#define ACCEL_SOFT_INSN_H

#include "base/types.h"

typedef struct Cpu Cpu;
typedef struct Insn Insn;
typedef struct Block Block;
typedef struct Opcode Opcode;

/*
 * Executes one instruction.  It either completes it or leaves by cpu_raise() with
 * nothing changed. It does not touch rip, unless its row has OP_ENDS: then it sets
 * cpu->rip to where to go on (insn_next() is the address of the following instruction).
 * If not it may, as its last act, call insn_go_on() (operand.h); so an Insn never
 * stands alone: insn_run() (run.h) runs just one.
 */
typedef void OpFn(Cpu *cpu, const Insn *insn);

/*
 * An effective address is gpr[base] + (gpr[index] << scale) + disp, truncated to the
 * address size.  Pseudo registers make this one expression: gpr[REG_NONE] is always 0
 * and gpr[REG_BLOCK] is the address (rip) of the block's start, to which a RIP-relative
 * displacement is resolved.  gpr[REG_2G] is always 1 << 31: the index where that does
 * not fit into 32 bits any more.
 */
enum { REG_NONE = 16, REG_BLOCK = 17, REG_2G = 18, REG_COUNT = 19 };

/* no base to add and no limit to check: 64-bit mode without FS or GS */
enum { SEG_FLAT = 0xff };

/* Small, as there are many of them in every machine. */
struct Insn {
    union {
        struct {
            s32 imm;    /* immediate, sign-extended as the row says */
            s32 disp;   /* RIP-relative ones: relative to the block's start */
        };
        /*
         * Where both together are one operand: O_Iv and O_Ov; far pointers: selector <<
         * 32 | offset; branches: target relative to the block's start.
         */
        s64 wide;
    };
    s32 fn;             /* its OpFn, as insn_fn() and insn_set_fn() know it */
    u16 op;             /* row number in the opcode table */
    u16 at; /* bytes from the block's start to this instruction's first prefix */
    u8 reg; /* ModRM.reg with REX.R, or the register in the opcode byte with REX.B */
    u8 rm;              /* register named by ModRM.rm with REX.B when mod is 3 */
    u8 base, index;     /* 0-15, REG_NONE, REG_BLOCK */
    u8 seg;             /* segment register of the memory operand, or SEG_FLAT */
    u8 len;             /* bytes, 1 to 15 */
    u8 shape;           /* scale (bits 0-1), address size (bits 2-3: 0 = 16, 1 = 32, 2 = 64 bits), INSN_* below */
    u8 more;            /* operand size (bits 0-1: log2 bytes), INSN2_* below */
};
_Static_assert(sizeof(Insn) == 24, "no holes");

/*
 * Does nothing, and leaves the block: what the instructions of a block that was dropped
 * do.  An Insn says how far away from here its own function lies.
 */
OpFn op_stale;

static inline OpFn *insn_fn(const Insn *insn)
{
    s32 distance = __atomic_load_n(&insn->fn, __ATOMIC_RELAXED);

    return (OpFn *)((uintptr_t)op_stale + (intptr_t)distance);
}

/* Also while others run it. */
static inline void insn_set_fn(Insn *insn, OpFn *fn)
{
    __atomic_store_n(&insn->fn, (s32)((uintptr_t)fn - (uintptr_t)op_stale),
                     __ATOMIC_RELAXED);
}

enum {
    INSN_SCALE = 3,
    INSN_ADDR16 = 0 << 2,
    INSN_ADDR32 = 1 << 2,
    INSN_ADDR64 = 2 << 2,
    INSN_ADDR = 3 << 2,
    INSN_MEM = 1 << 4, /* ModRM names memory */
    /* a REX prefix: byte registers 4-7 are spl bpl sil dil, not ah ch dh bh */
    INSN_REX = 1 << 5,
    INSN_REPZ = 1 << 6, /* F3 as a repeat prefix */
    INSN_REPNZ = 1 << 7, /* F2 as a repeat prefix */
};
enum {
    INSN2_WIDTH = 3,            /* operand size, log2 bytes */
    INSN2_LOCK = 1 << 2,
    INSN2_CODE64 = 1 << 3,      /* 64-bit mode */
    INSN2_CODE32 = 1 << 4,      /* 32-bit code segment; neither: 16-bit */
    INSN2_VEX256 = 1 << 5,      /* VEX.L */
    INSN2_FAR = 1 << 6, /* its operand is now on this page, now on that: jit/run.c */
};

/*
 * The immediate of a VEX instruction is a byte; above it are VEX.vvvv and the register
 * of indices.
 */
static inline unsigned insn_vvvv(const Insn *insn) { return insn->imm >> 8 & 15; }
static inline unsigned insn_indices(const Insn *insn) { return insn->imm >> 12 & 15; }

/*
 * Byte registers: insn->reg and insn->rm hold 0-15 for the low byte and BYTE_HIGH | 0-3
 * for ah ch dh bh. The decoder resolves which from the REX prefix, for operands that
 * its row says are bytes.
 */
enum { BYTE_HIGH = 0x20 };

/* What makes the same bytes decode differently. */
enum {
    MODE_CODE32 = 1 << 0,       /* CS.D */
    MODE_CODE64 = 1 << 1,       /* CS.L with EFER.LMA */
    MODE_STACK32 = 1 << 2,      /* SS.B */
    MODE_REAL = 1 << 3,         /* CR0.PE is 0, or EFLAGS.VM is 1 */
    MODE_STEP = 1 << 4,         /* EFLAGS.TF: blocks of one instruction, not kept */
    MODE_MMU_SHIFT = 5,         /* MmuMode, which translations are made for */
};

/* There are thousands of them in every machine: so 64 bytes, and no pointers. */
struct Block {
    gpa at;                     /* of the first byte */
    u8 mode;                    /* MODE_*, without MODE_STEP */
    /* cleared when its page is written; its instructions then leave the block */
    bool valid;
    u8 n;                       /* instructions */
    u8 entries; /* n, and one more if the last instruction does not set rip itself */
    u16 bytes;
    u8 runs;                    /* how often it was entered, until it is translated */
    /* may be followed by `link`: it ends in a near branch or runs into the next */
    bool links : 1;
    bool own : 1;               /* one.c: of one vCPU, and not kept */
    bool extended : 1;          /* has conditional jumps inside: block_extend.c */
    /*
     * Blocks that followed: the next one in memory, another one of the same page; how
     * far away they lie.
     */
    s32 link[2];
    /* Places in the arena (block_tables.h): */
    u32 hash_next;              /* same hash */
    u32 page_next;              /* same page */
    u32 page;                   /* its CodePage, for invalidation; 0: ROM */
    s32 incoming;               /* how far away the first JitExit is that jumps here */
    u32 entry, loop_entry;      /* translated code: see jit/jit.h */
    u8 saved_at, saved_loop_at; /* saved_ entries, from Block.code on */
    /*
     * Code that the translation rests on beside its own: so many bytes behind it, and
     * some at another place of the page (jit/flags.c).
     */
    u8 peek_behind, peek_bytes;
    u16 peek_at;
    void *code; /* its entry from the jump cache; NULL: run by the interpreter */
    Insn insn[];
};

/* ---- the opcode table ---- */

enum {
    MAP_1, MAP_0F, MAP_0F38, MAP_0F3A,
    MAP_VEX_0F, MAP_VEX_0F38, MAP_VEX_0F3A,     /* behind a VEX prefix */
    MAP_COUNT
};

/*
 * Which mandatory prefix a row wants.  P_ANY: 66 is the operand size and F2/F3 mean
 * nothing (or repeat); P_SIZE: 66 is the operand size, and F2/F3 must not be.
 */
enum { P_ANY, P_NONE, P_66, P_F3, P_F2, P_SIZE };

enum { MOD_ANY, MOD_MEM, MOD_REG };

/*
 * Operands, by the SDM's letters (vol. 2, appendix A.2.1).  They tell the decoder
 * whether there is a ModRM byte, an immediate, which registers are bytes, and how wide
 * memory is; the disassembly and the tests use them too.
 */
typedef enum {
    O_NONE,
    O_Eb, O_Ew, O_Ed, O_Eq, O_Ey, O_Ev, O_Ep,   /* ModRM.rm: register or memory */
    O_Gb, O_Gw, O_Gd, O_Gq, O_Gy, O_Gv,         /* ModRM.reg */
    O_Rd, O_Rv, O_Ry,                           /* ModRM.rm, register only */
    O_M, O_Mb, O_Mw, O_Md, O_Mq, O_Mdq, O_Mp, O_Ms,     /* ModRM.rm, memory only */
    O_Zb, O_Zv, O_Zq,                           /* register in the opcode byte */
    O_AL, O_AX, O_CL, O_DX, O_1,
    /* Iz: at most 32 bits, sign-extended; Iv: up to 64; sIb: a byte, sign-extended */
    O_Ib, O_Iw, O_Iz, O_Iv, O_sIb,
    O_Jb, O_Jz, O_Ap,
    O_Ob, O_Ov,                                 /* moffs */
    O_Sw, O_Cd, O_Dd,
    O_Xb, O_Xv, O_Yb, O_Yv,                     /* DS:rSI, ES:rDI */
    O_Vx, O_Wx, O_Ux, /* XMM: ModRM.reg, rm, rm register only; memory 16 bytes */
    O_Wd, O_Wq, O_Ww, /* XMM register or 4, 8, 2 bytes of memory */
    /* MMX: reg, rm, rm with 4 bytes of memory, rm register only */
    O_Pq, O_Qq, O_Qd, O_Nq,
    O_ST0, O_STi, O_Mx87,                       /* x87; Mx87: the row's .memory bytes */
    /* With VEX, O_Vx and O_Wx are XMM or YMM registers by VEX.L, and so are these: */
    O_Hx,                                       /* VEX.vvvv */
    O_Lx,                                       /* bits 4-7 of an immediate byte */
    O_By,                                       /* general register: VEX.vvvv */
    O_Mv, /* memory with a vector of indices (VSIB) */
} Operand;

/* Rows behind a VEX prefix: what they ask of VEX.L, and how memory follows it. */
enum {
    VEX_L0     = 1 << 0,        /* L must be 0 */
    VEX_L1     = 1 << 1,        /* L must be 1 */
    VEX_SCALES = 1 << 2,        /* O_Wq, O_Wd and O_Ww are twice as large with L */
    VEX_BOTH   = 1 << 3,        /* the second operand is written too */
};

/* How the translator may treat it.  The default, CALL, is always right. */
typedef enum { CLASS_CALL, CLASS_COPY, CLASS_MEMORY, CLASS_BRANCH } OpClass;

/* Attributes. */
enum {
    OP_LOCK    = 1 << 0,        /* LOCK is allowed with a memory destination */
    OP_ENDS    = 1 << 1,        /* the last of its block: sets cpu->rip */
    OP_NO64    = 1 << 2,        /* #UD in 64-bit mode */
    OP_ONLY64  = 1 << 3,        /* not this row outside 64-bit mode */
    /* operand size is 64 bits in 64-bit mode without REX.W; 32 can't be had */
    OP_DEF64   = 1 << 4,
    /* ... and a 66 prefix is ignored (near branches, as on Intel) */
    OP_FORCE64 = 1 << 5,
    /* F2/F3 repeat it; then it ends its block, to go on with itself or the next one */
    OP_REP     = 1 << 6,
    OP_PROT    = 1 << 7,        /* #UD in real and virtual-8086 mode */
    OP_FPU     = 1 << 8,        /* x87: #NM by CR0.TS/EM, #MF checked by its function */
    OP_SSE     = 1 << 9,        /* #UD/#NM by CR4.OSFXSR, CR0.EM/TS */
    OP_ALIGN   = 1 << 10, /* 16-byte memory operand must be aligned, else #GP(0) */
    OP_BYTE    = 1 << 11,       /* operand size is one byte whatever the prefixes say */
    OP_W64     = 1 << 12,       /* this row is for REX.W = 1 only */
    OP_W32     = 1 << 13,       /* this row is for REX.W = 0 only */
    OP_MMX     = 1 << 14,       /* #UD by CR0.EM, #NM by TS, leaves x87 tags valid */
    OP_MXCSR   = 1 << 15,       /* rounds by MXCSR and sets its flags; #XM */
};

/* Functions by form and operand size (log2 bytes); holes are NULL and mean #UD. */
typedef struct {
    OpFn *reg[4], *mem[4], *lock[4];
} OpForms;

struct Opcode {
    u8 map, byte; /* where it stands; `byte` is the opcode, for Z operands its first */
    u8 prefix;                  /* P_* */
    s8 ext;                     /* ModRM.reg that selects it, or -1 */
    u8 mod;                     /* MOD_* that selects it */
    s8 rm;                      /* ModRM.rm (with mod 3) that selects it, or -1 */
    const char *name;
    u8 operand[4];
    u16 attr;
    u16 reads, writes; /* arithmetic flags, FLAG_*; undefined ones count as written */
    u8 class;
    u8 memory;                  /* bytes of an O_Mx87 or O_M operand, when it matters */
    u8 vex;                     /* VEX_* */
    const char *feature;        /* name of the CPUID feature (accel/cpu_model.h) it needs, or NULL: #UD without it */
    OpFn *fn;                   /* one function for all forms, or */
    const OpForms *forms;       /* one per form */
};

/*
 * A family of rows; every file of instructions ends with one.  opcodes.c lists the
 * families: together they are the table.
 */
typedef struct {
    const char *name;
    const Opcode *row;
    unsigned n;
} OpFamily;
extern const OpFamily *const op_families[];

const Opcode *opcode_row(unsigned op);          /* by Insn.op */

#endif
