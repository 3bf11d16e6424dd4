/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options about this process: the terminal, the log, the background; and which serial
 * ports and monitors there are when none was asked for.  Main thread.
 */

#include "vm/options.h"

#include "base/keyval.h"
#include "base/log.h"

#include <string.h>

static const char *const mem_locks[] = { "off", "on", "on-fault", NULL };
static const char *const mon_modes[] = { "readline", "control", NULL };

const Field msg_rows[] = MSG_OPTION(STATE_ROWS);
const Field overcommit_rows[] = OVERCOMMIT_OPTION(STATE_ROWS);
const Field mon_rows[] = MON_OPTION(STATE_ROWS);

bool no_reboot_judge(VmConfig *config, const char *value, GError **err)
{
    (void)value, (void)err;
    config->actions.reboot = REBOOT_SHUTDOWN;
    return true;
}

bool no_shutdown_judge(VmConfig *config, const char *value, GError **err)
{
    (void)value, (void)err;
    config->actions.shutdown = SHUTDOWN_PAUSE;
    return true;
}

bool log_judge(VmConfig *config, const char *value, GError **err)
{
    (void)config;
    return log_set(value, err);
}

bool escape_judge(VmConfig *config, const char *value, GError **err)
{
    u64 key;

    if (!number_parse(value, 0, UINT8_MAX, &key)) {
        return refuse(err, "not a number from 0 to 255: 1 is Ctrl-A, 2 Ctrl-B and so "
                      "on, 0 no key");
    }
    config->escape_key = key;
    return true;
}

bool sandbox_judge(VmConfig *config, const char *value, GError **err)
{
    (void)config, (void)err;
    if (g_str_has_prefix(value, "on")) {
        warn_user("-sandbox %s: there is no system-call filter yet", value);
    }
    return true;
}

bool mon_judge(VmConfig *config, const char *value, GError **err)
{
    MonOption option = { 0 };
    bool control, right = fields_parse(mon_rows, &option, value, "chardev", NULL, err);

    (void)config;
    control = right && option.mode == 1;
    fields_clear(mon_rows, &option);
    return right && (!control || refuse(err, "QMP is not there yet; mode=readline is"));
}

static bool any_on_stdio(GPtrArray *values)
{
    for (unsigned i = 0; i < values->len; i++) {
        const char *value = values->pdata[i];

        if (g_str_has_prefix(value, "stdio") || g_str_has_prefix(value, "mon:stdio")) {
            return true;
        }
    }
    return false;
}

static bool uses_stdio(const VmConfig *config)
{
    return any_on_stdio(config->serial) || any_on_stdio(config->monitor) ||
           any_on_stdio(config->chardev);
}

/*
 * As QEMU does it with -nographic: the first serial port and the monitor share the
 * terminal, unless something else uses it.  That is also what happens where no window
 * can be had and none was asked for; but with "-display none" the terminal is not ours.
 */
bool serial_check(VmConfig *config, const char *value, GError **err)
{
    bool serial = !config->nodefaults && config->serial->len == 0;
    bool monitor = !config->nodefaults && config->monitor->len + config->mon->len == 0;
    bool terminal = (config->nographic || config->display.type == DISPLAY_DEFAULT) &&
                    !config->daemonize && !uses_stdio(config);

    (void)value;
    if (config->serial->len > BOARD_SERIALS) {
        return refuse(err, "there is room for %d serial ports", BOARD_SERIALS);
    }
    config->no_window = terminal && (serial || monitor) && !config->nographic;
    if (serial && monitor && terminal) {
        g_ptr_array_add(config->serial, g_strdup("mon:stdio"));
    } else if (serial) {
        g_ptr_array_add(config->serial, g_strdup(terminal ? "stdio" : "null"));
    } else if (monitor && terminal) {
        g_ptr_array_add(config->monitor, g_strdup("stdio"));
    }
    return true;
}

bool daemonize_check(VmConfig *config, const char *value, GError **err)
{
    (void)value;
    if (config->nographic) {
        return refuse(err, "-nographic cannot be used with -daemonize");
    }
    return !uses_stdio(config) || refuse(err, "cannot use stdio with -daemonize");
}
