/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -machine, -accel, -enable-kvm, -smp, -m: what the machine is and what runs it.  Main thread.
 */

#include "vm/options.h"

#include "accel/accel.h"
#include "base/keyval.h"
#include "base/log.h"

#include <string.h>

static const char *const off_only[] = { "off", NULL };
static const char *const off_or_auto[] = { "auto", "off", NULL };
static const char *const split_or_on[] = { "split", "on", NULL };

const Field machine_rows[] = MACHINE_OPTION(STATE_ROWS);
const Field smp_rows[] = SMP_OPTION(STATE_ROWS);
const Field memory_rows[] = MEMORY_OPTION(STATE_ROWS);

/* ---- -machine ---- */

/* There is one board; scripts know it by all these names. */
static const struct {
    const char *pattern, *name, *help;
} boards[] = {
    { "pc",          "pc",             "the same as q35" },
    { "pc-i440fx-*", "pc-i440fx-X.Y",  "the same as q35" },
    { "pc-q35-*",    "pc-q35-X.Y",     "the same as q35" },
    { "q35",         "q35",            "PC with PCI Express and an ICH9 chipset (default)" },
};

void machines_help(GString *out)
{
    g_string_append(out, "Supported machines are:\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(boards); i++) {
        g_string_append_printf(out, "%-20s %s\n", boards[i].name, boards[i].help);
    }
}

/* Appends the known ones of `names` ("kvm:soft"); says which are not known. */
static void add_accels(const char *names, GPtrArray *known, unsigned *asked)
{
    g_auto(GStrv) words = g_strsplit(names, ":", -1);

    for (char **word = words; *word; word++) {
        g_autofree char *name = g_strndup(*word, strcspn(*word, ","));

        (*asked)++;
        if (accel_find(name)) {
            g_ptr_array_add(known, g_strdup(*word));
        } else {
            info_user("invalid accelerator %s", name);
        }
    }
}

static bool set_accels(VmConfig *config, GPtrArray *known, unsigned asked, GError **err)
{
    if (known->len == 0) {
        return refuse(err, "no such accelerator; '-accel help' lists them");
    }
    config->accel_chosen = asked == 1;
    g_ptr_array_add(known, NULL);
    g_strfreev(config->accels);
    config->accels = (char **)g_ptr_array_steal(known, NULL);
    return true;
}

bool machine_check(VmConfig *config, const char *value, GError **err)
{
    const MachineOption *option = &config->machine;
    bool found = false;

    (void)value;
    for (unsigned i = 0; i < G_N_ELEMENTS(boards); i++) {
        found |= g_pattern_match_simple(boards[i].pattern, option->type);
    }
    if (!found) {
        return refuse(err, "unsupported machine type '%s'; '-machine help' lists them",
                      option->type);
    }
    config->board.machine_name = option->type;
    config->board.no_acpi = config->no_acpi || !option->acpi;
    config->board.no_hpet = config->no_hpet || !option->hpet;
    config->board.no_i8042 = !option->i8042;
    if (option->accel) {
        g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
        unsigned asked = 0;

        add_accels(option->accel, known, &asked);
        return set_accels(config, known, asked, err);
    }
    return true;
}

/* ---- -accel ---- */

bool enable_kvm_judge(VmConfig *config, const char *value, GError **err)
{
    (void)value, (void)err;
    g_free(config->machine.accel);
    config->machine.accel = g_strdup("kvm");
    return true;
}

bool accel_check(VmConfig *config, const char *value, GError **err)
{
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
    unsigned asked = 0;

    (void)value;
    if (config->accel->len && config->accels) {
        return refuse(err, "can't be given together with -machine accel= or -enable-kvm");
    }
    if (config->accels) {
        return true;
    }
    for (unsigned i = 0; i < config->accel->len; i++) {
        add_accels(config->accel->pdata[i], known, &asked);
    }
    for (unsigned i = 0; !asked && accel_types[i]; i++) {
        g_ptr_array_add(known, g_strdup(accel_types[i]->name));
    }
    return set_accels(config, known, asked, err);
}

/* ---- -smp ---- */

/*
 * Fills what was not given, as QEMU has done since 6.2: cores before sockets.  The rows limit each number, so
 * that products fit.
 */
static void complete_topology(SmpOption *smp)
{
    u64 all = smp->maxcpus ? smp->maxcpus : smp->cpus;

    if (all && !smp->cores) {
        smp->sockets = MAX(smp->sockets, 1);
        smp->threads = MAX(smp->threads, 1);
        smp->cores = MAX(all / ((u64)smp->sockets * smp->threads), 1);
    } else if (all && !smp->sockets) {
        smp->threads = MAX(smp->threads, 1);
        smp->sockets = MAX(all / ((u64)smp->cores * smp->threads), 1);
    } else if (all && !smp->threads) {
        smp->threads = MAX(all / ((u64)smp->sockets * smp->cores), 1);
    }
    smp->sockets = MAX(smp->sockets, 1);
    smp->cores = MAX(smp->cores, 1);
    smp->threads = MAX(smp->threads, 1);
}

bool smp_check(VmConfig *config, const char *value, GError **err)
{
    SmpOption *smp = &config->smp;
    u64 product, max;

    (void)value;
    complete_topology(smp);
    product = (u64)smp->sockets * smp->cores * smp->threads;
    max = smp->maxcpus ? smp->maxcpus : smp->cpus ? smp->cpus : product;
    smp->cpus = smp->cpus ? smp->cpus : max;
    if (max > SMP_MAX) {
        return refuse(err, "Invalid SMP CPUs %" G_GUINT64_FORMAT ". The max CPUs supported by "
                      "machine '%s' is %d", max, config->machine.type, SMP_MAX);
    }
    if (product != max) {
        return refuse(err, "Invalid CPU topology: product of the hierarchy must match maxcpus: "
                      "sockets (%u) * cores (%u) * threads (%u) != maxcpus (%u)",
                      smp->sockets, smp->cores, smp->threads, (unsigned)max);
    }
    if (smp->cpus > max) {
        return refuse(err, "Invalid CPU topology: maxcpus must be equal to or greater than smp: "
                      "maxcpus (%u) < smp_cpus (%u)", (unsigned)max, smp->cpus);
    }
    config->topology = (CpuTopology){ smp->cpus, smp->sockets, smp->cores, smp->threads };
    config->board.sockets = smp->sockets;
    config->board.cores = smp->cores;
    config->board.threads = smp->threads;
    config->board.max_cpus = max;
    return true;
}

/* ---- -m ---- */

bool memory_check(VmConfig *config, const char *value, GError **err)
{
    const MemoryOption *option = &config->memory;
    u64 bytes, most;

    (void)value;
    if (!size_parse(option->size, MiB, &bytes) || bytes < MiB || bytes > TiB) {
        return refuse(err, "'%s' is not a size from 1M to 1T, such as 512 (MiB), 512M or 4G",
                      option->size);
    }
    if (option->maxmem && (!size_parse(option->maxmem, 1, &most) || most < bytes)) {
        return refuse(err, "maxmem: '%s' is not a size that is at least that of the RAM",
                      option->maxmem);
    }
    config->ram_bytes = (bytes + PAGE_BYTES - 1) & PAGE_MASK;
    return true;
}
