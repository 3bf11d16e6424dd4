/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -device, as text or JSON; both become what is made later, "TYPE,PROP=VALUE,...".  The
 * main thread.
 */

#include "vm/options.h"

#include "block/options.h"

bool device_judge(VmConfig *config, const char *value, GError **err)
{
    g_autoptr(KeyVals) kv = NULL;
    g_autofree char *driver = NULL;

    if (*value != '{') {
        g_ptr_array_add(config->device, g_strdup(value));
        return true;
    }
    kv = options_from_json(value, err);
    driver = kv ? keyvals_take(kv, "driver") : NULL;
    if (kv && !driver) {
        return refuse(err, "\"driver\" is missing: the device's type");
    }
    if (kv) {
        g_ptr_array_add(config->device, option_join(driver, kv));
    }
    return kv != NULL;
}
