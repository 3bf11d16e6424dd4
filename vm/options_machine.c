/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -machine, -accel, -enable-kvm, -smp, -m: what the machine is and what runs it.  Main
 * thread.
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
    { "pc", "pc", "the same as q35" },
    { "pc-i440fx-*", "pc-i440fx-X.Y", "the same as q35" },
    { "pc-q35-*", "pc-q35-X.Y", "the same as q35" },
    { "q35", "q35", "PC with PCI Express and an ICH9 chipset (default)" },
};

void machines_help(GString *out)
{
    g_string_append(out, "Supported machines are:\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(boards); i++) {
        g_string_append_printf(out, "%-20s %s\n", boards[i].name, boards[i].help);
    }
}

typedef struct {
    GPtrArray *known;           /* "kvm", "soft,x=y" */
    GString *unknown;           /* "hvf, xen" */
    unsigned asked;
} AccelNames;

static void add_accels(AccelNames *names, const char *list)
{
    g_auto(GStrv) words = g_strsplit(list, ":", -1);

    for (char **word = words; *word; word++) {
        g_autofree char *name = g_strndup(*word, strcspn(*word, ","));

        names->asked++;
        if (accel_find(name)) {
            g_ptr_array_add(names->known, g_strdup(*word));
        } else {
            g_string_append_printf(names->unknown, "%s%s",
                                   names->unknown->len ? ", " : "", name);
        }
    }
}

/*
 * Unknown names among known ones are passed over: scripts list what other hosts have.
 */
static bool set_accels(VmConfig *config, AccelNames *names, GError **err)
{
    bool some = names->known->len > 0;

    g_strfreev(config->accels);
    g_ptr_array_add(names->known, NULL);
    config->accels = (char **)g_ptr_array_free(names->known, FALSE);
    config->accel_chosen = names->asked == 1;
    if (!some) {
        refuse(err, "invalid accelerator %s; '-accel help' lists them",
               names->unknown->str);
    } else if (names->unknown->len) {
        info_user("invalid accelerator %s", names->unknown->str);
    }
    g_string_free(names->unknown, TRUE);
    return some;
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
        AccelNames names = { g_ptr_array_new(), g_string_new(NULL), 0 };

        add_accels(&names, option->accel);
        return set_accels(config, &names, err);
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
    AccelNames names;

    (void)value;
    if (config->loaded && config->accel->len) {     /* given anew */
        g_clear_pointer(&config->accels, g_strfreev);
    }
    if (config->accel->len && config->accels) {
        return refuse(err, "can't be given together with -machine accel= or "
                      "-enable-kvm");
    }
    if (config->accels) {
        return true;
    }
    names = (AccelNames){ g_ptr_array_new(), g_string_new(NULL), 0 };
    for (unsigned i = 0; i < config->accel->len; i++) {
        add_accels(&names, config->accel->pdata[i]);
    }
    for (unsigned i = 0; !names.asked && accel_types[i]; i++) {
        g_ptr_array_add(names.known, g_strdup(accel_types[i]->name));
    }
    return set_accels(config, &names, err);
}

/* ---- -smp ---- */

/*
 * Fills what was not given, as QEMU has done since 6.2: cores before sockets.  The rows
 * limit each number, so that products fit.
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

/* The wording is QEMU's: scripts know it. */
static bool topology_check(const SmpOption *smp, u64 max, const char *machine,
                           GError **err)
{
    u64 product = (u64)smp->sockets * smp->cores * smp->threads;

    if (max > SMP_MAX) {
        return refuse(err, "Invalid SMP CPUs %" G_GUINT64_FORMAT ". The max CPUs "
                      "supported by machine '%s' is %d", max, machine, SMP_MAX);
    }
    if (product != max) {
        return refuse(err, "Invalid CPU topology: product of the hierarchy must match "
                      "maxcpus: sockets (%u) * cores (%u) * threads (%u) != maxcpus "
                      "(%u)", smp->sockets, smp->cores, smp->threads, (unsigned)max);
    }
    if (smp->cpus > max) {
        return refuse(err, "Invalid CPU topology: maxcpus must be equal to or greater "
                      "than smp: maxcpus (%u) < smp_cpus (%u)", (unsigned)max,
                      smp->cpus);
    }
    return true;
}

bool smp_check(VmConfig *config, const char *value, GError **err)
{
    SmpOption *smp = &config->smp;
    u64 max;

    (void)value;
    complete_topology(smp);
    max = smp->maxcpus ? smp->maxcpus : smp->cpus ? smp->cpus
          : (u64)smp->sockets * smp->cores * smp->threads;
    smp->cpus = smp->cpus ? smp->cpus : max;
    config->topology = (CpuTopology){ smp->cpus, smp->sockets, smp->cores,
                                      smp->threads };
    config->board.sockets = smp->sockets;
    config->board.cores = smp->cores;
    config->board.threads = smp->threads;
    config->board.max_cpus = max;
    return topology_check(smp, max, config->machine.type, err);
}

/* ---- -m ---- */

bool memory_check(VmConfig *config, const char *value, GError **err)
{
    const MemoryOption *option = &config->memory;
    u64 bytes, most;

    (void)value;
    if (!size_parse(option->size, MiB, &bytes) || bytes < MiB || bytes > TiB) {
        return refuse(err, "'%s' is not a size from 1M to 1T, such as 512 (MiB), 512M "
                      "or 4G", option->size);
    }
    if (option->maxmem && (!size_parse(option->maxmem, 1, &most) || most < bytes)) {
        return refuse(err, "maxmem: '%s' is not a size that is at least that of the "
                      "RAM", option->maxmem);
    }
    config->ram_bytes = (bytes + PAGE_BYTES - 1) & PAGE_MASK;
    return true;
}
