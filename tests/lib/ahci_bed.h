/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An AHCI controller with a disk on port 0 and a CD drive on port 1, both on memory,
 * and a driver for it written from the specifications alone (AHCI 1.3.1, ATA8-ACS).
 * One bed at a time; the machine lock is held between ahci_up and ahci_down.
 */

#ifndef TESTS_LIB_AHCI_BED_H
#define TESTS_LIB_AHCI_BED_H

#include "block/block.h"
#include "hw/ide/ide.h"
#include "tests/lib/block_mem.h"
#include "tests/lib/conform.h"
#include "tests/lib/driver.h"

enum { HD, CD, AHCI_DISK = 1 << 20, AHCI_DISC = 600 << 10 };

/* 3.1 and 3.3 */
enum { R_CAP = 0x00, R_GHC = 0x04, R_IS = 0x08, R_PI = 0x0c, R_VS = 0x10,
       P_CLB = 0x00, P_FB = 0x08, P_IS = 0x10, P_IE = 0x14, P_CMD = 0x18, P_TFD = 0x20,
       P_SIG = 0x24, P_SSTS = 0x28, P_SCTL = 0x2c, P_SERR = 0x30, P_SACT = 0x34,
       P_CI = 0x38 };

extern Rig *ahci_rig;
extern Device *ahci_drive[2];
extern BlockNode *ahci_node[2];         /* "hd" and "cd" */
extern unsigned ahci_messages;          /* MSI 0x41 */

void ahci_up(const char *hd_options);
void ahci_down(void);

u32 hba_get(unsigned at);
void hba_set(unsigned at, u32 value);
u32 port_get(unsigned port, unsigned at);
void port_set(unsigned port, unsigned at, u32 value);

/* Where the command list, the received FISes and data of a port lie. */
gpa port_list(unsigned port);
gpa port_received(unsigned port);
gpa port_table(unsigned port, unsigned slot);
gpa port_data(unsigned port);
void port_start(unsigned port);         /* CLB, FB, FRE, ST, all interrupts */

/* A command; the rest of it is 0. */
typedef struct {
    u8 command, device;
    u16 features, count;
    u64 lba;
    u8 packet[16];
    bool write, control;
    u8 control_byte;
    /* Its data: `bytes` at `at` (0: port_data), in pieces of `piece` (0: one). */
    gpa at;
    u32 bytes, piece;
} Ata;

void port_put(unsigned port, unsigned slot, const Ata *ata);    /* not yet issued */
void port_wait(unsigned port);          /* until the block layer is done */
/* Issues it in slot 0 and waits; the task file data, status in bits 0 to 7. */
u32 port_do(unsigned port, const Ata *ata);
u32 packet_do(const u8 *packet, u32 bytes);                     /* on the CD drive */

#endif
