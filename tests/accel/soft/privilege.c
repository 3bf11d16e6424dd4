/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Privilege levels as guest programs meet them (tests/accel/guest/privilege.S).
 */

#include "tests/lib/guest.h"

GUEST(syscalls);
GUEST(sysret32);
GUEST(syscall_faults);
GUEST(syscall_step);
GUEST(sysenter);
GUEST(gs_bases);
GUEST(privileged);
GUEST(user_int);
GUEST(user_flags);
GUEST(io_map);
GUEST(io_iopl);
GUEST(time_stamp);
GUEST(umip);
GUEST(alignment);
GUEST(call_gate);

static const GuestProgram programs[] = {
    { GUEST_ROW(syscalls), START_LONG,
      "=8, =0, =403, =3, =80010, =2b0023",
      "vol. 2, SYSCALL", .kvm = false },
    { GUEST_ROW(sysret32), START_LONG,
      "UD@a+RF cs=1b on bfd8, UD@b+RF cs=1b on bfd8, =23",
      "vol. 2, SYSRET", .kvm = false },
    { GUEST_ROW(syscall_faults), START_LONG,
      "GP(0)@a+RF, UD@b+RF, UD@c+RF, UD@d+RF cs=2b on bfd8, UD@e+RF cs=2b on bfd8, "
      "GP(0)@f+RF cs=2b on bfd8",
      "vol. 2, SYSRET", .kvm = false },
    { GUEST_ROW(syscall_step), START_LONG,
      "DB@a+TF cs=2b on bfd8, =102, DB@b+TF cs=2b on bfd8, DB@c+TF cs=2b on bfd8, "
      "DB@d+TF cs=2b on bfd8, DB@e+TF on 422fd8, DB@f+TF on 422fd8",
      "vol. 2, SYSCALL", .kvm = false },
    { GUEST_ROW(sysenter), START_LONG,
      "GP(0)@a+RF, GP(0)@b+RF, GP(0)@c+RF cs=2b on bfd8, =a000, =3002, =80010, "
      "GP(0)@d+RF on 9fd8, GP(0)@e+RF on 9fd8, =2b0033",
      "vol. 2, SYSENTER", .kvm = false },
    { GUEST_ROW(gs_bases), START_LONG,
      "=1234, =1000, =7000, GP(0)@a+RF, GP(0)@b+RF, UD@c+RF, =20010, =2, =5678, "
      "GP(0)@d+RF, GP(0)@e+RF cs=2b on bfd8, =9abc",
      "vol. 2, SWAPGS, WRFSBASE", .kvm = false },
    { GUEST_ROW(privileged), START_LONG,
      "GP(0)@a+RF cs=2b on bfd8, GP(0)@b+RF cs=2b on bfd8, "
      "GP(0)@c+RF cs=2b on bfd8, GP(0)@d+RF cs=2b on bfd8, "
      "GP(0)@e+RF cs=2b on bfd8, GP(0)@f+RF cs=2b on bfd8, "
      "GP(0)@g+RF cs=2b on bfd8, GP(0)@h+RF cs=2b on bfd8, "
      "GP(0)@i+RF cs=2b on bfd8, GP(0)@j+RF cs=2b on bfd8, "
      "GP(0)@k+RF cs=2b on bfd8, GP(0)@l+RF cs=2b on bfd8, "
      "GP(0)@m+RF cs=2b on bfd8, GP(0)@n+RF cs=2b on bfd8, "
      "GP(0)@o+RF cs=2b on bfd8, GP(0)@p+RF cs=2b on bfd8, "
      "GP(0)@q+RF cs=2b on bfd8, GP(0)@r+RF cs=2b on bfd8, "
      "GP(0)@s+RF cs=2b on bfd8, GP(0)@t+RF cs=2b on bfd8, GP(0)@u+RF cs=2b on bfd8",
      "5.9", .kvm = true },
    { GUEST_ROW(user_int), START_LONG,
      "GP(18a)@a+RF cs=2b on bfd8, GP(72)@b+RF cs=2b on bfd8, 80@c cs=2b on bfd8, "
      "BP@d cs=2b on bfd8, DB@e cs=2b on bfd8",
      "6.12.1.2", .kvm = false },
    { GUEST_ROW(user_flags), START_LONG,
      "=cd7, =3202, =3ed7",
      "vol. 1, 3.4.3", .kvm = false },
    { GUEST_ROW(io_map), START_LONG,
      "GP(0)@a+RF cs=2b on bfd8, GP(0)@b+RF cs=2b on bfd8, "
      "GP(0)@c+RF cs=2b on bfd8, GP(0)@d+RF cs=2b on bfd8, "
      "GP(0)@e+RF cs=2b on bfd8, GP(0)@f+RF cs=2b on bfd8",
      "vol. 1, 19.5.2", .kvm = true },
    { GUEST_ROW(io_iopl), START_LONG,
      "",
      "vol. 1, 19.5.1", .kvm = false },
    { GUEST_ROW(time_stamp), START_LONG,
      "GP(0)@a+RF cs=2b on bfd8, GP(0)@b+RF cs=2b on bfd8",
      "2.5", .kvm = false },
    { GUEST_ROW(umip), START_LONG,
      "GP(0)@a+RF cs=2b on bfd8, GP(0)@b+RF cs=2b on bfd8, "
      "GP(0)@c+RF cs=2b on bfd8, GP(0)@d+RF cs=2b on bfd8, GP(0)@e+RF cs=2b on bfd8",
      "2.5", .kvm = true },
    { GUEST_ROW(alignment), START_LONG,
      "AC(0)@a+RF cs=2b on bfd8, AC(0)@b+RF cs=2b on bfd8, "
      "AC(0)@c+RF cs=2b on bfd8, AC(0)@d+RF cs=2b on bfd8, AC(0)@e+RF cs=2b on bfd8",
      "6.15, interrupt 17", .kvm = false },
    { GUEST_ROW(call_gate), START_LONG,
      "=bfe0, =0, =23, =423000, =2b, UD@e+RF cs=2b on bfd8, UD@d+RF cs=3b on bfd8, "
      "GP(8)@b+RF cs=2b on bfd8, GP(8)@c+RF cs=2b on bfd8",
      "5.8", .kvm = false },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    guest_add_tests(programs, G_N_ELEMENTS(programs));
    return g_test_run();
}
