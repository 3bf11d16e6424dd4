/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json-glib, loaded when there is JSON to read or write: with GObject and GIO below it,
 * it is half of all libraries.  Any thread.
 */

#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/library.h"

#include <json-glib/json-glib.h>

#define JSON_FUNCTIONS(row)                                                           \
    row(g_object_unref) row(json_array_get_element) row(json_array_get_length)        \
    row(json_builder_add_int_value) row(json_builder_add_string_value)                \
    row(json_builder_begin_array) row(json_builder_begin_object)                      \
    row(json_builder_end_array) row(json_builder_end_object)                          \
    row(json_builder_get_root) row(json_builder_new)                                  \
    row(json_builder_set_member_name) row(json_node_get_array)                        \
    row(json_node_get_boolean) row(json_node_get_node_type)                           \
    row(json_node_get_object) row(json_node_get_string)                               \
    row(json_node_get_value_type) row(json_node_unref) row(json_object_iter_init)     \
    row(json_object_iter_next) row(json_parser_get_root)                              \
    row(json_parser_load_from_data) row(json_parser_new) row(json_to_string)

typedef struct {
    JSON_FUNCTIONS(LIBRARY_MEMBER)
} JsonLibrary;

/* NULL and an error: it is not there. */
const JsonLibrary *json_library(GError **err) must_check;

#endif
