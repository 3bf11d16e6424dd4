/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -object: back ends that have a name and are no character device.  A new kind is one
 * ObjectType, listed in object.c.  Main thread.
 */

#ifndef VM_OBJECT_H
#define VM_OBJECT_H

#include "base/field.h"

/* What every kind's options begin with. */
#define OBJECT_ROWS             \
    (str, qom_type, "the kind"), \
    (str, id, "the name by which devices find it", .required = true)

typedef struct {
    const char *name, *help;
    const Field *fields;
    size_t size;                /* of the record; it begins with OBJECT_ROWS */
    void *(*open)(const char *id, const void *config, GError **err);
    void (*close)(void *object);
    bool late;                  /* names a network back end: made after those */
} ObjectType;

extern const ObjectType *const object_types[];      /* NULL-terminated */

/* Makes one from "KIND,id=ID,key=value,...". */
bool object_new(const char *options, GError **err) must_check;
/* The same in two goes: what does not belong to this one is passed over. */
bool object_new_early(const char *options, GError **err) must_check;
bool object_new_late(const char *options, GError **err) must_check;
void objects_close_all(void);                       /* last first */

void objects_help(GString *out);                    /* -object help */
bool object_help(const char *kind, GString *out, GError **err) must_check;

#endif
