/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ICH9 LPC bridge: see lpc.h (ICH9 data sheet, chapter 13).
 *
 * Left out: SMIs (SMI_EN says from reset on that APM writes raise them, by which
 * firmware knows that SMM is not its business), sleep states but S5, the watchdog
 * (TCO), GPIO, and the chipset registers behind RCBA.  Under the machine lock.
 */

#include "hw/isa/lpc.h"
#include "base/clock.h"
#include "base/log.h"
#include "hw/core/machine.h"

enum {
    PM_HZ = 3579545, PM_BITS = 24,          /* 13.8.3.5 */
    PM_BYTES = 0x3c,                        /* registers that are kept */

    STS_TIMER = 1 << 0, STS_POWER_BUTTON = 1 << 8,
    STS_SCI = 0x0521,       /* those with an enable bit: timer, global, button, RTC */
    CNT_SCI_EN = 1 << 0, CNT_SLP_EN = 1 << 13,
    APMC_EN = 1 << 5,
    ACPI_EN = 1 << 7,
    PIRQ_OFF = 0x80,
    RESET_CPU = 1 << 2,
};

STATE(LpcState,
    (u64, toggle, "virtual time at which bit 23 of the PM timer changes next, ns"),
    (u8[PM_BYTES], pm, "power management registers from PMBASE on"),
    (u8, pirq, "levels of PIRQ A to H"),
    (u8, apm_cnt, "port 0xb2"),
    (u8, apm_sts, "port 0xb3"),
    (u8, reset_control, "port 0xcf9", .max = 0x0a));

static const LpcState lpc_reset_state = { .pm = { [SMI_EN] = APMC_EN } };

/* Bits that software writes, and bits that it clears by writing ones. */
static const u8 pm_writable[PM_BYTES] = {
    [PM1_EN] = 0x21, [PM1_EN + 1] = 0x05, [PM1_CNT] = 0x07, [PM1_CNT + 1] = 0x1c,
    [GPE0_EN ... GPE0_EN + 7] = 0xff, [SMI_EN ... SMI_EN + 3] = 0xff,
};
static const u8 pm_cleared[PM_BYTES] = {
    [PM1_STS] = 0x31, [PM1_STS + 1] = 0xcd,
    [GPE0_STS ... GPE0_STS + 7] = 0xff, [SMI_STS ... SMI_STS + 3] = 0xff,
};

typedef struct {
    Device dev;
    LpcState state;
    Region pm, apm;
    Timer *timer;
    Irq pic[16];
    int sci;                /* the GSI that SCI holds, or -1 */
} Lpc;

static Lpc *lpc_of(Device *dev)
{
    return container_of(dev, Lpc, dev);
}

static u32 pm_get(const Lpc *lpc, unsigned offset, unsigned n)
{
    u32 value = 0;

    for (unsigned i = 0; i < n && offset + i < PM_BYTES; i++) {
        value |= (u32)lpc->state.pm[offset + i] << 8 * i;
    }
    return value;
}

/* ---- SCI ---- */

/* 13.1.14: which interrupt SCI is. */
static int sci_gsi(const PciDevice *pci)
{
    static const s8 gsi[8] = { 9, 10, 11, -1, 20, 21, -1, -1 };

    return gsi[pci->state.config[LPC_ACPI_CNTL] & 7];
}

static bool sci_due(const Lpc *lpc)
{
    bool gpe = false;

    for (unsigned i = 0; i < 8; i++) {
        gpe |= lpc->state.pm[GPE0_STS + i] & lpc->state.pm[GPE0_EN + i];
    }
    return pm_get(lpc, PM1_CNT, 2) & CNT_SCI_EN &&
           (gpe || pm_get(lpc, PM1_STS, 2) & pm_get(lpc, PM1_EN, 2) & STS_SCI);
}

static void update_sci(Lpc *lpc)
{
    int now = sci_due(lpc) ? sci_gsi(pci_device(&lpc->dev)) : -1;

    if (now != lpc->sci) {
        if (lpc->sci >= 0) {
            machine_gsi(lpc->dev.machine, lpc->sci, false);
        }
        if (now >= 0) {
            machine_gsi(lpc->dev.machine, now, true);
        }
        lpc->sci = now;
    }
}

/* ---- the PM timer ---- */

static u64 pm_ticks(u64 ns)
{
    return (unsigned __int128)ns * PM_HZ / NS_PER_SEC;
}

/* The first moment at which bit 23 differs from now. */
static u64 next_toggle(u64 ns)
{
    u64 ticks = (pm_ticks(ns) | ((1 << (PM_BITS - 1)) - 1)) + 1;

    return ((unsigned __int128)ticks * NS_PER_SEC + PM_HZ - 1) / PM_HZ;
}

/* TMR_STS is worked out when it is looked at; a timer runs only for an interrupt. */
static void arm_timer(Lpc *lpc)
{
    if (lpc->state.pm[PM1_EN] & STS_TIMER && !(lpc->state.pm[PM1_STS] & STS_TIMER)) {
        timer_set(lpc->timer, lpc->state.toggle);
    } else {
        timer_cancel(lpc->timer);
    }
    update_sci(lpc);
}

static void update_timer(Lpc *lpc)
{
    u64 now = clock_now(lpc->dev.machine->clock);

    if (now >= lpc->state.toggle) {
        lpc->state.pm[PM1_STS] |= STS_TIMER;
        lpc->state.toggle = next_toggle(now);
    }
    arm_timer(lpc);
}

static void timer_due(void *opaque)
{
    update_timer(opaque);
}

/* ---- the registers behind PMBASE ---- */

static u64 pm_read(void *opaque, u64 offset, unsigned size)
{
    Lpc *lpc = opaque;

    if (offset >= PM_TMR && offset < PM_TMR + 4) {
        u32 ticks = pm_ticks(clock_now(lpc->dev.machine->clock)) & ((1 << PM_BITS) - 1);

        return ticks >> 8 * (offset - PM_TMR);
    }
    if (offset < PM1_EN) {
        update_timer(lpc);
    }
    return pm_get(lpc, offset, size);
}

/* 13.8.3.3: SLP_EN is write-only and enters the state that SLP_TYP names. */
static void sleep_requested(Lpc *lpc)
{
    unsigned type = pm_get(lpc, PM1_CNT, 2) >> 10 & 7;

    if (type == SLEEP_S5) {
        machine_request(lpc->dev.machine, REQUEST_POWEROFF, 0, "guest-shutdown");
    } else {
        device_fault(&lpc->dev, "13.8.3.3: sleep type %u is not S5", type);
    }
}

static void pm_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Lpc *lpc = opaque;

    for (unsigned i = 0; i < size && offset + i < PM_BYTES; i++) {
        u8 *byte = &lpc->state.pm[offset + i];
        u8 given = value >> 8 * i;

        *byte = (*byte & ~pm_writable[offset + i]) | (given & pm_writable[offset + i]);
        *byte &= ~(given & pm_cleared[offset + i]);
    }
    update_timer(lpc);
    if (offset <= PM1_CNT + 1 && offset + size > PM1_CNT + 1 &&
        value >> 8 * (PM1_CNT + 1 - offset) & CNT_SLP_EN >> 8) {
        sleep_requested(lpc);
    }
}

static const RegionOps pm_ops = { pm_read, pm_write, .sizes = 1 | 2 | 4 };

static void power_button(void *opaque, unsigned n, bool level)
{
    Lpc *lpc = opaque;

    (void)n;
    if (level) {
        lpc->state.pm[PM1_STS + 1] |= STS_POWER_BUTTON >> 8;
        update_sci(lpc);
    }
}

Irq lpc_power_button(Device *lpc)
{
    return (Irq){ power_button, lpc_of(lpc), 0 };
}

void lpc_raise_gpe(Device *dev, unsigned n)
{
    Lpc *lpc = lpc_of(dev);

    lpc->state.pm[GPE0_STS + n / 8] |= 1 << n % 8;
    update_sci(lpc);
}

/* ---- ports 0xb2, 0xb3 and 0xcf9 ---- */

static u64 apm_read(void *opaque, u64 offset, unsigned size)
{
    Lpc *lpc = opaque;

    (void)size;
    return offset == 0 ? lpc->state.apm_cnt : lpc->state.apm_sts;
}

static void apm_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    Lpc *lpc = opaque;

    (void)size;
    if (offset == 1) {
        lpc->state.apm_sts = value;
        return;
    }
    lpc->state.apm_cnt = value;
    if (value == APM_ACPI_ON) {
        lpc->state.pm[PM1_CNT] |= CNT_SCI_EN;
    } else if (value == APM_ACPI_OFF) {
        lpc->state.pm[PM1_CNT] &= ~CNT_SCI_EN;
    }
    update_sci(lpc);
}

static const RegionOps apm_ops = { apm_read, apm_write, .sizes = 1 };

u8 lpc_reset_read(Device *lpc)
{
    return lpc_of(lpc)->state.reset_control;
}

/* 13.7.5: the CPU is reset when bit 2 goes from 0 to 1; it does not stay set. */
void lpc_reset_write(Device *lpc, u8 value)
{
    lpc_of(lpc)->state.reset_control = value & 0x0a;
    if (value & RESET_CPU) {
        machine_request(lpc->machine, REQUEST_RESET, 0, "guest-reset");
    }
}

/* ---- PIRQ lines ---- */

/*
 * 13.1.12: a routing byte below 0x80 names a PIC input; the line also reaches the
 * IOAPIC.
 */
static void update_pic(Lpc *lpc)
{
    const u8 *config = pci_device(&lpc->dev)->state.config;
    bool level[16] = { false };

    for (unsigned i = 0; i < 8; i++) {
        u8 route = config[i < 4 ? LPC_PIRQ + i : LPC_PIRQ_HIGH + i - 4];

        if (!(route & PIRQ_OFF) && lpc->state.pirq >> i & 1) {
            level[route & 15] = true;
        }
    }
    for (unsigned i = 0; i < 16; i++) {
        irq_set(&lpc->pic[i], level[i]);
    }
}

static void pirq_set(void *opaque, unsigned n, bool level)
{
    Lpc *lpc = opaque;

    lpc->state.pirq = level ? lpc->state.pirq | 1 << n : lpc->state.pirq & ~(1 << n);
    update_pic(lpc);
    machine_gsi(lpc->dev.machine, 16 + n, level);
}

Irq lpc_pirq(Device *lpc, unsigned n)
{
    return (Irq){ pirq_set, lpc_of(lpc), n };
}

void lpc_connect_pic(Device *lpc, unsigned n, Irq irq)
{
    lpc_of(lpc)->pic[n] = irq;
}

/* ---- life ---- */

static void config_written(PciDevice *pci, unsigned offset, unsigned n)
{
    Lpc *lpc = lpc_of(pci->dev);

    (void)offset;
    (void)n;
    space_begin(lpc->dev.machine->io);
    region_move(&lpc->pm, pci_config_get(pci, LPC_PMBASE, 2) & 0xff80);
    region_enable(&lpc->pm, pci->state.config[LPC_ACPI_CNTL] & ACPI_EN);
    space_commit(lpc->dev.machine->io);
    update_sci(lpc);
    update_pic(lpc);
}

static bool lpc_open(Device *dev, GError **err)
{
    Lpc *lpc = lpc_of(dev);
    PciDevice *pci = pci_device(dev);

    (void)err;
    pci->config_written = config_written;
    pci_config_set(pci, LPC_PMBASE, 1, 4);
    pci_config_mask(pci, LPC_PMBASE, 0xff80, 2);
    pci_config_mask(pci, LPC_ACPI_CNTL, ACPI_EN | 7, 1);
    for (unsigned i = 0; i < 4; i++) {
        pci_config_set(pci, LPC_PIRQ + i, PIRQ_OFF, 1);
        pci_config_mask(pci, LPC_PIRQ + i, PIRQ_OFF | 0x0f, 1);
        pci_config_set(pci, LPC_PIRQ_HIGH + i, PIRQ_OFF, 1);
        pci_config_mask(pci, LPC_PIRQ_HIGH + i, PIRQ_OFF | 0x0f, 1);
    }
    pci_config_mask(pci, LPC_RCBA, 0xffffc001, 4);

    lpc->sci = -1;
    lpc->timer = timer_new(dev->machine->clock, timer_due, lpc);
    region_init_io(&lpc->pm, "acpi-pm", &pm_ops, lpc, PM_PORTS);
    region_init_io(&lpc->apm, "apm", &apm_ops, lpc, 2);
    space_add(dev->machine->io, &lpc->pm, PM_BASE, 0);
    region_enable(&lpc->pm, false);
    space_add(dev->machine->io, &lpc->apm, APM_CNT, 0);
    return true;
}

static void lpc_close(Device *dev)
{
    Lpc *lpc = lpc_of(dev);

    timer_free(lpc->timer);
    region_fini(&lpc->pm);
    region_fini(&lpc->apm);
}

static void lpc_reset(Device *dev)
{
    Lpc *lpc = lpc_of(dev);

    lpc->state.toggle = next_toggle(clock_now(dev->machine->clock));
    update_timer(lpc);
    update_pic(lpc);
}

static bool lpc_loaded(Device *dev, GError **err)
{
    Lpc *lpc = lpc_of(dev);

    (void)err;
    arm_timer(lpc);
    update_pic(lpc);
    for (unsigned i = 0; i < 8; i++) {
        machine_gsi(dev->machine, 16 + i, lpc->state.pirq >> i & 1);
    }
    return true;
}

const PciType lpc_type = {
    .device = {
        .name  = "lpc",
        .help  = "south bridge: power management, interrupt routing, reset",
        .bus   = { &pci_bus },
        .board_only = true,
        .size  = sizeof(Lpc),
        .part  = {
            .name = "lpc",
            DEVICE_STATE(Lpc, LpcState),
            .reset_state = &lpc_reset_state,
            .reset  = lpc_reset,
            .loaded = lpc_loaded,
        },
        .open  = lpc_open,
        .close = lpc_close,
    },
    .ids = { 0x8086, 0x2918, .class = 0x060100, .revision = 2 },
};
