/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The integer benchmark that "make bench" runs natively and in the guests.
 *
 * A static program for plain x86-64. Each workload prints "bench NAME begin", works a
 * fixed amount, and prints "bench NAME end SUM"; whoever started it takes the time
 * between the two lines by his own clock, because a guest's clock may be wrong, and
 * compares the sums. The work takes about 0.1 s per scale on a machine of 2020.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t (*Work)(unsigned scale);

typedef struct {
    const char *name;
    Work work;
} Row;

/*
 * Without a trip through memory that the compiler could not see, loops would be folded.
 */
static volatile uint64_t seed = 88172645463325252u;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/*
 * Exactly 16 instructions for each turn: the rate of guest instructions is 16 * turns
 * over the time. The mix is that of integer code: moves, arithmetic, two loads, a
 * store, a conditional branch that is taken half the time, and the loop.
 */
enum { MIX_INSTRUCTIONS = 16, MIX_TURNS = 20 * 1000 * 1000 };

static uint64_t mix(unsigned scale)
{
    uint64_t turns = (uint64_t)MIX_TURNS * scale;
    uint64_t a = seed, b = 1, c = 0;
    uint64_t memory[16] = { 0 };

    __asm__ volatile(
        "1: mov %[a], %%r8\n"
        "   and $15, %%r8\n"
        "   add (%[m],%%r8,8), %[b]\n"
        "   lea 7(%[a],%[b],2), %%r9\n"
        "   xor %%r9, %[c]\n"
        "   mov %[c], (%[m],%%r8,8)\n"
        "   shr $3, %%r9\n"
        "   add %%r9, %[a]\n"
        "   mov %[a], %%r10\n"
        "   test $1, %%r10b\n"
        "   jz 2f\n"
        "2: sub %[b], %%r10\n"
        "   or $1, %%r10\n"
        "   xor %%r10, %[b]\n"
        "   dec %[turns]\n"
        "   jnz 1b\n"
        : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [turns] "+r"(turns)
        : [m] "r"(memory)
        : "r8", "r9", "r10", "cc", "memory");
    return a ^ b ^ c;
}

/* Branches that depend on data: quicksort. */
static int compare(const void *one, const void *two)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)two;

    return (a > b) - (a < b);
}

static uint64_t sort(unsigned scale)
{
    enum { N = 50000 };
    static uint32_t data[N];
    uint64_t state = seed, sum = 0;

    for (unsigned turn = 0; turn < 15 * scale; turn++) {
        for (unsigned i = 0; i < N; i++) {
            data[i] = next_random(&state);
        }
        qsort(data, N, sizeof data[0], compare);
        sum = sum * 31 + data[N / 2];
    }
    return sum;
}

/* Calls and returns. */
static __attribute__((noinline)) uint64_t fib(unsigned n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static uint64_t calls(unsigned scale)
{
    uint64_t sum = 0;

    for (unsigned turn = 0; turn < 25 * scale; turn++) {
        sum += fib(30 + (unsigned)(seed & 1));
    }
    return sum;
}

/* Loads from a table, shifts: CRC-32. */
static uint64_t crc(unsigned scale)
{
    static uint8_t data[1 << 16];
    static uint32_t table[256];
    uint64_t state = seed;
    uint32_t crc = 0xffffffff;

    for (unsigned i = 0; i < 256; i++) {
        table[i] = i;
        for (unsigned bit = 0; bit < 8; bit++) {
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
        }
    }
    for (unsigned i = 0; i < sizeof data; i++) {
        data[i] = next_random(&state);
    }
    for (unsigned turn = 0; turn < 600 * scale; turn++) {
        for (unsigned i = 0; i < sizeof data; i++) {
            crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xff];
        }
    }
    return crc;
}

/* Indirect jumps: an interpreter of a small program of its own. */
static uint64_t dispatch(unsigned scale)
{
    enum { ADD, SHIFT, XOR, LOAD, STORE, SKIP, LENGTH = 256 };
    uint8_t code[LENGTH];
    uint64_t state = seed, a = 1, cell[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    for (unsigned i = 0; i < LENGTH; i++) {
        code[i] = next_random(&state) % 6;
    }
    for (unsigned turn = 0; turn < 200000 * scale; turn++) {
        for (unsigned at = 0; at < LENGTH; at++) {
            switch (code[at]) {
            case ADD:
                a += cell[at & 7];
                break;
            case SHIFT:
                a = a << 5 | a >> 59;
                break;
            case XOR:
                a ^= cell[a & 7];
                break;
            case LOAD:
                a += cell[a >> 61];
                break;
            case STORE:
                cell[a & 7] = a;
                break;
            default:
                at += a & 1;
            }
        }
    }
    return a;
}

/* Strides through memory that the first caches do not hold: a sieve. */
static uint64_t sieve(unsigned scale)
{
    enum { N = 4 << 20 };
    static uint8_t composite[N];
    uint64_t primes = 0;

    for (unsigned turn = 0; turn < 3 * scale; turn++) {
        memset(composite, 0, sizeof composite);
        for (unsigned i = 2; i < N; i++) {
            if (composite[i]) {
                continue;
            }
            primes++;
            for (unsigned j = 2 * i; j < N; j += i) {
                composite[j] = 1;
            }
        }
    }
    return primes;
}

/* Multiplications and divisions: greatest common divisors, modular powers. */
static uint64_t divide(unsigned scale)
{
    uint64_t state = seed, sum = 0;

    for (unsigned turn = 0; turn < 750000 * scale; turn++) {
        uint64_t a = next_random(&state) >> 20, b = next_random(&state) >> 30;

        while (b != 0) {
            uint64_t rest = a % b;

            a = b;
            b = rest;
        }
        sum = sum * 6364136223846793005u + a;
    }
    return sum;
}

static const Row rows[] = {
    { "mix",      mix },
    { "sort",     sort },
    { "calls",    calls },
    { "crc",      crc },
    { "dispatch", dispatch },
    { "sieve",    sieve },
    { "divide",   divide },
};

/* Prints how many instructions "mix" is, then runs all or the named workload. */
int main(int argc, char **argv)
{
    unsigned scale = argc > 1 ? (unsigned)atoi(argv[1]) : 1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("bench mix instructions %llu\n",
           (unsigned long long)MIX_INSTRUCTIONS * MIX_TURNS * scale);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (argc > 2 && strcmp(argv[2], rows[i].name) != 0) {
            continue;
        }
        printf("bench %s begin\n", rows[i].name);
        printf("bench %s end %llx\n", rows[i].name,
               (unsigned long long)rows[i].work(scale));
    }
    return 0;
}
