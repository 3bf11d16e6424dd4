/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 16550A, for the device that gives it an address and an interrupt.  Under the
 * machine lock.
 */

#ifndef HW_CHAR_UART_H
#define HW_CHAR_UART_H

#include "base/clock.h"
#include "base/field.h"
#include "chardev/chardev.h"
#include "hw/core/irq.h"

enum { UART_FIFO = 16, UART_PORTS = 8 };

STATE(UartState,
    (u64,    timeout_at,  "virtual time of the receiver's time-out, 0 for none"),
    (u8[16], rx,          "receive FIFO, oldest first"),
    (u8[16], rx_error,    "LSR bits that came with each byte of it", .max = 0x1e),
    (u8[16], tx,          "bytes that the back end has not taken yet"),
    (u16,    divisor,     "baud rate divisor"),
    (u8,     rx_count,    "bytes in the receive FIFO", .max = UART_FIFO),
    (u8,     tx_count,    "bytes that wait to be sent", .max = UART_FIFO),
    (u8,     ier,         "interrupt enable register", .max = 0x0f),
    (u8,     fcr,         "FIFO control register", .max = 0xc9),
    (u8,     lcr,         "line control register"),
    (u8,     mcr,         "modem control register", .max = 0x1f),
    (u8,     msr,         "modem status register"),
    (u8,     scr,         "scratch register"),
    (u8,     line_error,  "LSR bits 1-4 since the last read", .max = 0x1e),
    (u8,     thr_emptied, "1 while IIR has to tell that THR became empty", .max = 1),
    (u8,     timed_out,   "1 after the receiver's time-out", .max = 1),
    (u8[3],  spare,       "zero"));

extern const UartState uart_reset_state;

/*
 * Zeroed at first.  Its owner sets `irq`, resets and restores `state`, and after that
 * calls the function of that name.
 */
typedef struct {
    UartState state;
    Irq irq;
    bool asserted;              /* what `irq` was last told; follows from state */
    Clock *clock;
    CharFront *front;           /* NULL: nobody listens */
    Timer *timer;               /* the receiver's time-out */
} Uart;

/* `chardev` is an id, or NULL. */
bool uart_open(Uart *uart, Clock *clock, const char *chardev, GError **err) must_check;
void uart_close(Uart *uart);                    /* a half-open one, too */
void uart_reset(Uart *uart);
void uart_loaded(Uart *uart);

u8 uart_read(Uart *uart, unsigned offset);      /* 0-7 */
void uart_write(Uart *uart, unsigned offset, u8 value);

#endif
