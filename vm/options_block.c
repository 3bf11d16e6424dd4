/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options for disks that are short for -drive.  Main thread.
 */

#include "vm/options.h"

/* "file=NAME" with its commas doubled, and what else is said of it. */
static bool add_drive(VmConfig *config, const char *name, const char *words)
{
    g_auto(GStrv) parts = g_strsplit(name, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts);

    g_ptr_array_add(config->drive, g_strdup_printf("file=%s,%s", escaped, words));
    return true;
}

bool hda_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, "index=0,media=disk");
}

bool hdb_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, "index=1,media=disk");
}

bool hdc_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, "index=2,media=disk");
}

bool hdd_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, "index=3,media=disk");
}

bool cdrom_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, "index=2,media=cdrom");
}

bool pflash_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, "if=pflash");
}
