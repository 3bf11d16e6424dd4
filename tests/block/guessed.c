/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A raw image whose format was guessed stays one: a guest's write that would make
 * another format's image of it, the next time it is opened, is refused.
 */

#include "block/block_private.h"
#include "block/drive.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { DISK = 1 << 20 };

static char path[] = "/tmp/mayfly-guessed-XXXXXX";
static const BlockHost no_host;
static int last_error;

static void make_file(void)
{
    int fd;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    g_assert(fd >= 0 && ftruncate(fd, DISK) == 0);
    close(fd);
}

static void note_done(void *opaque, int error)
{
    (void)opaque;
    last_error = error;
}

/* How other formats begin (their specifications), and what a disk may begin with. */
static const struct { const char *text; unsigned n, at; bool may; } beginnings[] = {
    { "QFI\xfb\0\0\0\3", 8, 0, false },            /* qcow2, version 3 */
    { "QFI\xfb\0\0\0\2", 8, 0, false },
    { "QFI\xfb\0\0\0\1", 8, 0, false },
    { "KDMV", 4, 0, false },                        /* VMDK, as are the next two */
    { "COWD", 4, 0, false },
    { "# Disk DescriptorFile", 21, 0, false },
    { "conectix", 8, 0, false },                    /* VHD */
    { "vhdxfile", 8, 0, false },
    { "\x7f\x10\xda\xbe", 4, 64, false },           /* VDI */
    { "LUKS\xba\xbe\0\1", 8, 0, false },
    { "QED\0", 4, 0, false },
    { "WithoutFreeSpace", 16, 0, false },           /* Parallels */
    { "\x55\xaa", 2, 510, true },                   /* a boot sector */
    { "QFI\xfb\0\0\0\3", 8, 1, true },
    { "QFI\xfb\0\0\0\3", 8, 512, true },             /* the second sector */
    { "QFI", 3, 0, true },
};

/* One write of four sectors, in two ranges that begin inside the text. */
static int write_beginning(Block *block, unsigned row)
{
    u8 bytes[2048];
    struct iovec iov[] = { { bytes, 2 }, { bytes + 2, sizeof bytes - 2 } };

    memset(bytes, 'a' + row, sizeof bytes);
    memcpy(bytes + beginnings[row].at, beginnings[row].text, beginnings[row].n);
    block_write(block, 0, vec_all(iov, 2), false, note_done, NULL);
    block_drain(block, false);
    return last_error;
}

static bool file_begins_with(unsigned row)
{
    g_autofree char *bytes = NULL;

    g_assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
    return memcmp(bytes + beginnings[row].at, beginnings[row].text,
                  beginnings[row].n) == 0;
}

/* All of the request is there, or nothing of it. */
static bool file_goes_on_with(unsigned row)
{
    g_autofree char *bytes = NULL;
    char wanted[512];

    memset(wanted, 'a' + row, sizeof wanted);
    g_assert_true(g_file_get_contents(path, &bytes, NULL, NULL));
    g_assert((memcmp(bytes + 1024, wanted, 512) == 0) ==
             (memcmp(bytes + 1536, wanted, 512) == 0));
    return memcmp(bytes + 1024, wanted, 512) == 0;
}

static void write_beginnings(const char *words, bool guessed)
{
    g_autofree char *text = NULL;
    GError *error = NULL;
    Block *block;

    make_file();
    text = g_strdup_printf("if=none,id=g,file=%s%s", path, words);
    g_assert_true(drive_add(text, false, &error));
    block = block_take("g", BLOCK_TAKE_WRITES, &no_host, NULL, &error);
    g_assert_no_error(error);
    io_lock(io_main());
    for (unsigned i = 0; i < G_N_ELEMENTS(beginnings); i++) {
        bool may = beginnings[i].may || !guessed;

        g_assert_cmpint(write_beginning(block, i), ==, may ? 0 : -EPERM);
        g_assert(file_begins_with(i) == may);
        g_assert(file_goes_on_with(i) == may);
    }
    io_unlock(io_main());
    block_release(block);
    block_free(block);
    unlink(path);
}

/* A guest can't give its disk another format, unless the user has said that it is raw. */
static void test_guessed(void)
{
    write_beginnings("", true);
    write_beginnings(",aio=threads", true);
    write_beginnings(",format=raw", false);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/guessed", test_guessed);
    return g_test_run();
}
