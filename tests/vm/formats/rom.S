/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest in the snapshots beside this file, a 64 KiB firmware in real mode.  It counts
 * ticks of the PIT, which come through the PIC, and sleeps between them.  After the first
 * one it says "ready", and is saved; after 20 it says "counted on" and ends through
 * isa-debug-exit: status 67 if the count in a register is the one in memory.
 *
 *     cc -c -m32 -o rom.o rom.S && objcopy -O binary -j .text rom.o rom
 *     mayfly -accel soft -cpu portable -machine q35 -m 1M -nodefaults -display none \
 *         -bios rom -serial stdio -device isa-debug-exit,iobase=0xf4,iosize=4 \
 *         -device virtio-net-pci -device virtio-rng-pci -device virtio-serial-pci \
 *         -device ide-cd -device VGA -snapshot-when ready,to=./new,exit=on
 *     MAYFLY_FORMAT=./new build/tests/vm/format.t > N.txt
 */
        .code16
        .text
tick:   incw    0x5000                  /* what it counts in memory */
        movb    $0x20, %al
        outb    %al, $0x20
        iret

print:  movw    $0x3f8, %dx             /* what %si points to, in this segment */
        movb    %cs:(%si), %al
        incw    %si
        testb   %al, %al
        jz      1f
        outb    %al, %dx
        jmp     print
1:      ret

/* Ports and what is written to them: PICs at 0x08 and 0x70, IRQ 0; PIT at 18 Hz. */
ports:  .byte   0x20, 0x11, 0x21, 0x08, 0x21, 0x04, 0x21, 0x01, 0x21, 0xfe
        .byte   0xa0, 0x11, 0xa1, 0x70, 0xa1, 0x02, 0xa1, 0x01, 0xa1, 0xff
        .byte   0x43, 0x34, 0x40, 0x00, 0x40, 0x00, 0
ready:  .asciz  "ready\n"
done:   .asciz  "counted on\n"

start:  xorw    %bx, %bx
        movw    %bx, %ds
        movw    %bx, %ss
        movw    $0x7000, %sp
        movw    $tick, 8 * 4
        movw    %cs, 8 * 4 + 2
        movw    %bx, 0x5000
        xorb    %dh, %dh
        movw    $ports, %si
1:      movb    %cs:(%si), %dl
        testb   %dl, %dl
        jz      2f
        movb    %cs:1(%si), %al
        outb    %al, %dx
        addw    $2, %si
        jmp     1b
2:      sti
3:      hlt
        incw    %bx                     /* what it counts in a register */
        cmpw    $1, %bx
        jne     4f
        movw    $ready, %si
        call    print
4:      cmpw    $20, %bx
        jb      3b
        movw    $done, %si
        call    print
        movb    $0x21, %al
        subw    0x5000, %bx
        addb    %bl, %al
        outb    %al, $0xf4
5:      hlt
        jmp     5b

        .org 0xfff0
        ljmpw   $0xf000, $start
        .org 0x10000
