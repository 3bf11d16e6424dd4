/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between net.c (the device and its packets), net_control.c (the control queue and the
 * receive filter) and net_options.c.  Nobody else includes this.  Under the lock of the
 * device's context.
 */

#ifndef HW_VIRTIO_NET_H
#define HW_VIRTIO_NET_H

#include "hw/virtio/virtio.h"
#include "net/net.h"

/* 5.1.3 */
#define NET_F_CSUM              (1ull << 0)
#define NET_F_GUEST_CSUM        (1ull << 1)
#define NET_F_CTRL_GUEST_OFFLOADS (1ull << 2)
#define NET_F_MTU               (1ull << 3)
#define NET_F_MAC               (1ull << 5)
#define NET_F_GUEST_TSO4        (1ull << 7)
#define NET_F_GUEST_TSO6        (1ull << 8)
#define NET_F_GUEST_ECN         (1ull << 9)
#define NET_F_HOST_TSO4         (1ull << 11)
#define NET_F_HOST_TSO6         (1ull << 12)
#define NET_F_HOST_ECN          (1ull << 13)
#define NET_F_MRG_RXBUF         (1ull << 15)
#define NET_F_STATUS            (1ull << 16)
#define NET_F_CTRL_VQ           (1ull << 17)
#define NET_F_CTRL_RX           (1ull << 18)
#define NET_F_CTRL_VLAN         (1ull << 19)
#define NET_F_CTRL_RX_EXTRA     (1ull << 20)
#define NET_F_GUEST_ANNOUNCE    (1ull << 21)
#define NET_F_MQ                (1ull << 22)
#define NET_F_CTRL_MAC_ADDR     (1ull << 23)
#define NET_F_SPEED_DUPLEX      (1ull << 63)

#define NET_GUEST_OFFLOADS (NET_F_GUEST_CSUM | NET_F_GUEST_TSO4 | NET_F_GUEST_TSO6 | \
                            NET_F_GUEST_ECN)

enum { NET_TABLE = 64, NET_VLANS = 4096, NET_PAIRS_MAX = NET_QUEUES_MAX };

/* Options that offer a feature, with QEMU's names: all on. */
#define NET_FEATURE_ROWS                                                            \
    (bool, csum,         "take packets without checksum", .def = 1),                \
    (bool, guest_csum,   "give packets without checksum", .def = 1),                \
    (bool, host_tso4,    "cut long TCP segments, IPv4", .def = 1),                  \
    (bool, host_tso6,    "cut long TCP segments, IPv6", .def = 1),                  \
    (bool, host_ecn,     "cut long TCP segments with ECN", .def = 1),               \
    (bool, guest_tso4,   "give long TCP segments, IPv4", .def = 1),                 \
    (bool, guest_tso6,   "give long TCP segments, IPv6", .def = 1),                 \
    (bool, guest_ecn,    "give long TCP segments with ECN", .def = 1),              \
    (bool, mrg_rxbuf,    "spread a packet over several buffers", .def = 1),         \
    (bool, status,       "tell whether the link is up", .def = 1),                  \
    (bool, ctrl_vq,      "a control queue", .def = 1),                              \
    (bool, ctrl_rx,      "let the driver choose what is received", .def = 1),       \
    (bool, ctrl_rx_extra, "let it choose in more detail", .def = 1),                \
    (bool, ctrl_vlan,    "let it choose VLANs", .def = 1),                          \
    (bool, ctrl_mac_addr, "let it change its address", .def = 1),                   \
    (bool, ctrl_guest_offloads, "let it change what it is given", .def = 1),        \
    (bool, guest_announce, "ask it to announce itself", .def = 1),                  \
    (bool, mq,           "several pairs of queues, as many as the netdev has")

/* What QEMU has and we have not: only the value that says so. */
#define NET_ABSENT_ROWS                                                             \
    (u8, host_ufo,  "cut long UDP packets: not offered", .names = not_offered),     \
    (u8, guest_ufo, "give long UDP packets: not offered", .names = not_offered),    \
    (u8, guest_rsc_ext, "tell of joined segments: not offered",                     \
         .names = not_offered),                                                     \
    (u8, rss,       "choose queues by hash: not offered", .names = not_offered),    \
    (u8, hash,      "tell a packet's hash: not offered", .names = not_offered),     \
    (u8, failover,  "stand in for another card: not offered",                       \
         .names = not_offered),                                                     \
    (u8, tx,        "packets are sent by a loop", .names = senders)

#define NET_CONFIG_ROWS                                                             \
    (str,    netdev,  "network back end"),                                          \
    (str,    iothread, "id of an I/O thread; without one the main loop serves it"), \
    (u8[6],  mac,     "address; without it one that no other device here has"),     \
    (u16,    host_mtu, "longest packet of the link; 0: not told", .max = 65535),    \
    (u16,    rx_queue_size, "descriptors", .def = 256, .min = 64, .max = 1024),     \
    (u16,    tx_queue_size, "descriptors", .def = 256, .min = 64, .max = 1024),     \
    (u32,    speed,   "of the link, Mbit/s; 0: not told", .max = INT32_MAX),        \
    (u8,     duplex,  "of the link", .names = net_duplexes),                        \
    (u32,    bootindex, "place in the firmware's order", .def = NO_BOOTINDEX),      \
    NET_FEATURE_ROWS, NET_ABSENT_ROWS

#define NET_STATE_ROWS                                                              \
    (u64,   refused,   "what the driver takes no more (5.1.6.5.6), as feature bits"), \
    (u8[6], mac,       "address that the driver has set"),                          \
    (u16,   pairs,     "pairs of queues in use", .min = 1, .max = NET_PAIRS_MAX),   \
    (u8,    announce,  "1 while the driver shall announce itself", .max = 1),       \
    (u8,    promisc,   "1: everything is received", .max = 1),                      \
    (u8,    all_multi, "1: all multicasts are", .max = 1),                          \
    (u8,    all_uni,   "1: all unicasts are", .max = 1),                            \
    (u8,    no_multi,  "1: no multicasts are", .max = 1),                           \
    (u8,    no_uni,    "1: no unicasts are", .max = 1),                             \
    (u8,    no_broad,  "1: no broadcasts are", .max = 1),                           \
    (u8,    uni_over,  "1: more unicast addresses than the table holds", .max = 1), \
    (u8,    multi_over, "1: more multicast addresses", .max = 1),                   \
    (u8,    n_uni,     "unicast addresses in the table", .max = NET_TABLE),         \
    (u8,    n_multi,   "multicast addresses behind them", .max = NET_TABLE),        \
    (u8[5], reserved,  "unused"),                                                   \
    (u8[6 * NET_TABLE], table, "addresses that are received"),                      \
    (u8[NET_VLANS / 8], vlans, "VLANs that are, a bit each")

typedef struct { FOR_EACH(MEMBER_, NetConfig, NET_CONFIG_ROWS) } NetConfig;
STATE_STRUCT(NetState, NET_STATE_ROWS);

typedef struct {
    VirtioDevice virtio;
    NetConfig config;
    NetState state;
    NetFront *front;
    unsigned pairs;                 /* that there are */
    bool vhost;                     /* the back end has vhost=on */
    unsigned given;                 /* pairs that the host's kernel serves */
    int call[2 * NET_PAIRS_MAX];    /* its interrupts, by queue, while it does */
} VirtioNet;

static inline VirtioNet *net_of(VirtioDevice *virtio)
{
    return container_of(virtio, VirtioNet, virtio);
}

/* net_options.c */
extern const Field virtio_net_options[];
bool virtio_net_check(const void *config, GError **err);
u64 virtio_net_offered(const VirtioNet *net);
/* Without an address of the user's, one that is free. */
void virtio_net_choose_mac(VirtioNet *net);
/* Tells the back end what the driver takes and how many queues it uses. */
void virtio_net_update(VirtioNet *net);

/* net_vhost.c */
bool virtio_net_vhost_open(VirtioNet *net, GError **err) must_check;
/* Hands the queues to the host's kernel if all is as it must be; takes them back. */
void virtio_net_vhost_start(VirtioNet *net);
void virtio_net_vhost_stop(VirtioNet *net);

/* net_control.c */
void virtio_net_control(VirtioNet *net, Chain *chain);
/* Does the driver want this frame?  `head` is its Ethernet header and a VLAN tag. */
bool virtio_net_wants(const VirtioNet *net, const u8 *head);

#endif
