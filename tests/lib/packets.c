/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for tests: see packets.h.  RFC 791, 768, 8200, 9293.
 */

#include "tests/lib/packets.h"

#include <string.h>

u32 be16(const u8 *at)
{
    return at[0] << 8 | at[1];
}

u32 be32(const u8 *at)
{
    return be16(at) << 16 | be16(at + 2);
}

static void set16(u8 *at, u32 value)
{
    at[0] = value >> 8;
    at[1] = value;
}

u16 plain_sum(const u8 *at, size_t n, u32 before)
{
    u64 sum = before;

    for (size_t i = 0; i < n; i++) {
        sum += i % 2 ? at[i] : (u32)at[i] << 8;
    }
    while (sum >> 16) {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    return sum;
}

/* Of the pseudo header; `ip` is at its first byte. */
static u16 pseudo(const u8 *ip, u8 protocol, size_t n)
{
    return ip[0] >> 4 == 4 ? plain_sum(ip + 12, 8, protocol + n)
                           : plain_sum(ip + 8, 32, protocol + (n >> 16) + (u16)n);
}

static u8 *ip_header(u8 *to, unsigned version, u8 protocol, size_t n)
{
    u8 *ip = to + 14;

    memset(to, 0, 14 + 40);
    memcpy(to, "\x52\x54\x00\x12\x34\x56\x52\x55\x0a\x00\x02\x02", 12);
    if (version == 6) {
        set16(to + 12, 0x86dd);
        ip[0] = 0x60;
        set16(ip + 4, n);
        ip[6] = protocol;
        ip[7] = 64;
        ip[8] = 0xfe, ip[23] = 1, ip[24] = 0xfe, ip[39] = 2;
        return ip + 40;
    }
    set16(to + 12, 0x0800);
    ip[0] = 0x45;
    set16(ip + 2, 20 + n);
    set16(ip + 4, 0x1234);
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8);
    set16(ip + 10, ~plain_sum(ip, 20, 0));
    return ip + 20;
}

size_t packet_tcp(u8 *to, unsigned version, u8 flags, unsigned options, size_t payload)
{
    size_t n = 20 + options + payload;
    u8 *tcp = ip_header(to, version, 6, n);

    memset(tcp, 0, 20);
    set16(tcp, 1111);
    set16(tcp + 2, 80);
    tcp[7] = 100;                   /* sequence */
    tcp[12] = (20 + options) / 4 << 4;
    tcp[13] = flags;
    set16(tcp + 14, 5000);
    memset(tcp + 20, 1, options);
    for (size_t i = 0; i < payload; i++) {
        tcp[20 + options + i] = i ^ i >> 8;
    }
    set16(tcp + 16, ~plain_sum(tcp, n, pseudo(to + 14, 6, n)));
    return tcp + n - to;
}

size_t packet_udp(u8 *to, size_t payload)
{
    size_t n = 8 + payload;
    u8 *udp = ip_header(to, 4, 17, n);

    memset(udp, 0, 8);
    set16(udp, 53);
    set16(udp + 2, 5353);
    set16(udp + 4, n);
    for (size_t i = 0; i < payload; i++) {
        udp[8 + i] = i ^ i >> 8;
    }
    set16(udp + 6, ~plain_sum(udp, n, pseudo(to + 14, 17, n)));
    return udp + n - to;
}

bool packet_is_right(const u8 *frame, size_t n)
{
    const u8 *ip = frame + 14;
    bool four = be16(frame + 12) == 0x0800;
    unsigned header = four ? (ip[0] & 15) * 4 : 40;
    size_t length = four ? be16(ip + 2) - header : be16(ip + 4);

    if (14 + header + length != n || (four && plain_sum(ip, header, 0) != 0xffff)) {
        return false;
    }
    if (four && (be16(ip + 6) & 0x3fff)) {
        return true;                /* a fragment's sum is the whole packet's */
    }
    return plain_sum(ip + header, length, pseudo(ip, four ? ip[9] : ip[6], length)) ==
           0xffff;
}
