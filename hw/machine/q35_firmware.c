/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The q35 board and its firmware: the ROM, what firmware is told through CMOS and
 * fw_cfg, and what is done in its place when a kernel is entered directly.
 */

#include "hw/machine/q35.h"
#include "block/drive.h"
#include "config.h"
#include "hw/flash/pflash.h"
#include "hw/isa/lpc.h"
#include "hw/machine/e820.h"
#include "hw/machine/mch.h"
#include "hw/timer/rtc.h"
#include <inttypes.h>
#include <string.h>

enum { BIOS_UNIT = 64 << 10, BIOS_MAX = 16 << 20, ROM_PRIORITY = 1 };

/* ---- the ROM ---- */

static File *open_bios(const char *given, GError **err)
{
    const char *name = given ? given : "bios-256k.bin";
    g_autofree char *path = firmware_path(name);

    if (!path) {
        g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_NOENT,
                    "no firmware '%s' in %s: %s", name, CONFIG_FIRMWARE_PATH,
                    given ? "-bios FILE names one"
                          : "install seabios, or boot with -kernel FILE or -bios FILE");
        return NULL;
    }
    return file_open_for("bios", path, BIOS_MAX, err);
}

/* ---- flash ---- */

enum { CHIPS = 2, FLASH_MAX = 8 << 20 };

static bool bad_flash(GError **err, const Drive *drive, const char *what)
{
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "-drive if=pflash,unit=%u: %s", drive->index, what);
    return false;
}

static bool is_right(const Drive *drive, u64 bytes, u64 end, GError **err)
{
    u64 room = FLASH_MAX - (4 * GiB - end);

    if (drive->index >= CHIPS) {
        return bad_flash(err, drive, "there are units 0 (firmware) and 1 (variables)");
    }
    return (bytes && bytes % PFLASH_SECTOR == 0 && bytes <= room) ||
           bad_flash(err, drive, bytes % PFLASH_SECTOR || !bytes
                     ? "its size is not a multiple of 4 KiB"
                     : "all flash together is more than 8 MiB");
}

/* Unit 0 ends at 4 GiB, unit 1 below it (OVMF's layout). */
static bool add_flash(Q35 *q35, GError **err)
{
    Drive *drive = NULL;
    u64 end = 4 * GiB;

    while ((drive = drive_next(DRIVE_PFLASH, drive))) {
        u64 bytes = block_length(block_by_id(drive->id));
        g_autofree char *options = NULL;
        Device *dev;

        if (!is_right(drive, bytes, end, err)) {
            return false;
        }
        end -= bytes;
        options = g_strdup_printf("drive=%s,base=0x%" PRIx64 ",bytes=%" PRIu64,
                                  drive->id, end, bytes);
        dev = device_add(q35->machine, &pflash_type, options, err);
        if (!dev) {
            return false;
        }
        q35->flash = q35->flash ? q35->flash : dev;
        drive->taken = true;
    }
    return true;
}

/* True: there is flash, and it has the firmware. */
static bool load_flash(Q35 *q35, GError **err)
{
    const Drive *first = drive_next(DRIVE_PFLASH, NULL);

    if (first->index != 0) {
        return bad_flash(err, first, "variables without firmware, which is unit 0");
    }
    if (q35->config->bios) {
        return bad_flash(err, first, "it has the firmware, and so has -bios");
    }
    if (!add_flash(q35, err)) {
        return false;
    }
    mch_set_rom(q35->mch, pflash_bytes(q35->flash), pflash_size(q35->flash));
    return true;
}

bool q35_load_bios(Q35 *q35, GError **err)
{
    g_autoptr(File) file = NULL;
    u8 *bytes;

    if (drive_next(DRIVE_PFLASH, NULL)) {
        return load_flash(q35, err);
    }
    file = open_bios(q35->config->bios, err);
    if (!file) {
        return false;
    }
    if (file->size == 0 || file->size % BIOS_UNIT) {
        return boot_fail(err, file, "%" PRIu64 " bytes; firmware has a multiple of 64 "
                         "KiB, up to 16 MiB", file->size);
    }
    if (!region_init_rom(&q35->bios, "bios", file->size, err)) {
        return false;
    }
    bytes = region_rom_bytes(&q35->bios);
    if (!file_read(file, 0, bytes, file->size)) {
        return boot_fail(err, file, "cannot be read to its end");
    }
    mch_set_rom(q35->mch, bytes, file->size);
    space_add(q35->machine->mmio, &q35->bios, 4 * GiB - file->size, ROM_PRIORITY);
    return true;
}

/* ---- CMOS ---- */

/* Memory sizes as BIOSes since the PS/2 keep them. */
static void cmos_memory(Q35 *q35)
{
    u64 low = q35->machine->ram_below_4g, high = q35->machine->ram_bytes - low;
    u64 above_1m = low > MiB ? MIN((low - MiB) / KiB, 0xffff) : 0;
    u64 above_16m = low > 16 * MiB ? MIN((low - 16 * MiB) / (64 * KiB), 0xffff) : 0;
    u64 above_4g = MIN(high / (64 * KiB), 0xffffff);
    const struct { u8 at, value; } byte[] = {
        { 0x15, 640 & 0xff }, { 0x16, 640 >> 8 },
        { 0x17, above_1m }, { 0x18, above_1m >> 8 },
        { 0x30, above_1m }, { 0x31, above_1m >> 8 },
        { 0x34, above_16m }, { 0x35, above_16m >> 8 },
        { 0x5b, above_4g }, { 0x5c, above_4g >> 8 }, { 0x5d, above_4g >> 16 },
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(byte); i++) {
        rtc_set_cmos(q35->rtc, byte[i].at, byte[i].value);
    }
}

/*
 * Nibbles in order of preference: 1 floppy, 2 disk, 3 CD, 4 network (SeaBIOS, 0x3d and
 * 0x38).
 */
static void cmos_boot_order(Q35 *q35)
{
    static const char letters[] = "acdn";
    const char *order = q35->config->boot_order ? q35->config->boot_order : "cad";
    unsigned nibbles = 0;

    for (unsigned n = 0; *order && n < 3; order++) {
        const char *at = strchr(letters, *order);

        if (at) {
            nibbles |= (unsigned)(at - letters + 1) << 4 * n++;
        }
    }
    rtc_set_cmos(q35->rtc, 0x3d, nibbles);
    rtc_set_cmos(q35->rtc, 0x38, nibbles >> 4 & 0xf0);
}

void q35_fill_cmos(Q35 *q35)
{
    enum { EQUIPMENT = 0x14, FPU_AND_MOUSE = 0x06, CPUS = 0x5f };

    cmos_memory(q35);
    cmos_boot_order(q35);
    rtc_set_cmos(q35->rtc, EQUIPMENT, FPU_AND_MOUSE);
    rtc_set_cmos(q35->rtc, CPUS, q35->machine->cpus - 1);
}

/* ---- fw_cfg ---- */

static bool add_number_file(FwCfg *fw, const char *name, u64 value, unsigned n,
                            GError **err)
{
    u64 little = GUINT64_TO_LE(value);

    return fw_cfg_add_file(fw, name, &little, n, err);
}

/* What -boot asked for. */
static bool add_boot_options(FwCfg *fw, const BoardConfig *config, GError **err)
{
    fw_cfg_add_number(fw, FW_CFG_BOOT_MENU, config->boot_menu, 2);
    return (config->splash_time < 0 ||
            add_number_file(fw, "etc/boot-menu-wait", config->splash_time, 2, err)) &&
           add_number_file(fw, "etc/boot-fail-wait", config->reboot_timeout, 4, err);
}

static bool add_e820(FwCfg *fw, const Machine *machine, GError **err)
{
    g_autoptr(GArray) map = e820_ram(machine);
    g_autoptr(GByteArray) file = g_byte_array_new();

    for (guint i = 0; i < map->len; i++) {
        const E820Entry *entry = &g_array_index(map, E820Entry, i);
        u64 place[2] = { GUINT64_TO_LE(entry->base), GUINT64_TO_LE(entry->size) };
        u32 type = GUINT32_TO_LE(entry->type);

        g_byte_array_append(file, (u8 *)place, sizeof place);
        g_byte_array_append(file, (u8 *)&type, sizeof type);
    }
    return fw_cfg_add_file(fw, "etc/e820", file->data, file->len, err);
}

static bool add_users_items(FwCfg *fw, const BoardConfig *config, GError **err)
{
    for (unsigned i = 0; config->fw_cfg && config->fw_cfg[i]; i++) {
        if (!fw_cfg_add_option(fw, config->fw_cfg[i], err)) {
            return false;
        }
    }
    return true;
}

bool q35_fill_fw_cfg(Q35 *q35, GError **err)
{
    Machine *machine = q35->machine;
    const BoardConfig *config = q35->config;
    FwCfg *fw = machine->fw_cfg;
    unsigned max_cpus = MAX(config->max_cpus, machine->cpus);

    fw_cfg_add(fw, FW_CFG_UUID, config->uuid, sizeof config->uuid);
    fw_cfg_add_number(fw, FW_CFG_RAM_SIZE, machine->ram_bytes, 8);
    fw_cfg_add_number(fw, FW_CFG_NOGRAPHIC, config->nographic, 2);
    fw_cfg_add_number(fw, FW_CFG_NB_CPUS, machine->cpus, 2);
    fw_cfg_add_number(fw, FW_CFG_MAX_CPUS, max_cpus, 2);
    fw_cfg_add_number(fw, FW_CFG_NUMA, 0, 8);
    fw_cfg_add_number(fw, FW_CFG_IRQ0_OVERRIDE, 1, 4);
    return add_boot_options(fw, config, err) && q35_add_boot_order(q35, err) &&
           add_e820(fw, machine, err) && add_users_items(fw, config, err);
}

/* ---- in firmware's place ---- */

static void poke(Q35 *q35, u8 devfn, unsigned offset, u32 value, unsigned n)
{
    pci_config_write(q35->machine->pci, 0, devfn, offset, value, n);
}

void q35_play_firmware(Q35 *q35)
{
    enum { MCH = PCI_DEVFN(0, 0), LPC = PCI_DEVFN(31, 0), RAM_ON = 0x33 };
    enum { LEVEL_PORT = 0x4d1, LEVEL_10_11 = 0x0c, ACPI_ON = 0x80 };
    static const u8 irq[8] = { 10, 10, 11, 11, 10, 10, 11, 11 };
    PciWindows windows = q35_pci_windows(q35->machine);

    poke(q35, MCH, MCH_PCIEXBAR, MCH_ECAM_BASE | 1, 4);
    for (unsigned i = 0; i < MCH_PAMS; i++) {
        poke(q35, MCH, MCH_PAM0 + i, RAM_ON, 1);
    }
    poke(q35, LPC, LPC_PMBASE, PM_BASE | 1, 4);
    poke(q35, LPC, LPC_ACPI_CNTL, ACPI_ON, 1);
    for (unsigned i = 0; i < 8; i++) {
        poke(q35, LPC, (i < 4 ? LPC_PIRQ : LPC_PIRQ_HIGH - 4) + i, irq[i], 1);
    }
    space_write(q35->machine->io, LEVEL_PORT, LEVEL_10_11, 1);
    memcpy(windows.irq, irq, sizeof irq);
    pci_assign(q35->machine->pci, &windows);
    if (q35->machine->start_text) {
        q35->machine->start_text(q35->machine->text_screen);
    }
}
