#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# An unmodified Debian from its disk (scripts/disk) to the login prompt and down again:
# from virtio and SATA, through SeaBIOS and GRUB, OVMF and GRUB, and with its kernel given
# directly; its network is up; fio verifies what it wrote.  GRUB's rescue CD starts, and
# from it Debian's installer and memtest86+.
#
# limit: 7200 seconds

# shellcheck source=tests/lib/boot.sh
. tests/lib/boot.sh

MAYFLY_BOOT_LIMIT=${MAYFLY_BOOT_LIMIT:-600}
vm_limit=$MAYFLY_BOOT_LIMIT
debian=$(scripts/disk --path)
[ -f "$debian/disk.img" ] || skip_all "no Debian disk (made by: scripts/disk)"
data=$(mktemp -d)
trap 'vm_stop; rm -rf "$vm_dir" "$data"' EXIT
ovmf_code=/usr/share/OVMF/OVMF_CODE_4M.fd

# New variables each time: OVMF puts what it has not seen behind what it knows.
machine()
{
    cp /usr/share/OVMF/OVMF_VARS_4M.fd "$data/vars"
    vm_stop         # where the last one did not come to its end
    vm_start -accel "$accel" -machine q35 -m 1G -smp 2 -nodefaults -display none \
        -serial stdio "$@"
}

# The words for the bus and the firmware.
drive_words()
{
    case $1 in
    virtio) echo "-drive file=$debian/disk.img,format=raw,if=virtio,snapshot=on" \
        "-drive file=$data/fio.img,format=raw,if=virtio" ;;
    sata)   echo "-drive file=$debian/disk.img,format=raw,if=ide,snapshot=on" \
        "-drive file=$data/fio.img,format=raw,if=ide" ;;
    esac
}

firmware_words()
{
    case $1 in
    ovmf) echo "-drive if=pflash,format=raw,unit=0,readonly=on,file=$ovmf_code" \
        "-drive if=pflash,format=raw,unit=1,file=$data/vars" ;;
    esac
}

fio_on()
{
    echo "fio --name=v --filename=$1 --size=64M --rw=randwrite --bsrange=512-64k" \
        "--ioengine=libaio --iodepth=16 --direct=1 --verify=crc32c --do_verify=1" \
        "--verify_fatal=1 --minimal > /dev/null && echo fio-\"verified\""
}

# runs NAME DISK OPTION ...: log in, look, power off.
runs()
{
    name=$1 disk=$2
    shift 2
    machine "$@" -netdev user,id=n -device virtio-net-pci,netdev=n
    check "$name: the login prompt" says 'debian login:'
    vm_send root
    check "$name: root is in" says 'root@debian:~#'
    vm_send 'until ip -4 -br addr show eth0 | grep -q 10.0.2.15; do sleep 1; done; cat /etc/os-release'
    check "$name: the network is up" says '^ID=debian'
    vm_send "$(fio_on "$disk"); cat /proc/version"
    check "$name: fio is done" says '^Linux version .*gcc'
    check "$name: fio finds what it wrote" grep -aq fio-verified "$vm_log"
    vm_send 'systemctl is-system-running; poweroff'
    check "$name: power-off ends with status 0" ends_with 0
    check "$name: the kernel log is clean" never_says "$trouble|I/O error|ata[0-9.]+: failed"
}

for bus in virtio sata; do
    [ $bus = virtio ] && disk=/dev/vdb root=/dev/vda3 || disk=/dev/sdb root=/dev/sda3
    for firmware in seabios ovmf; do
        truncate -s 64M "$data/fio.img"
        # shellcheck disable=SC2046  # words
        runs "$bus, $firmware" "$disk" $(drive_words $bus) $(firmware_words $firmware)
        check "$bus, $firmware: GRUB's menu was seen" grep -aq 'Debian from its disk' "$vm_log"
    done
    # shellcheck disable=SC2046
    runs "$bus, direct" "$disk" $(drive_words $bus) -kernel "$debian/vmlinuz" \
        -initrd "$debian/initrd" -append "root=$root rw console=ttyS0 net.ifnames=0"
done

# on_cd FIRMWARE KEY: the CD's menu, and that key.
on_cd()
{
    # shellcheck disable=SC2046
    machine $(firmware_words "$1") -vga std -cdrom "$debian/rescue.iso"
    check "rescue CD, $1: its menu" says 'memtest86'
    vm_type "$2"
}

for firmware in seabios ovmf; do
    on_cd $firmware h
    check "rescue CD, $firmware: halt" ends_with 0
    on_cd $firmware i
    check "installer, $firmware: asks for the language" says '^Prompt: .*help'
    on_cd $firmware m
    check "memtest86+, $firmware: tests" says 'Memtest86\+ v'
    check "memtest86+, $firmware: a later test" says '#[2-9] '
    check "memtest86+, $firmware: without errors" never_says 'Errors: +[1-9]'
done
finish
