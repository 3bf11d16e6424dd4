/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory accesses that the TLB's fast path (mmu.h) does not take: misses, pages of
 * devices, ROM, the local APIC and decoded code, accesses across a page boundary, and
 * all of them while cpu->tlb is the empty one (alignment checks, data breakpoints:
 * debug.c).
 *
 * An access is first turned into one or two Places, which raises every fault it can
 * raise, and only then done.  A Place holds no TLB entry: while a vCPU is in a device
 * its TLB may be flushed.  RAM itself never goes away; a foreign page
 * (region_init_foreign) may while the vCPU is in a device: its Place is made anew then.
 *
 * On the vCPU's own thread, in the guest.  tlb.c fills and flushes.
 */

#include "accel/soft/soft.h"
#include "accel/soft/tlb.h"
#include "accel/soft/walk.h"

/* Where the bytes of an access in one page are. */
typedef struct {
    u8 *host;                   /* NULL: a device */
    gpa phys;
    TlbEntry *code;             /* a write to decoded code: the entry it made slow */
    u64 ram_page;
    u8 kind;                    /* TLB_DEVICE, TLB_APIC, TLB_ROM, TLB_FOREIGN */
} Place;

/* ---- whose access, and is its address one ---- */

static MmuMode mode_now(const Cpu *cpu)
{
    return mmu_mode(cpu, cpu->cpl, false);
}

/* The second page of an access: addresses of 32 bits wrap. */
static gva wrap(const Cpu *cpu, gva at)
{
    return cpu_long(cpu) ? at : (u32)at;
}

/*
 * Does the present instruction reach memory through SS: by the base register of its
 * operand, or as PUSH, POP and CALL do?
 */
static bool on_stack(const Cpu *cpu)
{
    const Insn *insn = cpu->insn;

    if (insn && insn->shape & INSN_MEM) {
        return insn->seg == SEG_FLAT && (insn->base == RSP || insn->base == RBP);
    }
    return insn && opcode_row(insn->op)->attr & OP_DEF64;
}

/*
 * SDM vol. 1, 3.3.7.1: an address that is not canonical is #SS on the stack, else #GP.
 */
static void check_canonical(Cpu *cpu, gva at, size_t n)
{
    if (cpu_long(cpu) && unlikely(!cpu_canonical(cpu, at) ||
                                  !cpu_canonical(cpu, at + n - 1))) {
        cpu_raise_error(cpu, on_stack(cpu) ? EXC_SS : EXC_GP, 0);
    }
}

/* ---- places ---- */

static Place place(Cpu *cpu, gva at, Access access, MmuMode mode)
{
    TlbEntry *e = tlb_get(cpu, at, access, mode);
    const TlbInfo *info = tlb_info_of(cpu, e, mode);
    Place p = {
        .phys = (info->phys & PAGE_MASK) | (at & ~PAGE_MASK),
        .ram_page = info->ram_page,
        .kind = info->phys & (TLB_DEVICE | TLB_APIC | TLB_ROM | TLB_FOREIGN),
    };

    if (!(p.kind & (TLB_DEVICE | TLB_APIC))) {
        p.host = (u8 *)(uintptr_t)(at + e->addend);
    }
    if (access == ACCESS_WRITE && (e->write & TLB_SLOW) && p.host &&
        !(p.kind & TLB_ROM)) {
        p.code = e;
    }
    return p;
}

/* After a write: code decoded from these bytes is gone, maybe the last of its page. */
static void place_written(Cpu *cpu, const Place *p, size_t n)
{
    if (p->code) {
        mmu_range_written(cpu, p->ram_page, p->phys & ~PAGE_MASK, n);
        tlb_code_gone(cpu, p->code, p->ram_page);
    }
}

/* The largest naturally aligned power of two that begins at `at` and fits into `n`. */
static unsigned piece(gpa at, size_t n)
{
    unsigned size = 8;

    while (size > n || (at & (size - 1))) {
        size /= 2;
    }
    return size;
}

/*
 * The local APIC's registers are 32 bits, one to each 16 bytes (SDM vol. 3, 11.4.1);
 * other accesses are undefined: reads see the bytes of the register, writes do nothing.
 */
static u64 apic_read(Cpu *cpu, gpa at, unsigned size)
{
    unsigned offset = at & ~PAGE_MASK, byte = offset & 15;
    u64 value = byte < 4 ? lapic_read(cpu->lapic, offset & ~15u) >> byte * 8 : 0;

    return size == 8 ? value : value & ((1ull << size * 8) - 1);
}

static void apic_write(Cpu *cpu, gpa at, u64 value, unsigned size)
{
    unsigned offset = at & ~PAGE_MASK;

    if (!(offset & 15) && size >= 4) {
        lapic_write(cpu->lapic, offset, value);
    }
}

static u64 device_read(Cpu *cpu, const Place *p, gpa at, unsigned size)
{
    return p->kind & TLB_APIC ? apic_read(cpu, at, size) : cpu_mmio_read(cpu, at, size);
}

static void device_write(Cpu *cpu, const Place *p, gpa at, u64 value, unsigned size)
{
    if (p->kind & TLB_APIC) {
        apic_write(cpu, at, value, size);
    } else {
        cpu_mmio_write(cpu, at, value, size);
    }
}

static void place_read(Cpu *cpu, const Place *p, u8 *to, size_t n)
{
    if (p->host) {
        memcpy(to, p->host, n);
        return;
    }
    for (size_t done = 0; done < n;) {
        unsigned size = piece(p->phys + done, n - done);
        u64 value = device_read(cpu, p, p->phys + done, size);

        memcpy(to + done, &value, size);
        done += size;
    }
}

static void place_write(Cpu *cpu, const Place *p, const u8 *from, size_t n)
{
    if (p->host && !(p->kind & TLB_ROM)) {
        memcpy(p->host, from, n);
        place_written(cpu, p, n);
        return;
    }
    for (size_t done = 0; done < n;) {
        unsigned size = piece(p->phys + done, n - done);
        u64 value = 0;

        memcpy(&value, from + done, size);
        device_write(cpu, p, p->phys + done, value, size);
        done += size;
    }
}

/* ---- any length ---- */

/* The second page of an access whose first one is done. */
static void place_again(Cpu *cpu, Place *high, gva at, Access access, MmuMode mode)
{
    if (high->kind & TLB_FOREIGN) {
        *high = place(cpu, at, access, mode);
    }
}

/* A read or a write of up to a page, which may lie in two. */
static void access_bytes(Cpu *cpu, gva at, u8 *to, const u8 *from, size_t n,
                         MmuMode mode)
{
    Access access = from ? ACCESS_WRITE : ACCESS_READ;
    size_t first = MIN(n, PAGE_BYTES - (at & ~PAGE_MASK));
    Place low, high;

    check_canonical(cpu, at, n);
    low = place(cpu, at, access, mode);
    if (first < n) {
        high = place(cpu, wrap(cpu, at + first), access, mode);
    }
    if (from) {
        place_write(cpu, &low, from, first);
        if (first < n) {
            place_again(cpu, &high, wrap(cpu, at + first), access, mode);
            place_write(cpu, &high, from + first, n - first);
        }
    } else {
        place_read(cpu, &low, to, first);
        if (first < n) {
            place_again(cpu, &high, wrap(cpu, at + first), access, mode);
            place_read(cpu, &high, to + first, n - first);
        }
    }
}

void mmu_read(Cpu *cpu, gva at, void *to, size_t n)
{
    debug_access(cpu, at, n, ACCESS_READ);
    access_bytes(cpu, at, to, NULL, n, mode_now(cpu));
}

void mmu_write(Cpu *cpu, gva at, const void *from, size_t n)
{
    debug_access(cpu, at, n, ACCESS_WRITE);
    access_bytes(cpu, at, NULL, from, n, mode_now(cpu));
}

void mmu_read_system(Cpu *cpu, gva at, void *to, size_t n)
{
    access_bytes(cpu, at, to, NULL, n, mmu_mode(cpu, 0, true));
}

void mmu_write_system(Cpu *cpu, gva at, const void *from, size_t n)
{
    access_bytes(cpu, at, NULL, from, n, mmu_mode(cpu, 0, true));
}

void mmu_read_as(Cpu *cpu, gva at, void *to, size_t n, unsigned cpl)
{
    access_bytes(cpu, at, to, NULL, n, mmu_mode(cpu, cpl, false));
}

void mmu_write_as(Cpu *cpu, gva at, const void *from, size_t n, unsigned cpl)
{
    access_bytes(cpu, at, NULL, from, n, mmu_mode(cpu, cpl, false));
}

void mmu_probe_write(Cpu *cpu, gva at, size_t n)
{
    size_t first = MIN(n, PAGE_BYTES - (at & ~PAGE_MASK));

    check_canonical(cpu, at, n);
    if (unlikely(cpu->data_checks)) {
        debug_align(cpu, at, n);
    }
    (void)tlb_get(cpu, at, ACCESS_WRITE, mode_now(cpu));
    if (first < n) {
        (void)tlb_get(cpu, wrap(cpu, at + first), ACCESS_WRITE, mode_now(cpu));
    }
}

void mmu_probe_read(Cpu *cpu, gva at)
{
    check_canonical(cpu, at, 1);
    (void)tlb_get(cpu, at, ACCESS_READ, mode_now(cpu));
}

/* ---- 1, 2, 4 or 8 bytes: one access of the host where it is one of the guest ---- */

static u64 host_load(const u8 *host, unsigned size)
{
    switch (size) {
    case 1:
        return *(const volatile Guest8 *)host;
    case 2:
        return *(const volatile Guest16 *)host;
    case 4:
        return *(const volatile Guest32 *)host;
    default:
        return *(const volatile Guest64 *)host;
    }
}

static void host_store(u8 *host, u64 value, unsigned size)
{
    switch (size) {
    case 1:
        *(volatile Guest8 *)host = value;
        break;
    case 2:
        *(volatile Guest16 *)host = value;
        break;
    case 4:
        *(volatile Guest32 *)host = value;
        break;
    default:
        *(volatile Guest64 *)host = value;
    }
}

u64 mmu_load_slow(Cpu *cpu, gva at, unsigned size)
{
    u64 value = 0;
    Place p;

    debug_access(cpu, at, size, ACCESS_READ);
    if (!in_one_page(at, size)) {
        access_bytes(cpu, at, (u8 *)&value, NULL, size, mode_now(cpu));
        return value;
    }
    check_canonical(cpu, at, size);
    p = place(cpu, at, ACCESS_READ, mode_now(cpu));
    if (likely(p.host)) {
        return host_load(p.host, size);
    }
    place_read(cpu, &p, (u8 *)&value, size);
    return value;
}

void mmu_store_slow(Cpu *cpu, gva at, u64 value, unsigned size)
{
    Place p;

    debug_access(cpu, at, size, ACCESS_WRITE);
    if (!in_one_page(at, size)) {
        access_bytes(cpu, at, NULL, (const u8 *)&value, size, mode_now(cpu));
        return;
    }
    check_canonical(cpu, at, size);
    p = place(cpu, at, ACCESS_WRITE, mode_now(cpu));
    if (likely(p.host && !(p.kind & TLB_ROM))) {
        host_store(p.host, value, size);
        place_written(cpu, &p, size);
    } else {
        place_write(cpu, &p, (const u8 *)&value, size);
    }
}

/*
 * Code is dropped before the caller writes.  Another vCPU may decode the old bytes
 * again meanwhile, so the page has to be without code: it becomes code again in an
 * exclusive section only, which waits for this instruction.
 */
void *mmu_rmw(Cpu *cpu, gva at, unsigned size)
{
    const TlbEntry *e = mmu_entry(cpu, at);
    Place p;

    if (likely(e->write == (at & PAGE_MASK) && in_one_page(at, size))) {
        return (u8 *)(uintptr_t)(at + e->addend);
    }
    debug_access(cpu, at, size, ACCESS_WRITE);
    mmu_probe_write(cpu, at, size);
    if (!in_one_page(at, size)) {
        return NULL;
    }
    p = place(cpu, at, ACCESS_WRITE, mode_now(cpu));
    if (!p.host || (p.kind & TLB_ROM)) {
        return NULL;
    }
    if (p.code) {
        mmu_range_written(cpu, p.ram_page, 0, PAGE_BYTES);
        tlb_code_gone(cpu, p.code, p.ram_page);
    }
    return p.host;
}

/* ---- code ---- */

/*
 * NULL: a device answers there, or it is foreign memory, and nothing is decoded from
 * either: the caller raises #GP(0).
 */
const u8 *mmu_fetch(Cpu *cpu, gva at, gpa *phys, u64 *ram_page)
{
    Place p;

    if (cpu_long(cpu) && !cpu_canonical(cpu, at)) {
        cpu_gp(cpu, 0);
    }
    p = place(cpu, at, ACCESS_EXEC, mode_now(cpu));
    *phys = p.phys;
    *ram_page = p.ram_page;
    return p.kind & TLB_FOREIGN ? NULL : p.host;
}
