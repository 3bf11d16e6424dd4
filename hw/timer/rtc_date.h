/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time of day as the MC146818 keeps it: ten bytes and a century, in BCD or binary, with
 * a 12 or a 24 hour clock.  Pure functions.
 */

#ifndef HW_TIMER_RTC_DATE_H
#define HW_TIMER_RTC_DATE_H

#include "base/types.h"

/* Data sheet, figure 10: where each byte stands; IBM's AT added the century. */
enum { RTC_SECOND = 0, RTC_SECOND_ALARM = 1, RTC_MINUTE = 2, RTC_MINUTE_ALARM = 3,
       RTC_HOUR = 4, RTC_HOUR_ALARM = 5, RTC_WEEKDAY = 6, RTC_DAY = 7, RTC_MONTH = 8,
       RTC_YEAR = 9, RTC_A = 10, RTC_B = 11, RTC_C = 12, RTC_D = 13, RTC_CENTURY = 0x32,
       RTC_BYTES = 128 };

enum { RTC_B_24H = 0x02, RTC_B_BINARY = 0x04 };

bool rtc_is_time(unsigned index);   /* a byte of the time of day, not of the alarm */

/*
 * Seconds since 1970 into the bytes, and back; byte RTC_B says how they are written.
 * Years are 0 to 9999, and then 0 again.  Bytes that are no time of day count on as if
 * they were: minute 70 is minute 10 of the next hour.
 */
void rtc_put_date(u8 *bytes, s64 seconds);
s64 rtc_get_date(const u8 *bytes);

/* The first second after `from` at which the alarm bytes match; false for never. */
bool rtc_next_alarm(const u8 *bytes, s64 from, s64 *at);

/*
 * What -rtc base= means: "utc", "localtime", "2006-06-17T16:01:21" or "2006-06-17", as
 * seconds since 1970; the first two for `now`.
 */
bool rtc_parse_base(const char *text, s64 now, s64 *seconds, GError **err) must_check;

#endif
