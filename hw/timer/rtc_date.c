/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time of day as the MC146818 keeps it: hw/timer/rtc_date.h.
 */

#include "hw/timer/rtc_date.h"

#include <string.h>
#include <time.h>

enum { DAY = 24 * 60 * 60, PM = 0x80, DONT_CARE = 0xc0 };

/* Year 0 to year 10000, in seconds since 1970. */
#define FIRST_SECOND (-62167219200ll)
#define SECONDS_IN_ALL (253402300800ll - FIRST_SECOND)

bool rtc_is_time(unsigned index)
{
    return index == RTC_SECOND || index == RTC_MINUTE || index == RTC_HOUR ||
           (index >= RTC_WEEKDAY && index <= RTC_YEAR) || index == RTC_CENTURY;
}

static u8 encode(const u8 *bytes, unsigned value)
{
    return bytes[RTC_B] & RTC_B_BINARY ? value : (value / 10 % 10) << 4 | value % 10;
}

static unsigned decode(const u8 *bytes, u8 value)
{
    return bytes[RTC_B] & RTC_B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static u8 encode_hour(const u8 *bytes, unsigned hour)
{
    if (bytes[RTC_B] & RTC_B_24H) {
        return encode(bytes, hour);
    }
    return encode(bytes, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0);
}

static unsigned decode_hour(const u8 *bytes, u8 value)
{
    if (bytes[RTC_B] & RTC_B_24H) {
        return decode(bytes, value);
    }
    return decode(bytes, value & ~PM) % 12 + (value & PM ? 12 : 0);
}

/* Into the years that the bytes can hold. */
static s64 wrap(s64 seconds)
{
    s64 rest = (s64)((u64)seconds - (u64)FIRST_SECOND) % SECONDS_IN_ALL;

    return FIRST_SECOND + (rest < 0 ? rest + SECONDS_IN_ALL : rest);
}

void rtc_put_date(u8 *bytes, s64 seconds)
{
    time_t t = wrap(seconds);
    struct tm tm;

    gmtime_r(&t, &tm);
    bytes[RTC_SECOND] = encode(bytes, tm.tm_sec);
    bytes[RTC_MINUTE] = encode(bytes, tm.tm_min);
    bytes[RTC_HOUR] = encode_hour(bytes, tm.tm_hour);
    bytes[RTC_WEEKDAY] = encode(bytes, tm.tm_wday + 1);         /* 1 is Sunday */
    bytes[RTC_DAY] = encode(bytes, tm.tm_mday);
    bytes[RTC_MONTH] = encode(bytes, tm.tm_mon + 1);
    bytes[RTC_YEAR] = encode(bytes, (tm.tm_year + 1900) % 100);
    bytes[RTC_CENTURY] = encode(bytes, (tm.tm_year + 1900) / 100);
}

s64 rtc_get_date(const u8 *bytes)
{
    struct tm tm = {
        .tm_sec = decode(bytes, bytes[RTC_SECOND]),
        .tm_min = decode(bytes, bytes[RTC_MINUTE]),
        .tm_hour = decode_hour(bytes, bytes[RTC_HOUR]),
        .tm_mday = decode(bytes, bytes[RTC_DAY]),
        .tm_mon = (int)decode(bytes, bytes[RTC_MONTH]) - 1,
        .tm_year = decode(bytes, bytes[RTC_CENTURY]) * 100 +
                   decode(bytes, bytes[RTC_YEAR]) - 1900,
    };

    return wrap(timegm(&tm));
}

/* An alarm byte: the value that it wants, or that it takes all. */
typedef struct {
    unsigned value;
    bool all;
} Wanted;

static bool wanted_is(Wanted wanted, unsigned value)
{
    return wanted.all || wanted.value == value;
}

bool rtc_next_alarm(const u8 *bytes, s64 from, s64 *at)
{
    Wanted hour = { decode_hour(bytes, bytes[RTC_HOUR_ALARM]),
                    bytes[RTC_HOUR_ALARM] >= DONT_CARE };
    Wanted minute = { decode(bytes, bytes[RTC_MINUTE_ALARM]),
                      bytes[RTC_MINUTE_ALARM] >= DONT_CARE };
    Wanted second = { decode(bytes, bytes[RTC_SECOND_ALARM]),
                      bytes[RTC_SECOND_ALARM] >= DONT_CARE };
    s64 midnight = from - (from % DAY + DAY) % DAY;
    unsigned t = from - midnight + 1, end = t + DAY;

    if ((hour.value > 23 && !hour.all) || (minute.value > 59 && !minute.all) ||
        (second.value > 59 && !second.all)) {
        return false;
    }
    while (t < end) {
        if (!wanted_is(hour, t / 3600 % 24)) {
            t += 3600 - t % 3600;
        } else if (!wanted_is(minute, t / 60 % 60)) {
            t += 60 - t % 60;
        } else if (!wanted_is(second, t % 60)) {
            t++;
        } else {
            *at = midnight + t;
            return true;
        }
    }
    return false;
}

bool rtc_parse_base(const char *text, s64 now, s64 *seconds, GError **err)
{
    static const char *const format[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d" };
    time_t t = now;
    struct tm tm;

    if (strcmp(text, "utc") == 0) {
        *seconds = now;
        return true;
    }
    if (strcmp(text, "localtime") == 0) {
        localtime_r(&t, &tm);
        *seconds = now + tm.tm_gmtoff;
        return true;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(format); i++) {
        const char *end;

        memset(&tm, 0, sizeof tm);
        end = strptime(text, format[i], &tm);
        if (end && *end == '\0') {
            *seconds = timegm(&tm);
            return true;
        }
    }
    g_set_error(err, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                "base: '%s' is not utc, localtime or a date such as "
                "2006-06-17T16:01:21", text);
    return false;
}
