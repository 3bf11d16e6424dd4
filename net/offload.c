/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums, and frames of the right length: see offload.h.
 *
 * RFC 791 and 8200 (IP), 1071 (the checksum), 9293 (TCP), 768 (UDP).  IPv6 extension
 * headers are not followed: no driver has such frames cut.
 */

#include "net/offload.h"

#include <string.h>

enum {
    ETH_IPV4 = 0x0800, ETH_IPV6 = 0x86dd, ETH_VLAN = 0x8100, ETH_QINQ = 0x88a8,
    IP4_BYTES = 20, IP6_BYTES = 40, TCP_BYTES = 20, UDP_BYTES = 8,
    IP4_LENGTH = 2, IP4_ID = 4, IP4_FLAGS = 6, IP4_PROTOCOL = 9, IP4_SUM = 10,
    IP4_ADDRESSES = 12, IP6_LENGTH = 4, IP6_NEXT = 6, IP6_ADDRESSES = 8,
    IP4_MORE = 0x2000, IP4_OFFSET = 0x1fff,
    TCP_SEQUENCE = 4, TCP_DATA = 12, TCP_FLAGS = 13, TCP_SUM = 16, UDP_SUM = 6,
    TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80,
    GSO_LEAST = 8,              /* payload of a segment; Linux knows none smaller */
};

static u16 get16(const u8 *at)
{
    return at[0] << 8 | at[1];
}

static void put16(u8 *at, u16 value)
{
    at[0] = value >> 8;
    at[1] = value;
}

static u32 get32(const u8 *at)
{
    return (u32)get16(at) << 16 | get16(at + 2);
}

static void put32(u8 *at, u32 value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

/* ---- where things are ---- */

static void layout_ip4(const u8 *frame, size_t bytes, NetLayout *l)
{
    const u8 *ip = frame + l->l3;
    unsigned header = (ip[0] & 15) * 4;

    if (ip[0] >> 4 != 4 || header < IP4_BYTES || l->l3 + header > bytes) {
        return;
    }
    l->version = 4;
    l->protocol = ip[IP4_PROTOCOL];
    l->fragment = get16(ip + IP4_FLAGS) & (IP4_MORE | IP4_OFFSET);
    l->l4 = l->l3 + header;
}

static void layout_ip6(const u8 *frame, size_t bytes, NetLayout *l)
{
    if (frame[l->l3] >> 4 != 6 || l->l3 + (size_t)IP6_BYTES > bytes) {
        return;
    }
    l->version = 6;
    l->protocol = frame[l->l3 + IP6_NEXT];
    l->l4 = l->l3 + IP6_BYTES;
}

void net_layout(const u8 *frame, size_t bytes, NetLayout *l)
{
    size_t at = NET_HEADER_BYTES;
    u16 type;

    *l = (NetLayout){ 0 };
    if (bytes < NET_HEADER_BYTES) {
        return;
    }
    type = get16(frame + 12);
    while ((type == ETH_VLAN || type == ETH_QINQ) && at + 4 <= bytes && at < 22) {
        type = get16(frame + at + 2);
        at += 4;
    }
    if (at + IP4_BYTES > bytes) {
        return;
    }
    l->l3 = at;
    if (type == ETH_IPV4) {
        layout_ip4(frame, bytes, l);
    } else if (type == ETH_IPV6) {
        layout_ip6(frame, bytes, l);
    }
    if (l->version && !l->fragment && l->protocol == NET_TCP &&
        l->l4 + (size_t)TCP_BYTES <= bytes) {
        unsigned header = (frame[l->l4 + TCP_DATA] >> 4) * 4;

        l->payload = header >= TCP_BYTES && l->l4 + header <= bytes ? l->l4 + header
                                                                    : 0;
    }
}

/* ---- checksums ---- */

static u16 fold(u32 sum)
{
    sum = (sum >> 16) + (sum & 0xffff);
    return (sum >> 16) + sum;
}

/*
 * Sums 32-bit pieces into 64 bits, which can't overflow here, in the host's byte order:
 * RFC 1071, 2(B), the sum is the same but for the order of its two bytes.
 */
u16 net_sum(const u8 *at, size_t bytes, u32 before)
{
    u64 a = 0, b = 0;
    u32 piece[4];
    u16 sum;

    for (; bytes >= 16; at += 16, bytes -= 16) {
        memcpy(piece, at, 16);
        a += (u64)piece[0] + piece[1];
        b += (u64)piece[2] + piece[3];
    }
    memset(piece, 0, sizeof piece);
    memcpy(piece, at, bytes);
    a += b + piece[0] + piece[1] + piece[2] + piece[3];
    a = (a >> 32) + (u32)a;
    a = (a >> 32) + (u32)a;
    a = (a >> 16) + (u16)a;
    a = (a >> 16) + (u16)a;
    sum = GUINT16_FROM_BE((u16)((a >> 16) + (u16)a));
    return fold((before >> 16) + (before & 0xffff) + sum);
}

/* Of the pseudo header, for `bytes` of transport header and data. */
static u32 pseudo_sum(const u8 *frame, const NetLayout *l, size_t bytes)
{
    const u8 *ip = frame + l->l3;
    u32 sum = l->protocol + (bytes >> 16) + (u16)bytes;

    return l->version == 4 ? net_sum(ip + IP4_ADDRESSES, 8, sum)
                           : net_sum(ip + IP6_ADDRESSES, 32, sum);
}

static void finish_ip4(u8 *ip, size_t bytes)
{
    put16(ip + IP4_LENGTH, bytes);
    put16(ip + IP4_SUM, 0);
    put16(ip + IP4_SUM, ~net_sum(ip, (ip[0] & 15) * 4, 0));
}

/* IP's length and checksum, TCP's checksum. */
static void finish_tcp(u8 *frame, size_t bytes, const NetLayout *l)
{
    u8 *ip = frame + l->l3, *tcp = frame + l->l4;
    size_t length = bytes - l->l4;

    if (l->version == 4) {
        finish_ip4(ip, bytes - l->l3);
    } else {
        put16(ip + IP6_LENGTH, bytes - l->l3 - IP6_BYTES);
    }
    put16(tcp + TCP_SUM, 0);
    put16(tcp + TCP_SUM, ~net_sum(tcp, length, pseudo_sum(frame, l, length)));
}

/* The driver has put the pseudo header's sum where the checksum belongs (5.1.6.2). */
static void finish_partial(const NetOffload *todo, u8 *frame, size_t bytes)
{
    u16 sum = ~net_sum(frame + todo->csum_start, bytes - todo->csum_start, 0);

    /* UDP: 0 means that there is none */
    put16(frame + todo->csum_start + todo->csum_offset, sum ? sum : 0xffff);
}

void net_finish(const NetOffload *todo, u8 *frame, size_t bytes)
{
    NetLayout l;

    if (todo->gso != NET_GSO_NONE) {
        net_layout(frame, bytes, &l);
        if (l.payload) {
            finish_tcp(frame, bytes, &l);
        }
    } else if (todo->flags & NET_NEEDS_CSUM) {
        finish_partial(todo, frame, bytes);
    }
}

bool net_checksum_good(const u8 *frame, size_t bytes)
{
    NetLayout l;
    size_t length;

    net_layout(frame, bytes, &l);
    if (!l.version || l.fragment) {
        return false;
    }
    /* Ethernet pads short frames. */
    length = l.version == 4 ? get16(frame + l.l3 + IP4_LENGTH) - (l.l4 - l.l3)
                            : get16(frame + l.l3 + IP6_LENGTH);
    if (length > bytes - l.l4 ||
        (l.protocol == NET_TCP ? length < TCP_BYTES
         : l.protocol != NET_UDP || length < UDP_BYTES ||
           !get16(frame + l.l4 + UDP_SUM))) {
        return false;
    }
    return net_sum(frame + l.l4, length, pseudo_sum(frame, &l, length)) == 0xffff;
}

/* ---- judging ---- */

bool net_offload_valid(const NetOffload *todo, size_t bytes)
{
    u8 gso = todo->gso & ~NET_GSO_ECN;

    if (todo->flags & ~(NET_NEEDS_CSUM | NET_DATA_VALID)) {
        return false;
    }
    if ((todo->flags & NET_NEEDS_CSUM) &&
        (u32)todo->csum_start + todo->csum_offset + 2 > bytes) {
        return false;
    }
    if (gso == NET_GSO_NONE) {
        return !todo->gso;
    }
    return (gso == NET_GSO_TCP4 || gso == NET_GSO_TCP6) &&
           (todo->flags & NET_NEEDS_CSUM) && todo->gso_bytes >= GSO_LEAST;
}

bool net_fits(const NetOffload *todo, size_t bytes, u32 takes, unsigned mtu)
{
    u8 gso = todo->gso & ~NET_GSO_ECN;

    if (gso == NET_GSO_NONE) {
        return (!(todo->flags & NET_NEEDS_CSUM) || (takes & NET_CSUM)) &&
               (!mtu || bytes <= NET_HEADER_BYTES + 4 + (size_t)mtu);
    }
    return (takes & (gso == NET_GSO_TCP4 ? NET_TSO4 : NET_TSO6)) &&
           (!(todo->gso & NET_GSO_ECN) || (takes & NET_ECN));
}

/* ---- cutting ---- */

typedef struct {
    u8 *frame;
    size_t bytes;
    NetLayout l;
    unsigned piece;                 /* bytes of payload in each */
    NetEmitFn *emit;
    void *opaque;
} Cut;

/*
 * The headers are moved up before each piece, over payload that has been sent; only
 * the last segment has FIN and PSH, only the first CWR.
 */
static bool cut_tcp(Cut *c)
{
    unsigned header = c->l.payload;
    u8 save[256], flags = c->frame[c->l.l4 + TCP_FLAGS];
    u32 sequence = get32(c->frame + c->l.l4 + TCP_SEQUENCE);
    u16 id = c->l.version == 4 ? get16(c->frame + c->l.l3 + IP4_ID) : 0;
    size_t total = c->bytes - header;
    static const NetOffload done;

    if (header > sizeof save) {
        return true;
    }
    memcpy(save, c->frame, header);
    for (size_t at = 0; at < total || at == 0; at += c->piece) {
        size_t n = MIN(c->piece, total - at);
        u8 *frame = c->frame + at, mask = 0xff;

        memcpy(frame, save, header);
        mask = at + n < total ? mask & ~(TCP_FIN | TCP_PSH) : mask;
        mask = at ? mask & ~TCP_CWR : mask;
        frame[c->l.l4 + TCP_FLAGS] = flags & mask;
        put32(frame + c->l.l4 + TCP_SEQUENCE, sequence + at);
        if (c->l.version == 4) {
            put16(frame + c->l.l3 + IP4_ID, id++);
        }
        finish_tcp(frame, header + n, &c->l);
        if (!c->emit(c->opaque, &done, frame, header + n)) {
            return at != 0;
        }
    }
    return true;
}

/* Fragments of an IPv4 packet; the same trick.  A packet with options is dropped. */
static bool cut_ip4(Cut *c)
{
    unsigned header = c->l.l4;
    u8 save[64];
    u16 flags = get16(c->frame + c->l.l3 + IP4_FLAGS);
    size_t total = c->bytes - header;
    static const NetOffload done;

    if (c->l.l4 - c->l.l3 != IP4_BYTES || header > sizeof save) {
        return true;
    }
    memcpy(save, c->frame, header);
    for (size_t at = 0; at < total; at += c->piece) {
        size_t n = MIN(c->piece, total - at);
        u8 *frame = c->frame + at;

        memcpy(frame, save, header);
        put16(frame + c->l.l3 + IP4_FLAGS,
              (flags + at / 8) | (at + n < total ? IP4_MORE : 0));
        finish_ip4(frame + c->l.l3, header - c->l.l3 + n);
        if (!c->emit(c->opaque, &done, frame, header + n)) {
            return at != 0;
        }
    }
    return true;
}

bool net_fit(const NetOffload *given, u8 *frame, size_t bytes, u32 takes, unsigned mtu,
             NetEmitFn *emit, void *opaque)
{
    Cut c = { frame, bytes, .emit = emit, .opaque = opaque };
    NetOffload todo = *given;

    if (todo.gso == NET_GSO_NONE && mtu && !net_fits(&todo, bytes, NET_CSUM, mtu)) {
        net_finish(&todo, frame, bytes);
        todo = (NetOffload){ 0 };
        net_make_gso(&todo, frame, bytes, mtu);
    }
    if (net_fits(&todo, bytes, takes, mtu)) {
        return emit(opaque, &todo, frame, bytes);
    }
    net_layout(frame, bytes, &c.l);
    if (todo.gso != NET_GSO_NONE) {
        c.piece = todo.gso_bytes;
        return c.l.payload ? cut_tcp(&c) : true;
    }
    net_finish(&todo, frame, bytes);
    if (net_fits(&(NetOffload){ 0 }, bytes, takes, mtu)) {
        return emit(opaque, &(NetOffload){ 0 }, frame, bytes);
    }
    c.piece = (mtu - IP4_BYTES) & ~7u;
    return c.l.version == 4 ? cut_ip4(&c) : true;
}

/* 5.1.6.4: such a frame carries the pseudo header's sum, and NEEDS_CSUM. */
void net_make_gso(NetOffload *todo, u8 *frame, size_t bytes, unsigned mtu)
{
    NetLayout l;
    size_t length;

    *todo = (NetOffload){ 0 };
    net_layout(frame, bytes, &l);
    length = bytes - l.l4;
    if (!l.payload || bytes <= NET_HEADER_BYTES + 4 + (size_t)mtu ||
        mtu < (unsigned)(l.payload - l.l3) + GSO_LEAST) {
        return;
    }
    *todo = (NetOffload){
        .flags = NET_NEEDS_CSUM,
        .gso = l.version == 4 ? NET_GSO_TCP4 : NET_GSO_TCP6,
        .header_bytes = l.payload,
        .gso_bytes = mtu - (l.payload - l.l3),
        .csum_start = l.l4, .csum_offset = TCP_SUM,
    };
    put16(frame + l.l4 + TCP_SUM, fold(pseudo_sum(frame, &l, length)));
}
