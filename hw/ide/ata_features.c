/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ATA commands that move no sectors: what the drive is, its settings, its power
 * mode, its logs (ATA8-ACS, chapter 7 and annex A).  Under the machine lock.
 */

#include "hw/ide/ata.h"

#include "base/bytes.h"

/* ---- settings (7.48) ---- */

static bool set_features(IdeCommand *command)
{
    enum { CACHE_ON_ = 0x02, TRANSFER_MODE = 0x03, APM = 0x05, KEEP = 0x66,
           LOOK_AHEAD_OFF = 0x55, CACHE_OFF_ = 0x82, APM_OFF = 0x85, LOOK_AHEAD = 0xaa,
           DEFAULTS = 0xcc };
    IdeState *state = &command->drive->state;

    switch (command->features & 0xff) {
    case CACHE_ON_:
        state->write_cache = 1;
        return true;
    case CACHE_OFF_:                    /* what waits is written first */
        state->write_cache = 0;
        return true;
    case TRANSFER_MODE:
    case KEEP:
    case DEFAULTS:
    case LOOK_AHEAD:
    case LOOK_AHEAD_OFF:
        return true;
    }
    return false;
}

static void flushed(void *opaque, int error)
{
    IdeCommand *command = opaque;

    if (error) {
        ata_abort(command);
    } else {
        ata_good(command);
    }
}

static void start_features(IdeCommand *command)
{
    IdeDrive *drive = command->drive;

    if (!set_features(command)) {
        ata_abort(command);
    } else if (!drive->state.write_cache && !drive->is_cd) {
        block_flush(drive->block, flushed, command);
    } else {
        ata_good(command);
    }
}

/* 7.49: a power of two, no more than IDENTIFY promises. */
static void set_multiple(IdeCommand *command)
{
    unsigned n = command->count & 0xff;

    if (n > 16 || (n & (n - 1))) {
        ata_abort(command);
    } else {
        command->drive->state.multiple = n;
        ata_good(command);
    }
}

/* ---- power ---- */

/* What is in the cache is written before the drive stands (7.55). */
static void set_power(IdeCommand *command)
{
    IdeDrive *drive = command->drive;

    drive->state.standby = command->command != CMD_IDLE_NOW &&
                           command->command != CMD_IDLE;
    if (drive->state.standby && !drive->is_cd) {
        block_flush(drive->block, flushed, command);
    } else {
        ata_good(command);
    }
}

/* 7.5: count is the power mode. */
static void check_power(IdeCommand *command)
{
    command->count = command->drive->state.standby ? 0x00 : 0xff;
    ata_good(command);
}

/* ---- logs (7.27, annex A) ---- */

/* A.2: which logs there are, and how many pages each has. */
static void log_directory(u8 *page)
{
    put16(page, 1);
    put16(page + 2 * 0x10, 1);
}

/* A.12: what went wrong with a queued command; byte 511 makes the sum 0. */
static void log_queued_error(const IdeState *state, u8 *page)
{
    u8 sum = 0;

    page[0] = state->failed_tag;
    page[2] = state->failed_status;
    page[3] = state->failed_error;
    page[4] = state->failed_lba;
    page[5] = state->failed_lba >> 8;
    page[6] = state->failed_lba >> 16;
    page[7] = 1 << 6;
    page[8] = state->failed_lba >> 24;
    page[9] = state->failed_lba >> 32;
    page[10] = state->failed_lba >> 40;
    for (unsigned i = 0; i < ATA_SECTOR - 1; i++) {
        sum += page[i];
    }
    page[ATA_SECTOR - 1] = -sum;
}

static void read_log(IdeCommand *command)
{
    unsigned log = command->lba & 0xff;
    unsigned page = (command->lba >> 8 & 0xff) | (command->lba >> 32 & 0xff) << 8;
    u8 bytes[ATA_SECTOR] = { 0 };

    if (page || command->count != 1 || (log != 0 && log != 0x10)) {
        ata_abort(command);
        return;
    }
    if (log == 0) {
        log_directory(bytes);
    } else {
        log_queued_error(&command->drive->state, bytes);
        command->drive->state.failed_tag = 0x80;    /* NQ: the last was not queued */
    }
    command->pio = command->command == CMD_READ_LOG;
    ata_send(command, bytes, sizeof bytes);
}

/* ---- identity ---- */

static void identify(IdeCommand *command)
{
    u8 page[ATA_SECTOR];

    ata_identify(command->drive, page);
    command->pio = true;
    ata_send(command, page, sizeof page);
}

/* ATA8-ACS 4.14: what the registers hold after a reset. */
void ata_set_signature(IdeCommand *command)
{
    u32 signature = ide_signature(command->drive);

    command->count = signature & 0xff;
    command->lba = signature >> 8;
    command->device = 0;
}

/* 7.10 and 7.7: both end with the signature. */
static void diagnose(IdeCommand *command)
{
    ide_reset(command->drive);
    ata_set_signature(command);
    ide_end(command, ide_idle_status(command->drive), 1);
}

/* A CD drive refuses what is for disks, and shows that it is one (7.16, 7.24). */
static void refuse(IdeCommand *command)
{
    ata_set_signature(command);
    ata_abort(command);
}

/* ---- all ---- */

enum { ON_DISK = 1, ON_CD = 2, ON_BOTH = 3 };

static const struct {
    u8 command, on;
    void (*start)(IdeCommand *command);
} rows[] = {
    { CMD_DEVICE_RESET,    ON_CD,   diagnose },
    { CMD_READ_LOG,        ON_DISK, read_log },
    { CMD_READ_LOG_DMA,    ON_DISK, read_log },
    { CMD_DIAGNOSTIC,      ON_BOTH, diagnose },
    { CMD_SET_PARAMETERS,  ON_DISK, ata_good },
    { CMD_PACKET,          ON_CD,   atapi_start },
    { CMD_IDENTIFY_PACKET, ON_CD,   identify },
    { CMD_SET_MULTIPLE,    ON_DISK, set_multiple },
    { CMD_STANDBY_NOW,     ON_BOTH, set_power },
    { CMD_IDLE_NOW,        ON_BOTH, set_power },
    { CMD_STANDBY,         ON_DISK, set_power },
    { CMD_IDLE,            ON_DISK, set_power },
    { CMD_CHECK_POWER,     ON_BOTH, check_power },
    { CMD_SLEEP,           ON_BOTH, set_power },
    { CMD_IDENTIFY,        ON_DISK, identify },
    { CMD_IDENTIFY,        ON_CD,   refuse },
    { CMD_READ,            ON_CD,   refuse },
    { CMD_FEATURES,        ON_BOTH, start_features },
};

bool ata_other(IdeCommand *command)
{
    unsigned on = command->drive->is_cd ? ON_CD : ON_DISK;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].command == command->command && (rows[i].on & on)) {
            rows[i].start(command);
            return true;
        }
    }
    return false;
}
