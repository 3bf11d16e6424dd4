/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options of the user network say about addresses.  QEMU's rules: without
 * net=, the network is that of host= or dns= in their address class.  The main thread.
 */

#include "net/user.h"

#include "base/keyval.h"

#include <string.h>

enum { AUTO, ON, OFF };             /* ipv4=, ipv6= */

typedef struct in_addr Ip4;
typedef struct in6_addr Ip6;

static Ip4 ip4(u32 address)
{
    return (Ip4){ htonl(address) };
}

static bool parse_ip4(const char *text, Ip4 *at)
{
    return inet_aton(text, at) != 0;
}

/* ---- IPv4 ---- */

/* "10.0.2.0/24", "10.0.2.0/255.255.255.0", "10.0.2.0": then by its class. */
static bool parse_net(const char *text, Ip4 *net, Ip4 *mask)
{
    g_auto(GStrv) part = g_strsplit(text, "/", 2);
    u32 address;
    u64 bits;

    if (!parse_ip4(part[0], net)) {
        return false;
    }
    address = ntohl(net->s_addr);
    if (!part[1]) {
        bits = !(address & 0x80000000) ? 8
               : (address & 0xfff00000) == 0xac100000 ? 12
               : (address & 0xc0000000) == 0x80000000 ? 16
               : (address & 0xffff0000) == 0xc0a80000 ? 16
               : (address & 0xffff0000) == 0xc6120000 ? 15
               : (address & 0xe0000000) == 0xe0000000 ? 4 : 24;
    } else if (!number_parse(part[1], 4, 30, &bits)) {
        return strchr(part[1], '.') && parse_ip4(part[1], mask) &&
               !(~ntohl(mask->s_addr) & (~ntohl(mask->s_addr) + 1)) &&
               ~ntohl(mask->s_addr) >= 3;
    }
    *mask = ip4(UINT32_MAX << (32 - bits));
    return true;
}

/* An address of the network, but not the network's or the broadcast address. */
static bool take_ip4(const SlirpConfig *c, const char *option, const char *text,
                     u32 otherwise, Ip4 *at, GError **err)
{
    u32 mask = ntohl(c->vnetmask.s_addr), net = ntohl(c->vnetwork.s_addr), address;

    *at = ip4(net + otherwise);
    if (!text) {
        return true;
    }
    if (!parse_ip4(text, at)) {
        return net_refuse(err, "%s: '%s' is not an IPv4 address", option, text);
    }
    address = ntohl(at->s_addr);
    if ((address & mask) != net || address == net || address == (net | ~mask)) {
        g_autofree char *whole = g_strdup(inet_ntoa(c->vnetwork));

        return net_refuse(err, "%s: %s is not an address in %s/%s", option, text,
                          whole, inet_ntoa(c->vnetmask));
    }
    return true;
}

static bool take_net(User *u, GError **err)
{
    SlirpConfig *c = &u->slirp_config;
    const char *text = u->config.net;
    Ip4 mask = { 0 };

    if (!parse_net(text ? text : "10.0.2.0/24", &c->vnetwork, &mask)) {
        return net_refuse(err, "net: '%s' is not an IPv4 network, such as 10.0.2.0/24",
                          text);
    }
    c->vnetmask = mask;
    c->vnetwork.s_addr &= mask.s_addr;
    return true;
}

/* Where a small network has no room for the usual places. */
static u32 place(const SlirpConfig *c, u32 usual, u32 otherwise)
{
    return usual < ~ntohl(c->vnetmask.s_addr) ? usual : otherwise;
}

static bool take_all_ip4(User *u, GError **err)
{
    const UserConfig *o = &u->config;
    SlirpConfig *c = &u->slirp_config;

    if (!take_net(u, err) ||
        !take_ip4(c, "host", o->host, 2, &c->vhost, err) ||
        !take_ip4(c, "dhcpstart", o->dhcpstart, place(c, 15, 1), &c->vdhcp_start,
                  err) ||
        !take_ip4(c, "dns", o->dns, place(c, 3, 1), &c->vnameserver, err)) {
        return false;
    }
    if (o->dns && c->vnameserver.s_addr == c->vhost.s_addr) {
        return net_refuse(err, "dns: %s is the host's address already", o->dns);
    }
    return true;
}

/* ---- IPv6 ---- */

static bool parse_prefix(const char *text, Ip6 *prefix, u8 *bits)
{
    g_auto(GStrv) part = g_strsplit(text, "/", 2);
    u64 n = 64;

    if (inet_pton(AF_INET6, part[0], prefix) != 1 ||
        (part[1] && !number_parse(part[1], 1, 126, &n))) {
        return false;
    }
    *bits = n;
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = n > 8 * i ? MIN(n - 8 * i, 8) : 0;

        prefix->s6_addr[i] &= 0xff00 >> keep;
    }
    return true;
}

static bool take_ip6(const SlirpConfig *c, const char *option, const char *text,
                     u8 otherwise, Ip6 *at, GError **err)
{
    *at = c->vprefix_addr6;
    at->s6_addr[15] |= otherwise;
    if (text && inet_pton(AF_INET6, text, at) != 1) {
        return net_refuse(err, "%s: '%s' is not an IPv6 address", option, text);
    }
    for (unsigned i = 0; i < c->vprefix_len; i++) {
        if ((at->s6_addr[i / 8] ^ c->vprefix_addr6.s6_addr[i / 8]) & 0x80 >> i % 8) {
            return net_refuse(err, "%s: %s is not an address of the prefix", option,
                              text);
        }
    }
    return true;
}

static bool take_all_ip6(User *u, GError **err)
{
    const UserConfig *o = &u->config;
    SlirpConfig *c = &u->slirp_config;
    g_autofree char *both = g_strdup_printf("%s/%u", o->ipv6_prefix ? o->ipv6_prefix
                                                     : "fec0::", o->ipv6_prefixlen);
    const char *text = o->ipv6_net ? o->ipv6_net : both;

    if (!parse_prefix(text, &c->vprefix_addr6, &c->vprefix_len)) {
        return net_refuse(err, "%s: '%s' is not an IPv6 prefix, such as fec0::/64",
                          o->ipv6_net ? "ipv6-net" : "ipv6-prefix", text);
    }
    return take_ip6(c, "ipv6-host", o->ipv6_host, 2, &c->vhost6, err) &&
           take_ip6(c, "ipv6-dns", o->ipv6_dns, 3, &c->vnameserver6, err);
}

/* ---- all ---- */

static bool take_names(User *u, GError **err)
{
    const UserConfig *o = &u->config;
    SlirpConfig *c = &u->slirp_config;

    if (o->domainname && !*o->domainname) {
        return net_refuse(err, "domainname: it is empty");
    }
    if (o->domainname && strlen(o->domainname) > 255) {
        return net_refuse(err, "domainname: longer than 255 bytes");
    }
    if (o->tftp && !g_file_test(o->tftp, G_FILE_TEST_IS_DIR)) {
        return net_refuse(err, "tftp: '%s' is not a folder", o->tftp);
    }
    u->search = o->dnssearch ? g_strsplit(o->dnssearch, "\n", -1) : NULL;
    c->vhostname = o->hostname;
    c->vdomainname = o->domainname;
    c->vdnssearch = (const char **)u->search;
    c->tftp_path = o->tftp;
    c->tftp_server_name = o->tftp_server_name;
    c->bootfile = o->bootfile;
    return true;
}

/* With only one of ipv4 and ipv6 on, the other is off: QEMU's rule. */
bool user_addresses(User *u, GError **err)
{
    const UserConfig *o = &u->config;
    SlirpConfig *c = &u->slirp_config;

    c->in_enabled = o->ipv4 == ON || (o->ipv4 == AUTO && o->ipv6 != ON);
    c->in6_enabled = o->ipv6 == ON || (o->ipv6 == AUTO && o->ipv4 != ON);
    c->restricted = o->restrict_;
    if (!c->in_enabled && !c->in6_enabled) {
        return net_refuse(err, "IPv4 and IPv6 disabled");
    }
    if (!c->in_enabled && (o->net || o->host || o->dns || o->dhcpstart)) {
        return net_refuse(err, "IPv4 disabled but netmask/vhost/dns/dhcpstart "
                          "provided");
    }
    if (!c->in6_enabled && (o->ipv6_net || o->ipv6_prefix || o->ipv6_host ||
                           o->ipv6_dns)) {
        return net_refuse(err, "IPv6 disabled but prefix/host/dns provided");
    }
    return take_all_ip4(u, err) && take_all_ip6(u, err) && take_names(u, err);
}

void user_print(Netdev *nd, GString *out)
{
    const User *u = user_of(nd);

    g_string_append_printf(out, "net=%s,restrict=%s",
                           inet_ntoa(u->slirp_config.vnetwork),
                           u->config.restrict_ ? "on" : "off");
}
