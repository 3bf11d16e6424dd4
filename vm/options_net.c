/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -netdev, also as JSON; -nic and -net: a network card and its back end in one option,
 * as QEMU's; and the card that a machine has when nothing is said.  They become what
 * netdev_new and -device take.  Main thread.
 */

#include "vm/options.h"

#include "base/keyval.h"
#include "block/options.h"
#include "net/net.h"

#include <string.h>

static void card_free(void *opaque)
{
    NetCard *card = opaque;

    g_free(card->said);
    g_free(card->netdev);
    g_free(card->device);
    g_free(card);
}

void option_append_pair(GString *out, const char *key, const char *value)
{
    g_string_append_printf(out, ",%s=", key);
    for (; *value; value++) {
        g_string_append_c(out, *value);
        if (*value == ',') {
            g_string_append_c(out, ',');
        }
    }
}

/* The name that -device knows it by. */
static const char *model_name(const char *model, GError **err)
{
    static const char *const ours[] = { "virtio", "virtio-net", "virtio-net-pci",
                                        NULL };

    if (!model || g_strv_contains(ours, model)) {
        return "virtio-net-pci";
    }
    refuse(err, "model: there is no network card '%s'; there is 'virtio-net-pci'",
           model);
    return NULL;
}

/* A card's own options among those of its back end: what they are for -device. */
static const struct {
    const char *key, *name;
    bool legacy;                    /* of -net nic alone */
} card_keys[] = {
    { "mac", "mac", false }, { "macaddr", "mac", true }, { "addr", "addr", true },
    { "vectors", "vectors", true }, { "bootindex", "bootindex", false },
};

static bool take_card_options(KeyVals *kv, bool legacy, GString *device, GError **err)
{
    g_autofree char *given = keyvals_take(kv, "model");
    const char *model = model_name(given, err);

    if (!model) {
        return false;
    }
    g_string_assign(device, model);
    for (unsigned i = 0; i < G_N_ELEMENTS(card_keys); i++) {
        g_autofree char *value = !card_keys[i].legacy || legacy
                                 ? keyvals_take(kv, card_keys[i].key) : NULL;

        if (value) {
            option_append_pair(device, card_keys[i].name, value);
        }
    }
    return true;
}

char *option_join(const char *first, const KeyVals *kv)
{
    GString *out = g_string_new(first);

    for (unsigned i = 0; i < kv->n; i++) {
        option_append_pair(out, kv->pair[i].key, kv->pair[i].value);
    }
    return g_string_free(out, FALSE);
}

/* ---- -netdev ---- */

/* The key of a list's element, "hostfwd.0.str" in JSON, is that of the list. */
static void cut_index(KeyVal *pair)
{
    const char *dot = strchr(pair->key, '.');

    if (dot && g_ascii_isdigit(dot[1])) {
        pair->key[dot - pair->key] = 0;
    }
}

bool netdev_from_option(const char *value, GError **err)
{
    g_autoptr(KeyVals) kv = options_from_text(value, "type", err);
    g_autofree char *type = kv ? keyvals_take(kv, "type") : NULL;
    g_autofree char *text = NULL;

    if (!kv) {
        return false;
    }
    if (!type) {
        return refuse(err, "the kind of back end is missing (-netdev help lists them)");
    }
    for (unsigned i = 0; i < kv->n; i++) {
        cut_index(&kv->pair[i]);
    }
    text = option_join(type, kv);
    return netdev_new(text, err);
}

/* ---- -nic ---- */

/* Without an id, one that no user would write. */
static char *take_id(KeyVals *kv, unsigned n)
{
    char *id = keyvals_take(kv, "id");

    return id ? id : g_strdup_printf("__net%u", n);
}

static NetCard *add_card(VmConfig *config, const char *option, const char *value)
{
    NetCard *card = g_new0(NetCard, 1);

    card->said = g_strdup_printf("-%s %s", option, value);
    g_ptr_array_add(config->cards, card);
    return card;
}

static bool add_nic(VmConfig *config, const char *value, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(value, "type", err);
    g_autofree char *type = kv ? keyvals_take(kv, "type") : NULL;
    g_autoptr(GString) device = g_string_new(NULL);
    g_autofree char *id = NULL;
    NetCard *card;

    if (!kv) {
        return false;
    }
    if (!type) {
        return refuse(err, "what the card is joined to is missing: user, tap, none");
    }
    if (strcmp(type, "none") == 0) {
        return true;
    }
    if (!take_card_options(kv, false, device, err)) {
        return false;
    }
    id = take_id(kv, config->cards->len);
    option_append_pair(device, "netdev", id);
    keyvals_set(kv, "id", id);
    card = add_card(config, "nic", value);
    card->netdev = option_join(type, kv);
    card->device = g_string_free(g_steal_pointer(&device), FALSE);
    return true;
}

bool nic_judge(VmConfig *config, const char *value, GError **err)
{
    if (!config->cards) {
        config->cards = g_ptr_array_new_with_free_func(card_free);
    }
    return add_nic(config, value, err);
}

/* ---- -net: cards and back ends, each with the next of the other kind ---- */

static bool add_legacy(VmConfig *config, const char *value, unsigned *cards,
                       unsigned *ends, GError **err)
{
    g_autoptr(KeyVals) kv = keyvals_parse(value, "type", err);
    g_autofree char *type = kv ? keyvals_take(kv, "type") : NULL;
    g_autoptr(GString) device = g_string_new(NULL);
    bool is_card = g_strcmp0(type, "nic") == 0;
    g_autofree char *id = NULL, *netdev = NULL;

    if (!kv || g_strcmp0(type, "none") == 0) {
        return kv != NULL;
    }
    id = g_strdup_printf("__hub%u", is_card ? *cards : *ends);
    if (!is_card) {
        g_free(keyvals_take(kv, "id"));
        g_free(keyvals_take(kv, "name"));
        keyvals_set(kv, "id", id);
        add_card(config, "net", value)->netdev = option_join(type ? type : "", kv);
        ++*ends;
        return true;
    }
    g_free(keyvals_take(kv, "name"));
    if (!take_card_options(kv, true, device, err)) {
        return false;
    }
    netdev = keyvals_take(kv, "netdev");
    option_append_pair(device, "netdev", netdev ? netdev : id);
    *cards += !netdev;
    if (kv->n) {
        return refuse(err, "no option '%s' of a network card", kv->pair[0].key);
    }
    add_card(config, "net", value)->device = g_string_free(g_steal_pointer(&device),
                                                           FALSE);
    return true;
}

/* ---- all ---- */

/* Without a word about networks there is a card on a user network. */
static bool add_default(VmConfig *config, GError **err)
{
    bool said = config->net->len + config->nic->len + config->netdev->len > 0;

    return said || config->nodefaults || add_nic(config, "user", err);
}

bool net_check(VmConfig *config, const char *value, GError **err)
{
    unsigned cards = 0, ends = 0;

    (void)value;
    if (!config->cards) {
        config->cards = g_ptr_array_new_with_free_func(card_free);
    }
    for (unsigned i = 0; i < config->net->len; i++) {
        if (!add_legacy(config, config->net->pdata[i], &cards, &ends, err)) {
            return false;
        }
    }
    if (cards > ends) {
        return refuse(err, "%u cards and %u back ends; each card needs one of its own: "
                      "-nic says both at once", cards, ends);
    }
    return add_default(config, err);
}
