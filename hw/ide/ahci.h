/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between ahci.c (registers, interrupts), ahci_port.c (commands) and ahci_data.c (what
 * goes to and from guest memory).  Nobody else includes this.
 */

#ifndef HW_IDE_AHCI_H
#define HW_IDE_AHCI_H

#include "hw/ide/ahci_regs.h"
#include "hw/ide/ide.h"

enum { AHCI_PORTS = 6, AHCI_SLOTS = 32, PORT_WORDS = HBA_PORT_BYTES / 4 };

#define AHCI_STATE_ROWS                                                             \
    (u32[AHCI_PORTS * PORT_WORDS], port, "per port its registers, 3.3"),            \
    (u32[AHCI_PORTS], running, "slots whose commands the drive has"),               \
    (u32, interrupts, "IS: ports that have an interrupt pending", .max = 0x3f),     \
    (u32, enable, "GHC.IE", .max = 1),                                              \
    (u32, index, "the register that BAR 4 shows", .max = 0x3ff),                    \
    (u8[AHCI_PORTS], halted, "an error stopped it until ST is cleared", .max = 1),  \
    (u8[AHCI_PORTS], unsent, "a signature waits for FRE", .max = 1)

STATE_STRUCT(AhciState, AHCI_STATE_ROWS);

typedef struct Ahci Ahci;

struct AhciPort {
    Ahci *ahci;
    unsigned n;
    u32 *reg;                       /* of ahci->state.port; by offset / 4 */
    IdeDrive *drive;                /* or NULL */
    IdeCommand *slot[AHCI_SLOTS];   /* what the drive has */
    bool exclusive;                 /* one of them is not queued */
    bool going;                     /* port_run is at work */
};

struct Ahci {
    Device dev;
    AhciState state;
    Region mmio, io;
    Timer *again;                   /* after a restore: commands that were running */
    AhciPort port[AHCI_PORTS];
};

#define PORT_REG(port, at) ((port)->reg[(at) / 4])

/* ahci.c */
void ahci_interrupt(Ahci *ahci);            /* interrupt status or enables changed */

/* ahci_port.c */
void port_run(AhciPort *port);              /* takes what is issued */
void port_restart(AhciPort *port);          /* and what was running when it was saved */
void port_stop(AhciPort *port);             /* ST was cleared */
void port_drop(AhciPort *port);             /* what the drive has is never ended */
void port_reset(AhciPort *port);            /* the link comes up, or does not */
void port_send_signature(AhciPort *port);   /* to guest memory, if FRE and it waits */

/* ahci_data.c */
bool port_fetch(AhciPort *port, unsigned slot, u8 *header, u8 *table) must_check;
void port_put_fis(AhciPort *port, unsigned at, const u8 *fis, unsigned n);
void port_fatal(AhciPort *port, u32 is, const char *why);
void command_written(IdeCommand *command);  /* marks guest memory, sets PRDBC */
void command_free(IdeCommand *command);

#endif
