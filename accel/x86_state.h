/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state of one x86-64 CPU, the same for every accelerator: what a snapshot holds,
 * what the monitor prints and what the boot loader sets.  A CPU saved under one
 * accelerator resumes under another when both have its CPUID.  The records are rows
 * (base/field.h); the row tables are in x86_state.c.
 */

#ifndef ACCEL_X86_STATE_H
#define ACCEL_X86_STATE_H

#include "base/field.h"

/* Order of general registers: as instructions encode them. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
/* Order of segment registers: as instructions encode them; then the two system ones. */
enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, SEG_COUNT };

#define X86_REGS_ROWS(row)                                              \
    row(X86Regs,                                                        \
        (u64[16], gpr,    "rax rcx rdx rbx rsp rbp rsi rdi r8 to r15"), \
        (u64,     rip,    "instruction pointer"),                       \
        (u64,     rflags, "flags"))

/* Segment attributes are the second word of a descriptor, bits 8-15 and 20-23 in place:
   type 8-11, S 12, DPL 13-14, P 15, AVL 20, L 21, D/B 22, G 23; bit 16 means unusable (as in VMX). */
#define X86_SEGS_ROWS(row)                                                       \
    row(X86Segs,                                                                 \
        (u64[SEG_COUNT], base,      "segment bases: es cs ss ds fs gs ldtr tr"), \
        (u32[SEG_COUNT], limit,     "segment limits in bytes, expanded"),        \
        (u32[SEG_COUNT], attr,      "segment attributes, descriptor bits 8-23"), \
        (u16[SEG_COUNT], selector,  "segment selectors"),                        \
        (u64,            gdt_base,  "gdtr base"),                                \
        (u64,            idt_base,  "idtr base"),                                \
        (u16,            gdt_limit, "gdtr limit"),                               \
        (u16,            idt_limit, "idtr limit"),                               \
        (u32,            reserved,  "zero"))

#define X86_CONTROL_ROWS(row)                       \
    row(X86Control,                                 \
        (u64,    cr0,  "control register 0"),       \
        (u64,    cr2,  "page fault address"),       \
        (u64,    cr3,  "page table root and PCID"), \
        (u64,    cr4,  "control register 4"),       \
        (u64,    cr8,  "task priority", .max = 15), \
        (u64,    efer, "extended features"),        \
        (u64,    xcr0, "enabled XSAVE components"), \
        (u64,    apic_base, "IA32_APIC_BASE"),      \
        (u64[8], dr,   "debug registers"))

/*
 * Model-specific registers, apart from EFER and APIC_BASE, as (number, value) pairs:
 * accel lists what it has.
 */
enum { X86_MSR_MAX = 512 };
#define X86_MSRS_ROWS(row)                                                \
    row(X86Msrs,                                                          \
        (u32,              count,    "pairs in use", .max = X86_MSR_MAX), \
        (u32,              reserved, "zero"),                             \
        (u32[X86_MSR_MAX], index,    "MSR numbers"),                      \
        (u64[X86_MSR_MAX], value,    "MSR values"))

/*
 * XSAVE area in the standard (not compacted) format: legacy 512 bytes, header, then AVX
 * and so on at CPUID 0xd's offsets.
 */
enum { X86_XSAVE_BYTES = 4096 };
#define X86_XSAVE_ROWS(row) \
    row(X86Xsave,           \
        (u8[X86_XSAVE_BYTES], area, "x87, SSE and extended state in the XSAVE layout"))

/*
 * The local APIC's registers as 32-bit words, one per 16 bytes of its page (SDM vol. 3,
 * table 11-1).
 */
#define X86_LAPIC_ROWS(row)                                                        \
    row(X86Lapic,                                                                  \
        (u32[64], reg,          "registers 0x000 to 0x3f0, one per 16 bytes"),     \
        (u64,     timer_start,  "virtual time at which the count was loaded, ns"), \
        (u64,     tsc_deadline, "IA32_TSC_DEADLINE"))

/* What is on its way to the CPU, and whether it runs at all. */
#define X86_EVENTS_ROWS(row)                                                  \
    row(X86Events,                                                            \
        (u64, exception_payload, "cr2 or dr6 of a pending exception"),        \
        (u64, tsc,               "time-stamp counter at this moment"),        \
        (u64, tsc_khz,           "its ticks per ms, 0: as the accelerator likes", \
            .max = 100000000),                                                \
        (u32, exception_error,   "error code of a pending exception"),        \
        (u8,  exception,         "vector of a pending exception"),            \
        (u8,  exception_pending, "1 if there is one", .max = 1),              \
        (u8,  exception_has_error, "1 if it pushes an error code", .max = 1), \
        (u8,  interrupt,         "vector of an interrupt being delivered"),   \
        (u8,  interrupt_pending, "1 if there is one", .max = 1),              \
        (u8,  interrupt_soft,    "1 if it is INT n", .max = 1),               \
        (u8,  interrupt_shadow,  "1 after STI or MOV SS", .max = 1),          \
        (u8,  nmi_pending,       "1 if an NMI waits", .max = 1),              \
        (u8,  nmi_masked,        "1 until IRET after an NMI", .max = 1),      \
        (u8,  smi_pending,       "1 if an SMI waits", .max = 1),              \
        (u8,  run_state,         "0 runs, 1 halted, 2 waits for INIT,         \
            3 waits for SIPI", .max = 3),                                     \
        (u8,  sipi_vector,       "vector of the last SIPI"))

X86_REGS_ROWS(STATE_STRUCT);
X86_SEGS_ROWS(STATE_STRUCT);
X86_CONTROL_ROWS(STATE_STRUCT);
X86_MSRS_ROWS(STATE_STRUCT);
X86_XSAVE_ROWS(STATE_STRUCT);
X86_LAPIC_ROWS(STATE_STRUCT);
X86_EVENTS_ROWS(STATE_STRUCT);

enum { RUN_RUNNING, RUN_HALTED, RUN_WAIT_INIT, RUN_WAIT_SIPI };

typedef struct {
    X86Regs regs;
    X86Segs segs;
    X86Control control;
    X86Events events;
    X86Lapic lapic;
    X86Xsave xsave;
    X86Msrs msrs;
} X86State;

/*
 * The records of an X86State, for whoever saves, checks or prints all of it.  Ends with
 * name NULL.
 */
typedef struct {
    const char *name;           /* "regs", "segs", ... */
    const Field *fields;
    size_t at, size;            /* inside X86State */
} X86Record;
extern const X86Record x86_records[];

/*
 * The state after RESET (SDM vol. 3, table 10-1); `bsp`: runs, with the BSP flag, else
 * waits for SIPI.
 */
void x86_state_reset(X86State *state, u32 apic_id, bool bsp);

/*
 * Adds or changes an MSR pair; false when the table is full.  Reading: false if it is
 * not there.
 */
bool x86_msr_put(X86State *state, u32 index, u64 value);
bool x86_msr_get(const X86State *state, u32 index, u64 *value);

/* As QEMU's "info registers" lays it out. */
void x86_state_print(const X86State *state, unsigned cpu, GString *out);

/* Flags and control bits by the SDM's names. */
enum {
    FLAG_CF = 1 << 0,
    FLAG_PF = 1 << 2,
    FLAG_AF = 1 << 4,
    FLAG_ZF = 1 << 6,
    FLAG_SF = 1 << 7,
    FLAG_TF = 1 << 8,
    FLAG_IF = 1 << 9,
    FLAG_DF = 1 << 10,
    FLAG_OF = 1 << 11,
    FLAG_IOPL = 3 << 12,
    FLAG_NT = 1 << 14,
    FLAG_RF = 1 << 16,
    FLAG_VM = 1 << 17,
    FLAG_AC = 1 << 18,
    FLAG_VIF = 1 << 19,
    FLAG_VIP = 1 << 20,
    FLAG_ID = 1 << 21,
    FLAGS_ARITH = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
};
#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)
#define CR4_VME (1u << 0)
#define CR4_PVI (1u << 1)
#define CR4_TSD (1u << 2)
#define CR4_DE (1u << 3)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_MCE (1u << 6)
#define CR4_PGE (1u << 7)
#define CR4_PCE (1u << 8)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_LA57 (1u << 12)
#define CR4_FSGSBASE (1u << 16)
#define CR4_PCIDE (1u << 17)
#define CR4_OSXSAVE (1u << 18)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define DR6_FIXED 0xffff0ff0u     /* bits that read as 1 */
#define DR6_BD (1u << 13)
#define DR6_BS (1u << 14)
#define DR7_FIXED 0x400u
#define DR7_ENABLED 0xffu         /* L0 G0 to L3 G3 */
#define DR7_GD (1u << 13)
#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)

/* Segment attribute bits (descriptor bits 8-23 in place). */
#define SEG_TYPE(attr) (((attr) >> 8) & 15)
#define SEG_S (1u << 12)
#define SEG_DPL(attr) (((attr) >> 13) & 3)
#define SEG_P (1u << 15)
#define SEG_UNUSABLE (1u << 16)
#define SEG_L (1u << 21)
#define SEG_DB (1u << 22)
#define SEG_G (1u << 23)

/* Exception vectors (SDM vol. 3, table 6-1). */
enum {
    EXC_DE = 0,
    EXC_DB = 1,
    EXC_NMI = 2,
    EXC_BP = 3,
    EXC_OF = 4,
    EXC_BR = 5,
    EXC_UD = 6,
    EXC_NM = 7,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14,
    EXC_MF = 16,
    EXC_AC = 17,
    EXC_MC = 18,
    EXC_XM = 19,
};

/* MSR numbers (SDM vol. 4). */
enum {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_SPEC_CTRL = 0x48,
    MSR_TSC_ADJUST = 0x3b,
    MSR_BIOS_SIGN_ID = 0x8b,
    MSR_MTRRCAP = 0xfe,
    MSR_ARCH_CAPABILITIES = 0x10a,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_MTRR_PHYSBASE0 = 0x200,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K_80000 = 0x258,
    MSR_MTRR_FIX16K_A0000 = 0x259,
    MSR_MTRR_FIX4K_C0000 = 0x268,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2ff,
    MSR_MC0_CTL = 0x400,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_X2APIC = 0x800,
    MSR_KVM_WALL_CLOCK = 0x4b564d00,
    MSR_KVM_SYSTEM_TIME = 0x4b564d01,
    MSR_KVM_ASYNC_PF = 0x4b564d02,
    MSR_KVM_STEAL_TIME = 0x4b564d03,
    MSR_KVM_PV_EOI = 0x4b564d04,
    MSR_KVM_POLL = 0x4b564d05,
};
enum {
    MSR_EFER = (int)0xc0000080,
    MSR_STAR = (int)0xc0000081,
    MSR_LSTAR = (int)0xc0000082,
    MSR_CSTAR = (int)0xc0000083,
    MSR_SFMASK = (int)0xc0000084,
    MSR_FS_BASE = (int)0xc0000100,
    MSR_GS_BASE = (int)0xc0000101,
    MSR_KERNEL_GS_BASE = (int)0xc0000102,
    MSR_TSC_AUX = (int)0xc0000103,
};

#endif
