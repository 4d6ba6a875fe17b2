/* Go's durations (duration.h). The arithmetic is that of time.ParseDuration, so that a text means
 * the same number here and in a Go program, down to how fractions are rounded. */
#include "codec/duration.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"

#define NS_PER_US UINT64_C(1000)
#define NS_PER_MS ((uint64_t)SL_NS_PER_MS)
#define NS_PER_S ((uint64_t)SL_NS_PER_S)
#define NS_PER_MIN (60 * NS_PER_S)
#define NS_PER_H (60 * NS_PER_MIN)

/* The magnitude of INT64_MIN: the one number that is right with a minus sign only. */
#define MAGNITUDE_MAX (UINT64_C(1) << 63)

static const struct unit {
    struct sl_str name;
    uint64_t ns;
} units[] = {
    {SL_STR_INIT("ns"), 1},
    {SL_STR_INIT("us"), NS_PER_US},
    {SL_STR_INIT("\xc2\xb5s"), NS_PER_US}, /* U+00B5 micro sign */
    {SL_STR_INIT("\xce\xbcs"), NS_PER_US}, /* U+03BC Greek mu */
    {SL_STR_INIT("ms"), NS_PER_MS},
    {SL_STR_INIT("s"), NS_PER_S},
    {SL_STR_INIT("m"), NS_PER_MIN},
    {SL_STR_INIT("h"), NS_PER_H},
};

static const char wants_number[] = "a number is missing";
static const char wants_unit[] = "a number needs a unit (ns, us, ms, s, m or h)";
static const char unknown_unit[] = "units are ns, us, ms, s, m and h";
static const char too_large[] = "at most 2562047h47m16.854775807s";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void advance(struct sl_str *rest, size_t count)
{
    rest->p += count;
    rest->n -= count;
}

/* Takes the digits that *rest begins with; false: more than MAGNITUDE_MAX. */
static bool take_whole(struct sl_str *rest, uint64_t *ret_number)
{
    uint64_t number = 0;
    while (rest->n > 0 && is_digit(rest->p[0])) {
        if (__builtin_mul_overflow(number, 10U, &number) ||
            __builtin_add_overflow(number, (uint64_t)(rest->p[0] - '0'), &number) ||
            number > MAGNITUDE_MAX) {
            return false;
        }
        advance(rest, 1);
    }
    *ret_number = number;
    return true;
}

/* Takes the digits after a point: number / scale. Digits past what 63 bits hold are ignored. */
static void take_fraction(struct sl_str *rest, uint64_t *ret_number, double *ret_scale)
{
    uint64_t number = 0;
    double scale = 1;
    bool full = false;
    while (rest->n > 0 && is_digit(rest->p[0])) {
        uint64_t digit = (uint64_t)(rest->p[0] - '0');
        full = full || number > (MAGNITUDE_MAX - 1) / 10 || number * 10 + digit > MAGNITUDE_MAX;
        if (!full) {
            number = number * 10 + digit;
            scale *= 10;
        }
        advance(rest, 1);
    }
    *ret_number = number;
    *ret_scale = scale;
}

/* Takes the letters up to the next number; NULL: no unit of ours. */
static const struct unit *take_unit(struct sl_str *rest)
{
    struct sl_str name = {.p = rest->p, .n = 0};
    while (name.n < rest->n && rest->p[name.n] != '.' && !is_digit(rest->p[name.n])) {
        name.n++;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (sl_str_eq(name, units[i].name)) {
            advance(rest, name.n);
            return &units[i];
        }
    }
    return NULL;
}

/* Takes one number with its unit and adds it to *sum. Returns NULL, or the rule that is broken. */
static const char *take_part(struct sl_str *rest, uint64_t *sum)
{
    uint64_t whole = 0;
    uint64_t fraction = 0;
    double scale = 1;

    size_t before = rest->n;
    if (!take_whole(rest, &whole)) {
        return too_large;
    }
    size_t digits = before - rest->n;
    if (rest->n > 0 && rest->p[0] == '.') {
        advance(rest, 1);
        before = rest->n;
        take_fraction(rest, &fraction, &scale);
        digits += before - rest->n;
    }
    if (digits == 0) {
        return wants_number;
    }
    if (rest->n == 0 || rest->p[0] == '.') {
        return wants_unit;
    }
    const struct unit *unit = take_unit(rest);
    if (unit == NULL) {
        return unknown_unit;
    }
    if (whole > MAGNITUDE_MAX / unit->ns) {
        return too_large;
    }
    /* Below one hour, so it cannot overflow what the test above let through. */
    uint64_t part = (uint64_t)((double)fraction * ((double)unit->ns / scale));
    part += whole * unit->ns;
    if (__builtin_add_overflow(*sum, part, sum) || *sum > MAGNITUDE_MAX) {
        return too_large;
    }
    return NULL;
}

int sl_duration_parse(struct sl_str text, int64_t *ret_ns, struct sl_err *err)
{
    struct sl_str rest = text;
    uint64_t sum = 0;
    bool negative = rest.n > 0 && rest.p[0] == '-';
    if (negative || (rest.n > 0 && rest.p[0] == '+')) {
        advance(&rest, 1);
    }
    const char *broken = rest.n == 0 ? wants_number : NULL;
    bool zero = sl_str_is(rest, "0"); /* the one number that needs no unit */
    while (broken == NULL && rest.n > 0 && !zero) {
        broken = take_part(&rest, &sum);
    }
    if (broken == NULL && !negative && sum == MAGNITUDE_MAX) {
        broken = too_large;
    }
    if (broken != NULL) {
        return sl_err_set(err, SL_ERR_INVALID, "must be a duration such as \"5m30s\": %s", broken);
    }
    /* The cast of 2^63 is INT64_MIN with the compilers that we support. */
    *ret_ns = (int64_t)(negative ? -sum : sum);
    return 0;
}

/* Appends ns, below one minute, in one unit with as many decimals as it takes. */
static void write_seconds(uint64_t ns, bool alone, struct sl_buf *out)
{
    static const struct {
        uint64_t ns;
        int decimals;
        const char *name;
    } scales[] = {
        {NS_PER_S, 9, "s"},
        {NS_PER_MS, 6, "ms"},
        {NS_PER_US, 3, "us"},
        {1, 0, "ns"},
    };
    size_t at = 0;
    while (alone && ns < scales[at].ns) {
        at++;
    }
    sl_buf_addf(out, "%" PRIu64, ns / scales[at].ns);
    uint64_t fraction = ns % scales[at].ns;
    if (fraction > 0) {
        int decimals = scales[at].decimals;
        for (; fraction % 10 == 0; fraction /= 10) {
            decimals--;
        }
        sl_buf_addf(out, ".%0*" PRIu64, decimals, fraction);
    }
    sl_buf_adds(out, scales[at].name);
}

void sl_duration_write(int64_t ns, struct sl_buf *out)
{
    uint64_t left = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
    if (left == 0) {
        sl_buf_adds(out, "0s");
        return;
    }
    if (ns < 0) {
        sl_buf_addc(out, '-');
    }
    bool alone = left < NS_PER_MIN;
    if (left >= NS_PER_H) {
        sl_buf_addf(out, "%" PRIu64 "h", left / NS_PER_H);
        left %= NS_PER_H;
    }
    if (left >= NS_PER_MIN) {
        sl_buf_addf(out, "%" PRIu64 "m", left / NS_PER_MIN);
        left %= NS_PER_MIN;
    }
    if (left > 0) {
        write_seconds(left, alone, out);
    }
}
