/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PACKET: SCSI commands to a CD or DVD drive (SFF-8020i; MMC-6; sense codes of SPC-4,
 * annex D).  This file has what moves sectors, the tray, and readiness; what only asks
 * is in mmc.c.
 *
 * Left out: audio, raw sectors, DVD structures, writing.  Under the machine lock.
 */

#include "hw/ide/mmc.h"

#include <string.h>

/* ---- sense ---- */

void mmc_sense(IdeDrive *drive, Sense sense)
{
    drive->state.sense_key = sense >> 16;
    drive->state.sense_code = sense >> 8;
    drive->state.sense_more = sense;
}

/* SFF-8020i, table 5 and 8.1: the error register has the key, count the reason. */
enum { REASON_DONE = 3 };

static void good(IdeCommand *command)
{
    command->count = REASON_DONE;
    ata_good(command);
}

static void check(IdeCommand *command, Sense sense)
{
    enum { KEY_AT = 4 };

    if (!command->dropped) {
        mmc_sense(command->drive, sense);
    }
    command->count = REASON_DONE;
    ide_end(command, ATA_READY | ATA_SEEK | ATA_ERR,
            (sense >> 16) << KEY_AT | ATA_ABRT);
}

/* ---- the medium ---- */

bool mmc_has_medium(const IdeDrive *drive)
{
    return drive->block && block_root(drive->block) && !drive->state.open;
}

u32 mmc_sectors(const IdeDrive *drive)
{
    return drive->block ? MIN(block_length(drive->block) / CD_SECTOR, UINT32_MAX) : 0;
}

/* The monitor put another medium in, or took it out; the tray is closed. */
void atapi_changed(IdeDrive *drive, bool has_medium)
{
    drive->state.open = 0;
    drive->state.changed = has_medium;
    drive->state.event = has_medium ? EVENT_NEW : EVENT_REMOVED;
}

void atapi_eject_wanted(IdeDrive *drive)
{
    drive->state.event = EVENT_EJECT;
}

/* SFF-8020i 10.8.25 */
static int start_stop(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { START = 1, LOAD_EJECT = 2 };
    bool open = !(packet[4] & START);

    (void)reply;
    if (packet[4] & LOAD_EJECT) {
        if (open && drive->state.locked) {
            mmc_sense(drive, SENSE_LOCKED);
            return -1;
        }
        if (!open && drive->state.open) {
            drive->state.changed = drive->block && block_root(drive->block);
            drive->state.event = drive->state.changed ? EVENT_NEW : 0;
        }
        drive->state.open = open;
        if (drive->block) {
            block_move_tray(drive->block, open);
        }
    }
    return 0;
}

static int prevent(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    (void)reply;
    drive->state.locked = packet[4] & 1;
    if (drive->block) {
        block_lock_tray(drive->block, drive->state.locked);
    }
    return 0;
}

static int nothing(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    (void)drive, (void)packet, (void)reply;
    return 0;
}

static int seek(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    (void)reply;
    if (mmc_get32(packet + 2) >= mmc_sectors(drive)) {
        mmc_sense(drive, SENSE_BEYOND);
        return -1;
    }
    return 0;
}

/* ---- reading ---- */

static void was_read(void *opaque, int error)
{
    IdeCommand *command = opaque;

    if (error) {
        check(command, SENSE_UNREADABLE);
    } else {
        good(command);
    }
}

static void read_sectors(IdeCommand *command, u32 first, u32 n)
{
    IdeDrive *drive = command->drive;
    u32 all = mmc_sectors(drive);
    BlockVec vec;

    if (first > all || n > all - first || (n == 0 && first == all)) {
        check(command, SENSE_BEYOND);
    } else if (n == 0) {
        good(command);
    } else if (ide_data(command, (u64)n * CD_SECTOR, true, &vec)) {
        block_read(drive->block, (u64)first * CD_SECTOR, vec, was_read, command);
    }
}

static void start_read(IdeCommand *command)
{
    enum { WHAT = 0xf8, USER_DATA = 0x10 };
    const u8 *packet = command->packet;
    u32 first = mmc_get32(packet + 2);

    switch (packet[0]) {
    case MMC_READ_10:
        read_sectors(command, first, packet[7] << 8 | packet[8]);
        break;
    case MMC_READ_12:
        read_sectors(command, first, mmc_get32(packet + 6));
        break;
    default:                                            /* READ CD */
        if ((packet[9] & WHAT) != USER_DATA) {
            check(command, SENSE_BAD_FIELD);
        } else {
            read_sectors(command, first, mmc_get32(packet + 5) & 0xffffff);
        }
    }
}

/* ---- all ---- */

/* When a command is done: always, with a medium only. */
enum { ALWAYS = 1, MEDIUM = 2, CALM = 0 };

static const struct {
    u8 code, needs;
    /* Offset and width of the allocation length in the packet. */
    u8 length_at, length_bytes;
    /* Bytes of the reply, or -1: the sense is set.  NULL: start_read. */
    int (*answer)(IdeDrive *drive, const u8 *packet, u8 *reply);
} rows[] = {
    { MMC_TEST_UNIT_READY,    MEDIUM, 0, 0, nothing },
    { MMC_REQUEST_SENSE,      ALWAYS, 4, 1, mmc_request_sense },
    { MMC_INQUIRY,            ALWAYS, 4, 1, mmc_inquiry },
    { MMC_START_STOP,         CALM,   0, 0, start_stop },
    { MMC_PREVENT,            CALM,   0, 0, prevent },
    { MMC_READ_CAPACITY,      MEDIUM, 0, 0, mmc_read_capacity },
    { MMC_READ_10,            MEDIUM, 0, 0, NULL },
    { MMC_SEEK,               MEDIUM, 0, 0, seek },
    { MMC_READ_TOC,           MEDIUM, 7, 2, mmc_read_toc },
    { MMC_GET_CONFIGURATION,  ALWAYS, 7, 2, mmc_get_configuration },
    { MMC_GET_EVENT,          ALWAYS, 7, 2, mmc_get_event },
    { MMC_READ_DISC_INFO,     MEDIUM, 7, 2, mmc_read_disc_info },
    { MMC_MODE_SENSE,         CALM,   7, 2, mmc_mode_sense },
    { MMC_READ_12,            MEDIUM, 0, 0, NULL },
    { MMC_SET_SPEED,          CALM,   0, 0, nothing },
    { MMC_MECHANISM_STATUS,   CALM,   8, 2, mmc_mechanism_status },
    { MMC_READ_CD,            MEDIUM, 0, 0, NULL },
};

static u32 allocated(unsigned row, const u8 *packet)
{
    unsigned at = rows[row].length_at;

    switch (rows[row].length_bytes) {
    case 1:
        return packet[at];
    case 2:
        return packet[at] << 8 | packet[at + 1];
    }
    return UINT32_MAX;
}

/* What stands in the way of a command; 0: nothing. */
static Sense obstacle(IdeDrive *drive, u8 needs)
{
    IdeState *state = &drive->state;

    if (needs == ALWAYS) {
        return 0;
    }
    if (state->was_reset) {
        state->was_reset = 0;
        return SENSE_RESET;
    }
    if (state->changed) {
        state->changed = 0;
        return SENSE_CHANGED;
    }
    return needs != MEDIUM || mmc_has_medium(drive) ? 0
           : state->open ? SENSE_OPEN : SENSE_EMPTY;
}

static void run(IdeCommand *command, unsigned row)
{
    IdeDrive *drive = command->drive;
    u8 reply[MMC_REPLY_MAX] = { 0 };
    int n;

    if (!rows[row].answer) {
        start_read(command);
        return;
    }
    n = rows[row].answer(drive, command->packet, reply);
    if (n < 0) {
        check(command, mmc_sense_of(drive));
        return;
    }
    n = MIN((u32)n, allocated(row, command->packet));
    if (n == 0 || ide_reply(command, reply, n)) {
        good(command);
    }
}

void atapi_start(IdeCommand *command)
{
    IdeDrive *drive = command->drive;
    Sense sense;

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].code != command->packet[0]) {
            continue;
        }
        sense = obstacle(drive, rows[i].needs);
        if (sense) {
            check(command, sense);
            return;
        }
        if (rows[i].code != MMC_REQUEST_SENSE) {
            mmc_sense(drive, 0);
        }
        run(command, i);
        return;
    }
    check(command, SENSE_BAD_COMMAND);
}
