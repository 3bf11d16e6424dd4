#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -loadvm NAME,prefetch=record notes the pages that a run touches, beside a snapshot that
# stays as it is; later runs have them before they begin; a damaged note is refused.
#
# limit: 300 seconds

# shellcheck disable=SC2016
# (commands are the guest's)
# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

need_guest cloud
dir=$(mktemp -d)
trap 'vm_stop; rm -rf "$dir" "$vm_dir"' EXIT
one=$dir/one

boot cloud 'quiet mayfly.run="set -f; echo to be saved; while read -r x; do eval $x; done"' \
    -snapshot-when "to be saved,to=$one,exit=on"
check "saved" ends_with 0
before=$(cat "$one"/* | cksum)

# KiB of this run's mappings of guest memory that are there, before anything runs.
ram_there()
{
    vm_start -loadvm "$one$1" -S -serial null -monitor stdio
    vm_send 'info status'
    vm_expect '^VM status'
    awk '/ram$/ { ours = 1; next } /^[0-9a-f]+-/ { ours = 0 } ours && /^Rss/ { n += $2 } END { print n + 0 }' \
        "/proc/$vm_pid/smaps"
    vm_stop
}

without=$(ram_there '')
vm_start -loadvm "$one,prefetch=record,until=answer 42"
vm_send 'echo answer $((6 * 7))'
check "records: answers" says '^answer 42'
vm_send 'poweroff -f'
check "records: goes on, and ends with status 0" ends_with 0
check "records: says what it noted" grep -q 'pages are noted in' "$vm_errors"
check "the snapshot's own files are as they were" \
    [ "$before" = "$(cd "$one" && find . -type f ! -name touched | sort | xargs cat | cksum)" ]
with=$(ram_there '')
check "a later run has pages before it begins ($without KiB, $with KiB)" [ "$with" -gt $((without + 2000)) ]
off=$(ram_there ',prefetch=off')
check "with prefetch=off it has not ($off KiB)" [ "$off" -lt $((without + 1000)) ]
vm_start -loadvm "$one"
vm_send 'echo answer $((40 + 2))'
check "a later run answers" says '^answer 42'
vm_stop
rm "$one/touched"
vm_start -loadvm "$one,prefetch=record"
vm_send 'poweroff -f'
check "without until=: status 0" ends_with 0
check "without until=: noted at the end" [ -s "$one/touched" ]

printf x | dd of="$one/touched" bs=1 seek=100 conv=notrunc 2> /dev/null
check "a changed byte is refused" refused 'one/touched .*: state: the checksum is wrong' -loadvm "$one"
truncate -s 90 "$one/touched"
check "a note cut short is refused" refused 'one/touched .*: state: ' -loadvm "$one"
cp "$one/state" "$one/touched"
check "something else is refused" refused 'one/touched .*: ' -loadvm "$one"
vm_start -loadvm "$one,prefetch=off"
vm_send 'echo answer $((40 + 2))'
check "prefetch=off goes without it" says '^answer 42'
vm_stop
check "until= needs prefetch=record" refused 'until= goes with' -loadvm "$one,until=x"
check "until= and -snapshot-when: refused" refused "can't both wait" \
    -loadvm "$one,prefetch=record,until=x" -snapshot-when "y,to=$dir/two"
finish
