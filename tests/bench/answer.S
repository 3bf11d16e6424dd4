/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small guest that answers: a 64 KiB firmware that says "ready" on the first serial port,
 * waits until it is sent something there, and ends through isa-debug-exit with status 67.
 */
        .code16
        .text
        .org 0xff00
start:  movw $text, %si
        movw $0x3f8, %dx
1:      movb %cs:(%si), %al
        incw %si
        testb %al, %al
        jz 2f
        outb %al, %dx
        jmp 1b
2:      movw $0x3fd, %dx
3:      inb %dx, %al
        testb $1, %al
        jz 3b
        movb $0x21, %al
        outb %al, $0xf4
4:      hlt
        jmp 4b
text:   .asciz "ready\n"
        .org 0xfff0
        ljmpw $0xf000, $start
        .org 0x10000
