#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# vhost=on under real KVM: packets of virtio-net go through the host's kernel, with irqfd
# and ioeventfd, also across stop, cont and set_link.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

rig tests/rig/vhost-inside.sh
finish
