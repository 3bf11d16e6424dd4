/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-input: a keyboard, a mouse, a tablet and a touch screen (virtio 1.2, section
 * 5.8).  What they can do is a table per device; numbers are those of Linux's
 * input-event-codes.h, as 5.8.2 says.
 *
 * Events wait until they belong together (sync) and then take a buffer each; where the
 * driver has not put in enough of them, all of these are dropped.  Lights that the
 * driver sets are taken and not shown.  Under the machine lock.
 */

#include "base/bytes.h"
#include "hw/virtio/devices.h"
#include "ui/input.h"
#include "ui/keys.h"

#include <string.h>

enum { EV_SYN = 0, EV_KEY = 1, EV_REL = 2, EV_ABS = 3, EV_LED = 0x11, EV_REP = 0x14 };
enum { REL_X = 0, REL_Y = 1, REL_HWHEEL = 6, REL_WHEEL = 8 };
enum { ABS_X = 0, ABS_Y = 1, MT_SLOT = 0x2f, MT_X = 0x35, MT_Y = 0x36, MT_ID = 0x39 };
enum { BTN_LEFT = 0x110, BTN_TOUCH = 0x14a, PROP_DIRECT = 1, BUS_VIRTUAL = 6 };

/* 5.8.4: what `select` asks for. */
enum { ID_NAME = 1, ID_SERIAL = 2, ID_DEVIDS = 3, PROP_BITS = 0x10, EV_BITS = 0x11,
       ABS_INFO = 0x12 };
enum { AT_SELECT = 0, AT_SUBSEL = 1, AT_SIZE = 2, AT_DATA = 8, DATA_BYTES = 128 };
enum { CODES_END = 0xffff, EVENTS_MAX = 64 };

typedef struct { u16 type, code; u32 value; } InputEvent;

/* Events of a type; codes end with CODES_END, NULL: all keys there are. */
typedef struct {
    u16 type;
    const u16 *codes;
} EventBits;

typedef struct {
    const VirtioType *type;
    u16 product;
    const char *name;
    EventBits bits[5];              /* ends with type 0 */
    u32 props;
    InputSinkOps sink;
} InputKind;

STATE(InputState,
    (u8, select, "what the configuration space shows"),
    (u8, subsel, "of which kind or axis"));

typedef struct {
    VirtioDevice virtio;
    InputState state;
    const InputKind *kind;
    InputSink *sink;
    InputEvent event[EVENTS_MAX];   /* not yet synced */
    unsigned n;
    bool lost;                      /* one of them did not fit */
} VirtioInput;

static VirtioInput *input_of(Device *dev)
{
    return container_of(dev, VirtioInput, virtio.device);
}

/* ---- configuration space ---- */

static unsigned set_bit(u8 *bits, unsigned n)
{
    bits[n / 8] |= 1 << n % 8;
    return n / 8 + 1;
}

static unsigned event_bits(const InputKind *kind, unsigned type, u8 *data)
{
    const EventBits *b = kind->bits;
    unsigned bytes = 0;

    while (b->type && b->type != type) {
        b++;
    }
    if (!b->type) {
        return 0;
    }
    for (const KeyRow *k = key_rows; !b->codes && k->name; k++) {
        bytes = MAX(bytes, set_bit(data, k->linux_code));
    }
    for (const u16 *code = b->codes; code && *code != CODES_END; code++) {
        bytes = MAX(bytes, set_bit(data, *code));
    }
    return bytes;
}

/* Minimum, maximum, fuzz, flat, resolution. */
static unsigned abs_info(const InputKind *kind, unsigned axis, u8 *data)
{
    u8 axes[DATA_BYTES] = { 0 };

    if (axis >= 8 * DATA_BYTES || !event_bits(kind, EV_ABS, axes) ||
        !(axes[axis / 8] >> axis % 8 & 1)) {
        return 0;
    }
    put32(data + 4, axis == MT_SLOT ? INPUT_SLOTS - 1
                    : axis == MT_ID ? UINT16_MAX : INPUT_RANGE);
    return 20;
}

static unsigned config_data(const VirtioInput *input, u8 *data)
{
    const InputKind *kind = input->kind;

    switch (input->state.select) {
    case ID_NAME:
        memcpy(data, kind->name, strlen(kind->name));
        return strlen(kind->name);
    case ID_DEVIDS:
        put16(data, BUS_VIRTUAL);
        put16(data + 2, 0x0627);
        put16(data + 4, kind->product);
        put16(data + 6, 1);
        return 8;
    case PROP_BITS:
        put32(data, kind->props);
        return kind->props ? 4 : 0;
    case EV_BITS:
        return event_bits(kind, input->state.subsel, data);
    case ABS_INFO:
        return abs_info(kind, input->state.subsel, data);
    default:
        return 0;
    }
}

static void config_get(VirtioDevice *virtio, u8 *bytes)
{
    VirtioInput *input = input_of(&virtio->device);

    bytes[AT_SELECT] = input->state.select;
    bytes[AT_SUBSEL] = input->state.subsel;
    bytes[AT_SIZE] = config_data(input, bytes + AT_DATA);
}

static void config_set(VirtioDevice *virtio, unsigned offset, const u8 *bytes,
                       unsigned n)
{
    VirtioInput *input = input_of(&virtio->device);

    for (unsigned i = 0; i < n; i++) {
        if (offset + i == AT_SELECT) {
            input->state.select = bytes[i];
        } else if (offset + i == AT_SUBSEL) {
            input->state.subsel = bytes[i];
        }
    }
}

/* ---- events ---- */

static void add(VirtioInput *input, u16 type, u16 code, u32 value)
{
    if (input->n == EVENTS_MAX) {
        input->lost = true;
        return;
    }
    input->event[input->n++] = (InputEvent){ type, code, value };
}

static void user_sync(void *opaque)
{
    VirtioInput *input = opaque;
    Chain *chain[EVENTS_MAX];
    unsigned n = 0;

    add(input, EV_SYN, 0, 0);
    while (!input->lost && n < input->n &&
           (chain[n] = virtqueue_pop(virtio_queue(&input->virtio, 0)))) {
        n++;
    }
    if (n == input->n) {
        for (unsigned i = 0; i < n; i++) {
            chain_put(chain[i], &input->event[i], sizeof input->event[i]);
        }
        chains_done(chain, n);
    } else {
        while (n > 0) {                 /* the last one taken goes back first */
            virtqueue_push_back(chain[--n]);
        }
    }
    input->n = 0;
    input->lost = false;
}

static void user_key(void *opaque, unsigned key, bool down)
{
    add(opaque, EV_KEY, key, down);
}

static void user_move(void *opaque, int dx, int dy)
{
    add(opaque, EV_REL, REL_X, dx);
    add(opaque, EV_REL, REL_Y, dy);
}

static void user_place(void *opaque, unsigned x, unsigned y)
{
    add(opaque, EV_ABS, ABS_X, x);
    add(opaque, EV_ABS, ABS_Y, y);
}

/* Linux has the buttons in the same order. */
static void user_button(void *opaque, InputButton button, bool down)
{
    add(opaque, EV_KEY, BTN_LEFT + button, down);
}

static void user_wheel(void *opaque, int x, int y)
{
    if (x) {
        add(opaque, EV_REL, REL_HWHEEL, x);
    }
    if (y) {
        add(opaque, EV_REL, REL_WHEEL, y);
    }
}

/* Linux's multi-touch protocol B: a slot per finger, an id of -1 lifts it. */
static void user_touch(void *opaque, unsigned slot, bool down, unsigned x, unsigned y)
{
    add(opaque, EV_ABS, MT_SLOT, slot);
    add(opaque, EV_ABS, MT_ID, down ? slot : UINT32_MAX);
    if (down) {
        add(opaque, EV_ABS, MT_X, x);
        add(opaque, EV_ABS, MT_Y, y);
    }
    add(opaque, EV_KEY, BTN_TOUCH, down);
}

/* Lights and the like. */
static void status_request(VirtioDevice *virtio, Chain *chain)
{
    chain_done(chain);
}

/* ---- life ---- */

static void started(VirtioDevice *virtio)
{
    input_sink_activate(input_of(&virtio->device)->sink, true);
}

static void reset(Device *dev)
{
    VirtioInput *input = input_of(dev);

    input->n = 0;
    input->lost = false;
    input_sink_activate(input->sink, false);
}

static const InputKind *kind_of(const Device *dev);

static bool open_input(Device *dev, GError **err)
{
    VirtioInput *input = input_of(dev);

    (void)err;
    input->kind = kind_of(dev);
    input->sink = input_sink_new(&input->kind->sink, input, false);
    return true;
}

static void close_input(Device *dev)
{
    input_sink_free(input_of(dev)->sink);
}

#define INPUT_TYPE(type_name, type_help, pci_class)                                 \
    .device = {                                                                     \
        .name = type_name, .help = type_help,                                       \
        .bus = VIRTIO_BUSES,                                                        \
        .aliases = { type_name },                                                   \
        .size = sizeof(VirtioInput),                                                \
        .part = { .name = "virtio-input", DEVICE_STATE(VirtioInput, InputState),    \
                  .reset = reset },                                                 \
        .open = open_input, .close = close_input,                                   \
    },                                                                              \
    .id = 18, .class = pci_class,                                                   \
    .queue = { { "events", EVENTS_MAX, NULL }, { "status", 64, status_request } },  \
    .config_size = AT_DATA + DATA_BYTES,                                            \
    .config_get = config_get, .config_set = config_set, .started = started

static const u16 buttons[] = {
    BTN_LEFT, BTN_LEFT + 1, BTN_LEFT + 2, BTN_LEFT + 3, BTN_LEFT + 4, CODES_END,
};
static const u16 touch_keys[] = { BTN_TOUCH, CODES_END };
static const u16 movements[] = { REL_X, REL_Y, REL_HWHEEL, REL_WHEEL, CODES_END };
static const u16 wheels[] = { REL_HWHEEL, REL_WHEEL, CODES_END };
static const u16 places[] = { ABS_X, ABS_Y, CODES_END };
static const u16 touches[] = { MT_SLOT, MT_X, MT_Y, MT_ID, CODES_END };
static const u16 lights[] = { 0, 1, 2, CODES_END };
static const u16 repeats[] = { 0, 1, CODES_END };

const VirtioType virtio_keyboard = {
    INPUT_TYPE("virtio-keyboard", "a keyboard", 0x090000)
};
const VirtioType virtio_mouse = {
    INPUT_TYPE("virtio-mouse", "a mouse", 0x090200)
};
const VirtioType virtio_tablet = {
    INPUT_TYPE("virtio-tablet", "a pointer that knows its place", 0x098000)
};
const VirtioType virtio_multitouch = {
    INPUT_TYPE("virtio-multitouch", "a touch screen", 0x098000)
};

static const InputKind kinds[] = {
    {
        .type = &virtio_keyboard,
        .product = 1,
        .name = "QEMU Virtio Keyboard",
        .bits = { { EV_KEY, NULL }, { EV_LED, lights }, { EV_REP, repeats } },
        .sink = { .name = "QEMU Virtio Keyboard",
                  .kinds = INPUT_KEYS,
                  .key = user_key,
                  .sync = user_sync },
    },
    {
        .type = &virtio_mouse,
        .product = 2,
        .name = "QEMU Virtio Mouse",
        .bits = { { EV_KEY, buttons }, { EV_REL, movements } },
        .sink = { .name = "QEMU Virtio Mouse",
                  .kinds = INPUT_RELATIVE,
                  .move = user_move,
                  .button = user_button,
                  .wheel = user_wheel,
                  .sync = user_sync },
    },
    {
        .type = &virtio_tablet,
        .product = 3,
        .name = "QEMU Virtio Tablet",
        .bits = { { EV_KEY, buttons }, { EV_REL, wheels }, { EV_ABS, places } },
        .sink = { .name = "QEMU Virtio Tablet",
                  .kinds = INPUT_ABSOLUTE,
                  .place = user_place,
                  .button = user_button,
                  .wheel = user_wheel,
                  .sync = user_sync },
    },
    {
        .type = &virtio_multitouch,
        .product = 4,
        .name = "QEMU Virtio MultiTouch",
        .bits = { { EV_KEY, touch_keys }, { EV_ABS, touches } },
        .props = 1u << PROP_DIRECT,
        .sink = { .name = "QEMU Virtio MultiTouch",
                  .kinds = INPUT_TOUCH,
                  .touch = user_touch,
                  .sync = user_sync },
    },
};

static const InputKind *kind_of(const Device *dev)
{
    const InputKind *kind = kinds;

    while (&kind->type->device != dev->type) {
        kind++;
    }
    return kind;
}
