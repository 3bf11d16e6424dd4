/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest does with a disk for tests/bench/run: "disk-guest DEVICE".
 *
 * Direct requests through the kernel's own asynchronous interface, so that a number of
 * them is on its way at any time: 4 KiB at random places, then 1 MiB after the other.
 * Each kind prints "bench NAME begin" and "bench NAME end COUNT"; the host has the clock.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEPTH = 32 };

static const struct {
    const char *name;
    int command, depth;
    uint32_t bytes, count;
    int random;
} rows[] = {
    { "warm-up",     IOCB_CMD_PREAD,  4,  1 << 20, 256,   0 },
    { "read-1",      IOCB_CMD_PREAD,  1,  4096,    8000,  1 },
    { "read-32",     IOCB_CMD_PREAD,  32, 4096,    40000, 1 },
    { "write-32",    IOCB_CMD_PWRITE, 32, 4096,    20000, 1 },
    { "read-large",  IOCB_CMD_PREAD,  4,  1 << 20, 1024,  0 },
    { "write-large", IOCB_CMD_PWRITE, 4,  1 << 20, 512,   0 },
};

static aio_context_t context;
static struct iocb requests[DEPTH];
static char *buffer[DEPTH];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t place(unsigned row, uint32_t n, uint64_t size)
{
    static uint64_t state = 88172645463325252u;
    uint64_t pieces = size / rows[row].bytes;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (rows[row].random ? state : n) % pieces * rows[row].bytes;
}

static void submit(unsigned row, unsigned slot, int fd, uint64_t offset)
{
    struct iocb *r = &requests[slot];

    memset(r, 0, sizeof *r);
    r->aio_data = slot;
    r->aio_lio_opcode = rows[row].command;
    r->aio_fildes = fd;
    r->aio_buf = (uintptr_t)buffer[slot];
    r->aio_nbytes = rows[row].bytes;
    r->aio_offset = offset;
    if (syscall(SYS_io_submit, context, 1L, &r) != 1) {
        die("io_submit");
    }
}

static void run(unsigned row, int fd, uint64_t size)
{
    uint32_t sent = 0, done = 0;

    printf("bench %s begin\n", rows[row].name);
    while (sent < (uint32_t)rows[row].depth) {
        submit(row, sent, fd, place(row, sent, size));
        sent++;
    }
    while (done < rows[row].count) {
        struct io_event events[DEPTH];
        long n = syscall(SYS_io_getevents, context, 1L, (long)DEPTH, events, NULL);

        if (n < 1) {
            die("io_getevents");
        }
        for (long i = 0; i < n; i++, done++) {
            if (events[i].res != (int64_t)rows[row].bytes) {
                printf("bench: a request ended with %lld\n", (long long)events[i].res);
                exit(1);
            }
            if (sent < rows[row].count) {
                submit(row, events[i].data, fd, place(row, sent, size));
                sent++;
            }
        }
    }
    printf("bench %s end %u\n", rows[row].name, done);
}

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDWR | O_DIRECT) : -1;
    uint64_t size;

    setlinebuf(stdout);
    if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) < 0 ||
        syscall(SYS_io_setup, DEPTH, &context) < 0) {
        die("disk-guest");
    }
    for (unsigned i = 0; i < DEPTH; i++) {
        if (posix_memalign((void **)&buffer[i], 4096, 1 << 20)) {
            die("memory");
        }
        memset(buffer[i], 'm', 1 << 20);
    }
    for (unsigned row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        run(row, fd, size);
    }
    return 0;
}
