/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables as a block: its pieces, its place, its way to firmware.  See acpi.h.
 */

#include "hw/machine/acpi.h"
#include "base/bytes.h"

enum { LENGTH = 4, CHECKSUM = 9 };

/* ---- building blocks ---- */

void acpi_pointer(Acpi *acpi, u32 at, unsigned n, u32 target)
{
    AcpiPointer p = { .at = at, .n = n };

    g_array_append_val(acpi->pointers, p);
    memcpy(acpi->tables->data + at, &(u64){ GUINT64_TO_LE(target) }, n);
}

/* 5.2.6: every table but the FACS begins like this. */
u32 acpi_begin(Acpi *acpi, const char *signature, u8 revision)
{
    GByteArray *to = acpi->tables;
    u32 at;

    append_zeroes(to, -to->len & 7);
    at = to->len;
    append_bytes(to, signature, 4);
    append_num(to, 0, 4);
    append_num(to, revision, 1);
    append_num(to, 0, 1);
    append_bytes(to, ACPI_OEM_ID, 6);
    append_bytes(to, "MAYFLYPC", 8);
    append_num(to, 1, 4);
    append_bytes(to, "MFLY", 4);
    append_num(to, 1, 4);
    return at;
}

void acpi_end(Acpi *acpi, u32 at)
{
    u32 n = acpi->tables->len - at;
    AcpiSum sum = { .from = at, .n = n, .at = at + CHECKSUM };

    put32(acpi->tables->data + at + LENGTH, n);
    g_array_append_val(acpi->sums, sum);
}

void acpi_free(Acpi *acpi)
{
    if (acpi) {
        g_byte_array_unref(acpi->tables);
        g_array_unref(acpi->pointers);
        g_array_unref(acpi->sums);
        g_array_unref(acpi->listed);
        g_free(acpi);
    }
}

/* ---- at a known address ---- */

void acpi_place(Acpi *acpi, gpa tables)
{
    for (guint i = 0; i < acpi->pointers->len; i++) {
        const AcpiPointer *p = &g_array_index(acpi->pointers, AcpiPointer, i);
        u8 *at = (p->in_rsdp ? acpi->rsdp : acpi->tables->data) + p->at;
        u64 value = 0;

        memcpy(&value, at, p->n);
        value = GUINT64_TO_LE(GUINT64_FROM_LE(value) + tables);
        memcpy(at, &value, p->n);
    }
    for (guint i = 0; i < acpi->sums->len; i++) {
        const AcpiSum *s = &g_array_index(acpi->sums, AcpiSum, i);
        u8 *base = s->in_rsdp ? acpi->rsdp : acpi->tables->data, sum = 0;

        base[s->at] = 0;
        for (u32 j = 0; j < s->n; j++) {
            sum += base[s->from + j];
        }
        base[s->at] = -sum;
    }
}

/* ---- by firmware ---- */

/*
 * One step of QEMU's table loader (its hw/acpi/bios-linker-loader.c documents the
 * format).
 */
enum { LOADER_ALLOCATE = 1, LOADER_POINTER = 2, LOADER_SUM = 3, LOADER_BYTES = 128 };
enum { ZONE_HIGH = 1, ZONE_FIRMWARE = 2, FILE_NAME_BYTES = 56 };

static const char tables_file[] = "etc/acpi/tables", rsdp_file[] = "etc/acpi/rsdp";

static u8 *loader_step(GByteArray *loader, u32 command, const char *file)
{
    u8 *step;

    append_zeroes(loader, LOADER_BYTES);
    step = loader->data + loader->len - LOADER_BYTES;
    put32(step, command);
    g_strlcpy((char *)step + 4, file, FILE_NAME_BYTES);
    return step + 4 + FILE_NAME_BYTES;
}

static void loader_allocate(GByteArray *loader, const char *file, u32 align, u8 zone)
{
    u8 *at = loader_step(loader, LOADER_ALLOCATE, file);

    put32(at, align);
    at[4] = zone;
}

static void loader_pointer(GByteArray *loader, const AcpiPointer *p)
{
    u8 *at = loader_step(loader, LOADER_POINTER, p->in_rsdp ? rsdp_file : tables_file);

    g_strlcpy((char *)at, tables_file, FILE_NAME_BYTES);
    put32(at + FILE_NAME_BYTES, p->at);
    at[FILE_NAME_BYTES + 4] = p->n;
}

static void loader_sum(GByteArray *loader, const AcpiSum *s)
{
    u8 *at = loader_step(loader, LOADER_SUM, s->in_rsdp ? rsdp_file : tables_file);

    put32(at, s->at);
    put32(at + 4, s->from);
    put32(at + 8, s->n);
}

bool acpi_publish(const Acpi *acpi, FwCfg *fw, GError **err)
{
    g_autoptr(GByteArray) loader = g_byte_array_new();

    loader_allocate(loader, tables_file, 64, ZONE_HIGH);
    loader_allocate(loader, rsdp_file, 16, ZONE_FIRMWARE);
    for (guint i = 0; i < acpi->pointers->len; i++) {
        loader_pointer(loader, &g_array_index(acpi->pointers, AcpiPointer, i));
    }
    for (guint i = 0; i < acpi->sums->len; i++) {
        loader_sum(loader, &g_array_index(acpi->sums, AcpiSum, i));
    }
    return fw_cfg_add_file(fw, tables_file, acpi->tables->data, acpi->tables->len,
                           err) &&
           fw_cfg_add_file(fw, rsdp_file, acpi->rsdp, sizeof acpi->rsdp, err) &&
           fw_cfg_add_file(fw, "etc/table-loader", loader->data, loader->len, err);
}
