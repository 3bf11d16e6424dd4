/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU models: what -cpu means, exact error texts, features that the accelerator lacks,
 * CPUID as a guest reads it.  Identities of qemu64 and kvm64 are those that QEMU gives
 * them.
 */

#include "accel/cpu_model.h"
#include "accel/soft/soft.h"
#include <string.h>

static const CpuTopology one = { 1, 1, 1, 1 };

/* An accelerator with everything that has a name, and a vendor and CPU of its own. */
static CpuidTable supported_all(void)
{
    CpuidTable t = { .n = 0 };

    for (const CpuFeature *f = cpu_features; f->name; f++) {
        *cpuid_register(cpuid_add(&t, f->leaf, f->index,
                                  f->leaf == 7 || f->leaf == 0xd),
                        f->reg) |= 1u << f->bit;
    }
    *cpuid_add(&t, 0, 0, false) =
        (CpuidLeaf){ 0, 0, false, 0x20, 0x756e6547, 0x6c65746e, 0x49656e69 };
    cpuid_add(&t, 1, 0, false)->eax = 0x806f8;
    cpuid_add(&t, 0xd, 0, true)->eax = 7;
    *cpuid_add(&t, 0xd, 2, true) = (CpuidLeaf){ 0xd, 2, true, 256, 576, 0, 0 };
    cpuid_add(&t, 0x80000008, 0, false)->eax = 52;
    *cpuid_add(&t, 0x40000000, 0, false) =
        (CpuidLeaf){ 0x40000000, 0, false, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d };
    return t;
}

static CpuidTable build(const char *text, const CpuidTable *supported)
{
    GError *err = NULL;
    CpuidTable out;

    g_assert_true(cpu_model_build(text, supported, &one, &out, &err));
    g_assert_no_error(err);
    return out;
}

static char *vendor(const CpuidTable *t)
{
    CpuidLeaf leaf = cpuid_query(t, 0, 0);
    char *text = g_malloc0(13);

    memcpy(text, &leaf.ebx, 4);
    memcpy(text + 4, &leaf.edx, 4);
    memcpy(text + 8, &leaf.ecx, 4);
    return text;
}

/* ---- models ---- */

static const struct {
    const char *text, *vendor;
    u32 eax;                    /* leaf 1 */
    const char *has, *lacks;
} models[] = {
    { "qemu64,vendor=AuthenticAMD", "AuthenticAMD", 0x60fb1,
      "lm nx cx16 pni lahf-lm apic", "ssse3 popcnt avx" },
    { "kvm64", "GenuineIntel", 0xf61, "lm nx cx16 pni", "ssse3 lahf-lm" },
    { "x86-64-v2", "GenuineIntel", 0x106a3,
      "cmov cx8 fpu fxsr mmx syscall sse sse2 cx16 lahf-lm popcnt pni sse4.1 sse4.2 "
      "ssse3",
      "avx avx2 bmi1" },
    { "portable", "GenuineIntel", 0x106a3, "sse4.2 smep smap xsave kvmclock x2apic",
      "avx pcid kvm-steal-time" },
    { "host", "GenuineIntel", 0x806f8, "avx2 amx-tile kvm-pv-eoi svm", "" },
    { "max", "GenuineIntel", 0x806f8, "avx512f", "" },
    { "max,family=15,model=107,stepping=1", "GenuineIntel", 0x60fb1, "", "" },
};

static void test_models(void)
{
    CpuidTable all = supported_all();

    for (unsigned i = 0; i < G_N_ELEMENTS(models); i++) {
        CpuidTable t = build(models[i].text, &all);
        g_autofree char *name = vendor(&t);
        g_auto(GStrv) has = g_strsplit(models[i].has, " ", -1);
        g_auto(GStrv) lacks = g_strsplit(models[i].lacks, " ", -1);

        g_test_message("%s", models[i].text);
        g_assert_cmpstr(name, ==, models[i].vendor);
        g_assert_cmphex(cpuid_query(&t, 1, 0).eax, ==, models[i].eax);
        for (unsigned j = 0; has[j]; j++) {
            g_test_message("has %s", has[j]);
            g_assert_true(cpuid_has(&t, has[j]));
        }
        for (unsigned j = 0; lacks[j]; j++) {
            g_test_message("lacks %s", lacks[j]);
            g_assert_false(cpuid_has(&t, lacks[j]));
        }
    }
}

/* The same everywhere: also under an accelerator of another vendor. */
static void test_portable(void)
{
    CpuidTable all = supported_all(), soft, a, b;

    cpuid_find(&all, 0, 0)->ebx = 0x68747541;
    soft_cpuid_supported(&soft, 1000000, GiB);
    a = build("portable", &all);
    b = build("portable", &soft);
    for (unsigned i = 0; i < a.n; i++) {
        const CpuidLeaf *x = &a.leaf[i];
        CpuidLeaf y = cpuid_query(&b, x->leaf, x->index);

        if (x->leaf < 0x40000000 || x->leaf >= 0x80000000) {
            g_test_message("leaf %#x, %u", x->leaf, x->index);
            g_assert_cmpmem(&x->eax, 16, &y.eax, 16);
        }
    }
    g_assert_cmphex(cpuid_query(&a, 0x40000001, 0).eax, ==,
                    cpuid_query(&b, 0x40000001, 0).eax);
}

/*
 * Leaf 0x80000008: all RAM can be addressed, with 2 GiB of it above the hole below 4
 * GiB.
 */
static void test_address_bits(void)
{
    for (u64 ram = MiB; ram <= TiB; ram *= 2) {
        CpuidTable t;

        soft_cpuid_supported(&t, 1000000, ram);
        g_assert_cmphex(1ull << (cpuid_find(&t, 0x80000008, 0)->eax & 0xff), >=,
                        ram + 2 * GiB);
    }
}

static void test_switches(void)
{
    CpuidTable all = supported_all(), t;

    t = build("qemu64,+avx,-nx,popcnt=on,sse4_1,cx16=off", &all);
    g_assert_true(cpuid_has(&t, "avx"));
    g_assert_false(cpuid_has(&t, "nx"));
    g_assert_true(cpuid_has(&t, "popcnt"));
    g_assert_true(cpuid_has(&t, "sse4.1"));
    g_assert_false(cpuid_has(&t, "cx16"));
    t = build("max,-sse3,xd=off", &all);                    /* other names */
    g_assert_false(cpuid_has(&t, "pni"));
    g_assert_false(cpuid_has(&t, "nx"));
    t = build("max,-kvmclock", &all);                       /* both of its bits */
    g_assert_cmphex(cpuid_query(&t, 0x40000001, 0).eax & 9, ==, 0);
    t = build("max,kvm=off", &all);
    g_assert_cmphex(cpuid_query(&t, 0x40000000, 0).ebx, !=, 0x4b4d564b);
    t = build("max,model-id=A CPU,phys-bits=44,level=7", &all);
    g_assert_cmphex(cpuid_query(&t, 0x80000002, 0).eax, ==, 0x50432041);
    g_assert_cmphex(cpuid_query(&t, 0x80000008, 0).eax & 0xff, ==, 44);
}

/* ---- mistakes ---- */

static const struct {
    const char *text, *message;
} mistakes[] = {
    { "qemu65",
      "-cpu qemu65: unable to find CPU model 'qemu65'; did you mean 'qemu64'?" },
    { "xyzzy", "-cpu xyzzy: unable to find CPU model 'xyzzy'; '-cpu help' lists them" },
    { "", "-cpu : unable to find CPU model ''; '-cpu help' lists them" },
    { "max,+popcount",
      "-cpu max,+popcount: no feature 'popcount'; did you mean 'popcnt'?" },
    { "max,+qqqqqqqq",
      "-cpu max,+qqqqqqqq: no feature 'qqqqqqqq'; '-cpu help' lists them" },
    { "max,avx=maybe", "-cpu max,avx=maybe: avx: 'maybe' is not on or off" },
    { "max,vendor=Intel", "-cpu max,vendor=Intel: vendor: 'Intel' is not 12 letters" },
    { "max,phys-bits=20",
      "-cpu max,phys-bits=20: phys-bits: '20' is not a number from 32 to 52" },
    { "max,,", "-cpu max,,: no feature ''; '-cpu help' lists them" },
    { "max,+", "-cpu max,+: no feature '+'; '-cpu help' lists them" },
    { "max,+avx=on", "-cpu max,+avx=on: no feature '+avx=on'; '-cpu help' lists them" },
};

static void test_mistakes(void)
{
    CpuidTable all = supported_all(), t;

    for (unsigned i = 0; i < G_N_ELEMENTS(mistakes); i++) {
        g_autoptr(GError) err = NULL;

        g_assert_false(cpu_model_build(mistakes[i].text, &all, &one, &t, &err));
        g_assert_cmpstr(err->message, ==, mistakes[i].message);
    }
}

static void test_enforce(void)
{
    CpuidTable all = supported_all(), t;
    g_autoptr(GError) err = NULL;

    cpuid_find(&all, 7, 0)->ebx &= ~(1u << 5);              /* no AVX2 */
    cpuid_find(&all, 1, 0)->ecx &= ~(1u << 23);             /* no POPCNT */
    g_assert_false(
        cpu_model_build("qemu64,+avx2,+popcnt,enforce", &all, &one, &t, &err));
    g_assert_cmpstr(err->message, ==,
                    "-cpu qemu64,+avx2,+popcnt,enforce: this accelerator "
                    "has no popcnt, avx2, and enforce was given");
    t = build("max,enforce", &all);
    g_assert_false(cpuid_has(&t, "avx2"));
}

static void warn_once(void)
{
    CpuidTable all = supported_all();

    cpuid_find(&all, 7, 0)->ebx &= ~(1u << 5);
    (void)build("qemu64,+avx2", &all);
    (void)build("qemu64,+avx2,check=off", &all);
    (void)build("qemu64,+avx2,-avx2", &all);
}

static void test_warning(void)
{
    if (g_test_subprocess()) {
        warn_once();
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr(
        "*: warning: -cpu qemu64: this accelerator has no avx2\n");
}

/* ---- CPUID ---- */

/* SDM vol. 2A, CPUID: beyond the last leaf Intel answers as for the last basic one. */
static void test_query(void)
{
    CpuidTable all = supported_all(), t = build("max,level=7", &all);
    CpuidLeaf last = cpuid_query(&t, cpuid_query(&t, 0, 0).eax, 0);

    g_assert_cmphex(cpuid_query(&t, 0x7fff, 0).eax, ==, last.eax);
    g_assert_cmphex(cpuid_query(&t, 0x80009999, 0).ecx, ==, last.ecx);
    g_assert_cmphex(cpuid_query(&t, 3, 0).eax, ==, 0);
    g_assert_cmphex(cpuid_query(&t, 7, 9).ebx, ==, 0);
    t = build("max,vendor=AuthenticAMD", &all);
    g_assert_cmphex(cpuid_query(&t, 0x7fff, 0).ecx, ==, 0);
    g_assert_cmphex(cpuid_query(&t, 0x80000001, 0).edx & 0x183f3ff, ==,
                    cpuid_query(&t, 1, 0).edx & 0x183f3ff);
}

static void test_topology(void)
{
    static const CpuTopology t = { .cpus = 12, .sockets = 2, .cores = 3, .threads = 2 };
    CpuidTable all = supported_all(), model, cpu;
    GError *err = NULL;

    g_assert_cmphex(cpu_apic_id(&t, 0), ==, 0);
    g_assert_cmphex(cpu_apic_id(&t, 5), ==, 5);             /* core 2, thread 1 */
    g_assert_cmphex(cpu_apic_id(&t, 6), ==, 8);             /* second socket */
    g_assert_true(cpu_model_build("qemu64", &all, &t, &model, &err));
    cpuid_for_cpu(&model, &t, 7, &cpu);
    g_assert_cmphex(cpuid_query(&cpu, 1, 0).ebx >> 24, ==, 9);
    g_assert_cmphex(cpuid_query(&cpu, 1, 0).ebx >> 16 & 0xff, ==, 8);
    g_assert_true(cpuid_has(&cpu, "ht"));
    /* Bits of a thread's number, and of thread's and core's together. */
    g_assert_cmphex(cpuid_query(&cpu, 0xb, 0).eax, ==, 1);
    g_assert_cmphex(cpuid_query(&cpu, 0xb, 0).ebx, ==, 2);
    g_assert_cmphex(cpuid_query(&cpu, 0xb, 1).eax, ==, 3);
    g_assert_cmphex(cpuid_query(&cpu, 0xb, 1).ebx, ==, 6);
    g_assert_cmphex(cpuid_query(&cpu, 0xb, 2).ecx, ==, 2);  /* no such level */
    g_assert_cmphex(cpuid_query(&cpu, 0xb, 2).edx, ==, 9);
}

/* The table's own rules, and that models name features that exist. */
static void test_rows(void)
{
    unsigned n = 0;

    for (const CpuFeature *f = cpu_features; f->name; f++, n++) {
        g_assert_true(f->bit < 32 && f->reg < 4 && *f->help);
        g_assert_false(g_str_has_suffix(f->help, "."));
        for (const CpuFeature *g = cpu_features; g < f; g++) {
            g_assert_false(g->leaf == f->leaf && g->index == f->index &&
                           g->reg == f->reg && g->bit == f->bit);
        }
    }
    g_assert_cmpint(n, <=, 256);
    for (const CpuAlias *a = cpu_feature_aliases; a->alias; a++) {
        g_assert_cmpint(cpu_feature_find(a->name), >=, 0);
    }
}

static void test_full(void)
{
    CpuidTable t = { .n = 0 };

    for (unsigned i = 0; i < CPUID_MAX; i++) {
        g_assert_nonnull(cpuid_add(&t, 1000 - i, 0, false));
    }
    g_assert_null(cpuid_add(&t, 1, 0, false));
    for (unsigned i = 1; i < t.n; i++) {
        g_assert_cmpint(t.leaf[i - 1].leaf, <, t.leaf[i].leaf);
    }
}

/* The host's table says what its CPUID instruction says. */
static void test_host(void)
{
    CpuidTable t;

    cpuid_host(&t);
    g_assert_cmpint(__builtin_cpu_supports("sse4.2") != 0, ==, cpuid_has(&t, "sse4.2"));
    g_assert_cmpint(__builtin_cpu_supports("avx2") != 0, ==, cpuid_has(&t, "avx2"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cpu-model/models", test_models);
    g_test_add_func("/cpu-model/portable", test_portable);
    g_test_add_func("/cpu-model/address-bits", test_address_bits);
    g_test_add_func("/cpu-model/switches", test_switches);
    g_test_add_func("/cpu-model/mistakes", test_mistakes);
    g_test_add_func("/cpu-model/enforce", test_enforce);
    g_test_add_func("/cpu-model/warning", test_warning);
    g_test_add_func("/cpu-model/query", test_query);
    g_test_add_func("/cpu-model/topology", test_topology);
    g_test_add_func("/cpu-model/rows", test_rows);
    g_test_add_func("/cpu-model/full", test_full);
    g_test_add_func("/cpu-model/host", test_host);
    return g_test_run();
}
