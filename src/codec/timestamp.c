/* RFC 3339 times (timestamp.h): of every object that the reconciler reads or writes. The calendar
 * is computed here, because what the C library offers reads the time zone of the process. */
#include "codec/timestamp.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"

#define S_PER_DAY INT64_C(86400)
#define NS_PER_US INT64_C(1000)
#define NS_DIGITS 9
#define FARTHEST (INT64_MAX / 2) /* from 1970, ns */

static bool take_char(struct sl_str *rest, char wanted)
{
    if (rest->n == 0 || rest->p[0] != wanted) {
        return false;
    }
    rest->p++;
    rest->n--;
    return true;
}

/* Takes exactly `digits` digits of a number between `min` and `max`. */
static bool take_number(struct sl_str *rest, size_t digits, int min, int max, int *ret_number)
{
    int number = 0;
    if (rest->n < digits) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        if (rest->p[i] < '0' || rest->p[i] > '9') {
            return false;
        }
        number = number * 10 + (rest->p[i] - '0');
    }
    rest->p += digits;
    rest->n -= digits;
    *ret_number = number;
    return number >= min && number <= max;
}

/* Digits past the nanosecond are dropped. */
static bool take_fraction(struct sl_str *rest, int64_t *ret_ns)
{
    int64_t ns = 0;
    size_t digits = 0;
    if (!take_char(rest, '.')) {
        return true;
    }
    for (; rest->n > 0 && rest->p[0] >= '0' && rest->p[0] <= '9'; digits++) {
        if (digits < NS_DIGITS) {
            ns = ns * 10 + (rest->p[0] - '0');
        }
        rest->p++;
        rest->n--;
    }
    for (size_t i = digits; i < NS_DIGITS; i++) {
        ns *= 10;
    }
    *ret_ns = ns;
    return digits > 0;
}

/* Takes "Z" or "+01:00": the seconds that the local time is ahead of UTC. */
static bool take_offset(struct sl_str *rest, int64_t *ret_seconds)
{
    int hours = 0;
    int minutes = 0;
    if (take_char(rest, 'Z')) {
        return true;
    }
    bool ahead = take_char(rest, '+');
    if ((!ahead && !take_char(rest, '-')) || !take_number(rest, 2, 0, 23, &hours) ||
        !take_char(rest, ':') || !take_number(rest, 2, 0, 59, &minutes)) {
        return false;
    }
    int64_t seconds = (int64_t)hours * 3600 + (int64_t)minutes * 60;
    *ret_seconds = ahead ? seconds : -seconds;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days since 1970-01-01 in the Gregorian calendar, for years whose nanoseconds fit. Years are
 * counted from March here, so that a leap day is the last day of its year. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t leap_days = y / 4 - y / 100 + y / 400;
    return y * 365 + leap_days + day_of_year - 719468; /* from 0000-03-01 */
}

static bool take_date(struct sl_str *rest, int64_t *ret_days)
{
    int year = 0;
    int month = 0;
    int day = 0;
    if (!take_number(rest, 4, 0, 9999, &year) || !take_char(rest, '-') ||
        !take_number(rest, 2, 1, 12, &month) || !take_char(rest, '-') ||
        !take_number(rest, 2, 1, days_of_month(year, month), &day)) {
        return false;
    }
    *ret_days = days_since_1970(year, month, day);
    return true;
}

static bool take_clock(struct sl_str *rest, int64_t *ret_seconds)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take_number(rest, 2, 0, 23, &hour) || !take_char(rest, ':') ||
        !take_number(rest, 2, 0, 59, &minute) || !take_char(rest, ':') ||
        !take_number(rest, 2, 0, 60, &second)) {
        return false;
    }
    *ret_seconds = (int64_t)hour * 3600 + (int64_t)minute * 60 + (second == 60 ? 59 : second);
    return true;
}

bool sl_timestamp_parse(struct sl_str text, int64_t *ret_ns)
{
    struct sl_str rest = text;
    int64_t days = 0;
    int64_t seconds = 0;
    int64_t fraction = 0;
    int64_t offset = 0;
    int64_t ns = 0;
    if (!take_date(&rest, &days) || !take_char(&rest, 'T') || !take_clock(&rest, &seconds) ||
        !take_fraction(&rest, &fraction) || !take_offset(&rest, &offset) || rest.n > 0 ||
        __builtin_mul_overflow(days * S_PER_DAY + seconds - offset, SL_NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, fraction, &ns) || ns > FARTHEST || ns < -FARTHEST) {
        return false;
    }
    *ret_ns = ns;
    return true;
}

/* Rounds towards the past, also before 1970. */
static int64_t whole_seconds(int64_t ns)
{
    return ns / SL_NS_PER_S - (ns % SL_NS_PER_S < 0 ? 1 : 0);
}

void sl_timestamp_write(int64_t ns, char ret_text[static SL_TIMESTAMP_SIZE])
{
    sl_clock_date(whole_seconds(ns), ret_text);
}

void sl_timestamp_write_micro(int64_t ns, char ret_text[static SL_TIMESTAMP_SIZE])
{
    char date[SL_CLOCK_DATE_SIZE];
    int64_t seconds = whole_seconds(ns);
    int64_t part = ns % SL_NS_PER_S;
    part = part < 0 ? part + SL_NS_PER_S : part;
    sl_clock_date(seconds, date);
    (void)snprintf(ret_text, SL_TIMESTAMP_SIZE, "%.19s.%06dZ", date, (int)(part / NS_PER_US));
}
