/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words every file uses: fixed-width integers, guest addresses, units.
 */

#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t  u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t   s8;
typedef int16_t  s16;
typedef int32_t  s32;
typedef int64_t  s64;

typedef u64 gpa;            /* guest-physical address */
typedef u64 gva;            /* guest-virtual (linear) address */
typedef char *str;      /* an owned string in a row table (base/field.h); may be NULL */

#define KiB 1024ull
#define MiB (1024 * KiB)
#define GiB (1024 * MiB)
#define TiB (1024 * GiB)

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096ull
#define PAGE_MASK  (~(PAGE_BYTES - 1))

#define NS_PER_SEC 1000000000ull

/* The caller must look at the result: it is the permission to go on. */
#define must_check __attribute__((warn_unused_result))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define container_of(p, T, member) ((T *)((char *)(p) - offsetof(T, member)))

#endif
