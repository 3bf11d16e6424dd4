/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ATA commands that move, flush and discard sectors (ATA8-ACS, chapter 7; ACS-2 for
 * DATA SET MANAGEMENT).  Under the machine lock.
 */

#include "hw/ide/ata.h"

#include "base/bytes.h"
#include <string.h>

/* ---- ends ---- */

void ata_good(IdeCommand *command)
{
    ide_end(command, ATA_READY | ATA_SEEK, 0);
}

/* A queued command's failure is found in log 10h (ATA8-ACS, A.12). */
static void fail(IdeCommand *command, u8 error)
{
    IdeState *state = &command->drive->state;

    if (command->queued && !command->dropped) {
        state->failed_tag = command->slot;
        state->failed_status = ATA_READY | ATA_SEEK | ATA_ERR;
        state->failed_error = error;
        state->failed_lba = command->lba;
    }
    ide_end(command, ATA_READY | ATA_SEEK | ATA_ERR, error);
}

void ata_abort(IdeCommand *command)
{
    fail(command, ATA_ABRT);
}

void ata_send(IdeCommand *command, const void *bytes, size_t n)
{
    if (ide_reply(command, bytes, n)) {
        ata_good(command);
    }
}

/* ---- addresses ---- */

/* What moves sectors; all of them address by LBA. */
typedef struct {
    u8 command;
    bool wide, write, fua, pio, verify;
} Move;

static const Move moves[] = {
    { CMD_READ, .pio = true }, { CMD_READ + 1, .pio = true },
    { CMD_READ_EXT, .wide = true, .pio = true },
    { CMD_READ_MULTIPLE, .pio = true },
    { CMD_READ_MULTIPLE_EXT, .wide = true, .pio = true },
    { .command = CMD_READ_DMA }, { .command = CMD_READ_DMA + 1 },
    { CMD_READ_DMA_EXT, .wide = true },
    { CMD_WRITE, .write = true }, { CMD_WRITE + 1, .write = true },
    { CMD_WRITE_EXT, .wide = true, .write = true },
    { CMD_WRITE_MULTIPLE, .write = true },
    { CMD_WRITE_MULTIPLE_EXT, .wide = true, .write = true },
    { CMD_WRITE_MULTIPLE_FUA, .wide = true, .write = true, .fua = true },
    { CMD_WRITE_DMA, .write = true }, { CMD_WRITE_DMA + 1, .write = true },
    { CMD_WRITE_DMA_EXT, .wide = true, .write = true },
    { CMD_WRITE_DMA_FUA, .wide = true, .write = true, .fua = true },
    { CMD_VERIFY, .verify = true }, { CMD_VERIFY + 1, .verify = true },
    { CMD_VERIFY_EXT, .wide = true, .verify = true },
    { CMD_READ_QUEUED, .wide = true },
    { CMD_WRITE_QUEUED, .wide = true, .write = true },
};

bool ata_is_queued(u8 command)
{
    return command == CMD_READ_QUEUED || command == CMD_WRITE_QUEUED;
}

/* 0 means as many as the field could say and one more. */
static u32 sector_count(const IdeCommand *command, const Move *move)
{
    u32 n = command->queued ? command->features : command->count;

    return move->wide ? (n ? n : 65536) : n & 0xff ? n & 0xff : 256;
}

static u64 first_sector(const IdeCommand *command, const Move *move)
{
    return move->wide ? command->lba
           : (command->lba & 0xffffff) | (command->device & 15) << 24;
}

/* ---- moving ---- */

static void moved(void *opaque, int error)
{
    IdeCommand *command = opaque;

    if (error) {
        fail(command, command->to_guest ? ATA_UNC : ATA_ABRT);
    } else {
        ata_good(command);
    }
}

static bool needs_lba(const IdeCommand *command)
{
    enum { LBA = 1 << 6 };

    return !(command->device & LBA);
}

static void start_move(IdeCommand *command, const Move *move)
{
    IdeDrive *drive = command->drive;
    u64 lba = first_sector(command, move), sectors = ata_sectors(drive);
    u32 n = sector_count(command, move);
    bool fua = move->fua || (command->queued && move->write && command->device >> 7);
    BlockVec vec;

    if (needs_lba(command) || (move->write && block_is_readonly(drive->block))) {
        ata_abort(command);
    } else if (lba >= sectors || n > sectors - lba) {
        fail(command, ATA_IDNF);
    } else if (move->verify) {
        ata_good(command);
    } else if (ide_data(command, (u64)n * ATA_SECTOR, !move->write, &vec)) {
        command->pio = move->pio;
        drive->state.standby = 0;
        if (move->write) {
            block_write(drive->block, lba * ATA_SECTOR, vec,
                        fua || !drive->state.write_cache, moved, command);
        } else {
            block_read(drive->block, lba * ATA_SECTOR, vec, moved, command);
        }
    }
}

/* ---- discarding (ACS-2, 7.10) ---- */

enum { TRIM = 1, RANGES = ATA_SECTOR / 8, TRIM_BLOCKS = 1 };

static void trimmed(void *opaque, int error)
{
    IdeCommand *command = opaque;

    command->error |= !!error;
    if (--command->left == 0) {
        if (command->error) {
            ata_abort(command);
        } else {
            ata_good(command);
        }
    }
}

/* Each range: 48 bits of LBA, 16 bits of count; a count of 0 is no range. */
static bool range_at(const IdeCommand *command, unsigned i, u64 *lba, u32 *n)
{
    u64 entry = get64(command->scratch + 8 * i);

    *lba = entry & ((1ull << 48) - 1);
    *n = entry >> 48;
    return *n > 0;
}

static bool ranges_fit(const IdeCommand *command)
{
    u64 lba, sectors = ata_sectors(command->drive);
    u32 n;

    for (unsigned i = 0; i < RANGES; i++) {
        if (range_at(command, i, &lba, &n) && (lba >= sectors || n > sectors - lba)) {
            return false;
        }
    }
    return true;
}

static void start_trim(IdeCommand *command)
{
    IdeDrive *drive = command->drive;
    BlockVec vec;
    u64 lba;
    u32 n;

    if (!(command->features & TRIM) || command->count != TRIM_BLOCKS ||
        block_is_readonly(drive->block)) {
        ata_abort(command);
        return;
    }
    if (!ide_data(command, ATA_SECTOR, false, &vec)) {
        return;
    }
    vec_to(vec, command->scratch);
    if (!ranges_fit(command)) {
        fail(command, ATA_IDNF);
        return;
    }
    command->left = 1;                  /* this function itself */
    command->error = 0;
    for (unsigned i = 0; i < RANGES; i++) {
        if (range_at(command, i, &lba, &n)) {
            command->left++;
            block_discard(drive->block, lba * ATA_SECTOR, (u64)n * ATA_SECTOR, trimmed,
                          command);
        }
    }
    trimmed(command, 0);
}

/* ---- all ---- */

static const Move *find_move(u8 command)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(moves); i++) {
        if (moves[i].command == command) {
            return &moves[i];
        }
    }
    return NULL;
}

static bool ata_moves(IdeCommand *command)
{
    const Move *move = find_move(command->command);

    if (move) {
        start_move(command, move);
    } else if (command->command == CMD_DATA_SET) {
        start_trim(command);
    } else if (command->command == CMD_FLUSH || command->command == CMD_FLUSH_EXT) {
        block_flush(command->drive->block, moved, command);
    } else {
        return false;
    }
    return true;
}

void ata_start(IdeCommand *command)
{
    if (!ata_other(command) && (command->drive->is_cd || !ata_moves(command))) {
        ata_abort(command);
    }
}
