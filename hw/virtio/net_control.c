/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net's control queue (virtio 1.2, section 5.1.6.5) and the receive filter that
 * it sets.  Not offered: RSS, hash reports, notification coalescing.  Under the machine
 * lock.
 */

#include "hw/virtio/net.h"

#include <string.h>

enum { ACK_OK = 0, ACK_ERROR = 1 };

/* ---- the receive filter ---- */

/* 5.1.6.5.1: what goes before what. */
bool virtio_net_wants(const VirtioNet *net, const u8 *head)
{
    static const u8 broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
    const NetState *s = &net->state;
    bool multi = head[0] & 1;
    unsigned from = multi ? s->n_uni : 0, to = multi ? s->n_uni + s->n_multi : s->n_uni;

    if (s->promisc) {
        return true;
    }
    if (virtio_has(&net->virtio, NET_F_CTRL_VLAN) && head[12] == 0x81 && !head[13]) {
        unsigned vlan = (head[14] & 0x0f) << 8 | head[15];

        if (!(s->vlans[vlan / 8] & 1 << vlan % 8)) {
            return false;
        }
    }
    if (memcmp(head, broadcast, 6) == 0) {
        return !s->no_broad;
    }
    if (multi ? s->no_multi : s->no_uni) {
        return false;
    }
    if (multi ? s->all_multi || s->multi_over
              : s->all_uni || s->uni_over || memcmp(head, s->mac, 6) == 0) {
        return true;
    }
    for (unsigned i = from; i < to; i++) {
        if (memcmp(head, s->table + 6 * i, 6) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- commands: each takes its data from the chain ---- */

static bool get_flag(Chain *chain, u8 *flag)
{
    u8 value;

    if (!chain_get(chain, &value, 1)) {
        return false;
    }
    *flag = value != 0;
    return true;
}

static bool set_mode(VirtioNet *net, Chain *chain, u8 command)
{
    NetState *s = &net->state;
    u8 *const modes[] = { &s->promisc, &s->all_multi, &s->all_uni,
                          &s->no_multi, &s->no_uni, &s->no_broad };
    u64 needs = command < 2 ? NET_F_CTRL_RX : NET_F_CTRL_RX_EXTRA;

    return command < G_N_ELEMENTS(modes) && virtio_has(&net->virtio, needs) &&
           get_flag(chain, modes[command]);
}

/* A list of addresses into the table from `at` on; one that is too long is noted. */
static bool get_addresses(VirtioNet *net, Chain *chain, unsigned at, u8 *count,
                          u8 *over)
{
    u32 n;

    *count = *over = 0;
    if (!chain_get(chain, &n, sizeof n)) {
        return false;
    }
    n = GUINT32_FROM_LE(n);
    if (chain_left(chain) / 6 < n) {
        return false;
    }
    *over = n > NET_TABLE - at;
    for (u32 i = 0; i < n; i++) {
        u8 address[6];

        if (!chain_get(chain, address, 6)) {
            return false;
        }
        if (!*over) {
            memcpy(net->state.table + 6 * (at + i), address, 6);
        }
    }
    *count = *over ? 0 : n;
    return true;
}

static bool set_address(VirtioNet *net, Chain *chain, u8 command)
{
    NetState *s = &net->state;
    u8 mac[6];

    if (command == 0) {
        memset(s->table, 0, sizeof s->table);
        return virtio_has(&net->virtio, NET_F_CTRL_RX) &&
               get_addresses(net, chain, 0, &s->n_uni, &s->uni_over) &&
               get_addresses(net, chain, s->n_uni, &s->n_multi, &s->multi_over);
    }
    if (command != 1 || !virtio_has(&net->virtio, NET_F_CTRL_MAC_ADDR) ||
        chain_left(chain) != 6 || !chain_get(chain, mac, 6)) {
        return false;
    }
    memcpy(s->mac, mac, 6);
    return true;
}

static bool set_vlan(VirtioNet *net, Chain *chain, u8 command)
{
    u16 vlan;

    if (command > 1 || !virtio_has(&net->virtio, NET_F_CTRL_VLAN) ||
        !chain_get(chain, &vlan, 2) || GUINT16_FROM_LE(vlan) >= NET_VLANS) {
        return false;
    }
    vlan = GUINT16_FROM_LE(vlan);
    if (command == 0) {
        net->state.vlans[vlan / 8] |= 1 << vlan % 8;
    } else {
        net->state.vlans[vlan / 8] &= ~(1 << vlan % 8);
    }
    return true;
}

static bool acknowledge(VirtioNet *net, Chain *chain, u8 command)
{
    (void)chain;
    if (command != 0 || !virtio_has(&net->virtio, NET_F_GUEST_ANNOUNCE) ||
        !net->state.announce) {
        return false;
    }
    net->state.announce = 0;
    return true;
}

static bool set_pairs(VirtioNet *net, Chain *chain, u8 command)
{
    u16 pairs;

    if (command != 0 || !virtio_has(&net->virtio, NET_F_MQ) ||
        !chain_get(chain, &pairs, 2)) {
        return false;
    }
    pairs = GUINT16_FROM_LE(pairs);
    if (pairs < 1 || pairs > net->pairs) {
        return false;
    }
    virtio_net_vhost_stop(net);
    net->state.pairs = pairs;
    virtio_net_update(net);
    virtio_net_vhost_start(net);
    return true;
}

/* 5.1.6.5.6.1: only what was negotiated. */
static bool set_offloads(VirtioNet *net, Chain *chain, u8 command)
{
    u64 offloads;

    if (command != 0 || !virtio_has(&net->virtio, NET_F_CTRL_GUEST_OFFLOADS) ||
        !chain_get(chain, &offloads, 8)) {
        return false;
    }
    offloads = GUINT64_FROM_LE(offloads);
    if (offloads & ~(net->virtio.state.driver_features & NET_GUEST_OFFLOADS)) {
        return false;
    }
    net->state.refused = net->virtio.state.driver_features & NET_GUEST_OFFLOADS &
                         ~offloads;
    virtio_net_update(net);
    return true;
}

void virtio_net_control(VirtioNet *net, Chain *chain)
{
    static bool (*const classes[])(VirtioNet *net, Chain *chain, u8 command) = {
        set_mode, set_address, set_vlan, acknowledge, set_pairs, set_offloads,
    };
    struct { u8 class, command; } header;

    if (chain_room(chain) < 1 || !chain_get(chain, &header, sizeof header)) {
        chain_fault(chain, "5.1.6.5: no header or no room for the answer");
    } else {
        bool good = header.class < G_N_ELEMENTS(classes) &&
                    classes[header.class](net, chain, header.command);

        chain_status(chain, good ? ACK_OK : ACK_ERROR);
    }
    chain_done(chain);
}
