# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/accel/soft/exceptions.c
test += tests/accel/soft/privilege.c
testlib += tests/accel/guest/exceptions.S
testlib += tests/accel/guest/privilege.S
testlib += tests/accel/guest/runtime.S
testlib += tests/lib/guest.c
