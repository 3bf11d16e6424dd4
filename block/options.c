/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of nodes: see options.h.  Main thread.
 */

#include "block/options.h"

#include "base/field_value.h"
#include "base/json.h"

#include <string.h>

/* Objects in objects: more than any graph needs. */
enum { DEPTH_MAX = 64 };

static KeyVals *none(void)
{
    return keyvals_parse("", NULL, NULL);
}

/* ---- JSON ---- */

static const JsonLibrary *json;     /* once there was some to read */

static bool flatten(KeyVals *to, const char *key, JsonNode *node, unsigned depth,
                    GError **err);

static bool flatten_members(KeyVals *to, const char *prefix, JsonObject *object,
                            unsigned depth, GError **err)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *node;

    json->json_object_iter_init(&iter, object);
    while (json->json_object_iter_next(&iter, &name, &node)) {
        g_autofree char *key = *prefix ? g_strdup_printf("%s.%s", prefix, name)
                                       : g_strdup(name);

        if (!flatten(to, key, node, depth + 1, err)) {
            return false;
        }
    }
    return true;
}

static bool flatten_elements(KeyVals *to, const char *prefix, JsonArray *array,
                             unsigned depth, GError **err)
{
    for (unsigned i = 0; i < json->json_array_get_length(array); i++) {
        g_autofree char *key = g_strdup_printf("%s.%u", prefix, i);

        if (!flatten(to, key, json->json_array_get_element(array, i), depth + 1, err)) {
            return false;
        }
    }
    return true;
}

static void flatten_value(KeyVals *to, const char *key, JsonNode *node)
{
    g_autofree char *text = NULL;

    switch (json->json_node_get_value_type(node)) {
    case G_TYPE_BOOLEAN:
        keyvals_set(to, key, json->json_node_get_boolean(node) ? "on" : "off");
        break;
    case G_TYPE_STRING:
        keyvals_set(to, key, json->json_node_get_string(node));
        break;
    default:
        text = json->json_to_string(node, FALSE);
        keyvals_set(to, key, text);
    }
}

static bool flatten(KeyVals *to, const char *key, JsonNode *node, unsigned depth,
                    GError **err)
{
    if (depth > DEPTH_MAX) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "JSON that is nested more than %d deep", DEPTH_MAX);
        return false;
    }
    switch (json->json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT:
        return flatten_members(to, key, json->json_node_get_object(node), depth, err);
    case JSON_NODE_ARRAY:
        return flatten_elements(to, key, json->json_node_get_array(node), depth, err);
    case JSON_NODE_NULL:
        keyvals_set(to, key, "");       /* "backing": null: none */
        return true;
    default:
        flatten_value(to, key, node);
        return true;
    }
}

static bool parse(JsonParser *parser, const char *text, KeyVals *options, GError **err)
{
    JsonNode *root;

    if (!json->json_parser_load_from_data(parser, text, -1, err)) {
        g_prefix_error(err, "not JSON: ");
        return false;
    }
    root = json->json_parser_get_root(parser);
    if (!root || json->json_node_get_node_type(root) != JSON_NODE_OBJECT) {
        g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    "a JSON object was expected: {\"driver\": ...}");
        return false;
    }
    return flatten(options, "", root, 0, err);
}

KeyVals *options_from_json(const char *text, GError **err)
{
    g_autoptr(KeyVals) options = none();
    JsonParser *parser;
    bool right;

    json = json_library(err);
    if (!json) {
        return NULL;
    }
    parser = json->json_parser_new();
    right = parse(parser, text, options, err);
    json->g_object_unref(parser);
    return right ? g_steal_pointer(&options) : NULL;
}

KeyVals *options_from_text(const char *text, const char *implied, GError **err)
{
    return *text == '{' ? options_from_json(text, err)
                        : keyvals_parse(text, implied, err);
}

/* ---- parts ---- */

KeyVals *options_sub(KeyVals *options, const char *name)
{
    g_autofree char *prefix = g_strdup_printf("%s.", name);
    KeyVals *sub = none();

    for (unsigned i = 0; i < options->n;) {
        if (g_str_has_prefix(options->pair[i].key, prefix)) {
            g_autofree char *key = g_strdup(options->pair[i].key);
            g_autofree char *value = keyvals_take(options, key);

            keyvals_set(sub, key + strlen(prefix), value);
        } else {
            i++;
        }
    }
    return sub;
}

void options_merge(KeyVals *to, const char *name, KeyVals *from)
{
    while (from->n) {
        g_autofree char *key = g_strdup(from->pair[0].key);
        g_autofree char *value = keyvals_take(from, key);
        g_autofree char *full = name ? g_strdup_printf("%s.%s", name, key) : NULL;

        keyvals_set(to, name ? full : key, value);
    }
}

bool options_take(const Field *fields, void *record, KeyVals *options, GError **err)
{
    g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);

    fields_default(fields, record);
    for (unsigned i = 0; i < options->n;) {
        const char *text;
        const Field *field = field_of_pair(fields, &options->pair[i], &text);
        g_autofree char *key = g_strdup(options->pair[i].key);

        if (!field) {
            i++;
            continue;
        }
        if (!field_set(field, record, text, err)) {
            return false;
        }
        g_hash_table_add(given, (void *)field);
        g_free(keyvals_take(options, key));
    }
    return fields_complete(fields, given, err);
}

bool options_empty(const KeyVals *options, const char *what, GError **err)
{
    if (!options->n) {
        return true;
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "Block %s does not support the option '%s'", what,
                options->pair[0].key);
    return false;
}
