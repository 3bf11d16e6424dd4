/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between atapi.c and mmc.c: the packet commands of a CD drive (SFF-8020i, MMC-6).
 */

#ifndef HW_IDE_MMC_H
#define HW_IDE_MMC_H

#include "hw/ide/ata.h"

enum { CD_SECTOR = 2048, MMC_REPLY_MAX = 128 };

enum {
    MMC_TEST_UNIT_READY = 0x00, MMC_REQUEST_SENSE = 0x03, MMC_INQUIRY = 0x12,
    MMC_START_STOP = 0x1b, MMC_PREVENT = 0x1e, MMC_READ_CAPACITY = 0x25,
    MMC_READ_10 = 0x28, MMC_SEEK = 0x2b, MMC_READ_TOC = 0x43,
    MMC_GET_CONFIGURATION = 0x46, MMC_GET_EVENT = 0x4a, MMC_READ_DISC_INFO = 0x51,
    MMC_MODE_SENSE = 0x5a, MMC_READ_12 = 0xa8, MMC_SET_SPEED = 0xbb,
    MMC_MECHANISM_STATUS = 0xbd, MMC_READ_CD = 0xbe,
};

/* MMC-6, 6.7.2.3: media events */
enum { EVENT_EJECT = 1, EVENT_NEW = 2, EVENT_REMOVED = 3 };

/* SPC-4, annex D: key, additional code, qualifier */
typedef enum {
    SENSE_EMPTY = 0x023a01, SENSE_OPEN = 0x023a02, SENSE_UNREADABLE = 0x031100,
    SENSE_BAD_COMMAND = 0x052000, SENSE_BEYOND = 0x052100, SENSE_BAD_FIELD = 0x052400,
    SENSE_NOT_SAVED = 0x053900, SENSE_LOCKED = 0x055302,
    SENSE_CHANGED = 0x062800, SENSE_RESET = 0x062900,
} Sense;

/* Numbers in packets and replies are big endian. */
static inline u32 mmc_get32(const u8 *at)
{
    return (u32)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static inline void mmc_put16(u8 *at, u16 value)
{
    at[0] = value >> 8;
    at[1] = value;
}

static inline void mmc_put32(u8 *at, u32 value)
{
    mmc_put16(at, value >> 16);
    mmc_put16(at + 2, value);
}

void mmc_sense(IdeDrive *drive, Sense sense);

static inline Sense mmc_sense_of(const IdeDrive *drive)
{
    return drive->state.sense_key << 16 | drive->state.sense_code << 8 |
           drive->state.sense_more;
}

bool mmc_has_medium(const IdeDrive *drive);
u32 mmc_sectors(const IdeDrive *drive);         /* of 2048 bytes */

/* Each fills `reply` (zeroed) and returns its bytes, or -1 with the sense set. */
int mmc_request_sense(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_inquiry(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_read_capacity(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_read_toc(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_get_configuration(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_get_event(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_read_disc_info(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_mode_sense(IdeDrive *drive, const u8 *packet, u8 *reply);
int mmc_mechanism_status(IdeDrive *drive, const u8 *packet, u8 *reply);

#endif
