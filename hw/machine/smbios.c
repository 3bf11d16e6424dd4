/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS tables: see smbios.h.  Section numbers are those of DSP0134 3.0.
 */

#include "hw/machine/smbios.h"
#include "base/bytes.h"
#include "config.h"
#include <stdio.h>

/*
 * A structure as it grows: fixed part, then strings; a field holds a string's number.
 */
typedef struct {
    Smbios *smbios;
    size_t start;
    GPtrArray *text;        /* const char * */
} Structure;

static GByteArray *begin(Structure *s, Smbios *smbios, u8 type, u16 handle)
{
    GByteArray *to = smbios->tables;

    *s = (Structure){ smbios, to->len, g_ptr_array_new() };
    append_num(to, type, 1);
    append_num(to, 0, 1);               /* the length comes at the end */
    append_num(to, handle, 2);
    return to;
}

/* 6.1.3: strings are numbered from 1; 0 is none.  Empty ones cannot be there. */
static void text(Structure *s, const char *value, const char *otherwise)
{
    value = value ? value : otherwise;
    if (value && *value) {
        g_ptr_array_add(s->text, (gpointer)value);
        append_num(s->smbios->tables, s->text->len, 1);
    } else {
        append_num(s->smbios->tables, 0, 1);
    }
}

static void end(Structure *s)
{
    GByteArray *to = s->smbios->tables;

    to->data[s->start + 1] = to->len - s->start;
    for (guint i = 0; i < s->text->len; i++) {
        const char *t = g_ptr_array_index(s->text, i);

        append_bytes(to, t, strlen(t) + 1);
    }
    append_zeroes(to, s->text->len ? 1 : 2);
    s->smbios->count++;
    s->smbios->longest = MAX(s->smbios->longest, to->len - s->start);
    g_ptr_array_unref(s->text);
}

/* ---- the structures ---- */

static bool add_bios(Smbios *smbios, const SmbiosBios *bios, GError **err)
{
    enum { UNSUPPORTED = 1 << 3, UEFI = 1 << 3, VIRTUAL = 1 << 4, TARGETED = 1 << 2 };
    unsigned major = 0, minor = 0;
    Structure s;
    GByteArray *to;

    if (bios->release && sscanf(bios->release, "%3u.%3u", &major, &minor) != 2) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "-smbios type=0: release: '%s' is not like 1.2", bios->release);
        return false;
    }
    to = begin(&s, smbios, 0, 0);
    text(&s, bios->vendor, "Mayfly");
    text(&s, bios->version, CONFIG_VERSION);
    append_num(to, 0xe800, 2);
    text(&s, bios->date, "01/01/2026");
    append_num(to, 0, 1);
    append_num(to, UNSUPPORTED, 8);
    append_num(to, 0, 1);
    append_num(to, TARGETED | VIRTUAL | (bios->uefi ? UEFI : 0), 1);
    append_num(to, major, 1);
    append_num(to, minor, 1);
    append_num(to, 0xffff, 2);
    end(&s);
    return true;
}

/* 7.2.1: the first three fields are little endian. */
static void append_uuid(GByteArray *to, const u8 uuid[16])
{
    static const u8 order[16] = { 3, 2, 1, 0,  5,  4,  7,  6,
                                  8, 9, 10, 11, 12, 13, 14, 15 };

    for (unsigned i = 0; i < 16; i++) {
        append_num(to, uuid[order[i]], 1);
    }
}

static bool parse_uuid(const char *value, u8 uuid[16], GError **err)
{
    const char *p = value;
    bool right = g_uuid_string_is_valid(value);

    for (unsigned i = 0; right && i < 16; i++, p += 2) {
        p += *p == '-';
        uuid[i] = g_ascii_xdigit_value(p[0]) << 4 | g_ascii_xdigit_value(p[1]);
    }
    if (!right) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "-smbios type=1: uuid: '%s' is not like "
                    "01234567-89ab-cdef-0123-456789abcdef", value);
    }
    return right;
}

static bool add_system(Smbios *smbios, const BoardConfig *config,
                       const SmbiosSystem *system, GError **err)
{
    enum { POWER_SWITCH = 6 };
    Structure s;
    GByteArray *to;
    u8 uuid[16];

    memcpy(uuid, config->uuid, sizeof uuid);
    if (system->uuid && !parse_uuid(system->uuid, uuid, err)) {
        return false;
    }
    to = begin(&s, smbios, 1, 0x100);
    text(&s, system->manufacturer, "QEMU");         /* what guests look for */
    text(&s, system->product, "Standard PC (Q35 + ICH9, 2009)");
    text(&s, system->version, config->machine_name);
    text(&s, system->serial, NULL);
    append_uuid(to, uuid);
    append_num(to, POWER_SWITCH, 1);
    text(&s, system->sku, NULL);
    text(&s, system->family, NULL);
    end(&s);
    return true;
}

static void add_board(Smbios *smbios, const SmbiosSystem *board)
{
    enum { HOSTING = 1, MOTHERBOARD = 0x0a };
    Structure s;
    GByteArray *to = begin(&s, smbios, 2, 0x200);

    text(&s, board->manufacturer, "QEMU");
    text(&s, board->product, NULL);
    text(&s, board->version, NULL);
    text(&s, board->serial, NULL);
    text(&s, board->asset, NULL);
    append_num(to, HOSTING, 1);
    text(&s, board->location, NULL);
    append_num(to, 0x300, 2);
    append_num(to, MOTHERBOARD, 1);
    append_num(to, 0, 1);
    end(&s);
}

static void add_chassis(Smbios *smbios, const BoardConfig *config,
                        const SmbiosSystem *chassis)
{
    enum { OTHER = 1, UNKNOWN = 2, SAFE = 3 };
    Structure s;
    GByteArray *to = begin(&s, smbios, 3, 0x300);

    text(&s, chassis->manufacturer, "QEMU");
    append_num(to, OTHER, 1);
    text(&s, chassis->version, config->machine_name);
    text(&s, chassis->serial, NULL);
    text(&s, chassis->asset, NULL);
    append_bytes(to, (const u8[]){ SAFE, SAFE, SAFE, UNKNOWN }, 4);
    append_zeroes(to, 8);
    text(&s, chassis->sku, NULL);
    end(&s);
}

static char *numbered(const char *prefix, unsigned n)
{
    return g_strdup_printf("%s%u", prefix ? prefix : "", n);
}

static void add_processor(Smbios *smbios, const BoardConfig *config,
                          const SmbiosProcessor *cpu, unsigned n)
{
    enum { CENTRAL = 3, OTHER = 1, ENABLED = 0x41, NO_CACHE = 0xffff, UNKNOWN = 2 };
    unsigned cores = MAX(config->cores, 1), threads = cores * MAX(config->threads, 1);
    g_autofree char *socket = numbered(cpu->sock_pfx, n);
    Structure s;
    GByteArray *to = begin(&s, smbios, 4, 0x400 + n);

    text(&s, socket, NULL);
    append_num(to, CENTRAL, 1);
    append_num(to, MIN(cpu->processor_family, 0xfe), 1);    /* 0xfe: see the wide one */
    text(&s, cpu->manufacturer, "QEMU");
    append_num(to, cpu->processor_id, 8);
    text(&s, cpu->version, config->machine_name);
    append_zeroes(to, 3);
    append_num(to, cpu->max_speed, 2);
    append_num(to, cpu->current_speed, 2);
    append_num(to, ENABLED, 1);
    append_num(to, OTHER, 1);
    for (unsigned i = 0; i < 3; i++) {
        append_num(to, NO_CACHE, 2);
    }
    text(&s, cpu->serial, NULL);
    text(&s, cpu->asset, NULL);
    text(&s, cpu->part, NULL);
    append_num(to, MIN(cores, 0xff), 1);
    append_num(to, MIN(cores, 0xff), 1);
    append_num(to, MIN(threads, 0xff), 1);
    append_num(to, UNKNOWN, 2);
    append_num(to, cpu->processor_family, 2);
    append_num(to, cores, 2);
    append_num(to, cores, 2);
    append_num(to, threads, 2);
    end(&s);
}

static void add_oem(Smbios *smbios, const GPtrArray *oem)
{
    Structure s;
    GByteArray *to;
    unsigned n = 0;

    if (oem->len == 0) {
        return;
    }
    to = begin(&s, smbios, 11, 0xe00);
    append_num(to, 0, 1);
    for (guint i = 0; i < oem->len; i++) {
        const char *t = g_ptr_array_index(oem, i);

        if (*t && n < 255) {
            g_ptr_array_add(s.text, (gpointer)t);
            n++;
        }
    }
    to->data[s.start + 4] = n;
    end(&s);
}

/* ---- memory ---- */

enum { MEMORY_ARRAY = 0x1000, NO_ERROR_INFO = 0xfffe };
#define DIMM_BYTES (16 * GiB)

static void add_array(Smbios *smbios, u64 ram, unsigned dimms)
{
    enum { ON_BOARD = 1, SYSTEM_MEMORY = 3, MULTI_BIT_ECC = 6 };
    bool wide = ram >= 2 * TiB;             /* 7.17: beyond the 32-bit field */
    Structure s;
    GByteArray *to = begin(&s, smbios, 16, MEMORY_ARRAY);

    append_bytes(to, (const u8[]){ ON_BOARD, SYSTEM_MEMORY, MULTI_BIT_ECC }, 3);
    append_num(to, wide ? 0x80000000 : ram / KiB, 4);
    append_num(to, NO_ERROR_INFO, 2);
    append_num(to, dimms, 2);
    append_num(to, wide ? ram : 0, 8);
    end(&s);
}

static void add_dimm(Smbios *smbios, const SmbiosMemory *memory, unsigned n, u64 bytes)
{
    enum { DIMM = 9, RAM = 7, OTHER = 1 << 1, EXTENDED = 0x7fff };
    g_autofree char *slot = numbered(memory->loc_pfx, n);
    Structure s;
    GByteArray *to = begin(&s, smbios, 17, 0x1100 + n);

    append_num(to, MEMORY_ARRAY, 2);
    append_num(to, NO_ERROR_INFO, 2);
    append_num(to, 0xffff, 2);              /* widths: unknown */
    append_num(to, 0xffff, 2);
    append_num(to, MIN(bytes / MiB, EXTENDED), 2);
    append_num(to, DIMM, 1);
    append_num(to, 0, 1);
    text(&s, slot, NULL);
    text(&s, memory->bank, NULL);
    append_num(to, RAM, 1);
    append_num(to, OTHER, 2);
    append_num(to, memory->speed, 2);
    text(&s, memory->manufacturer, "QEMU");
    text(&s, memory->serial, NULL);
    text(&s, memory->asset, NULL);
    text(&s, memory->part, NULL);
    append_num(to, 0, 1);
    append_num(to, bytes / MiB >= EXTENDED ? bytes / MiB : 0, 4);
    append_num(to, memory->speed, 2);
    append_zeroes(to, 6);                   /* voltages: unknown */
    end(&s);
}

/* 7.20: in KiB where that fits, otherwise in bytes. */
static void add_mapped(Smbios *smbios, unsigned n, u64 base, u64 bytes)
{
    u64 first = base / KiB, last = (base + bytes) / KiB - 1;
    bool wide = last >= UINT32_MAX;
    Structure s;
    GByteArray *to;

    if (bytes == 0) {
        return;
    }
    to = begin(&s, smbios, 19, 0x1300 + n);
    append_num(to, wide ? UINT32_MAX : first, 4);
    append_num(to, wide ? UINT32_MAX : last, 4);
    append_num(to, MEMORY_ARRAY, 2);
    append_num(to, 1, 1);
    append_num(to, wide ? base : 0, 8);
    append_num(to, wide ? base + bytes - 1 : 0, 8);
    end(&s);
}

static void add_memory(Smbios *smbios, const Machine *machine,
                       const SmbiosMemory *memory)
{
    u64 ram = machine->ram_bytes, low = machine->ram_below_4g;
    unsigned dimms = (ram + DIMM_BYTES - 1) / DIMM_BYTES;

    add_array(smbios, ram, dimms);
    for (unsigned i = 0; i < dimms; i++) {
        add_dimm(smbios, memory, i, MIN(DIMM_BYTES, ram - i * DIMM_BYTES));
    }
    add_mapped(smbios, 0, 0, low);
    add_mapped(smbios, 1, 4 * GiB, ram - low);
}

static void add_plain(Smbios *smbios, u8 type, unsigned zeroes)
{
    Structure s;

    append_zeroes(begin(&s, smbios, type, type << 8), zeroes);
    end(&s);
}

Smbios *smbios_build(const Machine *machine, const BoardConfig *config,
                     const SmbiosOptions *options, bool own_bios, GError **err)
{
    enum { BOOT_STATUS = 32, END_OF_TABLE = 127 };
    g_autoptr(Smbios) smbios = g_new0(Smbios, 1);

    smbios->tables = g_byte_array_new();
    if ((own_bios || options->bios.given) && !add_bios(smbios, &options->bios, err)) {
        return NULL;
    }
    if (!add_system(smbios, config, &options->system, err)) {
        return NULL;
    }
    if (options->board.given) {
        add_board(smbios, &options->board);
    }
    add_chassis(smbios, config, &options->chassis);
    for (unsigned i = 0; i < MAX(config->sockets, 1); i++) {
        add_processor(smbios, config, &options->processor, i);
    }
    add_oem(smbios, options->oem);
    add_memory(smbios, machine, &options->memory);
    add_plain(smbios, BOOT_STATUS, 7);
    add_plain(smbios, END_OF_TABLE, 0);
    return g_steal_pointer(&smbios);
}

void smbios_free(Smbios *smbios)
{
    if (smbios) {
        g_byte_array_unref(smbios->tables);
        g_free(smbios);
    }
}
