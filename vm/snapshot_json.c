/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a snapshot is, as JSON: see snapshot_json.h. */

#include "vm/snapshot_json.h"

#include "accel/accel.h"
#include "base/json.h"
#include "config.h"
#include "vm/snapshot_file.h"

static const JsonLibrary *lib;

static void add_words(JsonBuilder *json, const GPtrArray *words)
{
    lib->json_builder_set_member_name(json, "options");
    lib->json_builder_begin_array(json);
    for (unsigned i = 0; i < words->len; i += 2) {
        const char *value = words->pdata[i + 1];
        g_autofree char *word = g_strconcat("-", words->pdata[i], NULL);

        lib->json_builder_add_string_value(json, word);
        if (*value) {
            lib->json_builder_add_string_value(json, value);
        }
    }
    lib->json_builder_end_array(json);
}

static void add_devices(JsonBuilder *json, const Machine *machine)
{
    lib->json_builder_set_member_name(json, "devices");
    lib->json_builder_begin_array(json);
    for (unsigned i = 0; i < machine->devices->len; i++) {
        const Device *dev = machine->devices->pdata[i];

        lib->json_builder_add_string_value(json, dev->path);
    }
    lib->json_builder_end_array(json);
}

static void add_number(JsonBuilder *json, const char *name, s64 value)
{
    lib->json_builder_set_member_name(json, name);
    lib->json_builder_add_int_value(json, value);
}

static void add_string(JsonBuilder *json, const char *name, const char *value)
{
    lib->json_builder_set_member_name(json, name);
    lib->json_builder_add_string_value(json, value);
}

static void add_facts(JsonBuilder *json, const SnapshotFacts *facts)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format_iso8601(now);
    const Machine *machine = facts->machine;

    add_number(json, "format", facts->format);
    add_string(json, "made-by", "Mayfly " CONFIG_VERSION);
    add_string(json, "date", date);
    add_string(json, "accel", machine->accel->type->name);
    add_string(json, "cpu", facts->config->cpu ? facts->config->cpu : "");
    add_number(json, "cpus", machine->cpus);
    add_number(json, "ram-bytes", mem_size(machine->mem));
    add_number(json, "ram-stored", facts->ram_written);
    if (facts->parent) {
        add_string(json, "parent", facts->parent);
    }
    add_number(json, "guest-time-ns", facts->guest_ns);
    add_words(json, facts->config->words);
    add_devices(json, machine);
}

char *snapshot_json(const SnapshotFacts *facts, GError **err)
{
    g_autofree char *text = NULL;
    JsonBuilder *json;
    JsonNode *root;

    lib = json_library(err);
    if (!lib) {
        return NULL;
    }
    json = lib->json_builder_new();
    lib->json_builder_begin_object(json);
    add_facts(json, facts);
    lib->json_builder_end_object(json);
    root = lib->json_builder_get_root(json);
    text = lib->json_to_string(root, TRUE);
    lib->json_node_unref(root);
    lib->g_object_unref(json);
    return g_strconcat(text, "\n", NULL);
}
