/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What IDENTIFY DEVICE (ATA8-ACS, 7.16; ACS-2, 7.17) and IDENTIFY PACKET DEVICE (7.17
 * and 7.18) say.  Under the machine lock.
 */

#include "hw/ide/ata.h"

#include "base/bytes.h"
#include <string.h>

enum { HEADS = 16, TRACK = 63, CYLINDERS = 16383, LBA28 = 0x0fffffff };

u64 ata_sectors(const IdeDrive *drive)
{
    return MIN(block_length(drive->block) / ATA_SECTOR, (1ull << 48) - 1);
}

static void set(u8 *page, unsigned word, u16 value)
{
    put16(page + 2 * word, value);
}

/* Strings are padded with blanks, and the bytes of a word are swapped. */
static void set_text(u8 *page, unsigned word, unsigned words, const char *text)
{
    size_t n = text ? strlen(text) : 0;

    for (unsigned i = 0; i < 2 * words; i++) {
        page[2 * word + (i ^ 1)] = i < n ? text[i] : ' ';
    }
}

typedef struct { u8 word; u16 value; } Word;

static void set_all(u8 *page, const Word *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        set(page, words[i].word, words[i].value);
    }
}

/* What disks and CD drives have alike. */
static const Word common[] = {
    { 49, 1 << 11 | 1 << 10 | 1 << 9 | 1 << 8 },    /* IORDY, LBA, DMA */
    { 53, 1 << 2 | 1 << 1 },                        /* words 88 and 64-70 are valid */
    { 63, 0x0007 },                                 /* multiword DMA 0 to 2 */
    { 64, 0x0003 },                                 /* PIO 3 and 4 */
    { 65, 120 }, { 66, 120 }, { 67, 120 }, { 68, 120 },
    { 80, 0x03f0 },                                 /* ATA/ATAPI-4 to ACS-2 */
    { 88, 0x407f },                                 /* UDMA 0 to 6; 6 is selected */
    { 222, 0x107e },                                /* SATA 1.0a to 3.1 */
};

static const Word disk_words[] = {
    { 0, 0x0040 },
    { 47, 0x8010 },                                 /* READ MULTIPLE: 16 sectors */
    { 50, 0x4000 },
    { 75, 31 },                                     /* queue depth */
    { 76, 1 << 8 | 7 << 1 },                        /* NCQ; 1.5, 3 and 6 Gb/s */
    { 82, 1 << 14 | 1 << 5 | 1 << 3 },              /* NOP, write cache, power */
    { 83, 1 << 14 | 1 << 13 | 1 << 12 | 1 << 10 },  /* FLUSH, FLUSH EXT, 48 bits */
    { 84, 1 << 14 | 1 << 6 | 1 << 5 },              /* WRITE FUA, logs */
    { 85, 1 << 14 | 1 << 3 },
    { 86, 1 << 13 | 1 << 12 | 1 << 10 },
    { 87, 1 << 14 | 1 << 6 | 1 << 5 },
    { 106, 1 << 14 },
    { 119, 1 << 14 }, { 120, 1 << 14 },
};

static const Word cd_words[] = {
    { 0, 0x85c0 },                  /* ATAPI, CD/DVD, removable, packets of 12 bytes */
    { 76, 7 << 1 },
    { 82, 1 << 14 | 1 << 9 | 1 << 4 | 1 << 3 },     /* DEVICE RESET, PACKET */
    { 83, 1 << 14 }, { 84, 1 << 14 },
    { 85, 1 << 14 | 1 << 9 | 1 << 4 | 1 << 3 },
    { 87, 1 << 14 },
};

static void set_wwn(u8 *page, u64 wwn)
{
    if (wwn) {
        for (unsigned i = 0; i < 4; i++) {
            set(page, 108 + i, wwn >> (48 - 16 * i));
        }
        page[2 * 84 + 1] |= 1;
        page[2 * 87 + 1] |= 1;
    }
}

static void set_geometry(u8 *page, u64 sectors)
{
    u64 cylinders = MIN(sectors / (HEADS * TRACK), CYLINDERS);
    u32 chs = MIN(cylinders * HEADS * TRACK, UINT32_MAX);

    set(page, 1, cylinders);
    set(page, 3, HEADS);
    set(page, 6, TRACK);
    set(page, 53, get16(page + 2 * 53) | 1);
    set(page, 54, cylinders);
    set(page, 55, HEADS);
    set(page, 56, TRACK);
    put32(page + 2 * 57, chs);
    put32(page + 2 * 60, MIN(sectors, LBA28));
    put64(page + 2 * 100, sectors);
}

static void set_disk(const IdeDrive *drive, u8 *page)
{
    const IdeConfig *c = &drive->config;
    unsigned exponent = g_bit_nth_msf(c->physical_block_size / ATA_SECTOR, -1);

    set_all(page, disk_words, G_N_ELEMENTS(disk_words));
    set_geometry(page, ata_sectors(drive));
    set(page, 59, drive->state.multiple ? 0x100 | drive->state.multiple : 0);
    if (drive->state.write_cache) {
        set(page, 85, get16(page + 2 * 85) | 1 << 5);
    }
    if (exponent) {
        set(page, 106, 1 << 14 | 1 << 13 | exponent);
    }
    if (!block_is_readonly(drive->block)) {
        set(page, 105, 1);                  /* DATA SET MANAGEMENT: blocks of ranges */
        set(page, 169, 1);                  /* TRIM */
    }
    set_wwn(page, c->wwn);
    set(page, 217, c->rotation_rate);
}

void ata_identify(const IdeDrive *drive, u8 page[ATA_SECTOR])
{
    const IdeConfig *c = &drive->config;
    const char *serial = c->serial ? c->serial
                         : drive->block ? block_serial(drive->block) : NULL;
    u8 sum = 0;

    memset(page, 0, ATA_SECTOR);
    set_all(page, common, G_N_ELEMENTS(common));
    set_text(page, 10, 10, serial ? serial : drive->is_cd ? "MF00002" : "MF00001");
    set_text(page, 23, 4, c->ver);
    set_text(page, 27, 20, c->model ? c->model
             : drive->is_cd ? "MAYFLY DVD-ROM" : "MAYFLY HARDDISK");
    if (drive->is_cd) {
        set_all(page, cd_words, G_N_ELEMENTS(cd_words));
    } else {
        set_disk(drive, page);
    }
    page[510] = 0xa5;                       /* 7.16.7.92: the sum of all bytes is 0 */
    for (unsigned i = 0; i < ATA_SECTOR - 1; i++) {
        sum += page[i];
    }
    page[511] = -sum;
}
