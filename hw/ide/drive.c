/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ide-hd and ide-cd: drives on the SATA ports of an AHCI controller.  The commands:
 * ata.c, ata_features.c, atapi.c.  Under the machine lock.
 */

#include "hw/ide/ata.h"

#include <string.h>

const char *const ide_on_off[] = { "auto", "off", "on", NULL };

static const Field IdeConfig_fields[] = STATE_ROWS(IdeConfig, IDE_CONFIG_ROWS);
static const Field IdeState_fields[] = STATE_ROWS(IdeState, IDE_STATE_ROWS);

static IdeDrive *drive_of(Device *dev)
{
    return container_of(dev, IdeDrive, dev);
}

/* ---- what the port asks ---- */

/* ATA8-ACS, table 9: count 1, LBA 1 for a disk, 0xeb1401 for packets. */
u32 ide_signature(const IdeDrive *drive)
{
    return drive->is_cd ? 0xeb140101 : 0x00000101;
}

u8 ide_idle_status(const IdeDrive *drive)
{
    return drive->is_cd ? 0 : ATA_READY | ATA_SEEK;
}

void ide_start(IdeCommand *command)
{
    ata_start(command);
}

void ide_batch(IdeDrive *drive, bool begins)
{
    if (!drive->block) {
        return;
    }
    if (begins) {
        block_plug(drive->block);
    } else {
        block_unplug(drive->block);
    }
}

/* While the machine is built nobody holds the lock. */
void ide_drain(IdeDrive *drive)
{
    if (drive->block) {
        IoContext *io = block_context(drive->block);
        bool took = io_enter(io);

        block_drain(drive->block, true);
        io_leave(io, took);
    }
}

/* Settings survive the resets that a driver does (ATA8-ACS, 7.48.9: SSP). */
void ide_reset(IdeDrive *drive)
{
    drive->state.standby = 0;
    drive->state.failed_tag = 0x80;
    drive->state.was_reset = drive->is_cd;
}

/* ---- what the monitor does ---- */

static void changed(void *opaque)
{
    IdeDrive *drive = opaque;

    atapi_changed(drive, block_root(drive->block) != NULL);
}

static void eject_wanted(void *opaque)
{
    atapi_eject_wanted(opaque);
}

static const BlockHost cd_host = { .changed = changed, .eject_wanted = eject_wanted };
/* A disk's driver asks for the size when it likes. */
static const BlockHost hd_host = { 0 };

/* ---- life ---- */

static bool take_block(IdeDrive *drive, GError **err)
{
    const char *id = drive->config.drive;
    const BlockHost *host = drive->is_cd ? &cd_host : &hd_host;

    if (!id && drive->is_cd) {
        return true;
    }
    if (!id) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "No drive specified; drive=ID names one");
        return false;
    }
    drive->block = block_take(id, (drive->is_cd ? 0 : BLOCK_TAKE_WRITES) |
                              (drive->config.share_rw ? BLOCK_TAKE_SHARES : 0), host,
                              drive, err);
    if (drive->block && !drive->is_cd && !block_root(drive->block)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "Device needs media, but drive is empty");
        return false;
    }
    if (drive->block && drive->is_cd) {
        block_set_removable(drive->block);
    }
    return drive->block != NULL;
}

static bool open_drive(Device *dev, bool is_cd, GError **err)
{
    IdeDrive *drive = drive_of(dev);
    AhciPort *port = ide_port_find(dev->machine, drive->config.bus, err);

    drive->is_cd = is_cd;
    if (!port || !take_block(drive, err)) {
        return false;
    }
    drive->port = port;
    ide_plug(port, drive);
    return true;
}

static bool open_hd(Device *dev, GError **err)
{
    return open_drive(dev, false, err);
}

static bool open_cd(Device *dev, GError **err)
{
    return open_drive(dev, true, err);
}

static void close_drive(Device *dev)
{
    IdeDrive *drive = drive_of(dev);

    if (drive->port) {
        ide_unplug(drive->port);
    }
    g_clear_pointer(&drive->block, block_release);
}

static void show_tray(IdeDrive *drive)
{
    if (drive->is_cd && drive->block) {
        block_lock_tray(drive->block, drive->state.locked);
        block_move_tray(drive->block, drive->state.open);
    }
}

static void reset_drive(Device *dev)
{
    IdeDrive *drive = drive_of(dev);
    u8 cache = drive->config.write_cache;

    drive->state.multiple = 16;
    drive->state.write_cache = cache == CACHE_AUTO
                               ? !drive->is_cd && block_writeback(drive->block)
                               : cache == CACHE_ON;
    ide_reset(drive);
    show_tray(drive);
}

static bool loaded_drive(Device *dev, GError **err)
{
    (void)err;
    show_tray(drive_of(dev));
    return true;
}

static char *drive_boot_path(Device *dev, u32 *bootindex)
{
    IdeDrive *drive = drive_of(dev);

    *bootindex = drive->config.bootindex;
    return ide_boot_path(drive->port);
}

static bool check_drive(const void *opaque, GError **err)
{
    const IdeConfig *c = opaque;
    u32 n = c->physical_block_size;

    if (c->logical_block_size != ATA_SECTOR || (n & (n - 1))) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, n & (n - 1)
                    ? "physical_block_size: it must be a power of 2"
                    : "logical_block_size must be 512 for IDE");
        return false;
    }
    return true;
}

const BusType ide_bus = { .name = "IDE", .suffix = "" };

#define DRIVE_PART                                                                  \
    .bus = { &ide_bus }, .size = sizeof(IdeDrive), .check = check_drive,            \
    .close = close_drive, .boot_path = drive_boot_path,                             \
    .part = {                                                                       \
        .name = "ide", .reset = reset_drive, .loaded = loaded_drive,                \
        DEVICE_CONFIG(IdeDrive, IdeConfig), DEVICE_STATE(IdeDrive, IdeState),       \
    }

const DeviceType ide_hd_type = {
    .name = "ide-hd",
    .help = "a SATA disk",
    .open = open_hd, DRIVE_PART,
};

const DeviceType ide_cd_type = {
    .name = "ide-cd",
    .help = "a SATA CD or DVD drive",
    .open = open_cd, DRIVE_PART,
};
