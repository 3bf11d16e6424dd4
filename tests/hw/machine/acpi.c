/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables: sums and pointers as firmware leaves them, and Intel's own compiler
 * (iasl), which must take every table apart, and the DSDT back together, without a
 * complaint.
 */

#include "base/bytes.h"
#include "base/lock.h"
#include "hw/machine/acpi.h"
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

enum { PLACE = 0x7ff0000 };

static Machine *machine;
static Acpi *acpi;

static void set_up(unsigned cpus, const BoardConfig *config)
{
    GError *err = NULL;

    machine = machine_new();
    machine->cpus = cpus;
    machine->ram_bytes = 128 * MiB;
    g_assert_true(board_q35_open(machine, config, &err));
    acpi = acpi_build(machine->board);
}

static void tear_down(void)
{
    acpi_free(acpi);
    board_close(machine);
    machine_free(machine);
}

static u8 sum(const u8 *bytes, u32 n)
{
    u8 s = 0;

    while (n--) {
        s += *bytes++;
    }
    return s;
}

/* What a pointer leads to. */
static const u8 *at(u64 address)
{
    g_assert_cmphex(address, >=, PLACE);
    g_assert_cmphex(address, <, PLACE + acpi->tables->len);
    return acpi->tables->data + (address - PLACE);
}

/* The table of that name in the XSDT, or NULL. */
static const u8 *find(const char *signature)
{
    const u8 *xsdt = at(get64(acpi->rsdp + 24)), *rsdt = at(get32(acpi->rsdp + 16));
    u32 n = (get32(xsdt + 4) - 36) / 8;

    g_assert_cmpmem(xsdt, 4, "XSDT", 4);
    g_assert_cmpmem(rsdt, 4, "RSDT", 4);
    g_assert_cmpuint((get32(rsdt + 4) - 36) / 4, ==, n);
    for (u32 i = 0; i < n; i++) {
        const u8 *table = at(get64(xsdt + 36 + 8 * i));

        g_assert_cmphex(get32(rsdt + 36 + 4 * i), ==, get64(xsdt + 36 + 8 * i));
        if (memcmp(table, signature, 4) == 0) {
            return table;
        }
    }
    return NULL;
}

static const u8 *check(const char *signature)
{
    const u8 *table = find(signature);

    g_assert_nonnull(table);
    g_assert_cmphex(sum(table, get32(table + 4)), ==, 0);
    return table;
}

static void test_tables(void)
{
    set_up(3, &(BoardConfig){ 0 });
    acpi_place(acpi, PLACE);
    g_assert_cmpmem(acpi->rsdp, 8, "RSD PTR ", 8);
    g_assert_cmphex(sum(acpi->rsdp, 20), ==, 0);
    g_assert_cmphex(sum(acpi->rsdp, 36), ==, 0);
    const u8 *fadt = check("FACP");
    const u8 *facs = at(get32(fadt + 36)), *dsdt = at(get32(fadt + 40));

    g_assert_cmpmem(facs, 4, "FACS", 4);
    g_assert_cmphex((uintptr_t)(facs - acpi->tables->data) % 64, ==, 0);
    g_assert_cmpmem(dsdt, 4, "DSDT", 4);
    g_assert_cmphex(sum(dsdt, get32(dsdt + 4)), ==, 0);
    g_assert_cmphex(get64(fadt + 140), ==, get32(fadt + 40));
    g_assert_cmpuint(get16(fadt + 46), ==, 9);
    g_assert_cmphex(get32(fadt + 76), ==, 0x608);           /* PM_TMR_BLK */
    g_assert_cmphex(get64(fadt + 116 + 4), ==, 0xcf9);
    check("HPET");
    check("WAET");
    g_assert_cmphex(get64(check("MCFG") + 44), ==, 0xb0000000);
    tear_down();
}

/* MADT entries of a type. */
static unsigned count(const u8 *madt, u8 type)
{
    unsigned n = 0;

    for (u32 i = 44; i < get32(madt + 4); i += madt[i + 1]) {
        g_assert_cmpuint(madt[i + 1], >=, 2);
        n += madt[i] == type;
    }
    return n;
}

static void test_processors(void)
{
    set_up(64, &(BoardConfig){ .sockets = 1, .cores = 64, .threads = 1 });
    acpi_place(acpi, PLACE);
    g_assert_cmpuint(count(check("APIC"), 0), ==, 64);
    g_assert_cmpuint(count(check("APIC"), 9), ==, 0);
    g_assert_cmpuint(count(check("APIC"), 1), ==, 1);
    g_assert_cmpuint(count(check("APIC"), 2), ==, 2);
    tear_down();
    /*
     * 129 cores take 8 bits of an id: the second socket begins at 256, beyond a LAPIC
     * entry
     */
    set_up(140, &(BoardConfig){ .sockets = 2, .cores = 129, .threads = 1 });
    acpi_place(acpi, PLACE);
    g_assert_cmpuint(count(check("APIC"), 0), ==, 129);
    g_assert_cmpuint(count(check("APIC"), 9), ==, 11);
    g_assert_cmpuint(count(check("APIC"), 10), ==, 1);
    tear_down();
}

static void test_without(void)
{
    set_up(1, &(BoardConfig){ .no_hpet = true });
    acpi_place(acpi, PLACE);
    g_assert_null(find("HPET"));
    tear_down();
}

/*
 * Follows the loader's steps as the firmware side does, and compares with acpi_place.
 */
static void test_loader(void)
{
    set_up(2, &(BoardConfig){ 0 });
    g_autoptr(GByteArray) copy = g_byte_array_new();
    u8 rsdp[36];

    g_byte_array_append(copy, acpi->tables->data, acpi->tables->len);
    memcpy(rsdp, acpi->rsdp, sizeof rsdp);
    for (guint i = 0; i < acpi->pointers->len; i++) {
        AcpiPointer p = g_array_index(acpi->pointers, AcpiPointer, i);
        u8 *to = (p.in_rsdp ? rsdp : copy->data) + p.at;

        if (p.n == 8) {
            put64(to, get64(to) + PLACE);
        } else {
            put32(to, get32(to) + PLACE);
        }
    }
    for (guint i = 0; i < acpi->sums->len; i++) {
        AcpiSum s = g_array_index(acpi->sums, AcpiSum, i);
        u8 *base = s.in_rsdp ? rsdp : copy->data;

        base[s.at] -= sum(base + s.from, s.n);
    }
    acpi_place(acpi, PLACE);
    g_assert_cmpmem(copy->data, copy->len, acpi->tables->data, acpi->tables->len);
    g_assert_cmpmem(rsdp, sizeof rsdp, acpi->rsdp, sizeof acpi->rsdp);
    tear_down();
}

/* ---- iasl ---- */

static void run(const char *folder, const char *const *argv)
{
    g_autofree char *out = NULL, *errors = NULL;
    GError *err = NULL;
    int status;

    g_spawn_sync(folder, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out,
                 &errors, &status, &err);
    g_assert_no_error(err);
    g_test_message("%s%s", out, errors);
    g_assert_cmpint(status, ==, 0);
    g_assert_null(strstr(out, "Error "));
    g_assert_null(strstr(errors, "Error "));
    g_assert_null(strstr(out, "Warning "));
    g_assert_null(strstr(errors, "Warning "));
    if (strstr(out, "Compilation")) {
        g_assert_nonnull(strstr(out, "0 Errors, 0 Warnings, 0 Remarks"));
    }
}

/*
 * Taken apart and compiled again: the same bytes behind the header, which names the
 * compiler.
 */
static void one_table(const char *folder, const char *name, const u8 *table)
{
    g_autofree char *file = g_strdup_printf("%s/%s.aml", folder, name);
    g_autofree char *short_name = g_strdup_printf("%s.aml", name);
    g_autofree char *source = g_strdup_printf("%s.dsl", name);
    const char *take_apart[] = { "iasl", "-d", short_name, NULL };
    const char *compile[] = { "iasl", "-oa", source, NULL };     /* do not optimize */
    g_autofree char *again = NULL;
    gsize n;

    g_assert_true(g_file_set_contents(file, (const char *)table, get32(table + 4),
                                      NULL));
    run(folder, take_apart);
    g_assert_cmpint(g_unlink(file), ==, 0);
    run(folder, compile);
    g_assert_true(g_file_get_contents(file, &again, &n, NULL));
    g_assert_cmpmem(table + 36, get32(table + 4) - 36, again + 36, n - 36);
}

static void remove_folder(const char *folder)
{
    const char *argv[] = { "rm", "-r", folder, NULL };

    run(NULL, argv);
}

static void test_iasl(void)
{
    static const char *const names[] = { "FACP", "APIC", "MCFG", "HPET", "WAET" };
    g_autofree char *iasl = g_find_program_in_path("iasl");
    g_autofree char *folder = NULL;

    if (!iasl) {
        g_test_skip("iasl (Debian package acpica-tools) is not there");
        return;
    }
    folder = g_dir_make_tmp("acpi-XXXXXX", NULL);
    set_up(64, &(BoardConfig){ 0 });
    acpi_place(acpi, PLACE);
    one_table(folder, "DSDT", at(get32(check("FACP") + 40)));
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        one_table(folder, names[i], check(names[i]));
    }
    tear_down();
    remove_folder(folder);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    machine_lock();
    g_test_add_func("/acpi/tables", test_tables);
    g_test_add_func("/acpi/processors", test_processors);
    g_test_add_func("/acpi/without", test_without);
    g_test_add_func("/acpi/loader", test_loader);
    g_test_add_func("/acpi/iasl", test_iasl);
    return g_test_run();
}
