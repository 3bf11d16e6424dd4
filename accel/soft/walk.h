/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page tables, as mmu.c and the control registers see them; everybody else uses
 * mmu.h.
 */

#ifndef ACCEL_SOFT_WALK_H
#define ACCEL_SOFT_WALK_H

#include "accel/soft/mmu.h"

/* Page fault error code (SDM vol. 3, figure 4-12). */
enum {
    PF_PRESENT = 1 << 0, PF_WRITE = 1 << 1, PF_USER = 1 << 2, PF_RESERVED = 1 << 3,
    PF_FETCH = 1 << 4,
};

/* What the tables say of an address. */
typedef struct {
    gpa phys;                   /* of its 4 KiB page */
    u64 bytes;                  /* size of the page that maps it */
    bool user, write, exec;     /* all levels taken together */
    bool global, dirty;
} Walk;

/*
 * Translates for an access by `mode` and sets accessed and dirty bits.  False: *error
 * is the page fault's error code, and nothing was changed.
 */
bool mmu_walk(Cpu *cpu, gva at, Access access, MmuMode mode, Walk *walk,
              u32 *error) must_check;

/* What `mode` may do with such a page: 1 << ACCESS_* bits. */
unsigned walk_rights(const Cpu *cpu, const Walk *walk, MmuMode mode);

/* Reads the four PAE entries at `cr3`; false: one of them sets reserved bits. */
bool walk_load_pdptes(const Cpu *cpu, u64 cr3, u64 pdpte[4]) must_check;

/*
 * Bytes of a RAM page were written past the TLB: marks it, and drops code decoded from
 * them.
 */
void mmu_range_written(Cpu *cpu, u64 ram_page, unsigned offset, unsigned n);

#endif
