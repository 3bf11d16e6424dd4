/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handlers of guest programs (guest.h), in 64-bit and in 32-bit code: a stub of 16 bytes for
 * each vector that makes all frames alike, and the common part that records them.
 */

#include "tests/accel/guest/guest.h"

/* SDM vol. 3, table 6-1: which exceptions push an error code. */
#define WITH_ERROR 0x00227d00

    .macro stubs common
    .set vector, 0
    .rept 256
    .balign 16
    .if vector >= 32 || !((WITH_ERROR >> (vector & 31)) & 1)
    push $0
    .endif
    push $vector
    jmp \common
    .set vector, vector + 1
    .endr
    .endm

    .section .rodata
    .globl runtime64, runtime64_end, runtime32, runtime32_end

    .code64
    .balign 16
runtime64:
    stubs common64

/* vector, error, rip, cs, rflags, rsp, ss */
common64:
    cmpl $LEAVE, RESUME
    je leave64
    push %rax
    push %rbx
    mov COUNT, %eax
    cmp $LOG_MAX, %eax
    jae full64
    incl COUNT
    shl $LOG_SHIFT, %eax
    .set field, 0
    .rept 7
    mov 16 + field(%rsp), %rbx
    mov %rbx, LOG + field(%rax)
    .set field, field + 8
    .endr
    mov %cr2, %rbx
    mov %rbx, LOG + 56(%rax)
    lea 32(%rsp), %rbx
    mov %rbx, LOG + 64(%rax)
    mov RESUME, %rax
    movq $0, RESUME
    test %rax, %rax
    jz 1f
    mov %rax, 32(%rsp)
1:  pop %rbx
    pop %rax
    add $16, %rsp
    iretq
full64:
    out %al, $END_PORT
leave64:
    movl $0, RESUME
    mov KSTACK, %rsp
    jmp *KERNEL
runtime64_end:

    .code32
    .balign 16
runtime32:
    stubs common32

/* vector, error, eip, cs, eflags, and from an outer level or virtual-8086 mode esp, ss */
common32:
    cmpl $LEAVE, %ss:RESUME
    je leave32
    push %eax
    push %ebx
    push %ds
    push $DATA
    pop %ds
    mov COUNT, %eax
    cmp $LOG_MAX, %eax
    jae full32
    incl COUNT
    shl $LOG_SHIFT, %eax
    .set field, 0
    .rept 7
    mov 12 + field(%esp), %ebx
    mov %ebx, LOG + 2 * field(%eax)
    .set field, field + 4
    .endr
    mov %cr2, %ebx
    mov %ebx, LOG + 56(%eax)
    lea 20(%esp), %ebx
    mov %ebx, LOG + 64(%eax)
    mov RESUME, %eax
    movl $0, RESUME
    test %eax, %eax
    jz 1f
    mov %eax, 20(%esp)
1:  pop %ds
    pop %ebx
    pop %eax
    add $8, %esp
    iret
full32:
    out %al, $END_PORT
leave32:
    mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    movl $0, RESUME
    mov KSTACK, %esp
    jmp *KERNEL
runtime32_end:

/* A vCPU after SIPI: to long mode, with tables and handlers as the first one has. */
    .globl ap_start, ap_start_end
    .code16
    .balign 16
ap_start:
    xor %ax, %ax
    mov %ax, %ds
    lgdtl 3f - ap_start + AP_START
    mov $0x20, %eax             /* PAE */
    mov %eax, %cr4
    mov $PML4, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx
    mov $0x901, %eax            /* NXE, LME, SCE */
    xor %edx, %edx
    wrmsr
    mov $0x80000031, %eax       /* PG, NE, ET, PE */
    mov %eax, %cr0
    ljmpl $CODE, $2f - ap_start + AP_START
    .code64
2:  mov $DATA, %eax
    mov %eax, %ds
    mov %eax, %ss
    lidt 4f - ap_start + AP_START
    mov $APIC, %edi
    mov 0x20(%rdi), %ebx
    shr $24, %ebx
    mov %ebx, %esp
    shl $12, %esp
    add $AP_STACK, %esp
    jmp *AP_ENTRY
3:  .word GDT_END
    .long GDT
4:  .word 0xfff
    .quad IDT
ap_start_end:

    .section .note.GNU-stack, "", @progbits
