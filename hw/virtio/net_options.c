/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net's options: what is offered to the driver and told to the back end, and
 * addresses.  Making: the main thread; the rest under the lock of the device's context.
 */

#include "hw/virtio/devices.h"
#include "hw/virtio/net.h"

#include <string.h>

static const char *const net_duplexes[] = { "half", "full", NULL };
static const char *const not_offered[] = { "off", NULL };
static const char *const senders[] = { "bh", NULL };
const Field virtio_net_options[] = STATE_ROWS(NetConfig, NET_CONFIG_ROWS);

/* ---- features ---- */

/* Each feature, the option that offers it, what it means to the back end. */
static const struct {
    u64 feature;
    u32 option;
    u32 takes;
} features[] = {
#define AT(member) offsetof(NetConfig, member)
    { NET_F_CSUM, AT(csum), 0 },
    { NET_F_GUEST_CSUM, AT(guest_csum), NET_CSUM },
    { NET_F_HOST_TSO4, AT(host_tso4), 0 },
    { NET_F_HOST_TSO6, AT(host_tso6), 0 },
    { NET_F_HOST_ECN, AT(host_ecn), 0 },
    { NET_F_GUEST_TSO4, AT(guest_tso4), NET_TSO4 },
    { NET_F_GUEST_TSO6, AT(guest_tso6), NET_TSO6 },
    { NET_F_GUEST_ECN, AT(guest_ecn), NET_ECN },
    { NET_F_MRG_RXBUF, AT(mrg_rxbuf), 0 },
    { NET_F_STATUS, AT(status), 0 },
    { NET_F_CTRL_VQ, AT(ctrl_vq), 0 },
    { NET_F_CTRL_RX, AT(ctrl_rx), 0 },
    { NET_F_CTRL_RX_EXTRA, AT(ctrl_rx_extra), 0 },
    { NET_F_CTRL_VLAN, AT(ctrl_vlan), 0 },
    { NET_F_CTRL_MAC_ADDR, AT(ctrl_mac_addr), 0 },
    { NET_F_CTRL_GUEST_OFFLOADS, AT(ctrl_guest_offloads), 0 },
    { NET_F_GUEST_ANNOUNCE, AT(guest_announce), 0 },
    { NET_F_MQ, AT(mq), 0 },
#undef AT
};

u64 virtio_net_offered(const VirtioNet *net)
{
    const NetConfig *c = &net->config;
    u64 all = NET_F_MAC | (c->host_mtu ? NET_F_MTU : 0) |
              (c->speed ? NET_F_SPEED_DUPLEX : 0);

    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        if (*(const bool *)((const u8 *)c + features[i].option)) {
            all |= features[i].feature;
        }
    }
    if (!c->ctrl_vq) {              /* 5.1.3.1: what needs it */
        all &= ~(NET_F_CTRL_RX | NET_F_CTRL_RX_EXTRA | NET_F_CTRL_VLAN |
                 NET_F_CTRL_MAC_ADDR | NET_F_CTRL_GUEST_OFFLOADS |
                 NET_F_GUEST_ANNOUNCE | NET_F_MQ);
    }
    return all;
}

void virtio_net_update(VirtioNet *net)
{
    u64 agreed = net->virtio.state.driver_features & ~net->state.refused;
    u32 takes = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        takes |= agreed & features[i].feature ? features[i].takes : 0;
    }
    /* 5.1.3.1: TSO needs checksums, ECN needs TSO. */
    takes = takes & NET_CSUM ? takes : 0;
    net_set_takes(net->front, takes,
                  net->config.host_mtu ? net->config.host_mtu : NET_MTU);
    net_set_queues(net->front, net->state.pairs);
}

/* ---- addresses and rules ---- */

static bool mac_is_set(const u8 *mac)
{
    static const u8 none[6];

    return memcmp(mac, none, 6) != 0;
}

static bool mac_is_taken(const Machine *machine, const VirtioNet *self, const u8 *mac)
{
    for (unsigned i = 0; i < machine->devices->len; i++) {
        Device *dev = g_ptr_array_index(machine->devices, i);
        const VirtioNet *net = container_of(dev, VirtioNet, virtio.device);

        if (dev->type == &virtio_net.device && net != self &&
            memcmp(net->config.mac, mac, 6) == 0) {
            return true;
        }
    }
    return false;
}

/* QEMU's: 52:54:00:12:34:56, and the next for each further device. */
void virtio_net_choose_mac(VirtioNet *net)
{
    static const u8 first[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
    u8 *mac = net->config.mac;

    if (!mac_is_set(mac)) {
        memcpy(mac, first, 6);
        while (mac_is_taken(net->virtio.device.machine, net, mac)) {
            mac[5]++;
        }
    }
}

bool virtio_net_check(const void *config, GError **err)
{
    const NetConfig *c = config;
    const char *wrong = NULL;

    if (c->mac[0] & 1) {
        wrong = "mac: the first byte is odd: that is a group's address, not a card's";
    } else if ((c->rx_queue_size & (c->rx_queue_size - 1)) ||
               (c->tx_queue_size & (c->tx_queue_size - 1))) {
        wrong = "rx-queue-size, tx-queue-size: not a power of two";
    } else if (c->host_mtu && c->host_mtu < 68) {
        wrong = "host-mtu: less than 68, the least that IPv4 allows";
    }
    if (wrong) {
        g_set_error_literal(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, wrong);
    }
    return !wrong;
}
