/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paging as guest programs meet it (tests/accel/guest/paging.S).
 */

#include "tests/lib/guest.h"

GUEST(not_present);
GUEST(read_only);
GUEST(supervisor);
GUEST(no_execute);
GUEST(smep);
GUEST(smap);
GUEST(reserved);
GUEST(accessed_dirty);
GUEST(large_pages);
GUEST(huge_pages);
GUEST(global_pages);
GUEST(pcid);
GUEST(invpcid_types);
GUEST(crossing);
GUEST(crossing_rights);
GUEST(code_crossing);
GUEST(self_modifying);
GUEST(code_remapped);

static const GuestProgram programs[] = {
    { GUEST_ROW(not_present), START_LONG,
      "PF(0)@a+RF cr2=200000, PF(2)@b+RF cr2=200123, PF(10)@200000+RF cr2=200000, "
      "PF(4)@d+RF cr2=200000 cs=2b on bfd8, PF(6)@e+RF cr2=200000 cs=2b on bfd8, "
      "PF(14)@200000+RF cr2=200000 cs=2b on bfd8, =1234, PF(0)@g+RF cr2=200000, "
      "PF(2)@h+RF cr2=fee00080, PF(0)@i+RF cr2=80fee00000",
      "4.7", .kvm = true },
    { GUEST_ROW(read_only), START_LONG,
      "PF(3)@a+RF cr2=200000, PF(3)@b+RF cr2=200000, PF(3)@c+RF cr2=200000, "
      "PF(7)@d+RF cr2=200000 cs=2b on bfd8, PF(3)@e+RF cr2=200000",
      "4.6.1", .kvm = true },
    { GUEST_ROW(supervisor), START_LONG,
      "PF(5)@a+RF cr2=20000 cs=2b on bfd8, PF(7)@b+RF cr2=20000 cs=2b on bfd8, "
      "PF(15)@10000+RF cr2=10000 cs=2b on bfd8, PF(5)@d+RF cr2=200000 cs=2b on bfd8",
      "4.6.1", .kvm = true },
    { GUEST_ROW(no_execute), START_LONG,
      "PF(11)@200000+RF cr2=200000, PF(15)@200000+RF cr2=200000 cs=2b on bfd8, "
      "PF(11)@200000+RF cr2=200000, PF(9)@d+RF cr2=200000",
      "4.6.1", .kvm = true },
    { GUEST_ROW(smep), START_LONG,
      "PF(11)@420000+RF cr2=420000",
      "4.6.1", .kvm = true },
    { GUEST_ROW(smap), START_LONG,
      "PF(1)@a+RF cr2=420000, PF(3)@b+RF cr2=420000, PF(1)@c+RF cr2=420000, "
      "PF(1)@d+RF cr2=420000",
      "4.6.1", .kvm = false },
    { GUEST_ROW(reserved), START_LONG,
      "PF(9)@a+RF cr2=200000, PF(b)@b+RF cr2=200000, "
      "PF(d)@c+RF cr2=200000 cs=2b on bfd8, PF(9)@d+RF cr2=200000, "
      "PF(0)@e+RF cr2=200000, PF(9)@f+RF cr2=8000000000",
      "4.7", .kvm = true },
    { GUEST_ROW(accessed_dirty), START_LONG,
      "=20023, =20, =20063, PF(3)@a+RF cr2=201000, =0, =20063, =20063",
      "4.8", .kvm = true },
    { GUEST_ROW(large_pages), START_LONG,
      "=5678, =a3, =e3, PF(3)@a+RF cr2=1020000",
      "4.5.4", .kvm = true },
    { GUEST_ROW(huge_pages), START_LONG,
      "=5678, =e3, PF(0)@a+RF cr2=40020000",
      "4.5.4", .kvm = false },
    { GUEST_ROW(global_pages), START_LONG,
      "=1, =1, =2, =2, =1, =2, =1",
      "4.10.2.4", .kvm = false },
    { GUEST_ROW(pcid), START_LONG,
      "GP(0)@a+RF, GP(0)@b+RF, GP(0)@c+RF, =1, =2, =1, =2, =58001",
      "4.10.1", .kvm = false },
    { GUEST_ROW(invpcid_types), START_LONG,
      "=1, =2, =1, =2, =2, =1, GP(0)@a+RF, GP(0)@b+RF, GP(0)@c+RF, GP(0)@d+RF, "
      "GP(0)@e+RF cs=2b on bfd8",
      "vol. 2, INVPCID", .kvm = false },
    { GUEST_ROW(crossing), START_LONG,
      "PF(2)@a+RF cr2=201000, PF(0)@b+RF cr2=201000, PF(2)@c+RF cr2=201000, "
      "PF(2)@d+RF cr2=201000, PF(2)@e+RF cr2=201000, PF(2)@f+RF cr2=201000, "
      "PF(2)@g+RF cr2=201000 on 9fd8, PF(2)@h+RF cr2=201000 on 9fd8, =8, "
      "=ffffffffffffffff, PF(2)@i+RF cr2=201000 on 9fd8, =3, =2",
      "6.5", .kvm = false },
    { GUEST_ROW(crossing_rights), START_LONG,
      "PF(3)@a+RF cr2=201000, PF(7)@b+RF cr2=201000 cs=2b on bfd8, "
      "PF(5)@c+RF cr2=202000 cs=2b on bfd8, =ffffffffffffffff, =ffffffff",
      "6.5", .kvm = false },
    { GUEST_ROW(code_crossing), START_LONG,
      "PF(10)@200ffd+RF cr2=201000, =44332211, =55332211, =55332266, =88772266, "
      "PF(11)@200ffd+RF cr2=201000",
      "4.7", .kvm = true },
    { GUEST_ROW(self_modifying), START_LONG,
      "=1, =2, =af, =1, =ffffffff",
      "8.1.3", .kvm = true },
    { GUEST_ROW(code_remapped), START_LONG,
      "=1, =2, =5, =1",
      "8.1.3", .kvm = true },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    guest_add_tests(programs, G_N_ELEMENTS(programs));
    return g_test_run();
}
