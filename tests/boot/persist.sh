#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -loadvm with -persist: what a guest did is there the next time, after every orderly
# end and none other; nobody else has the snapshot meanwhile.
#
# limit: 600 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT

obey='set -f; echo to be saved; while read -r x; do eval $x; done'
truncate -s 8M "$dir/base"

restore()
{
    vm_start -loadvm "$dir/p" "$@"
}

flatten_refused()
{
    ! "$(dirname "$MAYFLY")/mayfly-img" snapshot-flatten "$dir/p" 2> "$dir/errors" &&
        grep -q "is in use: a run with -persist" "$dir/errors"
}

sums()
{
    (cd "$dir/p" && cat ./* | cksum)
}

# has WORD: in a variable of the shell, and on the disk.
has()
{
    vm_send 'echo 3 > /proc/sys/vm/drop_caches; echo it has $y, $(head -c 4 /dev/vda)'
    says "^it has $1, $1"
}

# write WORD of four letters.
write()
{
    vm_send "y=$1; echo $1 | dd of=/dev/vda conv=notrunc; sync; echo $1 is writ\"ten\""
    says "^$1 is written"
}

alone()
{
    [ -z "$(ls -d "$dir"/p.* 2> /dev/null)" ]
}

check "-persist without -loadvm" refused '^mayfly: -persist: there is no snapshot' -persist
boot cloud "quiet mayfly.run=\"$obey\"" -drive "file=$dir/base,format=raw,if=virtio,snapshot=on" \
    -snapshot-when "to be saved,to=$dir/p,exit=on"
check "saved" ends_with 0

restore -persist
check "runs, and writes" write once
check "a second one is refused by name" refused "snapshot '$dir/p' is in use: -persist needs it alone" -loadvm "$dir/p" -persist
check "so is flatten" flatten_refused
check "so is one that would not continue it" refused "snapshot '$dir/p' is in use: a run with -persist" -loadvm "$dir/p"
vm_signal TERM
check "a signal ends it" ends_with 0
check "there is one folder" alone

restore
check "what it did is there" has once
check "a run that leaves nothing" write none
check "-persist is refused while it runs" refused "snapshot '$dir/p' is in use: -persist" -loadvm "$dir/p" -persist
vm_stop

before=$(sums)
restore -persist
check "it is there again" has once
check "writes" write lost
vm_signal KILL
vm_wait 10
check "killed: the snapshot is as it was" [ "$before" = "$(sums)" ]

restore -persist -snapshot-when "save it now,to=$dir/p"
check "after that it is continued" has once
check "writes" write kept
vm_send 'echo save it "now"; sleep 2; echo and "on"'
check "saved under its name, it goes on" says '^and on'
check "it is still alone" refused "snapshot '$dir/p' is in use" -loadvm "$dir/p" -persist
check "writes" write lost
vm_signal KILL
vm_wait 10
restore -persist
check "what was saved is there" has kept
check "writes" write last
vm_send 'poweroff -f'
check "the guest switches itself off" ends_with 0

restore -persist
check "it starts from the beginning" says '^to be saved'
vm_send 'echo on disk: $(head -c 4 /dev/vda)'
check "with its disk" says '^on disk: last'
vm_signal TERM
check "ends" ends_with 0
check "the base image was never written" cmp -n 8388608 "$dir/base" /dev/zero
check "there is one folder" alone
finish
