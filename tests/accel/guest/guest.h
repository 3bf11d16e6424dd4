/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs that record what happens to them: the memory they live in, and the
 * macros they are written with.  tests/lib/guest.c lays out the same memory and reads
 * the record.
 *
 * A program is loaded at AT.  Every vector has a handler that appends an entry to the
 * log and returns to the address in RESUME (once), or to where it came from.  With
 * LEAVE there nothing is recorded: the exception leaves user code for the kernel code
 * that entered it.
 */

#ifndef TESTS_ACCEL_GUEST_GUEST_H
#define TESTS_ACCEL_GUEST_GUEST_H

/* Descriptors.  The order of 0x18 to 0x28 is what SYSRET wants. */
#define GDT      0x1000
#define CODE     0x08           /* of the mode that the program starts in */
#define DATA     0x10
#define UCODE32  0x18
#define UDATA    0x20
#define UCODE    0x28           /* 64-bit; in protected mode: 32-bit */
#define CODE32   0x30
#define CONFORM  0x38           /* conforming, of the starting mode */
#define TSS_SEL  0x40           /* two slots in long mode */
#define GATE     0x50           /* for a call gate, two slots */
#define CODE16   0x60
#define DATA16   0x68
#define FREE     0x70           /* two slots for the program */
#define CODE64   0x80           /* 64-bit, in every mode */
#define GDT_END  0x87

#define IDT      0x2000
#define TSS      0x3000         /* with permission bits for 1024 ports, all set */
#define TSS_MAP  0x68
#define RUNTIME  0x4000         /* a stub for each vector, 16 bytes each */

#define RESUME   0x6000
#define COUNT    0x6008         /* entries in the log */
#define LEAVE    1
#define KERNEL   0x6010         /* where LEAVE goes, and its stack pointer */
#define KSTACK   0x6018
#define AP_ENTRY 0x6020 /* where other vCPUs go on: 64-bit code, APIC ID in %ebx */
#define CELLS    0x6100         /* for the program */

/*
 * The log: vector (or LOG_VALUE), error, rip, cs, rflags, rsp, ss, cr2, frame address.
 */
#define LOG       0x7000
#define LOG_SHIFT 7
#define LOG_MAX   32
#define LOG_VALUE 0x100

/*
 * The IDT and the handlers of the other width: 64-bit ones unless begun in long mode.
 */
#define OTHER_IDT     0x40000
#define OTHER_RUNTIME 0x41000

#define STACK    0x9000         /* tops of stacks of a page each */
#define IST1     0xa000
#define IST2     0xb000
#define RSP0     0xc000

#define AP_START 0xe000         /* other vCPUs start here: SIPI vector 0x0e */
#define AP_STACK 0x31000        /* top of that of APIC ID 0, the others follow */

#define AT       0x10000
#define DATA_AT  0x20000        /* two pages for the program's data */
#define USTACK   0x23000

/*
 * Long mode: the first 2 MiB are mapped in small pages, for the kernel; the third 2 MiB
 * are the same memory for users.  The second 2 MiB are free: PT_FREE is their page
 * table, without entries.  The APIC's page is mapped too.
 */
#define PML4     0x50000
#define PDPT     0x51000
#define PD       0x52000
#define PT       0x53000
#define PT_FREE  0x54000
#define PT_USER  0x55000
#define PD_APIC  0x56000
#define SPARE    0x58000        /* pages for tables that programs make: up to 0x60000 */
#define USER     0x400000
#define HOLE     0x200000       /* the free 2 MiB */
#define APIC     0xfee00000

#define END_PORT 0xf4

#ifdef __ASSEMBLER__

    .macro program name, bits
    .pushsection .rodata.marks, "a"
    .balign 8
    .globl guest_\name\()_marks, guest_\name\()_marks_end
guest_\name\()_marks:
    .popsection
    .section .rodata
    .globl guest_\name, guest_\name\()_end
    .code\bits
    .balign 16
guest_\name:
9870:
    .endm

    .macro finish name
    mov $1, %al
    out %al, $END_PORT
9:  jmp 9b
guest_\name\()_end:
    .pushsection .rodata.marks, "a"
guest_\name\()_marks_end:
    .popsection
    .endm

/* The present address is called by this letter in the record. */
    .macro mark letter
9871:
    .pushsection .rodata.marks, "a"
    .long 9871b - 9870b
    .ascii "\letter"
    .balign 8
    .popsection
    .endm

/* A label's address in the loaded program. */
#define WHERE(label) (label - 9870b + AT)

/* An instruction that raises an exception; execution goes on behind it. */
    .macro faults letter, insn:vararg
    movl $WHERE(9872f), RESUME
    mark \letter
    \insn
9872:
    .endm

/* The same in user code. */
    .macro user_faults letter, insn:vararg
    movl $(WHERE(9872f) + USER), RESUME + USER
    mark \letter
    \insn
9872:
    .endm

/* Runs user code from `label` with these flags, until it says `back`.  Long mode. */
    .macro to_user label, flags=2
    mov %rsp, KSTACK
    movq $WHERE(9873f), KERNEL
    push $UDATA | 3
    push $USTACK + USER
    push $\flags
    push $UCODE | 3
    push $(WHERE(\label) + USER)
    iretq
9873:
    .endm

    .macro back from=USER
    movl $LEAVE, RESUME + \from
    ud2
    .endm

/* The same in 16-bit code at AT in virtual-8086 mode; DS is 0. */
    .macro v86_faults letter, insn:vararg
    movl $(9872f - 9870b), RESUME
    mark \letter
    \insn
9872:
    .endm

/* Records a register; in 64-bit code, of users with USER. */
    .macro note reg, from=0
    push %rbx
    push \reg
    mov COUNT + \from, %ebx
    incl COUNT + \from
    shl $LOG_SHIFT, %ebx
    movq $LOG_VALUE, LOG + \from(%rbx)
    popq LOG + 8 + \from(%rbx)
    pop %rbx
    .endm

/* The same in 32-bit code, and in 16-bit code. */
    .macro note32 reg
    push %ebx
    push \reg
    mov COUNT, %ebx
    incl COUNT
    shl $LOG_SHIFT, %ebx
    movl $LOG_VALUE, LOG(%ebx)
    popl LOG + 8(%ebx)
    pop %ebx
    .endm

#endif
#endif
