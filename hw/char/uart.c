/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A serial port: the 16550A (National Semiconductor PC16550D data sheet, June 1995).
 *
 * The line has no speed: a byte leaves when it is written, so THR is empty at once,
 * unless the back end is full; then the transmit FIFO holds what comes until there is
 * room.  The programmed rate counts only for the receiver's time-out (8.4).  Input is
 * taken as the receive FIFO has room, so nothing is overrun.
 *
 * Left out: the modem lines of the host (CTS, DSR and DCD are always on), parity and
 * framing errors (nothing makes any), DMA mode, and OUT2 as a gate of the interrupt
 * line.
 *
 * Called with the machine lock held, by vCPU threads, timers and the character device.
 */

#include "hw/char/uart.h"

#include "hw/char/uart_regs.h"

#include <string.h>

enum { CLOCK_HZ = 1843200 };

/* Table III; the divisor is undefined there and 9600 baud here. */
const UartState uart_reset_state = {
    .divisor = 12,
    .msr = MSR_CTS | MSR_DSR | MSR_DCD,
};

static unsigned uart_depth(const UartState *s)
{
    return s->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

/* ---- interrupts ---- */

static bool uart_has_data(const UartState *s)
{
    static const u8 trigger[] = { 1, 4, 8, 14 };

    return s->rx_count >= (s->fcr & FCR_ENABLE ? trigger[s->fcr >> 6] : 1);
}

/* Table V: the interrupt of the highest priority. */
static u8 uart_iir(const UartState *s)
{
    return (s->ier & IER_LINE) && s->line_error ? IIR_LINE
           : (s->ier & IER_DATA) && uart_has_data(s) ? IIR_DATA
           : (s->ier & IER_DATA) && s->timed_out ? IIR_TIMEOUT
           : (s->ier & IER_THRE) && s->thr_emptied ? IIR_THRE
           : (s->ier & IER_MODEM) && (s->msr & MSR_DELTAS) ? IIR_MODEM
           : IIR_NONE;
}

static void uart_update(Uart *uart)
{
    bool up = uart_iir(&uart->state) != IIR_NONE;

    if (up != uart->asserted) {
        uart->asserted = up;
        irq_set(&uart->irq, up);
    }
}

/* ---- receiver ---- */

/* 8.4: four characters' time without a byte coming or going. */
static void uart_time(Uart *uart)
{
    UartState *s = &uart->state;
    u64 bits = 7 + (s->lcr & LCR_BITS) + !!(s->lcr & LCR_PARITY) +
               !!(s->lcr & LCR_STOP);

    s->timed_out = 0;
    s->timeout_at = 0;
    if (!(s->fcr & FCR_ENABLE) || s->rx_count == 0) {
        timer_cancel(uart->timer);
        return;
    }
    s->timeout_at = clock_now(uart->clock) +
                    4 * bits * 16 * MAX(s->divisor, 1) * NS_PER_SEC / CLOCK_HZ;
    timer_set(uart->timer, s->timeout_at);
}

static void uart_timeout(void *opaque)
{
    Uart *uart = opaque;

    uart->state.timeout_at = 0;
    uart->state.timed_out = 1;
    uart_update(uart);
}

static void uart_receive(Uart *uart, u8 byte, u8 error)
{
    UartState *s = &uart->state;
    unsigned depth = uart_depth(s);

    if (s->rx_count >= depth) {
        /* 8.6.2: without FIFO the new character destroys the old one. */
        s->line_error |= LSR_OVERRUN;
        if (depth == 1) {
            s->rx[0] = byte;
        }
        return;
    }
    s->rx[s->rx_count] = byte;
    s->rx_error[s->rx_count] = error;
    /* 8.6.2: an error shows when its character is at the top of the FIFO. */
    if (s->rx_count == 0) {
        s->line_error |= error;
    }
    s->rx_count++;
    uart_time(uart);
}

static u8 uart_data_read(Uart *uart)
{
    UartState *s = &uart->state;
    u8 byte = s->rx[0];

    if (s->rx_count) {
        s->rx_count--;
        memmove(s->rx, s->rx + 1, UART_FIFO - 1);
        memmove(s->rx_error, s->rx_error + 1, UART_FIFO - 1);
        s->rx_error[UART_FIFO - 1] = 0;
        s->line_error |= s->rx_count ? s->rx_error[0] : 0;
        uart_time(uart);
        uart_update(uart);
        chardev_accept_input(uart->front);
    }
    return byte;
}

static size_t uart_can_read(void *opaque)
{
    const Uart *uart = opaque;
    const UartState *s = &uart->state;

    if ((s->mcr & MCR_LOOP) || s->rx_count >= uart_depth(s)) {
        return 0;
    }
    return uart_depth(s) - s->rx_count;
}

static void uart_readable(void *opaque, const u8 *bytes, size_t n)
{
    Uart *uart = opaque;

    for (size_t i = 0; i < n; i++) {
        uart_receive(uart, bytes[i], 0);
    }
    uart_update(uart);
}

static void uart_event(void *opaque, ChardevEvent event)
{
    Uart *uart = opaque;

    if (event == CHARDEV_BREAK && !(uart->state.mcr & MCR_LOOP)) {
        uart_receive(uart, 0, LSR_BREAK);
        uart_update(uart);
    }
}

/* ---- transmitter ---- */

/* Sends what waits; tells the driver when nothing waits any more. */
static void uart_flush(void *opaque)
{
    Uart *uart = opaque;
    UartState *s = &uart->state;
    size_t n = chardev_write(uart->front, s->tx, s->tx_count);

    memmove(s->tx, s->tx + n, s->tx_count - n);
    s->tx_count -= n;
    if (s->tx_count == 0) {
        s->thr_emptied = 1;
        uart_update(uart);
    }
}

static void uart_data_write(Uart *uart, u8 byte)
{
    UartState *s = &uart->state;
    bool waits = s->tx_count;

    /* THR was full for a moment: an edge-triggered controller sees a new interrupt. */
    s->thr_emptied = 0;
    uart_update(uart);
    if (s->mcr & MCR_LOOP) {
        uart_receive(uart, byte, 0);
        s->thr_emptied = !waits;
        uart_update(uart);
        return;
    }
    if (s->tx_count < uart_depth(s)) {
        s->tx[s->tx_count++] = byte;
    }
    if (!waits) {
        uart_flush(uart);
    }
}

/* ---- registers ---- */

/* 8.5 */
static void uart_fcr_write(Uart *uart, u8 value)
{
    UartState *s = &uart->state;

    if ((value ^ s->fcr) & FCR_ENABLE) {
        value |= FCR_RX_RESET | FCR_TX_RESET;
    }
    s->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
    if (value & FCR_RX_RESET) {
        s->rx_count = 0;
        memset(s->rx_error, 0, sizeof s->rx_error);
        uart_time(uart);
        chardev_accept_input(uart->front);
    }
    if ((value & FCR_TX_RESET) && s->tx_count) {
        s->tx_count = 0;
        s->thr_emptied = 1;
    }
    uart_update(uart);
}

/* 8.8: the low half remembers which lines changed, of RI only that it went. */
static void uart_modem_lines(UartState *s)
{
    u8 mcr = s->mcr;
    u8 old = s->msr, now = MSR_CTS | MSR_DSR | MSR_DCD;
    u8 deltas;

    if (mcr & MCR_LOOP) {
        now = (mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
              (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0);
    }
    deltas = ((now ^ old) >> 4) & ~MSR_RI_GONE;
    deltas |= old & ~now & MSR_RI ? MSR_RI_GONE : 0;
    s->msr = now | (old & MSR_DELTAS) | deltas;
}

static void uart_mcr_write(Uart *uart, u8 value)
{
    UartState *s = &uart->state;
    bool left_loop = s->mcr & ~value & MCR_LOOP;

    s->mcr = value & 0x1f;
    uart_modem_lines(s);
    uart_update(uart);
    if (left_loop) {
        chardev_accept_input(uart->front);
    }
}

static void uart_ier_write(Uart *uart, u8 value)
{
    UartState *s = &uart->state;

    /* 8.7: enabling the interrupt while THR is empty makes one. */
    if ((value & ~s->ier & IER_THRE) && s->tx_count == 0) {
        s->thr_emptied = 1;
    }
    s->ier = value & 0x0f;
    uart_update(uart);
}

void uart_write(Uart *uart, unsigned offset, u8 value)
{
    UartState *s = &uart->state;

    if (offset <= IER && (s->lcr & LCR_DLAB)) {
        s->divisor = offset ? (s->divisor & 0x00ff) | value << 8
                            : (s->divisor & 0xff00) | value;
        return;
    }
    switch (offset) {
    case DATA: uart_data_write(uart, value); break;
    case IER:  uart_ier_write(uart, value); break;
    case IIR:  uart_fcr_write(uart, value); break;
    case LCR:  s->lcr = value; break;
    case MCR:  uart_mcr_write(uart, value); break;
    case SCR:  s->scr = value; break;
    }
}

static u8 uart_iir_read(Uart *uart)
{
    UartState *s = &uart->state;
    u8 iir = uart_iir(s);

    if (iir == IIR_THRE) {
        s->thr_emptied = 0;
        uart_update(uart);
    }
    return iir | (s->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

static u8 uart_lsr_read(Uart *uart)
{
    UartState *s = &uart->state;
    u8 lsr = s->line_error | (s->rx_count ? LSR_DATA : 0) |
             (s->tx_count ? 0 : LSR_THRE | LSR_TEMT);

    for (unsigned i = 0; (s->fcr & FCR_ENABLE) && i < s->rx_count; i++) {
        lsr |= s->rx_error[i] ? LSR_FIFO_ERROR : 0;
    }
    if (s->line_error) {
        s->line_error = 0;
        s->rx_error[0] = 0;
        uart_update(uart);
    }
    return lsr;
}

static u8 uart_msr_read(Uart *uart)
{
    u8 msr = uart->state.msr;

    uart->state.msr &= ~MSR_DELTAS;
    uart_update(uart);
    return msr;
}

u8 uart_read(Uart *uart, unsigned offset)
{
    const UartState *s = &uart->state;

    if (offset <= IER && (s->lcr & LCR_DLAB)) {
        return offset ? s->divisor >> 8 : s->divisor & 0xff;
    }
    switch (offset) {
    case DATA: return uart_data_read(uart);
    case IER:  return s->ier;
    case IIR:  return uart_iir_read(uart);
    case LCR:  return s->lcr;
    case MCR:  return s->mcr;
    case LSR:  return uart_lsr_read(uart);
    case MSR:  return uart_msr_read(uart);
    default:   return s->scr;
    }
}

/* ---- life ---- */

static const CharFrontOps uart_front = {
    .locked = true,
    .can_read = uart_can_read,
    .readable = uart_readable,
    .event = uart_event,
    .writable = uart_flush,
};

bool uart_open(Uart *uart, Clock *clock, const char *chardev, GError **err)
{
    Chardev *chr;

    uart->clock = clock;
    uart->timer = timer_new(clock, uart_timeout, uart);
    if (!chardev) {
        return true;
    }
    chr = chardev_find(chardev, err);
    uart->front = chr ? chardev_attach(chr, &uart_front, uart, err) : NULL;
    return uart->front;
}

void uart_close(Uart *uart)
{
    chardev_detach(uart->front);
    timer_free(uart->timer);
}

void uart_reset(Uart *uart)
{
    timer_cancel(uart->timer);
    uart_update(uart);
    chardev_accept_input(uart->front);
}

void uart_loaded(Uart *uart)
{
    UartState *s = &uart->state;

    s->rx_count = MIN(s->rx_count, uart_depth(s));
    timer_cancel(uart->timer);
    if (s->timeout_at) {
        timer_set(uart->timer, s->timeout_at);
    }
    uart_update(uart);
    if (s->tx_count) {
        uart_flush(uart);
    }
    chardev_accept_input(uart->front);
}
