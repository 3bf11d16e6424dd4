/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS tables (DMTF DSP0134, 2.8 and 3.0): what dmidecode shows.  The user's -smbios
 * options change fields of types 0 to 4 and 17 and add the strings of type 11.
 *
 * Main thread, while the machine is built.
 */

#ifndef HW_MACHINE_SMBIOS_H
#define HW_MACHINE_SMBIOS_H

#include "base/field.h"
#include "hw/machine/board.h"
#include "hw/machine/fw_cfg.h"

/* What a user may set, by type; NULL is our own default (of type 0 and 2: none). */
typedef struct {
    bool given;                 /* any field of this type was set */
    str vendor, version, date, release;
    bool uefi;
} SmbiosBios;

typedef struct {
    bool given;
    str manufacturer, product, version, serial, uuid, sku, family, asset, location;
} SmbiosSystem;

typedef struct {
    str sock_pfx, manufacturer, version, serial, asset, part;
    u16 max_speed, current_speed;
    u64 processor_id;
    u16 processor_family;
} SmbiosProcessor;

typedef struct {
    str loc_pfx, bank, manufacturer, serial, asset, part;
    u16 speed;
} SmbiosMemory;

typedef struct {
    SmbiosBios bios;
    SmbiosSystem system, board, chassis;        /* types 1, 2 and 3 */
    SmbiosProcessor processor;
    SmbiosMemory memory;
    GPtrArray *oem;             /* char *: strings of type 11 */
} SmbiosOptions;

/* smbios_option.c: from the values of -smbios (NULL-terminated, or NULL). */
SmbiosOptions *smbios_options(const char *const *texts, GError **err) must_check;
void smbios_options_free(SmbiosOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SmbiosOptions, smbios_options_free)

typedef struct {
    GByteArray *tables;
    unsigned count, longest;    /* structures, and bytes of the largest */
} Smbios;

/* `own_bios`: there is no firmware that adds a type 0 of its own. */
Smbios *smbios_build(const Machine *machine, const BoardConfig *config,
                     const SmbiosOptions *options, bool own_bios,
                     GError **err) must_check;
void smbios_free(Smbios *smbios);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Smbios, smbios_free)

/*
 * Entry points (5.2): the 64-bit one for tables at `at`; the 32-bit one, which firmware
 * completes.
 */
enum { SMBIOS3_BYTES = 24 };
void smbios_entry3(const Smbios *smbios, gpa at, u8 entry[SMBIOS3_BYTES]);
bool smbios_publish(const Smbios *smbios, FwCfg *fw, GError **err) must_check;

#endif
