/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel that is entered directly finds in the vCPU: flat segments, and in long
 * mode a map of the first 4 GiB onto itself.  Main thread.
 */

#include "hw/machine/boot.h"
#include "base/bytes.h"

/*
 * Linux's 64-bit entry asks for its code segment at 0x10 and its data segment at 0x18
 * (boot protocol, 64-bit entry); PVH and multiboot leave the selectors open.
 */
enum { CODE = 0x10, DATA = 0x18, TASK = 0x20, GDT_BYTES = 0x30 };

enum {
    ATTR_CODE = 0xb << 8 | SEG_S | SEG_P | SEG_G,   /* accessed, readable */
    ATTR_DATA = 0x3 << 8 | SEG_S | SEG_P | SEG_G | SEG_DB,
    ATTR_TASK = 0xb << 8 | SEG_P,                   /* busy */
    TASK_LIMIT = 0x67,
};

enum { PTE_PRESENT = 1, PTE_WRITE = 2, PTE_LARGE = 0x80, MAP_GIB = 4 };

/* A descriptor with base 0 (SDM vol. 3, figure 3-8); attributes as in X86Segs. */
static u64 descriptor(u32 limit, u32 attr)
{
    u32 raw = attr & SEG_G ? limit >> 12 : limit;

    return (u64)(attr & 0xf0ff00) << 32 | (u64)(raw & 0xf0000) << 32 | (raw & 0xffff);
}

static u32 code_attr(BootMode mode)
{
    return ATTR_CODE | (mode == ENTER_LONG ? SEG_L : SEG_DB);
}

static bool place_gdt(Boot *boot, BootMode mode, GError **err)
{
    u8 *gdt = g_malloc0(GDT_BYTES);

    put64(gdt + CODE, descriptor(UINT32_MAX, code_attr(mode)));
    put64(gdt + DATA, descriptor(UINT32_MAX, ATTR_DATA));
    put64(gdt + TASK, descriptor(TASK_LIMIT, ATTR_TASK));
    return boot_place(boot, gdt, GDT_BYTES, &boot->gdt, err);
}

/*
 * One level 4 table, one level 3 table, and a level 2 table of 2 MiB pages for each
 * GiB.
 */
static bool place_page_tables(Boot *boot, GError **err)
{
    size_t n = (2 + MAP_GIB) * PAGE_BYTES;
    u8 *tables = g_malloc0(n);
    u8 *level3 = tables + PAGE_BYTES, *level2 = level3 + PAGE_BYTES;

    if (!boot_place(boot, tables, n, &boot->page_tables, err)) {
        return false;
    }
    put64(tables, (boot->page_tables + PAGE_BYTES) | PTE_PRESENT | PTE_WRITE);
    for (unsigned i = 0; i < MAP_GIB; i++) {
        put64(level3 + 8 * i,
              (boot->page_tables + (2 + i) * PAGE_BYTES) | PTE_PRESENT | PTE_WRITE);
    }
    for (u64 i = 0; i < MAP_GIB * 512; i++) {
        put64(level2 + 8 * i, i << 21 | PTE_PRESENT | PTE_WRITE | PTE_LARGE);
    }
    return true;
}

bool boot_place_tables(Boot *boot, BootMode mode, GError **err)
{
    boot->mode = mode;
    return place_gdt(boot, mode, err) &&
           (mode == ENTER_PROTECTED || place_page_tables(boot, err));
}

static void set_segment(X86State *state, unsigned n, u16 selector, u32 limit, u32 attr)
{
    state->segs.selector[n] = selector;
    state->segs.base[n] = 0;
    state->segs.limit[n] = limit;
    state->segs.attr[n] = attr;
}

/*
 * Firmware leaves the MTRRs on and memory cacheable; a kernel that finds them off gives
 * up on page attributes.  SDM vol. 3, 12.11: 6 is write-back, 0 uncached; the last
 * value enables both kinds of ranges and makes the rest write-back.
 */
static void set_mtrrs(X86State *state)
{
    enum { ALL_WRITE_BACK = 6, ENABLE = 0xc00 };
    static const u64 write_back = 0x0606060606060606;
    bool room = x86_msr_put(state, MSR_MTRR_FIX64K, write_back) &&
                x86_msr_put(state, MSR_MTRR_FIX16K_80000, write_back) &&
                x86_msr_put(state, MSR_MTRR_FIX16K_A0000, 0) &&
                x86_msr_put(state, MSR_MTRR_DEF_TYPE, ENABLE | ALL_WRITE_BACK);

    for (unsigned i = 0; i < 8; i++) {
        room = room && x86_msr_put(state, MSR_MTRR_FIX4K_C0000 + i, write_back);
    }
    g_assert(room);                 /* a reset state leaves some */
}

void boot_state(const Boot *boot, unsigned cpu, X86State *state)
{
    X86Control *control = &state->control;

    set_mtrrs(state);
    if (cpu) {
        return;
    }
    set_segment(state, SEG_CS, CODE, UINT32_MAX, code_attr(boot->mode));
    for (unsigned i = 0; i < SEG_LDTR; i++) {
        if (i != SEG_CS) {
            set_segment(state, i, DATA, UINT32_MAX, ATTR_DATA);
        }
    }
    set_segment(state, SEG_TR, TASK, TASK_LIMIT, ATTR_TASK);
    state->segs.gdt_base = boot->gdt;
    state->segs.gdt_limit = GDT_BYTES - 1;
    control->cr0 = CR0_PE | CR0_ET;
    if (boot->mode == ENTER_LONG) {
        control->cr0 |= CR0_PG;
        control->cr4 |= CR4_PAE;
        control->cr3 = boot->page_tables;
        control->efer |= EFER_LME | EFER_LMA;
    }
    state->regs.rip = boot->entry;
    state->regs.gpr[RAX] = boot->rax;
    state->regs.gpr[RBX] = boot->rbx;
    state->regs.gpr[RDX] = 0;
    state->regs.gpr[RSI] = boot->rsi;
    state->regs.rflags = 2;
}
