/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -virtfs: a shared folder and its device in one option, as QEMU's; it becomes what
 * -fsdev and -device take.  Main thread.
 */

#include "vm/options.h"

#include "base/keyval.h"

#include <string.h>

/* Without an id, the tag is the name. */
bool virtfs_judge(VmConfig *config, const char *value, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(value, "fsdriver", err);
    g_autofree char *driver = kv ? keyvals_take(kv, "fsdriver") : NULL;
    g_autofree char *tag = kv ? keyvals_take(kv, "mount_tag") : NULL;
    g_autoptr(GString) share = NULL, device = NULL;
    const char *id;

    if (!kv) {
        return false;
    }
    if (!driver || !tag) {
        return refuse(err, "the %s is missing: -virtfs local,path=FOLDER,mount_tag=TAG,"
                      "security_model=none", driver ? "mount_tag" : "kind of folder");
    }
    if (!keyvals_get(kv, "id")) {
        keyvals_set(kv, "id", tag);
    }
    id = keyvals_get(kv, "id");
    device = g_string_new("virtio-9p-pci");
    option_append_pair(device, "fsdev", id);
    option_append_pair(device, "mount_tag", tag);
    share = g_string_new(driver);
    for (unsigned i = 0; i < kv->n; i++) {
        option_append_pair(share, kv->pair[i].key, kv->pair[i].value);
    }
    g_ptr_array_add(config->fsdev, g_string_free(g_steal_pointer(&share), FALSE));
    g_ptr_array_add(config->device, g_string_free(g_steal_pointer(&device), FALSE));
    return true;
}
