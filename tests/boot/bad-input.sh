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

# Networks.
bad "-virtfs: no tag" "mount_tag is missing" -virtfs local,path=/,security_model=none
bad "-virtfs: no model" "'security-model' is required" -virtfs "local,path=$dir,mount_tag=t"
bad "-virtfs: no such folder" "path '$dir/none': No such file" \
    -virtfs "local,path=$dir/none,mount_tag=t,security_model=none"
bad "-virtfs: a tag that is too long" "not a text of up to 32 bytes" -virtfs \
    "local,path=$dir,id=s,mount_tag=a-name-of-more-than-thirty-two-bytes,security_model=none"
bad "-fsdev: an id twice" "Duplicate ID 's'" -fsdev "local,id=s,path=$dir,security_model=none" \
    -fsdev "local,id=s,path=$dir,security_model=none"
bad "-fsdev: another driver" "'proxy'.*'local'" -fsdev proxy,id=s,socket=x
bad "virtio-9p-pci: no such folder" "no shared folder 'x'" -device virtio-9p-pci,fsdev=x,mount_tag=t
bad "-netdev: unknown kind, with the nearest" "usr.*user" -netdev usr,id=n
bad "virtio-net-pci: no such I/O thread" "no I/O thread 'x'" \
    -netdev user,id=n -device virtio-net-pci,netdev=n,iothread=x
bad "virtio-net-pci: an I/O thread without doorbells" "ioeventfd is required" -object iothread,id=io \
    -netdev user,id=n -device virtio-net-pci,netdev=n,iothread=io,ioeventfd=off
bad "-netdev: a kind that only others have" "no 'hubport'; each card" \
    -netdev hubport,id=h,hubid=0
bad "-netdev: no id" "'id' is required" -netdev user
bad "-netdev: an id twice" "Duplicate ID 'n'" -netdev user,id=n -netdev user,id=n
bad "-netdev user: no such network" "10.0.2.0/33" -netdev user,id=n,net=10.0.2.0/33
bad "-netdev user: an address elsewhere" "dns: 1.2.3.4" -netdev user,id=n,dns=1.2.3.4
bad "-netdev user: a rule that is none" "Invalid host forwarding rule 'tcp::22' .*" \
    -netdev user,id=n,hostfwd=tcp::22
bad "-netdev user: neither IPv4 nor IPv6" "disabled" -netdev user,id=n,ipv4=off,ipv6=off
bad "-netdev user: no such folder" "tftp: '$dir/none'" -netdev "user,id=n,tftp=$dir/none"
bad "-netdev tap: a descriptor that is not open" "fd: '77'" -netdev tap,id=n,fd=77
bad "-netdev tap: a descriptor of something else" "tap device" -netdev tap,id=n,fd=1
bad "-netdev tap: a name too long" "ifname: .*15 bytes" \
    -netdev tap,id=n,ifname=0123456789abcdef
bad "-netdev stream: nobody listens" "$dir/none" \
    -netdev "stream,id=n,addr.type=unix,addr.path=$dir/none"
bad "-netdev socket: two ways at once" "exactly one" \
    -netdev socket,id=n,listen=:1234,connect=localhost:1234
bad "filter-dump: no such back end" "no netdev 'x'" \
    -object "filter-dump,id=d,netdev=x,file=$dir/pcap"
bad "a netdev that is not there" "no netdev 'x'" -device virtio-net-pci,netdev=x
bad "two devices on one netdev" "netdev 'n' is in use" -netdev user,id=n \
    -device virtio-net-pci,netdev=n -device virtio-net-pci,netdev=n
bad "an illegal MAC" "mac: " -device virtio-net-pci,mac=03:00:00:00:00:01
bad "half a MAC" "mac: '52:54:00'" -device virtio-net-pci,mac=52:54:00
bad "-nic: a card that is not there" "rtl8139.*virtio-net-pci" -nic user,model=rtl8139
bad "virtserialport without a controller" "virtio-serial-pci" -device virtserialport

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
