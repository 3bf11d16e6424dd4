/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forwarded ports of the user network: the host's that lead to the guest (hostfwd=,
 * hostfwd_add), and the guest's that lead to a character back end or a command
 * (guestfwd=).  The wording of errors is QEMU's: scripts know it.  The main thread.
 */

#include "net/user.h"

#include "base/keyval.h"
#include "chardev/chardev.h"

#include <string.h>

struct UserGuestForward {
    UserGuestForward *next;
    User *u;
    struct in_addr at;
    int port;
    Chardev *chr;
    CharFront *front;
};

/* ---- rules ---- */

/* What stands before the next `separator`; NULL: there is none. */
static char *piece(const char **rule, char separator)
{
    const char *from = *rule, *end = strchr(from, separator);

    if (!end) {
        return NULL;
    }
    *rule = end + 1;
    return g_strndup(from, end - from);
}

typedef struct {
    bool udp;
    struct sockaddr_in host, guest;
} Forward;

static bool parse_port(const char *text, u16 least, struct sockaddr_in *at)
{
    u64 port;

    if (!text || !number_parse(text, least, 65535, &port)) {
        return false;
    }
    at->sin_family = AF_INET;
    at->sin_port = htons(port);
    return true;
}

static bool parse_address(const char *text, struct sockaddr_in *at)
{
    return !*text || inet_aton(text, &at->sin_addr);
}

/* "tcp|udp:[ADDR]" and ':' behind it; NULL or what is wrong. */
static const char *parse_host(const char **rule, Forward *f)
{
    g_autofree char *protocol = piece(rule, ':'), *address = NULL;

    if (!protocol) {
        return "No : separators";
    }
    f->udp = strcmp(protocol, "udp") == 0;
    if (!f->udp && *protocol && strcmp(protocol, "tcp") != 0) {
        return "Bad protocol name";
    }
    address = piece(rule, ':');
    if (!address) {
        return "Missing : separator";
    }
    return parse_address(address, &f->host) ? NULL : "Bad host address";
}

static const char *parse_forward(const char *rule, Forward *f)
{
    const char *wrong = parse_host(&rule, f);
    g_autofree char *port = NULL, *address = NULL;

    if (wrong) {
        return wrong;
    }
    port = piece(&rule, '-');
    if (!port) {
        return "Bad host port separator";
    }
    if (!parse_port(port, 0, &f->host)) {
        return "Bad host port";
    }
    address = piece(&rule, ':');
    if (!address) {
        return "Missing guest address";
    }
    if (!parse_address(address, &f->guest)) {
        return "Bad guest address";
    }
    return parse_port(rule, 1, &f->guest) ? NULL : "Bad guest port";
}

bool user_forward(User *u, const char *rule, GError **err)
{
    Forward f = { 0 };
    const char *wrong = parse_forward(rule, &f);
    int failed;

    if (wrong) {
        return net_refuse(err, "Invalid host forwarding rule '%s' (%s)", rule, wrong);
    }
    if (!user_start(u, err)) {
        return false;
    }
    pthread_mutex_lock(&u->slirp_lock);
    failed = u->lib->slirp_add_hostxfwd(u->slirp, (struct sockaddr *)&f.host,
                                        sizeof f.host, (struct sockaddr *)&f.guest,
                                        sizeof f.guest, f.udp ? SLIRP_HOSTFWD_UDP : 0);
    pthread_mutex_unlock(&u->slirp_lock);
    user_wake(u);
    return !failed || net_refuse(err, "Could not set up host forwarding rule '%s'",
                                 rule);
}

bool user_unforward(User *u, const char *rule, bool *found, GError **err)
{
    const char *rest = rule;
    Forward f = { 0 };
    const char *wrong = parse_host(&rest, &f);

    if (!wrong && !parse_port(rest, 0, &f.host)) {
        wrong = "Bad host port";
    }
    if (wrong) {
        return net_refuse(err, "Invalid host forwarding rule '%s' (%s)", rule, wrong);
    }
    *found = false;
    if (u->started) {
        pthread_mutex_lock(&u->slirp_lock);
        *found = !u->lib->slirp_remove_hostxfwd(u->slirp, (struct sockaddr *)&f.host,
                                                sizeof f.host,
                                                f.udp ? SLIRP_HOSTFWD_UDP : 0);
        pthread_mutex_unlock(&u->slirp_lock);
        user_wake(u);
    }
    return true;
}

/* ---- guestfwd ---- */

/* From the guest: what the back end does not take is lost. */
static ssize_t guest_wrote(const void *bytes, size_t n, void *opaque)
{
    chardev_write(((UserGuestForward *)opaque)->front, bytes, n);
    return n;
}

static size_t guest_can_read(void *opaque)
{
    UserGuestForward *g = opaque;
    size_t room;

    pthread_mutex_lock(&g->u->slirp_lock);
    room = g->u->lib->slirp_socket_can_recv(g->u->slirp, g->at, g->port);
    pthread_mutex_unlock(&g->u->slirp_lock);
    return room;
}

static void guest_readable(void *opaque, const u8 *bytes, size_t n)
{
    UserGuestForward *g = opaque;

    pthread_mutex_lock(&g->u->slirp_lock);
    g->u->lib->slirp_socket_recv(g->u->slirp, g->at, g->port, bytes, n);
    pthread_mutex_unlock(&g->u->slirp_lock);
    user_wake(g->u);
}

static const CharFrontOps guest_ops = {
    .can_read = guest_can_read, .readable = guest_readable,
};

void user_guest_can_take_more(User *u)
{
    for (UserGuestForward *g = u->forwards; g; g = g->next) {
        chardev_accept_input(g->front);
    }
}

static bool open_guest_end(UserGuestForward *g, const char *where, GError **err)
{
    static unsigned n;
    g_autofree char *id = g_strdup_printf("guestfwd.tcp.%u", n++);
    bool monitor;

    return chardev_new_short(where, id, &g->chr, &monitor, err) && g->chr &&
           (g->front = chardev_attach(g->chr, &guest_ops, g, err));
}

static bool add_guest_forward(User *u, UserGuestForward *g, const char *command)
{
    struct in_addr at = g->at;
    int failed;

    pthread_mutex_lock(&u->slirp_lock);
    failed = command ? u->lib->slirp_add_exec(u->slirp, command, &at, g->port)
                     : u->lib->slirp_add_guestfwd(u->slirp, guest_wrote, g, &at,
                                                  g->port);
    g->at = at;
    if (!command) {
        g->next = u->forwards;
        u->forwards = g;
    }
    pthread_mutex_unlock(&u->slirp_lock);
    return !failed;
}

/* "tcp:ADDR:PORT" and '-' behind it. */
static bool parse_guest(const char **rule, struct sockaddr_in *at)
{
    g_autofree char *protocol = piece(rule, ':');
    g_autofree char *address = protocol ? piece(rule, ':') : NULL;
    g_autofree char *port = address ? piece(rule, '-') : NULL;

    return port && **rule && (!*protocol || strcmp(protocol, "tcp") == 0) &&
           inet_aton(address, &at->sin_addr) && parse_port(port, 1, at);
}

bool user_guest_forward(User *u, const char *rule, GError **err)
{
    const char *end = rule, *command;
    struct sockaddr_in at = { 0 };
    UserGuestForward *g;
    bool good;

    if (!parse_guest(&end, &at)) {
        return net_refuse(err, "Invalid guest forwarding rule '%s'", rule);
    }
    g = g_new0(UserGuestForward, 1);
    *g = (UserGuestForward){ .u = u, .at = at.sin_addr, .port = ntohs(at.sin_port) };
    command = g_str_has_prefix(end, "cmd:") ? end + 4 : NULL;
    if (!command && !open_guest_end(g, end, err)) {
        g_prefix_error(err, "could not open guest forwarding device '%s': ", end);
        g_free(g);
        return false;
    }
    good = add_guest_forward(u, g, command);
    if (command) {
        g_free(g);
    }
    return good || net_refuse(err, "conflicting/invalid host:port in guest forwarding "
                              "rule '%s'", rule);
}

void user_guest_forwards_end(User *u)
{
    UserGuestForward *g;

    while ((g = u->forwards)) {
        u->forwards = g->next;
        chardev_detach(g->front);
        g_free(g);
    }
}

/* ---- the monitor's ---- */

static User *find_user(const char *id, GError **err)
{
    Netdev *nd = id ? netdev_find(id, err) : NULL;

    for (unsigned i = 0; !id && (nd = netdev_nth(i)); i++) {
        if (nd->kind == &net_user) {
            break;
        }
    }
    if (!id && !nd) {
        net_refuse(err, "user mode network stack not in use");
    } else if (nd && nd->kind != &net_user) {
        net_refuse(err, "netdev '%s' is not a user network", id);
        nd = NULL;
    }
    return nd ? user_of(nd) : NULL;
}

bool net_forward(const char *id, const char *rule, GError **err)
{
    User *u = find_user(id, err);

    return u && user_forward(u, rule, err);
}

bool net_unforward(const char *id, const char *rule, bool *found, GError **err)
{
    User *u = find_user(id, err);

    return u && user_unforward(u, rule, found, err);
}

void net_print_user(GString *out)
{
    Netdev *nd;

    for (unsigned i = 0; (nd = netdev_nth(i)); i++) {
        User *u = user_of(nd);
        g_autofree char *info = NULL;

        if (nd->kind != &net_user) {
            continue;
        }
        g_string_append_printf(out, "Hub -1 (%s):\n", nd->config->id);
        if (u->started) {
            pthread_mutex_lock(&u->slirp_lock);
            info = u->lib->slirp_connection_info(u->slirp);
            pthread_mutex_unlock(&u->slirp_lock);
            g_string_append(out, info);
        }
    }
}
