/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU model being built: between cpu_model.c, which decides what the guest shall
 * have, and cpu_leaves.c, which writes it as CPUID leaves.
 */

#ifndef ACCEL_CPU_BUILD_H
#define ACCEL_CPU_BUILD_H

#include "accel/cpu_model.h"

enum { FEATURES_MAX = 256 };

typedef struct {
    const CpuidTable *supported;    /* by the accelerator */
    const CpuTopology *topology;
    CpuidTable *out;
    bool want[FEATURES_MAX];        /* by row of cpu_features; all are supported */
    bool whole;                     /* host, max: also what is no feature bit */
    const char *vendor;             /* 12 letters */
    bool own_vendor;                /* even if the accelerator has another */
    const char *brand;              /* NULL: the accelerator's */
    u32 family, model, stepping;
    bool own_family;                /* even if the accelerator has another */
    u32 level;                      /* highest basic leaf at least */
    u32 phys_bits;                  /* 0: all there are */
    bool kvm;                       /* show the hypervisor's leaves */
} CpuBuild;

void cpu_leaves_build(const CpuBuild *b);

#endif
