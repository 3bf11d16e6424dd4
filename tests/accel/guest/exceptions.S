/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs: exceptions, what they push, and what comes of one inside another.
 */

#include "tests/accel/guest/guest.h"

#define CR4_SSE 0x600           /* OSFXSR and OSXMMEXCPT */

/* ---- one each ---- */

    program divide, 64
    xor %ecx, %ecx
    faults a, div %ecx
    mov $0x80000000, %eax
    cltd
    mov $-1, %ecx
    faults b, idiv %ecx
    finish divide

    program int_n, 64
    int $0x30
    mark a
    finish int_n

    program int3_int1, 64
    int3
    mark a
    .byte 0xcc
    mark b
    .byte 0xf1
    mark c
    finish int3_int1

    program into_bound, 32
    xor %eax, %eax
    into                        /* OF is 0 */
    mov $0x7fffffff, %eax
    inc %eax
    into
    mark a
    movl $-5, CELLS
    movl $5, CELLS + 4
    mov $5, %eax
    bound %eax, CELLS
    mov $6, %eax
    faults b, bound %eax, CELLS
    mov $-6, %eax
    faults c, bound %eax, CELLS
    finish into_bound

    program undefined, 64
    faults a, ud2
    faults b, .byte 0xf0, 0x90                      /* LOCK NOP */
    faults c, .byte 0xf0, 0x01, 0xc0                /* LOCK ADD of registers */
    faults d, .byte 0x06                            /* PUSH ES */
    faults e, .byte 0x0f, 0x22, 0xc8                /* MOV to CR1 */
    faults f, .byte 0x0f, 0x20, 0xf8                /* MOV from CR7 */
    finish undefined

/* MOV to CS is undefined whatever its operand (vol. 2, MOV); some KVMs read it first. */
    program undefined_anywhere, 64
    mov $1 << 62, %rax
    faults a, .byte 0x8e, 0x08
    finish undefined_anywhere

/* 16 bytes: the limit is 15 (vol. 2, 2.3.11). */
    program too_long, 64
    .rept 14
    .byte 0x66
    .endr
    nop
    faults a, .fill 15, 1, 0x66
    nop
    finish too_long

    program not_available, 64
    mov %cr4, %rax
    or $CR4_SSE, %rax
    mov %rax, %cr4
    mov %cr0, %rbx
    or $8, %rbx                 /* TS */
    mov %rbx, %cr0
    faults a, fnop
    faults b, pxor %xmm0, %xmm0
    fwait                       /* needs MP too */
    lea 2(%rbx), %rax
    mov %rax, %cr0
    faults c, fwait
    clts
    fwait
    mov %cr0, %rax
    and $~2, %rax
    or $4, %rax                 /* EM */
    mov %rax, %cr0
    faults d, fnop
    faults e, pxor %xmm0, %xmm0
    fwait
    finish not_available

/* It is the next waiting instruction that faults. */
    program x87_error, 64
    fninit
    push $0x37b                 /* not masked: division by zero */
    fldcw (%rsp)
    fld1
    fldz
    fdivrp
    fnstsw %ax
    note %rax
    faults a, fwait
    faults b, fld1
    fnclex
    fwait
    finish x87_error

    program sse_error, 64
    mov %cr4, %rbx
    or $0x200, %rbx             /* OSFXSR */
    mov %rbx, %cr4
    push $0x1d80                /* not masked: division by zero */
    ldmxcsr (%rsp)
    mov $0x3f800000, %eax
    movd %eax, %xmm0
    pxor %xmm1, %xmm1
    faults a, divss %xmm1, %xmm0
    or $CR4_SSE, %rbx
    mov %rbx, %cr4
    faults b, divss %xmm1, %xmm0
    movd %xmm0, %eax
    note %rax                   /* nothing was written */
    stmxcsr (%rsp)
    pop %rax
    note %rax
    finish sse_error

/* Vol. 1, 3.3.7.1: #SS where the stack is meant. */
    program not_canonical, 64
    mov $0x800000000000, %rax
    mov %rax, %rbp
    faults a, mov (%rax), %ecx
    faults b, mov (%rbp), %ecx
    faults c, mov %ecx, %ds:(%rbp)                  /* the prefix does nothing */
    mov $0x7fffffffffff, %rbx
    faults d, mov (%rbx), %edx                      /* the last three bytes */
    faults e, jmp *%rax
    faults f, call *%rax
    faults g, .byte 0x48, 0xff, 0x20                /* jmp *(%rax) */
    push %rax
    faults h, ret
    pop %rax
    finish not_canonical

/* The frame can't be pushed there, so it goes to a stack of its own. */
    program not_canonical_stack, 64
    movb $1, IDT + 12 * 16 + 4  /* IST1 for #SS */
    mov $0x800000000100, %rax
    mov %rsp, %rbx
    mov %rax, %rsp
    faults a, pop %rcx
    faults b, call 1f
1:  mov %rbx, %rsp
    finish not_canonical_stack

    program general, 64
    mov $0xc0001234, %ecx
    faults a, rdmsr
    faults b, wrmsr
    mov %cr4, %rax
    bts $40, %rax
    faults c, mov %rax, %cr4
    mov %cr0, %rax
    btr $0, %eax                /* PE off, PG on */
    faults d, mov %rax, %cr0
    mov $16, %eax
    faults e, mov %rax, %cr8
    mov $0x333, %eax
    faults f, mov %eax, %ds     /* beyond the GDT */
    faults g, mov %eax, %ss
    xor %eax, %eax
    mov %eax, %ds
    mov $TSS_SEL, %eax
    faults h, mov %eax, %es
    faults i, ltr %ax           /* busy */
    mov $0xc0000080, %ecx
    rdmsr
    btr $8, %eax                /* LME off while PG is on */
    faults j, wrmsr
    finish general

/* ---- one inside another ---- */

    program doubled, 64
    xor %ecx, %ecx
    andb $0x7f, IDT + 5         /* #DE has no gate */
    faults a, div %ecx
    andb $0x7f, IDT + 6 * 16 + 5
    faults b, ud2
    movw $0x333, IDT + 14 * 16 + 2  /* #PF has one without code */
    faults c, mov HOLE, %eax
    int $0x31
    mark d
    andb $0x7f, IDT + 0x31 * 16 + 5
    faults e, int $0x31
    movw $0x333, IDT + 13 * 16 + 2  /* nor has #GP */
    mov $0x333, %eax
    faults f, mov %eax, %ds
    finish doubled

    program tripled, 64
    xor %ecx, %ecx
    andb $0x7f, IDT + 5
    andb $0x7f, IDT + 8 * 16 + 5
    div %ecx
    finish tripled

    program tripled_empty, 32
    push $0
    push $0
    lidt (%esp)
    ud2
    finish tripled_empty

    program ist, 64
    movb $1, IDT + 6 * 16 + 4
    movb $2, IDT + 13 * 16 + 4
    faults a, ud2
    mov $0x333, %eax
    faults b, mov %eax, %ds
    sub $8, %rsp                /* without IST the frame is aligned */
    xor %ecx, %ecx
    faults c, div %ecx
    mov LOG + 2 * 128 + 64, %rax
    note %rax
    mov LOG + 2 * 128 + 40, %rax
    note %rax
    finish ist

/* Masked from its delivery to the next IRET; one more is kept. */
    program nmi, 64
    movl $WHERE(nmi_handler), %eax
    mov %ax, IDT + 2 * 16
    shr $16, %eax
    mov %ax, IDT + 2 * 16 + 6
    mov $APIC, %edi
    movl $0, 0x310(%rdi)
    movl $0x4400, 0x300(%rdi)
1:  pause
    cmpl $2, CELLS
    jne 1b
    mov $1000, %ecx
1:  pause
    loop 1b
    mov CELLS, %eax
    note %rax                   /* the third was one with the second */
    mov CELLS + 4, %eax
    note %rax
    jmp 3f
nmi_handler:
    incl CELLS
    cmpl $1, CELLS
    jne 2f
    movl $0x4400, 0x300(%rdi)
    movl $0x4400, 0x300(%rdi)
    push %rcx
    mov $1000, %ecx
1:  pause
    loop 1b
    pop %rcx
    mov CELLS, %eax
    mov %eax, CELLS + 4
2:  iretq
3:  finish nmi

/* A return that faults: the stack is as before, and NMIs are let in all the same. */
    program bad_return, 64
    push $DATA
    push $STACK
    push $2
    push $0x333
    push $AT
    faults a, iretq
    movq $DATA, 8(%rsp)         /* not code */
    faults b, iretq
    movq $CODE, 8(%rsp)
    movl $0x8000, 4(%rsp)       /* 0x800000010000 */
    faults c, iretq
    movl $0, 4(%rsp)
    movq $TSS_SEL, 32(%rsp)
    faults d, iretq
    mov $STACK - 40, %eax
    sub %rsp, %rax
    note %rax
    finish bad_return

/* ---- debug exceptions ---- */

    program step, 64
    pushfq
    mov (%rsp), %rdx
    orl $0x100, (%rsp)
    popfq                       /* not trapped: TF was 0 before it */
    nop
    mark a
    mov $3, %ecx
    mark b
    mov $DATA_AT, %esi
    mark c
    lea 8(%rsi), %edi
    mark d
    rep movsb
    mark e
    mov %ss, %eax
    mark f
    mov %eax, %ss               /* held off until the next one is done */
    nop
    mark g
    push %rdx
    mark h
    int $0x30                   /* saves TF and clears it */
    mark i
    nop
    mark j
    popfq                       /* trapped: TF was 1 */
    mark k
    nop
    mov %dr6, %rax
    note %rax
    finish step

/* A fault under TF is not trapped as well; IRET to TF is not, what it returns to is. */
    program step_fault, 64
    pushfq
    orl $0x100, (%rsp)
    movl $WHERE(1f), RESUME
    popfq
    mark a
    ud2
1:  nop
    mark b
    push $2
    mark c
    popfq
    mark d
    finish step_fault

/* DR0 on an instruction: a fault, which RF lets pass; DR1 on writes, DR2 on all accesses. */
    program breakpoints, 64
    movl $WHERE(1f), %eax
    mov %rax, %dr0
    mov $DATA_AT, %eax
    mov %rax, %dr1
    mov $DATA_AT + 16, %eax
    mov %rax, %dr2
    mov $0xf900015, %eax        /* DR2: all, 4 bytes; DR1: writes, 8 bytes */
    mov %rax, %dr7
    xor %eax, %eax
    movl $WHERE(2f), RESUME
    mark a
1:  inc %eax
2:  note %rax
    mov %dr6, %rcx
    note %rcx
    test %eax, %eax
    jnz 3f
    mov %rsp, %rcx
    push $DATA
    push %rcx
    push $0x10002               /* RF */
    push $CODE
    push $WHERE(1b)
    xor %ecx, %ecx
    mov %rcx, %dr6
    iretq
3:  mov DATA_AT, %ecx           /* reads: DR1 does not mind */
    mov %cl, DATA_AT + 7
    mark b
    mov %cl, DATA_AT + 8
    mov DATA_AT + 18, %cx
    mark c
    mov %dr6, %rax
    note %rax
    mov DATA_AT + 20, %ecx
    mov $DATA_AT + 8, %esi
    mov $DATA_AT - 2, %edi
    mov $4, %ecx
    cld
    mark d
    rep movsb                   /* two of the four stores are at DR1's */
    mark e
    movl $DATA, DATA_AT + 16
    mark f
    mov DATA_AT + 16, %ss       /* held off until the next one is done */
    nop
    mark g
    finish breakpoints

    program general_detect, 64
    mov $0x2400, %eax
    mov %rax, %dr7
    faults a, mov %dr0, %rax
    mov %dr7, %rax              /* GD was cleared */
    note %rax
    mov %dr6, %rax
    note %rax
    mov %cr4, %rax
    or $8, %rax
    mov %rax, %cr4
    faults b, mov %dr4, %rax
    btr $3, %eax
    mov %rax, %cr4
    mov %dr5, %rax
    note %rax
    bts $32, %rax
    faults c, mov %rax, %dr7
    finish general_detect

    .section .note.GNU-stack, "", @progbits
