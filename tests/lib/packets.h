/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ethernet frames for tests, and checksums computed in the plainest way: nothing here
 * is shared with net/.
 */

#ifndef TESTS_LIB_PACKETS_H
#define TESTS_LIB_PACKETS_H

#include "base/types.h"

enum { PACKET_FIN = 1, PACKET_PSH = 8, PACKET_ACK = 16 };

/* TCP with `options` bytes of NOPs and a payload of 0, 1, 2, ...; its length. */
size_t packet_tcp(u8 *to, unsigned version, u8 flags, unsigned options, size_t payload);
/* UDP over IPv4, identification 0x1234. */
size_t packet_udp(u8 *to, size_t payload);

/* RFC 1071, byte by byte. */
u16 plain_sum(const u8 *at, size_t n, u32 before);
/* Lengths and checksums of IP and what it carries are right. */
bool packet_is_right(const u8 *frame, size_t n);

u32 be16(const u8 *at);
u32 be32(const u8 *at);

#endif
