/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU features: the name of each, as on the command line, and where CPUID tells of it
 * (SDM vol. 2A, CPUID; AMD's APM vol. 3, appendix E; for KVM's, Linux
 * Documentation/virt/kvm/x86/cpuid.rst).  A name on two rows is one feature with two
 * bits.
 */

#include "accel/cpu_model.h"

enum { A, B, C, D };

/* A macro per word of feature bits: leaf, sub-leaf, register. */
#define F1D(bit, name, help)      { name, help, 1, 0, D, bit }
#define F1C(bit, name, help)      { name, help, 1, 0, C, bit }
#define F6A(bit, name, help)      { name, help, 6, 0, A, bit }
#define F7B(bit, name, help)      { name, help, 7, 0, B, bit }
#define F7C(bit, name, help)      { name, help, 7, 0, C, bit }
#define F7D(bit, name, help)      { name, help, 7, 0, D, bit }
#define F71A(bit, name, help)     { name, help, 7, 1, A, bit }
#define F72D(bit, name, help)     { name, help, 7, 2, D, bit }
#define FD1A(bit, name, help)     { name, help, 0xd, 1, A, bit }
#define FKVM(bit, name, help)     { name, help, 0x40000001, 0, A, bit }
#define FX1C(bit, name, help)     { name, help, 0x80000001, 0, C, bit }
#define FX1D(bit, name, help)     { name, help, 0x80000001, 0, D, bit }
#define FX7D(bit, name, help)     { name, help, 0x80000007, 0, D, bit }
#define FX8B(bit, name, help)     { name, help, 0x80000008, 0, B, bit }
#define FX21A(bit, name, help)    { name, help, 0x80000021, 0, A, bit }

const CpuFeature cpu_features[] = {
    F1D(0,    "fpu",                 "x87 floating point"),
    F1D(1,    "vme",                 "virtual-8086 mode enhancements"),
    F1D(2,    "de",                  "debugging extensions"),
    F1D(3,    "pse",                 "4 MiB pages"),
    F1D(4,    "tsc",                 "time-stamp counter"),
    F1D(5,    "msr",                 "RDMSR and WRMSR"),
    F1D(6,    "pae",                 "physical addresses above 4 GiB"),
    F1D(7,    "mce",                 "machine check exception"),
    F1D(8,    "cx8",                 "CMPXCHG8B"),
    F1D(9,    "apic",                "local APIC"),
    F1D(11,   "sep",                 "SYSENTER and SYSEXIT"),
    F1D(12,   "mtrr",                "memory type range registers"),
    F1D(13,   "pge",                 "global pages"),
    F1D(14,   "mca",                 "machine check architecture"),
    F1D(15,   "cmov",                "conditional moves"),
    F1D(16,   "pat",                 "page attribute table"),
    F1D(17,   "pse36",               "4 MiB pages above 4 GiB"),
    F1D(19,   "clflush",             "CLFLUSH"),
    F1D(21,   "ds",                  "debug store"),
    F1D(22,   "acpi",                "thermal monitor and clock control"),
    F1D(23,   "mmx",                 "MMX"),
    F1D(24,   "fxsr",                "FXSAVE and FXRSTOR"),
    F1D(25,   "sse",                 "SSE"),
    F1D(26,   "sse2",                "SSE2"),
    F1D(27,   "ss",                  "self snoop"),
    F1D(28,   "ht",                  "more than one logical processor"),
    F1D(29,   "tm",                  "thermal monitor"),
    F1D(31,   "pbe",                 "pending break enable"),

    F1C(0,    "pni",                 "SSE3"),
    F1C(1,    "pclmulqdq",           "carry-less multiplication"),
    F1C(2,    "dtes64",              "64-bit debug store"),
    F1C(3,    "monitor",             "MONITOR and MWAIT"),
    F1C(5,    "vmx",                 "Intel virtualization"),
    F1C(9,    "ssse3",               "SSSE3"),
    F1C(12,   "fma",                 "fused multiply and add"),
    F1C(13,   "cx16",                "CMPXCHG16B"),
    F1C(15,   "pdcm",                "performance capabilities MSR"),
    F1C(17,   "pcid",                "process context identifiers"),
    F1C(19,   "sse4.1",              "SSE4.1"),
    F1C(20,   "sse4.2",              "SSE4.2"),
    F1C(21,   "x2apic",              "x2APIC mode"),
    F1C(22,   "movbe",               "MOVBE"),
    F1C(23,   "popcnt",              "POPCNT"),
    F1C(24,   "tsc-deadline",        "TSC-deadline timer"),
    F1C(25,   "aes",                 "AES instructions"),
    F1C(26,   "xsave",               "XSAVE"),
    F1C(28,   "avx",                 "AVX"),
    F1C(29,   "f16c",                "half-precision conversion"),
    F1C(30,   "rdrand",              "RDRAND"),
    F1C(31,   "hypervisor",          "runs under a hypervisor"),

    F6A(2,    "arat",                "APIC timer that never stops"),

    F7B(0,    "fsgsbase",            "RDFSBASE and its like"),
    F7B(1,    "tsc-adjust",          "TSC_ADJUST MSR"),
    F7B(3,    "bmi1",                "bit manipulation 1"),
    F7B(4,    "hle",                 "lock elision"),
    F7B(5,    "avx2",                "AVX2"),
    F7B(7,    "smep",                "no execution of user pages by the kernel"),
    F7B(8,    "bmi2",                "bit manipulation 2"),
    F7B(9,    "erms",                "fast REP MOVSB"),
    F7B(10,   "invpcid",             "INVPCID"),
    F7B(11,   "rtm",                 "transactional memory"),
    F7B(14,   "mpx",                 "memory protection extensions"),
    F7B(16,   "avx512f",             "AVX-512 foundation"),
    F7B(17,   "avx512dq",            "AVX-512 doublewords and quadwords"),
    F7B(18,   "rdseed",              "RDSEED"),
    F7B(19,   "adx",                 "ADCX and ADOX"),
    F7B(20,   "smap",                "no access to user pages by the kernel"),
    F7B(21,   "avx512ifma",          "AVX-512 integer multiplication"),
    F7B(23,   "clflushopt",          "CLFLUSHOPT"),
    F7B(24,   "clwb",                "CLWB"),
    F7B(28,   "avx512cd",            "AVX-512 conflict detection"),
    F7B(29,   "sha-ni",              "SHA instructions"),
    F7B(30,   "avx512bw",            "AVX-512 bytes and words"),
    F7B(31,   "avx512vl",            "AVX-512 on shorter vectors"),

    F7C(1,    "avx512vbmi",          "AVX-512 byte permutation"),
    F7C(2,    "umip",                "no SGDT and its like for programs"),
    F7C(3,    "pku",                 "protection keys for user pages"),
    F7C(5,    "waitpkg",             "TPAUSE and its like"),
    F7C(6,    "avx512vbmi2",         "AVX-512 byte permutation 2"),
    F7C(8,    "gfni",                "arithmetic in Galois fields"),
    F7C(9,    "vaes",                "AES on vectors"),
    F7C(10,   "vpclmulqdq",          "carry-less multiplication on vectors"),
    F7C(11,   "avx512vnni",          "AVX-512 neural network instructions"),
    F7C(12,   "avx512bitalg",        "AVX-512 bit algorithms"),
    F7C(14,   "avx512-vpopcntdq",    "AVX-512 POPCNT"),
    F7C(16,   "la57",                "5-level paging"),
    F7C(22,   "rdpid",               "RDPID"),
    F7C(24,   "bus-lock-detect",     "debug exception on bus locks"),
    F7C(25,   "cldemote",            "CLDEMOTE"),
    F7C(27,   "movdiri",             "MOVDIRI"),
    F7C(28,   "movdir64b",           "MOVDIR64B"),

    F7D(2,    "avx512-4vnniw",       "AVX-512 neural networks, 4 at a time"),
    F7D(3,    "avx512-4fmaps",       "AVX-512 multiplication, 4 at a time"),
    F7D(4,    "fsrm",                "fast short REP MOVSB"),
    F7D(8,    "avx512-vp2intersect", "AVX-512 intersections"),
    F7D(10,   "md-clear",            "VERW clears buffers"),
    F7D(14,   "serialize",           "SERIALIZE"),
    F7D(16,   "tsx-ldtrk",           "TSX load tracking"),
    F7D(22,   "amx-bf16",            "AMX on bfloat16"),
    F7D(23,   "avx512-fp16",         "AVX-512 on half precision"),
    F7D(24,   "amx-tile",            "AMX tiles"),
    F7D(25,   "amx-int8",            "AMX on bytes"),
    F7D(26,   "spec-ctrl",           "speculation control"),
    F7D(27,   "stibp",               "single thread branch predictors"),
    F7D(28,   "flush-l1d",           "L1D_FLUSH command"),
    F7D(29,   "arch-capabilities",   "ARCH_CAPABILITIES MSR"),
    F7D(30,   "core-capability",     "CORE_CAPABILITIES MSR"),
    F7D(31,   "ssbd",                "speculative store bypass disable"),

    F71A(4,   "avx-vnni",            "AVX neural network instructions"),
    F71A(5,   "avx512-bf16",         "AVX-512 on bfloat16"),
    F71A(10,  "fzrm",                "fast zero-length REP MOVSB"),
    F71A(11,  "fsrs",                "fast short REP STOSB"),
    F71A(12,  "fsrc",                "fast short REP CMPSB"),

    F72D(4,   "bhi-ctrl",            "branch history is kept from the kernel"),

    FD1A(0,   "xsaveopt",            "XSAVEOPT"),
    FD1A(1,   "xsavec",              "XSAVEC"),
    FD1A(2,   "xgetbv1",             "XGETBV with 1"),
    FD1A(3,   "xsaves",              "XSAVES"),
    FD1A(4,   "xfd",                 "extended feature disable"),

    FKVM(0,   "kvmclock",            "KVM's clock, old MSRs"),
    FKVM(3,   "kvmclock",            "KVM's clock"),
    FKVM(1,   "kvm-nopiodelay",      "port accesses need no delay"),
    FKVM(4,   "kvm-asyncpf",         "page faults of the host told to the guest"),
    FKVM(5,   "kvm-steal-time",      "time the host took"),
    FKVM(6,   "kvm-pv-eoi",          "end of interrupt without an exit"),
    FKVM(7,   "kvm-pv-unhalt",       "waking a halted CPU"),
    FKVM(9,   "kvm-pv-tlb-flush",    "TLB flushes of preempted CPUs"),
    FKVM(11,  "kvm-pv-ipi",          "interrupts to many CPUs at once"),
    FKVM(12,  "kvm-poll-control",    "the guest polls before it halts"),
    FKVM(13,  "kvm-pv-sched-yield",  "yielding to another CPU"),
    FKVM(14,  "kvm-asyncpf-int",     "page faults of the host as interrupts"),
    FKVM(24,  "kvmclock-stable-bit", "KVM's clock is the same on all CPUs"),

    FX1C(0,   "lahf-lm",             "LAHF and SAHF in 64-bit mode"),
    FX1C(1,   "cmp-legacy",          "cores, not threads"),
    FX1C(2,   "svm",                 "AMD virtualization"),
    FX1C(4,   "cr8legacy",           "CR8 by LOCK MOV CR0"),
    FX1C(5,   "abm",                 "LZCNT"),
    FX1C(6,   "sse4a",               "SSE4a"),
    FX1C(7,   "misalignsse",         "unaligned SSE operands"),
    FX1C(8,   "3dnowprefetch",       "PREFETCHW"),
    FX1C(9,   "osvw",                "OS visible workarounds"),
    FX1C(11,  "xop",                 "XOP"),
    FX1C(16,  "fma4",                "FMA with four operands"),
    FX1C(21,  "tbm",                 "trailing bit manipulation"),
    FX1C(22,  "topoext",             "AMD topology leaves"),
    FX1C(23,  "perfctr-core",        "AMD core performance counters"),

    FX1D(11,  "syscall",             "SYSCALL and SYSRET"),
    FX1D(20,  "nx",                  "pages that are not executable"),
    FX1D(22,  "mmxext",              "AMD extensions to MMX"),
    FX1D(25,  "fxsr-opt",            "fast FXSAVE"),
    FX1D(26,  "pdpe1gb",             "1 GiB pages"),
    FX1D(27,  "rdtscp",              "RDTSCP"),
    FX1D(29,  "lm",                  "long mode"),

    FX7D(8,   "invtsc",              "TSC of constant rate"),

    FX8B(0,   "clzero",              "CLZERO"),
    FX8B(2,   "xsaveerptr",          "XSAVE always saves error pointers"),
    FX8B(9,   "wbnoinvd",            "WBNOINVD"),
    FX8B(12,  "ibpb",                "indirect branch predictor barrier"),
    FX8B(14,  "ibrs",                "indirect branch restriction"),
    FX8B(15,  "amd-stibp",           "single thread branch predictors"),
    FX8B(24,  "amd-ssbd",            "speculative store bypass disable"),
    FX8B(25,  "virt-ssbd",           "the same through a virtual MSR"),
    FX8B(26,  "amd-no-ssb",          "no speculative store bypass"),

    FX21A(0,  "no-nested-data-bp",   "data breakpoints are not nested"),
    FX21A(2,  "lfence-always-serializing", "LFENCE waits for what came before"),
    FX21A(6,  "null-sel-clr-base",   "a null selector clears the base"),
    FX21A(8,  "auto-ibrs",           "automatic indirect branch restriction"),
    { 0 }
};

const CpuAlias cpu_feature_aliases[] = {
    { "ffxsr",    "fxsr-opt" },
    { "i64",      "lm" },
    { "lzcnt",    "abm" },
    { "pclmuldq", "pclmulqdq" },
    { "sha",      "sha-ni" },
    { "sse3",     "pni" },
    { "xd",       "nx" },
    { 0 }
};
