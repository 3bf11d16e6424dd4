/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest programs: paging in 64-bit code (SDM vol. 3, chapter 4).  HOLE and what follows has no
 * translation until a program makes one.
 */

#include "tests/accel/guest/guest.h"

#define P      1
#define RW     2
#define US     4
#define ACC    0x20
#define DIRTY  0x40
#define PS     0x80
#define GLOBAL 0x100

#define PGE    7                /* bits of CR4 */
#define PCIDE  17
#define SMEP   20
#define SMAP   21
#define WP     16               /* of CR0 */

/* Page n of the hole. */
#define PAGE(n) (HOLE + 0x1000 * (n))

    .macro pte n, value
    movq $\value, PT_FREE + 8 * (\n)
    invlpg PAGE(\n)
    .endm

    .macro cr4_on bit
    mov %cr4, %rax
    bts $\bit, %rax
    mov %rax, %cr4
    .endm

    .macro cr4_off bit
    mov %cr4, %rax
    btr $\bit, %rax
    mov %rax, %cr4
    .endm

    .macro wp_on
    mov %cr0, %rax
    bts $WP, %rax
    mov %rax, %cr0
    .endm

/* ---- rights ---- */

    program not_present, 64
    mov $PAGE(0), %ebx
    faults a, mov (%rbx), %eax
    faults b, mov %eax, 0x123(%rbx)
    mov %rsp, %rbp
    faults c, jmp *%rbx
    mov %rbp, %rsp
    to_user 1f
    jmp 2f
1:  user_faults d, mov (%rbx), %eax
    user_faults e, mov %eax, (%rbx)
    user_faults f, jmp *%rbx
    back
2:  movq $DATA_AT | P, PT_FREE  /* what was not there was not kept */
    movl $0x1234, DATA_AT
    mov (%rbx), %eax
    note %rax
    andb $~P, PD + 8
    mov %cr3, %rax
    mov %rax, %cr3
    faults g, mov (%rbx), %eax
    orb $P, PD + 8
    andb $~P, PDPT + 8 * 3
    mov %cr3, %rax
    mov %rax, %cr3
    mov $APIC, %ebx
    faults h, mov %eax, 0x80(%rbx)
    bts $39, %rbx
    faults i, mov (%rbx), %al
    finish not_present

    program read_only, 64
    pte 0, DATA_AT | P | US
    mov %eax, PAGE(0)           /* CR0.WP is 0 */
    wp_on
    faults a, mov %eax, PAGE(0)
    faults b, lock incl PAGE(0)
    faults c, xchg %eax, PAGE(0)
    mov PAGE(0), %eax
    to_user 1f
    jmp 2f
1:  mov PAGE(0), %eax
    user_faults d, mov %eax, PAGE(0)
    back
2:  pte 0, DATA_AT | P | RW | US
    mov %eax, PAGE(0)
    andb $~RW, PD + 8           /* every level counts */
    invlpg PAGE(0)
    faults e, mov %eax, PAGE(0)
    finish read_only

    program supervisor, 64
    to_user 1f
    pte 0, DATA_AT | P | RW | US
    to_user 2f
    andb $~US, PD + 8
    invlpg PAGE(0)
    to_user 3f
    jmp 4f
1:  user_faults a, mov DATA_AT, %eax
    user_faults b, mov %eax, DATA_AT
    mov $AT, %ebx
    user_faults c, jmp *%rbx
    back
2:  mov %eax, PAGE(0)
    back
3:  user_faults d, mov PAGE(0), %eax
    back
4:  finish supervisor

    program no_execute, 64
    movb $0xc3, DATA_AT         /* RET */
    pte 0, DATA_AT | P | RW | US
    mov $PAGE(0), %ebx
    call *%rbx
    btsq $63, PT_FREE
    invlpg PAGE(0)
    mov PAGE(0), %eax
    mov %eax, PAGE(0) + 8
    mov %rsp, %rbp
    faults a, call *%rbx
    mov %rbp, %rsp
    to_user 1f
    jmp 2f
1:  user_faults b, jmp *%rbx
    back
2:  btrq $63, PT_FREE
    btsq $63, PD + 8
    invlpg PAGE(0)
    faults c, jmp *%rbx
    mov $0xc0000080, %ecx       /* without NXE the bit is reserved */
    rdmsr
    btr $11, %eax
    wrmsr
    faults d, mov PAGE(0), %al
    finish no_execute

    program smep, 64
    movb $0xc3, DATA_AT
    mov $DATA_AT + USER, %ebx
    call *%rbx
    cr4_on SMEP
    faults a, jmp *%rbx
    mov DATA_AT + USER, %al
    mov $DATA_AT, %ebx
    call *%rbx
    to_user 1f
    jmp 2f
1:  nop
    back
2:  finish smep

    program smap, 64
    cr4_on SMAP
    faults a, mov DATA_AT + USER, %eax
    faults b, mov %eax, DATA_AT + USER
    mov DATA_AT, %eax
    stac
    mov DATA_AT + USER, %eax
    mov %eax, DATA_AT + USER
    movl $0x0000000f, GDT + FREE                /* an LDT in a page of users' */
    movl $0x00008242, GDT + FREE + 4
    movl $0x0000ffff, DATA_AT
    movl $0x00cf9300, DATA_AT + 4
    mov $FREE, %eax
    lldt %ax
    mov $4, %eax
    faults c, mov %eax, %ds     /* AC does not help the processor itself */
    clac
    faults d, mov DATA_AT + USER, %al
    to_user 1f
    jmp 2f
1:  mov DATA_AT + USER, %eax
    back
2:  cr4_off SMAP
    mov %eax, %ds
    finish smap

/* ---- entries ---- */

    program reserved, 64
    pte 0, DATA_AT | P | RW | US
    btsq $51, PT_FREE
    invlpg PAGE(0)
    faults a, mov PAGE(0), %eax
    faults b, mov %eax, PAGE(0)
    to_user 1f
    jmp 2f
1:  user_faults c, mov PAGE(0), %eax
    back
2:  movq $0x2000 | P | RW | PS, PD + 8          /* not aligned to 2 MiB */
    invlpg PAGE(0)
    faults d, mov PAGE(0), %eax
    movq $PT_FREE | P | RW, PD + 8
    movq $DATA_AT | RW, PT_FREE /* not present: nothing is reserved */
    btsq $51, PT_FREE
    invlpg PAGE(0)
    faults e, mov PAGE(0), %eax
    movq $P | RW | PS, PML4 + 8
    mov $1, %ebx
    shl $39, %rbx
    faults f, mov (%rbx), %eax
    finish reserved

    program accessed_dirty, 64
    pte 0, DATA_AT | P | RW
    pte 1, DATA_AT | P
    pte 2, DATA_AT | P | RW
    andb $~ACC, PD + 8
    invlpg PAGE(0)
    mov PAGE(0), %eax
    mov PT_FREE, %rax
    note %rax
    mov PD + 8, %al
    and $ACC, %eax
    note %rax
    mov %eax, PAGE(0)
    mov PT_FREE, %rax
    note %rax
    wp_on
    faults a, mov %eax, PAGE(1) /* no right, not dirty */
    mov PT_FREE + 8, %rax
    and $DIRTY, %eax
    note %rax
    xor %eax, %eax
    lock cmpxchg %ecx, PAGE(2)  /* dirty whatever it compares */
    mov PT_FREE + 16, %rax
    note %rax
    andb $~DIRTY, PT_FREE
    invlpg PAGE(0)
    mov PAGE(0), %eax
    mov %eax, PAGE(0)
    mov PT_FREE, %rax
    note %rax
    finish accessed_dirty

    program large_pages, 64
    movl $0x5678, DATA_AT
    movq $P | RW | PS, PD + 8 * 8               /* 2 MiB at 0x1000000 */
    mov 0x1000000 + DATA_AT, %eax
    note %rax
    mov PD + 8 * 8, %rax
    note %rax
    incl 0x1000000 + DATA_AT
    mov PD + 8 * 8, %rax
    note %rax
    andb $~RW, PD + 8 * 8
    invlpg 0x1000000            /* the whole page */
    wp_on
    faults a, incl 0x1000000 + DATA_AT
    finish large_pages

    program huge_pages, 64
    movl $0x5678, DATA_AT
    movq $P | RW | PS, PDPT + 8                 /* 1 GiB */
    mov 0x40000000 + DATA_AT, %eax
    note %rax
    incl 0x40000000 + DATA_AT
    mov PDPT + 8, %rax
    note %rax
    movq $0, PDPT + 8
    invlpg 0x40000000
    faults a, mov 0x40000000 + DATA_AT, %eax
    finish huge_pages

/* ---- what the TLB keeps ---- */

/* Page 0 at 0x20000 holds 1, that at 0x21000 2; who reads 1 has not looked again. */
    .macro two_pages
    movl $1, DATA_AT
    movl $2, DATA_AT + 0x1000
    .endm

    .macro look
    mov PAGE(0), %eax
    note %rax
    .endm

    .macro reload
    mov %cr3, %rax
    mov %rax, %cr3
    .endm

    program global_pages, 64
    two_pages
    cr4_on PGE
    pte 0, DATA_AT | P | RW | GLOBAL
    look
    movq $DATA_AT + 0x1000 | P | RW | GLOBAL, PT_FREE
    reload
    look
    invlpg PAGE(0)
    look
    movq $DATA_AT | P | RW | GLOBAL, PT_FREE
    reload
    look
    cr4_off PGE
    look
    movq $DATA_AT + 0x1000 | P | RW, PT_FREE
    invlpg PAGE(0)
    cr4_on PGE
    look
    movq $DATA_AT | P | RW, PT_FREE
    reload
    look
    finish global_pages

    program pcid, 64
    two_pages
    mov %cr3, %rax
    bts $63, %rax
    faults a, mov %rax, %cr3    /* CR4.PCIDE is 0 */
    mov $PML4 | 1, %eax
    mov %rax, %cr3
    mov %cr4, %rax
    bts $PCIDE, %rax
    faults b, mov %rax, %cr4    /* CR3 has a PCID */
    mov $PML4, %ecx
    mov %rcx, %cr3
    mov %rax, %cr4
    mov %cr0, %rax
    btr $31, %rax
    faults c, mov %rax, %cr0    /* and now paging may not go off */
    pte 0, DATA_AT | P | RW
    look
    mov $SPARE, %edi            /* other tables for PCID 1: a copy but for page 0 */
    mov $PML4, %esi
    mov $0x5000 / 8, %ecx
    cld
    rep movsq
    movq $(SPARE + 0x1000) | 7, SPARE
    movq $(SPARE + 0x2000) | 7, SPARE + 0x1000
    movq $(SPARE + 0x4000) | 7, SPARE + 0x2000 + 8
    movq $DATA_AT + 0x1000 | P | RW, SPARE + 0x4000
    mov $SPARE | 1, %eax
    mov %rax, %cr3
    look
    mov $PML4, %eax
    bts $63, %rax
    mov %rax, %cr3              /* may keep, must not mix */
    look
    mov $SPARE | 1, %eax
    bts $63, %rax
    mov %rax, %cr3
    look
    mov %cr3, %rax
    note %rax
    finish pcid

    program invpcid_types, 64
    two_pages
    cr4_on PGE
    pte 0, DATA_AT | P | RW
    movq $0, CELLS
    movq $PAGE(0), CELLS + 8
    look
    movq $DATA_AT + 0x1000 | P | RW, PT_FREE
    xor %ebx, %ebx
    invpcid CELLS, %rbx         /* one address */
    look
    movq $DATA_AT | P | RW, PT_FREE
    inc %ebx
    invpcid CELLS, %rbx         /* one PCID */
    look
    movq $DATA_AT + 0x1000 | P | RW | GLOBAL, PT_FREE
    mov $3, %ebx
    invpcid CELLS, %rbx         /* all but global pages */
    look
    movq $DATA_AT | P | RW | GLOBAL, PT_FREE
    invpcid CELLS, %rbx
    look
    dec %ebx
    invpcid CELLS, %rbx         /* all */
    look
    mov $4, %ebx
    faults a, invpcid CELLS, %rbx
    movq $0x1000, CELLS
    mov $2, %ebx
    faults b, invpcid CELLS, %rbx               /* reserved bits */
    movq $1, CELLS
    dec %ebx
    faults c, invpcid CELLS, %rbx               /* PCIDs are not on */
    movq $0, CELLS
    btsq $47, CELLS + 8
    dec %ebx
    faults d, invpcid CELLS, %rbx
    to_user 1f
    jmp 2f
1:  user_faults e, invpcid CELLS + USER, %rbx
    back
2:  finish invpcid_types

/* ---- two pages at once ---- */

/* The second page is not there: nothing of the first is written. */
    program crossing, 64
    pte 0, DATA_AT | P | RW
    movq $-1, DATA_AT + 0xff8
    mov $PAGE(1) - 4, %ebx
    mov %cr4, %rax
    or $0x600, %rax
    mov %rax, %cr4
    faults a, mov %rax, (%rbx)
    faults b, mov (%rbx), %rax
    faults c, lock addq $1, (%rbx)
    faults d, xchg %rax, (%rbx)
    faults e, movups %xmm0, (%rbx)
    faults f, sgdt (%rbx)
    mov %rsp, %rbp
    mov $PAGE(1) + 4, %esp
    movb $1, IDT + 14 * 16 + 4  /* IST1 for #PF */
    faults g, push %rax
    mov %rbp, %rsp
    push $5
    faults h, pop (%rbx)
    sub %rsp, %rbp
    note %rbp                   /* 8: it is still there */
    mov DATA_AT + 0xff8, %rax
    note %rax
    lea -2(%rbx), %rdi
    mov $DATA_AT + 0x800, %esi
    mov $4, %ecx
    cld
    faults i, rep movsl         /* one is done */
    note %rcx
    sub %rbx, %rdi
    note %rdi
    finish crossing

/* The same where the second page may only be read, or is the kernel's. */
    program crossing_rights, 64
    wp_on
    pte 0, DATA_AT | P | RW | US
    pte 1, DATA_AT + 0x1000 | P | US
    pte 2, DATA_AT | P | RW
    movq $-1, DATA_AT + 0xff8
    movq $-1, DATA_AT + 0x1ff8
    mov $PAGE(1) - 4, %ebx
    mov $PAGE(2) - 4, %ecx
    faults a, mov %rax, (%rbx)
    mov (%rbx), %rax
    to_user 1f
    jmp 2f
1:  mov (%rbx), %rax
    user_faults b, mov %rax, (%rbx)
    user_faults c, mov (%rcx), %rax
    back
2:  mov DATA_AT + 0xff8, %rax
    note %rax
    movl $0, DATA_AT + 0x1000
    mov (%rbx), %rax
    note %rax
    finish crossing_rights

/* An instruction with its end in the next page: MOV $imm32, %eax; RET. */
    program code_crossing, 64
    movl $0x2211b8 << 8, DATA_AT + 0xffc        /* b8 11 22 at the end */
    movl $0xc34433, DATA_AT + 0x1000
    pte 0, DATA_AT | P | RW
    mov $PAGE(1) - 3, %ebx
    mov %rsp, %rbp
    movl $WHERE(1f), RESUME
    call *%rbx
1:  mov %rbp, %rsp
    pte 1, DATA_AT + 0x1000 | P | RW
    call *%rbx
    note %rax
    movb $0x55, PAGE(1) + 1     /* the second part changes */
    call *%rbx
    note %rax
    movb $0x66, PAGE(1) - 2     /* the first */
    call *%rbx
    note %rax
    movl $0xc38877, DATA_AT + 0x2000
    pte 1, DATA_AT + 0x2000 | P | RW            /* the mapping */
    call *%rbx
    note %rax
    btsq $63, PT_FREE + 8
    invlpg PAGE(1)
    movl $WHERE(1f), RESUME
    call *%rbx
1:  mov %rbp, %rsp
    finish code_crossing

/* ---- code that changes ---- */

    program self_modifying, 64
    xor %ebx, %ebx
    movb $1, 1f + 1(%rip)       /* the next instruction */
1:  mov $0, %al
    movzbl %al, %eax
    note %rax
    movb $2, WHERE(1f) + 1 + USER               /* by another address */
1:  mov $0, %al
    movzbl %al, %eax
    note %rax
    mov $10, %ecx
1:  addb $3, WHERE(2f) + 2      /* again and again, by a change in place */
2:  add $1, %ebx
    dec %ecx
    jnz 1b
    note %rbx
    mov $WHERE(3f), %edi        /* by a string instruction, itself included */
    mov $0x90, %al
    mov $4, %ecx
    cld
    rep stosb
3:  ud2
    ud2
    mov $WHERE(4f), %edi
    mov $0xc3c0ff90, %eax       /* NOP; INC %eax; RET */
    lock xchg %eax, (%rdi)
    xor %eax, %eax
    call 4f
    note %rax
    mov $0xc3c8ff90, %eax       /* NOP; DEC %eax; RET */
    mov $0xc3c0ff90, %ecx
    xchg %eax, %ecx
    lock cmpxchg %ecx, (%rdi)
    xor %eax, %eax
    call 4f
    note %rax
    jmp 5f
4:  ud2
    ud2
5:  finish self_modifying

/* The same code by two addresses, of which one is mapped anew. */
    program code_remapped, 64
    movw $0xc3b0, DATA_AT       /* MOV $..., %al; RET */
    movl $0xc301b0, DATA_AT
    movl $0xc302b0, DATA_AT + 0x1000
    pte 0, DATA_AT | P | RW
    mov $PAGE(0), %ebx
    xor %eax, %eax
    call *%rbx
    note %rax
    pte 0, DATA_AT + 0x1000 | P | RW
    call *%rbx
    note %rax
    movb $5, DATA_AT + 0x1001
    call *%rbx
    note %rax
    pte 0, DATA_AT | P | RW
    call *%rbx
    note %rax
    finish code_remapped

    .section .note.GNU-stack, "", @progbits
