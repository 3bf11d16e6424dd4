/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's life: made of parts, given options, opened, attached, reset, freed.  Under
 * the machine lock, or before the machine starts; device_fault from any thread.
 */

#include "hw/core/device.h"

#include "base/field_value.h"
#include "base/log.h"
#include "hw/core/device_type.h"
#include "hw/core/machine.h"

#include <string.h>

static void *part_config(const Device *dev, unsigned i)
{
    return (u8 *)dev->parts[i].base + dev->parts[i].part->config_at;
}

static void *part_state(const Device *dev, unsigned i)
{
    return (u8 *)dev->parts[i].base + dev->parts[i].part->state_at;
}

void device_add_part(Device *dev, const Part *part, void *base)
{
    g_assert(dev->n_parts < G_N_ELEMENTS(dev->parts));
    dev->parts[dev->n_parts].part = part;
    dev->parts[dev->n_parts].base = base;
    fields_default(part->config, part_config(dev, dev->n_parts));
    dev->n_parts++;
}

Device *device_blank(Machine *machine, const DeviceType *type, const BusType *bus,
                     GError **err)
{
    Device *dev = g_malloc0(type->size);

    dev->type = type;
    dev->bus = bus;
    dev->machine = machine;
    device_add_part(dev, &type->part, dev);
    if (bus && bus->prepare && !bus->prepare(dev, err)) {
        device_free(dev);
        return NULL;
    }
    return dev;
}

/* ---- options ---- */

bool device_option(Device *dev, const KeyVal *pair, GHashTable *given, GError **err)
{
    g_autoptr(GPtrArray) labels = NULL;

    for (unsigned i = 0; i < dev->n_parts; i++) {
        const char *text;
        const Field *field = field_of_pair(dev->parts[i].part->config, pair, &text);

        if (field) {
            g_hash_table_add(given, (gpointer)field);
            return field_set(field, part_config(dev, i), text, err);
        }
    }
    labels = g_ptr_array_new_with_free_func(g_free);
    for (unsigned i = 0; i < dev->n_parts; i++) {
        fields_labels(dev->parts[i].part->config, labels);
    }
    g_ptr_array_add(labels, NULL);
    error_no_option(err, pair, (const char *const *)labels->pdata);
    return false;
}

static bool options_apply(Device *dev, const KeyVals *options, GError **err)
{
    g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);

    if (!globals_apply(dev, given, err)) {
        return false;
    }
    for (unsigned i = 0; options && i < options->n; i++) {
        if (!device_option(dev, &options->pair[i], given, err)) {
            return false;
        }
    }
    for (unsigned i = 0; i < dev->n_parts; i++) {
        if (!fields_complete(dev->parts[i].part->config, given, err)) {
            return false;
        }
    }
    return !dev->type->check || dev->type->check(part_config(dev, 0), err);
}

/* ---- names ---- */

Device *device_find(Machine *machine, const char *id_or_path)
{
    for (unsigned i = 0; i < machine->devices->len; i++) {
        Device *dev = g_ptr_array_index(machine->devices, i);

        if (strcmp(dev->path, id_or_path) == 0) {
            return dev;
        }
    }
    return NULL;
}

static bool id_is_good(const char *id)
{
    for (const char *p = id; *p; p++) {
        if (!g_ascii_isalnum(*p) && (p == id || !strchr("-._", *p))) {
            return false;
        }
    }
    return g_ascii_isalpha(*id);
}

/* The user's id, or the type's name and the first free number. */
static bool device_set_path(Device *dev, const char *id, GError **err)
{
    const char *name = dev->type->name;
    const char *dot = g_ascii_isdigit(name[strlen(name) - 1]) ? "." : "";

    if (id) {
        if (!id_is_good(id)) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "id '%s' is not a letter and then letters, digits, '-', '.' or "
                        "'_'", id);
            return false;
        }
        if (device_find(dev->machine, id)) {
            g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                        "id '%s' is taken by another device", id);
            return false;
        }
        dev->id = g_strdup(id);
        dev->path = g_strdup(id);
        return true;
    }
    for (unsigned n = 0; ; n++) {
        dev->path = g_strdup_printf("%s%s%u", name, dot, n);
        if (!device_find(dev->machine, dev->path)) {
            return true;
        }
        g_free(dev->path);
    }
}

/* ---- life ---- */

static bool device_start(Device *dev, const char *id, const KeyVals *options,
                         GError **err)
{
    if (!device_set_path(dev, id, err) || !options_apply(dev, options, err)) {
        return false;
    }
    dev->opened = true;             /* close takes a half-open one */
    if (dev->type->open && !dev->type->open(dev, err)) {
        return false;
    }
    return !dev->bus || !dev->bus->attach || dev->bus->attach(dev, err);
}

Device *device_new(Machine *machine, const DeviceType *type, const BusType *bus,
                   const char *id, const KeyVals *options, GError **err)
{
    Device *dev = device_blank(machine, type, bus, err);

    if (!dev) {
        return NULL;
    }
    if (!device_start(dev, id, options, err)) {
        device_free(dev);
        return NULL;
    }
    g_ptr_array_add(machine->devices, dev);
    device_reset(dev);
    return dev;
}

Device *device_add(Machine *machine, const DeviceType *type, const char *options,
                   GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(options ? options : "", NULL, err);
    Device *dev = kv ? device_new(machine, type, type->bus[0], NULL, kv, err) : NULL;

    if (!dev) {
        g_prefix_error(err, "%s: ", type->name);
    }
    return dev;
}

void device_free(Device *dev)
{
    if (!dev) {
        return;
    }
    if (dev->machine) {
        g_ptr_array_remove(dev->machine->devices, dev);
    }
    for (unsigned i = 1; i < dev->n_parts; i++) {   /* they lie in what detach frees */
        fields_clear(dev->parts[i].part->config, part_config(dev, i));
    }
    if (dev->bus && dev->bus->detach) {
        dev->bus->detach(dev);
    }
    if (dev->opened && dev->type->close) {
        dev->type->close(dev);
    }
    fields_clear(dev->type->part.config, part_config(dev, 0));
    g_free(dev->id);
    g_free(dev->path);
    g_free(dev);
}

static void state_reset(Device *dev, unsigned i)
{
    const Part *part = dev->parts[i].part;

    if (part->keeps || !part->state) {
        return;
    }
    if (part->reset_state) {
        memcpy(part_state(dev, i), part->reset_state, part->state_size);
    } else {
        memset(part_state(dev, i), 0, part->state_size);
    }
}

static void part_reset(Device *dev, unsigned i)
{
    if (dev->parts[i].part->reset) {
        dev->parts[i].part->reset(dev);
    }
}

void device_reset_part(Device *dev, unsigned part)
{
    state_reset(dev, part);
    part_reset(dev, part);
}

/* No part's hook sees another part's state from before. */
void device_reset(Device *dev)
{
    for (unsigned i = 0; i < dev->n_parts; i++) {
        state_reset(dev, i);
    }
    for (unsigned i = 0; i < dev->n_parts; i++) {
        part_reset(dev, i);
    }
}

void device_print(Device *dev, GString *out)
{
    g_string_append_printf(out, "dev: %s, id \"%s\", desc \"%s\"\n", dev->type->name,
                           dev->path, dev->type->help);
    for (unsigned i = 0; i < dev->n_parts; i++) {
        const Part *part = dev->parts[i].part;

        if (part->config && part->config->name) {
            g_string_append_printf(out, " %s options\n", part->name);
            fields_print(part->config, part_config(dev, i), out);
        }
        if (part->state && part->state->name) {
            g_string_append_printf(out, " %s state\n", part->name);
            fields_print(part->state, part_state(dev, i), out);
        }
    }
}

void device_fault(Device *dev, const char *fmt, ...)
{
    __atomic_fetch_add(&dev->faults, 1, __ATOMIC_RELAXED);
    if (log_is_on(LOG_GUEST_ERROR) &&
        !__atomic_exchange_n(&dev->faulted, true, __ATOMIC_RELAXED)) {
        g_autofree char *text = NULL;
        va_list args;

        va_start(args, fmt);
        text = g_strdup_vprintf(fmt, args);
        va_end(args);
        log_write("%s: %s", dev->path, text);
    }
}
