/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the q35 board starts with: firmware that finds its tables in fw_cfg, or a kernel
 * and tables in RAM.
 *
 *     0xf0000  RSDP      where firmware leaves them (ACPI 6.4, 5.2.5.1; DSP0134, 5.2)
 *     0xf0040  _SM3_
 *     0xf0060  SMBIOS structures
 *     top of the RAM below 4 GiB: ACPI tables
 */

#include "hw/machine/acpi.h"
#include "hw/machine/e820.h"
#include "hw/machine/q35.h"
#include "hw/machine/smbios.h"
#include "hw/isa/lpc.h"
#include "hw/misc/vmgenid.h"

enum {
    RSDP_AT = FIRMWARE_BASE, ENTRY_AT = FIRMWARE_BASE + 0x40,
    SMBIOS_AT = FIRMWARE_BASE + 0x60,
};

static bool publish_tables(Q35 *q35, const Smbios *smbios, GError **err)
{
    FwCfg *fw = q35->machine->fw_cfg;
    g_autoptr(Acpi) acpi = q35->config->no_acpi ? NULL : acpi_build(q35);

    return smbios_publish(smbios, fw, err) && (!acpi || acpi_publish(acpi, fw, err));
}

static bool place_smbios(Boot *boot, const Smbios *smbios, GError **err)
{
    u8 entry[SMBIOS3_BYTES];

    if (smbios->tables->len > HOLE_END - SMBIOS_AT) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "-smbios: %u bytes of tables; %u are possible", smbios->tables->len,
                    HOLE_END - SMBIOS_AT);
        return false;
    }
    smbios_entry3(smbios, SMBIOS_AT, entry);
    boot_put_table(boot, ENTRY_AT, entry, sizeof entry);
    boot_put_table(boot, SMBIOS_AT, smbios->tables->data, smbios->tables->len);
    return true;
}

/* The kernel, and the tables that firmware would have made. */
static bool load_kernel(Q35 *q35, const Smbios *smbios, GError **err)
{
    Machine *machine = q35->machine;
    const BoardConfig *config = q35->config;
    g_autoptr(Acpi) acpi = config->no_acpi ? NULL : acpi_build(q35);
    u64 n = acpi ? acpi->tables->len : 0;
    u64 room = (n + PAGE_BYTES - 1) & PAGE_MASK, at = machine->ram_below_4g - room;

    if (machine->ram_below_4g < 2 * MiB) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "%s: a kernel needs at least 2 MiB of memory", config->kernel);
        return false;
    }
    q35->boot = boot_new(machine, config, at, room, acpi ? RSDP_AT : 0);
    if (acpi) {
        acpi_place(acpi, at);
        boot_put_table(q35->boot, at, acpi->tables->data, n);
        boot_put_table(q35->boot, RSDP_AT, acpi->rsdp, sizeof acpi->rsdp);
    }
    return place_smbios(q35->boot, smbios, err) && boot_load(q35->boot, err);
}

bool board_load(Machine *machine, GError **err)
{
    Q35 *q35 = q35_of(machine);
    const BoardConfig *config = q35->config;
    g_autoptr(SmbiosOptions) options = NULL;
    g_autoptr(Smbios) smbios = NULL;

    if (!config->kernel && (config->initrd || config->append)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "-%s is for a kernel: -kernel FILE is missing",
                    config->initrd ? "initrd" : "append");
        return false;
    }
    options = smbios_options(config->smbios, err);
    if (options) {
        smbios = smbios_build(machine, config, options, config->kernel, err);
    }
    if (!smbios || !q35_fill_fw_cfg(q35, err)) {
        return false;
    }
    return config->kernel ? load_kernel(q35, smbios, err)
                          : q35_load_bios(q35, err) && publish_tables(q35, smbios, err);
}

void board_reset(Machine *machine)
{
    Q35 *q35 = q35_of(machine);
    g_autoptr(GError) error = NULL;

    machine_reset_devices(machine);
    q35_fill_cmos(q35);                 /* the boot order may have changed */
    if (q35->boot) {
        q35_play_firmware(q35);
        if (!boot_write(q35->boot, &error)) {
            machine_request(machine, REQUEST_CRASH, 0, error->message);
        }
    }
}

void board_new_generation(Machine *machine)
{
    Q35 *q35 = q35_of(machine);

    vmgenid_change(q35->vmgenid);
    lpc_raise_gpe(q35->lpc, VMGENID_GPE);
}

void board_boot_state(Machine *machine, unsigned cpu, X86State *state)
{
    Q35 *q35 = q35_of(machine);

    if (q35->boot) {
        boot_state(q35->boot, cpu, state);
    }
}
