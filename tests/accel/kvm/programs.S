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

/* As IRET, which KVM's emulator knows in real mode only; EDX is lost. */
    .macro leave_interrupt
    pop %edx
    add $4, %esp
    popf
    jmp *%edx
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
    mov %es:0x1ffe, %eax        /* crosses the end of the page: nothing follows */
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

/* ---- running and standing ---- */

/* 1000 writes that cross from one page of MMIO into the next, 1000 reads. */
    program crossing, 32
    mov $1000, %ecx
1:  mov %ecx, 0xa0ffe
    mov 0xa0ffd, %eax
    add %eax, 0x500
    loop 1b
    done crossing, 10

/* ---- interrupts ---- */

/* Byte 1 says that it is ready; waits until the word at 0x500 is not 0. */
    program wait_interrupt, 32
    movl $0x1ff, 0xfee000f0     /* SVR: on */
    mov $1, %al
    out %al, $0xf4
1:  cli
    cmpl $0, 0x500
    jne 2f
    sti
    hlt
    jmp 1b
2:  done wait_interrupt, 11

/* The same, without sleep and with interrupts closed until 0x504 is not 0. */
    program spin_interrupt, 32
    movl $0x1ff, 0xfee000f0
    mov $1, %al
    out %al, $0xf4
1:  cmpl $0, 0x504
    je 1b
    sti
2:  cmpl $0, 0x500
    je 2b
    done spin_interrupt, 12

    program handler, 32
    incl 0x500
    movl $0, 0xfee000b0         /* EOI */
    leave_interrupt
handler_end:

/* No EOI until 0x504 is not 0. */
    program slow_handler, 32
    mov $2, %al
    out %al, $0xf4
1:  cmpl $0, 0x504
    je 1b
    incl 0x500
    movl $0, 0xfee000b0
    leave_interrupt
slow_handler_end:

/* Wakes the second CPU: INIT, SIPI to 0x3000 (SDM vol. 3, 9.4.4); awaits its word. */
    program wake_second, 32
    movl $0x1ff, 0xfee000f0
    movl $0x01000000, 0xfee00310
    movl $0xc500, 0xfee00300
    movl $0x01000000, 0xfee00310
    movl $0x4603, 0xfee00300
1:  cmpl $0x5ec0, 0x504
    jne 1b
    done wake_second, 13

    program second, 16
    movl $0x5ec0, 0x504
1:  cli
    hlt
    jmp 1b
second_end:

/* The timer: one shot of 100000 bus cycles, divided by 1 (SDM vol. 3, 11.5.4). */
    program lapic_timer, 32
    movl $0x1ff, 0xfee000f0
    movl $0xb, 0xfee003e0
    movl $0x41, 0xfee00320
    movl $100000, 0xfee00380
1:  cli
    cmpl $0, 0x500
    jne 2f
    sti
    hlt
    jmp 1b
2:  done lapic_timer, 14

/* x2APIC: the same through MSRs; a self IPI. */
    program x2apic, 32
    mov $0x1b, %ecx
    rdmsr
    or $0xc00, %eax
    wrmsr
    mov $0x80f, %ecx
    mov $0x1ff, %eax
    xor %edx, %edx
    wrmsr
    mov $0x802, %ecx
    rdmsr
    mov %eax, 0x508
    sti
    mov $0x83f, %ecx
    mov $0x41, %eax
    wrmsr
1:  cmpl $0, 0x500
    je 1b
    done x2apic, 15

    program x2apic_handler, 32
    incl 0x500
    mov $0x80b, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    leave_interrupt
x2apic_handler_end:

/* ---- ticks, through snapshots ---- */

/* In ticker and ticker_tick: a single shot is loaded again. */
    .macro arm_timer
    test $0x40000, %esi
    jnz 7f
    mov %edi, 0xfee00380
    jmp 8f
7:  rdtsc
    add %edi, %eax
    adc $0, %edx
    mov $0x6e0, %ecx            /* IA32_TSC_DEADLINE */
    wrmsr
8:
    .endm

/* Interrupts stay closed: the loop opens them. */
    .macro leave_closed
    movl $0, 0xfee000b0
    pop %edx
    add $8, %esp
    jmp *%edx
    .endm

/*
 * EBX: this CPU's counters; ESI: the timer's LVT entry; EDI: its count; EBP: sleep?
 * An interrupt comes right after STI's shadow or it is a bug: HLT would sleep for good.
 */
    program ticker, 32
    movl $0x1ff, 0xfee000f0
    movl $0xb, 0xfee003e0
    mov %esi, 0xfee00320
    arm_timer
1:  test %ebp, %ebp
    jz 2f
    sti
    hlt
    jmp 1b
2:  sti
    nop
    incl 8(%ebx)
    cli
    jmp 1b
ticker_end:

    program ticker_tick, 32
    incl (%ebx)
    rdtsc
    sub 16(%ebx), %eax          /* the TSC does not go back */
    sbb 20(%ebx), %edx
    jns 1f
    incl 12(%ebx)
1:  add %eax, 16(%ebx)
    adc %edx, 20(%ebx)
    test $0x20000, %esi
    jnz 1f
    arm_timer
1:  leave_closed
ticker_tick_end:

    program ticker_note, 32
    incl 4(%ebx)
    leave_closed
ticker_note_end:

/* With interrupts closed: only what had begun before comes. */
    program await_begun, 32
1:  cmpl $0, 0x500
    je 1b
    done await_begun, 17

    program begun_interrupt, 32
    incl 0x500
    movl $0, 0xfee000b0
    leave_interrupt
begun_interrupt_end:

    program begun_exception, 32
    pop %eax                    /* the error code */
    mov %eax, 0x504
    incl 0x500
    leave_interrupt
begun_exception_end:

/* ---- CPUID ---- */

/* Queries (leaf, index) at 0x600, ended by leaf -1; answers at 0xc00. */
    program cpuid_all, 32
    mov $0x600, %esi
    mov $0xc00, %edi
1:  mov (%esi), %eax
    mov 4(%esi), %ecx
    cmp $-1, %eax
    je 2f
    cpuid
    mov %eax, (%edi)
    mov %ebx, 4(%edi)
    mov %ecx, 8(%edi)
    mov %edx, 12(%edi)
    add $8, %esi
    add $16, %edi
    jmp 1b
2:  done cpuid_all, 16

/* ---- AVX ---- */

    program avx, 64
    vaddpd %ymm0, %ymm1, %ymm2
    vmovupd %ymm2, 0x600
    vextractf128 $1, %ymm2, %xmm3
    done avx, 20

    .section .note.GNU-stack, "", @progbits
