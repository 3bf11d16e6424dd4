/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile drivers of the SATA controller: command lists and tables full of chance, some
 * of it nearly right, to a disk and a CD drive; ports are stopped, reset, saved and
 * restored in the middle.  The monitor must live, and once a port is stopped and
 * started anew the disk must serve.
 *
 * MAYFLY_FUZZ=N in the environment: N times 20000 commands.  --seed repeats a run.
 */

#include "tests/lib/ahci_bed.h"
#include "tests/lib/chance.h"

#include <stdlib.h>
#include <string.h>

enum { COMMANDS = 20000 };

static Chance chance;

static u64 below(u64 n)
{
    return chance_below(&chance, n);
}

static u8 some_command(void)
{
    static const u8 known[] = {
        0x06, 0x08, 0x20, 0x24, 0x25, 0x29, 0x2f, 0x30, 0x34, 0x35, 0x39, 0x3d, 0x40,
        0x42, 0x47, 0x60, 0x61, 0x60, 0x61, 0x90, 0x91, 0xa0, 0xa0, 0xa0, 0xa1, 0xc4,
        0xc5, 0xc6, 0xc8, 0xca, 0xce, 0xe0, 0xe5, 0xe7, 0xea, 0xec, 0xef,
    };

    return below(16) ? known[below(sizeof known)] : below(256);
}

static void some_packet(u8 *packet)
{
    static const u8 known[] = {
        0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x28, 0x2b, 0x43, 0x46, 0x4a, 0x51,
        0x5a, 0xa8, 0xbb, 0xbd, 0xbe,
    };

    packet[0] = below(16) ? known[below(sizeof known)] : below(256);
    for (unsigned i = 1; i < 12; i++) {
        packet[i] = below(3) ? 0 : below(256);
    }
}

static void put_command(unsigned port, unsigned slot)
{
    Ata ata = {
        .command = some_command(), .device = below(8) ? 0x40 : below(256),
        .features = below(4) ? below(4) : below(0x10000),
        .count = below(4) ? below(16) : below(0x10000),
        .lba = below(4) ? below(4096) : chance_next(&chance) >> 16,
        .control = below(32) == 0, .control_byte = below(8),
        .write = below(2), .bytes = below(16) << 9,
    };
    gpa header = port_list(port) + 32 * slot;

    some_packet(ata.packet);
    ata.at = below(16) ? port_data(port) + below(4096) : below(UINT32_MAX);
    ata.piece = ata.bytes > 8192 || below(2) ? 0 : 512 + below(1024);
    port_put(port, slot, &ata);
    if (below(16) == 0) {                   /* one word of the header */
        ram_put(ahci_rig->machine, header + 4 * below(8), chance_next(&chance), 4);
    }
    if (below(16) == 0) {                   /* of the table */
        ram_put(ahci_rig->machine, port_table(port, slot) + 4 * below(64),
                chance_next(&chance), 4);
    }
}

static void round_trip(void)
{
    Device *all[] = { ahci_rig->dev, ahci_drive[HD], ahci_drive[CD] };

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        g_autoptr(GByteArray) saved = g_byte_array_new();
        g_autoptr(GError) err = NULL;

        device_save(all[i], saved);
        (void)!device_load(all[i], saved->data, saved->len, &err);
        g_assert_no_error(err);
    }
    clock_run_due(ahci_rig->machine->clock);
}

static void start_anew(unsigned port)
{
    hba_set(R_GHC, 1u << 31 | 2);
    port_set(port, P_SCTL, 0);
    port_set(port, P_CMD, 0);
    port_start(port);
}

static void meanwhile(unsigned port)
{
    if ((port_get(port, P_TFD) & 1) && below(4)) {
        start_anew(port);
    }
    switch (below(24)) {
    case 0:
        hba_set(R_GHC, 1);
        break;
    case 1:
        port_set(port, P_SCTL, below(5));
        break;
    case 2:
        round_trip();
        break;
    case 3:
        port_set(port, below(32) * 4, chance_next(&chance));
        break;
    case 4:
        device_reset(ahci_drive[port]);
        break;
    case 5: case 6: case 7: case 8: case 9:
        port_wait(port);
        port_set(port, P_IS, 0xffffffff);
        hba_set(R_IS, 3);
        break;
    case 10: case 11:
        start_anew(port);
        break;
    }
}

/* Whatever happened before. */
static void must_serve(void)
{
    Ata read = { .command = 0x25, .device = 0x40, .count = 1, .bytes = 512 };

    hba_set(R_GHC, 1);
    port_start(HD);
    g_assert_cmphex(port_do(HD, &read), ==, 0x50);
}

static void test_commands(void)
{
    const char *factor = g_getenv("MAYFLY_FUZZ");
    u64 left = COMMANDS * (factor ? MAX(strtoull(factor, NULL, 0), 1) : 1);

    chance = chance_new((u32)g_test_rand_int());
    ahci_up("");
    for (; left; left--) {
        unsigned port = below(2), slot = below(32);

        put_command(port, slot);
        if (below(2)) {
            port_set(port, P_SACT, 1u << slot);
        }
        port_set(port, P_CI, below(8) ? 1u << slot : (u32)chance_next(&chance));
        meanwhile(port);
        if (left % 512 == 0) {
            must_serve();
        }
    }
    g_test_message("%" G_GUINT64_FORMAT " faults, %u messages", ahci_rig->dev->faults,
                   ahci_messages);
    g_assert_cmpuint(ahci_messages, >, 100);
    ahci_down();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ahci/commands", test_commands);
    return g_test_run();
}
