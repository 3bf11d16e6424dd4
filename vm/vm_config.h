/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user asked for: the command line as one record.  options_parse
 * (vm/options.h) fills it and has judged every value when it returns; vm/setup.c builds
 * the machine from it.  Main thread.
 */

#ifndef VM_VM_CONFIG_H
#define VM_VM_CONFIG_H

#include "accel/cpu_model.h"
#include "hw/machine/board.h"
#include "vm/vm.h"

/* The QEMU release whose behaviour this is: clients look for it. */
#define QEMU_RELEASE "8.2.0"

enum { SMP_MAX = 64 };

/*
 * Options with several values: rows as in PROPS (base/field.h), but the struct is made
 * here and the row table in the options_*.c that owns the option.
 */
#define OPTION_STRUCT(T, ...) typedef struct { FOR_EACH(MEMBER_, T, __VA_ARGS__) } T

#define MACHINE_OPTION(rows) rows(MachineOption,                                       \
    (str,  type,   "the board ('-machine help' lists them)", .def_str = "q35"),        \
    (str,  accel,  "accelerators by preference, as in kvm:soft"),                      \
    (bool, acpi,   "ACPI tables for the guest", .def = 1),                             \
    (bool, hpet,   "the high precision event timer", .def = 1),                        \
    (bool, i8042,  "the keyboard controller", .def = 1),                               \
    (u8,   usb,    "USB controller; there is none", .names = off_only),                \
    (u8,   smm,    "system management mode; there is none", .names = off_or_auto),     \
    (u8,   vmport, "VMware's I/O port; there is none", .names = off_or_auto),          \
    (u8,   kernel_irqchip, "interrupt controllers in the kernel; KVM's is split",      \
                           .names = split_or_on),                                      \
    (bool, graphics,        "without effect", .def = 1),                               \
    (bool, dump_guest_core, "without effect", .def = 1),                               \
    (bool, mem_merge,       "without effect", .def = 1))

#define SMP_OPTION(rows) rows(SmpOption,                                               \
    (u32, cpus,     "processors at the start", .min = 1, .max = 100000),               \
    (u32, maxcpus,  "processors there is room for", .min = 1, .max = 100000),          \
    (u32, sockets,  "sockets on the board", .min = 1, .max = 100000),                  \
    (u32, dies,     "dies in a socket: 1", .min = 1, .max = 1),                        \
    (u32, clusters, "clusters in a die: 1", .min = 1, .max = 1),                       \
    (u32, cores,    "cores in a socket", .min = 1, .max = 100000),                     \
    (u32, threads,  "threads in a core", .min = 1, .max = 100000))

#define MEMORY_OPTION(rows) rows(MemoryOption,                                         \
    (str, size,   "RAM, in MiB unless K, M, G or T is added", .def_str = "128"),       \
    (u32, slots,  "sockets for memory added later; none is", .max = 256),              \
    (str, maxmem, "how much RAM there could ever be"))

#define NAME_OPTION(rows) rows(NameOption,                                             \
    (str,  guest,   "the guest's name"),                                               \
    (str,  process, "this process's name in ps and top", .max = 15),                   \
    (bool, debug_threads, "name the threads, as in 'CPU 0/KVM'"))

#define BOOT_OPTION(rows) rows(BootOption,                                             \
    (str,  order,  "drives to try: a floppy, c disk, d CD, n network"),                \
    (str,  once,   "the same, for the first start only"),                              \
    (bool, menu,   "the firmware offers a menu"),                                      \
    (bool, strict, "try only what has a bootindex"),                                   \
    (str,  splash, "without effect"),                                                  \
    (u32,  splash_time, "how long the menu waits, ms",                                 \
                        .def = UINT32_MAX, .max = 65535),                              \
    (u32,  reboot_timeout, "reset after so many ms when nothing boots",                \
                           .def = UINT32_MAX, .max = 65535))

#define RTC_OPTION(rows) rows(RtcOption,                                               \
    (str, base,     "utc, localtime, or a date as 2006-06-17T16:01:21",                \
                    .def_str = "utc"),                                                 \
    (u8,  clock,    "what drives it", .names = rtc_clocks),                            \
    (u8,  driftfix, "whether lost ticks are made up for", .names = rtc_driftfixes))

#define MSG_OPTION(rows) rows(MsgOption,                                               \
    (bool, timestamp,  "without effect"),                                              \
    (bool, guest_name, "without effect"))

#define OVERCOMMIT_OPTION(rows) rows(OvercommitOption,                                 \
    (u8,   mem_lock, "without effect", .names = mem_locks),                            \
    (bool, cpu_pm,   "without effect"))

#define MON_OPTION(rows) rows(MonOption,                                               \
    (str,  chardev, "the back end", .required = true),                                 \
    (u8,   mode,    "readline: for people; control: QMP, which is not there yet",      \
                    .names = mon_modes),                                               \
    (bool, pretty,  "without effect"))

#define DISPLAY_OPTION(rows) rows(DisplayOption,                                       \
    (u8,   type, "what shows the guest's screen", .names = display_types),             \
    (u8,   gl,   "whether the host's GL draws the guest's 3D into the window",         \
                 .names = display_gls),                                                \
    (str,  rendernode, "the GPU that egl-headless draws with, as /dev/dri/renderD128"), \
    (bool, full_screen,  "start as full screen"),                                      \
    (bool, show_cursor,  "show the host's pointer, too"),                              \
    (bool, window_close, "closing the window ends the machine", .def = 1),             \
    (bool, zoom_to_fit,  "a window of another size scales the picture, and the guest " \
           "is not told"))

#define LOADVM_OPTION(rows) rows(LoadvmOption,                                         \
    (str,  name,   "the snapshot: a folder, or a name without '/'"),                   \
    (bool, check,  "compare its files with what mayfly-img snapshot-seal has noted"),  \
    (bool, relink, "network links go down and up, so that addresses are renewed"),     \
    (u8,   prefetch, "pages that an earlier run touched are there before this one "    \
                     "begins; record: this is that earlier run, which notes them",     \
                     .names = prefetch_names),                                         \
    (str,  until,  "prefetch=record ends when this text appears on a console "         \
                   "[at the machine's end]"))

#define WHEN_OPTION(rows) rows(WhenOption,                                             \
    (str,  text, "what appears on a console, literally"),                              \
    (str,  to,   "the snapshot: a folder, or a name without '/'"),                     \
    (bool, all,  "what did not change is saved, too: it needs no other snapshot"),     \
    (bool, exit, "end once it is saved"))

MACHINE_OPTION(OPTION_STRUCT);
SMP_OPTION(OPTION_STRUCT);              /* 0: not given */
MEMORY_OPTION(OPTION_STRUCT);
NAME_OPTION(OPTION_STRUCT);
BOOT_OPTION(OPTION_STRUCT);
RTC_OPTION(OPTION_STRUCT);
MSG_OPTION(OPTION_STRUCT);
OVERCOMMIT_OPTION(OPTION_STRUCT);
MON_OPTION(OPTION_STRUCT);
DISPLAY_OPTION(OPTION_STRUCT);
LOADVM_OPTION(OPTION_STRUCT);
WHEN_OPTION(OPTION_STRUCT);

enum { PREFETCH_ON, PREFETCH_OFF, PREFETCH_RECORD };
enum { DISPLAY_DEFAULT, DISPLAY_NONE, DISPLAY_SDL, DISPLAY_EGL };  /* its types */

/* A network card, its back end, or both, as -device and -netdev take them. */
typedef struct {
    char *said;                 /* the option that it came from */
    char *netdev, *device;      /* NULL: none */
} NetCard;

/* Lists hold char * in the order given. */
typedef struct VmConfig {
    /* As written. */
    MachineOption machine;
    SmpOption smp;
    MemoryOption memory;
    NameOption name;
    BootOption boot;
    RtcOption rtc;
    MsgOption msg;
    DisplayOption display;
    LoadvmOption loadvm;
    WhenOption when;
    OvercommitOption overcommit;
    VmActions actions;
    str cpu, kernel, initrd, append, bios, uuid, log_file, pidfile, vga, keymap;
    GPtrArray *accel, *smbios, *fw_cfg, *object, *chardev, *global, *device;
    GPtrArray *blockdev, *drive;
    GPtrArray *serial, *monitor, *mon, *netdev, *nic, *net, *fsdev;
    bool nographic, nodefaults, no_hpet, no_acpi, paused, daemonize;
    bool no_parallel, full_screen, snapshot, persist;

    /* What follows, once all is known. */
    GPtrArray *words;           /* char *: names and values of what is in effect */
    struct Snapshot *loaded;    /* -loadvm: what the machine is to become */
    char **accels;              /* "kvm", "soft,x=y", ...: by preference */
    bool accel_chosen;          /* the user named exactly one */
    u64 ram_bytes;
    CpuTopology topology;
    bool no_window;             /* its serial port or monitor is on the terminal */
    u8 escape_key;              /* of a shared terminal; -echr */
    BoardConfig board;  /* its strings are the ones above */
    char *rtc_text;
    GPtrArray *cards;           /* NetCard *: of -nic, -net, or by default */
} VmConfig;

VmConfig *config_new(void);
void config_free(VmConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VmConfig, config_free)

#endif
