/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All back ends and fronts: made, found, joined, shown.  The main thread; what changes
 * a front, under the machine lock.
 */

#include "net/registry.h"

#include "base/keyval.h"
#include "base/lock.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static GPtrArray *netdevs, *fronts;     /* in order of creation */

bool net_refuse(GError **err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_propagate_error(err, g_error_new_valist(G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                                              fmt, args));
    va_end(args);
    return false;
}

bool net_refuse_errno(GError **err, const char *fmt, ...)
{
    int why = errno;
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, fmt);
    what = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_set_error(err, G_FILE_ERROR, g_file_error_from_errno(why), "%s: %s", what,
                g_strerror(why));
    return false;
}

/* ---- kinds ---- */

/* What QEMU has and we have not, and what serves instead. */
static const struct { const char *name, *instead; } other_kinds[] = {
    { "hubport", "each card has a back end of its own; stream joins machines" },
    { "vde", "passt and others speak stream" },
    { "l2tpv3", "tap takes the host's l2tp interface" },
    { "vhost-user", "tap and stream are the nearest" },
    { "vhost-vdpa", "tap is the nearest" },
    { "af-xdp", "tap is the nearest" },
};

static const NetKind *refuse_kind(const char *name, const char *near, GError **err)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(other_kinds); i++) {
        if (strcmp(other_kinds[i].name, name) == 0) {
            net_refuse(err, "there is no '%s'; %s", name, other_kinds[i].instead);
            return NULL;
        }
    }
    net_refuse(err, "'%s' is not a kind of network back end%s%s%s", name,
               near ? "; did you mean '" : " (-netdev help lists them)",
               near ? near : "", near ? "'?" : "");
    return NULL;
}

static const NetKind *find_kind(const char *name, GError **err)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const NetKind *const *kind = net_kinds; *kind; kind++) {
        if (strcmp((*kind)->name, name) == 0) {
            return *kind;
        }
        g_ptr_array_add(names, (char *)(*kind)->name);
    }
    g_ptr_array_add(names, NULL);
    return refuse_kind(name, nearest_name(name, (const char *const *)names->pdata),
                       err);
}

void netdevs_help(GString *out)
{
    g_string_append(out, "Available netdev backend types:\n");
    for (const NetKind *const *kind = net_kinds; *kind; kind++) {
        g_string_append_printf(out, "  %-8s %s\n", (*kind)->name, (*kind)->help);
    }
}

bool netdev_help(const char *name, GString *out, GError **err)
{
    const NetKind *kind = find_kind(name, err);

    if (kind) {
        g_string_append_printf(out, "%s: %s\n", kind->name, kind->help);
        fields_help(kind->config, out);
    }
    return kind != NULL;
}

/* ---- back ends ---- */

static void free_netdev(Netdev *nd)
{
    if (nd->kind->close) {
        nd->kind->close(nd);
    }
    while (nd->filter) {
        netdev_remove_filter(nd, nd->filter->opaque);
    }
    for (unsigned i = 0; i < NET_QUEUES_MAX; i++) {
        g_free(nd->queue[i].scratch[0]);
        g_free(nd->queue[i].scratch[1]);
    }
    pthread_mutex_destroy(&nd->filter_lock);
    fields_clear(nd->kind->config, (void *)nd->config);
    g_free(nd);
}

static Netdev *look_up(const char *id)
{
    for (unsigned i = 0; netdevs && i < netdevs->len; i++) {
        Netdev *nd = netdevs->pdata[i];

        if (strcmp(nd->config->id, id) == 0) {
            return nd;
        }
    }
    return NULL;
}

/* Ids that begin with "__" are those that -nic and -net make. */
static bool id_is_free(const char *id, GError **err)
{
    const char *rest = g_str_has_prefix(id, "__") ? id + 2 : id;

    if (!g_ascii_isalpha(*rest) ||
        strspn(rest, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-._") != strlen(rest)) {
        return net_refuse(err, "id '%s': an id is a letter, then letters, digits, '-', "
                          "'.' and '_'", id);
    }
    return !look_up(id) || net_refuse(err, "Duplicate ID '%s' for netdev", id);
}

Netdev *netdev_make(const NetKind *kind, const char *options, GError **err)
{
    Netdev *nd = g_malloc0(kind->size);
    void *config = (u8 *)nd + kind->config_at;

    nd->kind = kind;
    nd->config = config;
    nd->io = io_main();
    nd->queues = nd->front_queues = 1;
    nd->front_mtu = NET_MTU;
    pthread_mutex_init(&nd->filter_lock, NULL);
    if (!fields_parse(kind->config, config, options, NULL, NULL, err) ||
        !id_is_free(nd->config->id, err) || !kind->open(nd, err)) {
        free_netdev(nd);
        return NULL;
    }
    if (!netdevs) {
        netdevs = g_ptr_array_new();
    }
    g_ptr_array_add(netdevs, nd);
    return nd;
}

bool netdev_new(const char *options, GError **err)
{
    size_t n = strcspn(options, ",");
    g_autofree char *name = g_strndup(options, n);
    const char *plain = g_str_has_prefix(name, "type=") ? name + 5 : name;
    const NetKind *kind = find_kind(plain, err);

    return kind && netdev_make(kind, options + n + (options[n] == ','), err);
}

Netdev *netdev_find(const char *id, GError **err)
{
    Netdev *nd = look_up(id);

    if (!nd) {
        net_refuse(err, "there is no netdev '%s'", id);
    }
    return nd;
}

Netdev *netdev_nth(unsigned n)
{
    return netdevs && n < netdevs->len ? netdevs->pdata[n] : NULL;
}

/* Its own work ends before: it takes the lock of nd->io. */
static void move(Netdev *nd, IoContext *io)
{
    if (nd->kind->work) {
        nd->kind->work(nd, false);
    }
    __atomic_store_n(&nd->io, io, __ATOMIC_SEQ_CST);
    if (nd->kind->work) {
        nd->kind->work(nd, true);
    }
}

void netdevs_close_all(void)
{
    while (netdevs && netdevs->len) {
        Netdev *nd = g_ptr_array_remove_index(netdevs, netdevs->len - 1);

        if (nd->front) {
            IoContext *io = nd->io;

            io_lock(io);
            nd->front->nd = NULL;
            nd->front = NULL;
            io_unlock(io);
            move(nd, io_main());
        }
        free_netdev(nd);
    }
    g_clear_pointer(&netdevs, g_ptr_array_unref);
}

/* ---- fronts ---- */

static bool join(NetFront *front, const char *id, GError **err)
{
    Netdev *nd = netdev_find(id, err);

    if (!nd) {
        return false;
    }
    if (nd->front) {
        return net_refuse(err, "netdev '%s' is in use by '%s'", id, nd->front->name);
    }
    front->nd = nd;
    nd->front_takes = 0;
    nd->front = front;
    return true;
}

NetFront *net_attach(const char *id, const char *name, const char *model,
                     const u8 *mac, const NetFrontOps *ops, void *opaque,
                     GError **err)
{
    NetFront *front = g_new0(NetFront, 1);

    *front = (NetFront){ .ops = ops, .opaque = opaque, .name = g_strdup(name),
                         .model = model, .io = io_main() };
    memcpy(front->mac, mac, sizeof front->mac);
    if (id && !join(front, id, err)) {
        g_free(front->name);
        g_free(front);
        return NULL;
    }
    if (!fronts) {
        fronts = g_ptr_array_new();
    }
    g_ptr_array_add(fronts, front);
    return front;
}

void net_set_context(NetFront *front, IoContext *io)
{
    front->io = io;
    if (front->nd) {
        move(front->nd, io);
    }
}

void net_detach(NetFront *front)
{
    Netdev *nd;
    bool took;

    if (!front) {
        return;
    }
    g_ptr_array_remove(fronts, front);
    if (fronts->len == 0) {
        g_clear_pointer(&fronts, g_ptr_array_unref);
    }
    nd = front->nd;
    took = io_enter(front->io);
    if (nd) {
        nd->front = NULL;
        __atomic_store_n(&nd->front_takes, 0, __ATOMIC_SEQ_CST);
    }
    io_leave(front->io, took);
    if (nd) {
        move(nd, io_main());
    }
    g_free(front->name);
    g_free(front);
}

/* ---- the link ---- */

bool net_link_up(const NetFront *front)
{
    return !front->link_down && !(front->nd && front->nd->link_down);
}

bool net_set_link(const char *name, bool up, GError **err)
{
    Netdev *nd = look_up(name);
    NetFront *front = nd ? nd->front : NULL;
    bool took;

    for (unsigned i = 0; !nd && fronts && i < fronts->len; i++) {
        NetFront *each = fronts->pdata[i];

        front = strcmp(each->name, name) == 0 ? each : front;
    }
    if (!nd && !front) {
        return net_refuse(err, "Device '%s' not found", name);
    }
    machine_lock();
    took = io_enter(front ? front->io : io_main());
    *(nd ? &nd->link_down : &front->link_down) = !up;
    if (front) {
        front->ops->link_changed(front->opaque);
    }
    io_leave(front ? front->io : io_main(), took);
    machine_unlock();
    return true;
}

void nets_set_links(bool up)
{
    machine_lock();
    for (unsigned i = 0; fronts && i < fronts->len; i++) {
        NetFront *front = fronts->pdata[i];
        bool took = io_enter(front->io);

        front->link_down = !up;
        front->ops->link_changed(front->opaque);
        io_leave(front->io, took);
    }
    machine_unlock();
}

void net_announce(void)
{
    machine_lock();
    for (unsigned i = 0; fronts && i < fronts->len; i++) {
        const NetFront *front = fronts->pdata[i];

        bool took = io_enter(front->io);

        if (front->ops->announce) {
            front->ops->announce(front->opaque);
        }
        io_leave(front->io, took);
    }
    machine_unlock();
}

/* ---- info network, as QEMU shows it ---- */

static void print_netdev(const Netdev *nd, const char *indent, GString *out)
{
    g_string_append_printf(out, "%s%s: index=0,type=%s", indent, nd->config->id,
                           nd->kind->name);
    if (nd->kind->print) {
        g_string_append_c(out, ',');
        nd->kind->print((Netdev *)nd, out);
    }
    g_string_append(out, nd->link_down ? " (link down)\n" : "\n");
    for (const NetFilter *filter = nd->filter; filter; filter = filter->next) {
        g_string_append_printf(out, "  - %s: type=filter-dump\n", filter->name);
    }
}

void net_print(GString *out)
{
    for (unsigned i = 0; fronts && i < fronts->len; i++) {
        const NetFront *front = fronts->pdata[i];
        const u8 *m = front->mac;

        g_string_append_printf(out, "%s: index=0,type=nic,model=%s,macaddr="
                               "%02x:%02x:%02x:%02x:%02x:%02x%s\n", front->name,
                               front->model, m[0], m[1], m[2], m[3], m[4], m[5],
                               front->link_down ? " (link down)" : "");
        if (front->nd) {
            print_netdev(front->nd, " \\ ", out);
        }
    }
    for (unsigned i = 0; netdevs && i < netdevs->len; i++) {
        const Netdev *nd = netdevs->pdata[i];

        if (!nd->front) {
            print_netdev(nd, "", out);
        }
    }
}
