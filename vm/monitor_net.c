/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's commands for networks.  The main thread.
 */

#include "net/net.h"
#include "vm/monitor_inside.h"

#include <string.h>

void monitor_set_link(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    const char *state = call->rest;

    if (strcmp(state, "on") != 0 && strcmp(state, "off") != 0) {
        say(call, "Error: Parameter 'up' expects 'on' or 'off'\n");
    } else if (!net_set_link(call->word, strcmp(state, "on") == 0, &err)) {
        say(call, "Error: %s\n", err->message);
    }
}

void monitor_announce_self(MonitorCall *call)
{
    (void)call;
    net_announce();
}

/* "[ID] RULE": ID is the back end's if there are two words. */
static const char *split(MonitorCall *call, const char **id)
{
    bool two = call->rest && *call->rest;

    *id = two ? call->word : NULL;
    return two ? g_strchomp(call->rest) : call->word;
}

void monitor_hostfwd_add(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    const char *id, *rule = split(call, &id);

    if (!net_forward(id, rule, &err)) {
        say(call, "%s\n", err->message);
    }
}

void monitor_hostfwd_remove(MonitorCall *call)
{
    g_autoptr(GError) err = NULL;
    const char *id, *rule = split(call, &id);
    bool found;

    if (!net_unforward(id, rule, &found, &err)) {
        say(call, "%s\n", err->message);
        return;
    }
    say(call, "host forwarding rule for %s %s\n", rule,
        found ? "removed" : "not found");
}

void monitor_info_network(MonitorCall *call)
{
    net_print(call->out);
}

void monitor_info_usernet(MonitorCall *call)
{
    net_print_user(call->out);
}
