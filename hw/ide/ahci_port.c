/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AHCI: one port takes commands from its list, hands them to the drive, and tells the
 * guest of their ends (AHCI 1.3.1, sections 5.3 and 6).
 *
 * Commands that are not queued run one at a time; queued ones run together.  Those that
 * wait for `cont` after a failure are "running" in the saved state and begin anew after
 * a restore: command tables stay in guest memory until their command is over.
 *
 * Under the machine lock.
 */

#include "base/bytes.h"
#include "hw/ide/ahci.h"
#include "hw/ide/ata.h"

#include <string.h>

/* ---- what the guest is told ---- */

static void set_tfd(AhciPort *port, u8 status, u8 error)
{
    PORT_REG(port, PORT_TFD) = status | error << 8;
}

/* Serial ATA 10.5.6 and 10.5.11: where both have the registers. */
static void put_registers(u8 *fis, const IdeCommand *command)
{
    fis[2] = command->status;
    fis[3] = command->error;
    fis[4] = command->lba;
    fis[5] = command->lba >> 8;
    fis[6] = command->lba >> 16;
    fis[7] = command->device;
    fis[8] = command->lba >> 24;
    fis[9] = command->lba >> 32;
    fis[10] = command->lba >> 40;
    put16(fis + 12, command->count);
}

static void send_d2h(const IdeCommand *command, bool interrupts)
{
    AhciPort *port = command->port;
    u8 fis[20] = { FIS_D2H, interrupts ? FIS_I : 0 };

    put_registers(fis, command);
    set_tfd(port, command->status, command->error);
    port_put_fis(port, RECEIVED_D2H, fis, sizeof fis);
    PORT_REG(port, PORT_IS) |= interrupts ? IS_DHRS : 0;
}

/* The data has been sent: the status before it, and that after it. */
static void send_pio(const IdeCommand *command)
{
    AhciPort *port = command->port;
    u8 fis[20] = { FIS_PIO, FIS_I | FIS_D };

    put_registers(fis, command);
    fis[2] |= ATA_DRQ;
    fis[15] = command->status;
    put16(fis + 16, MIN(command->moved, 0xfffe));
    set_tfd(port, command->status, command->error);
    port_put_fis(port, RECEIVED_PIO, fis, sizeof fis);
    PORT_REG(port, PORT_IS) |= IS_PSS;
}

/* Serial ATA 10.5.7: the two registers without the bits that are not theirs. */
static void send_set_bits(const IdeCommand *command, u32 done)
{
    AhciPort *port = command->port;
    u8 fis[8] = { FIS_SDB, FIS_I, command->status & 0x77, command->error };

    put32(fis + 4, done);
    PORT_REG(port, PORT_SACT) &= ~done;
    set_tfd(port, command->status, command->error);
    port_put_fis(port, RECEIVED_SDB, fis, sizeof fis);
    PORT_REG(port, PORT_IS) |= IS_SDBS;
}

/* ---- ends ---- */

static void take_out(IdeCommand *command)
{
    AhciPort *port = command->port;

    port->slot[command->slot] = NULL;
    port->ahci->state.running[port->n] &= ~(1u << command->slot);
    if (!command->queued) {
        port->exclusive = false;
    }
}

/* The drive goes on with them; nobody hears of their ends. */
static void drop_all(AhciPort *port)
{
    for (unsigned i = 0; i < AHCI_SLOTS; i++) {
        if (port->slot[i]) {
            port->slot[i]->dropped = true;
            port->slot[i] = NULL;
        }
    }
    port->exclusive = false;
}

/* 6.2.2: after an error nothing more is taken, and what failed stays in CI or SACT. */
static void fail(IdeCommand *command)
{
    AhciPort *port = command->port;

    if (command->queued) {
        send_set_bits(command, 0);
        drop_all(port);
        port->ahci->state.running[port->n] = 0;
    } else {
        send_d2h(command, true);
    }
    port->ahci->state.halted[port->n] = 1;
    PORT_REG(port, PORT_IS) |= IS_TFES;
}

static void succeed(IdeCommand *command)
{
    AhciPort *port = command->port;

    if (command->queued) {
        send_set_bits(command, 1u << command->slot);
        return;
    }
    PORT_REG(port, PORT_CI) &= ~(1u << command->slot);
    if (command->pio) {
        send_pio(command);
    } else {
        send_d2h(command, true);
    }
}

void ide_end(IdeCommand *command, u8 status, u8 error)
{
    AhciPort *port = command->port;

    if (command->dropped) {
        command_free(command);
        return;
    }
    command->status = status;
    command->error = error;
    take_out(command);
    command_written(command);
    if (status & (ATA_ERR | ATA_DF)) {
        fail(command);
    } else {
        succeed(command);
    }
    command_free(command);
    port_run(port);
    ahci_interrupt(port->ahci);
}

/* ---- beginnings ---- */

/* Serial ATA 10.5.5 */
static IdeCommand *command_new(AhciPort *port, unsigned slot, const u8 *table)
{
    IdeCommand *command = g_new0(IdeCommand, 1);

    command->port = port;
    command->drive = port->drive;
    command->slot = slot;
    command->command = table[2];
    command->features = table[3] | table[11] << 8;
    command->lba = get32(table + 4) & 0xffffff;
    command->lba |= (u64)(get32(table + 8) & 0xffffff) << 24;
    command->device = table[7];
    command->count = get16(table + 12);
    command->queued = ata_is_queued(command->command);
    memcpy(command->packet, table + TABLE_PACKET, sizeof command->packet);
    return command;
}

/* A software reset is two FISes without a command: SRST is set, SRST is cleared. */
static void take_control(AhciPort *port, unsigned slot, u8 control)
{
    PORT_REG(port, PORT_CI) &= ~(1u << slot);
    if (!(control & CONTROL_SRST)) {
        ide_reset(port->drive);
        port->ahci->state.unsent[port->n] = 1;
        PORT_REG(port, PORT_SIG) = ide_signature(port->drive);
        set_tfd(port, ide_idle_status(port->drive), 1);
        port_send_signature(port);
    }
}

static void take(AhciPort *port, unsigned slot)
{
    u32 *command_reg = &PORT_REG(port, PORT_CMD);
    u8 header[HEADER_BYTES], table[TABLE_PRDT];
    IdeCommand *command;

    *command_reg = (*command_reg & ~CMD_CCS) | slot << CMD_CCS_AT;
    if (!port_fetch(port, slot, header, table)) {
        return;
    }
    if (table[0] != FIS_H2D || (header[0] & HEADER_LENGTH) < 2) {
        port_fatal(port, IS_IFS, "4.2.3.1: not a register FIS to the device");
        return;
    }
    if (!(table[1] & FIS_C)) {
        take_control(port, slot, table[15]);
        return;
    }
    command = command_new(port, slot, table);
    port->slot[slot] = command;
    port->ahci->state.running[port->n] |= 1u << slot;
    if (command->queued) {
        PORT_REG(port, PORT_CI) &= ~(1u << slot);
        command->status = ATA_READY | ATA_SEEK;
        send_d2h(command, false);
    } else {
        port->exclusive = true;
        set_tfd(port, ATA_BUSY | ATA_READY | ATA_SEEK, 0);
    }
    ide_start(command);
}

/* 5.3.3: the next one after the last; -1: there is none, or none may begin. */
static int next_slot(const AhciPort *port)
{
    u32 running = port->ahci->state.running[port->n];
    u32 waiting = PORT_REG(port, PORT_CI) & ~running;
    u32 command = PORT_REG(port, PORT_CMD);
    unsigned last = (command & CMD_CCS) >> CMD_CCS_AT;

    if (!port->drive || !(command & CMD_ST) || port->exclusive || !waiting ||
        port->ahci->state.halted[port->n] ||
        !pci_is_master(pci_device(&port->ahci->dev))) {
        return -1;
    }
    for (unsigned i = 1; i <= AHCI_SLOTS; i++) {
        if (waiting >> (last + i) % AHCI_SLOTS & 1) {
            return (last + i) % AHCI_SLOTS;
        }
    }
    return -1;
}

/* A command that ends at once makes this be called from within: the loop goes on. */
void port_run(AhciPort *port)
{
    int slot;

    if (port->going) {
        return;
    }
    port->going = true;
    if (port->drive) {
        ide_batch(port->drive, true);
        while ((slot = next_slot(port)) >= 0) {
            take(port, slot);
        }
        ide_batch(port->drive, false);
    }
    port->going = false;
    ahci_interrupt(port->ahci);
}

/* Queued ones have left CI: they are put back for the moment. */
void port_restart(AhciPort *port)
{
    u32 *running = &port->ahci->state.running[port->n];

    if (port->drive && *running) {
        PORT_REG(port, PORT_CI) |= *running;
        *running = 0;
        port_run(port);
    }
}

/* ---- stops and resets ---- */

void port_drop(AhciPort *port)
{
    drop_all(port);
    if (port->drive) {
        ide_drain(port->drive);
    }
}

/* 3.3.7, 3.3.13, 3.3.14 */
void port_stop(AhciPort *port)
{
    port_drop(port);
    port->ahci->state.running[port->n] = 0;
    port->ahci->state.halted[port->n] = 0;
    PORT_REG(port, PORT_CI) = 0;
    PORT_REG(port, PORT_SACT) = 0;
    PORT_REG(port, PORT_CMD) &= ~(CMD_CR | CMD_CCS);
}

/* 3.3.10: how fast the link is (1, 2, 3), limited by SCTL.SPD. */
static u32 link_status(const AhciPort *port)
{
    enum { PRESENT = 3, OFF_LINE = 4, ACTIVE = 1, GEN3 = 3 };
    u32 control = PORT_REG(port, PORT_SCTL), limit = control >> 4 & 15;

    switch (control & 15) {
    case 0:
        return port->drive ? ACTIVE << 8 | (limit ? MIN(limit, GEN3) : GEN3) << 4 |
                             PRESENT : 0;
    case 4:
        return OFF_LINE;
    }
    return 0;
}

void port_reset(AhciPort *port)
{
    u32 status = link_status(port);

    port_drop(port);
    port->ahci->state.running[port->n] = 0;
    PORT_REG(port, PORT_SSTS) = status;
    PORT_REG(port, PORT_SIG) = UINT32_MAX;
    set_tfd(port, ATA_NO_DRIVE, 0);
    if (status & 1) {
        ide_reset(port->drive);
        PORT_REG(port, PORT_SIG) = ide_signature(port->drive);
        set_tfd(port, ide_idle_status(port->drive), 1);
        port->ahci->state.unsent[port->n] = 1;
        port_send_signature(port);
    }
}

/* ATA8-ACS 4.14: error is 1, "diagnostics passed"; no interrupt. */
void port_send_signature(AhciPort *port)
{
    u32 signature = PORT_REG(port, PORT_SIG);
    u8 fis[20] = { FIS_D2H, 0, PORT_REG(port, PORT_TFD), PORT_REG(port, PORT_TFD) >> 8,
                   signature >> 8, signature >> 16, signature >> 24 };

    if ((PORT_REG(port, PORT_CMD) & CMD_FRE) && port->ahci->state.unsent[port->n]) {
        fis[12] = signature;
        port->ahci->state.unsent[port->n] = 0;
        port_put_fis(port, RECEIVED_D2H, fis, sizeof fis);
    }
}
