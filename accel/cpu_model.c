/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models: from "-cpu NAME,+f,-f,f=on", and what the accelerator can do, to what the
 * guest's CPU is.  A model is a name for features and for what CPUID says besides:
 * vendor, family, brand.
 *
 * Beyond what a model lists, every model but "portable" has what makes a virtual
 * machine cheaper (extras below) where the accelerator has it.  Any thread.
 */

#include "accel/cpu_build.h"
#include "base/field.h"
#include "base/keyval.h"
#include "base/log.h"
#include <string.h>

/* ---- models ---- */

typedef struct {
    const char *name, *help;
    const char *vendor, *brand;
    u8 family, model, stepping;
    u8 level;                   /* highest basic leaf at least */
    bool fixed;                 /* the same everywhere: own vendor, no extras */
    const char *features;       /* NULL: all that the accelerator has */
} CpuModel;

#define INTEL "GenuineIntel"
#define AMD "AuthenticAMD"

/* What every 64-bit CPU has, as far as guests see it. */
#define BASE                                                                    \
    "fpu de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 "      \
    "clflush mmx fxsr sse sse2 syscall nx lm "
#define V2 BASE "cx16 lahf-lm popcnt pni ssse3 sse4.1 sse4.2 "

/*
 * What KVM has had on Intel's and AMD's CPUs for years, and the software CPU too.  Not
 * umip and spec-ctrl: AMD's older CPUs have none, or another kind.
 */
#define COMMON                                                                  \
    "x2apic tsc-deadline arat fsgsbase tsc-adjust smep smap rdtscp pdpe1gb "    \
    "xsave xsaveopt hypervisor kvmclock kvmclock-stable-bit arch-capabilities "

static const char *const extras =
    "x2apic tsc-deadline arat hypervisor kvmclock kvm-nopiodelay kvm-asyncpf "
    "kvm-steal-time kvm-pv-eoi kvm-pv-unhalt kvm-pv-tlb-flush kvm-pv-ipi "
    "kvm-poll-control kvm-pv-sched-yield kvm-asyncpf-int kvmclock-stable-bit ";

static const CpuModel models[] = {
    { "host", "this machine's CPU, as far as the accelerator has it", INTEL,
      "Mayfly software CPU", 6, 26, 3, 0xd, false, NULL },
    { "kvm64", "Common KVM processor", INTEL, "Common KVM processor", 15, 6, 1, 0xd,
      false, BASE "cx16 pni " },
    { "max", "everything that the accelerator has", INTEL, "Mayfly software CPU", 6, 26,
      3, 0xd, false, NULL },
    { "portable", "x86-64-v2 and more, the same under every accelerator", INTEL,
      "Mayfly portable CPU", 6, 26, 3, 0xd, true, V2 COMMON },
    { "qemu64", "QEMU Virtual CPU version 2.5+", AMD, "QEMU Virtual CPU version 2.5+",
      15, 107, 1, 0xd, false, BASE "cx16 pni lahf-lm " },
    { "x86-64-v2", "the second level of the x86-64 psABI: SSE4.2, POPCNT", INTEL,
      "x86-64-v2 CPU", 6, 26, 3, 0xd, false, V2 },
};

/* Settings besides features. */
PROPS(CpuProps,
    (bool, enforce,   "refuse to start when a feature that was asked for is not there"),
    (bool, check,     "warn of features that are not there", .def = 1),
    (str,  vendor,    "vendor name of 12 letters", .max = 12),
    (u32,  family,    "family", .max = 0x10e),
    (u32,  model,     "model", .max = 0xff),
    (u32,  stepping,  "stepping", .max = 0xf),
    (str,  model_id,  "brand name", .max = 48),
    (u32,  level,     "highest basic CPUID leaf", .max = 0xff),
    (u32,  phys_bits, "physical address bits, 0: as the accelerator", .max = 52),
    (bool, kvm,       "tell the guest of KVM's interface", .def = 1),
    (bool, host_phys_bits,  "without effect"),
    (bool, host_cache_info, "without effect"),
    (bool, l3_cache,        "without effect", .def = 1),
    (bool, migratable,      "without effect", .def = 1),
    (bool, pmu,             "without effect"));

typedef struct {
    const CpuModel *row;
    CpuProps props;
    bool silent[FEATURES_MAX];  /* wanted, but no matter if it is not there */
    CpuBuild to;
} Build;

/* ---- reading the option ---- */

/* All rows of a name. */
static void set_rows(bool rows[FEATURES_MAX], const char *name, bool value)
{
    for (unsigned i = 0; cpu_features[i].name; i++) {
        if (!strcmp(cpu_features[i].name, name)) {
            rows[i] = value;
        }
    }
}

static void want_list(Build *b, const char *list, bool silent)
{
    g_auto(GStrv) names = g_strsplit(list, " ", -1);

    for (char **name = names; *name; name++) {
        int row = **name ? cpu_feature_find(*name) : -1;

        if (row >= 0 && !b->to.want[row]) {
            set_rows(b->to.want, cpu_features[row].name, true);
            set_rows(b->silent, cpu_features[row].name, silent);
        }
    }
}

static void want_all(Build *b)
{
    for (unsigned i = 0; cpu_features[i].name; i++) {
        b->to.want[i] = cpuid_has_row(b->to.supported, &cpu_features[i]);
    }
}

static bool find_model(Build *b, const char *name, GError **err)
{
    const char *names[G_N_ELEMENTS(models) + 1] = { NULL };
    const char *near;

    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        names[i] = models[i].name;
        if (!strcmp(name, names[i])) {
            b->row = &models[i];
            return true;
        }
    }
    near = nearest_name(name, names);
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                "unable to find CPU model '%s'%s%s%s", name,
                near ? "; did you mean '" : "; '-cpu help' lists them",
                near ? near : "", near ? "'?" : "");
    return false;
}

static bool unknown_word(const char *word, GError **err)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *near;

    for (const CpuFeature *f = cpu_features; f->name; f++) {
        g_ptr_array_add(names, (char *)f->name);
    }
    for (const Field *f = CpuProps_fields; f->name; f++) {
        g_ptr_array_add(names, (char *)f->name);
    }
    g_ptr_array_add(names, NULL);
    near = nearest_name(word, (const char *const *)names->pdata);
    g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "no feature '%s'%s%s%s", word,
                near ? "; did you mean '" : "; '-cpu help' lists them",
                near ? near : "", near ? "'?" : "");
    return false;
}

static bool parse_switch(const char *name, const char *text, bool *value, GError **err)
{
    bool on = !strcmp(text, "on") || !strcmp(text, "yes") || !strcmp(text, "true");
    bool off = !strcmp(text, "off") || !strcmp(text, "no") || !strcmp(text, "false");

    *value = on;
    if (!on && !off) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: '%s' is not on or off",
                    name, text);
    }
    return on || off;
}

/* One word: "+f", "-f", "f", "f=on", "family=6". */
static bool parse_word(Build *b, const char *word, GError **err)
{
    bool sign = *word == '+' || *word == '-', value = *word != '-';
    g_auto(GStrv) parts = g_strsplit(word + sign, "=", 2);
    const char *text = parts[0] ? parts[1] : NULL;
    const Field *field;
    int row;

    if (!parts[0] || !*parts[0] || (sign && text)) {
        return unknown_word(word, err);
    }
    field = sign ? NULL : field_find(CpuProps_fields, parts[0]);
    if (field) {
        return field_set(field, &b->props, text ? text : "on", err);
    }
    row = cpu_feature_find(parts[0]);
    if (row < 0) {
        return unknown_word(parts[0], err);
    }
    if (text && !parse_switch(parts[0], text, &value, err)) {
        return false;
    }
    set_rows(b->to.want, cpu_features[row].name, value);
    set_rows(b->silent, cpu_features[row].name, false);
    return true;
}

static void props_default(Build *b)
{
    fields_default(CpuProps_fields, &b->props);
    b->props.family = b->row->family;
    b->props.model = b->row->model;
    b->props.stepping = b->row->stepping;
    b->props.level = b->row->level;
}

static bool parse(Build *b, const char *text, GError **err)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    if (!find_model(b, words[0] ? words[0] : "", err)) {
        return false;
    }
    props_default(b);
    if (!b->row->features) {
        want_all(b);
    } else {
        want_list(b, b->row->features, false);
        want_list(b, b->row->fixed ? "" : extras, true);
    }
    for (char **word = words + 1; *word; word++) {
        if (!parse_word(b, *word, err)) {
            return false;
        }
    }
    if (b->props.phys_bits && b->props.phys_bits < 32) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "phys-bits: '%u' is not a number from 32 to 52",
                    b->props.phys_bits);
        return false;
    }
    if (b->props.vendor && strlen(b->props.vendor) != 12) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "vendor: '%s' is not 12 letters", b->props.vendor);
        return false;
    }
    return true;
}

/* Takes back what the accelerator does not have; fails with enforce, else warns. */
static bool meet_accelerator(Build *b, GError **err)
{
    g_autoptr(GString) missing = g_string_new(NULL);
    const char *last = "";

    for (unsigned i = 0; cpu_features[i].name; i++) {
        const CpuFeature *f = &cpu_features[i];

        if (!b->to.want[i] || cpuid_has_row(b->to.supported, f)) {
            continue;
        }
        b->to.want[i] = false;
        if (!b->silent[i] && strcmp(last, f->name)) {
            g_string_append_printf(missing, "%s%s", missing->len ? ", " : "", f->name);
            last = f->name;
        }
    }
    if (missing->len && b->props.enforce) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "this accelerator has no %s, and enforce was given", missing->str);
        return false;
    }
    if (missing->len && b->props.check) {
        warn_user("-cpu %s: this accelerator has no %s", b->row->name, missing->str);
    }
    return true;
}

/* The accelerator's identity is host's and max's, unless the user gives another. */
static void resolve(Build *b)
{
    enum { USUAL_BITS = 40, FIXED_BITS = 39 };      /* 39: the narrowest usual host */
    const CpuProps *p = &b->props;
    const CpuModel *row = b->row;
    const CpuidLeaf *sizes = cpuid_find((CpuidTable *)b->to.supported, 0x80000008, 0);
    u32 most = sizes ? sizes->eax & 0xff : USUAL_BITS;
    bool brand = cpuid_find((CpuidTable *)b->to.supported, 0x80000002, 0);

    b->to.whole = !row->features;
    b->to.vendor = p->vendor ? p->vendor : row->vendor;
    b->to.own_vendor = p->vendor || row->fixed;
    b->to.brand = p->model_id ? p->model_id : b->to.whole && brand ? NULL : row->brand;
    b->to.family = p->family;
    b->to.model = p->model;
    b->to.stepping = p->stepping;
    b->to.own_family = !b->to.whole || p->family != row->family ||
                       p->model != row->model || p->stepping != row->stepping;
    b->to.level = p->level;
    b->to.kvm = p->kvm;
    b->to.phys_bits = p->phys_bits ? p->phys_bits : b->to.whole ? 0
                    : MIN(most, row->fixed ? FIXED_BITS : USUAL_BITS);
}

bool cpu_model_build(const char *text, const CpuidTable *supported,
                     const CpuTopology *topology, CpuidTable *out, GError **err)
{
    Build b = { .to = { .supported = supported, .topology = topology, .out = out } };
    bool ok = parse(&b, text, err) && meet_accelerator(&b, err);

    if (ok) {
        resolve(&b);
        cpu_leaves_build(&b.to);
    } else {
        g_prefix_error(err, "-cpu %s: ", text);
    }
    fields_clear(CpuProps_fields, &b.props);
    return ok;
}

/* ---- help ---- */

void cpu_models_help(GString *out)
{
    unsigned column = 0;

    g_string_append(out, "Available CPUs:\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        g_string_append_printf(out, "x86 %-20s  %s\n", models[i].name, models[i].help);
    }
    g_string_append(out, "\nSettings (NAME,vendor=x):\n");
    fields_help(CpuProps_fields, out);
    g_string_append(out, "\nRecognized CPUID flags (NAME,+x,-y,z=on):\n");
    for (const CpuFeature *f = cpu_features; f->name; f++) {
        if (f > cpu_features && !strcmp(f->name, f[-1].name)) {
            continue;
        }
        column = column + strlen(f->name) + 1 > 76 || !column ? 0 : column;
        g_string_append(out, column ? " " : f > cpu_features ? "\n  " : "  ");
        g_string_append(out, f->name);
        column += strlen(f->name) + 1;
    }
    g_string_append(out, "\n");
}
