/* The table of what YAML scalars mean (yaml_scalar.h).
 *
 * Kubernetes reads YAML with sigs.k8s.io/yaml, which is go-yaml v2 (go.yaml.in/yaml/v2,
 * resolve.go): YAML 1.2's core types, and of YAML 1.1 the words yes/no/on/off/y/n, octal with a
 * bare leading zero, binary, and '_' between digits. It knows neither base 60 nor, for JSON,
 * timestamps: those stay strings.
 *
 * Two things differ. Where go-yaml would lose what was written (an integer that 64 bits do not hold
 * becomes a float) or fail later (.inf, .nan), this refuses. And 1.0 or 1e3 stays a float, where
 * Kubernetes, having passed it through JSON, ends up with an integer.
 */
#include "codec/yaml_scalar.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters of a number: a longer one is beyond what a double holds, or is no number. */
#define NUMBER_MAX ((size_t)400)

static const char not_in_json[] = "is not a number in JSON; quote it if it is meant as text";
static const char too_large[] = "does not fit 64 bits; quote it if it is meant as text";

struct word {
    struct sl_yaml_scalar value;
    const char *spellings[3];
};

/* resolve.go, resolveMapList. The merge key "<<" of that list has a meaning only as a key: yaml.c.
 * Of these, YAML 1.2 has null, true, false and the floats; the other words are YAML 1.1. */
static const struct word words[] = {
    {{SL_YAML_BOOL, .boolean = true}, {"y", "Y"}},
    {{SL_YAML_BOOL, .boolean = true}, {"yes", "Yes", "YES"}},
    {{SL_YAML_BOOL, .boolean = true}, {"true", "True", "TRUE"}},
    {{SL_YAML_BOOL, .boolean = true}, {"on", "On", "ON"}},
    {{SL_YAML_BOOL, .boolean = false}, {"n", "N"}},
    {{SL_YAML_BOOL, .boolean = false}, {"no", "No", "NO"}},
    {{SL_YAML_BOOL, .boolean = false}, {"false", "False", "FALSE"}},
    {{SL_YAML_BOOL, .boolean = false}, {"off", "Off", "OFF"}},
    {{SL_YAML_NULL, .refusal = NULL}, {"", "~"}},
    {{SL_YAML_NULL, .refusal = NULL}, {"null", "Null", "NULL"}},
    {{SL_YAML_REFUSED, .refusal = not_in_json}, {".nan", ".NaN", ".NAN"}},
    {{SL_YAML_REFUSED, .refusal = not_in_json}, {".inf", ".Inf", ".INF"}},
    {{SL_YAML_REFUSED, .refusal = not_in_json}, {"+.inf", "+.Inf", "+.INF"}},
    {{SL_YAML_REFUSED, .refusal = not_in_json}, {"-.inf", "-.Inf", "-.INF"}},
};
#define WORD_MAX 5 /* bytes of the longest */

static const struct sl_yaml_scalar string_value = {.type = SL_YAML_STRING};

static struct sl_yaml_scalar refused(const char *refusal)
{
    return (struct sl_yaml_scalar){.type = SL_YAML_REFUSED, .refusal = refusal};
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return 16;
}

enum reading { READ, NO_NUMBER, TOO_LARGE };

static enum reading read_digits(const char *digits, unsigned base, uint64_t *ret_number)
{
    uint64_t number = 0;
    bool large = false;
    for (; *digits != '\0'; digits++) {
        unsigned digit = digit_of(*digits);
        if (digit >= base) {
            return NO_NUMBER;
        }
        large = large || __builtin_mul_overflow(number, base, &number) ||
                __builtin_add_overflow(number, digit, &number);
    }
    *ret_number = number;
    return large ? TOO_LARGE : READ;
}

static struct sl_yaml_scalar integer(bool negative, uint64_t size)
{
    if (!negative && size > INT64_MAX) {
        return (struct sl_yaml_scalar){.type = SL_YAML_UINT, .natural = size};
    }
    if (size > (uint64_t)INT64_MAX + 1) {
        return refused(too_large);
    }
    int64_t number = (int64_t)(negative ? -size : size);
    return (struct sl_yaml_scalar){.type = SL_YAML_INT, .integer = number};
}

/* Digits that begin with 0, as Go's strconv.ParseInt(text, 0, 64) knows a base by its prefix.
 * Returns STRING for what is no integer. */
static struct sl_yaml_scalar prefixed_integer(bool negative, const char *digits)
{
    static const struct {
        char letter;
        unsigned base;
    } prefixes[] = {{'x', 16}, {'o', 8}, {'b', 2}};
    uint64_t size = 0;
    enum reading reading = NO_NUMBER;
    if (digits[1] != '\0' && digits[2] != '\0') {
        for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
            if ((digits[1] | 0x20) == prefixes[i].letter) {
                /* Past 64 bits this is a string to go-yaml: no float is written so. */
                reading = read_digits(digits + 2, prefixes[i].base, &size);
                return reading == READ ? integer(negative, size) : string_value;
            }
        }
    }
    reading = read_digits(digits, 8, &size);
    if (reading == NO_NUMBER) { /* 08: a float to go-yaml, which JSON then writes as 8 */
        reading = read_digits(digits, 10, &size);
    }
    switch (reading) {
    case READ:
        return integer(negative, size);
    case TOO_LARGE:
        return refused(too_large);
    case NO_NUMBER:
        break;
    }
    return string_value;
}

/* Whether `text` is [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? (resolve.go). */
static bool is_decimal(const char *text)
{
    static const char digits[] = "0123456789";
    text += strspn(text, "+-") > 0 ? 1 : 0;
    size_t whole = strspn(text, digits);
    text += whole;
    if (*text == '.') {
        size_t fraction = strspn(text + 1, digits);
        if (whole == 0 && fraction == 0) {
            return false;
        }
        text += 1 + fraction;
    } else if (whole == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += strspn(text, "+-") > 0 ? 1 : 0;
        size_t exponent = strspn(text, digits);
        if (exponent == 0) {
            return false;
        }
        text += exponent;
    }
    return *text == '\0';
}

static struct sl_yaml_scalar number(const char *text)
{
    bool negative = text[0] == '-';
    const char *digits = text + (negative || text[0] == '+' ? 1 : 0);
    if (digits[0] == '0') {
        struct sl_yaml_scalar value = prefixed_integer(negative, digits);
        if (value.type != SL_YAML_STRING) {
            return value;
        }
    } else if (digits[0] != '\0') {
        uint64_t size = 0;
        enum reading reading = read_digits(digits, 10, &size);
        if (reading != NO_NUMBER) {
            return reading == READ ? integer(negative, size) : refused(too_large);
        }
    }
    if (!is_decimal(text)) {
        return string_value;
    }
    double real = strtod(text, NULL);
    if (!isfinite(real)) { /* 12e4567, part of a commit's hash, say */
        return string_value;
    }
    return (struct sl_yaml_scalar){.type = SL_YAML_FLOAT, .real = real};
}

static bool may_be_number(char c)
{
    return digit_of(c) < 16 || (c != '\0' && strchr("+-.xXoO", c) != NULL);
}

static const struct word *find_word(struct sl_str text)
{
    for (size_t i = 0; text.n <= WORD_MAX && i < sizeof words / sizeof words[0]; i++) {
        for (size_t k = 0; k < 3 && words[i].spellings[k] != NULL; k++) {
            if (sl_str_is(text, words[i].spellings[k])) {
                return &words[i];
            }
        }
    }
    return NULL;
}

struct sl_yaml_scalar sl_yaml_plain(struct sl_str text)
{
    const struct word *word = find_word(text);
    if (word != NULL) {
        return word->value;
    }
    char first = text.p[0];
    if (first == '\0' || strchr("+-.0123456789", first) == NULL) {
        return string_value;
    }
    char plain[NUMBER_MAX + 1];
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '_' && first != '.') {
            continue;
        }
        if (!may_be_number(text.p[i]) || n == NUMBER_MAX) {
            return string_value;
        }
        plain[n++] = text.p[i];
    }
    plain[n] = '\0';
    return number(plain);
}

/* --- tags --- */

struct tag {
    const char *name; /* after "tag:yaml.org,2002:" */
    enum sl_yaml_type type;
    const char *refusal; /* of a text that does not have that type */
};

static const struct tag tags[] = {
    {"str", SL_YAML_STRING, NULL},
    {"null", SL_YAML_NULL, "is not null, as its tag says"},
    {"bool", SL_YAML_BOOL, "is not true or false, as its tag says"},
    {"int", SL_YAML_INT, "is not an integer, as its tag says"},
    {"float", SL_YAML_FLOAT, "is not a number, as its tag says"},
    {"binary", SL_YAML_REFUSED, "has the tag !!binary: write the base64 text without a tag"},
};

static struct sl_yaml_scalar typed(struct sl_str text, const struct tag *tag)
{
    struct sl_yaml_scalar value = sl_yaml_plain(text);
    if (value.type == tag->type || value.type == SL_YAML_REFUSED) {
        return value;
    }
    if (value.type == SL_YAML_UINT && tag->type == SL_YAML_INT) {
        return value;
    }
    if (tag->type == SL_YAML_FLOAT && value.type == SL_YAML_INT) {
        return (struct sl_yaml_scalar){.type = SL_YAML_FLOAT, .real = (double)value.integer};
    }
    return refused(tag->refusal);
}

struct sl_yaml_scalar sl_yaml_tagged(struct sl_str text, const char *tag)
{
    struct sl_str name = sl_str_from(tag);
    const struct sl_str prefix = SL_STR("tag:yaml.org,2002:");
    if (sl_str_starts(name, prefix)) {
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
            if (strcmp(tag + prefix.n, tags[i].name) != 0) {
                continue;
            }
            if (tags[i].type == SL_YAML_STRING) {
                return string_value;
            }
            return tags[i].type == SL_YAML_REFUSED ? refused(tags[i].refusal)
                                                   : typed(text, &tags[i]);
        }
    }
    return refused("has an unknown tag: use !!str, !!int, !!float, !!bool or !!null, or none");
}

void sl_yaml_float_text(double number, char ret_text[SL_YAML_FLOAT_TEXT])
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(ret_text, SL_YAML_FLOAT_TEXT, "%.*g", digits, number);
        if (strtod(ret_text, NULL) == number) {
            break;
        }
    }
    if (strpbrk(ret_text, ".e") == NULL) {
        size_t n = strlen(ret_text);
        memcpy(ret_text + n, ".0", 3);
    }
}
