/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions as guest programs meet them (tests/accel/guest/exceptions.S).
 */

#include "tests/lib/guest.h"

GUEST(divide);
GUEST(int_n);
GUEST(int3_int1);
GUEST(into_bound);
GUEST(undefined);
GUEST(undefined_anywhere);
GUEST(too_long);
GUEST(not_available);
GUEST(x87_error);
GUEST(sse_error);
GUEST(not_canonical);
GUEST(not_canonical_stack);
GUEST(general);
GUEST(doubled);
GUEST(tripled);
GUEST(tripled_empty);
GUEST(ist);
GUEST(nmi);
GUEST(bad_return);
GUEST(step);
GUEST(step_fault);
GUEST(breakpoints);
GUEST(general_detect);

static const GuestProgram programs[] = {
    { GUEST_ROW(divide), START_LONG,
      "DE@a+RF, DE@b+RF", "6.15, interrupt 0", .kvm = true },
    { GUEST_ROW(int_n), START_LONG, "30@a", "6.4.4", .kvm = false },
    { GUEST_ROW(int3_int1), START_LONG,
      "BP@a, BP@b, DB@c", "6.15, interrupts 1, 3", .kvm = false },
    { GUEST_ROW(into_bound), START_PROTECTED, "OF@a, BR@b+RF, BR@c+RF",
      "6.15, interrupts 4, 5", .kvm = false },
    { GUEST_ROW(undefined), START_LONG,
      "UD@a+RF, UD@b+RF, UD@c+RF, UD@d+RF, UD@e+RF, UD@f+RF",
      "6.15, interrupt 6", .kvm = true },
    { GUEST_ROW(undefined_anywhere), START_LONG,
      "UD@a+RF", "6.15, interrupt 6", .kvm = false },
    { GUEST_ROW(too_long), START_LONG,
      "GP(0)@a+RF", "6.15, interrupt 13", .kvm = true },
    { GUEST_ROW(not_available), START_LONG,
      "NM@a+RF, NM@b+RF, NM@c+RF, NM@d+RF, UD@e+RF",
      "6.15, interrupt 7", .kvm = false },
    { GUEST_ROW(x87_error), START_LONG,
      "=b084, MF@a+RF, MF@b+RF", "6.15, interrupt 16", .kvm = false },
    { GUEST_ROW(sse_error), START_LONG, "UD@a+RF, XM@b+RF, =3f800000, =1d84",
      "6.15, interrupt 19", .kvm = false },
    { GUEST_ROW(not_canonical), START_LONG,
      "GP(0)@a+RF, SS(0)@b+RF, SS(0)@c+RF, GP(0)@d+RF, GP(0)@e+RF, GP(0)@f+RF, GP(0)@g+RF, "
      "GP(0)@h+RF", "6.15, interrupts 12, 13", .kvm = false },
    { GUEST_ROW(not_canonical_stack), START_LONG,
      "SS(0)@a+RF on 9fd8, SS(0)@b+RF on 9fd8",
      "6.15, interrupt 12", .kvm = true },
    { GUEST_ROW(general), START_LONG,
      "GP(0)@a+RF, GP(0)@b+RF, GP(0)@c+RF, GP(0)@d+RF, GP(0)@e+RF, GP(330)@f+RF, "
      "GP(330)@g+RF, GP(40)@h+RF, GP(40)@i+RF, GP(0)@j+RF",
      "6.15, interrupt 13", .kvm = false },
    { GUEST_ROW(doubled), START_LONG,
      "DF(0)@a, NP(33)@b+RF, DF(0)@c, 31@d, NP(18a)@e+RF, DF(0)@f",
      "6.15, interrupts 8, 11", .kvm = false },
    { GUEST_ROW(tripled), START_LONG, "reset", "6.15, interrupt 8", .kvm = true },
    { GUEST_ROW(tripled_empty), START_PROTECTED,
      "reset", "6.15, interrupt 8", .kvm = true },
    { GUEST_ROW(ist), START_LONG,
      "UD@a+RF on 9fd8, GP(330)@b+RF on afd8, DE@c+RF, =8fc8, =8ff8",
      "6.14.5", .kvm = true },
    { GUEST_ROW(nmi), START_LONG, "=2, =1", "6.7.1", .kvm = true },
    { GUEST_ROW(bad_return), START_LONG,
      "GP(330)@a+RF, GP(10)@b+RF, GP(0)@c+RF, GP(40)@d+RF, =0",
      "6.14.4", .kvm = false },
    { GUEST_ROW(step), START_LONG,
      "DB@a+TF, DB@b+TF, DB@c+TF, DB@d+TF, DB@d+RF+TF, DB@d+RF+TF, DB@e+TF, DB@f+TF, DB@g+TF, "
      "DB@h+TF, 30@i+TF, DB@j+TF, DB@k, =ffff4ff0", "17.3.1.4", .kvm = false },
    { GUEST_ROW(step_fault), START_LONG,
      "UD@a+RF+TF, DB@b+TF, DB@c+TF, DB@d", "17.3.1.4", .kvm = false },
    { GUEST_ROW(breakpoints), START_LONG, 
      "DB@a, =0, =ffff0ff1, =1, =ffff0ff0, DB@b, DB@c, =ffff0ff4, DB@d+RF, DB@e, DB@f, DB@g",
      "17.2", .kvm = false },
    { GUEST_ROW(general_detect), START_LONG,
      "DB@a+RF, =400, =ffff2ff0, UD@b+RF, =400, GP(0)@c+RF", "17.2.4", .kvm = false },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    guest_add_tests(programs, G_N_ELEMENTS(programs));
    return g_test_run();
}
