/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -name, -uuid, -boot, -rtc, -initrd, -append: what the guest finds.  Main thread.
 */

#include "vm/options.h"

#include <string.h>

static const char *const rtc_clocks[] = { "host", "rt", "vm", NULL };
static const char *const rtc_driftfixes[] = { "none", "slew", NULL };

const Field name_rows[] = NAME_OPTION(STATE_ROWS);
const Field boot_rows[] = BOOT_OPTION(STATE_ROWS);
const Field rtc_rows[] = RTC_OPTION(STATE_ROWS);

bool with_kernel(VmConfig *config, const char *value, GError **err)
{
    (void)value;
    return config->kernel || refuse(err, "only allowed with -kernel");
}

/* 8-4-4-4-12 hex digits. */
bool uuid_judge(VmConfig *config, const char *value, GError **err)
{
    if (!g_uuid_string_is_valid(value)) {
        return refuse(err, "not a UUID, which looks like "
                      "550e8400-e29b-41d4-a716-446655440000");
    }
    for (unsigned i = 0; i < 16; i++) {
        value += *value == '-';
        config->board.uuid[i] =
            g_ascii_xdigit_value(value[0]) * 16 + g_ascii_xdigit_value(value[1]);
        value += 2;
    }
    config->board.uuid_set = true;
    return true;
}

static bool drives_check(const char *drives, GError **err)
{
    for (const char *p = drives; p && *p; p++) {
        if (!strchr("acdn", *p)) {
            return refuse(err, "Invalid boot device '%c': a floppy, c disk, d CD, "
                          "n network", *p);
        }
        if (strchr(p + 1, *p)) {
            return refuse(err, "Boot device '%c' was given twice", *p);
        }
    }
    return true;
}

bool boot_check(VmConfig *config, const char *value, GError **err)
{
    const BootOption *option = &config->boot;
    BoardConfig *board = &config->board;

    (void)value;
    if (!drives_check(option->order, err) || !drives_check(option->once, err)) {
        return false;
    }
    board->boot_order = option->once ? option->once : option->order;
    board->boot_menu = option->menu;
    board->boot_strict = option->strict;
    board->splash_time = option->splash_time;
    board->reboot_timeout = option->reboot_timeout;
    return true;
}

static bool base_is_right(const char *base)
{
    g_autoptr(GDateTime) date = NULL;
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    g_autofree char *text = NULL;

    if (strcmp(base, "utc") == 0 || strcmp(base, "localtime") == 0) {
        return true;
    }
    text = g_strconcat(base, strchr(base, 'T') ? "" : "T00:00:00", NULL);
    date = g_date_time_new_from_iso8601(text, utc);
    return date && strlen(text) == strlen("2006-06-17T16:01:21");
}

bool rtc_check(VmConfig *config, const char *value, GError **err)
{
    const RtcOption *option = &config->rtc;

    (void)value;
    if (!base_is_right(option->base)) {
        return refuse(err, "base: '%s' is not utc, localtime or a date, such as "
                      "2006-06-17T16:01:21 or 2006-06-17", option->base);
    }
    g_free(config->rtc_text);
    config->rtc_text = g_strdup_printf("base=%s,clock=%s,driftfix=%s", option->base,
                                       rtc_clocks[option->clock],
                                       rtc_driftfixes[option->driftfix]);
    config->board.rtc = config->rtc_text;
    return true;
}
