/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -object: see object.h.  Here are the kinds iothread,
 * rng-random and rng-builtin.  Main thread.
 */

#include "vm/object.h"

#include "base/io.h"
#include "base/keyval.h"
#include "base/rng.h"
#include "block/queue.h"
#include "net/dump.h"

#include <string.h>

/* ---- the kinds ---- */

PROPS(RngFileConfig, OBJECT_ROWS,
    (str, filename, "the file to read from", .def_str = "/dev/urandom"));

PROPS(ObjectConfig, OBJECT_ROWS);

PROPS(IoThreadConfig, OBJECT_ROWS,
    (u64, poll_max_ns,   "without effect: nothing polls"),
    (u64, poll_grow,     "without effect"),
    (u64, poll_shrink,   "without effect"),
    (u64, aio_max_batch, "without effect"));

static void *rng_file_open(const char *id, const void *config, GError **err)
{
    return rng_open_file(id, ((const RngFileConfig *)config)->filename, err);
}

static void *rng_builtin_open(const char *id, const void *config, GError **err)
{
    (void)config, (void)err;
    return rng_open_builtin(id);
}

static void rng_object_close(void *object)
{
    rng_close(object);
}

static const ObjectType rng_builtin = {
    .name   = "rng-builtin",
    .help   = "random bytes from the host's kernel",
    .fields = ObjectConfig_fields,
    .size   = sizeof(ObjectConfig),
    .open   = rng_builtin_open,
    .close  = rng_object_close,
};

static const ObjectType rng_random = {
    .name   = "rng-random",
    .help   = "random bytes from a file or device",
    .fields = RngFileConfig_fields,
    .size   = sizeof(RngFileConfig),
    .open   = rng_file_open,
    .close  = rng_object_close,
};

static const char *const dump_queues[] = { "all", "rx", "tx", NULL };
static const char *const dump_status[] = { "on", "off", NULL };
static const char *const dump_inserts[] = { "behind", "before", NULL };

PROPS(DumpConfig, OBJECT_ROWS,
    (str, netdev, "network back end", .required = true),
    (str, file,   "the file to write", .required = true),
    (u32, maxlen, "bytes of a packet that are kept", .def = 65536, .min = 1),
    (u8,  queue,  "packets to the back end (rx), from it (tx), or all",
          .names = dump_queues),
    (u8,  status, "off: nothing is written", .names = dump_status),
    (str, position, "among the back end's filters: head, tail or id=FILTER",
          .def_str = "tail"),
    (u8,  insert, "of position=id=FILTER: behind or before it", .names = dump_inserts));

static void *dump_object_open(const char *id, const void *config, GError **err)
{
    const DumpConfig *c = config;

    return net_dump_open(&(NetDumpOptions){
        id, c->netdev, c->file, c->maxlen, c->queue, c->position, c->insert, c->status,
    }, err);
}

static void dump_object_close(void *object)
{
    net_dump_close(object);
}

static const ObjectType filter_dump = {
    .name   = "filter-dump",
    .help   = "writes what passes a network back end to a pcap file",
    .fields = DumpConfig_fields,
    .size   = sizeof(DumpConfig),
    .open   = dump_object_open,
    .close  = dump_object_close,
    .late   = true,
};

static void *iothread_open(const char *id, const void *config, GError **err)
{
    (void)config;
    return io_thread_new(id, err);
}

static void iothread_close(void *object)
{
    queue_close(object);
    io_thread_free(object);
}

static const ObjectType iothread = {
    .name   = "iothread",
    .help   = "a thread that serves disks",
    .fields = IoThreadConfig_fields,
    .size   = sizeof(IoThreadConfig),
    .open   = iothread_open,
    .close  = iothread_close,
};

const ObjectType *const object_types[] = {
    &filter_dump, &iothread, &rng_builtin, &rng_random, NULL
};

/* ---- the objects ---- */

typedef struct {
    const ObjectType *type;
    void *object;
    char *id;
} Object;

static GArray *objects;

static bool id_is_taken(const char *id)
{
    for (unsigned i = 0; objects && i < objects->len; i++) {
        if (strcmp(g_array_index(objects, Object, i).id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* A letter, then letters, digits, '-', '.', '_'. */
static bool id_is_right(const char *id)
{
    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    while (g_ascii_isalnum(*id) || (*id && strchr("-._", *id))) {
        id++;
    }
    return !*id;
}

static const ObjectType *find_type(const char *name, GError **err)
{
    const char *names[G_N_ELEMENTS(object_types)] = { NULL }, *near;

    for (unsigned i = 0; object_types[i]; i++) {
        if (strcmp(object_types[i]->name, name) == 0) {
            return object_types[i];
        }
        names[i] = object_types[i]->name;
    }
    near = nearest_name(name, names);
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "there is no kind of object '%s'%s%s%s", name,
                near ? "; did you mean '" : " ('-object help' lists them)",
                near ? near : "", near ? "'?" : "");
    return NULL;
}

static bool object_open(const ObjectType *type, const ObjectConfig *config,
                        GError **err)
{
    Object object = { type, NULL, NULL };

    if (!id_is_right(config->id)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "id: '%s' is not a letter and then letters, digits, '-', '.', '_'",
                    config->id);
        return false;
    }
    if (id_is_taken(config->id)) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "there is an object with id '%s' already", config->id);
        return false;
    }
    object.object = type->open(config->id, config, err);
    if (!object.object) {
        return false;
    }
    object.id = g_strdup(config->id);
    if (!objects) {
        objects = g_array_new(FALSE, FALSE, sizeof(Object));
    }
    g_array_append_val(objects, object);
    return true;
}

bool object_new(const char *options, GError **err)
{
    g_autoptr(KeyVals) pairs = keyvals_parse(options, "qom-type", err);
    const char *name = pairs ? keyvals_get(pairs, "qom-type") : NULL;
    const ObjectType *type;
    g_autofree void *config = NULL;
    bool made;

    if (!pairs) {
        return false;
    }
    type = find_type(name ? name : "", err);
    if (!type) {
        return false;
    }
    config = g_malloc0(type->size);
    made = fields_parse(type->fields, config, options, "qom-type", NULL, err) &&
           object_open(type, config, err);
    fields_clear(type->fields, config);
    return made;
}

static bool object_new_if(const char *options, bool late, GError **err)
{
    g_autofree char *name = g_strndup(options, strcspn(options, ","));
    const ObjectType *type = NULL;

    for (unsigned i = 0; object_types[i]; i++) {
        type = g_str_has_suffix(name, object_types[i]->name) ? object_types[i] : type;
    }
    return (type && type->late) != late || object_new(options, err);
}

bool object_new_early(const char *options, GError **err)
{
    return object_new_if(options, false, err);
}

bool object_new_late(const char *options, GError **err)
{
    return object_new_if(options, true, err);
}

void objects_close_all(void)
{
    while (objects && objects->len) {
        Object object = g_array_index(objects, Object, objects->len - 1);

        g_array_set_size(objects, objects->len - 1);
        object.type->close(object.object);
        g_free(object.id);
    }
    g_clear_pointer(&objects, g_array_unref);
}

void objects_help(GString *out)
{
    g_string_append(out, "List of user creatable objects:\n");
    for (unsigned i = 0; object_types[i]; i++) {
        g_string_append_printf(out, "  %-16s %s\n", object_types[i]->name,
                               object_types[i]->help);
    }
}

bool object_help(const char *kind, GString *out, GError **err)
{
    const ObjectType *type = find_type(kind, err);

    if (type) {
        g_string_append_printf(out, "%s options:\n", kind);
        fields_help(type->fields, out);
    }
    return type != NULL;
}
