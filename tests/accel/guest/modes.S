/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs: the processor's modes and the ways between them, and the paging of
 * 32-bit modes.
 */

#include "tests/accel/guest/guest.h"

#define PE    0x1
#define PG    0x80000000
#define PSE   0x10
#define PAE   0x20
#define EFER  0xc0000080
#define LME   0x100
#define NXE   0x800
#define IOPL3 0x3000
#define VM    0x20000

/* A label's offset in its 16-bit code segment, which begins at AT. */
#define IN16(label) (label - 9870b)

    .macro change reg, set, clear=0
    mov %\reg, %eax
    or $\set, %eax
    and $~\clear, %eax
    mov %eax, %\reg
    .endm

    .macro efer set, clear=0
    mov $EFER, %ecx
    rdmsr
    or $\set, %eax
    and $~\clear, %eax
    wrmsr
    rdmsr
    .endm

    .macro value at, bits:vararg
    movl $\bits, \at
    .endm

/* ---- real mode, 16-bit protected mode, unreal mode ---- */

    program real, 16
    xor %ax, %ax
    mov %ax, %ds
    movl $AT >> 4 << 16 | (IN16(5f)), 0x40 * 4
    movl $AT >> 4 << 16 | (IN16(6f)), 6 * 4
    movl $AT >> 4 << 16 | (IN16(6f)), 13 * 4
    mov $0x1234, %bx
    stc
    int $0x40                   /* changes BX, and CF in the image */
    setc %al
    movzbl %al, %eax
    note32 %eax
    movzwl %bx, %eax
    note32 %eax
1:  sldt %ax                    /* #UD: not in real mode */
2:  mov 0xffff, %ax             /* #GP: over the segment's end */
    lgdtl %cs:IN16(8f)
    lidtl %cs:IN16(9f)
    change cr0, PE
    ljmpl $CODE, $WHERE(3f)
    .code32
3:  mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %ss
    mov %eax, %fs
    mov $STACK, %esp
    faults a, ud2
    mov $DATA16, %eax
    mov %eax, %ds
    mov $DATA_AT, %ebx
    faults b, mov (%ebx), %eax  /* over its limit */
    value GDT+FREE, 0x0000ffff                      /* 16-bit code at AT */
    value GDT+FREE+4, 0x00009b00 | AT >> 16
    ljmp $FREE, $IN16(4f)
    .code16
4:  mov %cs, %ax
    movzwl %ax, %eax
    note32 %eax
    change cr0, 0, PE
    ljmp $AT >> 4, $IN16(7f)
7:  lidtl %cs:IN16(9f) + 6
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %ss
    movl $0x12345678, %fs:(%ebx)                    /* its limit stays 4 GiB */
    mov $DATA_AT >> 4, %ax
    mov %ax, %es
    mov %es:0, %eax
    note32 %eax
    mov $0x1000, %ax
    mov %ax, %fs                /* another base, the same limit */
    mov $0x10000, %ebx
    mov %fs:(%ebx), %eax
    note32 %eax
    jmp 7f
5:  mov %sp, %bp
    andw $~1, 4(%bp)
    mov $0x5678, %bx
    iret
6:  mov %sp, %bp                /* goes on behind the instruction; notes its length */
    mov (%bp), %si
    movzwl (%bp), %eax
    sub $IN16(1b), %ax
    note32 %eax
    cmp $IN16(1b), %si
    movw $IN16(2b), (%bp)
    je 1f
    movw $IN16(2b) + 3, (%bp)
1:  iret
8:  .word GDT_END
    .long GDT
9:  .word 0x7ff
    .long IDT
    .word 0x3ff
    .long 0
7:  finish real

/* ---- protected mode, compatibility mode, 64-bit mode ---- */

    program long_and_back, 32
    mov $PML4, %eax
    mov %eax, %cr3
    efer LME | NXE
    note32 %eax
    mov %cr0, %eax
    or $PG, %eax
    faults a, mov %eax, %cr0    /* without PAE */
    change cr4, PAE
    lidt WHERE(8f)
    change cr0, PG
    efer 0
    note32 %eax
    faults b, ud2               /* in compatibility mode */
    .byte 0x40, 0x90            /* INC EAX, NOP: not yet a REX prefix */
    note32 %eax
    ljmp $CODE64, $WHERE(2f)
    .code64
2:  mov $STACK, %esp
    xor %eax, %eax
    .byte 0x40, 0x90
    note %rax
    mov %cr0, %rax
    btr $31, %rax
    faults c, mov %rax, %cr0    /* not from 64-bit code */
    mov %cr4, %rax
    btr $5, %rax
    faults d, mov %rax, %cr4
    mov $EFER, %ecx
    rdmsr
    btr $8, %eax
    faults e, wrmsr             /* LME with paging on */
    movabs $0x123456789abcdef0, %rbx
    push $CODE32
    push $WHERE(3f)
    lretq
    .code32
3:  mov %ebx, %ebx              /* clears the upper half */
    change cr0, 0, PG
    efer 0
    note32 %eax                 /* LMA went with paging */
    lidt WHERE(9f)
    faults f, ud2
    efer 0, LME
    change cr4, 0, PAE
    mov %cr4, %eax
    note32 %eax
    change cr4, PAE
    efer LME
    lidt WHERE(8f)
    change cr0, PG
    ljmp $CODE64, $WHERE(4f)
    .code64
4:  note %rbx
    jmp 5f
8:  .word 0xfff
    .long OTHER_IDT
9:  .word 0x7ff
    .long IDT
5:  finish long_and_back

/* ---- virtual-8086 mode ---- */

    .macro to_v86 label, flags=0
    mov %esp, KSTACK
    movl $WHERE(9873f), KERNEL
    push $0
    push $0
    push $0
    push $0
    push $(USTACK - 0x1000) >> 4
    push $0x1000
    push $VM | 2 | \flags
    push $AT >> 4
    push $IN16(\label)
    iret
9873:
    .endm

    .macro v86_back
    movl $LEAVE, RESUME
    ud2
    .endm

    program v86, 32
    value DATA_AT, 0xabcd
    to_v86 1f
    jmp 2f
    .code16
1:  mov $DATA_AT >> 4, %ax
    mov %ax, %es
    mov %es:0, %eax
    note32 %eax
    v86_faults a, cli
    v86_faults b, sti
    v86_faults c, pushf
    v86_faults d, popf
    v86_faults e, int $0x80
    v86_faults f, iret
    v86_faults g, hlt
    v86_faults h, mov %cr0, %eax
    v86_faults i, lgdtl 0
    v86_faults j, in $0x80, %al
    v86_faults k, sldt %ax
    v86_faults l, lar %ax, %ax
    v86_faults m, arpl %ax, %ax
    v86_faults n, mov 0xffff, %ax
    int3
    mark o
    v86_back
    .code32
2:  pushf
    pop %eax
    note32 %eax
    finish v86

/* IOPL 3: most of it is allowed; INT n still looks at the gate. */
    program v86_iopl, 32
    to_v86 1f, IOPL3
    jmp 2f
    .code16
1:  sti
    pushfl
    pop %eax
    note32 %eax
    cli
    push $0x0cd7                /* IOPL stays, whatever the image says */
    popf
    pushf
    pop %ax
    movzwl %ax, %eax
    note32 %eax
    push $0x0002
    popf
    pushf
    push %cs
    push $IN16(3f)
    iret
3:  int $0x80
    mark a
    v86_faults b, int $0x21
    v86_faults c, hlt
    v86_faults d, in $0x80, %al
    v86_back
    .code32
2:  finish v86_iopl

/* ---- paging in 32-bit modes ---- */

    program two_level, 32
    mov $SPARE + 0x2000, %edi
    mov $3, %eax
    mov $128, %ecx
1:  stosl
    add $0x1000, %eax
    loop 1b
    value DATA_AT, 0x1234
    value SPARE, SPARE + 0x2083                     /* bit 7 means nothing yet */
    mov $SPARE, %eax
    mov %eax, %cr3
    change cr0, PG | 0x10000                        /* WP */
    mov DATA_AT, %eax
    note32 %eax
    change cr0, 0, PG
    value SPARE, 0x83                               /* 4 MiB */
    value SPARE+4, SPARE + 0x1007
    value SPARE+12, 0x00200083                      /* a reserved bit */
    value SPARE+0x1000, DATA_AT | 1
    change cr4, PSE
    change cr0, PG
    mov 0x400000, %eax
    note32 %eax
    faults a, movl $1, 0x400000
    faults b, mov 0x401000, %eax
    faults c, mov 0x1000000, %eax
    faults d, mov 0xc00000, %eax
    mov SPARE + 0x1000, %eax
    note32 %eax
    finish two_level

    program three_level, 32
    change cr4, PAE
    mov $PDPT, %eax
    mov %eax, %cr3
    mov %cr0, %eax
    or $PG, %eax
    faults a, mov %eax, %cr0    /* the entries have bits that are reserved here */
    value SPARE, PD | 1
    mov $SPARE, %ebx
    mov %ebx, %cr3
    mov %eax, %cr0
    value DATA_AT, 0x1234
    faults b, mov HOLE, %eax
    faults c, mov 0x40020000, %eax
    value SPARE+8, PD | 1
    faults d, mov 0x40020000, %eax                  /* CR3 was not written */
    mov %ebx, %cr3
    mov 0x40020000, %eax
    note32 %eax
    value SPARE+8, PD | 3
    faults e, mov %ebx, %cr3
    value SPARE+8, PD | 1
    value PT_FREE, DATA_AT | 3
    value PT_FREE+4, 0x80000000
    faults f, mov HOLE, %eax    /* XD without NXE */
    efer NXE
    mov HOLE, %eax
    note32 %eax
    mov $HOLE, %eax
    faults g, call *%eax
    value PD+8, 0x2083                            /* a reserved bit of 2 MiB pages */
    invlpg HOLE
    faults h, mov HOLE, %eax
    value PD+8, 0x83
    invlpg HOLE
    mov HOLE + DATA_AT, %eax
    note32 %eax
    finish three_level

/* ---- two vCPUs at the same memory ---- */

#define TURNS  99999
#define LOCK   CELLS + 0x10
#define PLAIN  CELLS + 0x18
#define ADDED  CELLS + 0x20
#define WIDE   CELLS + 0x40
#define BITS   CELLS + 0x60
#define DONE   CELLS + 0x70

    program atomics, 64
    movl $WHERE(2f), AP_ENTRY
    mov $APIC, %edi
    movl $0x1ff, 0xf0(%rdi)
    movl $1 << 24, 0x310(%rdi)
    movl $0x4500, 0x300(%rdi)
    movl $0x460e, 0x300(%rdi)
    xor %ebx, %ebx
    call 3f
1:  pause
    cmpl $2, DONE
    jne 1b
    mov CELLS, %rax
    note %rax
    mov PLAIN, %rax
    note %rax
    mov ADDED, %rax
    note %rax
    mov WIDE, %rax
    note %rax
    mov WIDE + 8, %rax
    note %rax
    mov BITS, %rax
    note %rax
    jmp 9f
2:  call 3f
1:  hlt
    jmp 1b
3:  mov %ebx, %r8d
    mov $TURNS, %esi
4:  lock incq CELLS
    mov $3, %eax
    lock xadd %rax, ADDED
    lock btc %r8, BITS          /* each its own bit of one word */
5:  pause
    mov $1, %eax
    xchg %eax, LOCK
    test %eax, %eax
    jnz 5b
    incq PLAIN
    movl $0, LOCK
    mov WIDE, %rax
    mov WIDE + 8, %rdx
6:  mov %rax, %rbx
    mov %rdx, %rcx
    add $1, %rbx
    sub $1, %rcx
    lock cmpxchg16b WIDE
    jne 6b
    dec %esi
    jnz 4b
    lock incl DONE
    ret
9:  finish atomics

    .section .note.GNU-stack, "", @progbits
