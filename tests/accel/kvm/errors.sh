#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a user is told where KVM can't be used: one line, status 1, whatever is wrong.

# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

program=$(realpath "${MAYFLY:-./mayfly}")
said=$(mktemp)
trap 'rm -f "$said"' EXIT

# says ERE COMMAND ...: ends with status 1 and this line.
says()
{
    expected=$1
    shift
    timeout 10 "$@" 2> "$said"
    status=$?
    sed 's/^/# /' "$said"
    [ $status = 1 ] && [ "$(wc -l < "$said")" = 1 ] && grep -qE "^mayfly: $expected" "$said"
}

# In a mount namespace of its own, where COMMANDS have changed /dev.
elsewhere()
{
    expected=$1
    says "$expected" unshare -m sh -c "$2 && exec '$program' -accel kvm -display none -S"
}

if unshare -m true 2> /dev/null; then
    check "no /dev/kvm" elsewhere "kvm: there is no /dev/kvm" \
        "mount -t tmpfs none /dev"
    check "/dev/kvm is something else" elsewhere "kvm: /dev/kvm speaks another version" \
        "mount -t tmpfs none /dev && : > /dev/kvm"
else
    skip "no /dev/kvm" "no mount namespaces here (unshare -m)"
fi
if [ -e /dev/kvm ] && setpriv --reuid 65534 --clear-groups true 2> /dev/null &&
    ! setpriv --reuid 65534 --clear-groups test -w /dev/kvm; then
    check "no permission" says "kvm: no permission for /dev/kvm \(join the group kvm\)" \
        setpriv --reuid 65534 --clear-groups "$program" -accel kvm -display none -S
else
    skip "no permission" "no /dev/kvm, or nobody is kept from it"
fi
if [ -w /dev/kvm ]; then
    check "a bad option" says "kvm: force: 'maybe' is not on or off" \
        "$program" -accel kvm,force=maybe -display none -S
    check "an unknown option" says "kvm: the accelerator kvm has no option 'forse'" \
        "$program" -accel kvm,force=on,forse=on -display none -S
    check "an unknown CPU model" says "kvm: -cpu nosuch: unable to find CPU model" \
        "$program" -accel kvm,force=on -cpu nosuch -display none -S
else
    skip "options" "no /dev/kvm that can be opened"
fi
finish
