/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a snapshot is, as JSON: see snapshot_json.h. */

#include "vm/snapshot_json.h"

#include "accel/accel.h"
#include "config.h"
#include "vm/snapshot_file.h"

#include <json-glib/json-glib.h>

static void add_words(JsonBuilder *json, const GPtrArray *words)
{
    json_builder_set_member_name(json, "options");
    json_builder_begin_array(json);
    for (unsigned i = 0; i < words->len; i += 2) {
        const char *value = words->pdata[i + 1];
        g_autofree char *word = g_strconcat("-", words->pdata[i], NULL);

        json_builder_add_string_value(json, word);
        if (*value) {
            json_builder_add_string_value(json, value);
        }
    }
    json_builder_end_array(json);
}

static void add_devices(JsonBuilder *json, const Machine *machine)
{
    json_builder_set_member_name(json, "devices");
    json_builder_begin_array(json);
    for (unsigned i = 0; i < machine->devices->len; i++) {
        const Device *dev = machine->devices->pdata[i];

        json_builder_add_string_value(json, dev->path);
    }
    json_builder_end_array(json);
}

static void add_number(JsonBuilder *json, const char *name, s64 value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_int_value(json, value);
}

static void add_string(JsonBuilder *json, const char *name, const char *value)
{
    json_builder_set_member_name(json, name);
    json_builder_add_string_value(json, value);
}

char *snapshot_json(const SnapshotFacts *facts)
{
    g_autoptr(JsonBuilder) json = json_builder_new();
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format_iso8601(now);
    const Machine *machine = facts->machine;
    JsonNode *root;
    g_autofree char *text = NULL;

    json_builder_begin_object(json);
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
    json_builder_end_object(json);
    root = json_builder_get_root(json);
    text = json_to_string(root, TRUE);
    json_node_unref(root);
    return g_strconcat(text, "\n", NULL);
}
