/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keyboard controller of the AT and PS/2 (IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device Controller"), ports 0x60 and 0x64, with a
 * keyboard (IRQ 1) and a mouse (IRQ 12) plugged in.
 *
 * The output buffer holds one byte; the next one, the controller's answer before the
 * keyboard's before the mouse's, comes as soon as it was read.  After a reset the
 * controller is as firmware leaves it, because a kernel may be entered without any.
 * Output port bit 0 resets the machine; A20 is only kept (see hw/misc/port92.c).
 *
 * Left out: the password, the input port's lines, and time-outs.
 *
 * Called with the machine lock held.
 */

#include "hw/input/i8042.h"

#include "hw/input/ps2.h"
#include "hw/isa/isa.h"
#include "ui/input.h"
#include "ui/keys.h"

enum { KEYBOARD_IRQ = 1, MOUSE_IRQ = 12, RAM_BYTES = 32 };

enum { STATUS_FULL = 0x01, STATUS_SYSTEM = 0x04, STATUS_COMMAND = 0x08,
       STATUS_UNLOCKED = 0x10, STATUS_MOUSE = 0x20 };

/* The command byte, RAM byte 0. */
enum { CTR_KEYBOARD_IRQ = 0x01, CTR_MOUSE_IRQ = 0x02, CTR_SYSTEM = 0x04,
       CTR_KEYBOARD_OFF = 0x10, CTR_MOUSE_OFF = 0x20, CTR_TRANSLATE = 0x40 };

enum { OUT_NOT_RESET = 0x01, OUT_A20 = 0x02, OUT_KEYBOARD_FULL = 0x10,
       OUT_MOUSE_FULL = 0x20, OUT_LINES = 0xcc };

/* Commands at port 0x64. */
enum {
    READ_RAM = 0x20, WRITE_RAM = 0x60, PASSWORD_TEST = 0xa4, MOUSE_OFF = 0xa7,
    MOUSE_ON = 0xa8, MOUSE_TEST = 0xa9, SELF_TEST = 0xaa, KEYBOARD_TEST = 0xab,
    KEYBOARD_OFF = 0xad, KEYBOARD_ON = 0xae, READ_INPUT = 0xc0, READ_OUTPUT = 0xd0,
    WRITE_OUTPUT = 0xd1, WRITE_KEYBOARD_BUFFER = 0xd2, WRITE_MOUSE_BUFFER = 0xd3,
    WRITE_MOUSE = 0xd4, A20_OFF = 0xdd, A20_ON = 0xdf, PULSE = 0xf0,
};

/* Whose byte it is. */
enum { FROM_NOBODY, FROM_KEYBOARD, FROM_MOUSE };

STATE(I8042State,
    (u8[32], ram,      "controller RAM; byte 0 is the command byte"),
    (u8,     data,     "output buffer"),
    (u8,     full,     "whose byte that is: 1 keyboard's, 2 mouse's", .max = 2),
    (u8,     answer,   "the controller's own next byte"),
    (u8,     answers,  "1 if there is one, 2 if it passes for the mouse's", .max = 2),
    (u8,     command,  "command that waits for its data, 0 for none"),
    (u8,     wrote,    "1 if the last write was a command", .max = 1),
    (u8,     key_up,   "1 if the translation has seen a break prefix", .max = 1),
    (u8,     a20,      "1 if the output port asks for A20", .max = 1));

static const I8042State i8042_reset_state = {
    .ram = { CTR_KEYBOARD_IRQ | CTR_SYSTEM | CTR_MOUSE_OFF | CTR_TRANSLATE },
    .a20 = 1,
};

typedef struct {
    IsaDevice isa;
    I8042State state;
    Ps2Keyboard keyboard;
    Ps2Mouse mouse;
    Ps2Queue keyboard_queue, mouse_queue;
    InputSink *keys, *pointer;
    unsigned buttons;               /* as the user holds them */
} I8042;

#define PS2_PART(n, T, at_reset) \
    { .name = n, .state = T##_fields, .state_size = sizeof(T), .reset_state = at_reset }
static const Part keyboard_part =
    PS2_PART("keyboard", Ps2Keyboard, &ps2_keyboard_reset);
static const Part keyboard_queue_part = PS2_PART("keyboard-queue", Ps2Queue, NULL);
static const Part mouse_part = PS2_PART("mouse", Ps2Mouse, &ps2_mouse_reset);
static const Part mouse_queue_part = PS2_PART("mouse-queue", Ps2Queue, NULL);

static I8042 *i8042_of(Device *dev)
{
    return container_of(dev, I8042, isa.device);
}

/* ---- the output buffer ---- */

static void i8042_drive(I8042 *kbc)
{
    const I8042State *s = &kbc->state;
    Machine *machine = kbc->isa.device.machine;

    machine_gsi(machine, KEYBOARD_IRQ,
                s->full == FROM_KEYBOARD && (s->ram[0] & CTR_KEYBOARD_IRQ));
    machine_gsi(machine, MOUSE_IRQ,
                s->full == FROM_MOUSE && (s->ram[0] & CTR_MOUSE_IRQ));
}

/* The keyboard's next byte, translated to scan code set 1 if that is on, or -1. */
static int i8042_keyboard_take(I8042 *kbc)
{
    I8042State *s = &kbc->state;
    int byte = ps2_queue_take(&kbc->keyboard_queue);
    u8 up;

    if (!(s->ram[0] & CTR_TRANSLATE) || byte < 0) {
        return byte;
    }
    if (byte == 0xf0) {
        s->key_up = 1;
        byte = ps2_queue_take(&kbc->keyboard_queue);
        if (byte < 0) {
            return byte;
        }
    }
    up = s->key_up ? 0x80 : 0;
    s->key_up = 0;
    return ps2_translate(byte) | up;
}

/* Puts the next byte into the output buffer, if that is free and there is one. */
static void i8042_refill(I8042 *kbc)
{
    I8042State *s = &kbc->state;
    int byte = -1;

    if (s->full) {
        return;
    }
    if (s->answers) {
        byte = s->answer;
        s->full = s->answers;
        s->answers = FROM_NOBODY;
    }
    if (byte < 0 && !(s->ram[0] & CTR_KEYBOARD_OFF)) {
        byte = i8042_keyboard_take(kbc);
        s->full = byte < 0 ? FROM_NOBODY : FROM_KEYBOARD;
    }
    if (byte < 0 && !(s->ram[0] & CTR_MOUSE_OFF)) {
        byte = ps2_queue_take(&kbc->mouse_queue);
        s->full = byte < 0 ? FROM_NOBODY : FROM_MOUSE;
        ps2_mouse_report(&kbc->mouse, &kbc->mouse_queue);
    }
    if (byte >= 0) {
        s->data = byte;
    }
    i8042_drive(kbc);
}

static void i8042_answer(I8042State *s, u8 byte)
{
    s->answer = byte;
    s->answers = FROM_KEYBOARD;
}

/* ---- ports ---- */

static void i8042_write_output(I8042 *kbc, u8 value)
{
    kbc->state.a20 = !!(value & OUT_A20);
    if (!(value & OUT_NOT_RESET)) {
        machine_request(kbc->isa.device.machine, REQUEST_RESET, 0,
                        "keyboard controller");
    }
}

static u8 i8042_read_output(const I8042State *s)
{
    return OUT_LINES | OUT_NOT_RESET | (s->a20 ? OUT_A20 : 0) |
           (s->full == FROM_KEYBOARD ? OUT_KEYBOARD_FULL : 0) |
           (s->full == FROM_MOUSE ? OUT_MOUSE_FULL : 0);
}

static void i8042_set_ctr(I8042State *s, u8 clear, u8 set)
{
    s->ram[0] = (s->ram[0] & ~clear) | set;
}

static void i8042_command(I8042 *kbc, u8 byte)
{
    I8042State *s = &kbc->state;

    s->command = 0;
    switch (byte) {
    case READ_RAM ... READ_RAM + RAM_BYTES - 1:
        i8042_answer(s, s->ram[byte - READ_RAM]);
        break;
    case WRITE_RAM ... WRITE_RAM + RAM_BYTES - 1:
    case WRITE_OUTPUT ... WRITE_MOUSE:
        s->command = byte;
        break;
    case PASSWORD_TEST: i8042_answer(s, 0xf1); break;           /* there is none */
    case MOUSE_OFF:     i8042_set_ctr(s, 0, CTR_MOUSE_OFF); break;
    case MOUSE_ON:      i8042_set_ctr(s, CTR_MOUSE_OFF, 0); break;
    case MOUSE_TEST:
    case KEYBOARD_TEST: i8042_answer(s, 0x00); break;           /* no error */
    case SELF_TEST:
        i8042_set_ctr(s, 0, CTR_SYSTEM);
        i8042_answer(s, 0x55);
        break;
    case KEYBOARD_OFF:  i8042_set_ctr(s, 0, CTR_KEYBOARD_OFF); break;
    case KEYBOARD_ON:   i8042_set_ctr(s, CTR_KEYBOARD_OFF, 0); break;
    case READ_INPUT:    i8042_answer(s, 0x80); break;           /* not locked */
    case READ_OUTPUT:   i8042_answer(s, i8042_read_output(s)); break;
    case A20_OFF:       s->a20 = 0; break;
    case A20_ON:        s->a20 = 1; break;
    case PULSE ... 0xff:
        /* Bits 0-3 that are 0 pull their line of the output port low for 6 us. */
        if (!(byte & OUT_NOT_RESET)) {
            i8042_write_output(kbc, s->a20 ? OUT_A20 : 0);
        }
        break;
    }
}

/* Data: for the command that waits, or the keyboard. */
static void i8042_data(I8042 *kbc, u8 byte)
{
    I8042State *s = &kbc->state;
    u8 command = s->command;

    s->command = 0;
    switch (command) {
    case WRITE_RAM ... WRITE_RAM + RAM_BYTES - 1:
        s->ram[command - WRITE_RAM] = byte;
        break;
    case WRITE_OUTPUT:
        i8042_write_output(kbc, byte);
        break;
    case WRITE_KEYBOARD_BUFFER:
        i8042_answer(s, byte);
        break;
    case WRITE_MOUSE_BUFFER:
        s->answer = byte;
        s->answers = FROM_MOUSE;
        break;
    case WRITE_MOUSE:
        i8042_set_ctr(s, CTR_MOUSE_OFF, 0);
        ps2_mouse_byte(&kbc->mouse, &kbc->mouse_queue, byte);
        break;
    default:
        i8042_set_ctr(s, CTR_KEYBOARD_OFF, 0);
        ps2_keyboard_byte(&kbc->keyboard, &kbc->keyboard_queue, byte);
    }
}

static u64 data_read(void *opaque, u64 offset, unsigned size)
{
    I8042 *kbc = opaque;
    u8 byte = kbc->state.data;

    if (kbc->state.full) {
        kbc->state.full = FROM_NOBODY;
        i8042_drive(kbc);               /* between two bytes the line goes down */
        i8042_refill(kbc);
    }
    return byte;
}

static void data_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    I8042 *kbc = opaque;

    kbc->state.wrote = 0;
    i8042_data(kbc, value);
    i8042_refill(kbc);
    i8042_drive(kbc);
}

static u64 status_read(void *opaque, u64 offset, unsigned size)
{
    const I8042 *kbc = opaque;
    const I8042State *s = &kbc->state;

    return STATUS_UNLOCKED | (s->full ? STATUS_FULL : 0) |
           (s->full == FROM_MOUSE ? STATUS_MOUSE : 0) |
           (s->ram[0] & CTR_SYSTEM ? STATUS_SYSTEM : 0) |
           (s->wrote ? STATUS_COMMAND : 0);
}

static void command_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    I8042 *kbc = opaque;

    kbc->state.wrote = 1;
    i8042_command(kbc, value);
    i8042_refill(kbc);
    i8042_drive(kbc);
}

static const RegionOps data_ops = { data_read, data_write, 1 };
static const RegionOps command_ops = { status_read, command_write, 1 };

/* ---- the user ---- */

void ps2_key(Device *dev, unsigned code, bool down)
{
    I8042 *kbc = i8042_of(dev);

    ps2_keyboard_key(&kbc->keyboard, &kbc->keyboard_queue, code, down);
    i8042_refill(kbc);
}

void ps2_mouse(Device *dev, int x, int y, int z, unsigned buttons)
{
    I8042 *kbc = i8042_of(dev);

    ps2_mouse_move(&kbc->mouse, x, y, z, buttons);
    ps2_mouse_report(&kbc->mouse, &kbc->mouse_queue);
    i8042_refill(kbc);
}

static void user_key(void *opaque, unsigned code, bool down)
{
    I8042 *kbc = opaque;
    const KeyRow *key = key_by_code(code);

    if (key) {
        ps2_key(&kbc->isa.device, key->set1, down);
    }
}

static void user_move(void *opaque, int dx, int dy)
{
    I8042 *kbc = opaque;

    ps2_mouse(&kbc->isa.device, dx, dy, 0, kbc->buttons);
}

/* ps2.h has the buttons in the same order. */
static void user_button(void *opaque, InputButton button, bool down)
{
    I8042 *kbc = opaque;

    if (button <= BUTTON_MIDDLE) {
        kbc->buttons = (kbc->buttons & ~(1u << button)) | (unsigned)down << button;
        ps2_mouse(&kbc->isa.device, 0, 0, 0, kbc->buttons);
    }
}

static void user_wheel(void *opaque, int x, int y)
{
    I8042 *kbc = opaque;

    ps2_mouse(&kbc->isa.device, 0, 0, -y, kbc->buttons);
}

static const InputSinkOps keys_ops = {
    .name = "QEMU PS/2 Keyboard", .kinds = INPUT_KEYS, .key = user_key,
};
static const InputSinkOps pointer_ops = {
    .name = "QEMU PS/2 Mouse", .kinds = INPUT_RELATIVE, .move = user_move,
    .button = user_button, .wheel = user_wheel,
};

/* ---- life ---- */

static void i8042_reset(Device *dev)
{
    i8042_drive(i8042_of(dev));
}

static bool i8042_loaded(Device *dev, GError **err)
{
    I8042 *kbc = i8042_of(dev);

    Ps2Queue *queue[] = { &kbc->keyboard_queue, &kbc->mouse_queue };

    for (unsigned i = 0; i < G_N_ELEMENTS(queue); i++) {
        queue[i]->answers = MIN(queue[i]->answers, queue[i]->count);
    }
    i8042_drive(kbc);
    return true;
}

static bool i8042_open(Device *dev, GError **err)
{
    I8042 *kbc = i8042_of(dev);

    device_add_part(dev, &keyboard_part, &kbc->keyboard);
    device_add_part(dev, &keyboard_queue_part, &kbc->keyboard_queue);
    device_add_part(dev, &mouse_part, &kbc->mouse);
    device_add_part(dev, &mouse_queue_part, &kbc->mouse_queue);
    kbc->keys = input_sink_new(&keys_ops, kbc, true);
    kbc->pointer = input_sink_new(&pointer_ops, kbc, true);
    return isa_ports(&kbc->isa, 0x60, 1, &data_ops, err) &&
           isa_ports(&kbc->isa, 0x64, 1, &command_ops, err);
}

static void i8042_close(Device *dev)
{
    I8042 *kbc = i8042_of(dev);

    input_sink_free(kbc->keys);
    input_sink_free(kbc->pointer);
}

const DeviceType i8042_type = {
    .name = "i8042",
    .help = "the keyboard controller with a PS/2 keyboard and mouse",
    .board_only = true,
    ISA_DEVICE,
    .size = sizeof(I8042),
    .part = {
        .name = "i8042",
        DEVICE_STATE(I8042, I8042State),
        .reset_state = &i8042_reset_state,
        .reset = i8042_reset,
        .loaded = i8042_loaded,
    },
    .open = i8042_open,
    .close = i8042_close,
};
