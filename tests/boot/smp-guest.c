/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs in the guest of tests/boot/smp.sh, with as many threads as its argument says:
 * what goes wrong when processors are not quite one machine.  Atomics, order of loads
 * and stores, futexes, fork and pipes, pages that change under other processors, code
 * that changes under them.  Every sum is known beforehand.  Prints "smp: ok" last.
 */

#define _GNU_SOURCE
#include <emmintrin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_THREADS = 64, PAGE = 4096, STUCK_SECONDS = 400 };

static unsigned threads;
static pthread_barrier_t barrier;

static void fail(const char *what, uint64_t got, uint64_t want)
{
    printf("smp: FAIL %s: %llu, not %llu\n", what, (unsigned long long)got,
           (unsigned long long)want);
    exit(1);
}

static void expect(const char *what, uint64_t got, uint64_t want)
{
    if (got != want) {
        fail(what, got, want);
    }
}

/* ---- read-modify-write ---- */

enum { ROUNDS = 20000 };

static _Atomic uint64_t added, swapped;
static _Atomic uint8_t narrow;
static uint64_t crossing[16] __attribute__((aligned(64)));
static unsigned __int128 wide __attribute__((aligned(16)));
static _Atomic int spin;
static uint64_t guarded[3];

static void lock_wide(void)
{
    uint64_t *half = (uint64_t *)&wide, low = half[0], high = half[1];
    bool done;

    do {
        __asm__ volatile("lock cmpxchg16b %1"
                         : "=@ccz"(done), "+m"(wide), "+a"(low), "+d"(high)
                         : "b"(low + 1), "c"(high + 3) : "memory");
    } while (!done);
}

static void atomics(unsigned me)
{
    uint64_t *split = (uint64_t *)((char *)crossing + 60);  /* over two cache lines */

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t seen = swapped;

        atomic_fetch_add(&added, i);
        while (!atomic_compare_exchange_weak(&swapped, &seen, seen + 2)) {
        }
        atomic_fetch_sub(&narrow, 1);
        lock_wide();
        if (i % 64 == 0) {
            __asm__ volatile("lock incq %0" : "+m"(*split));
        }
        while (atomic_exchange(&spin, 1)) {
            _mm_pause();
        }
        guarded[0]++;
        guarded[1] = guarded[0] * 2;
        guarded[2] = guarded[0] + guarded[1];
        atomic_store_explicit(&spin, 0, memory_order_release);
    }
    pthread_barrier_wait(&barrier);
    if (me == 0) {
        uint64_t n = (uint64_t)threads * ROUNDS;

        expect("xadd", added, (uint64_t)threads * ROUNDS * (ROUNDS - 1) / 2);
        expect("cmpxchg", swapped, 2 * n);
        expect("lock decb", narrow, (uint8_t)-n);
        expect("cmpxchg16b, low", (uint64_t)wide, n);
        expect("cmpxchg16b, high", (uint64_t)(wide >> 64), 3 * n);
        expect("lock incq over two lines", *split, threads * ((ROUNDS + 63) / 64));
        expect("a spin lock's counter", guarded[0], n);
        expect("what it guards", guarded[2], 3 * n);
    }
}

/* ---- order (SDM vol. 3, 8.2) ---- */

/* One per pair of threads; each word has its cache line. */
static struct {
    _Atomic unsigned x __attribute__((aligned(64)));
    _Atomic unsigned y __attribute__((aligned(64)));
    _Atomic unsigned round[2] __attribute__((aligned(64)));
    unsigned seen[2] __attribute__((aligned(64)));
    unsigned data __attribute__((aligned(64)));
    _Atomic unsigned flag __attribute__((aligned(64)));
} pair[MAX_THREADS / 2];

static void meet(unsigned p, unsigned side, unsigned round)
{
    atomic_store(&pair[p].round[side], round);
    for (unsigned i = 0; atomic_load(&pair[p].round[!side]) < round; i++) {
        if (i % 256 == 255) {
            usleep(0);
        }
    }
}

/* Store, fence, load: one of the two must see the other's store. */
static void stores_are_seen(unsigned p, unsigned side)
{
    for (unsigned i = 0; i < 1000; i++) {
        meet(p, side, 3 * i + 1);
        atomic_store_explicit(side ? &pair[p].y : &pair[p].x, 1, memory_order_relaxed);
        _mm_mfence();
        pair[p].seen[side] =
            atomic_load_explicit(side ? &pair[p].x : &pair[p].y, memory_order_relaxed);
        meet(p, side, 3 * i + 2);
        if (!pair[p].seen[0] && !pair[p].seen[1]) {
            fail("both loads passed a fence", i, i);
        }
        meet(p, side, 3 * i + 3);
        pair[p].x = pair[p].y = 0;
    }
}

/* Plain stores are seen in their order. */
static void stores_keep_order(unsigned p, unsigned side)
{
    for (unsigned i = 1; i <= 20000; i++) {
        if (side) {
            pair[p].data = i;
            atomic_store_explicit(&pair[p].flag, i, memory_order_release);
        } else {
            unsigned flag = atomic_load_explicit(&pair[p].flag, memory_order_acquire);
            unsigned data = __atomic_load_n(&pair[p].data, __ATOMIC_RELAXED);

            if (data < flag) {
                fail("a flag came before its data", data, flag);
            }
        }
    }
}

static void order(unsigned me)
{
    if ((me ^ 1) < threads) {
        stores_are_seen(me / 2, me % 2);
        stores_keep_order(me / 2, me % 2);
    }
}

/* ---- futexes ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static unsigned turn;

/* Each in its turn: a wake-up that is lost ends it. */
static void futexes(unsigned me)
{
    for (unsigned i = 0; i < 300; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % threads != me) {
            pthread_cond_wait(&turned, &mutex);
        }
        turn++;
        pthread_cond_broadcast(&turned);
        pthread_mutex_unlock(&mutex);
    }
    pthread_barrier_wait(&barrier);
    expect("turns", turn, 300 * threads);
}

/* ---- processes ---- */

enum { NUMBERS = 100 };

/*
 * A child adds one to each number that comes and sends it back.  It counts them: its
 * siblings hold the other ends of its pipes too, so there may be no end of file.
 */
static void child(int from, int to)
{
    uint32_t n;

    for (unsigned i = 0; i < NUMBERS; i++) {
        if (read(from, &n, sizeof n) != sizeof n) {
            _exit(1);
        }
        n++;
        if (write(to, &n, sizeof n) != sizeof n) {
            _exit(2);
        }
    }
    _exit(42);
}

static void processes(unsigned me)
{
    uint32_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *page = me;
    for (unsigned i = 0; i < 8; i++) {
        int down[2], up[2], status = 0;
        uint32_t n = 0;
        pid_t pid;

        if (pipe(down) || pipe(up)) {
            fail("pipe", 1, 0);
        }
        pid = fork();
        if (pid == 0) {
            *page = 1000;                   /* its own copy */
            child(down[0], up[1]);
        }
        for (unsigned k = 0; k < NUMBERS; k++) {
            if (write(down[1], &n, sizeof n) != sizeof n ||
                read(up[0], &n, sizeof n) != sizeof n) {
                fail("a pipe to a child", n, k);
            }
        }
        waitpid(pid, &status, 0);
        for (unsigned k = 0; k < 2; k++) {
            close(down[k]);
            close(up[k]);
        }
        expect("numbers through a child", n, NUMBERS);
        expect("a child's status", WEXITSTATUS(status), 42);
        expect("a page after fork", *page, me);
        *page = me;
    }
    munmap(page, PAGE);
}

/* ---- pages that change ---- */

enum { REMAPS = 60, REWRITES = 300 };

static _Atomic unsigned version;
static unsigned *window;

/* Thread 0 puts the next page at an address; who knows of it must not see the old. */
static void remapping(unsigned me)
{
    int fd;

    if (me == 0) {
        fd = memfd_create("pages", 0);
        window = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (unsigned i = 0; i <= REMAPS; i++) {
            if (pwrite(fd, &i, sizeof i, (off_t)i * PAGE) != sizeof i) {
                fail("memfd", 1, 0);
            }
        }
    }
    pthread_barrier_wait(&barrier);
    for (unsigned i = 1; me == 0 && i <= REMAPS; i++) {
        if (mmap(window, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
                 (off_t)i * PAGE) == MAP_FAILED) {
            fail("mmap", i, i);
        }
        atomic_store(&version, i);
    }
    while (me != 0 && atomic_load(&version) < REMAPS) {
        unsigned known = atomic_load(&version);
        unsigned seen = __atomic_load_n(window, __ATOMIC_RELAXED);

        if (seen < known) {
            fail("a page that was replaced is still seen", seen, known);
        }
    }
    pthread_barrier_wait(&barrier);
    if (me == 0) {
        close(fd);
    }
}

/* ---- code that changes ---- */

static uint8_t *code;
static _Atomic unsigned written;

static void serialize(void)
{
    unsigned a = 0, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) :: "memory");
}

/* "mov $n, %eax; ret" with n growing (SDM vol. 3, 8.1.3: cross-modifying code). */
static void changing_code(unsigned me)
{
    if (me == 0) {
        code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memcpy(code + 3, "\xb8\0\0\0\0\xc3", 6);     /* its number is aligned */
    }
    pthread_barrier_wait(&barrier);
    for (unsigned i = 1; me == 0 && i <= REWRITES; i++) {
        atomic_store((_Atomic unsigned *)(code + 4), i);
        atomic_store(&written, i);
    }
    while (me != 0 && atomic_load(&written) < REWRITES) {
        unsigned known = atomic_load(&written), got;

        serialize();
        got = ((unsigned (*)(void))(code + 3))();
        if (got < known) {
            fail("code that was replaced still runs", got, known);
        }
    }
    pthread_barrier_wait(&barrier);
}

/* ---- all of it ---- */

static void *run(void *opaque)
{
    static void (*const part[])(unsigned) = {
        atomics, order, futexes, processes, remapping, changing_code,
    };
    static const char *const name[] = {
        "atomics", "order", "futexes", "processes", "remapping", "changing code",
    };
    unsigned me = (uintptr_t)opaque;

    for (unsigned i = 0; i < sizeof part / sizeof *part; i++) {
        pthread_barrier_wait(&barrier);
        part[i](me);
        pthread_barrier_wait(&barrier);
        if (me == 0) {
            printf("smp: %s\n", name[i]);
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread[MAX_THREADS];

    threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 2;
    if (threads < 1 || threads > MAX_THREADS) {
        fail("threads", threads, MAX_THREADS);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(STUCK_SECONDS);
    pthread_barrier_init(&barrier, NULL, threads);
    for (uintptr_t i = 0; i < threads; i++) {
        pthread_create(&thread[i], NULL, run, (void *)i);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
    puts("smp: ok");
    return 0;
}
