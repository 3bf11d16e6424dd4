/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between drive.c (the devices ide-hd and ide-cd), ata.c and ata_identify.c (the ATA
 * command set, ATA8-ACS and ACS-2), atapi.c and mmc.c (packets: SFF-8020i, MMC-6).
 */

#ifndef HW_IDE_ATA_H
#define HW_IDE_ATA_H

#include "hw/ide/ide.h"

enum { ATA_MODEL_MAX = 40, ATA_REVISION_MAX = 8 };

/* ATA8-ACS chapter 7 */
enum {
    CMD_NOP = 0x00, CMD_DATA_SET = 0x06, CMD_DEVICE_RESET = 0x08,
    CMD_READ = 0x20, CMD_READ_EXT = 0x24, CMD_READ_DMA_EXT = 0x25,
    CMD_READ_MULTIPLE_EXT = 0x29, CMD_READ_LOG = 0x2f, CMD_WRITE = 0x30,
    CMD_WRITE_EXT = 0x34, CMD_WRITE_DMA_EXT = 0x35, CMD_WRITE_MULTIPLE_EXT = 0x39,
    CMD_WRITE_DMA_FUA = 0x3d, CMD_VERIFY = 0x40, CMD_VERIFY_EXT = 0x42,
    CMD_READ_LOG_DMA = 0x47, CMD_READ_QUEUED = 0x60, CMD_WRITE_QUEUED = 0x61,
    CMD_DIAGNOSTIC = 0x90, CMD_SET_PARAMETERS = 0x91, CMD_PACKET = 0xa0,
    CMD_IDENTIFY_PACKET = 0xa1, CMD_READ_MULTIPLE = 0xc4, CMD_WRITE_MULTIPLE = 0xc5,
    CMD_SET_MULTIPLE = 0xc6, CMD_READ_DMA = 0xc8, CMD_WRITE_DMA = 0xca,
    CMD_WRITE_MULTIPLE_FUA = 0xce, CMD_STANDBY_NOW = 0xe0, CMD_IDLE_NOW = 0xe1,
    CMD_STANDBY = 0xe2, CMD_IDLE = 0xe3, CMD_CHECK_POWER = 0xe5, CMD_SLEEP = 0xe6,
    CMD_FLUSH = 0xe7, CMD_FLUSH_EXT = 0xea, CMD_IDENTIFY = 0xec, CMD_FEATURES = 0xef,
};

#define IDE_CONFIG_ROWS                                                             \
    (str,  drive,   "the disk, or the CD's image"),                                 \
    (str,  bus,     "ide.0 to ide.5, or ID.N; without it the first that is free"),  \
    (u32,  unit,    "on its bus", .max = 0),                                        \
    (str,  serial,  "serial number, of which the first 20 characters count"),       \
    (str,  model,   "model", .max = ATA_MODEL_MAX),                                 \
    (str,  ver,     "revision of its firmware", .max = ATA_REVISION_MAX,            \
           .def_str = "1.0"),                                                       \
    (u64,  wwn,     "world wide name; 0: none"),                                    \
    (u32,  bootindex, "place in the firmware's order", .def = NO_BOOTINDEX),        \
    (u32,  logical_block_size,  "bytes; 512", .def = 512, .min = 512, .max = 2048), \
    (u32,  physical_block_size, "bytes", .def = 512, .min = 512, .max = 32768),     \
    (u32,  discard_granularity, "bytes", .is_size = true, .def = 512),              \
    (u32,  min_io_size,         "bytes; without effect", .is_size = true),          \
    (u32,  opt_io_size,         "bytes; without effect", .is_size = true),          \
    (u16,  rotation_rate, "revolutions per minute; 1: solid state; 0: not said"),   \
    (u8,   write_cache,   "whether a flush is needed", .names = ide_on_off),        \
    (bool, share_rw,      "others may write to the image at the same time")

extern const char *const ide_on_off[];
enum { CACHE_AUTO, CACHE_OFF, CACHE_ON };

#define IDE_STATE_ROWS                                                              \
    (u64, failed_lba,  "of the queued command that failed"),                        \
    (u8,  failed_tag,  "its tag (log 10h)", .max = 0x9f),                           \
    (u8,  failed_status, "its status"),                                             \
    (u8,  failed_error,  "its error"),                                              \
    (u8,  write_cache, "writes may wait for a flush", .max = 1),                    \
    (u8,  multiple,    "sectors per block of READ MULTIPLE", .max = 16),            \
    (u8,  standby,     "it sleeps until it is needed", .max = 1),                   \
    (u8,  sense_key,   "what REQUEST SENSE says", .max = 15),                       \
    (u8,  sense_code,  "and its additional code"),                                  \
    (u8,  sense_more,  "and that one's qualifier"),                                 \
    (u8,  locked,      "PREVENT ALLOW MEDIUM REMOVAL", .max = 1),                   \
    (u8,  open,        "the tray is open", .max = 1),                               \
    (u8,  changed,     "UNIT ATTENTION waits: another medium", .max = 1),           \
    (u8,  was_reset,   "UNIT ATTENTION waits: a reset", .max = 1),                  \
    (u8,  event,       "media event that waits (MMC-6, table 307)", .max = 4),      \
    (u8[2], spare,     "0", .max = 0)

typedef struct { FOR_EACH(MEMBER_, IdeConfig, IDE_CONFIG_ROWS) } IdeConfig;
STATE_STRUCT(IdeState, IDE_STATE_ROWS);

struct IdeDrive {
    Device dev;
    IdeConfig config;
    IdeState state;
    bool is_cd;
    Block *block;                   /* NULL: a CD drive without a tray to fill */
    AhciPort *port;
};

/* ata.c */
bool ata_is_queued(u8 command);
void ata_start(IdeCommand *command);
void ata_set_signature(IdeCommand *command);    /* registers after a reset */
/* Common ends. */
void ata_good(IdeCommand *command);
void ata_abort(IdeCommand *command);
void ata_send(IdeCommand *command, const void *bytes, size_t n);    /* and good */

/* ata_identify.c */
void ata_identify(const IdeDrive *drive, u8 page[ATA_SECTOR]);
u64 ata_sectors(const IdeDrive *drive);

/* ata_features.c: commands that move no sectors.  False: it is not one of them. */
bool ata_other(IdeCommand *command) must_check;

/* atapi.c */
void atapi_start(IdeCommand *command);          /* PACKET */
void atapi_changed(IdeDrive *drive, bool has_medium);
void atapi_eject_wanted(IdeDrive *drive);

#endif
