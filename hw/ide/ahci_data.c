/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AHCI: what goes to and from guest memory: the command list, command tables, received
 * FISes, and data through PRDTs (AHCI 1.3.1, section 4).  Under the machine lock.
 */

#include "base/bytes.h"
#include "hw/ide/ahci.h"

static Mem *mem_of(const AhciPort *port)
{
    return port->ahci->dev.machine->mem;
}

static gpa address(const AhciPort *port, unsigned low)
{
    return (gpa)PORT_REG(port, low + 4) << 32 | PORT_REG(port, low);
}

static gpa header_at(const AhciPort *port, unsigned slot)
{
    return address(port, PORT_CLB) + slot * HEADER_BYTES;
}

/* 6.1.4: what software must mend: the port stands until ST is cleared. */
void port_fatal(AhciPort *port, u32 is, const char *why)
{
    device_fault(&port->ahci->dev, "port %u: %s", port->n, why);
    port->ahci->state.halted[port->n] = 1;
    PORT_REG(port, PORT_IS) |= is;
}

/* The command header, and the command FIS and the packet of its table. */
bool port_fetch(AhciPort *port, unsigned slot, u8 *header, u8 *table)
{
    if (!mem_read(mem_of(port), header_at(port, slot), header, HEADER_BYTES)) {
        port_fatal(port, IS_HBFS, "4.2.2: the command list is not in RAM");
        return false;
    }
    if (!mem_read(mem_of(port), get64(header + HEADER_TABLE_AT) & -(u64)TABLE_ALIGN,
                  table, TABLE_PRDT)) {
        port_fatal(port, IS_HBFS, "4.2.3: the command table is not in RAM");
        return false;
    }
    return true;
}

/* 4.2.1: only while FRE is set. */
void port_put_fis(AhciPort *port, unsigned at, const u8 *fis, unsigned n)
{
    if ((PORT_REG(port, PORT_CMD) & CMD_FRE) &&
        !mem_write(mem_of(port), address(port, PORT_FB) + at, fis, n)) {
        port_fatal(port, IS_HBFS, "4.2.1: received FISes do not go to RAM");
    }
}

/* ---- data ---- */

typedef struct {
    IdeCommand *command;
    gpa table;
    u64 left;                       /* bytes that have no place yet */
    unsigned prds, room;            /* entries that are left, pieces that fit */
} Walk;

static bool add_piece(Walk *walk, gpa at, u32 bytes)
{
    IdeCommand *command = walk->command;
    unsigned n = command->n_pieces;

    if (n == walk->room) {
        walk->room = walk->room ? 2 * walk->room : 8;
        command->iov = g_renew(struct iovec, command->iov, walk->room);
        command->piece = g_renew(IdePiece, command->piece, walk->room);
    }
    if (!mem_iov(mem_of(command->port), at, bytes, &command->iov[n])) {
        port_fatal(command->port, IS_HBDS, "4.2.3.3: data is not in RAM");
        return false;
    }
    command->piece[n] = (IdePiece){ at, bytes };
    command->n_pieces++;
    walk->left -= bytes;
    return true;
}

/* 4.2.3.3: entries of 16 bytes; their counts are zero-based. */
static bool walk_prds(Walk *walk)
{
    enum { ONCE = 64 };
    AhciPort *port = walk->command->port;
    u8 prd[ONCE * PRD_BYTES];

    for (unsigned at = 0; at < walk->prds && walk->left; at += ONCE) {
        unsigned n = MIN(ONCE, walk->prds - at);

        if (!mem_read(mem_of(port), walk->table + (u64)at * PRD_BYTES, prd,
                      n * PRD_BYTES)) {
            port_fatal(port, IS_HBFS, "4.2.3.3: the PRDT is not in RAM");
            return false;
        }
        for (unsigned i = 0; i < n && walk->left; i++) {
            const u8 *entry = prd + i * PRD_BYTES;
            u32 count = get32(entry + PRD_COUNT_AT);
            u64 bytes = (count & PRD_COUNT) + 1ull;

            if (!add_piece(walk, get64(entry) & ~1ull, MIN(bytes, walk->left))) {
                return false;
            }
            PORT_REG(port, PORT_IS) |= count & PRD_INTERRUPT ? IS_DPS : 0;
        }
    }
    return true;
}

/* Finds places for `bytes`, or for as many as there are. */
static bool find_pieces(IdeCommand *command, u64 bytes, bool to_guest, u64 *left)
{
    u8 header[HEADER_BYTES];
    Walk walk = { .command = command, .left = bytes };

    if (!mem_read(mem_of(command->port), header_at(command->port, command->slot),
                  header, sizeof header)) {
        port_fatal(command->port, IS_HBFS, "4.2.2: the command list is not in RAM");
        return false;
    }
    walk.table = (get64(header + HEADER_TABLE_AT) & -(u64)TABLE_ALIGN) + TABLE_PRDT;
    walk.prds = get16(header + 2);
    command->to_guest = to_guest;
    *left = bytes;
    if (!walk_prds(&walk)) {
        return false;
    }
    *left = walk.left;
    return true;
}

bool ide_data(IdeCommand *command, u64 bytes, bool to_guest, BlockVec *vec)
{
    u64 left;

    if (find_pieces(command, bytes, to_guest, &left) && !left) {
        *vec = vec_all(command->iov, command->n_pieces);
        command->moved = bytes;
        return true;
    }
    if (!command->port->ahci->state.halted[command->port->n]) {
        port_fatal(command->port, IS_OFS, "5.4.1: more data than its PRDT takes");
    }
    ide_end(command, ATA_READY | ATA_ERR, ATA_ABRT);
    return false;
}

bool ide_reply(IdeCommand *command, const void *bytes, size_t n)
{
    u64 left;

    if (!find_pieces(command, n, true, &left)) {
        ide_end(command, ATA_READY | ATA_ERR, ATA_ABRT);
        return false;
    }
    command->moved = n - left;
    vec_from(vec_all(command->iov, command->n_pieces), bytes);
    return true;
}

/* 4.2.2: PRDBC is not for queued commands. */
void command_written(IdeCommand *command)
{
    Mem *mem = mem_of(command->port);
    u8 count[4];

    for (unsigned i = 0; command->to_guest && i < command->n_pieces; i++) {
        mem_written(mem, command->piece[i].at, command->piece[i].bytes);
    }
    put32(count, command->moved);
    if (!command->queued &&
        !mem_write(mem, header_at(command->port, command->slot) + HEADER_COUNT_AT,
                   count, sizeof count)) {
        port_fatal(command->port, IS_HBFS, "4.2.2: the command list is not in RAM");
    }
}

void command_free(IdeCommand *command)
{
    g_free(command->iov);
    g_free(command->piece);
    g_free(command);
}
