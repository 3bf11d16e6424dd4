/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which accelerators there are, and choosing one.  Main thread.
 */

#include "accel/accel.h"
#include "accel/soft/soft.h"
#include "config.h"

#include <string.h>

#ifdef CONFIG_KVM
#include "accel/kvm/kvm.h"
#endif

const AccelType *const accel_types[] = {
#ifdef CONFIG_KVM
    &accel_kvm,
#endif
    &accel_soft,
    NULL
};

static bool is_called(const AccelType *type, const char *name)
{
    bool is = !strcmp(type->name, name);

    for (unsigned i = 0; i < G_N_ELEMENTS(type->aliases) && type->aliases[i] && !is;
         i++) {
        is = !strcmp(type->aliases[i], name);
    }
    return is;
}

const AccelType *accel_find(const char *name)
{
    for (unsigned i = 0; accel_types[i]; i++) {
        if (is_called(accel_types[i], name)) {
            return accel_types[i];
        }
    }
    return NULL;
}

void accel_types_help(GString *out)
{
    g_string_append(out, "Accelerators supported in this binary:\n");
    for (unsigned i = 0; accel_types[i]; i++) {
        const AccelType *type = accel_types[i];

        g_string_append_printf(out, "%-8s %s", type->name, type->help);
        if (type->aliases[0]) {
            g_string_append_printf(out, " (also called %s)", type->aliases[0]);
        }
        g_string_append_c(out, '\n');
    }
}

/* Opens one; what is left of its options nobody knows. */
static bool open_one(Machine *machine, const AccelType *type, const char *options,
                     AccelConfig *config, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(options, NULL, err);

    if (!kv) {
        return false;
    }
    config->options = kv;
    if (!type->open(machine, config, err)) {
        return false;
    }
    if (kv->n) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "the accelerator %s has no option '%s'", type->name,
                    kv->pair[0].key);
        accel_close(machine->accel);
        return false;
    }
    return true;
}

/*
 * One of several: what can't run here is passed over, with its reason; what can and
 * then fails to is an error, because that is not what the user expects.
 */
bool accel_open(Machine *machine, const char *const *names, AccelConfig *config,
                char **said, GError **err)
{
    g_autoptr(GString) why = g_string_new(NULL);

    for (unsigned i = 0; names[i]; i++) {
        g_auto(GStrv) parts = g_strsplit(names[i], ",", 2);
        const AccelType *type = accel_find(parts[0]);
        g_autofree char *reason = NULL;

        if (!type) {
            g_string_append_printf(why, "%sinvalid accelerator %s",
                                   why->len ? "; " : "", parts[0]);
        } else if (names[1] && !type->probe(&reason)) {
            g_string_append_printf(why, "%sno %s: %s", why->len ? "; " : "", type->name,
                                   reason);
        } else {
            if (!open_one(machine, type, parts[1] ? parts[1] : "", config, err)) {
                g_prefix_error(err, "%s: ", type->name);
                return false;
            }
            if (said) {
                *said = g_strdup_printf("running on %s%s%s%s", type->name,
                                        why->len ? " (" : "", why->str,
                                        why->len ? ")" : "");
            }
            return true;
        }
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s",
                why->len ? why->str : "no accelerator was named");
    return false;
}
