/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a CD or DVD drive answers when it is asked about itself and its medium
 * (SFF-8020i, section 10.8; MMC-6, section 6).  One session with one data track.
 *
 * Under the machine lock.
 */

#include "hw/ide/mmc.h"

#include <string.h>

static int refuse(IdeDrive *drive, Sense sense)
{
    mmc_sense(drive, sense);
    return -1;
}

/* ---- itself ---- */

/* SPC-4 4.5.3: fixed format; it is forgotten then. */
int mmc_request_sense(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    (void)packet;
    reply[0] = 0x70;
    reply[2] = drive->state.sense_key;
    reply[7] = 10;
    reply[12] = drive->state.sense_code;
    reply[13] = drive->state.sense_more;
    mmc_sense(drive, 0);
    return 18;
}

/* SFF-8020i 10.8.1 */
int mmc_inquiry(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { VITAL_DATA = 1, CD = 5, REMOVABLE = 0x80, ATAPI = 0x21, BYTES = 36 };
    const char *revision = drive->config.ver;

    if (packet[1] & VITAL_DATA) {
        return refuse(drive, SENSE_BAD_FIELD);
    }
    reply[0] = CD;
    reply[1] = REMOVABLE;
    reply[3] = ATAPI;
    reply[4] = BYTES - 5;
    memcpy(reply + 8, "MAYFLY  MAYFLY DVD-ROM      ", 28);
    memcpy(reply + 32, revision, MIN(strlen(revision), 4));
    return BYTES;
}

/* ---- modes (SFF-8020i 10.8.6; MMC-6, 7.3 and annex E) ---- */

enum { MODE_ERRORS = 0x01, MODE_CAPABILITIES = 0x2a, MODE_ALL = 0x3f,
       MODE_HEADER = 8, SPEED = 16 * 176 };

static unsigned errors_page(u8 *at)
{
    static const u8 page[] = { MODE_ERRORS, 6, 0, 5 };

    memcpy(at, page, sizeof page);
    return 8;
}

static unsigned capabilities_page(const IdeDrive *drive, u8 *at)
{
    enum { READS_DVD_ROM = 8, READS_CD_R = 1, READS_CD_RW = 2, READS_DVD_R = 0x10,
           MODE_2 = 0x30, MULTISESSION = 0x40, CAN_LOCK = 1, LOCKED = 2, CAN_EJECT = 8,
           TRAY = 1 << 5, BYTES = 20 };

    at[0] = MODE_CAPABILITIES;
    at[1] = BYTES - 2;
    at[2] = READS_CD_R | READS_CD_RW | READS_DVD_ROM | READS_DVD_R;
    at[4] = MODE_2 | MULTISESSION;
    at[6] = TRAY | CAN_EJECT | CAN_LOCK | (drive->state.locked ? LOCKED : 0);
    mmc_put16(at + 8, SPEED);
    mmc_put16(at + 12, 512);                        /* KiB of buffer */
    mmc_put16(at + 14, SPEED);
    return BYTES;
}

int mmc_mode_sense(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { SAVED = 3, NO_DISC = 0x70, DATA_DISC = 0x01, OPEN = 0x71 };
    u8 page = packet[2] & 0x3f;
    unsigned n = MODE_HEADER;

    if (packet[2] >> 6 == SAVED) {
        return refuse(drive, SENSE_NOT_SAVED);
    }
    if (page == MODE_ERRORS || page == MODE_ALL) {
        n += errors_page(reply + n);
    }
    if (page == MODE_CAPABILITIES || page == MODE_ALL) {
        n += capabilities_page(drive, reply + n);
    }
    if (n == MODE_HEADER) {
        return refuse(drive, SENSE_BAD_FIELD);
    }
    mmc_put16(reply, n - 2);
    reply[2] = drive->state.open ? OPEN : mmc_has_medium(drive) ? DATA_DISC : NO_DISC;
    return n;
}

/* MMC-6, 6.8: the door, nothing else moves. */
int mmc_mechanism_status(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { DOOR_OPEN = 0x10 };

    (void)packet;
    reply[1] = drive->state.open ? DOOR_OPEN : 0;
    return 8;
}

/* ---- features (MMC-6, 6.6 and 5.3) ---- */

/* More than a CD can hold is a DVD: 80 minutes of 75 sectors a second. */
enum { PROFILE_CD = 0x08, PROFILE_DVD = 0x10, CD_SECTORS = 80 * 60 * 75 };

static unsigned profile(const IdeDrive *drive)
{
    return !mmc_has_medium(drive) ? 0
           : mmc_sectors(drive) > CD_SECTORS ? PROFILE_DVD : PROFILE_CD;
}

static const struct {
    u16 code;
    u8 flags;                   /* version, persistent, current */
    bool with_disc;
    u8 n, data[8];
} features[] = {
    { 0x0000, 3, false, 8, { 0, PROFILE_DVD, 0, 0, 0, PROFILE_CD, 0, 0 } },
    { 0x0001, 2 << 2 | 3, false, 8, { 0, 0, 0, 7, 1 } },    /* core: serial ATAPI */
    { 0x0003, 3, false, 4, { 0x29 } },                      /* tray, eject, lock */
    { 0x0010, 0, true, 8, { 0, 0, 8, 0, 0, 1 } },           /* reads blocks of 2048 */
};

static unsigned put_feature(const IdeDrive *drive, unsigned i, u8 *at)
{
    u8 *data = at + 4;

    mmc_put16(at, features[i].code);
    at[2] = features[i].flags | (features[i].with_disc && mmc_has_medium(drive));
    at[3] = features[i].n;
    memcpy(data, features[i].data, features[i].n);
    if (features[i].code == 0) {
        data[2] = profile(drive) == PROFILE_DVD;
        data[6] = profile(drive) == PROFILE_CD;
    }
    return 4 + features[i].n;
}

int mmc_get_configuration(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { ALL, CURRENT, ONE, HEADER = 8 };
    unsigned wanted = packet[1] & 3, from = packet[2] << 8 | packet[3], n = HEADER;

    if (wanted > ONE) {
        return refuse(drive, SENSE_BAD_FIELD);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(features); i++) {
        bool current = !features[i].with_disc || mmc_has_medium(drive);

        if (wanted == ONE ? features[i].code == from
            : features[i].code >= from && (wanted == ALL || current)) {
            n += put_feature(drive, i, reply + n);
        }
    }
    mmc_put32(reply, n - 4);
    mmc_put16(reply + 6, profile(drive));
    return n;
}

/* MMC-6, 6.7: only when asked, never later. */
int mmc_get_event(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { IMMEDIATE = 1, MEDIA = 4, NONE = 0x80, PRESENT = 2, OPEN = 1 };

    if (!(packet[1] & IMMEDIATE)) {
        return refuse(drive, SENSE_BAD_FIELD);
    }
    reply[3] = 1 << MEDIA;
    if (!(packet[4] & 1 << MEDIA)) {
        mmc_put16(reply, 2);
        reply[2] = NONE;
        return 4;
    }
    mmc_put16(reply, 6);
    reply[2] = MEDIA;
    reply[4] = drive->state.event;
    reply[5] = (mmc_has_medium(drive) ? PRESENT : 0) | (drive->state.open ? OPEN : 0);
    drive->state.event = 0;
    return 8;
}

/* ---- the medium ---- */

int mmc_read_capacity(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    (void)packet;
    mmc_put32(reply, mmc_sectors(drive) - 1);
    mmc_put32(reply + 4, CD_SECTOR);
    return 8;
}

/* MMC-6, 4.2.2.6: minute, second, frame; two seconds before sector 0. */
static void put_address(u8 *at, u32 sector, bool msf)
{
    u32 frames = sector + 150;

    if (msf) {
        at[1] = frames / 75 / 60;
        at[2] = frames / 75 % 60;
        at[3] = frames % 75;
    } else {
        mmc_put32(at, sector);
    }
}

static u8 *put_track(u8 *at, u8 track, u32 sector, bool msf)
{
    enum { DATA_TRACK = 0x14 };

    at[1] = DATA_TRACK;
    at[2] = track;
    put_address(at + 4, sector, msf);
    return at + 8;
}

/* MMC-6, 6.26: formats 0 (tracks) and 1 (sessions). */
int mmc_read_toc(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { MSF = 2, LEAD_OUT = 0xaa };
    bool msf = packet[1] & MSF;
    unsigned format = packet[2] & 15 ? packet[2] & 15 : packet[9] >> 6;
    u8 *at = reply + 4;

    if (format > 1 || (format == 0 && packet[6] > 1 && packet[6] != LEAD_OUT)) {
        return refuse(drive, SENSE_BAD_FIELD);
    }
    reply[2] = reply[3] = 1;
    if (format == 1 || packet[6] != LEAD_OUT) {
        at = put_track(at, 1, 0, msf);
    }
    if (format == 0) {
        at = put_track(at, LEAD_OUT, mmc_sectors(drive), msf);
    }
    mmc_put16(reply, at - reply - 2);
    return at - reply;
}

/* MMC-6, 6.22: finished, one session. */
int mmc_read_disc_info(IdeDrive *drive, const u8 *packet, u8 *reply)
{
    enum { BYTES = 34, COMPLETE = 0x0e, UNRESTRICTED = 0x20 };

    if (packet[1] & 7) {
        return refuse(drive, SENSE_BAD_FIELD);
    }
    mmc_put16(reply, BYTES - 2);
    reply[2] = COMPLETE;
    reply[3] = reply[4] = reply[5] = reply[6] = 1;
    reply[7] = UNRESTRICTED;
    return BYTES;
}
