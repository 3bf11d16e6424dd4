# SPDX-License-Identifier: GPL-2.0-or-later
check_script += tests/img/qemu-img.sh
