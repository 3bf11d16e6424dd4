/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stubs that execute one guest instruction on the host: their making and keeping
 * (host.h).
 */

#include "accel/soft/host_emit.h"
#include "accel/x86_state.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/*
 * Room for all that guests may use; when it is full, what is new is #UD.  Pages are
 * used as they fill.
 */
enum { CODE_BYTES = 16 << 20, ROWS_MAX = 4096, VARIANTS = 8 };

typedef struct {
    _Atomic(HostStub *) plain[VARIANTS];
    _Atomic(_Atomic(HostStub *) *) by_imm;      /* 256 per variant, or NULL */
} RowStubs;

static struct {
    pthread_mutex_t lock;
    u8 *write, *exec;                           /* the same memory */
    u32 used;
    u8 *abort; /* exec address of what a stub does after SIGFPE */
    struct sigaction old_fpe;
    RowStubs row[ROWS_MAX];
    _Atomic(HostStub *) x87[8][256];            /* opcode D8-DF, ModRM */
} host = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Puts finished code into the code memory; the lock is held.  NULL when it is full. */
static HostStub *code_keep(const Code *c)
{
    u32 at = (host.used + 15) & ~15u;

    if (at + c->n > CODE_BYTES) {
        return NULL;
    }
    memcpy(host.write + at, c->byte, c->n);
    host.used = at + c->n;
    return (HostStub *)(uintptr_t)(host.exec + at);
}

/* ---- SSE and MMX ---- */

HostReg host_register(Operand operand)
{
    switch (operand) {
    case O_Vx: case O_Wx: case O_Ux: case O_Wd: case O_Wq: case O_Ww:
        return HOST_XMM;
    case O_Pq: case O_Qq: case O_Qd: case O_Nq:
        return HOST_MM;
    case O_Ed:
    case O_Ey:
    case O_Gd:
    case O_Gy:
    case O_Rd:
    case O_Ry:
    case O_Mb:
    case O_Mw:
    case O_Eb:
    case O_Ew:
    case O_Eq: case O_Gq:
        return HOST_GPR;
    default:
        return HOST_NONE;
    }
}

/* Is ModRM.rm the destination (PEXTR, MOVD to r/m)? */
static bool rm_is_destination(const Opcode *row)
{
    return host_register(row->operand[0]) == HOST_GPR &&
           row->operand[0] != O_Gd && row->operand[0] != O_Gy && row->operand[0] != O_Gq;
}

/* Destinations are xmm2, mm0, rax; sources xmm1, mm1, rcx. */
static void emit_loads(Code *c, HostReg dst, HostReg src)
{
    if (dst == HOST_XMM) {
        EMIT(c, "\x0f\x10\x17");                            /* movups (%rdi), %xmm2 */
    } else if (dst == HOST_MM) {
        EMIT(c, "\x0f\x6f\x07");                            /* movq (%rdi), %mm0 */
    }
    if (src == HOST_XMM) {
        EMIT(c, "\x0f\x10\x0e");                            /* movups (%rsi), %xmm1 */
    } else if (src == HOST_MM) {
        EMIT(c, "\x0f\x6f\x0e");                            /* movq (%rsi), %mm1 */
    }
}

static void emit_stores(Code *c, HostReg dst, HostReg src)
{
    if (dst == HOST_XMM) {
        EMIT(c, "\x0f\x11\x17");
    } else if (dst == HOST_MM) {
        EMIT(c, "\x0f\x7f\x07");
    }
    if (dst == HOST_MM || src == HOST_MM) {
        EMIT(c, "\x0f\x77");                                /* emms */
    }
}

static void emit_instruction(Code *c, const Opcode *row, const Insn *insn)
{
    static const u8 prefix[] = { [P_66] = 0x66, [P_F3] = 0xf3, [P_F2] = 0xf2 };
    bool reverse = rm_is_destination(row);
    unsigned xmm = reverse ? 1 : 2, gpr = 0;
    unsigned reg = host_register(row->operand[reverse ? 1 : 0]) == HOST_XMM ?
                       xmm :
                   host_register(row->operand[reverse ? 1 : 0]) == HOST_MM ?
                       (reverse ? 1 : 0) :
                       gpr;
    unsigned rm = reverse ? 0 : 1;

    if (prefix[row->prefix]) {
        emit8(c, prefix[row->prefix]);
    }
    if ((insn->more & INSN2_WIDTH) == 3) {
        emit8(c, 0x48);
    }
    emit8(c, 0x0f);
    if (row->map == MAP_0F38 || row->map == MAP_0F3A) {
        emit8(c, row->map == MAP_0F38 ? 0x38 : 0x3a);
    }
    emit8(c, row->byte);
    emit8(c, 0xc0 | (row->ext >= 0 ? (unsigned)row->ext : reg) << 3 | rm);
    if (row->operand[1] == O_Ib || row->operand[2] == O_Ib) {
        emit8(c, insn->imm);
    }
}

static HostStub *stub_sse_make(const Opcode *row, const Insn *insn)
{
    bool reverse = rm_is_destination(row);
    HostReg dst = host_register(row->operand[0]), src = host_register(row->operand[1]);
    Code c = { .n = 0 };

    if (row->ext >= 0) { /* shifts by an immediate: the operand is ModRM.rm alone */
        src = dst;
        dst = HOST_NONE;
    }
    EMIT(&c, "\x49\x89\xd0");                               /* mov %rdx, %r8 */
    EMIT_REGS(&c, "\x49\x8b", 0, rax);
    EMIT_REGS(&c, "\x49\x8b", 1, rcx);
    EMIT_REGS(&c, "\x49\x8b", 2, rdx);
    EMIT_REGS(&c, "\x41\x0f\x10", 0, xmm0);
    emit_loads(&c, dst, src);
    if (row->attr & OP_MXCSR) {
        emit_mxcsr_in(&c);
    }
    emit_instruction(&c, row, insn);
    if (row->attr & OP_MXCSR) {
        EMIT_REGS(&c, "\x41\x0f\xae", 3, mxcsr);            /* stmxcsr */
        emit_host_mxcsr(&c);
    }
    EMIT_REGS(&c, "\x49\x89", 0, rax);
    EMIT_REGS(&c, "\x49\x89", 1, rcx);
    EMIT_REGS(&c, "\x41\x0f\x11", 0, xmm0);
    if (row->writes) {
        emit_flags_out(&c);
    }
    if (row->ext >= 0) {
        emit(&c, src == HOST_XMM ? "\x0f\x11\x0e" : "\x0f\x7f\x0e\x0f\x77",
             src == HOST_XMM ? 3 : 5);
    } else {
        emit_stores(&c, reverse ? HOST_NONE : dst, src);
    }
    emit8(&c, 0xc3);
    return code_keep(&c);
}

static HostStub *stub_make(const Opcode *row, const Insn *insn)
{
    Code c = { .n = 0 };

    if (row->map < MAP_VEX_0F) {
        return stub_sse_make(row, insn);
    }
    emit_vex_stub(&c, row, insn);
    return code_keep(&c);
}

/*
 * Bit 0: 64-bit operands; with VEX also L, and whether there is memory.  VEX.W that is
 * more than a width has rows of its own.
 */
static unsigned variant(const Opcode *row, const Insn *insn)
{
    unsigned n = (insn->more & INSN2_WIDTH) == 3;

    if (row->map >= MAP_VEX_0F) {
        n |= insn->more & INSN2_VEX256 ? 2 : 0;
        n |= insn->shape & INSN_MEM ? 4 : 0;
    }
    return n;
}

static bool has_immediate(const Opcode *row)
{
    return memchr(row->operand, O_Ib, sizeof row->operand) ||
           memchr(row->operand, O_Lx, sizeof row->operand);
}

static _Atomic(HostStub *) *row_slot(const Opcode *row, const Insn *insn)
{
    RowStubs *r = &host.row[insn->op];
    unsigned which = variant(row, insn);
    _Atomic(HostStub *) *table;

    g_assert(insn->op < ROWS_MAX);
    if (!has_immediate(row)) {
        return &r->plain[which];
    }
    table = atomic_load_explicit(&r->by_imm, memory_order_acquire);
    if (!table) {
        pthread_mutex_lock(&host.lock);
        table = atomic_load(&r->by_imm);
        if (!table) {
            table = g_new0(_Atomic(HostStub *), 256 * VARIANTS);
            atomic_store_explicit(&r->by_imm, table, memory_order_release);
        }
        pthread_mutex_unlock(&host.lock);
    }
    return &table[which * 256 + (u8)insn->imm];
}

HostStub *host_stub(const Insn *insn)
{
    const Opcode *row = opcode_row(insn->op);
    _Atomic(HostStub *) *slot = row_slot(row, insn);
    HostStub *stub = atomic_load_explicit(slot, memory_order_acquire);

    if (unlikely(!stub)) {
        pthread_mutex_lock(&host.lock);
        stub = atomic_load(slot);
        if (!stub) {
            stub = stub_make(row, insn);
            atomic_store_explicit(slot, stub, memory_order_release);
        }
        pthread_mutex_unlock(&host.lock);
    }
    return stub;
}

/* ---- x87 ---- */

/*
 * The whole state goes in and out around the instruction.  FXRSTOR loads the guest's
 * XMM registers and MXCSR as well: the registers are the caller's to lose, MXCSR is put
 * back.  FNINIT leaves the host's x87 as the ABI wants it.
 */
static HostStub *stub_x87_make(u8 opcode, u8 modrm)
{
    Code c = { .n = 0 };

    EMIT(&c, "\x49\x89\xd0");                               /* mov %rdx, %r8 */
    EMIT(&c, "\x48\x0f\xae\x0f");                           /* fxrstor64 (%rdi) */
    emit_flags_in(&c);
    emit8(&c, opcode);
    emit8(&c, modrm < 0xc0 ? (modrm & 0x38) | 6 : modrm);   /* memory is (%rsi) */
    emit_flags_out(&c);
    EMIT(&c, "\x48\x0f\xae\x07");                           /* fxsave64 (%rdi) */
    EMIT(&c, "\xdb\xe3");                                   /* fninit */
    emit_host_mxcsr(&c);
    emit8(&c, 0xc3);
    return code_keep(&c);
}

HostStub *host_stub_x87(u8 opcode, u8 modrm)
{
    u8 form = modrm < 0xc0 ? modrm & 0x38 : modrm;
    _Atomic(HostStub *) *slot = &host.x87[opcode & 7][form];
    HostStub *stub = atomic_load_explicit(slot, memory_order_acquire);

    if (unlikely(!stub)) {
        pthread_mutex_lock(&host.lock);
        stub = atomic_load(slot);
        if (!stub) {
            stub = stub_x87_make(opcode, form);
            atomic_store_explicit(slot, stub, memory_order_release);
        }
        pthread_mutex_unlock(&host.lock);
    }
    return stub;
}

/* ---- SIGFPE ---- */

/* Not from a stub: whoever handled the signal before, or by default the end. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
    if (host.old_fpe.sa_flags & SA_SIGINFO) {
        host.old_fpe.sa_sigaction(sig, info, context);
    } else {
        sigaction(SIGFPE, &host.old_fpe, NULL);
    }
}

/*
 * In a stub: an SSE exception that the guest has unmasked.  The stub goes on at
 * `abort`, which returns without storing a result; r8 and the stack are as the stub has
 * them.
 */
static void on_fpe(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *reg = uc->uc_mcontext.gregs;
    uintptr_t rip = reg[REG_RIP], start = (uintptr_t)host.exec;

    if (rip < start || rip >= start + CODE_BYTES) {
        pass_on(sig, info, context);
        return;
    }
    ((HostRegs *)reg[REG_R8])->mxcsr = uc->uc_mcontext.fpregs->mxcsr;
    reg[REG_RIP] = (greg_t)host.abort;
}

static bool map_twice(GError **err)
{
    int fd = memfd_create("mayfly-stubs", MFD_CLOEXEC);

    if (fd >= 0 && !ftruncate(fd, CODE_BYTES)) {
        host.write = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        host.exec = mmap(NULL, CODE_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    if (fd < 0 || host.write == MAP_FAILED || host.exec == MAP_FAILED || !host.write ||
        !host.exec) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "no memory for generated code: %s", g_strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    return !(err && *err);
}

bool host_open(GError **err)
{
    struct sigaction fpe = { .sa_sigaction = on_fpe,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK };
    GError *failed = NULL;
    Code c = { .n = 0 };

    if (host.exec) {
        return true;
    }
    if (!map_twice(&failed)) {
        g_propagate_error(err, failed);
        return false;
    }
    EMIT_REGS(&c, "\x41\xc7", 0, fault);                    /* movl $1, fault */
    EMIT(&c, "\x01\x00\x00\x00");
    emit_host_mxcsr(&c);
    emit8(&c, 0xc3);
    host.abort = (u8 *)(uintptr_t)code_keep(&c);
    sigaction(SIGFPE, &fpe, &host.old_fpe);
    return true;
}
