#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guest that sees the renderer's memory (tests/ui/gl-blob.sh), under real KVM: the region
# comes and goes in KVM's own memory slots.
#
# limit: 2800 seconds

# shellcheck source=tests/lib/rig.sh
. tests/lib/rig.sh

[ -f "$(scripts/guest-gl --path gl)/root.img" ] || skip_all "no guest 'gl' (made by: scripts/guest-gl gl)"
rig tests/rig/blob-inside.sh
finish
