/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows: a record's members are written once, as a list of rows, and the C struct and
 * its description both come from that list.
 *
 *     PROPS(UartConfig,
 *         (str, chardev, "character back end"),
 *         (u32, iobase,  "first I/O port", .def = 0x3f8, .max = 0xfff8));
 *
 *     STATE(UartState,
 *         (u8, ier, "interrupt enable register", .max = 0x0f),
 *         (u8, lcr, "line control register"));
 *
 * PROPS is what a user may set: parsing, defaults, ranges, help.  STATE is what the
 * guest can see: reset, save, restore, inspection.  A STATE record has no pointers and
 * no padding (neither compiles), so equal states are equal bytes.  Optional columns
 * follow the sentence: .def .min .max .required .names .is_size .many.  A row's
 * sentence has no capital and no full stop.  A member that would be a word of C has a
 * '_' behind it, which users do not see: restrict_.
 *
 * Any thread may call these functions on records it owns.
 */

#ifndef BASE_FIELD_H
#define BASE_FIELD_H

#include "base/types.h"

typedef enum { FIELD_UINT, FIELD_BOOL, FIELD_STR } FieldKind;

typedef struct Field {
    const char *name, *help;
    FieldKind kind;             /* inferred from the type, never written */
    /* size of one element in bytes; count > 1 for an array */
    u32 offset, size, count;
    bool required;              /* optional columns from here on */
    bool is_size;               /* bytes: K, M, G, T suffixes are understood */
    bool many; /* a str that may be given again: values, one per line */
    /* max 0: all the type can hold; for a str, its longest length */
    u64 def, min, max;
    const char *def_str;        /* default of a str */
    const char *const *names;   /* an enumeration: value -> name, NULL-terminated */
} Field;

/*
 * FOR_EACH(M, T, (row), (row), ...) expands to M(T, row) M(T, row) ...; up to 64 rows.
 */
#define FIELD_PARENS_ ()
#define FIELD_EXPAND_(...) \
    FIELD_EXP3_(FIELD_EXP3_(FIELD_EXP3_(FIELD_EXP3_(__VA_ARGS__))))
#define FIELD_EXP3_(...) FIELD_EXP2_(FIELD_EXP2_(FIELD_EXP2_(FIELD_EXP2_(__VA_ARGS__))))
#define FIELD_EXP2_(...) FIELD_EXP1_(FIELD_EXP1_(FIELD_EXP1_(FIELD_EXP1_(__VA_ARGS__))))
#define FIELD_EXP1_(...) __VA_ARGS__
#define FOR_EACH(macro, T, ...) \
    __VA_OPT__(FIELD_EXPAND_(FOR_EACH_STEP_(macro, T, __VA_ARGS__)))
#define FOR_EACH_STEP_(macro, T, row, ...) \
    macro(T, row) __VA_OPT__(FOR_EACH_AGAIN_ FIELD_PARENS_ (macro, T, __VA_ARGS__))
#define FOR_EACH_AGAIN_() FOR_EACH_STEP_

/*
 * What a member is, from its type alone; an array is seen as a pointer to its element.
 */
#define FIELD_KIND_(m) _Generic((m),                                                \
    u8: FIELD_UINT, u16: FIELD_UINT, u32: FIELD_UINT, u64: FIELD_UINT,              \
    u8 *: FIELD_UINT, u16 *: FIELD_UINT, u32 *: FIELD_UINT, u64 *: FIELD_UINT,      \
    bool: FIELD_BOOL, bool *: FIELD_BOOL, char *: FIELD_STR)
#define FIELD_ELEM_(m) _Generic((m),                                                \
    u8: 1, u8 *: 1, u16: 2, u16 *: 2, u32: 4, u32 *: 4, u64: 8, u64 *: 8,           \
    bool: 1, bool *: 1, char *: sizeof(char *))
#define FIELD_PLAIN_(m) _Generic((m), char *: 0, default: 1)

#define MEMBER_(T, row)  MEMBER__ row
#define MEMBER__(type, name, ...) typeof(type) name;
#define SIZEOF_(T, row)  SIZEOF__ row
#define SIZEOF__(type, name, ...) + sizeof(type)
#define PLAIN_(T, row)   && FIELD_PLAIN_(((T *)0)->PLAIN__ row)
#define PLAIN__(type, name, ...) name
#define ROW_(T, row)     ROW__(T, ROW_NAMES_ row)
#define ROW_NAMES_(...)  __VA_ARGS__
#define ROW__(T, ...)    ROW___(T, __VA_ARGS__)
#define ROW___(T, type, member, doc, ...) {                                         \
    .name = #member, .help = doc, .kind = FIELD_KIND_(((T *)0)->member),            \
    .offset = offsetof(T, member), .size = FIELD_ELEM_(((T *)0)->member),           \
    .count = sizeof(((T *)0)->member) / FIELD_ELEM_(((T *)0)->member), __VA_ARGS__ },

#define PROPS(T, ...)                                                               \
    typedef struct { FOR_EACH(MEMBER_, T, __VA_ARGS__) } T;                         \
    static const Field T##_fields[] = { FOR_EACH(ROW_, T, __VA_ARGS__) { 0 } }

#define STATE(T, ...)                                                               \
    STATE_STRUCT(T, __VA_ARGS__);                                                   \
    static const Field T##_fields[] = STATE_ROWS(T, __VA_ARGS__)

/* The two halves of STATE, for a record whose struct stands in a header. */
#define STATE_STRUCT(T, ...)                                                        \
    typedef struct { FOR_EACH(MEMBER_, T, __VA_ARGS__) } T;                         \
    _Static_assert(1 FOR_EACH(PLAIN_, T, __VA_ARGS__), #T " holds a pointer");      \
    _Static_assert(sizeof(T) == 0 FOR_EACH(SIZEOF_, T, __VA_ARGS__),                \
                   #T " has padding: reorder its fields")
#define STATE_ROWS(T, ...) { FOR_EACH(ROW_, T, __VA_ARGS__) { 0 } }

/*
 * Finds a row by name; '-', '_' and '.' in names are the same.  NULL if there is none.
 */
const Field *field_find(const Field *fields, const char *name);

/*
 * Sets every member to its default; strings are copied.  `record` must be zeroed or
 * unset.
 */
void fields_default(const Field *fields, void *record);

/* Frees the strings of a record and sets them to NULL. */
void fields_clear(const Field *fields, void *record);

/*
 * Sets one member from text: on|off|yes|no|true|false for a bool, decimal or 0x for
 * numbers, a name for an enumeration.  The error names the row, the text and what would
 * be right.
 */
bool field_set(const Field *field, void *record, const char *text,
               GError **err) must_check;

/*
 * Parses "a=b,c=d" over the defaults (QEMU's grammar: base/keyval.h; `implied` is the
 * key of a first word without '=', or NULL).  `what` names the option in errors
 * ("-device virtio-rng-pci").  Fails on an unknown key (with the nearest name), a bad
 * value, a missing required row.
 */
bool fields_parse(const Field *fields, void *record, const char *text,
                  const char *implied, const char *what, GError **err) must_check;

/* The same over the values that `record` has: for an option that is given in parts. */
bool fields_merge(const Field *fields, void *record, const char *text,
                  const char *implied, const char *what, GError **err) must_check;

/* True if every member lies in its row's range: for records that came from outside. */
bool fields_check(const Field *fields, const void *record, GError **err) must_check;

/* Appends one line per row: name, type or range, sentence, default. */
void fields_help(const Field *fields, GString *out);

/* Appends one line per row: name, value (bytes as hex), sentence. */
void fields_print(const Field *fields, const void *record, GString *out);

/* Hash of (name, size, count) of the rows in order: equal layouts have equal hashes. */
u32 fields_hash(const Field *fields);

/* Bytes of a record with these rows (rows are dense: the end of the last row). */
size_t fields_size(const Field *fields);

#endif
