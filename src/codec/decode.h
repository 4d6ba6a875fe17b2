/* Documents into structs, driven by tables: policies, rollouts and the configuration file.
 *
 * A table row names a key, its type, its rule and where its value goes. Unknown keys, wrong types,
 * values out of range and missing required keys are problems with their field path; all of them are
 * reported. Defaults are applied for keys that are absent (or null). The table is the one place
 * where a key is written down: the decoder, the reference printed by `--help-config` and the test
 * that holds the CRDs against it all read it.
 *
 * Decoded text and lists live in the arena of `problems`. Pure functions.
 */
#ifndef SL_CODEC_DECODE_H
#define SL_CODEC_DECODE_H

#include <json-c/json.h>
#include <stdint.h>

#include "codec/problem.h"

enum sl_decode_type {
    SL_D_STRING,   /* struct sl_str; rule: `check` */
    SL_D_BOOL,     /* bool */
    SL_D_INT,      /* int64_t; rule: min..max */
    SL_D_ENUM,     /* int: index into `names` */
    SL_D_DURATION, /* int64_t nanoseconds from "5m30s"; rule: min..max in nanoseconds */
    SL_D_INTSTR,   /* struct sl_intstr; rule: min..max of the number; 0% only where 0 is right */
    SL_D_SELECTOR, /* struct sl_selector */
    SL_D_OBJECT,   /* a struct decoded by `rows`; bool at `present` says whether it was there */
    SL_D_LIST,     /* struct sl_list of structs of `size` bytes decoded by `rows`; rule: min..max
                      elements */
    SL_D_STRINGS,  /* struct sl_list of struct sl_str; rule: min..max elements, `check` each */
    SL_D_ANY,      /* struct json_object *, borrowed from the document: not looked into */
    SL_D_SKIP,     /* known, but not looked into and not stored */
};

struct sl_list {
    void *items; /* array in the arena */
    size_t count;
};

#define SL_DECODE_NO_PRESENT ((size_t)-1)

struct sl_decode_row {
    const char *key;
    enum sl_decode_type type;
    bool required;
    size_t at;        /* offset of the value in the struct */
    size_t present;   /* offset of a bool: "the key was there"; SL_DECODE_NO_PRESENT: not wanted */
    int64_t min, max; /* the rule of the type; both 0: no rule */
    /* default, as its YAML text ("5", "true", "Drain"; STRINGS: a JSON list); NULL: zero */
    const char *fallback;
    const char *const *names;         /* ENUM: the words, NULL at the end */
    const struct sl_decode_row *rows; /* OBJECT, LIST */
    size_t size;                      /* LIST: of an element */
    /* STRING, STRINGS: NULL when the text is right, else the rule it breaks ("must be …"). */
    const char *(*check)(struct sl_str text);
    const char *doc; /* one sentence for people; units included */
};
/* A table ends with a row whose key is NULL. */

/* Decodes `object` into the zeroed struct at `out`. What is wrong goes to `problems`; the caller
 * asks problems->count. A value with a problem keeps its zero. */
void sl_decode(struct json_object *object, const struct sl_decode_row *rows, void *out,
               const struct sl_field *at, struct sl_problems *problems);

/* Appends a commented YAML reference of the table, `indent` spaces to the right: every key with its
 * doc, rule and default. Keys without a default, and objects whose presence is asked for, stand
 * behind a '#', so that the text itself decodes to what an empty document gives. */
void sl_decode_reference(const struct sl_decode_row *rows, unsigned indent, struct sl_buf *out);

#endif
