/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk (ide-hd) or a CD drive (ide-cd) on a SATA port, and the commands it is sent.
 *
 *     port  --- ide_start(command) --->  drive
 *     port  <-- ide_data, ide_reply ---  its data: guest memory that the port knows
 *     port  <-- ide_end ---------------  status and error are set, the command is over
 *
 * A drive may end a command at once.  Under the machine lock.
 */

#ifndef HW_IDE_IDE_H
#define HW_IDE_IDE_H

#include "block/block.h"
#include "hw/pci/pci.h"

typedef struct IdeDrive IdeDrive;
typedef struct AhciPort AhciPort;

/* ATA8-ACS, 6.1 and 6.2: the status and error registers. */
enum {
    ATA_ERR = 0x01, ATA_DRQ = 0x08, ATA_SEEK = 0x10, ATA_DF = 0x20, ATA_READY = 0x40,
    ATA_BUSY = 0x80,
    ATA_ABRT = 0x04, ATA_IDNF = 0x10, ATA_UNC = 0x40, ATA_NO_DRIVE = 0x7f,
    ATA_SECTOR = 512,
};

/* A piece of guest memory that a command's data goes to or comes from. */
typedef struct { gpa at; u32 bytes; } IdePiece;

/* One command: the registers as the host wrote them, and as the drive leaves them. */
typedef struct {
    AhciPort *port;
    IdeDrive *drive;
    unsigned slot;
    bool queued;                    /* NCQ */
    bool dropped;                   /* the port was stopped: nobody waits for its end */
    bool pio;                       /* a PIO command that sends data to the host */
    bool to_guest;                  /* its data: somebody else wrote guest memory */
    u8 command, device, status, error;
    u16 features, count;
    u64 lba;
    u8 packet[16];

    struct iovec *iov;              /* from ide_data on */
    IdePiece *piece;
    unsigned n_pieces;
    u32 moved;                      /* bytes of data that went over the wire */
    u8 scratch[ATA_SECTOR];         /* what the drive needs meanwhile */
    u32 left;
} IdeCommand;

/* ---- the port's side ---- */

/* The drive's signature after a reset (ATA8-ACS, 4.14): LBA and count registers. */
u32 ide_signature(const IdeDrive *drive);
u8 ide_idle_status(const IdeDrive *drive);      /* after a reset */
void ide_start(IdeCommand *command);
/* Commands that are started between these reach the host's kernel together. */
void ide_batch(IdeDrive *drive, bool begins);
/* Its commands are dropped: waits until nothing of them is under way. */
void ide_drain(IdeDrive *drive);
void ide_reset(IdeDrive *drive);                /* a software or a link reset */

/* ---- the drive's side: hw/ide/ahci_port.c ---- */

/*
 * The guest memory of the command's data, `bytes` of it.  False: there is not so much,
 * or not in RAM; the command is over then.
 */
bool ide_data(IdeCommand *command, u64 bytes, bool to_guest, BlockVec *vec) must_check;
/* Sends `n` bytes, or as many as the host has room for.  False: it is over. */
bool ide_reply(IdeCommand *command, const void *bytes, size_t n) must_check;
void ide_end(IdeCommand *command, u8 status, u8 error);

/* Where a drive is plugged in: the bus "ide.0", "ID.3", or NULL for the first free. */
AhciPort *ide_port_find(Machine *machine, const char *bus, GError **err);
void ide_plug(AhciPort *port, IdeDrive *drive);
void ide_unplug(AhciPort *port);
char *ide_boot_path(const AhciPort *port);      /* of the drive on it; caller frees */

extern const BusType ide_bus;
extern const PciType ahci_type;
extern const DeviceType ide_hd_type, ide_cd_type;

#endif
