# SPDX-License-Identifier: GPL-2.0-or-later
test += tests/img/pack.c

check_script += tests/img/qemu-img.sh
check_script += tests/img/snapshot.sh
