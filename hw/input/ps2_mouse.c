/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 mouse: hw/input/ps2.h.  Three buttons, and a wheel for drivers that knock
 * for it (sample rates 200, 100, 80 in a row, as Microsoft's IntelliMouse).
 *
 * Left out: the effect of resolution and of scaling 2:1, which are only kept.
 */

#include "hw/input/ps2.h"

/* Commands from the host. */
enum {
    SCALE_1 = 0xe6, SCALE_2 = 0xe7, SET_RESOLUTION = 0xe8, GET_STATUS = 0xe9,
    STREAM = 0xea, READ_DATA = 0xeb, WRAP_OFF = 0xec, WRAP_ON = 0xee, REMOTE = 0xf0,
    IDENTIFY = 0xf2, SET_RATE = 0xf3, ENABLE = 0xf4, DISABLE = 0xf5, DEFAULTS = 0xf6,
    RESEND = 0xfe, RESET = 0xff,
};

enum { ID_WHEEL = 3 };

const Ps2Mouse ps2_mouse_reset = { .resolution = 2, .rate = 100 };

/* What a packet can say of a movement: nine bits, or four for the wheel. */
static int mouse_step(u32 *left, int min, int max)
{
    int step = CLAMP((s32)*left, min, max);

    *left -= step;
    return step;
}

static unsigned mouse_packet(Ps2Mouse *m, u8 *bytes)
{
    int dx = mouse_step(&m->dx, -255, 255);
    int dy = mouse_step(&m->dy, -255, 255);
    int dz = mouse_step(&m->dz, -8, 7);

    m->reported = m->buttons;
    bytes[0] = 0x08 | m->buttons | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0);
    bytes[1] = dx;
    bytes[2] = dy;
    bytes[3] = dz;
    return m->id == ID_WHEEL ? 4 : 3;
}

static bool mouse_has_news(const Ps2Mouse *m)
{
    return m->dx || m->dy || (m->dz && m->id == ID_WHEEL) || m->buttons != m->reported;
}

void ps2_mouse_report(Ps2Mouse *m, Ps2Queue *q)
{
    u8 bytes[4];

    while (m->reporting && !m->remote && !m->wrap && mouse_has_news(m) &&
           q->count + sizeof bytes <= PS2_QUEUE) {
        unsigned n = mouse_packet(m, bytes);

        (void)ps2_queue_put(q, bytes, n);
    }
}

void ps2_mouse_move(Ps2Mouse *m, int x, int y, int z, unsigned buttons)
{
    m->dx += x;
    m->dy -= y;
    m->dz += z;
    m->buttons = buttons & 7;
}

static void mouse_status(const Ps2Mouse *m, Ps2Queue *q)
{
    /* Here the buttons are left, middle, right from bit 2 down. */
    ps2_queue_answer(q, m->remote << 6 | m->reporting << 5 | m->scaling << 4 |
                        (m->buttons & 1) << 2 | (m->buttons & 4) >> 1 |
                        (m->buttons & 2) >> 1);
    ps2_queue_answer(q, m->resolution);
    ps2_queue_answer(q, m->rate);
}

static void mouse_argument(Ps2Mouse *m, Ps2Queue *q, u8 byte)
{
    if (q->command == SET_RESOLUTION) {
        m->resolution = byte & 3;
    } else {
        if (m->knock[0] == 200 && m->knock[1] == 100 && byte == 80) {
            m->id = ID_WHEEL;
        }
        m->knock[0] = m->knock[1];
        m->knock[1] = byte;
        m->rate = byte;
    }
    q->command = 0;
    ps2_queue_answer(q, PS2_ACK);
}

/* Commands that answer with more than an acknowledgement, or wait for more. */
static void mouse_dialogue(Ps2Mouse *m, Ps2Queue *q, u8 byte)
{
    u8 bytes[4];
    unsigned n;

    switch (byte) {
    case SET_RESOLUTION:
    case SET_RATE:
        q->command = byte;
        break;
    case GET_STATUS:
        mouse_status(m, q);
        break;
    case READ_DATA:
        n = mouse_packet(m, bytes);
        for (unsigned i = 0; i < n; i++) {
            ps2_queue_answer(q, bytes[i]);
        }
        break;
    case IDENTIFY:
        ps2_queue_answer(q, m->id);
        break;
    case RESET:
        ps2_queue_answer(q, PS2_PASSED);
        ps2_queue_answer(q, 0);
        break;
    }
}

/* Changes what the command is for; false if there is no such command. */
static bool mouse_command(Ps2Mouse *m, u8 byte)
{
    switch (byte) {
    case SCALE_1:
    case SCALE_2:
        m->scaling = byte == SCALE_2;
        return true;
    case STREAM:
    case REMOTE:
        m->remote = byte == REMOTE;
        return true;
    case WRAP_OFF:
    case WRAP_ON:
        m->wrap = byte == WRAP_ON;
        return true;
    case ENABLE:
    case DISABLE:
        m->reporting = byte == ENABLE;
        return true;
    case DEFAULTS:
    case RESET:
        *m = ps2_mouse_reset;
        return true;
    case SET_RESOLUTION:
    case SET_RATE:
    case GET_STATUS:
    case READ_DATA:
    case IDENTIFY:
        return true;
    default:
        return false;
    }
}

void ps2_mouse_byte(Ps2Mouse *m, Ps2Queue *q, u8 byte)
{
    ps2_queue_drop(q);              /* a command ends the packet that is on its way */
    if (m->wrap && byte != WRAP_OFF && byte != RESET) {
        ps2_queue_answer(q, byte);
    } else if (q->command) {
        mouse_argument(m, q, byte);
    } else if (byte == RESEND) {
        ps2_queue_answer(q, q->last);
    } else if (mouse_command(m, byte)) {
        ps2_queue_answer(q, PS2_ACK);
        mouse_dialogue(m, q, byte);
    } else {
        ps2_queue_answer(q, PS2_RESEND);
    }
}
