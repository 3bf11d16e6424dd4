/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One instruction on the host's CPU (host_cpu.h).
 */

#include "tests/lib/host_cpu.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { BREAKPOINT = 3, HEADER_AT = 512, YMM_AT = 576, AVX = 4 };

static const int reg_of[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

static struct {
    HostCpu *cpu;                       /* what runs, or NULL */
    gregset_t home;                     /* where the test itself goes on */
    u8 home_fx[512], home_ymm[256];
    bool avx;
    u8 *code;                           /* where the code page can be written */
} run;

/*
 * The XSAVE header behind the FXSAVE part says which components are restored: x87, SSE
 * and AVX are, from here on.
 */
static void put_fx(ucontext_t *uc, const void *fx, const void *ymm_high)
{
    u8 *area = (u8 *)uc->uc_mcontext.fpregs;
    u64 present;

    memcpy(area, fx, 416);
    memcpy(&present, area + HEADER_AT, 8);
    present |= 3;
    if (run.avx) {
        present |= AVX;
        memcpy(area + YMM_AT, ymm_high, 256);
    }
    memcpy(area + HEADER_AT, &present, 8);
}

/* A component that is not in the header is in its initial state. */
static void take_fx(const ucontext_t *uc, void *fx, void *ymm_high)
{
    const u8 *area = (const u8 *)uc->uc_mcontext.fpregs;

    memcpy(fx, area, 512);
    memset(ymm_high, 0, 256);
    if (run.avx && area[HEADER_AT] & AVX) {
        memcpy(ymm_high, area + YMM_AT, 256);
    }
}

static void enter(ucontext_t *uc)
{
    greg_t *reg = uc->uc_mcontext.gregs;

    memcpy(run.home, reg, sizeof run.home);
    take_fx(uc, run.home_fx, run.home_ymm);
    for (unsigned i = 0; i < 16; i++) {
        reg[reg_of[i]] = run.cpu->gpr[i];
    }
    reg[REG_RIP] = run.cpu->rip;
    reg[REG_EFL] = (reg[REG_EFL] & ~0x200cd5ll) | (run.cpu->flags & 0x200cd5) | 0x202;
    put_fx(uc, run.cpu->fx, run.cpu->ymm_high);
}

static void leave(ucontext_t *uc)
{
    greg_t *reg = uc->uc_mcontext.gregs;
    HostCpu *cpu = run.cpu;

    for (unsigned i = 0; i < 16; i++) {
        cpu->gpr[i] = reg[reg_of[i]];
    }
    cpu->rip = reg[REG_RIP];
    cpu->flags = reg[REG_EFL];
    take_fx(uc, cpu->fx, cpu->ymm_high);
    cpu->vector = reg[REG_TRAPNO];
    cpu->error = reg[REG_ERR];
    cpu->cr2 = reg[REG_CR2];
    if (cpu->vector == BREAKPOINT) {
        cpu->vector = -1;
        cpu->rip--;
    } else if (cpu->vector == 14 && cpu->cr2 == cpu->rip && cpu->error & 16) {
        cpu->vector = -1;       /* it jumped away: the fetch there is not its fault */
    }
    memcpy(reg, run.home, sizeof run.home);
    put_fx(uc, run.home_fx, run.home_ymm);
    run.cpu = NULL;
}

static void on_signal(int sig, siginfo_t *info, void *context)
{
    if (sig == SIGUSR2) {
        enter(context);
    } else if (run.cpu) {
        leave(context);
    } else {
        signal(sig, SIG_DFL);                   /* the test's own */
    }
}

static bool map(u64 at, u64 size, int rights, int fd)
{
    int kind = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void *want = (void *)(uintptr_t)at;

    return mmap(want, size, rights, kind | MAP_FIXED_NOREPLACE, fd, 0) == want;
}

/* The code page is mapped twice, so that the instructions under test can't write it. */
static bool map_code(void)
{
    int fd = memfd_create("code", MFD_CLOEXEC);
    bool ok = fd >= 0 && !ftruncate(fd, PAGE_BYTES) &&
              map(HOST_CODE, PAGE_BYTES, PROT_READ | PROT_EXEC, fd);

    run.code = ok ? mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                  : MAP_FAILED;
    close(fd);
    return run.code != MAP_FAILED;
}

bool host_cpu_open(void)
{
    static u8 stack[64 * 1024];
    static const int signals[] = { SIGUSR2, SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS };
    stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction action = {
        .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK,
    };

    if (!map_code() || !map(HOST_DATA, HOST_ALL_BYTES, PROT_READ | PROT_WRITE, -1)) {
        return false;
    }
    run.avx = __builtin_cpu_supports("avx");
    memset(host_cpu_code(), 0xcc, PAGE_BYTES);
    sigaltstack(&alternative, NULL);
    sigfillset(&action.sa_mask);
    for (unsigned i = 0; i < G_N_ELEMENTS(signals); i++) {
        sigaction(signals[i], &action, NULL);
    }
    return true;
}

u8 *host_cpu_code(void)
{
    return run.code;
}

void host_cpu_run(HostCpu *cpu)
{
    run.cpu = cpu;
    raise(SIGUSR2);
}
