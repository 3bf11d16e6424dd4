/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where SMBIOS tables begin: entry points (DSP0134 3.0, 5.2).  See smbios.h.
 */

#include "hw/machine/smbios.h"
#include "base/bytes.h"

static u8 sum(const u8 *bytes, unsigned n)
{
    u8 s = 0;

    while (n--) {
        s += *bytes++;
    }
    return s;
}

void smbios_entry3(const Smbios *smbios, gpa at, u8 entry[SMBIOS3_BYTES])
{
    memset(entry, 0, SMBIOS3_BYTES);
    memcpy(entry, "_SM3_", 5);
    entry[6] = SMBIOS3_BYTES;
    entry[7] = 3;                           /* 3.0, entry point revision 1 */
    entry[10] = 1;
    put32(entry + 12, smbios->tables->len);
    put64(entry + 16, at);
    entry[5] = -sum(entry, SMBIOS3_BYTES);
}

/* 5.2.1; the address and the sums are firmware's to fill in. */
bool smbios_publish(const Smbios *smbios, FwCfg *fw, GError **err)
{
    u8 entry[31] = "_SM_";

    entry[5] = sizeof entry;
    entry[6] = 2;
    entry[7] = 8;
    put16(entry + 8, smbios->longest);
    memcpy(entry + 16, "_DMI_", 5);
    put16(entry + 22, smbios->tables->len);
    put16(entry + 28, smbios->count);
    entry[30] = 0x28;
    if (smbios->tables->len > UINT16_MAX) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "-smbios: %u bytes of tables; 65535 are possible",
                    smbios->tables->len);
        return false;
    }
    return fw_cfg_add_file(fw, "etc/smbios/smbios-tables", smbios->tables->data,
                           smbios->tables->len, err) &&
           fw_cfg_add_file(fw, "etc/smbios/smbios-anchor", entry, sizeof entry, err);
}
