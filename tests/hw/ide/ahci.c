/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SATA controller and its disk: AHCI 1.3.1, Serial ATA 3.1, ATA8-ACS, ACS-2.
 */

#include "tests/lib/ahci_bed.h"

#include <errno.h>
#include <string.h>

/* ATA8-ACS, chapter 7 */
enum { READ_DMA_EXT = 0x25, WRITE_DMA_EXT = 0x35, READ_QUEUED = 0x60,
       WRITE_QUEUED = 0x61, FLUSH = 0xea, IDENTIFY = 0xec, DATA_SET = 0x06,
       READ_LOG = 0x2f, LBA = 0x40 };

/* Status DRDY, bit 4; with ERR. */
enum { GOOD = 0x50, BAD = 0x51 };

static u64 ram(gpa at, unsigned n)
{
    return ram_get(ahci_rig->machine, at, n);
}

static void fill(gpa at, u32 n, u8 seed)
{
    for (u32 i = 0; i < n; i += 4) {
        ram_put(ahci_rig->machine, at + i, seed * 0x01010101u + i, 4);
    }
}

static bool filled(gpa at, u32 n, u8 seed)
{
    for (u32 i = 0; i < n; i += 4) {
        if (ram(at + i, 4) != (u32)(seed * 0x01010101u + i)) {
            return false;
        }
    }
    return true;
}

/* ---- the controller ---- */

static void test_registers(void)
{
    ahci_up("");
    /* 3.1.1: six ports, 32 slots, NCQ, 64 bits, AHCI alone; 3.1.5: 1.3.1 */
    g_assert_cmphex(hba_get(R_CAP) & 0x1f, ==, 5);
    g_assert_cmphex(hba_get(R_CAP) >> 8 & 0x1f, ==, 31);
    g_assert_cmphex(hba_get(R_CAP) & (1u << 31 | 1 << 30 | 1 << 18), ==,
                    1u << 31 | 1 << 30 | 1 << 18);
    g_assert_cmphex(hba_get(R_PI), ==, 0x3f);
    g_assert_cmphex(hba_get(R_VS), ==, 0x00010301);
    /* 3.3.9, 3.3.10: there are drives, of these kinds, at 6 Gb/s */
    g_assert_cmphex(port_get(HD, P_SSTS), ==, 0x133);
    g_assert_cmphex(port_get(HD, P_SIG), ==, 0x00000101);
    g_assert_cmphex(port_get(CD, P_SIG), ==, 0xeb140101);
    g_assert_cmphex(port_get(2, P_SSTS), ==, 0);
    g_assert_cmphex(port_get(2, P_SIG), ==, 0xffffffff);
    g_assert_cmphex(port_get(2, P_TFD) & 0xff, ==, 0x7f);
    /* 3.3.1, 3.3.3: aligned to 1 KiB and 256 bytes */
    port_set(HD, P_CLB, 0xffffffff);
    port_set(HD, P_FB, 0xffffffff);
    g_assert_cmphex(port_get(HD, P_CLB), ==, 0xfffffc00);
    g_assert_cmphex(port_get(HD, P_FB), ==, 0xffffff00);
    /* 3.3.14: nothing is issued while ST is clear */
    port_set(HD, P_CI, 1);
    g_assert_cmphex(port_get(HD, P_CI), ==, 0);
    /* 3.3.7: FR and CR follow; CCS starts at 0 */
    port_start(HD);
    g_assert_cmphex(port_get(HD, P_CMD) & 0xdf11, ==, 0xc011);
    /* 10.4.3: an HBA reset leaves the lists where they were, and nothing else */
    hba_set(R_GHC, 1);
    g_assert_cmphex(hba_get(R_GHC), ==, 1u << 31);
    g_assert_cmphex(port_get(HD, P_CMD) & 0xdf11, ==, 0);
    g_assert_cmphex(port_get(HD, P_IE), ==, 0);
    g_assert_cmphex(port_get(HD, P_CLB), ==, port_list(HD));
    ahci_down();
}

/* 10.4.2 and 3.3.11; the FIS comes when FRE is set. */
static void test_link_reset(void)
{
    ahci_up("");
    port_start(HD);
    g_assert_cmphex(ram(port_received(HD) + 0x40, 4), ==, 0x01500034);
    g_assert_cmphex(ram(port_received(HD) + 0x44, 4), ==, 0x00000001);
    g_assert_cmphex(ram(port_received(HD) + 0x4c, 1), ==, 1);
    port_set(HD, P_CMD, 0);
    port_set(HD, P_SCTL, 0x301);
    g_assert_cmphex(port_get(HD, P_SSTS), ==, 0);
    g_assert_cmphex(port_get(HD, P_TFD) & 0xff, ==, 0x7f);
    port_set(HD, P_SCTL, 0x310);            /* no faster than 1.5 Gb/s */
    g_assert_cmphex(port_get(HD, P_SSTS), ==, 0x113);
    g_assert_cmphex(port_get(HD, P_TFD), ==, 0x0150);
    port_set(HD, P_SCTL, 4);
    g_assert_cmphex(port_get(HD, P_SSTS), ==, 4);
    ahci_down();
}

/* ATA8-ACS 4.14: two FISes, with SRST and without. */
static void test_software_reset(void)
{
    Ata on = { .control = true, .control_byte = 4 }, off = { .control = true };

    ahci_up("");
    port_start(CD);
    port_do(CD, &on);
    g_assert_cmphex(port_do(CD, &off), ==, 0x0100);
    g_assert_cmphex(port_get(CD, P_CI), ==, 0);
    g_assert_cmphex(ram(port_received(CD) + 0x40, 4), ==, 0x01000034);
    g_assert_cmphex(ram(port_received(CD) + 0x44, 3), ==, 0xeb1401);
    ahci_down();
}

/* ---- the disk ---- */

static u16 word(unsigned n)
{
    return ram(port_data(HD) + 2 * n, 2);
}

static void test_identify(void)
{
    Ata identify = { .command = IDENTIFY, .bytes = 512 };
    u8 sum = 0;

    ahci_up(",serial=AB345678901234567890cut,model=Disk,physical_block_size=4096,"
            "rotation_rate=1,wwn=0x5000c50015ea71ac");
    port_start(HD);
    g_assert_cmphex(port_do(HD, &identify), ==, GOOD);
    /* Serial ATA 10.5.11: a PIO Setup FIS, its status has DRQ, then 0x50. */
    g_assert_cmphex(port_get(HD, P_IS), ==, 1 << 1);
    g_assert_cmphex(ram(port_received(HD) + 0x20, 4), ==, 0x0058605f);
    g_assert_cmphex(ram(port_received(HD) + 0x2f, 1), ==, GOOD);
    g_assert_cmphex(ram(port_received(HD) + 0x30, 2), ==, 512);
    g_assert_cmpuint(ram(port_list(HD) + 4, 4), ==, 512);
    g_assert_cmphex(word(10), ==, 'A' << 8 | 'B');
    g_assert_cmphex(word(11), ==, '3' << 8 | '4');
    g_assert_cmphex(word(19), ==, '9' << 8 | '0');
    g_assert_cmphex(word(20), !=, 'c' << 8 | 'u');
    g_assert_cmphex(word(27), ==, 'D' << 8 | 'i');
    g_assert_cmpuint(word(60) | (u32)word(61) << 16, ==, AHCI_DISK / 512);
    g_assert_cmpuint(word(100), ==, AHCI_DISK / 512);
    g_assert_cmpuint(word(75), ==, 31);
    g_assert_cmphex(word(76) & 0x100, ==, 0x100);
    g_assert_cmphex(word(83) & 0xf400, ==, 0x7400);
    g_assert_cmphex(word(106), ==, 0x6003);         /* 8 logical per physical */
    g_assert_cmphex(word(108), ==, 0x5000);
    g_assert_cmphex(word(111), ==, 0x71ac);
    g_assert_cmphex(word(169), ==, 1);
    g_assert_cmphex(word(217), ==, 1);
    for (unsigned i = 0; i < 512; i++) {
        sum += ram(port_data(HD) + i, 1);
    }
    g_assert_cmpuint(sum, ==, 0);
    ahci_down();
}

/* Pieces of odd sizes, not aligned; what is on the disk is compared there. */
static void test_move(void)
{
    Ata write = { .command = WRITE_DMA_EXT, .device = LBA, .lba = 5, .count = 8,
                  .bytes = 4096, .piece = 1022, .write = true };
    Ata read = { .command = READ_DMA_EXT, .device = LBA, .lba = 5, .count = 8,
                 .bytes = 4096, .piece = 6 };
    u32 there;

    ahci_up("");
    port_start(HD);
    fill(port_data(HD), 4096, 7);
    g_assert_cmphex(port_do(HD, &write), ==, GOOD);
    g_assert_cmphex(port_get(HD, P_IS), ==, 1);
    g_assert_cmphex(port_get(HD, P_CI), ==, 0);
    g_assert_cmpuint(ram(port_list(HD) + 4, 4), ==, 4096);
    g_assert_cmpint(node_read(ahci_node[HD], 5 * 512 + 4092, &there, 4), ==, 0);
    g_assert_cmphex(there, ==, 0x07070707 + 4092);
    fill(port_data(HD), 4096, 99);
    /* 256 pieces do not fit into this table: all but the last 1060 bytes */
    read.at = port_data(HD) + 2;
    read.piece = 126;
    g_assert_cmphex(port_do(HD, &read), ==, GOOD);
    g_assert_true(filled(port_data(HD) + 2, 4096, 7));
    ahci_down();
}

/* 28-bit addresses are partly in the device register; 0 is 256 sectors. */
static void test_short_address(void)
{
    Ata read = { .command = 0xc8, .device = LBA, .bytes = 256 * 512 };
    Ata beyond = { .command = 0xc8, .device = LBA | 1, .count = 1, .bytes = 512 };

    ahci_up("");
    port_start(HD);
    g_assert_cmphex(port_do(HD, &read), ==, GOOD);
    g_assert_cmpuint(ram(port_list(HD) + 4, 4), ==, 256 * 512);
    g_assert_cmphex(port_do(HD, &beyond), ==, 0x1000 | BAD);       /* IDNF */
    ahci_down();
}

/* 6.2.2: the port stands, CI stays, until ST is cleared. */
static void test_errors(void)
{
    Ata read = { .command = READ_DMA_EXT, .device = LBA, .lba = AHCI_DISK / 512 - 1,
                 .count = 2, .bytes = 1024 };
    Ata no_lba = { .command = READ_DMA_EXT, .count = 1, .bytes = 512 };
    Ata unknown = { .command = 0xff };

    ahci_up("");
    port_start(HD);
    g_assert_cmphex(port_do(HD, &read), ==, 0x1000 | BAD);
    g_assert_cmphex(port_get(HD, P_IS), ==, 1 << 30 | 1);
    g_assert_cmphex(port_get(HD, P_CI), ==, 1);
    port_set(HD, P_CI, 2);
    g_assert_cmphex(port_get(HD, P_CI), ==, 3);
    port_set(HD, P_CMD, 1 << 4);
    g_assert_cmphex(port_get(HD, P_CI), ==, 0);
    port_start(HD);
    g_assert_cmphex(port_do(HD, &no_lba), ==, 0x0400 | BAD);       /* ABRT */
    port_set(HD, P_CMD, 1 << 4);
    port_start(HD);
    g_assert_cmphex(port_do(HD, &unknown), ==, 0x0400 | BAD);
    port_set(HD, P_CMD, 1 << 4);
    port_start(HD);
    mem_file(ahci_node[HD])->fail[MEM_READ] = (typeof(mem_file(NULL)->fail[0])){
        1, 1, -EIO };
    read.lba = 0;
    g_assert_cmphex(port_do(HD, &read), ==, 0x4000 | BAD);         /* UNC */
    ahci_down();
}

/* 4.2.3.3 and 6.1: data that is not in RAM, or a PRDT that is too short. */
static void test_bad_memory(void)
{
    Ata read = { .command = READ_DMA_EXT, .device = LBA, .count = 2, .bytes = 512 };

    ahci_up("");
    port_start(HD);
    port_do(HD, &read);
    g_assert_cmphex(port_get(HD, P_IS) & (1 << 30 | 1 << 24), ==, 1 << 30 | 1 << 24);
    port_set(HD, P_CMD, 1 << 4);
    port_start(HD);
    read.bytes = 1024;
    read.at = 0xd0000000;
    port_do(HD, &read);
    g_assert_cmphex(port_get(HD, P_IS) & (1 << 28), ==, 1 << 28);
    g_assert_cmpuint(ahci_rig->dev->faults, ==, 2);
    port_set(HD, P_CMD, 1 << 4);
    port_start(HD);
    port_set(HD, P_CLB + 4, 1);
    port_set(HD, P_CI, 1);
    g_assert_cmphex(port_get(HD, P_IS) & (1 << 29), ==, 1 << 29);
    ahci_down();
}

/* Serial ATA 13.6: CI is cleared at once, SACT when it is done. */
static void test_queued(void)
{
    Ata queued = { .device = LBA, .features = 1, .bytes = 512 };

    ahci_up("");
    port_start(HD);
    mem_file(ahci_node[HD])->delay_us = 20000;
    for (unsigned slot = 0; slot < 32; slot++) {
        queued.command = slot % 2 ? READ_QUEUED : WRITE_QUEUED;
        queued.write = slot % 2 == 0;
        queued.lba = 100 + slot / 2 + (slot % 2 ? 500 : 0);
        queued.count = slot << 3;
        queued.at = port_data(HD) + 512 * slot;
        fill(queued.at, 512, slot + 1);
        port_put(HD, slot, &queued);
    }
    port_set(HD, P_SACT, 0xffffffff);
    port_set(HD, P_CI, 0xffffffff);
    g_assert_cmphex(port_get(HD, P_CI), ==, 0);
    g_assert_cmphex(port_get(HD, P_SACT), ==, 0xffffffff);
    port_wait(HD);
    g_assert_cmphex(port_get(HD, P_SACT), ==, 0);
    g_assert_cmphex(port_get(HD, P_IS), ==, 1 << 3);
    g_assert_cmphex(ram(port_received(HD) + 0x58, 4), ==, 0x005040a1);
    for (unsigned slot = 0; slot < 32; slot += 2) {
        u32 there;

        g_assert_cmpint(node_read(ahci_node[HD], (100 + slot / 2) * 512, &there, 4), ==,
                        0);
        g_assert_cmphex(there, ==, (slot + 1) * 0x01010101u);
        g_assert_cmphex(ram(port_data(HD) + 512 * (slot + 1), 4), ==, 0);
    }
    ahci_down();
}

/* ATA8-ACS A.12: log 10h says which one it was. */
static void test_queued_error(void)
{
    Ata queued = { .command = READ_QUEUED, .device = LBA, .features = 1,
                   .count = 3 << 3, .lba = 0x123456, .bytes = 512 };
    Ata log = { .command = READ_LOG, .lba = 0x10, .count = 1, .bytes = 512 };

    ahci_up("");
    port_start(HD);
    port_put(HD, 3, &queued);
    port_set(HD, P_SACT, 8);
    port_set(HD, P_CI, 8);
    g_assert_cmphex(port_get(HD, P_SACT), ==, 8);
    g_assert_cmphex(port_get(HD, P_TFD), ==, 0x1000 | BAD);
    g_assert_cmphex(port_get(HD, P_IS), ==, 1 << 30 | 1 << 3);
    port_set(HD, P_CMD, 1 << 4);
    port_start(HD);
    g_assert_cmphex(port_do(HD, &log), ==, GOOD);
    g_assert_cmphex(ram(port_data(HD), 8), ==, 0x4012345610510003);
    ahci_down();
}

static void test_flush_and_cache(void)
{
    Ata flush = { .command = FLUSH }, cache_off = { .command = 0xef, .features = 0x82 };
    Ata write = { .command = WRITE_DMA_EXT, .device = LBA, .count = 1, .bytes = 512,
                  .write = true };
    MemFile *file;

    ahci_up("");
    file = mem_file(ahci_node[HD]);
    port_start(HD);
    g_assert_cmphex(port_do(HD, &write), ==, GOOD);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 0);
    g_assert_cmphex(port_do(HD, &flush), ==, GOOD);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 1);
    g_assert_cmphex(port_do(HD, &cache_off), ==, GOOD);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 2);
    g_assert_cmphex(port_do(HD, &write), ==, GOOD);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 3);
    write.command = 0x3d;                           /* WRITE DMA FUA EXT */
    g_assert_cmphex(port_do(HD, &write), ==, GOOD);
    g_assert_cmpuint(file->calls[MEM_FLUSH], ==, 4);
    ahci_down();
}

/* ACS-2 7.10: ranges of 48 bits and 16 bits. */
static void test_trim(void)
{
    Ata trim = { .command = DATA_SET, .features = 1, .count = 1, .device = LBA,
                 .bytes = 512, .write = true };
    Machine *machine;
    u32 there = 0xffffffff;

    ahci_up("");
    machine = ahci_rig->machine;
    port_start(HD);
    g_assert_cmpint(node_write(ahci_node[HD], 16 * 512, &there, 4), ==, 0);
    fill(port_data(HD), 512, 0);
    for (unsigned i = 0; i < 512; i += 8) {
        ram_put(machine, port_data(HD) + i, 0, 8);
    }
    ram_put(machine, port_data(HD) + 8, 8ull << 48 | 16, 8);
    g_assert_cmphex(port_do(HD, &trim), ==, GOOD);
    g_assert_cmpuint(mem_file(ahci_node[HD])->calls[MEM_DISCARD], ==, 1);
    ram_put(machine, port_data(HD) + 16, 8ull << 48 | AHCI_DISK / 512, 8);
    g_assert_cmphex(port_do(HD, &trim), ==, 0x1000 | BAD);
    g_assert_cmpuint(mem_file(ahci_node[HD])->calls[MEM_DISCARD], ==, 1);
    ahci_down();
}

/* ---- interrupts (10.7) ---- */

static void test_interrupts(void)
{
    Ata flush = { .command = FLUSH };

    ahci_up("");
    port_start(HD);
    port_do(HD, &flush);
    g_assert_cmpuint(ahci_messages, ==, 1);
    g_assert_cmphex(hba_get(R_IS), ==, 1);
    hba_set(R_IS, 1);                       /* the port's is still set: it is back */
    g_assert_cmphex(hba_get(R_IS), ==, 1);
    g_assert_cmpuint(ahci_messages, ==, 2);
    port_set(HD, P_IS, 0xffffffff);
    hba_set(R_IS, 1);
    g_assert_cmphex(hba_get(R_IS), ==, 0);
    port_set(HD, P_IE, 0);
    port_do(HD, &flush);
    g_assert_cmpuint(ahci_messages, ==, 2);
    hba_set(R_GHC, 0);
    port_set(HD, P_IE, 1);
    g_assert_cmpuint(ahci_messages, ==, 2);
    hba_set(R_GHC, 2);
    g_assert_cmpuint(ahci_messages, ==, 3);
    ahci_down();
}

/* ---- state ---- */

static void reload(Device *dev)
{
    g_autoptr(GByteArray) saved = g_byte_array_new(), again = g_byte_array_new();
    g_autoptr(GError) err = NULL;

    device_save(dev, saved);
    device_reset(dev);
    (void)!device_load(dev, saved->data, saved->len, &err);
    g_assert_no_error(err);
    device_save(dev, again);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
}

/* Commands that were under way begin anew when the machine goes on. */
static void test_state(void)
{
    Ata queued = { .command = READ_QUEUED, .device = LBA, .features = 1, .bytes = 512 };

    ahci_up("");
    port_start(HD);
    mem_file(ahci_node[HD])->delay_us = 50000;
    for (unsigned slot = 0; slot < 3; slot++) {
        queued.count = slot << 3;
        port_put(HD, slot, &queued);
    }
    port_set(HD, P_SACT, 7);
    port_set(HD, P_CI, 7);
    g_assert_cmphex(port_get(HD, P_SACT), ==, 7);
    fill(port_data(HD), 512, 1);
    reload(ahci_rig->dev);
    reload(ahci_drive[HD]);
    reload(ahci_drive[CD]);
    port_wait(HD);
    g_assert_cmphex(port_get(HD, P_SACT), ==, 7);
    fill(port_data(HD), 512, 1);
    clock_run_due(ahci_rig->machine->clock);
    port_wait(HD);
    g_assert_cmphex(port_get(HD, P_SACT), ==, 0);
    g_assert_cmphex(ram(port_data(HD), 4), ==, 0);
    ahci_down();
}

/* A port that is stopped forgets what it was doing. */
static void test_stop(void)
{
    Ata read = { .command = READ_DMA_EXT, .device = LBA, .count = 1, .bytes = 512 };

    ahci_up("");
    port_start(HD);
    mem_file(ahci_node[HD])->delay_us = 20000;
    port_put(HD, 0, &read);
    port_set(HD, P_IS, 0xffffffff);
    port_set(HD, P_CI, 1);
    g_assert_cmphex(port_get(HD, P_TFD) & 0x80, ==, 0x80);
    port_set(HD, P_CMD, 1 << 4);
    g_assert_cmphex(port_get(HD, P_CI), ==, 0);
    g_assert_cmpuint(block_in_flight(block_by_id("hd")), ==, 0);
    g_assert_cmphex(port_get(HD, P_IS), ==, 0);
    ahci_down();
}

/* ---- options ---- */

static void refused(const DeviceType *type, const char *options, const char *why)
{
    g_autoptr(GError) err = NULL;

    g_assert_null(device_add(ahci_rig->machine, type, options, &err));
    g_assert_true(g_pattern_match_simple(why, err->message));
}

static void test_options(void)
{
    ahci_up("");
    refused(&ide_hd_type, "bus=ide.2", "*No drive specified*");
    refused(&ide_hd_type, "drive=nobody", "*can't find value 'nobody'");
    refused(&ide_hd_type, "drive=hd,bus=ide.0", "*bus 'ide.0' has a drive*");
    refused(&ide_hd_type, "drive=hd,bus=ide.6", "*Bus 'ide.6' not found*");
    refused(&ide_hd_type, "drive=hd,logical_block_size=2048", "*must be 512*");
    device_free(device_add(ahci_rig->machine, &ide_cd_type, "", NULL));
    ahci_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ahci/registers", test_registers);
    g_test_add_func("/ahci/link-reset", test_link_reset);
    g_test_add_func("/ahci/software-reset", test_software_reset);
    g_test_add_func("/ahci/identify", test_identify);
    g_test_add_func("/ahci/move", test_move);
    g_test_add_func("/ahci/28-bits", test_short_address);
    g_test_add_func("/ahci/errors", test_errors);
    g_test_add_func("/ahci/bad-memory", test_bad_memory);
    g_test_add_func("/ahci/queued", test_queued);
    g_test_add_func("/ahci/queued-error", test_queued_error);
    g_test_add_func("/ahci/flush-and-cache", test_flush_and_cache);
    g_test_add_func("/ahci/trim", test_trim);
    g_test_add_func("/ahci/interrupts", test_interrupts);
    g_test_add_func("/ahci/state", test_state);
    g_test_add_func("/ahci/stop", test_stop);
    g_test_add_func("/ahci/options", test_options);
    return g_test_run();
}
