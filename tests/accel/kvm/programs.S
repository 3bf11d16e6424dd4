/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs of the accelerator's tests (PROGRAM in tests/lib/cpu_bed.h).  They may
 * lie anywhere; those in 16-bit code run with offset 0 at their begin and DS = ES = 0.
 * A byte to port 0xf4 ends them.
 */

    .macro program name, bits
    .globl \name, \name\()_end
    .code\bits
\name:
    .endm

    .macro done name, value
    mov $\value, %al
    out %al, $0xf4
9:  jmp 9b
\name\()_end:
    .endm

    .section .rodata

/* ---- ports ---- */

    program ports, 16
    mov $0x110, %dx
    mov $0x89abcdef, %eax
    out %al, %dx
    out %ax, %dx
    out %eax, %dx
    mov $0xffffffff, %eax
    in %dx, %al
    mov %eax, 0x500
    mov $0xffffffff, %eax
    in %dx, %ax
    mov %eax, 0x504
    in %dx, %eax
    mov %eax, 0x508
    mov $0x300, %dx             /* nothing is there */
    in %dx, %eax
    mov %eax, 0x50c
    done ports, 1

    program port_strings, 16
    cld
    mov $0x120, %dx
    mov $0x600, %si
    mov $5, %cx
    rep outsb
    mov $2, %cx
    rep outsw
    outsl
    mov %si, 0x500
    mov $0x700, %di
    mov $3, %cx
    rep insb
    insl
    std
    mov $2, %cx
    rep insw
    mov %di, 0x502
    cld
    mov $0x800, %si             /* more than a page, so in several exits */
    mov $5000, %cx
    rep outsb
    mov %si, 0x504
    mov %cx, 0x506
    done port_strings, 2

    program port_long, 64
    mov $0x110, %edx
    mov $-1, %rax
    in %dx, %eax                /* clears the upper half */
    mov %rax, 0x500
    mov $-1, %rax
    in %dx, %ax                 /* leaves it */
    mov %rax, 0x508
    done port_long, 3

/* ---- memory ---- */

    program mmio, 16
    mov $0xa000, %ax
    mov %ax, %es
    movb $0x11, %es:0x10
    movw $0x2233, %es:0x12
    movl $0x44556677, %es:0x14
    movl $0x8899aabb, %es:0x23  /* not aligned */
    mov $0xffffffff, %eax
    mov %es:0x30, %al
    mov %eax, 0x500
    mov $0xffffffff, %eax
    mov %es:0x32, %ax
    mov %eax, 0x504
    mov %es:0x34, %eax
    mov %eax, 0x508
    movzbl %es:0x38, %eax
    mov %eax, 0x50c
    mov %es:0xffe, %eax         /* crosses the end of the page: nothing follows */
    mov %eax, 0x510
    mov $0x9000, %ax
    mov %ax, %es
    mov %es:0, %eax             /* nothing is there */
    mov %eax, 0x514
    done mmio, 4

    program mmio_long, 64
    mov $0xe0000000, %ebx
    mov $0x1122334455667788, %rax
    mov %rax, 8(%rbx)
    movl $-2, 0x10(%rbx)
    mov 0x18(%rbx), %rax
    mov %rax, 0x500
    mov $-1, %rax
    mov 0x20(%rbx), %eax
    mov %rax, 0x508
    lock incl 0x28(%rbx)
    movslq 0x30(%rbx), %rax
    mov %rax, 0x510
    done mmio_long, 5

    program rom, 16
    mov $0xc000, %ax
    mov %ax, %es
    mov %es:0x10, %ax
    mov %ax, 0x500
    movw $0x5555, %es:0x10
    mov %es:0x10, %ax
    mov %ax, 0x502
    done rom, 6

/* ---- ends ---- */

    program triple_fault, 32
    lidt %cs:1f - triple_fault + 0x1000
    ud2
1:  .word 0
    .long 0
triple_fault_end:

    program into_mmio, 16
    ljmp $0xa000, $0
into_mmio_end:

    program spin, 16
1:  incl 0x500
    jmp 1b
spin_end:

/* ---- a doorbell at MMIO 0x40 and port 0x140, an ordinary register behind each ---- */

    program ring, 16
    mov $0xa000, %ax
    mov %ax, %es
    movl $7, %es:0x40
    movl $8, %es:0x44
    movw $1, %es:0x48           /* has the value that rings */
    movw $2, %es:0x48           /* has not */
    mov $0x140, %dx
    mov $9, %ax
    out %ax, %dx
    inc %dx
    inc %dx
    out %ax, %dx
    done ring, 7

    program ring_alone, 16
    mov $0xa000, %ax
    mov %ax, %es
    movl $7, %es:0x40
    mov $0x140, %dx
    out %ax, %dx
    movl $1, 0x500
    done ring_alone, 8

/* Reads a dword at 0x60000 again and again, and says when it changes. */
    program watch, 32
    mov 0x60000, %ebx
    mov $0x130, %dx
    mov %ebx, %eax
    out %eax, %dx
1:  mov 0x60000, %eax
    cmp %eax, %ebx
    je 1b
    mov %eax, %ebx
    out %eax, %dx
    cmp $0x600d, %eax
    jne 1b
    done watch, 9

    .section .note.GNU-stack, "", @progbits
