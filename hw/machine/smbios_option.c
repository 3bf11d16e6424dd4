/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -smbios type=N,field=value,...: one row per field.  See smbios.h.
 */

#include "hw/machine/smbios.h"
#include "base/file.h"
#include "base/keyval.h"
#include <string.h>

/* Rows of structs that stand in the header, some of which share a struct. */
#define ROWS(T, ...) { FOR_EACH(ROW_, T, __VA_ARGS__) { 0 } }

static const Field bios_fields[] = ROWS(SmbiosBios,
    (str, vendor,  "vendor of the firmware"),
    (str, version, "version of the firmware"),
    (str, date,    "release date, as in 04/01/2014"),
    (str, release, "release number, as in 1.2"),
    (bool, uefi,   "the firmware is UEFI"));

static const Field system_fields[] = ROWS(SmbiosSystem,
    (str, manufacturer, "manufacturer of the system"),
    (str, product, "product name"),
    (str, version, "version"),
    (str, serial,  "serial number"),
    (str, uuid,    "UUID; -uuid is the same"),
    (str, sku,     "stock keeping unit"),
    (str, family,  "family of computers"));

static const Field board_fields[] = ROWS(SmbiosSystem,
    (str, manufacturer, "manufacturer of the board"),
    (str, product,  "product name"),
    (str, version,  "version"),
    (str, serial,   "serial number"),
    (str, asset,    "asset tag"),
    (str, location, "place in the chassis"));

static const Field chassis_fields[] = ROWS(SmbiosSystem,
    (str, manufacturer, "manufacturer of the chassis"),
    (str, version, "version"),
    (str, serial,  "serial number"),
    (str, asset,   "asset tag"),
    (str, sku,     "stock keeping unit"));

static const Field processor_fields[] = ROWS(SmbiosProcessor,
    (str, sock_pfx, "what sockets are called, a number follows", .def_str = "CPU "),
    (str, manufacturer, "manufacturer"),
    (str, version, "version"),
    (str, serial,  "serial number"),
    (str, asset,   "asset tag"),
    (str, part,    "part number"),
    (u16, max_speed, "highest speed in MHz", .def = 2000),
    (u16, current_speed, "present speed in MHz", .def = 2000),
    (u16, processor_family, "number of the processor's family", .def = 1),
    (u64, processor_id, "processor id: CPUID leaf 1, eax and edx"));

static const Field memory_fields[] = ROWS(SmbiosMemory,
    (str, loc_pfx, "what slots are called, a number follows", .def_str = "DIMM "),
    (str, bank,    "bank"),
    (str, manufacturer, "manufacturer"),
    (str, serial,  "serial number"),
    (str, asset,   "asset tag"),
    (str, part,    "part number"),
    (u16, speed,   "speed in MT/s"));

/*
 * Where the rows of a type are kept; .given is a bool at the beginning of the record.
 */
static const struct {
    u8 type;
    const Field *fields;
    size_t at;
    bool marks;
} kind[] = {
    { 0,  bios_fields,      offsetof(SmbiosOptions, bios),      true },
    { 1,  system_fields,    offsetof(SmbiosOptions, system),    true },
    { 2,  board_fields,     offsetof(SmbiosOptions, board),     true },
    { 3,  chassis_fields,   offsetof(SmbiosOptions, chassis),   true },
    { 4,  processor_fields, offsetof(SmbiosOptions, processor), false },
    { 17, memory_fields,    offsetof(SmbiosOptions, memory),    false },
};

enum { OEM_TYPE = 11, OEM_FILE_MAX = 1 << 20 };

static bool bad(GError **err, const char *fmt, ...) printf_like(2, 3);
static bool bad(GError **err, const char *fmt, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, fmt);
    text = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s", text);
    return false;
}

/* ---- type 11 ---- */

static bool oem_file(SmbiosOptions *options, const char *path, GError **err)
{
    g_autoptr(File) file = file_open(path, OEM_FILE_MAX, err);
    g_autofree u8 *bytes = file ? file_contents(file, err) : NULL;

    if (!bytes) {
        return false;
    }
    if (memchr(bytes, 0, file->size)) {
        return bad(err, "path: %s has a zero byte; no SMBIOS string can hold it", path);
    }
    g_ptr_array_add(options->oem, g_steal_pointer(&bytes));
    return true;
}

static bool oem_option(SmbiosOptions *options, const KeyVals *kv, GError **err)
{
    for (unsigned i = 0; i < kv->n; i++) {
        if (strcmp(kv->pair[i].key, "value") == 0) {
            g_ptr_array_add(options->oem, g_strdup(kv->pair[i].value));
        } else if (strcmp(kv->pair[i].key, "path") == 0) {
            if (!oem_file(options, kv->pair[i].value, err)) {
                return false;
            }
        } else {
            return bad(err, "no option '%s' for type 11; it has value and path",
                       kv->pair[i].key);
        }
    }
    return true;
}

/* ---- the other types ---- */

static bool set_fields(SmbiosOptions *options, unsigned k, const KeyVals *kv,
                       GError **err)
{
    u8 *record = (u8 *)options + kind[k].at;

    for (unsigned i = 0; i < kv->n; i++) {
        const Field *field = field_find(kind[k].fields, kv->pair[i].key);

        if (!field) {
            g_autoptr(GString) known = g_string_new(NULL);

            for (field = kind[k].fields; field->name; field++) {
                g_string_append_printf(known, " %s", field->name);
            }
            return bad(err, "no option '%s' for type %u; it has%s", kv->pair[i].key,
                       kind[k].type, known->str);
        }
        if (!field_set(field, record, kv->pair[i].value, err)) {
            return false;
        }
    }
    if (kind[k].marks) {
        *(bool *)record = true;
    }
    return true;
}

static bool one_option(SmbiosOptions *options, const char *text, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(text, NULL, err);
    g_autofree char *type = kv ? keyvals_take(kv, "type") : NULL;
    u64 n;

    if (!kv) {
        return false;
    }
    if (!type) {
        return bad(err, "type=N is missing: which SMBIOS structure?");
    }
    if (!number_parse(type, 0, 255, &n)) {
        return bad(err, "type: '%s' is not a number from 0 to 255", type);
    }
    if (n == OEM_TYPE) {
        return oem_option(options, kv, err);
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(kind); k++) {
        if (kind[k].type == n) {
            return set_fields(options, k, kv, err);
        }
    }
    return bad(err, "type: nothing of type %u can be set; 0, 1, 2, 3, 4, 11 and 17 can",
               (unsigned)n);
}

SmbiosOptions *smbios_options(const char *const *texts, GError **err)
{
    g_autoptr(SmbiosOptions) options = g_new0(SmbiosOptions, 1);

    options->oem = g_ptr_array_new_with_free_func(g_free);
    for (unsigned k = 0; k < G_N_ELEMENTS(kind); k++) {
        fields_default(kind[k].fields, (u8 *)options + kind[k].at);
    }
    for (; texts && *texts; texts++) {
        if (!one_option(options, *texts, err)) {
            g_prefix_error(err, "-smbios: ");
            return NULL;
        }
    }
    return g_steal_pointer(&options);
}

void smbios_options_free(SmbiosOptions *options)
{
    if (options) {
        for (unsigned k = 0; k < G_N_ELEMENTS(kind); k++) {
            fields_clear(kind[k].fields, (u8 *)options + kind[k].at);
        }
        g_ptr_array_unref(options->oem);
        g_free(options);
    }
}

void board_smbios_help(GString *out)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(kind); k++) {
        g_string_append_printf(out, "type=%u\n", kind[k].type);
        fields_help(kind[k].fields, out);
    }
    g_string_append(out, "type=11\n"
                         "  value=TEXT, path=FILE  strings for the guest\n");
}
