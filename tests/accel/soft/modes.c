/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's modes, 32-bit paging and shared memory as guest programs meet them
 * (tests/accel/guest/modes.S).
 */

#include "tests/lib/guest.h"

GUEST(real);
GUEST(long_and_back);
GUEST(v86);
GUEST(v86_iopl);
GUEST(two_level);
GUEST(three_level);
GUEST(atomics);

static const GuestProgram programs[] = {
    { GUEST_ROW(real), START_REAL,
      "=0, =5678, =0, =3, UD@a+RF, GP(0)@b+RF, =70, =12345678, =12345678",
      "9.9", .kvm = false },
    { GUEST_ROW(long_and_back), START_PROTECTED,
      "=900, GP(0)@a+RF, =d00, UD@b+RF, =d01, =0, GP(0)@c+RF cs=80, "
      "GP(0)@d+RF cs=80, GP(0)@e+RF cs=80, =900, UD@f+RF cs=30, =0, =9abcdef0",
      "9.8.5", .kvm = false },
    { GUEST_ROW(v86), START_PROTECTED,
      "=abcd, GP(0)@a+RF+VM cs=1000 on bfdc, GP(0)@b+RF+VM cs=1000 on bfdc, "
      "GP(0)@c+RF+VM cs=1000 on bfdc, GP(0)@d+RF+VM cs=1000 on bfdc, "
      "GP(0)@e+RF+VM cs=1000 on bfdc, GP(0)@f+RF+VM cs=1000 on bfdc, "
      "GP(0)@g+RF+VM cs=1000 on bfdc, GP(0)@h+RF+VM cs=1000 on bfdc, "
      "GP(0)@i+RF+VM cs=1000 on bfdc, GP(0)@j+RF+VM cs=1000 on bfdc, "
      "UD@k+RF+VM cs=1000 on bfdc, UD@l+RF+VM cs=1000 on bfdc, "
      "UD@m+RF+VM cs=1000 on bfdc, GP(0)@n+RF+VM cs=1000 on bfdc, "
      "BP@o+VM cs=1000 on bfdc, =46",
      "20.2", .kvm = false },
    { GUEST_ROW(v86_iopl), START_PROTECTED,
      "=3202, =3cd7, 80@a+VM cs=1000 on bfdc, GP(10a)@b+RF+VM cs=1000 on bfdc, "
      "GP(0)@c+RF+VM cs=1000 on bfdc, GP(0)@d+RF+VM cs=1000 on bfdc",
      "20.2.7", .kvm = false },
    { GUEST_ROW(two_level), START_PROTECTED,
      "=1234, =1234, PF(3)@a+RF cr2=400000, PF(0)@b+RF cr2=401000, "
      "PF(0)@c+RF cr2=1000000, PF(9)@d+RF cr2=c00000, =20021",
      "4.3", .kvm = false },
    { GUEST_ROW(three_level), START_PROTECTED,
      "GP(0)@a+RF, PF(0)@b+RF cr2=200000, PF(0)@c+RF cr2=40020000, "
      "PF(0)@d+RF cr2=40020000, =1234, GP(0)@e+RF, PF(9)@f+RF cr2=200000, =1234, "
      "PF(11)@200000+RF cr2=200000, PF(9)@h+RF cr2=200000, =1234",
      "4.4", .kvm = false },
    { GUEST_ROW(atomics), START_LONG,
      "=30d3e, =30d3e, =927ba, =30d3e, =fffffffffffcf2c2, =3",
      "8.1", .cpus = 2 },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    guest_add_tests(programs, G_N_ELEMENTS(programs));
    return g_test_run();
}
