/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of the AHCI 1.3.1 specification (sections 3 and 4) and of the frames that go
 * over the wire (Serial ATA 3.x, 10.5).
 */

#ifndef HW_IDE_AHCI_REGS_H
#define HW_IDE_AHCI_REGS_H

/* 3.1: generic host control */
enum {
    HBA_CAP = 0x00, HBA_GHC = 0x04, HBA_IS = 0x08, HBA_PI = 0x0c, HBA_VS = 0x10,
    HBA_PORT0 = 0x100, HBA_PORT_BYTES = 0x80,

    GHC_HR = 1, GHC_IE = 2, GHC_AE = 1u << 31,
    CAP_PMD = 1 << 15, CAP_SAM = 1 << 18, CAP_GEN3 = 3 << 20, CAP_SCLO = 1 << 24,
    CAP_NCQ = 1 << 30, CAP_S64A = 1u << 31,
    AHCI_1_3_1 = 0x00010301,
};

/* 3.3: port registers */
enum {
    PORT_CLB = 0x00, PORT_CLBU = 0x04, PORT_FB = 0x08, PORT_FBU = 0x0c, PORT_IS = 0x10,
    PORT_IE = 0x14, PORT_CMD = 0x18, PORT_TFD = 0x20, PORT_SIG = 0x24, PORT_SSTS = 0x28,
    PORT_SCTL = 0x2c, PORT_SERR = 0x30, PORT_SACT = 0x34, PORT_CI = 0x38,

    IS_DHRS = 1 << 0, IS_PSS = 1 << 1, IS_SDBS = 1 << 3, IS_DPS = 1 << 5,
    IS_OFS = 1 << 24, IS_IFS = 1 << 27, IS_HBDS = 1 << 28, IS_HBFS = 1 << 29,
    IS_TFES = 1 << 30,

    CMD_ST = 1 << 0, CMD_SUD = 1 << 1, CMD_POD = 1 << 2, CMD_CLO = 1 << 3,
    CMD_FRE = 1 << 4, CMD_CCS = 31 << 8, CMD_CCS_AT = 8, CMD_FR = 1 << 14,
    CMD_CR = 1 << 15, CMD_ATAPI = 1 << 24, CMD_DLAE = 1 << 25,
};

/* 4.2.1, 4.2.2, 4.2.3: the FISes received, the command header, the command table */
enum {
    RECEIVED_PIO = 0x20, RECEIVED_D2H = 0x40, RECEIVED_SDB = 0x58,

    HEADER_BYTES = 32, HEADER_COUNT_AT = 4, HEADER_TABLE_AT = 8,
    HEADER_LENGTH = 0x1f, HEADER_ATAPI = 1 << 5, HEADER_CLEAR = 1 << 10,
    TABLE_PACKET = 0x40, TABLE_PRDT = 0x80, TABLE_ALIGN = 128,
    PRD_BYTES = 16, PRD_COUNT_AT = 12, PRD_COUNT = (1 << 22) - 1,
    PRD_INTERRUPT = 1u << 31,
};

/* Serial ATA 10.5: types of FIS */
enum { FIS_H2D = 0x27, FIS_D2H = 0x34, FIS_PIO = 0x5f, FIS_SDB = 0xa1, FIS_I = 1 << 6,
       FIS_D = 1 << 5, FIS_C = 1 << 7, CONTROL_SRST = 4 };

#endif
