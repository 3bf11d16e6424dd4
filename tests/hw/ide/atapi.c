/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CD drive: packets (SFF-8020i; MMC-6; SPC-4 for sense codes) over SATA.
 */

#include "tests/lib/ahci_bed.h"

#include "base/lock.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { GOOD = 0x50, BAD = 0x51 };
#define PACKET(...) ((const u8[12]){ __VA_ARGS__ })
#define SECTORS (AHCI_DISC / 2048)

static u8 byte(unsigned n)
{
    return ram_get(ahci_rig->machine, port_data(CD) + n, 1);
}

static u32 big32(unsigned n)
{
    return GUINT32_SWAP_LE_BE((u32)ram_get(ahci_rig->machine, port_data(CD) + n, 4));
}

/* Key, additional code and qualifier as REQUEST SENSE has them. */
static u32 sense(void)
{
    g_assert_cmphex(packet_do(PACKET(0x03, 0, 0, 0, 18), 18), ==, GOOD);
    g_assert_cmphex(byte(0), ==, 0x70);
    return byte(2) << 16 | byte(12) << 8 | byte(13);
}

/* It fails with this sense key in the error register, and this sense. */
static void fails(const u8 *packet, u32 bytes, u32 why)
{
    g_assert_cmphex(packet_do(packet, bytes), ==, (why >> 16) << 12 | 0x400 | BAD);
    g_assert_cmphex(sense(), ==, why);
}

static void works(const u8 *packet, u32 bytes)
{
    g_assert_cmphex(packet_do(packet, bytes), ==, GOOD);
}

/* A drive that has said that it was reset. */
static void set_up(void)
{
    ahci_up("");
    port_start(CD);
    fails(PACKET(0), 0, 0x062900);
    works(PACKET(0), 0);
}

static void test_identify(void)
{
    Ata identify = { .command = 0xa1, .bytes = 512 }, disk = { .command = 0xec };

    ahci_up("");
    port_start(CD);
    g_assert_cmphex(port_do(CD, &identify), ==, GOOD);
    /* ATA8-ACS 7.17.2.2: packets of 12 bytes, a CD drive, removable */
    g_assert_cmphex(byte(0) | byte(1) << 8, ==, 0x85c0);
    g_assert_cmphex(port_do(CD, &disk), ==, 0x0400 | BAD);
    g_assert_cmphex(ram_get(ahci_rig->machine, port_received(CD) + 0x44, 3), ==,
                    0xeb1401);
    ahci_down();
}

static void test_read(void)
{
    u32 there = 0x11223344;
    MemFile *file;

    set_up();
    g_assert_cmpint(node_write(ahci_node[CD], 2048 * 17, &there, 4), ==, 0);
    works(PACKET(0x28, 0, 0, 0, 0, 16, 0, 0, 2), 4096);
    g_assert_cmphex(ram_get(ahci_rig->machine, port_data(CD) + 2048, 4), ==, there);
    g_assert_cmpuint(ram_get(ahci_rig->machine, port_list(CD) + 4, 4), ==, 4096);
    /* SFF-8020i table 5: I/O and C/D in the count register */
    g_assert_cmphex(ram_get(ahci_rig->machine, port_received(CD) + 0x4c, 1), ==, 3);
    works(PACKET(0xa8, 0, 0, 0, 0, 17, 0, 0, 0, 1), 2048);
    g_assert_cmphex(ram_get(ahci_rig->machine, port_data(CD), 4), ==, there);
    works(PACKET(0xbe, 0, 0, 0, 0, 17, 0, 0, 1, 0x10), 2048);
    fails(PACKET(0xbe, 0, 0, 0, 0, 17, 0, 0, 1, 0xf8), 2352, 0x052400);
    works(PACKET(0x28, 0, 0, 0, 0, SECTORS / 256, SECTORS & 255, 0, 0), 0);
    fails(PACKET(0x28, 0, 0, 0, SECTORS >> 8, SECTORS & 255, 0, 0, 1), 2048, 0x052100);
    fails(PACKET(0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 2048,
          0x052100);
    file = mem_file(ahci_node[CD]);
    file->fail[MEM_READ] = (typeof(file->fail[0])){
        file->calls[MEM_READ] + 1, 1, -EIO };
    fails(PACKET(0x28, 0, 0, 0, 0, 16, 0, 0, 1), 2048, 0x031100);
    fails(PACKET(0x2a), 2048, 0x052000);
    ahci_down();
}

static void test_about(void)
{
    set_up();
    works(PACKET(0x12, 0, 0, 0, 36), 36);
    g_assert_cmphex(byte(0), ==, 5);
    g_assert_cmphex(byte(1), ==, 0x80);
    g_assert_cmphex(byte(4), ==, 31);
    works(PACKET(0x25), 8);
    g_assert_cmpuint(big32(0), ==, SECTORS - 1);
    g_assert_cmpuint(big32(4), ==, 2048);
    /* MMC-6 6.26: track 1 and the lead-out, as a number and as 00:02:00 */
    works(PACKET(0x43, 0, 0, 0, 0, 0, 0, 0, 20), 20);
    g_assert_cmphex(big32(0), ==, 0x00120101);
    g_assert_cmphex(big32(4), ==, 0x00140100);
    g_assert_cmpuint(big32(8), ==, 0);
    g_assert_cmphex(big32(12), ==, 0x0014aa00);
    g_assert_cmpuint(big32(16), ==, SECTORS);
    works(PACKET(0x43, 2, 0, 0, 0, 0, 0xaa, 0, 20), 20);
    g_assert_cmphex(big32(0), ==, 0x000a0101);
    g_assert_cmphex(big32(8), ==, (SECTORS + 150) / 75 << 8 | (SECTORS + 150) % 75);
    works(PACKET(0x43, 0, 1, 0, 0, 0, 0, 0, 12), 12);
    g_assert_cmphex(big32(0), ==, 0x000a0101);
    /* MMC-6 6.6: a CD-ROM; only feature 3h: a tray that ejects and locks */
    works(PACKET(0x46, 2, 0, 3, 0, 0, 0, 0, 16), 16);
    g_assert_cmphex(big32(0), ==, 12);
    g_assert_cmphex(big32(4), ==, 0x00000008);
    g_assert_cmphex(big32(8), ==, 0x00030304);
    g_assert_cmphex(byte(12), ==, 0x29);
    /* MMC-6 7.3, page 2Ah */
    works(PACKET(0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 28), 28);
    g_assert_cmphex(big32(0) >> 16, ==, 26);
    g_assert_cmphex(byte(8), ==, 0x2a);
    g_assert_cmphex(byte(14), ==, 0x29);
    fails(PACKET(0x5a, 0, 0x07, 0, 0, 0, 0, 0, 28), 28, 0x052400);
    fails(PACKET(0x5a, 0, 0xea, 0, 0, 0, 0, 0, 28), 28, 0x053900);
    works(PACKET(0x51, 0, 0, 0, 0, 0, 0, 0, 34), 34);
    g_assert_cmphex(big32(0), ==, 0x00200e01);
    ahci_down();
}

/* As many bytes as were asked for, or as there is room for. */
static void test_lengths(void)
{
    set_up();
    works(PACKET(0x12, 0, 0, 0, 5), 36);
    g_assert_cmpuint(ram_get(ahci_rig->machine, port_list(CD) + 4, 4), ==, 5);
    works(PACKET(0x12, 0, 0, 0, 36), 6);
    g_assert_cmpuint(ram_get(ahci_rig->machine, port_list(CD) + 4, 4), ==, 6);
    works(PACKET(0x12, 0, 0, 0, 0), 0);
    ahci_down();
}

/* ---- the tray ---- */

/* GET EVENT STATUS NOTIFICATION: event, and what is there. */
static u32 event(void)
{
    works(PACKET(0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8), 8);
    g_assert_cmphex(big32(0), ==, 0x00060410);
    return byte(4) << 8 | byte(5);
}

static char disc[] = "/tmp/mayfly-disc-XXXXXX";

static void make_disc(void)
{
    int fd = g_mkstemp(disc);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, 300 * 2048), ==, 0);
    close(fd);
}

static void monitor(bool right, bool change, bool force)
{
    g_autoptr(GError) err = NULL;
    bool did;

    machine_unlock();
    did = change ? block_change("cd", disc, "raw", &err)
                 : block_eject("cd", force, &err);
    machine_lock();
    g_assert_true(did == right);
}

static void test_tray(void)
{
    const u8 *ready = PACKET(0), *open = PACKET(0x1b, 0, 0, 0, 2);
    const u8 *shut = PACKET(0x1b, 0, 0, 0, 3), *lock = PACKET(0x1e, 0, 0, 0, 1);
    const u8 *unlock = PACKET(0x1e, 0, 0, 0, 0);

    set_up();
    g_assert_cmphex(event(), ==, 0x0002);
    works(lock, 0);
    fails(open, 0, 0x055302);
    works(unlock, 0);
    works(open, 0);
    g_assert_false(block_has_medium(block_by_id("cd")));
    g_assert_cmphex(event(), ==, 0x0001);
    fails(ready, 0, 0x023a02);
    works(shut, 0);
    g_assert_cmphex(event(), ==, 0x0202);
    fails(ready, 0, 0x062800);
    works(ready, 0);
    works(lock, 0);
    monitor(false, false, false);               /* the guest is asked */
    g_assert_cmphex(event(), ==, 0x0102);
    monitor(true, false, true);
    g_assert_cmphex(event(), ==, 0x0300);
    fails(ready, 0, 0x023a01);
    fails(PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 2048, 0x023a01);
    ahci_down();
}

/* Another medium: told once, with its own size. */
static void test_change(void)
{
    make_disc();
    set_up();
    monitor(true, false, false);
    g_assert_cmphex(event(), ==, 0x0300);
    monitor(true, true, false);
    g_assert_cmphex(event(), ==, 0x0202);
    fails(PACKET(0x25), 8, 0x062800);
    works(PACKET(0x25), 8);
    g_assert_cmpuint(big32(0) + 1, ==, 300);
    ahci_down();
    g_assert_cmpint(unlink(disc), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/atapi/identify", test_identify);
    g_test_add_func("/atapi/read", test_read);
    g_test_add_func("/atapi/about", test_about);
    g_test_add_func("/atapi/lengths", test_lengths);
    g_test_add_func("/atapi/tray", test_tray);
    g_test_add_func("/atapi/change", test_change);
    return g_test_run();
}
