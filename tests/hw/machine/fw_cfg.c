/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg as firmware reads it: ports, directory, DMA (QEMU's docs/specs/fw_cfg).
 */

#include "base/bytes.h"
#include "hw/machine/fw_cfg.h"
#include "tests/lib/bed.h"
#include <unistd.h>

enum { REQUEST = 0x1000, DATA = 0x2000, ERROR = 1, READ = 2, SKIP = 4, SELECT = 8,
       WRITE = 16 };

static Bed *bed;
static FwCfg *fw;

static void set_up(void)
{
    GError *err = NULL;
    Machine *machine;

    bed = bed_new();
    machine = bed->machine;
    g_assert_true(mem_add_ram(machine->mem, machine->mmio, "ram", 0, MiB, &err));
    fw = fw_cfg_of(bed_add(bed, &fw_cfg_type, NULL));
}

static void tear_down(void)
{
    g_clear_pointer(&bed, bed_free);
}

static void out(u16 port, u32 value, unsigned n)
{
    space_write(bed->machine->io, port, value, n);
}

static void read_item(u16 key, void *to, unsigned n)
{
    out(0x510, key, 2);
    for (unsigned i = 0; i < n; i++) {
        ((u8 *)to)[i] = in8(bed, 0x511);
    }
}

/* The key of a file, from the directory; its size too. */
static u16 find(const char *name, u32 *size)
{
    u8 count[4], entry[64];

    read_item(0x19, count, 4);
    for (u32 n = GUINT32_FROM_BE(*(u32 *)count); n > 0; n--) {
        for (unsigned i = 0; i < sizeof entry; i++) {
            entry[i] = in8(bed, 0x511);
        }
        if (strcmp((char *)entry + 8, name) == 0) {
            *size = GUINT32_FROM_BE(*(u32 *)entry);
            return GUINT16_FROM_BE(*(u16 *)(entry + 4));
        }
    }
    return 0;
}

static void add(const char *name, const char *text)
{
    GError *err = NULL;

    g_assert_true(fw_cfg_add_file(fw, name, text, strlen(text), &err));
}

static void test_signature(void)
{
    u8 bytes[8];

    set_up();
    read_item(0, bytes, 8);
    g_assert_cmpmem(bytes, 8, "QEMU\0\0\0\0", 8);
    read_item(1, bytes, 4);
    g_assert_cmphex(get32(bytes), ==, 3);
    read_item(0x1234, bytes, 4);
    g_assert_cmphex(get32(bytes), ==, 0);
    g_assert_cmphex(space_read(bed->machine->io, 0x514, 4), ==, 0x554d4551);  /* QEMU */
    g_assert_cmphex(space_read(bed->machine->io, 0x518, 4), ==, 0x47464320);  /* CFG */
    tear_down();
}

/* Sorted by name, keys from 0x20 on, whatever the order of adding. */
static void test_directory(void)
{
    u32 size;
    char text[5] = "";

    set_up();
    add("opt/b", "bb");
    add("etc/z", "zzzz");
    add("opt/a", "aaa");
    g_assert_cmphex(find("etc/z", &size), ==, 0x20);
    g_assert_cmphex(find("opt/a", &size), ==, 0x21);
    g_assert_cmphex(find("opt/b", &size), ==, 0x22);
    g_assert_cmpuint(size, ==, 2);
    read_item(0x20, text, 4);
    g_assert_cmpstr(text, ==, "zzzz");
    tear_down();
}

static u32 dma(u32 control, u32 length, u64 address)
{
    u8 request[16];
    u32 result;

    put32(request, GUINT32_TO_BE(control));
    put32(request + 4, GUINT32_TO_BE(length));
    put64(request + 8, GUINT64_TO_BE(address));
    g_assert_true(mem_write(bed->machine->mem, REQUEST, request, sizeof request));
    out(0x514, 0, 4);
    out(0x518, GUINT32_TO_BE(REQUEST), 4);
    g_assert_true(mem_read(bed->machine->mem, REQUEST, &result, 4));
    return GUINT32_FROM_BE(result);
}

static void test_dma(void)
{
    char text[8] = "";

    set_up();
    add("opt/a", "0123456789");
    g_assert_cmphex(dma(0x20 << 16 | SELECT | READ, 4, DATA), ==, 0);
    g_assert_true(mem_read(bed->machine->mem, DATA, text, 4));
    g_assert_cmpstr(text, ==, "0123");
    g_assert_cmphex(dma(SKIP, 2, 0), ==, 0);
    g_assert_cmphex(dma(READ, 6, DATA), ==, 0);         /* four bytes, then zeroes */
    g_assert_true(mem_read(bed->machine->mem, DATA, text, 6));
    g_assert_cmpmem(text, 6, "6789\0\0", 6);
    g_assert_cmphex(in8(bed, 0x511), ==, 0);
    tear_down();
}

static void test_dma_errors(void)
{
    set_up();
    add("opt/a", "0123456789");
    g_assert_cmphex(dma(0x20 << 16 | SELECT | WRITE, 4, DATA), ==, ERROR);
    g_assert_cmphex(dma(0x20 << 16 | SELECT | READ, 4, MiB - 2), ==, ERROR);
    g_assert_cmphex(dma(0x20 << 16 | SELECT | READ, 0xffffffff, 0x100), ==, ERROR);
    g_assert_cmphex(dma(READ, 4, ~0ull), ==, ERROR);
    out(0x514, 0xffffffff, 4);              /* a request that is nowhere */
    out(0x518, 0xffffffff, 4);
    tear_down();
}

static void refuse(const char *text, const char *word)
{
    GError *err = NULL;

    g_assert_false(fw_cfg_add_option(fw, text, &err));
    if (!strstr(err->message, word)) {
        g_error("'%s' is not in '%s'", word, err->message);
    }
    g_error_free(err);
}

static void test_options(void)
{
    GError *err = NULL;
    g_autofree char *name = NULL, *option = NULL;
    char text[8] = "";
    u32 size;
    int fd = g_file_open_tmp(NULL, &name, &err);

    set_up();
    g_assert_cmpint(write(fd, "file!", 5), ==, 5);
    g_assert_true(fw_cfg_add_option(fw, "name=opt/s,string=a,,b", &err));
    read_item(find("opt/s", &size), text, 3);
    g_assert_cmpstr(text, ==, "a,b");
    option = g_strdup_printf("opt/f,file=%s", name);
    g_assert_true(fw_cfg_add_option(fw, option, &err));
    read_item(find("opt/f", &size), text, 5);
    g_assert_cmpstr(text, ==, "file!");
    refuse("name=opt/s,string=x", "already");
    refuse("name=opt/n", "string=");
    refuse("name=opt/n,string=a,file=b", "one of");
    refuse("string=x", "name");
    refuse("name=opt/n,file=/nonexistent", "/nonexistent");
    refuse("name=opt/0123456789012345678901234567890123456789012345678901,string=x",
           "55");
    refuse("name=opt/n,colour=red", "colour");
    close(fd);
    g_assert_cmpint(unlink(name), ==, 0);
    tear_down();
}

/*
 * The item and the place in it are state: a guest that was in the middle goes on there.
 */
static void test_save(void)
{
    set_up();
    add("opt/a", "0123456789");
    out(0x510, 0x20, 2);
    in8(bed, 0x511);
    bed_round_trip(g_ptr_array_index(bed->machine->devices, 0));
    g_assert_cmphex(in8(bed, 0x511), ==, '1');
    tear_down();
}

static void test_fuzz(void)
{
    static const BedRange range = { 0x510, 12, false };

    set_up();
    add("opt/a", "0123456789");
    bed_fuzz(bed, g_ptr_array_index(bed->machine->devices, 0), &range, 1, NULL);
    tear_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fw_cfg/signature", test_signature);
    g_test_add_func("/fw_cfg/directory", test_directory);
    g_test_add_func("/fw_cfg/dma", test_dma);
    g_test_add_func("/fw_cfg/dma-errors", test_dma_errors);
    g_test_add_func("/fw_cfg/options", test_options);
    g_test_add_func("/fw_cfg/save", test_save);
    g_test_add_func("/fw_cfg/fuzz", test_fuzz);
    return g_test_run();
}
