/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequences of instructions on the host's CPU (host_run.h).
 */

#include "tests/lib/host_run.h"

#include <asm/hwcap2.h>
#include <cpuid.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <ucontext.h>

enum { YMM_AT = 576, HEADER_AT = 512, BREAKPOINT = 3, PAGE_FAULT = 14 };
enum { TICK_US = 5000, HOST_TICKS = 2, GUEST_TICKS = 1000, FLAGS_LOADED = 0x240cd5 };

static const int reg_of[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static RunRecord *const record = (RunRecord *)RUN_RECORD;

static struct {
    volatile sig_atomic_t running, ticks;
    void (*late)(void);
    bool avx;
} watch;

/*
 * All of these are addressed absolutely, so that no register is needed: the numbers are
 * offsets in RunRecord.  What lies between run_end and run_end_last is copied to
 * RUN_END.
 */
#define AT "0x6b8d5000+"
#define REGS(op)                                                                       \
    op(rcx, "8") op(rdx, "16") op(rbx, "24") op(rbp, "40") op(rsi, "48") op(rdi, "56") \
    op(r8, "64") op(r9, "72") op(r10, "80") op(r11, "88") op(r12, "96") op(r13, "104") \
    op(r14, "112") op(r15, "120") op(rax, "0") op(rsp, "32")
#define LOAD(reg, at)  "mov " AT at ", %" #reg "\n"
#define STORE(reg, at) "mov %" #reg ", " AT at "\n"

extern const u8 run_end[], run_home[], run_end_last[];
void run_enter(void);

asm(".pushsection .text\n"
    "run_enter:\n"
    "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "mov %rsp, " AT "144\n"
    "rdfsbase %rax\n mov %rax, " AT "152\n"
    "rdgsbase %rax\n mov %rax, " AT "160\n"
    "xor %eax, %eax\n wrfsbase %rax\n wrgsbase %rax\n"
    "stmxcsr " AT "168\n"
    "mov $7, %eax\n xor %edx, %edx\n"
    "xrstor64 " AT "192\n"
    "pushq " AT "136\n popfq\n"
    REGS(LOAD)
    "jmp *" AT "128\n"

    "run_end:\n"
    REGS(STORE)
    "mov " AT "144, %rsp\n"
    "pushfq\n popq " AT "136\n"
    "pushq $0x202\n popfq\n"
    "mov $7, %eax\n xor %edx, %edx\n"
    "xsave64 " AT "192\n"
    "run_home:\n"
    "fninit\n"
    "ldmxcsr " AT "168\n"
    "xor %eax, %eax\n"
    "mov %eax, %ds\n mov %eax, %es\n mov %eax, %fs\n mov %eax, %gs\n"
    "mov " AT "152, %rax\n wrfsbase %rax\n"
    "mov " AT "160, %rax\n wrgsbase %rax\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
    "ret\n"
    "run_end_last:\n"
    ".popsection\n");

G_STATIC_ASSERT(offsetof(RunRecord, rip) == 128 && offsetof(RunRecord, flags) == 136);
G_STATIC_ASSERT(offsetof(RunRecord, home_rsp) == 144);
G_STATIC_ASSERT(offsetof(RunRecord, home_fs) == 152);
G_STATIC_ASSERT(offsetof(RunRecord, home_gs) == 160);
G_STATIC_ASSERT(offsetof(RunRecord, home_mxcsr) == 168);
G_STATIC_ASSERT(offsetof(RunRecord, area) == 192);

/*
 * FS is 0 in a run, and run_home sets it right: what runs before that has no stack
 * protector.
 */
#define HANDLER __attribute__((no_stack_protector))

/*
 * The frame's XSAVE area is in the standard format; components in their initial state
 * may be left out.
 */
static HANDLER void take_area(const ucontext_t *uc)
{
    const u8 *area = (const u8 *)uc->uc_mcontext.fpregs;

    memcpy(record->area, area, HEADER_AT);
    memset(record->area + YMM_AT, 0, 256);
    if (watch.avx && area[HEADER_AT] & 4) {
        memcpy(record->area + YMM_AT, area + YMM_AT, 256);
    }
}

static HANDLER void leave(ucontext_t *uc, int vector)
{
    greg_t *reg = uc->uc_mcontext.gregs;

    for (unsigned i = 0; i < 16; i++) {
        record->gpr[i] = reg[reg_of[i]];
    }
    record->rip = reg[REG_RIP];
    record->flags = reg[REG_EFL];
    record->error = reg[REG_ERR];
    record->cr2 = reg[REG_CR2];
    record->vector = vector;
    take_area(uc);
    reg[REG_RSP] = record->home_rsp;
    reg[REG_RIP] = RUN_END + (run_home - run_end);
    reg[REG_EFL] = 0x202;
}

static HANDLER void on_fault(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    if (watch.running) {
        leave(uc, sig == SIGSYS ? RUN_SYSCALL : uc->uc_mcontext.gregs[REG_TRAPNO]);
    } else {
        signal(sig, SIG_DFL);           /* the test's own */
    }
}

/* Ticks are of processor time: a busy machine makes nothing late. */
static HANDLER void on_tick(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    int ticks = ++watch.ticks;

    if (watch.running && ticks >= HOST_TICKS &&
        (u64)uc->uc_mcontext.gregs[REG_RIP] - RUN_CODE < RUN_CODE_BYTES) {
        leave(uc, RUN_ENDLESS);
    } else if (!watch.running && ticks >= GUEST_TICKS && watch.late) {
        watch.late();
    }
}

static void *map(u64 at, u64 size, int rights)
{
    void *p = mmap((void *)(uintptr_t)at, size, rights,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    return p == (void *)(uintptr_t)at ? p : NULL;
}

static bool map_all(void)
{
    enum { RW = PROT_READ | PROT_WRITE };
    bool ok = map(RUN_CODE, RUN_CODE_BYTES, RW | PROT_EXEC) &&
              map(RUN_END, PAGE_BYTES, RW | PROT_EXEC) &&
              map(RUN_RECORD, PAGE_BYTES, RW);

    for (unsigned i = 0; i < RUN_DATA_PAGES && ok; i++) {
        ok = RUN_PAGES[i] == '-' || map(RUN_DATA + i * PAGE_BYTES, PAGE_BYTES, RW);
    }
    return ok;
}

/*
 * System calls from sequences, which may come from bytes that were meant otherwise,
 * become SIGSYS.
 */
static bool forbid_calls(void)
{
    enum { IP = offsetof(struct seccomp_data, instruction_pointer) };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, RUN_CODE, 0, 2),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, RUN_END, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { G_N_ELEMENTS(code), code };

    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
           !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

bool host_has_avx(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_OSXSAVE && c & bit_AVX;
}

bool host_run_open(void)
{
    static u8 stack[256 * 1024];
    static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGSYS };
    stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
    struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };

    if (!map_all() || !(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)) {
        return false;
    }
    watch.avx = host_has_avx();
    memcpy((void *)RUN_END, run_end, run_end_last - run_end);
    mprotect((void *)RUN_END, PAGE_BYTES, PROT_READ | PROT_EXEC);
    sigaltstack(&alternative, NULL);
    sigfillset(&action.sa_mask);
    action.sa_sigaction = on_fault;
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &action, NULL);
    }
    action.sa_sigaction = on_tick;
    sigaction(SIGVTALRM, &action, NULL);
    return forbid_calls() && !setitimer(ITIMER_VIRTUAL, &tick, NULL);
}

void host_run_alive(void)
{
    watch.ticks = 0;
}

void host_run_watch(void (*late)(void))
{
    watch.late = late;
}

void host_run(RunRecord *r)
{
    u64 present = watch.avx ? 7 : 3;

    *record = *r;
    memset(record->area + HEADER_AT, 0, 64);
    memcpy(record->area + HEADER_AT, &present, 8);
    record->flags = (r->flags & FLAGS_LOADED) | 0x202;
    record->vector = RUN_ENDED;
    host_run_alive();
    watch.running = true;
    run_enter();
    watch.running = false;
    *r = *record;
}
