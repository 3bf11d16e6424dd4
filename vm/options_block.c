/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options for disks that are short for -drive.  Main thread.
 */

#include "vm/options.h"

/* "file=NAME" with its commas doubled. */
static bool add_drive(VmConfig *config, const char *name, unsigned index,
                      const char *media)
{
    g_auto(GStrv) parts = g_strsplit(name, ",", -1);
    g_autofree char *escaped = g_strjoinv(",,", parts);

    g_ptr_array_add(config->drive, g_strdup_printf("file=%s,index=%u,media=%s", escaped,
                                                   index, media));
    return true;
}

bool hda_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, 0, "disk");
}

bool hdb_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, 1, "disk");
}

bool hdc_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, 2, "disk");
}

bool hdd_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, 3, "disk");
}

bool cdrom_judge(VmConfig *config, const char *value, GError **err)
{
    (void)err;
    return add_drive(config, value, 2, "cdrom");
}
