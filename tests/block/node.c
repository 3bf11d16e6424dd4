/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes from options: what opens, what is refused and how that is said; image locks;
 * raw images that were guessed.
 */

#include "block/drive.h"
#include "block/options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LENGTH = 1 << 20 };

static char path[] = "/tmp/mayfly-node-XXXXXX";

static void make_file(void)
{
    int fd;

    strcpy(path + strlen(path) - 6, "XXXXXX");
    fd = mkstemp(path);
    g_assert(fd >= 0 && ftruncate(fd, LENGTH) == 0);
    close(fd);
}

/* '@' in `text` stands for the file. */
static BlockNode *open_text(const char *text, BlockFlags flags, GError **err)
{
    g_auto(GStrv) parts = g_strsplit(text, "@", -1);
    g_autofree char *whole = g_strjoinv(path, parts);
    g_autoptr(KeyVals) options = options_from_text(whole, NULL, err);
    g_autoptr(BlockNode) node = options ? node_open(options, flags, err) : NULL;

    return node && options_empty(options, "node", err) ? g_steal_pointer(&node) : NULL;
}

static BlockNode *open_well(const char *text, BlockFlags flags)
{
    g_autoptr(GError) err = NULL;
    BlockNode *node = open_text(text, flags, &err);

    g_assert_no_error(err);
    return node;
}

static void test_forms(void)
{
    static const char *const forms[] = {
        "filename=@", "driver=raw,file.driver=file,file.filename=@",
        "driver=raw,filename=@", "driver=file,filename=@",
        "{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"@\"}}",
        ("{\"driver\":\"raw\",\"read-only\":true,"
         "\"file\":{\"driver\":\"file\",\"filename\":\"file:@\",\"aio\":\"threads\"}}"),
        "driver=null-co,size=1M",
    };

    make_file();
    for (unsigned i = 0; i < G_N_ELEMENTS(forms); i++) {
        BlockNode *node = open_well(forms[i], BLOCK_RDWR);

        g_assert_cmpuint(node_length(node), ==, LENGTH);
        g_assert_true(node_is_writable(node) == !strstr(forms[i], "read-only"));
        node_unref(node);
    }
    unlink(path);
}

static void test_refused(void)
{
    static const struct { const char *text, *says; } bad[] = {
        { "filename=/nonexistent/x", "*Could not open '/nonexistent/x': No such file*" },
        { "filename=/tmp", "*Could not open '/tmp'*" },
        { "filename=nbd:host:1", "*Unknown protocol 'nbd'*" },
        { "driver=foo,filename=@", "Unknown driver 'foo'" },
        { "driver=raw", "*must be specified for \"file\"" },
        { "driver=raw,file=nobody", "Cannot find device='' nor node-name='nobody'" },
        { "driver=raw,filename=@,colour=red", "*does not support the option 'colour'" },
        { "driver=raw,file.driver=file,file.filename=@,file.x=y",
          "*protocol 'file' does not support the option 'x'" },
        { "driver=raw,filename=@,offset=1M,size=512", "*has to be smaller*" },
        { "driver=raw,filename=@,node-name=1x", "Invalid node-name: '1x'" },
        { "driver=file", "option 'filename' is required*" },
        { "driver=file,filename=@,aio=native", "*requires cache.direct=on*" },
        { "driver=file,filename=@,force-share=on", "force-share=on can only*" },
        { "{\"driver\":", "not JSON*" },
        { "[1]", "*" },
    };

    make_file();
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_null(open_text(bad[i].text, BLOCK_RDWR, &err));
        g_assert_nonnull(err);
        if (!g_pattern_match_simple(bad[i].says, err->message)) {
            g_error("%s: '%s'", bad[i].text, err->message);
        }
    }
    unlink(path);
}

static void test_part(void)
{
    BlockNode *node;
    char word[4];

    make_file();
    node = open_well("driver=raw,filename=@,offset=4K,size=8K", BLOCK_RDWR);
    g_assert_cmpuint(node_length(node), ==, 8192);
    g_assert_cmpint(node_write(node, 8188, "last", 4), ==, 0);
    g_assert_cmpint(node_write(node, 8189, "over", 4), ==, -EIO);
    g_assert_cmpint(node_read(node, UINT64_MAX - 1, word, 4), ==, -EIO);
    node_unref(node);
    node = open_well("driver=file,filename=@", 0);
    g_assert_cmpint(node_read(node, 4096 + 8188, word, 4), ==, 0);
    g_assert_cmpmem(word, 4, "last", 4);
    g_assert_cmpint(node_write(node, 0, "x", 1), ==, -EPERM);
    g_assert_cmpint(node_read(node, LENGTH - 2, word, 4), ==, 0);   /* zeroes behind */
    node_unref(node);
    unlink(path);
}

/* A guest must not turn its disk into an image with a backing file of its choice. */
static void test_guessed(void)
{
    char sector[512] = "QFI\xfb\0\0\0\3";
    BlockNode *node;

    make_file();
    node = open_well("filename=@", BLOCK_RDWR);
    g_assert_cmpstr(node->driver->name, ==, "raw");
    g_assert_cmpint(node_write(node, 0, sector, 512), ==, -EPERM);
    g_assert_cmpint(node_write(node, 0, sector, 4), ==, -EPERM);
    g_assert_cmpint(node_write(node, 512, sector, 512), ==, 0);
    sector[0] = 0;
    g_assert_cmpint(node_write(node, 0, sector, 512), ==, 0);
    node_unref(node);
    node = open_well("driver=raw,filename=@", BLOCK_RDWR);
    sector[0] = 'Q';
    g_assert_cmpint(node_write(node, 0, sector, 512), ==, 0);
    node_unref(node);
    unlink(path);
}

static void test_locks(void)
{
    g_autoptr(GError) err = NULL;
    BlockNode *one, *two;

    make_file();
    one = open_well("driver=raw,filename=@", BLOCK_RDWR);
    g_assert_null(open_text("driver=raw,filename=@", BLOCK_RDWR, &err));
    g_assert_true(g_str_has_prefix(err->message, "Failed to get \"write\" lock"));
    g_clear_error(&err);
    g_assert_null(open_text("driver=raw,filename=@", 0, &err));
    g_assert_true(
        g_str_has_prefix(err->message, "Failed to get shared \"write\" lock"));
    two = open_well("driver=raw,filename=@,force-share=on", 0);
    node_unref(two);
    two = open_well("driver=raw,file.driver=file,file.filename=@,file.locking=off", 0);
    node_unref(two);
    node_unref(one);
    one = open_well("driver=raw,filename=@", 0);
    two = open_well("driver=raw,filename=@", 0);
    g_assert_false(node_reopen(one, true, NULL));       /* the other minds */
    node_unref(two);
    g_assert_true(node_reopen(one, true, NULL));
    g_assert_cmpint(node_write(one, 0, "x", 1), ==, 0);
    g_assert_true(node_reopen(one, false, NULL));
    g_assert_cmpint(node_write(one, 0, "x", 1), ==, -EPERM);
    node_unref(one);
    unlink(path);
}

/* ---- -drive and -blockdev ---- */

static void test_drives(void)
{
    static const struct { const char *text, *says; } bad[] = {
        { "file=@,format=raw,cache=much", "invalid cache option 'much'*" },
        { "file=@,format=raw,if=floppy", "*does not support if=floppy*" },
        { "file=@,format=raw,detect-zeroes=unmap", "*is not allowed without*" },
        { "file=@,format=raw,werror=never", "werror: 'never' is not*" },
        { "if=virtio,index=3", "drive with bus=3, unit=0 (index=3) exists" },
        { "if=none,id=seven", "Duplicate ID 'seven' for drive" },
    };

    make_file();
    g_assert_true(drive_add("if=virtio,index=3,id=seven", false, NULL));
    g_assert_true(drive_add("media=cdrom,index=2", false, NULL));
    g_assert_cmpstr(drive_find(DRIVE_IDE, 2)->id, ==, "ide2-cd0");
    g_assert_true(drive_add("", false, NULL));
    g_assert_cmpstr(drive_find(DRIVE_IDE, 0)->id, ==, "ide0-hd0");
    g_assert_true(drive_next(DRIVE_IDE, drive_find(DRIVE_IDE, 0)) ==
                  drive_find(DRIVE_IDE, 2));
    for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_auto(GStrv) parts = g_strsplit(bad[i].text, "@", -1);
        g_autofree char *text = g_strjoinv(path, parts);
        g_autoptr(GError) err = NULL;

        g_assert_false(drive_add(text, false, &err));
        if (!g_pattern_match_simple(bad[i].says, err->message)) {
            g_error("%s: '%s'", bad[i].text, err->message);
        }
    }
    g_assert_false(blockdev_add("driver=null-co", NULL));
    g_assert_true(blockdev_add("driver=null-co,node-name=n", NULL));
    g_assert_false(blockdev_add("driver=null-co,node-name=n", NULL));
    blocks_close_all();
    drives_free();
    g_assert_null(node_find("n"));
    unlink(path);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/node/forms", test_forms);
    g_test_add_func("/block/node/refused", test_refused);
    g_test_add_func("/block/node/part", test_part);
    g_test_add_func("/block/node/guessed", test_guessed);
    g_test_add_func("/block/node/locks", test_locks);
    g_test_add_func("/block/node/drives", test_drives);
    return g_test_run();
}
