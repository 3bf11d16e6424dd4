/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware of 64 KiB in one flash chip that uses another one, of 64 KiB below it: it runs
 * in the first chip, sees that the second begins with 'V', shifts the byte at 0x100 there
 * one bit to the left (which only clears bits) and ends by isa-debug-exit with what the
 * array then has. 0x01: no 'V'; 0x02: a store to the first chip, which is read-only, has
 * changed it.
 */
        .set    chip, 0xfffe0000
        .set    code, 0xffff0000

        .text
        .code16
start:  cli
        lgdtl   %cs:gdtr
        movl    $1, %eax
        movl    %eax, %cr0
        ljmpl   $8, $code + flat

        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdtr:   .word   gdtr - gdt - 1
        .long   code + gdt

        .code32
flat:   movw    $16, %ax
        movw    %ax, %ds
        movl    $chip, %edi
        movb    $1, %al
        cmpb    $'V', (%edi)
        jne     end
        movb    $2, %al
        movb    code + flat, %ah
        movb    $0, code + flat
        movb    $0xff, code
        cmpb    code + flat, %ah
        jne     end

        movb    0x100(%edi), %bl
        shlb    $1, %bl
        movb    $0x40, 0x100(%edi)              /* program */
        movb    %bl, 0x100(%edi)
wait:   testb   $0x80, 0x100(%edi)              /* the status: ready */
        jz      wait
        movb    $0xff, (%edi)                   /* the array again */
        movb    0x100(%edi), %al
end:    outb    %al, $0xf4
halt:   hlt
        jmp     halt

        .code16
        .org    0xfff0
        jmp     start
        .org    0x10000
