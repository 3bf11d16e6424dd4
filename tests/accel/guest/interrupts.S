/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs: interrupts and the local APIC (SDM vol. 3, chapter 11), in 64-bit code with
 * the APIC's page in %rdi.  They happen at known places: after STI with one waiting, or in HLT.
 */

#include "tests/accel/guest/guest.h"

#define TPR       0x80
#define PPR       0xa0
#define EOI       0xb0
#define LDR       0xd0
#define SVR       0xf0
#define ISR(v)    (0x100 + (v) / 32 * 16)
#define TMR(v)    (0x180 + (v) / 32 * 16)
#define IRR(v)    (0x200 + (v) / 32 * 16)
#define ESR       0x280
#define ICR       0x300
#define ICR_TO    0x310
#define LVT_TIMER 0x320
#define LVT_LINT0 0x350
#define LVT_ERROR 0x370
#define COUNT_FROM 0x380
#define COUNT_NOW 0x390
#define DIVIDE    0x3e0

#define SELF      0x40000
#define PERIODIC  0x20000
#define DEADLINE  0x40000
#define MASKED    0x10000

    .macro apic reg, value
    movl $\value, \reg(%rdi)
    .endm

    .macro apic_note reg
    mov \reg(%rdi), %eax
    note %rax
    .endm

    .macro apic_on
    mov $APIC, %edi
    apic SVR, 0x1ff
    .endm

    .macro self vector
    apic ICR, SELF | \vector
    .endm

/* Lets in what waits. */
    .macro open letter
    sti
    nop
    mark \letter
    cli
    .endm

    .macro wait_for cell, value
9874:
    pause
    cmpl $\value, \cell
    jne 9874b
    .endm

/* ---- one vCPU ---- */

    program self_ipi, 64
    apic_on
    self 0x40
    apic_note IRR(0x40)
    open a
    apic_note IRR(0x40)
    apic_note ISR(0x40)
    apic EOI, 0
    apic_note ISR(0x40)
    apic SVR, 0xff              /* off: nothing is received */
    self 0x41
    apic SVR, 0x1ff
    sti
    nop
    cli
    finish self_ipi

/* When exactly (6.8.3): not between STI and the next instruction, nor after MOV to SS. */
    program shadows, 64
    apic_on
    self 0x40
    sti
    cli
    nop
    sti
    hlt
    mark a
    cli
    apic EOI, 0
    self 0x41
    pushfq
    orl $0x200, (%rsp)
    popfq
    mark b
    cli
    apic EOI, 0
    mov $15, %eax
    mov %rax, %cr8
    self 0x42
    sti
    xor %eax, %eax
    mov %rax, %cr8
    mark c
    cli
    apic EOI, 0
    self 0x43
    mov %rsp, %rax
    push $DATA
    push %rax
    push $0x202
    push $CODE
    push $WHERE(1f)
    mark z
    iretq
    mark d
1:  cli
    finish shadows

/* 11.8.3: the higher class first, and a lower one not before the end of a higher. */
    program priorities, 64
    apic_on
    self 0x41
    self 0x63
    self 0x52
    self 0x51
    open a
    apic_note PPR
    sti
    nop
    cli
    apic EOI, 0
    open b
    apic_note PPR
    apic EOI, 0
    open c
    apic EOI, 0
    open d
    apic EOI, 0
    apic_note PPR
    mov $5, %eax
    mov %rax, %cr8
    apic_note TPR
    apic_note PPR
    self 0x52
    self 0x60
    open e
    apic EOI, 0
    sti
    nop
    cli
    apic TPR, 0x4f              /* the class counts */
    open f
    mov %cr8, %rax
    note %rax
    finish priorities

    program apic_errors, 64
    apic_on
    apic LVT_ERROR, 0x48
    self 0x0f                   /* illegal vectors */
    apic ESR, 0
    apic_note ESR
    apic ESR, 0
    apic_note ESR
    open a
    apic EOI, 0
    mov 0x2f0(%rdi), %eax       /* CMCI's register is not there, as its version says */
    mov 0x40(%rdi), %eax        /* reserved */
    apic ESR, 0
    apic_note ESR
    finish apic_errors

    program one_shot, 64
    apic_on
    apic DIVIDE, 0xb            /* 1 */
    apic LVT_TIMER, 0x50
    apic COUNT_FROM, 200000
    sti
    hlt
    mark a
    apic EOI, 0
    apic_note COUNT_NOW
    cli
    apic LVT_TIMER, MASKED | 0x51
    apic COUNT_FROM, 1000
1:  pause
    cmpl $0, COUNT_NOW(%rdi)
    jne 1b
    sti
    nop
    cli
    apic_note IRR(0x51)
    finish one_shot

    program periodic, 64
    apic_on
    apic DIVIDE, 0              /* 2 */
    apic LVT_TIMER, PERIODIC | 0x50
    apic COUNT_FROM, 500000
    sti
    hlt
    mark a
    apic EOI, 0
    hlt
    mark b
    apic EOI, 0
    hlt
    mark c
    cli
    apic EOI, 0
    apic COUNT_FROM, 0          /* stops it */
    apic_note COUNT_NOW
    finish periodic

    program deadline, 64
    apic_on
    apic LVT_TIMER, DEADLINE | 0x50
    mov $0x6e0, %ecx
    rdtsc
    add $2000000, %eax
    adc $0, %edx
    mov %eax, %ebx
    mov %edx, %esi
    wrmsr
    sti
    hlt
    mark a
    cli
    apic EOI, 0
    rdtsc
    sub %ebx, %eax
    sbb %esi, %edx
    note %rdx                   /* not too early */
    rdmsr
    or %edx, %eax
    note %rax                   /* it is disarmed */
    mov $1, %eax                /* long past: at once */
    xor %edx, %edx
    wrmsr
    sti
    hlt
    mark b
    finish deadline

    program x2apic, 64
    apic_on
    mov $0x1b, %ecx
    rdmsr
    bts $10, %eax
    wrmsr
    mov $0x802, %ecx
    rdmsr
    note %rax
    mov $0x803, %ecx
    rdmsr
    movzbl %al, %eax
    note %rax
    mov $0x80d, %ecx
    rdmsr
    note %rax
    mov $0x83f, %ecx            /* self IPI */
    mov $0x44, %eax
    xor %edx, %edx
    wrmsr
    open a
    mov $0x80b, %ecx
    xor %eax, %eax
    wrmsr
    inc %eax
    faults b, wrmsr             /* EOI takes 0 alone */
    mov $0x830, %ecx
    mov $SELF | 0x45, %eax
    xor %edx, %edx
    wrmsr
    open c
    mov $0x80b, %ecx
    xor %eax, %eax
    wrmsr
    mov $0x802, %ecx
    faults d, wrmsr             /* read-only */
    mov $0x80e, %ecx
    faults e, rdmsr             /* the destination format is not there */
    mov $0x83f, %ecx
    faults f, rdmsr             /* write-only */
    mov $0x808, %ecx
    mov $0x100, %eax
    faults g, wrmsr
    mov $0x1b, %ecx
    rdmsr
    btr $10, %eax
    faults h, wrmsr             /* back to xAPIC only through off */
    btr $11, %eax
    wrmsr
    mov $0x802, %ecx
    faults i, rdmsr
    mov $0x1b, %ecx
    rdmsr
    bts $11, %eax
    wrmsr
    mov 0x20(%rdi), %eax
    note %rax
    finish x2apic

/* ---- from devices: the test sends them before the program runs ---- */

    program extint, 64
    mov $APIC, %edi
    apic LVT_LINT0, MASKED | 0x700
    sti
    nop
    cli
    apic LVT_LINT0, 0x700       /* stays masked while the APIC is off */
    sti
    nop
    cli
    apic SVR, 0x1ff
    apic LVT_LINT0, 0x700
    open a
    sti                         /* acknowledged, and it needs no EOI */
    nop
    cli
    apic_note ISR(0x77)
    finish extint

    program level, 64
    apic_on
    apic_note TMR(0x45)
    apic EOI, 0                 /* nothing is in service */
    open a
    apic EOI, 0
    cli
    finish level

/* ---- two vCPUs ---- */

    .macro start_ap label
    movl $WHERE(\label), AP_ENTRY
    apic ICR_TO, 1 << 24
    apic ICR, 0x4500            /* INIT */
    apic ICR, 0x460e            /* SIPI, to AP_START */
    .endm

    program ipis, 64
    apic_on
    start_ap 2f
    wait_for CELLS, 1
    mov CELLS + 8, %eax
    note %rax
    apic ICR, 0x4046            /* fixed */
    wait_for CELLS, 2
    apic ICR, 0x4400            /* NMI */
    wait_for CELLS, 3
    apic ICR_TO, 2 << 24
    apic ICR, 0x4847            /* logical */
    wait_for CELLS, 4
    apic ICR, 0xc4048           /* all but self */
    wait_for CELLS, 5
    apic ICR_TO, 1 << 24
    apic ICR, 0x4049
    sti
    hlt
    mark a
    cli
    apic EOI, 0
    start_ap 3f                 /* out of its HLT, and from the start again */
    wait_for CELLS, 100
    jmp 4f

2:  apic_on
    apic LDR, 2 << 24
    mov %ebx, CELLS + 8
    incl CELLS
    mov $4, %ecx
1:  sti
    hlt
    mark b
    cli
    apic EOI, 0
    incl CELLS
    loop 1b
    sti
    hlt
    mark c
    cli
    apic ICR_TO, 0
    apic ICR, 0x404a            /* back */
1:  hlt
    jmp 1b

3:  movl $100, CELLS
1:  hlt
    jmp 1b
4:  finish ipis

/* Before SIPI a vCPU does nothing: fixed interrupts don't start it, nor does a second SIPI restart it. */
    program start_up, 64
    apic_on
    movl $WHERE(2f), AP_ENTRY
    apic ICR_TO, 1 << 24
    apic ICR, 0x4046
    apic ICR, 0x4500
    apic ICR, 0x4046
    mov $10000, %ecx
1:  pause
    loop 1b
    mov CELLS, %eax
    note %rax
    apic ICR, 0x460e
    apic ICR, 0x460e
    wait_for CELLS, 1
    apic ICR, 0x460e
    mov $10000, %ecx
1:  pause
    loop 1b
    mov CELLS, %eax
    note %rax
    jmp 3f
2:  incl CELLS
1:  hlt
    jmp 1b
3:  finish start_up

    .section .note.GNU-stack, "", @progbits
