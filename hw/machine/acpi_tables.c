/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables that are not AML.  Section numbers are those of ACPI 6.4.
 */

#include "hw/machine/acpi.h"
#include "accel/cpu_model.h"
#include "base/bytes.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/lpc.h"
#include "hw/machine/mch.h"
#include "hw/timer/hpet.h"

/* A table that XSDT and RSDT name. */
static void acpi_list(Acpi *acpi, u32 at)
{
    acpi_end(acpi, at);
    g_array_append_val(acpi->listed, at);
}

/* 5.2.10: 64 bytes, aligned to 64, so it comes first. */
static u32 add_facs(Acpi *acpi)
{
    GByteArray *to = acpi->tables;
    u32 at = to->len;

    append_bytes(to, "FACS", 4);
    append_num(to, 64, 4);
    append_zeroes(to, 24);
    append_num(to, 2, 1);
    append_zeroes(to, 64 - 33);
    return at;
}

static u32 add_dsdt(Acpi *acpi, const Q35 *q35)
{
    u32 at = acpi_begin(acpi, "DSDT", 2);

    acpi_dsdt(q35, acpi->tables);
    acpi_end(acpi, at);
    return at;
}

/* 5.2.9, as of ACPI 6.0: offsets, widths and values of what is not zero. */
enum {
    FADT_BYTES = 276, FADT_FACS = 36, FADT_DSDT = 40, FADT_BOOT_FLAGS = 109,
    FADT_X_DSDT = 140, FADT_VENDOR = 268,
    HAS_LEGACY = 1 << 0, HAS_8042 = 1 << 1,
    WBINVD = 1 << 0, PROC_C1 = 1 << 2, NO_SLEEP_BUTTON = 1 << 5, NO_RTC_WAKE = 1 << 6,
    HAS_RESET = 1 << 10,
    NO_C2 = 101, NO_C3 = 1001,          /* latencies that mean: not supported */
    CENTURY = 0x32,
};

static const struct { u16 at; u8 n; u32 value; } fadt_rows[] = {
    { 46,  2, SCI_IRQ },
    { 48,  4, APM_CNT },
    { 52,  1, APM_ACPI_ON },
    { 53,  1, APM_ACPI_OFF },
    { 56,  4, PM_BASE + PM1_STS },
    { 64,  4, PM_BASE + PM1_CNT },
    { 76,  4, PM_BASE + PM_TMR },
    { 80,  4, PM_BASE + GPE0_STS },
    { 88,  1, 4 },                      /* lengths: PM1_EVT, PM1_CNT, PM_TMR, GPE0 */
    { 89,  1, 2 },
    { 91,  1, 4 },
    { 92,  1, GPE0_BYTES },
    { 96,  2, NO_C2 },
    { 98,  2, NO_C3 },
    { 108, 1, CENTURY },
    { 112, 4, WBINVD | PROC_C1 | NO_SLEEP_BUTTON | NO_RTC_WAKE | HAS_RESET },
    { 128, 1, RESET_FULL },
};

/*
 * The same registers, and the reset register, as generic addresses (5.2.3.2) in I/O
 * space.
 */
static const struct { u16 at, port; u8 n; } fadt_addresses[] = {
    { 116, RESET_REG,          1 },
    { 148, PM_BASE + PM1_STS,  4 },
    { 172, PM_BASE + PM1_CNT,  2 },
    { 208, PM_BASE + PM_TMR,   4 },
    { 220, PM_BASE + GPE0_STS, GPE0_BYTES },
};

static void add_fadt(Acpi *acpi, const Q35 *q35, u32 facs, u32 dsdt)
{
    u32 at = acpi_begin(acpi, "FACP", 6);
    u8 *fadt;

    append_zeroes(acpi->tables, at + FADT_BYTES - acpi->tables->len);
    fadt = acpi->tables->data + at;
    for (unsigned i = 0; i < G_N_ELEMENTS(fadt_rows); i++) {
        u32 value = GUINT32_TO_LE(fadt_rows[i].value);

        memcpy(fadt + fadt_rows[i].at, &value, fadt_rows[i].n);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(fadt_addresses); i++) {
        u8 *address = fadt + fadt_addresses[i].at;

        address[0] = 1;
        address[1] = 8 * fadt_addresses[i].n;
        put64(address + 4, fadt_addresses[i].port);
    }
    put16(fadt + FADT_BOOT_FLAGS, HAS_LEGACY | (q35->config->no_i8042 ? 0 : HAS_8042));
    memcpy(fadt + FADT_VENDOR, ACPI_OEM_ID, 6);
    acpi_pointer(acpi, at + FADT_FACS, 4, facs);
    acpi_pointer(acpi, at + FADT_DSDT, 4, dsdt);
    acpi_pointer(acpi, at + FADT_X_DSDT, 8, dsdt);
    acpi_list(acpi, at);
}

/* 5.2.12.2 and 5.2.12.12 */
static bool add_processors(const Q35 *q35, GByteArray *to)
{
    const BoardConfig *config = q35->config;
    unsigned n = q35->machine->cpus;
    CpuTopology topology = { n, MAX(config->sockets, 1), MAX(config->cores, 1),
                             MAX(config->threads, 1) };
    bool wide = false;

    for (unsigned i = 0; i < n; i++) {
        u32 id = cpu_apic_id(&topology, i);

        if (id < 255) {
            append_bytes(to, (const u8[]){ 0, 8, i, id }, 4);
            append_num(to, 1, 4);
        } else {
            append_bytes(to, (const u8[]){ 9, 16, 0, 0 }, 4);
            append_num(to, id, 4);
            append_num(to, 1, 4);
            append_num(to, i, 4);
            wide = true;
        }
    }
    return wide;
}

static void add_madt(Acpi *acpi, const Q35 *q35)
{
    enum { PCAT_COMPAT = 1, LEVEL_HIGH = 0x0d };
    static const struct { u8 irq, gsi, flags; } override[] = {
        { 0, 2, 0 }, { SCI_IRQ, SCI_IRQ, LEVEL_HIGH },
    };
    GByteArray *to = acpi->tables;
    u32 at = acpi_begin(acpi, "APIC", 5);
    bool wide;

    append_num(to, 0xfee00000, 4);
    append_num(to, PCAT_COMPAT, 4);
    wide = add_processors(q35, to);
    append_bytes(to, (const u8[]){ 1, 12, 0, 0 }, 4);  /* IOAPIC 0, from GSI 0 on */
    append_num(to, IOAPIC_BASE, 4);
    append_num(to, 0, 4);
    for (unsigned i = 0; i < G_N_ELEMENTS(override); i++) {
        append_bytes(to, (const u8[]){ 2, 10, 0, override[i].irq }, 4);
        append_num(to, override[i].gsi, 4);
        append_num(to, override[i].flags, 2);
    }
    append_bytes(to, (const u8[]){ 4, 6, 0xff, 0, 0, 1 }, 6);   /* NMI: LINT1 of all */
    if (wide) {
        append_bytes(to, (const u8[]){ 10, 12, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0 },
                     12);
    }
    acpi_list(acpi, at);
}

/* PCI Firmware 3.0, 4.1.2 */
static void add_mcfg(Acpi *acpi)
{
    GByteArray *to = acpi->tables;
    u32 at = acpi_begin(acpi, "MCFG", 1);

    append_zeroes(to, 8);
    append_num(to, MCH_ECAM_BASE, 8);
    append_num(to, 0, 2);
    append_num(to, 0, 1);
    append_num(to, 255, 1);
    append_zeroes(to, 4);
    acpi_list(acpi, at);
}

/* IA-PC HPET 1.0a, 3.2.4; the block's id is the low half of its first register. */
static void add_hpet(Acpi *acpi, const Q35 *q35)
{
    GByteArray *to = acpi->tables;
    u32 at = acpi_begin(acpi, "HPET", 1);

    append_num(to, space_read(q35->machine->mmio, HPET_BASE, 4), 4);
    append_zeroes(to, 4);
    append_num(to, HPET_BASE, 8);
    append_zeroes(to, 4);
    acpi_list(acpi, at);
}

/* Windows ACPI Emulated Devices: the PM timer need not be read twice. */
static void add_waet(Acpi *acpi)
{
    u32 at = acpi_begin(acpi, "WAET", 1);

    append_num(acpi->tables, 1 << 1, 4);
    acpi_list(acpi, at);
}

/* 5.2.7 and 5.2.8 */
static u32 add_root(Acpi *acpi, const char *signature, unsigned n)
{
    GByteArray *to = acpi->tables;
    u32 at = acpi_begin(acpi, signature, 1);

    for (guint i = 0; i < acpi->listed->len; i++) {
        append_zeroes(to, n);
        acpi_pointer(acpi, to->len - n, n, g_array_index(acpi->listed, u32, i));
    }
    acpi_end(acpi, at);
    return at;
}

/* 5.2.5.3: the first sum is over the part that ACPI 1.0 knew. */
static void add_rsdp(Acpi *acpi, u32 rsdt, u32 xsdt)
{
    enum { OLD_BYTES = 20, RSDT = 16, XSDT = 24, EXTENDED_SUM = 32 };
    AcpiSum sums[] = {
        { 0, OLD_BYTES, 8, true }, { 0, ACPI_RSDP_BYTES, EXTENDED_SUM, true },
    };
    AcpiPointer pointers[] = { { RSDT, 4, true }, { XSDT, 8, true } };

    memcpy(acpi->rsdp, "RSD PTR ", 8);
    memcpy(acpi->rsdp + 9, ACPI_OEM_ID, 6);
    acpi->rsdp[15] = 2;
    put32(acpi->rsdp + RSDT, rsdt);
    put32(acpi->rsdp + 20, ACPI_RSDP_BYTES);
    put64(acpi->rsdp + XSDT, xsdt);
    g_array_append_vals(acpi->pointers, pointers, G_N_ELEMENTS(pointers));
    g_array_append_vals(acpi->sums, sums, G_N_ELEMENTS(sums));
}

Acpi *acpi_build(const Q35 *q35)
{
    Acpi *acpi = g_new0(Acpi, 1);
    u32 facs, dsdt, rsdt;

    acpi->tables = g_byte_array_new();
    acpi->pointers = g_array_new(FALSE, FALSE, sizeof(AcpiPointer));
    acpi->sums = g_array_new(FALSE, FALSE, sizeof(AcpiSum));
    acpi->listed = g_array_new(FALSE, FALSE, sizeof(u32));
    facs = add_facs(acpi);
    dsdt = add_dsdt(acpi, q35);
    add_fadt(acpi, q35, facs, dsdt);
    add_madt(acpi, q35);
    add_mcfg(acpi);
    if (!q35->config->no_hpet) {
        add_hpet(acpi, q35);
    }
    add_waet(acpi);
    rsdt = add_root(acpi, "RSDT", 4);
    add_rsdp(acpi, rsdt, add_root(acpi, "XSDT", 8));
    return acpi;
}
