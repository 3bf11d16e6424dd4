/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters of a back end: the order in which they are called, and what filter-dump
 * writes.  The format of the file is that of libpcap's documentation (pcap-savefile).
 */

#include "base/lock.h"
#include "net/dump.h"
#include "tests/lib/fake_net.h"

#include <string.h>
#include <unistd.h>

enum { HEADER = 24, FRAME_HEADER = 16, FRAME = 60, OUT = 0x11, IN = 0x22 };

static const u8 mac[6];
static GString *calls;

/* ---- one frame each way ---- */

static bool receive(void *opaque, unsigned queue, const NetFrame *frame)
{
    (void)opaque, (void)queue, (void)frame;
    return true;
}

static const NetFrontOps ops = { .receive = receive };

static void pass_two_frames(void)
{
    NetFront *front = net_attach("fake", "card", "none", mac, &ops, NULL, NULL);
    u8 bytes[FRAME];
    struct iovec iov = { bytes, sizeof bytes };
    NetFrame frame = { .iov = &iov, .n = 1, .bytes = sizeof bytes };

    g_assert_nonnull(front);
    memset(bytes, OUT, sizeof bytes);
    machine_lock();
    g_assert_true(net_send(front, 0, &frame));
    memset(bytes, IN, sizeof bytes);
    g_assert_true(fake_net_deliver(0, &(NetOffload){ 0 }, bytes, sizeof bytes));
    net_detach(front);
    machine_unlock();
}

/* ---- order ---- */

static void called(void *opaque, NetDirection direction, const NetFrame *frame)
{
    (void)frame;
    if (direction == NET_TO_BACK_END) {
        g_string_append(calls, opaque);
    }
}

static bool add(const char *name, const char *position, bool before)
{
    return netdev_add_filter(fake_net.nd, name, position, before, called,
                             (void *)name, NULL);
}

static void test_order(void)
{
    calls = g_string_new(NULL);
    fake_net_open(0, 1);
    g_assert_true(add("a", "tail", false));
    g_assert_true(add("b", "tail", false));
    g_assert_true(add("c", "head", false));
    g_assert_true(add("d", "id=a", false));
    g_assert_true(add("e", "id=a", true));
    g_assert_true(add("f", "id=b", false));
    g_assert_false(add("g", "id=nosuch", false));
    g_assert_false(add("g", "middle", false));
    pass_two_frames();
    g_assert_cmpstr(calls->str, ==, "ceadbf");
    fake_net_close();
    g_string_free(calls, TRUE);
}

/* ---- files ---- */

/* Letters for the frames in the file: o from the guest, i to it. */
static const char *dumped(NetDumpOptions options)
{
    static char text[8];
    g_autofree char *file = NULL, *bytes = NULL;
    g_autoptr(GError) err = NULL;
    NetDump *dump;
    size_t n, count = 0;
    int fd = g_file_open_tmp("mayfly-XXXXXX", &file, NULL);

    close(fd);
    options.id = "d";
    options.netdev = "fake";
    options.position = "tail";
    options.file = file;
    fake_net_open(0, 1);
    dump = net_dump_open(&options, &err);
    g_assert_no_error(err);
    pass_two_frames();
    net_dump_close(dump);
    fake_net_close();

    g_assert_true(g_file_get_contents(file, &bytes, &n, NULL));
    unlink(file);
    /* magic, version 2.4, no zone, no accuracy, snapshot length, LINKTYPE_ETHERNET */
    g_assert_cmpuint(n, >=, HEADER);
    g_assert_cmpmem(bytes, 16, "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0", 16);
    g_assert_cmpuint(*(u32 *)(bytes + 16), ==, options.maxlen);
    g_assert_cmpuint(*(u32 *)(bytes + 20), ==, 1);
    for (size_t at = HEADER; at < n; ) {
        const u32 *header = (const u32 *)(bytes + at);

        g_assert_cmpuint(header[2], ==, MIN(options.maxlen, FRAME));
        g_assert_cmpuint(header[3], ==, FRAME);
        text[count++] = bytes[at + FRAME_HEADER] == OUT ? 'o' : 'i';
        at += FRAME_HEADER + header[2];
    }
    text[count] = 0;
    return text;
}

/* QEMU names queues from the back end's side: it receives what the guest sends. */
static void test_dump(void)
{
    g_assert_cmpstr(dumped((NetDumpOptions){ .maxlen = 65536 }), ==, "oi");
    g_assert_cmpstr(dumped((NetDumpOptions){ .maxlen = 20 }), ==, "oi");
    g_assert_cmpstr(dumped((NetDumpOptions){ .maxlen = 65536, .queue = DUMP_RX }), ==,
                    "o");
    g_assert_cmpstr(dumped((NetDumpOptions){ .maxlen = 65536, .queue = DUMP_TX }), ==,
                    "i");
    g_assert_cmpstr(dumped((NetDumpOptions){ .maxlen = 65536, .off = true }), ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/filters/order", test_order);
    g_test_add_func("/net/filters/dump", test_dump);
    return g_test_run();
}
