/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the monitor's files share: the table of commands and what a command gets.  The
 * main thread.
 */

#ifndef VM_MONITOR_INSIDE_H
#define VM_MONITOR_INSIDE_H

#include "accel/accel.h"
#include "config.h"
#include "vm/monitor.h"
#include "vm/vm_config.h"

/* How x, xp and print show a value: "/4xw". */
typedef struct {
    unsigned count;
    char format;                /* x d u o c i; 0: not given */
    u8 size;                    /* bytes of an item; 0: not given */
} MemFormat;

/* What a command takes, in this order on the line; each at most once. */
typedef enum {
    TAKE_END,
    TAKE_FORMAT,                /* "/fmt", may be absent */
    TAKE_NUMBER,                /* an expression */
    TAKE_WORD,
    TAKE_FLAG_A,                /* "-a", may be absent */
    TAKE_REST,                  /* the rest of the line, may be empty */
} Take;

typedef struct {
    Vm *vm;
    unsigned *cpu;              /* the vCPU that is looked at */
    GString *out;
    MemFormat format;
    u64 number;
    char *word, *rest;
    bool flag;
    bool over;                  /* set by a command: nothing comes after it */
} MonitorCall;

typedef struct MonitorCommand {
    const char *name, *alias;
    u8 take[4];
    const char *args;           /* as help shows them */
    const char *help;           /* after " -- " */
    void (*run)(MonitorCall *call);
    const struct MonitorCommand *sub;   /* then the next word is one of these */
} MonitorCommand;

extern const MonitorCommand monitor_commands[];     /* name NULL at the end */
extern const MonitorCommand monitor_infos[];        /* the words after "info" */

#define say(call, ...) g_string_append_printf((call)->out, __VA_ARGS__)

/* As in the banner. */
#define MONITOR_VERSION QEMU_RELEASE " (Mayfly " CONFIG_VERSION ")"

/* ---- control.c, memory.c, info.c: the commands ---- */
void monitor_help(MonitorCall *call);
void monitor_print(MonitorCall *call);
void monitor_x(MonitorCall *call);
void monitor_xp(MonitorCall *call);

/* ---- monitor_block.c ---- */
void monitor_info_block(MonitorCall *call);
void monitor_block_resize(MonitorCall *call);
void monitor_eject(MonitorCall *call);
void monitor_change(MonitorCall *call);
void monitor_commit(MonitorCall *call);

/* ---- monitor_display.c ---- */
void monitor_screendump(MonitorCall *call);
void monitor_sendkey(MonitorCall *call);
void monitor_mouse_move(MonitorCall *call);
void monitor_mouse_button(MonitorCall *call);
void monitor_mouse_set(MonitorCall *call);
void monitor_info_display(MonitorCall *call);
void monitor_info_mice(MonitorCall *call);
/* ---- net.c ---- */
void monitor_set_link(MonitorCall *call);
void monitor_announce_self(MonitorCall *call);
void monitor_hostfwd_add(MonitorCall *call);
void monitor_hostfwd_remove(MonitorCall *call);
void monitor_info_network(MonitorCall *call);
void monitor_info_usernet(MonitorCall *call);

/* ---- monitor_snapshot.c ---- */
void monitor_savevm(MonitorCall *call);
void monitor_fork(MonitorCall *call);
void monitor_loadvm(MonitorCall *call);
void monitor_info_snapshots(MonitorCall *call);

/* Names of commands that begin with `text`, for completion; the caller frees. */
GPtrArray *monitor_complete(const char *text);

/*
 * An expression at *text, which moves behind it: numbers, $register, + - * / % & | ^ ~
 * and parentheses.  NULL if it is right, else what is wrong with it.
 */
const char *expression_parse(MonitorCall *call, const char **text, u64 *value);

/* ---- looking at a vCPU, which stands still meanwhile ---- */

/* Lets no vCPU run until monitor_unhold; the guest's clock goes on. */
void monitor_hold(Vm *vm);
void monitor_unhold(Vm *vm);

/* The state of a vCPU; NULL and a message if there is none.  Free with g_free. */
X86State *monitor_cpu_state(MonitorCall *call, unsigned cpu);

#endif
