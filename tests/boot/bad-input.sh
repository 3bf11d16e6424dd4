#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files, back ends and devices that are not what they should be: one line on stderr that
# names them, exit status 1. tests/cli/errors.sh does the options themselves.
#
# limit: 300 seconds

# shellcheck source=tests/lib/cli.sh
. tests/lib/cli.sh

kernel=$(scripts/guest --path cloud)/vmlinuz
elf=$(scripts/guest --path cloud)/vmlinux

# refused ERE OPTION ...: status 1, one line, and the line matches.
refused()
{
    want=$1
    shift
    run -accel "$accel" -nodefaults -display none "$@"
    if [ $status = 1 ] && [ "$(wc -l < "$dir/errors")" = 1 ] &&
        grep -Eq -e "$want" "$dir/errors"; then
        return 0
    fi
    echo "# wanted: status 1 and one line like '$want'"
    show
}

bad()
{
    name=$1
    shift
    check "$name" refused "$@"
}

# Overwrite bytes of file $1 at offset $2 with what printf makes of $3.
patch()
{
    # shellcheck disable=SC2059
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2> /dev/null
}

: > "$dir/empty"
echo "This is no kernel, no initrd and no firmware." > "$dir/text"
head -c 300000 /dev/zero > "$dir/zero"
mkdir "$dir/folder"

# Files.
for option in kernel initrd bios; do
    with=
    [ $option != initrd ] || with="-kernel $kernel"
    # shellcheck disable=SC2086
    bad "-$option: no such file" "$option.*$dir/none.*[Nn]o such file" \
        $with -$option "$dir/none"
    # shellcheck disable=SC2086
    bad "-$option: a folder" "$dir/folder" $with -$option "$dir/folder"
done
bad "-kernel: empty file" "$dir/empty" -kernel "$dir/empty"
bad "-kernel: text" "$dir/text" -kernel "$dir/text"
bad "-kernel: zeroes" "$dir/zero" -kernel "$dir/zero"
bad "-bios: empty file" "$dir/empty" -bios "$dir/empty"
bad "-bios: not a size that firmware has" "$dir/text" -bios "$dir/text"
bad "-initrd without -kernel" "initrd" -initrd "$dir/text"

if [ -f "$kernel" ] && [ -f "$elf" ]; then
    for size in 511 600 5000 1000000; do
        head -c $size "$kernel" > "$dir/cut"
        bad "-kernel: bzImage cut after $size bytes" "$dir/cut" -kernel "$dir/cut"
    done
    for size in 4 63 100 4096 1000000; do
        head -c $size "$elf" > "$dir/cut"
        bad "-kernel: ELF cut after $size bytes" "$dir/cut" -kernel "$dir/cut"
    done
    truncate -s 200M "$dir/large"
    bad "-initrd larger than RAM" "initrd" -m 128 -kernel "$kernel" -initrd "$dir/large"

    # ELF-64 header: e_phoff at 32, e_phentsize at 54, e_phnum at 56; the first program
    # header at 64 has p_offset, p_vaddr, p_paddr, p_filesz and p_memsz from 72 on.
    for row in '32 \377\377\377\377\377\377\377\377 table of program headers outside' \
        '54 \001\000 program headers of one byte' \
        '56 \377\377 65535 program headers' \
        '72 \377\377\377\377\377\377\377\177 segment outside the file' \
        '88 \000\360\377\377\377\377\377\377 segment at the end of the address space' \
        '96 \377\377\377\377\377\377\377\377 segment longer than the file' \
        '104 \000\000\000\000\000\000\000\000 segment smaller in memory than in the file' \
        '104 \000\000\000\000\377\000\000\000 segment larger than RAM'; do
        at=${row%% *}
        row=${row#* }
        cp --reflink=auto "$elf" "$dir/elf"
        patch "$dir/elf" "$at" "${row%% *}"
        bad "-kernel: ELF with ${row#* }" "$dir/elf" -kernel "$dir/elf"
    done
else
    skip "damaged kernels" "no guest 'cloud' (made by: scripts/guest cloud)"
fi

# Numbers and names.
bad "-smp two" "smp.*two" -smp two
bad "unknown device, with the nearest" "virtio-rng-pcy.*virtio-rng-pci" \
    -device virtio-rng-pcy
bad "unknown property, with the nearest" "max-byte.*max-bytes" \
    -device virtio-rng-pci,max-byte=1
bad "a value out of range" "iobase" -device isa-debug-exit,iobase=0x10000000
bad "a word that is no number" "period.*soon" -device virtio-rng-pci,period=soon
bad "unknown machine" "machine.*q36" -machine q36
bad "unknown CPU model" "cpu.*cray" -cpu cray
bad "unknown character back end" "teletype" -chardev teletype,id=c
bad "-serial: unknown back end" "teletype" -serial teletype
bad "a chardev that is not there" "nosuch" -serial chardev:nosuch
bad "an object that is not there" "nosuch" -device virtio-rng-pci,rng=nosuch
bad "two chardevs with one id" "one" -chardev null,id=one -chardev null,id=one
bad "-uuid that is none" "uuid" -uuid 1234
bad "-rtc: not a time" "rtc" -rtc base=yesterday
bad "-pidfile: no such folder" "$dir/none/pid" -pidfile "$dir/none/pid"
bad "-D: no such folder" "$dir/none/log" -d guest_errors -D "$dir/none/log"

# Sockets.
long=$dir/$(printf '%0120d' 0)
bad "-chardev socket: path too long" "path|long" -chardev "socket,id=s,path=$long,server=on,wait=off"
bad "-chardev socket: nobody listens" "$dir/nobody" -chardev "socket,id=s,path=$dir/nobody"
bad "-chardev socket: no such folder" "$dir/none/s" \
    -chardev "socket,id=s,path=$dir/none/s,server=on,wait=off"

# Accelerators: these stand alone, for an unknown one beside a known one is passed over.
alone()
{
    accel=$1
    shift
    refused "$@"
}

check "unknown accelerator" alone warp 'warp' -S
if [ ! -e /dev/kvm ]; then
    check "-accel kvm without /dev/kvm" alone kvm '/dev/kvm' -S
elif ! grep -Eqw 'vmx|svm' /proc/cpuinfo; then
    check "-accel kvm where KVM cannot run a guest" alone kvm '[Kk][Vv][Mm]' -S
else
    skip "-accel kvm where it cannot work" "KVM works here"
fi
finish
