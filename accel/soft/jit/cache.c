/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code memory: a memfd that is mapped twice, writable at one address and executable
 * at another.  It is filled from the front and emptied as a whole, while the world
 * stands.
 */

#include "accel/soft/jit/code.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* One trap for so many bytes of code is plenty. */
enum { BYTES_PER_TRAP = 16 };

/* ---- traps ---- */

/* Those whose code may trap: a signal's handler can be given nothing. */
static _Atomic(Jit *) trapping;
static struct sigaction old_action[NSIG];

static const JitTrap *find_trap(const Jit *jit, u32 at)
{
    u32 low = 0, high = atomic_load(&jit->traps);

    while (low < high) {
        u32 middle = (low + high) / 2;

        if (jit->trap[middle].at < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < atomic_load(&jit->traps) && jit->trap[low].at == at ? &jit->trap[low] :
                                                                       NULL;
}

/*
 * The instruction that trapped is done again by the interpreter, which raises what is
 * to be raised.
 */
static void on_trap(int sig, siginfo_t *info, void *context)
{
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    const Jit *jit = atomic_load(&trapping);
    const JitTrap *trap = NULL;

    if (jit && (uintptr_t)*rip - (uintptr_t)jit->exec < jit->bytes) {
        trap = find_trap(jit, *rip - (uintptr_t)jit->exec);
    }
    if (trap) {
        *rip = (uintptr_t)jit->exec + trap->cold;
    } else if (old_action[sig].sa_flags & SA_SIGINFO) {
        old_action[sig].sa_sigaction(sig, info, context);
    } else {
        sigaction(sig, &old_action[sig], NULL);
    }
}

static void catch_traps(Jit *jit)
{
    struct sigaction action = { .sa_sigaction = on_trap,
                                .sa_flags = SA_SIGINFO | SA_ONSTACK };
    static bool installed;

    if (!installed) {
        sigaction(SIGFPE, &action, &old_action[SIGFPE]);
        sigaction(SIGSEGV, &action, &old_action[SIGSEGV]);
        sigaction(SIGBUS, &action, &old_action[SIGBUS]);
        installed = true;
    }
    atomic_store(&trapping, jit);
}

/* ---- memory ---- */

/*
 * perf looks for names of code in its map only where it takes memory for anonymous: so
 * there is no memfd then.
 */
static bool map_anonymous_twice(Jit *jit, u8 *at)
{
    jit->write = mmap(NULL, jit->bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    jit->exec = mremap(jit->write, 0, jit->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at);
    return jit->write != MAP_FAILED && jit->exec == at &&
           !mprotect(jit->exec, jit->bytes, PROT_READ | PROT_EXEC);
}

static bool map_memfd_twice(Jit *jit, u8 *at)
{
    int fd = memfd_create("mayfly-jit", MFD_CLOEXEC);
    bool ok = fd >= 0 && !ftruncate(fd, jit->bytes);

    if (ok) {
        jit->write = mmap(NULL, jit->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        jit->exec = mmap(at, jit->bytes, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED,
                         fd, 0);
        ok = jit->write != MAP_FAILED && jit->exec != MAP_FAILED;
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

Jit *jit_new(BlockCache *blocks, u8 *at, u64 bytes, bool perf_map, GError **err)
{
    Jit *jit = g_new0(Jit, 1);

    jit->blocks = blocks;
    jit->bytes = bytes;
    jit->perf_map = -1;
    if (!(perf_map ? map_anonymous_twice(jit, at) : map_memfd_twice(jit, at))) {
        g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(errno),
                    "no memory for translated code: %s", g_strerror(errno));
        g_free(jit);
        return NULL;
    }
    if (perf_map) {
        g_autofree char *name = g_strdup_printf("/tmp/perf-%d.map", getpid());

        jit->perf_map = open(
            name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    jit->traps_max = bytes / BYTES_PER_TRAP;
    jit->trap = g_new(JitTrap, jit->traps_max);
    jit->e = (Emit){ .write = jit->write, .exec = jit->exec, .end = bytes };
    jit_make_stubs(jit);
    jit->first = jit->e.at;
    catch_traps(jit);
    return jit;
}

void jit_free(Jit *jit)
{
    Jit *mine = jit;

    atomic_compare_exchange_strong(&trapping, &mine, NULL);
    munmap(jit->write, jit->bytes);
    if (jit->perf_map >= 0) {
        close(jit->perf_map);
    }
    g_free(jit->trap);
    g_free(jit);
}

/* Pages go back to the host, but for those of the stubs. */
void jit_flush(Jit *jit)
{
    u64 keep = (jit->first + PAGE_BYTES - 1) & PAGE_MASK;

    madvise(jit->write + keep, jit->bytes - keep, MADV_REMOVE);
    jit->e.at = jit->first;
    atomic_store(&jit->traps, 0);
    jit->fulls++;
}

void jit_forget_hints(Jit *jit)
{
    memset(jit->hints, 0, sizeof jit->hints);
    memset(jit->hints_made, 0, sizeof jit->hints_made);
}

/* ---- links ---- */

/* The distance is aligned: it changes at once for whoever runs there. */
static void set_jump(Jit *jit, const JitExit *exit, u32 target)
{
    __atomic_store_n((u32 *)(jit->write + exit->jump), target - (exit->jump + 4),
                     __ATOMIC_RELEASE);
}

static u32 entry_for(const Jit *jit, const JitExit *from, const Block *to)
{
    u32 code = (const u8 *)to->code - jit->exec;

    if (from->back) {
        return from->saved ? code + to->saved_loop_at : to->loop_entry;
    }
    return from->gone ? code + to->saved_at : to->entry;
}

static JitExit *first_incoming(const Block *block)
{
    return block->incoming ? (JitExit *)((u8 *)block + block->incoming) : NULL;
}

void jit_link(Jit *jit, JitExit *from, Block *to)
{
    if (from->next == NULL) {
        /* the last one is its own next */
        from->next = to->incoming ? first_incoming(to) : from;
        to->incoming = (u8 *)from - (u8 *)to;
        set_jump(jit, from, entry_for(jit, from, to));
        jit->links++;
    }
}

void jit_unlink(Jit *jit, Block *block)
{
    for (JitExit *exit = first_incoming(block), *next; exit; exit = next) {
        next = exit->next == exit ? NULL : exit->next;
        set_jump(jit, exit, exit->stub);
        exit->next = NULL;
        jit->unlinks++;
    }
    block->incoming = 0;
}

/*
 * The first instruction there, which has 9 bytes and is aligned, becomes a jump with
 * one store: whoever comes meanwhile runs the old one or the new one.
 */
void jit_close_entry(Jit *jit, const void *code)
{
    u32 at = (const u8 *)code - jit->exec;
    u64 jump = 0xe9 | (u64)(jit->not_translated - (at + 5)) << 8;

    __atomic_store_n((u64 *)(jit->write + at), jump & 0xffffffffff, __ATOMIC_RELEASE);
}

/* ---- what is known of it ---- */

void jit_note(Jit *jit, const Block *block, u32 begin)
{
    if (jit->perf_map >= 0) {
        g_autofree char *line = g_strdup_printf("%" PRIxPTR " %x guest_%" PRIx64 "\n",
                                                (uintptr_t)jit->exec + begin,
                                                jit->e.at - begin, block->at);

        if (write(jit->perf_map, line, strlen(line)) < 0) {
            close(jit->perf_map);
            jit->perf_map = -1;
        }
    }
}

void jit_print(const Jit *jit, GString *out)
{
    g_string_append_printf(out,
                           "translated code: %u of %" PRIu64 " bytes (%u%%); emptied %"
                           PRIu64 " times\n",
                           jit->e.at, jit->bytes,
                           (unsigned)(jit->e.at * 100ull / jit->bytes), jit->fulls);
    g_string_append_printf(out,
                           "translations: %" PRIu64 " blocks of %" PRIu64
                           " instructions; %" PRIu64 " again without hints\n",
                           jit->translated, jit->translated_insns, jit->again);
    g_string_append_printf(out, "links: %" PRIu64 " made, %" PRIu64 " taken back\n",
                           jit->links, jit->unlinks);
    g_string_append_printf(out, "instructions that may trap: %u of %u\n",
                           atomic_load(&jit->traps), jit->traps_max);
}
