/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which firmware tries devices, for those that have a bootindex: file
 * "bootorder" in fw_cfg, one OpenFirmware path per line, as SeaBIOS and OVMF read it.
 * What has none comes after, by kind (-boot order=, in CMOS); with strict=on it is not
 * tried.  Before the machine starts.
 */

#include "hw/machine/q35.h"

#include <string.h>

typedef struct {
    u32 index;
    char *path;
    const char *device;
} Entry;

static void entry_clear(void *opaque)
{
    g_free(((Entry *)opaque)->path);
}

static int entry_compare(const void *a, const void *b)
{
    const Entry *x = a, *y = b;

    return x->index < y->index ? -1 : x->index > y->index;
}

static GArray *gather(Machine *machine)
{
    GArray *entries = g_array_new(FALSE, FALSE, sizeof(Entry));

    g_array_set_clear_func(entries, entry_clear);
    for (unsigned i = 0; i < machine->devices->len; i++) {
        Device *dev = g_ptr_array_index(machine->devices, i);
        Entry entry = { NO_BOOTINDEX, NULL, dev->path };

        if (dev->type->boot_path) {
            entry.path = dev->type->boot_path(dev, &entry.index);
        }
        if (entry.index != NO_BOOTINDEX) {
            g_array_append_val(entries, entry);
        } else {
            entry_clear(&entry);
        }
    }
    g_array_sort(entries, entry_compare);
    return entries;
}

static bool are_different(const GArray *entries, GError **err)
{
    for (unsigned i = 1; i < entries->len; i++) {
        const Entry *one = &g_array_index(entries, Entry, i - 1), *two = one + 1;

        if (one->index == two->index) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "The bootindex %u has already been used: %s and %s have it",
                        one->index, one->device, two->device);
            return false;
        }
    }
    return true;
}

/* The last line ends with a zero instead.  HALT: nothing else is tried. */
bool q35_add_boot_order(Q35 *q35, GError **err)
{
    g_autoptr(GArray) entries = gather(q35->machine);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!are_different(entries, err)) {
        return false;
    }
    for (unsigned i = 0; i < entries->len; i++) {
        g_string_append_printf(text, "%s%s", i ? "\n" : "",
                               g_array_index(entries, Entry, i).path);
    }
    if (q35->config->boot_strict) {
        g_string_append_printf(text, "%sHALT", text->len ? "\n" : "");
    }
    return !text->len || fw_cfg_add_file(q35->machine->fw_cfg, "bootorder", text->str,
                                         text->len + 1, err);
}
