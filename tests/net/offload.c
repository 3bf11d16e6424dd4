/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums and cutting in software, against sums computed byte by byte.
 */

#include "net/offload.h"
#include "tests/lib/chance.h"
#include "tests/lib/packets.h"

#include <string.h>

enum { MOST = NET_FRAME_MAX + 64 };

static u8 frame[MOST], before[MOST], joined[MOST];

/* What was emitted. */
static struct {
    unsigned n, refuse_at;          /* frames; the first that is refused */
    size_t bytes;                   /* of payload, gathered in `joined` */
    size_t longest;
    NetOffload todo;
    u8 last[MOST];
    size_t last_bytes;
} got;

static bool take(void *opaque, const NetOffload *todo, const u8 *at, size_t n)
{
    unsigned header = GPOINTER_TO_UINT(opaque);

    if (got.n >= got.refuse_at) {
        return false;
    }
    if (!todo->gso && !todo->flags) {
        g_assert_true(packet_is_right(at, n));
    }
    memcpy(joined + got.bytes, at + header, n - header);
    memcpy(got.last, at, n);
    got.last_bytes = n;
    got.bytes += n - header;
    got.longest = MAX(got.longest, n);
    got.todo = *todo;
    got.n++;
    return true;
}

static bool fit(const NetOffload *todo, size_t n, u32 takes, unsigned mtu,
                unsigned header)
{
    memset(&got, 0, sizeof got);
    got.refuse_at = UINT32_MAX;
    return net_fit(todo, frame, n, takes, mtu, take, GUINT_TO_POINTER(header));
}

/* ---- sums ---- */

static void test_sum(void)
{
    /* RFC 1071, section 3 */
    static const u8 example[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
    Chance chance = chance_new(1);

    g_assert_cmphex(net_sum(example, sizeof example, 0), ==, 0xddf2);
    for (unsigned i = 0; i < 3000; i++) {
        size_t n = chance_below(&chance, i % 10 ? 200 : MOST);
        size_t at = chance_below(&chance, MIN(16, MOST - n));
        u32 first = chance_next(&chance) & 0x3ffff;

        for (size_t k = 0; k < n; k++) {
            frame[at + k] = i % 7 ? chance_next(&chance) : 0xff;
        }
        g_assert_cmphex(net_sum(frame + at, n, first), ==,
                        plain_sum(frame + at, n, first));
    }
}

static void test_partial(void)
{
    NetOffload todo = { .flags = NET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 };
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 12, 777);
    u16 pseudo = plain_sum(frame + 26, 8, 6 + n - 34);

    memcpy(before, frame, n);
    g_assert_true(net_checksum_good(frame, n));
    frame[50] = pseudo >> 8;
    frame[51] = pseudo;
    g_assert_false(net_checksum_good(frame, n));
    g_assert_true(fit(&todo, n, 0, 0, 0));
    g_assert_cmpuint(got.n, ==, 1);
    g_assert_cmpmem(got.last, got.last_bytes, before, n);
    frame[60] ^= 1;
    g_assert_false(net_checksum_good(frame, n));
}

/* ---- cutting ---- */

static void cut(unsigned version, unsigned options, size_t payload, unsigned piece)
{
    unsigned header = 14 + (version == 4 ? 20 : 40) + 20 + options;
    unsigned tcp = header - 20 - options, pieces = (payload + piece - 1) / piece;
    NetOffload todo = {
        .flags = NET_NEEDS_CSUM, .gso = version == 4 ? NET_GSO_TCP4 : NET_GSO_TCP6,
        .gso_bytes = piece, .csum_start = tcp, .csum_offset = 16,
    };
    size_t n = packet_tcp(frame, version, PACKET_FIN | PACKET_PSH | PACKET_ACK, options,
                          payload);

    memcpy(before, frame, n);
    g_assert_true(fit(&todo, n, NET_CSUM, 0, header));
    g_assert_cmpuint(got.n, ==, pieces);
    g_assert_cmpmem(joined, got.bytes, before + header, payload);
    g_assert_cmpuint(got.longest, ==, header + MIN(piece, payload));
    g_assert_cmphex(got.last[tcp + 13], ==, PACKET_FIN | PACKET_PSH | PACKET_ACK);
    g_assert_cmpuint(be32(got.last + tcp + 4), ==, 100 + (pieces - 1) * piece);
    if (version == 4) {
        g_assert_cmphex(be16(got.last + 18), ==, 0x1234 + pieces - 1);
    }
}

static void test_tcp(void)
{
    static const struct { unsigned options; size_t payload; unsigned piece; } rows[] = {
        { 12, 10000, 1448 }, { 0, 65000, 1460 }, { 40, 1, 8 }, { 0, 4000, 8 },
        { 12, 1448, 1448 }, { 12, 1449, 1448 }, { 20, 3000, 65535 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        cut(4, rows[i].options, rows[i].payload, rows[i].piece);
        cut(6, rows[i].options, rows[i].payload, rows[i].piece);
    }
}

static void test_refused(void)
{
    NetOffload todo = { .flags = NET_NEEDS_CSUM, .gso = NET_GSO_TCP4, .gso_bytes = 1000,
                        .csum_start = 34, .csum_offset = 16 };
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 0, 5000);

    memset(&got, 0, sizeof got);
    g_assert_false(net_fit(&todo, frame, n, 0, 0, take, NULL));
    n = packet_tcp(frame, 4, PACKET_ACK, 0, 5000);
    got.refuse_at = 2;
    g_assert_true(net_fit(&todo, frame, n, 0, 0, take, NULL));
    g_assert_cmpuint(got.n, ==, 2);
}

/* A long frame without a word about it becomes one that is to be cut, or is cut. */
static void test_make_gso(void)
{
    static const NetOffload nothing;
    size_t n = packet_tcp(frame, 4, PACKET_ACK, 12, 20000);
    NetOffload todo;

    g_assert_true(fit(&nothing, n, NET_CSUM | NET_TSO4, 1500, 0));
    g_assert_cmpuint(got.n, ==, 1);
    todo = got.todo;
    g_assert_cmpuint(todo.gso, ==, NET_GSO_TCP4);
    g_assert_cmpuint(todo.gso_bytes, ==, 1500 - 52);
    g_assert_cmpuint(todo.csum_start, ==, 34);
    /* 5.1.6.2: the field holds the sum of the pseudo header */
    g_assert_cmphex(be16(got.last + 50), ==, plain_sum(frame + 26, 8, 6 + n - 34));

    n = packet_tcp(frame, 4, PACKET_ACK, 12, 20000);
    g_assert_true(fit(&nothing, n, 0, 1500, 66));
    g_assert_cmpuint(got.n, ==, 14);
    g_assert_cmpuint(got.bytes, ==, 20000);
}

static void test_fragments(void)
{
    static const NetOffload nothing;
    size_t n = packet_udp(frame, 4000);

    memcpy(before, frame, n);
    g_assert_true(fit(&nothing, n, NET_CSUM | NET_TSO4, 1500, 34));
    g_assert_cmpuint(got.n, ==, 3);
    g_assert_cmpmem(joined, got.bytes, before + 34, n - 34);
    g_assert_cmpuint(be16(got.last + 20), ==, 2 * 1480 / 8);    /* offset; no more */
    g_assert_cmphex(be16(got.last + 18), ==, 0x1234);
}

/* ---- what is not right ---- */

static void test_judge(void)
{
    static const struct { NetOffload todo; bool good; } rows[] = {
        { { 0 }, true },
        { { .flags = NET_DATA_VALID }, true },
        { { .flags = 4 }, false },
        { { .flags = NET_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16 }, true },
        { { .flags = NET_NEEDS_CSUM, .csum_start = 98, .csum_offset = 0 }, true },
        { { .flags = NET_NEEDS_CSUM, .csum_start = 98, .csum_offset = 1 }, false },
        { { .flags = NET_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535 },
          false },
        { { .flags = NET_NEEDS_CSUM, .gso = NET_GSO_TCP4, .gso_bytes = 8 }, true },
        { { .flags = NET_NEEDS_CSUM, .gso = NET_GSO_TCP4, .gso_bytes = 7 }, false },
        { { .flags = NET_NEEDS_CSUM, .gso = NET_GSO_TCP4, .gso_bytes = 0 }, false },
        { { .gso = NET_GSO_TCP4, .gso_bytes = 100 }, false },
        { { .flags = NET_NEEDS_CSUM, .gso = 3, .gso_bytes = 100 }, false },
        { { .gso = NET_GSO_ECN }, false },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_cmpint(net_offload_valid(&rows[i].todo, 100), ==, rows[i].good);
    }
}

static bool ignore(void *opaque, const NetOffload *todo, const u8 *at, size_t n)
{
    const unsigned *limits = opaque;

    g_assert_true(net_fits(todo, n, limits[0], 0));
    g_assert_cmpuint(n, <=, NET_FRAME_MAX);
    return n % 5 != 0;
}

/* Frames with a few wrong bytes, and any word about them. */
static void test_random(void)
{
    Chance chance = chance_new(7);

    for (unsigned i = 0; i < 30000; i++) {
        size_t n = i % 3 ? packet_tcp(frame, i % 2 ? 4 : 6, i, i % 11 * 4,
                                      chance_below(&chance, i % 50 ? 3000 : 65000))
                         : packet_udp(frame, chance_below(&chance, 5000));
        unsigned limits[] = { chance_below(&chance, 16),
                              chance_one_in(&chance, 2) ? 0 : 1500 };
        NetOffload todo = {
            chance_below(&chance, 4), chance_below(&chance, 6), 0,
            chance_below(&chance, 4000), chance_below(&chance, 200),
            chance_below(&chance, 40),
        };

        for (unsigned k = chance_below(&chance, 4); k; k--) {
            frame[12 + chance_below(&chance, 50)] = chance_next(&chance);
        }
        if (chance_one_in(&chance, 4)) {
            n = MAX(chance_below(&chance, n + 1), NET_HEADER_BYTES);
        }
        if (net_offload_valid(&todo, n)) {
            net_fit(&todo, frame, n, limits[0], limits[1], ignore, limits);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/net/offload/sum", test_sum);
    g_test_add_func("/net/offload/partial", test_partial);
    g_test_add_func("/net/offload/tcp", test_tcp);
    g_test_add_func("/net/offload/refused", test_refused);
    g_test_add_func("/net/offload/make-gso", test_make_gso);
    g_test_add_func("/net/offload/fragments", test_fragments);
    g_test_add_func("/net/offload/judge", test_judge);
    g_test_add_func("/net/offload/random", test_random);
    return g_test_run();
}
