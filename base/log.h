/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program says: messages to the user on stderr, and the -d log.  Any thread.
 */

#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/types.h"

/* One bit per -d item; the table of names and help is in log.c. */
typedef enum {
    LOG_GUEST_ERROR = 1 << 0,   /* guest mistakes that hardware ignores */
    LOG_UNIMP       = 1 << 1,   /* what the guest asked for and is not there */
    LOG_INT         = 1 << 2,   /* interrupts and exceptions */
    LOG_CPU_RESET   = 1 << 3,
    LOG_MMU         = 1 << 4,
    LOG_IN_ASM      = 1 << 5,   /* decoded guest code */
    LOG_EXEC        = 1 << 6,   /* blocks as they run */
    LOG_IO          = 1 << 7,   /* port and MMIO accesses nobody claims */
    LOG_OP          = 1 << 8,
    LOG_OUT_ASM     = 1 << 9,
} LogMask;

extern u32 log_mask;            /* set only through log_set; atomic */

static inline bool log_is_on(u32 mask)
{
    return __atomic_load_n(&log_mask, __ATOMIC_RELAXED) & mask;
}

/*
 * Sets the mask from "item,item" ("help" prints the items to stdout and returns false
 * without an error).
 */
bool log_set(const char *items, GError **err) must_check;
bool log_set_file(const char *path, GError **err) must_check;

/* Writes to the log if one of `mask`'s bits is on.  A newline is added. */
#define log_at(mask, ...) \
    do { if (unlikely(log_is_on(mask))) { log_write(__VA_ARGS__); } } while (0)
void log_write(const char *fmt, ...) printf_like(1, 2);

/*
 * "PROGRAM: text" on stderr, by the name it was called: for the user; the program goes
 * on.
 */
void warn_user(const char *fmt, ...) printf_like(1, 2);
void info_user(const char *fmt, ...) printf_like(1, 2);

#endif
