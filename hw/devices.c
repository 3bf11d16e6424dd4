/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every device there is, one line each, sorted by name.
 */

#include "hw/devices.h"

#include "hw/display/devices.h"
#include "hw/flash/pflash.h"
#include "hw/ide/ide.h"
#include "hw/input/i8042.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/pic.h"
#include "hw/isa/lpc.h"
#include "hw/machine/fw_cfg.h"
#include "hw/machine/mch.h"
#include "hw/misc/vmgenid.h"
#include "hw/timer/hpet.h"
#include "hw/timer/pit.h"
#include "hw/timer/rtc.h"
#include "hw/virtio/devices.h"

const DeviceType *const device_types[] = {
    &vga_pci.device,
    &bochs_display.device,
    &pflash_type,
    &fw_cfg_type,
    &hpet_type,
    &i8042_type,
    &ahci_type.device,
    &ide_cd_type,
    &ide_hd_type,
    &ioapic_type,
    &debug_exit_type,
    &debugcon_type,
    &pic_type,
    &pit_type,
    &post_type,
    &serial_type,
    &lpc_type.device,
    &rtc_type,
    &mch_type.device,
    &port92_type,
    &pvpanic_type,
    &ramfb_type,
    &virtconsole_type,
    &virtio_9p.device,
    &virtio_blk.device,
    &virtio_gpu.device,
    &virtio_gpu_gl.device,
    &virtio_keyboard.device,
    &virtio_mouse.device,
    &virtio_multitouch.device,
    &virtio_net.device,
    &virtio_rng.device,
    &virtio_serial.device,
    &virtio_tablet.device,
    &virtio_vga.device,
    &virtio_vga_gl.device,
    &virtserialport_type,
    &vmgenid_type,
    NULL
};
