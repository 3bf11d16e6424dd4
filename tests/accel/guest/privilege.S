/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs: privilege levels, and the ways between them, in 64-bit code.
 */

#include "tests/accel/guest/guest.h"

#define STAR           0xc0000081
#define LSTAR          0xc0000082
#define SFMASK         0xc0000084
#define FS_BASE        0xc0000100
#define GS_BASE        0xc0000101
#define KERNEL_GS_BASE 0xc0000102
#define TF             0x100
#define IF             0x200
#define DF             0x400
#define IOPL3          0x3000
#define AC             0x40000

    .macro msr index, low, high=0
    mov $\index, %ecx
    mov $\low, %eax
    mov $\high, %edx
    wrmsr
    .endm

    .macro cr4_set bits
    mov %cr4, %rax
    or $\bits, %rax
    mov %rax, %cr4
    .endm

/* SYSCALL to `label`, which clears these flags; kernel CODE and DATA, users' from 0x18. */
    .macro syscall_set label, mask
    msr STAR, 0, ((UCODE32 | 3) << 16) | CODE
    msr LSTAR, WHERE(\label)
    msr SFMASK, \mask
    .endm

/* ---- SYSCALL, SYSRET ---- */

    program syscalls, 64
    syscall_set 2f, DF
    mov %cs, %eax
    note %rax
    to_user 1f
    jmp 3f
1:  std
    stc
    syscall
9:  mov %cs, %eax
    shl $16, %eax
    mov %ss, %ax
    note %rax, USER
    cld
    clc
    back
2:  pushfq
    popq %rdx
    mov $WHERE(9b) + USER, %eax
    sub %rcx, %rax
    note %rax
    note %r11
    note %rdx
    mov %cs, %eax
    shl $16, %eax
    mov %ss, %ax
    note %rax
    sysretq
3:  finish syscalls

    program sysret32, 64
    mov %rsp, KSTACK
    movl $WHERE(2f), KERNEL
    msr STAR, 0, ((UCODE32 | 3) << 16) | CODE
    mov $WHERE(1f) + USER, %ecx
    bts $40, %rcx               /* only 32 bits count */
    mov $2, %r11d
    mov $USTACK + USER, %esp
    sysretl
    .code32
1:  mov $UDATA | 3, %eax
    mov %eax, %ds
    user_faults a, ud2
    user_faults b, .byte 0x0f, 0x05                 /* SYSCALL: Intel's in 64-bit code only */
    back
    .code64
2:  mov LOG + 48, %rax
    note %rax
    finish sysret32

    program syscall_faults, 64
    mov $1, %ebx
    shl $47, %rbx
    mov %rbx, %rcx
    mov $2, %r11d
    faults a, sysretq
    mov $0xc0000080, %ecx
    rdmsr
    btr $0, %eax
    wrmsr
    faults b, syscall
    faults c, sysretq
    to_user 1f
    jmp 2f
1:  user_faults d, syscall
    user_faults e, sysretq
    back
2:  mov $0xc0000080, %ecx
    rdmsr
    bts $0, %eax
    wrmsr
    to_user 1f
    jmp 2f
1:  user_faults f, sysretq
    back
2:  finish syscall_faults

/* TF goes to R11 and, masked, not on into the kernel; SYSRET to TF traps at once. */
    program syscall_step, 64
    syscall_set 2f, TF
    to_user 1f, TF | 2
    jmp 3f
1:  nop
    mark a
    syscall
    mark b
    nop
    mark c
    back
2:  note %r11
    sysretq
3:  syscall_set 4f, 0           /* not masked: the kernel's first instruction is not run */
    to_user 1f, TF | 2
    jmp 5f
1:  nop
    mark d
    syscall
    back
    mark e
4:  mov $2, %r11d
    mark f
    sysretq
5:  finish syscall_step

/* ---- SYSENTER, SYSEXIT ---- */

    program sysenter, 64
    faults a, sysenter          /* IA32_SYSENTER_CS is null */
    faults b, .byte 0x48, 0x0f, 0x35
    msr 0x174, CODE
    msr 0x175, IST1
    msr 0x176, WHERE(2f)
    to_user 1f, IF | IOPL3 | 2
    jmp 3f
1:  user_faults c, .byte 0x48, 0x0f, 0x35
    sysenter
2:  mov %rsp, %rax
    note %rax
    pushfq
    popq %rax
    and $~0x10, %eax            /* AF: `note` leaves it undefined */
    note %rax                   /* IF is off */
    mov %cs, %eax
    shl $16, %eax
    mov %ss, %ax
    note %rax
    mov $WHERE(1f) + USER, %edx
    mov $USTACK + USER, %ecx
    bts $47, %rdx
    faults d, .byte 0x48, 0x0f, 0x35                /* SYSEXIT, 64-bit */
    btr $47, %rdx
    bts $47, %rcx
    faults e, .byte 0x48, 0x0f, 0x35
    btr $47, %rcx
    .byte 0x48, 0x0f, 0x35
1:  mov %cs, %eax
    shl $16, %eax
    mov %ss, %ax
    mov %eax, CELLS + USER
    back
3:  mov CELLS, %eax
    note %rax
    finish sysenter

/* ---- FS and GS ---- */

    program gs_bases, 64
    msr GS_BASE, 0x1000, 0x7000
    msr KERNEL_GS_BASE, DATA_AT
    swapgs
    movl $0x1234, %gs:8
    mov DATA_AT + 8, %eax
    note %rax
    mov $KERNEL_GS_BASE, %ecx
    rdmsr
    note %rax
    note %rdx
    swapgs
    mov $0x8000, %edx
    faults a, wrmsr
    mov $GS_BASE, %ecx
    faults b, wrmsr
    faults c, rdfsbase %rax     /* CR4.FSGSBASE is 0 */
    cr4_set 0x10000
    mov $DATA_AT + 0x10, %eax
    bts $33, %rax
    wrfsbase %rax
    rdfsbase %ebx
    note %rbx
    mov $FS_BASE, %ecx
    rdmsr
    note %rdx
    wrfsbase %eax               /* 32 bits */
    movl $0x5678, %fs:(0)
    mov DATA_AT + 0x10, %eax
    note %rax
    bts $47, %rax
    faults d, wrgsbase %rax
    to_user 1f
    jmp 2f
1:  user_faults e, swapgs
    rdgsbase %rax
    wrgsbase %rax
    mov $DATA_AT + USER, %eax
    wrfsbase %rax
    movl $0x9abc, %fs:0x20
    back
2:  mov DATA_AT + 0x20, %eax
    note %rax
    finish gs_bases

/* ---- what users may not do ---- */

    program privileged, 64
    to_user 1f
    jmp 2f
1:  user_faults a, hlt
    user_faults b, cli
    user_faults c, sti
    user_faults d, mov %cr0, %rax
    user_faults e, mov %rax, %cr3
    user_faults f, mov %dr0, %rax
    user_faults g, rdmsr
    user_faults h, wrmsr
    user_faults i, lgdt CELLS + USER
    user_faults j, lidt CELLS + USER
    user_faults k, lldt %ax
    user_faults l, ltr %ax
    user_faults m, lmsw %ax
    user_faults n, clts
    user_faults o, invlpg CELLS + USER
    user_faults p, wbinvd
    user_faults q, invd
    user_faults r, in $0x80, %al
    user_faults s, out %eax, (%dx)
    xor %ecx, %ecx
    user_faults t, rdpmc
    user_faults u, mov %cr8, %rax
    back
2:  finish privileged

    program user_int, 64
    to_user 1f
    jmp 2f
1:  user_faults a, int $0x31
    user_faults b, int $14
    int $0x80
    mark c
    int3
    mark d
    .byte 0xf1                  /* INT1 does not look at DPL */
    mark e
    back
2:  finish user_int

/* Flags that users can't change with IOPL 0, and can with 3. */
    program user_flags, 64
    to_user 1f
    to_user 2f, IOPL3 | 2
    jmp 3f
1:  push $0x3ed7                /* all but TF and NT */
    popfq
    pushfq
    popq %rax
    note %rax, USER
    back
2:  sti
    pushfq
    popq %rax
    note %rax, USER
    cli
    push $0x0ed7
    popfq
    pushfq
    popq %rax
    note %rax, USER
    cli
    back
3:  finish user_flags

/* A bit for each port, in the byte of the port and the next (vol. 1, 19.5.2). */
    program io_map, 64
    movw $0xfcfe, TSS + TSS_MAP + 0x20          /* ports 0x100, 0x108 and 0x109 */
    movb $0x00, TSS + TSS_MAP + 0x7f            /* 0x3f8 to 0x3ff, the last with bits */
    to_user 1f
    movw $0x100, TSS + 0x66     /* a map beyond the TSS */
    to_user 3f
    jmp 4f
1:  mov $0x100, %edx
    in (%dx), %al
    user_faults a, in (%dx), %ax
    mov $0x107, %edx
    user_faults b, out %ax, (%dx)
    mov $0x108, %edx
    out %ax, (%dx)
    user_faults c, out %eax, (%dx)
    mov $0x3fe, %edx
    in (%dx), %ax
    mov $0x3ff, %edx
    in (%dx), %al
    user_faults d, in (%dx), %ax                /* the map's next byte is ones */
    mov $0x408, %edx
    user_faults e, in (%dx), %al                /* beyond the TSS */
    back
3:  mov $0x100, %edx
    user_faults f, in (%dx), %al
    back
4:  finish io_map

    program io_iopl, 64
    to_user 1f, IOPL3 | 2
    jmp 2f
1:  in $0x80, %al
    mov $0xffff, %edx
    in (%dx), %al
    back
2:  finish io_iopl

    program time_stamp, 64
    cr4_set 4                   /* TSD */
    rdtsc
    to_user 1f
    mov %cr4, %rax
    and $~4, %rax
    mov %rax, %cr4
    to_user 2f
    jmp 3f
1:  user_faults a, rdtsc
    user_faults b, rdtscp
    back
2:  rdtsc
    rdtscp
    back
3:  finish time_stamp

    program umip, 64
    to_user 1f
    cr4_set 0x800               /* UMIP */
    sgdt CELLS
    str %eax
    to_user 2f
    jmp 3f
1:  sgdt CELLS + USER
    sidt CELLS + USER
    sldt %eax
    str %eax
    smsw %eax
    back
2:  user_faults a, sgdt CELLS + USER
    user_faults b, sidt CELLS + USER
    user_faults c, sldt %eax
    user_faults d, str %eax
    user_faults e, smsw %eax
    back
3:  finish umip

/* Users alone, and only with CR0.AM and EFLAGS.AC. */
    program alignment, 64
    mov $DATA_AT + USER, %edi
    to_user 1f, AC | 2
    mov %cr0, %rax
    bts $18, %rax               /* AM */
    mov %rax, %cr0
    pushfq
    orl $AC, (%rsp)
    popfq
    mov 1(%rdi), %eax
    push $2
    popfq
    to_user 2f, AC | 2
    to_user 3f
    jmp 4f
1:  mov 1(%rdi), %eax
    back
2:  mov 1(%rdi), %al
    user_faults a, mov 1(%rdi), %ax
    mov 2(%rdi), %ax
    user_faults b, mov 2(%rdi), %eax
    mov 4(%rdi), %eax
    user_faults c, mov %rax, 4(%rdi)
    user_faults d, lock incl 1(%rdi)
    push %rax
    pop %rax
    sub $1, %rsp
    user_faults e, push %rax
    back
3:  mov 1(%rdi), %rax
    back
4:  finish alignment

/* ---- far calls ---- */

    program call_gate, 64
    mov $WHERE(2f), %eax
    mov %ax, GDT + GATE
    movw $CODE, GDT + GATE + 2
    movw $0xec00, GDT + GATE + 4
    shr $16, %eax
    mov %ax, GDT + GATE + 6
    movl $WHERE(1f), CELLS      /* far pointers: offset, selector */
    movw $GATE | 3, CELLS + 4
    movl $WHERE(5f) + USER, CELLS + 8
    movw $CONFORM | 3, CELLS + 12
    movl $WHERE(2f), CELLS + 16
    movw $CODE | 3, CELLS + 20
    to_user 1f
    jmp 4f
1:  lcall *CELLS + USER
    mark a
    user_faults e, ud2
    lcall *CELLS + USER + 8     /* conforming: still a user */
    user_faults b, lcall *CELLS + USER + 16
    user_faults c, ljmp *CELLS + USER
    back
2:  mov %rsp, %rax
    note %rax
    mov %ss, %eax
    note %rax
    mov 24(%rsp), %rax
    note %rax
    mov 16(%rsp), %rax
    note %rax
    mov 8(%rsp), %rax
    note %rax
    .byte 0x48, 0xcb             /* LRET, 64-bit */
5:  user_faults d, ud2
    lretl
4:  finish call_gate

    .section .note.GNU-stack, "", @progbits
