/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line, as QEMU's: every option is one row of option_rows
 * (vm/options_table.c), and parsing, defaults, help and errors come from there.
 *
 * Order does not matter.  First all words are gathered and judged one by one; then each
 * option that was given is checked against the others.  Nothing is opened or made here.
 * Main thread.
 */

#ifndef VM_OPTIONS_H
#define VM_OPTIONS_H

#include "vm/vm_config.h"

/*
 * False with an error: "-opt value: text".  False without one: help was asked for and
 * is on stdout.
 */
bool options_parse(VmConfig *config, int argc, char *const *argv,
                   GError **err) must_check;

void options_help(GString *out);
void version_print(GString *out);   /* "QEMU emulator version X.Y.Z (Mayfly A.B.C)" */

/* ---- for the options_*.c ---- */

typedef enum {
    TAKE_HEADING,       /* not an option: a title in -help */
    TAKE_FLAG,          /* sets a bool; no value */
    TAKE_STR,           /* the last one counts */
    TAKE_LIST,          /* all count, in order */
    TAKE_ROWS,          /* key=value pairs; later ones override; "help" lists them */
    TAKE_NONE,          /* only "none" is taken; `help` says why */
    TAKE_NOTHING,       /* accepted, without effect */
    TAKE_HELP,          /* prints through `print` and ends the parsing */
} OptionKind;

/* What becomes of an option in a snapshot, and whether -loadvm may come with it. */
typedef enum {
    RESTORE_FIXED,      /* is in the snapshot; another value is refused */
    RESTORE_ANEW,       /* given anew, it replaces those in the snapshot */
    RESTORE_BY_ID,      /* the same for those with the same id= */
    RESTORE_HOST,       /* about this process: not in the snapshot */
    RESTORE_DISK,       /* disks are in the snapshot in their own way; refused */
} OptionRestore;

typedef struct Option {
    const char *name, *alias;
    OptionKind kind;
    u32 at;             /* of its member in a VmConfig */
    const char *arg;    /* what -help shows for the value; NULL: takes none */
    const char *help;
    const Field *rows;  /* TAKE_ROWS */
    const char *implied;
    /* What "-x help" prints, or all of TAKE_HELP. */
    void (*print)(GString *out);
    /* "-x NAME,help"; false: no such name. */
    bool (*print_one)(const char *name, GString *out, GError **err);
    /* Judges one value; called before it is stored. */
    bool (*judge)(VmConfig *config, const char *value, GError **err);
    /* After all options are in: judges it against the others, derives from it. */
    bool (*check)(VmConfig *config, const char *value, GError **err);
    bool always;        /* check even if it was not given; value is "" then */
    u8 restore;         /* OptionRestore */
    bool is_file;       /* snapshots note the whole path */
    const char *yields; /* the snapshot's goes, too, when this one is given anew */
} Option;

extern const Option option_rows[];      /* ends with name and help NULL */

/* Sets an error and returns false. */
bool refuse(GError **err, const char *fmt, ...) printf_like(2, 3);

/* By name or alias; NULL: there is none. */
const Option *option_find(const char *name);
/* Judges and stores one value. */
bool option_take(const Option *o, VmConfig *config, const char *value, GError **err);

/* options_snapshot.c */
/*
 * -loadvm: adds the options that are in the snapshot to those that were given; `last`
 * has the last value of each row that was given.
 */
bool snapshot_options(VmConfig *config, const char **last, GError **err) must_check;
extern const Field loadvm_rows[], when_rows[];
bool loadvm_check(VmConfig *config, const char *value, GError **err);
bool persist_check(VmConfig *config, const char *value, GError **err);
bool when_check(VmConfig *config, const char *value, GError **err);

/* options_machine.c */
extern const Field machine_rows[], smp_rows[], memory_rows[];
void machines_help(GString *out);
bool machine_check(VmConfig *config, const char *value, GError **err);
bool enable_kvm_judge(VmConfig *config, const char *value, GError **err);
bool accel_check(VmConfig *config, const char *value, GError **err);
bool smp_check(VmConfig *config, const char *value, GError **err);
bool memory_check(VmConfig *config, const char *value, GError **err);

/* options_guest.c */
extern const Field name_rows[], boot_rows[], rtc_rows[];
bool boot_check(VmConfig *config, const char *value, GError **err);
bool rtc_check(VmConfig *config, const char *value, GError **err);
bool uuid_judge(VmConfig *config, const char *value, GError **err);
bool with_kernel(VmConfig *config, const char *value, GError **err);

/* options_display.c */
extern const Field display_rows[];
void vgas_help(GString *out);
bool vga_judge(VmConfig *config, const char *value, GError **err);
bool display_check(VmConfig *config, const char *value, GError **err);
/* The device that -vga (or nobody) asks for; NULL: none. */
const char *vga_device(const VmConfig *config);
/* options_net.c */
/* ",key=value" as the grammar has it: a comma inside is doubled. */
void option_append_pair(GString *out, const char *key, const char *value);
char *option_join(const char *first, const KeyVals *kv);
/* Makes the back end: "KIND,id=ID,...", "id=ID,type=KIND,..." or JSON. */
bool netdev_from_option(const char *value, GError **err) must_check;
bool nic_judge(VmConfig *config, const char *value, GError **err);
bool net_check(VmConfig *config, const char *value, GError **err);

/* options_device.c */
bool device_judge(VmConfig *config, const char *value, GError **err);

/* options_share.c */
bool virtfs_judge(VmConfig *config, const char *value, GError **err);

/* options_block.c */
bool hda_judge(VmConfig *config, const char *value, GError **err);
bool hdb_judge(VmConfig *config, const char *value, GError **err);
bool hdc_judge(VmConfig *config, const char *value, GError **err);
bool hdd_judge(VmConfig *config, const char *value, GError **err);
bool cdrom_judge(VmConfig *config, const char *value, GError **err);
bool pflash_judge(VmConfig *config, const char *value, GError **err);

/* options_host.c */
extern const Field msg_rows[], overcommit_rows[], mon_rows[];
bool no_reboot_judge(VmConfig *config, const char *value, GError **err);
bool no_shutdown_judge(VmConfig *config, const char *value, GError **err);
bool sandbox_judge(VmConfig *config, const char *value, GError **err);
bool log_judge(VmConfig *config, const char *value, GError **err);
bool escape_judge(VmConfig *config, const char *value, GError **err);
bool serial_check(VmConfig *config, const char *value, GError **err);
bool mon_judge(VmConfig *config, const char *value, GError **err);
bool daemonize_check(VmConfig *config, const char *value, GError **err);

#endif
