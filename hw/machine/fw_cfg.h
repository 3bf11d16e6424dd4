/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg: what the machine tells its firmware (QEMU's docs/specs/fw_cfg): numbered
 * items and named files, read through ports 0x510 and 0x511 or by DMA.  Under the
 * machine lock, or before the machine starts.
 */

#ifndef HW_MACHINE_FW_CFG_H
#define HW_MACHINE_FW_CFG_H

#include "hw/core/machine.h"

/* Numbered items that we have. */
enum {
    FW_CFG_SIGNATURE = 0x00, FW_CFG_ID = 0x01, FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03, FW_CFG_NOGRAPHIC = 0x04, FW_CFG_NB_CPUS = 0x05,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e, FW_CFG_MAX_CPUS = 0x0f, FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_IRQ0_OVERRIDE = 0x8002,
};

enum { FW_CFG_PORTS = 0x510, FW_CFG_PORT_COUNT = 12, FW_CFG_NAME_MAX = 55 };

extern const DeviceType fw_cfg_type;
FwCfg *fw_cfg_of(Device *dev);

/* The data is copied.  A second item of the same number replaces the first. */
void fw_cfg_add(FwCfg *fw, u16 key, const void *data, size_t n);
void fw_cfg_add_number(FwCfg *fw, u16 key, u64 value, unsigned n);  /* little endian */

/*
 * Fails when there is a file of that name, the name is too long, or the table is full.
 */
bool fw_cfg_add_file(FwCfg *fw, const char *name, const void *data, size_t n,
                     GError **err) must_check;
/* Adds, or replaces when there is one. */
bool fw_cfg_set_file(FwCfg *fw, const char *name, const void *data, size_t n,
                     GError **err) must_check;

/*
 * A file of `n` zeroes that the guest may write, by DMA; `written` is told of its new
 * bytes, under the machine lock.  The guest's bytes are not to be trusted.
 */
typedef void FwCfgFn(void *opaque, const u8 *bytes, size_t n);
bool fw_cfg_add_writable(FwCfg *fw, const char *name, size_t n, FwCfgFn *written,
                         void *opaque, GError **err) must_check;

/* -fw_cfg name=NAME,string=TEXT or name=NAME,file=PATH. */
bool fw_cfg_add_option(FwCfg *fw, const char *text, GError **err) must_check;

#endif
