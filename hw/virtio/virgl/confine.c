/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the renderer's process may do once GL has begun: see process.c.
 *
 * It computes, takes memory, makes threads, and speaks through what it has open: it
 * opens nothing, connects nowhere, starts nothing, sees no other process.  What is not
 * in the list fails with EPERM, since Mesa asks for things that it can do without; the
 * list is what llvmpipe was seen to call, and what GPU drivers need on descriptors that
 * they have (ioctl).
 */

#include "hw/virtio/virgl/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const int allowed[] = {
    /* memory */
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
    SCMP_SYS(mprotect), SCMP_SYS(madvise), SCMP_SYS(memfd_create), SCMP_SYS(ftruncate),
    /* threads */
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(exit),
    SCMP_SYS(exit_group), SCMP_SYS(gettid), SCMP_SYS(getpid), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(getcpu),
    SCMP_SYS(membarrier), SCMP_SYS(restart_syscall),
    /* signals, its own */
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    /* time */
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(getrandom), SCMP_SYS(sysinfo),
    /* what is open */
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pread64),
    SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(recvmsg), SCMP_SYS(recvfrom), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
    SCMP_SYS(eventfd2), SCMP_SYS(dup), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
    SCMP_SYS(ioctl),
};

/* Those that are good with some arguments. */
static const struct { int call; struct scmp_arg_cmp if_it_has; } with_argument[] = {
    /* Threads, not processes. */
    { SCMP_SYS(clone), { 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD } },
    { SCMP_SYS(fcntl), { 1, SCMP_CMP_LE, F_SETFL, 0 } },
    { SCMP_SYS(fcntl), { 1, SCMP_CMP_EQ, F_DUPFD_CLOEXEC, 0 } },
};

static bool add_special(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp own = { 0, SCMP_CMP_EQ, getpid(), 0 };
    bool good = true;

    for (size_t i = 0; i < sizeof with_argument / sizeof *with_argument; i++) {
        good &= seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, with_argument[i].call, 1,
                                       &with_argument[i].if_it_has) == 0;
    }
    /* abort(); and what clone3 wants can't be read: glibc takes clone instead. */
    return good &&
           seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  &own) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

static bool filter_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    bool good = filter;

    for (size_t i = 0; good && i < sizeof allowed / sizeof *allowed; i++) {
        good = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) == 0;
    }
    good = good && add_special(filter) &&
           seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
           seccomp_load(filter) == 0;
    if (filter) {
        seccomp_release(filter);
    }
    return good;
}

void confine_early(void)
{
    const struct rlimit none = { 0, 0 };

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
}

bool confine(void)
{
    const struct rlimit files = { 1024, 1024 }, none = { 0, 0 };

    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_MEMLOCK, &none);
    return filter_calls();
}
