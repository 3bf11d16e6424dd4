/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest guest: a 64 KiB firmware whose first instructions, at the reset vector, write
 * 0x21 to port 0xf4. There isa-debug-exit ends the process with status 0x21 * 2 + 1 = 67.
 */
        .code16
        .text
        .org 0xfff0
        movb $0x21, %al
        outb %al, $0xf4
halt:   hlt
        jmp halt
        .org 0x10000
