/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts as guest programs meet them (tests/accel/guest/interrupts.S).
 */

#include "base/lock.h"
#include "tests/lib/guest.h"

GUEST(self_ipi);
GUEST(shadows);
GUEST(priorities);
GUEST(apic_errors);
GUEST(one_shot);
GUEST(periodic);
GUEST(deadline);
GUEST(x2apic);
GUEST(extint);
GUEST(level);
GUEST(ipis);
GUEST(start_up);

/* The PIC has vector 0x77, until it is acknowledged. */
static void raise_extint(CpuBed *bed)
{
    bed->pic_vector = 0x77;
    machine_lock();
    cpu_bed_accel(bed)->extint(bed->machine->accel, true);
    machine_unlock();
}

static void one_acknowledge(CpuBed *bed)
{
    g_assert_cmpuint(bed->pic_acks, ==, 1);
}

/* A level-triggered message (figure 11-26) to an APIC that is on. */
static void send_level(CpuBed *bed)
{
    g_autofree X86State *state = g_new(X86State, 1);

    cpu_bed_get(bed, 0, state);
    state->lapic.reg[0xf] = 0x1ff;
    cpu_bed_set(bed, 0, state);
    cpu_bed_accel(bed)->msi(bed->machine->accel, APIC, 0xc045);
}

static void one_eoi(CpuBed *bed)
{
    g_assert_cmpuint(bed->eois, ==, 1);
    g_assert_cmpuint(bed->eoi_vector, ==, 0x45);
}

static const GuestProgram programs[] = {
    { GUEST_ROW(self_ipi), START_LONG,
      "=1, 40@a, =0, =1, =0",
      "11.6.1", .kvm = false },
    { GUEST_ROW(shadows), START_LONG,
      "40@a, 41@b, 42@c, 43@d",
      "6.8.3", .kvm = false },
    { GUEST_ROW(priorities), START_LONG,
      "63@a, =60, 52@b, =50, 51@c, 41@d, =0, =50, =50, 60@e, 52@f, =4",
      "11.8.3", .kvm = false },
    { GUEST_ROW(apic_errors), START_LONG,
      "=20, =0, 48@a, =80",
      "11.5.3", .kvm = false },
    { GUEST_ROW(one_shot), START_LONG,
      "50@a, =0, =0",
      "11.5.4", .kvm = true },
    { GUEST_ROW(periodic), START_LONG,
      "50@a, 50@b, 50@c, =0",
      "11.5.4", .kvm = true },
    { GUEST_ROW(deadline), START_LONG,
      "50@a, =0, =0, 50@b",
      "11.5.4.1", .kvm = true },
    { GUEST_ROW(x2apic), START_LONG,
      "=0, =14, =1, 44@a, GP(0)@b+RF, 45@c, GP(0)@d+RF, GP(0)@e+RF, GP(0)@f+RF, "
      "GP(0)@g+RF, GP(0)@h+RF, GP(0)@i+RF, =0",
      "11.12", .kvm = false },
    { GUEST_ROW(extint), START_LONG,
      "77@a, =0",
      "11.5.1", .kvm = false, .before = raise_extint, .after = one_acknowledge },
    { GUEST_ROW(level), START_LONG,
      "=20, 45@a",
      "11.8.5", .kvm = false, .before = send_level, .after = one_eoi },
    { GUEST_ROW(ipis), START_LONG,
      "=1, 46@b on 31fd8, NMI@b on 31fd8, 47@b on 31fd8, 48@b on 31fd8, "
      "49@c on 31fd8, 4a@a",
      "11.6", .kvm = true, .cpus = 2 },
    { GUEST_ROW(start_up), START_LONG,
      "=0, =1",
      "9.4.3", .kvm = true, .cpus = 2 },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    guest_add_tests(programs, G_N_ELEMENTS(programs));
    return g_test_run();
}
