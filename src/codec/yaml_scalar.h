/* What a YAML scalar means: the types that Kubernetes gives to unquoted words and to tags.
 *
 * Used by the reader (yaml.c) to build values and by the writer (yaml_emit.c) to see which strings
 * need quotes. Pure functions, any thread.
 */
#ifndef SL_CODEC_YAML_SCALAR_H
#define SL_CODEC_YAML_SCALAR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum sl_yaml_type {
    SL_YAML_STRING,
    SL_YAML_NULL,
    SL_YAML_BOOL,
    SL_YAML_INT,   /* fits int64 */
    SL_YAML_UINT,  /* fits uint64 only */
    SL_YAML_FLOAT, /* finite */
    SL_YAML_REFUSED,
};

struct sl_yaml_scalar {
    enum sl_yaml_type type;
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        const char *refusal; /* a clause that follows the text: "is not a number in JSON …" */
    };
};

/* The meaning of an unquoted scalar without a tag. */
struct sl_yaml_scalar sl_yaml_plain(struct sl_str text);

/* The meaning of a scalar with a tag, quoted or not; `tag` is the whole one
 * ("tag:yaml.org,2002:str"). A STRING is the text as it stands. */
struct sl_yaml_scalar sl_yaml_tagged(struct sl_str text, const char *tag);

#define SL_YAML_FLOAT_TEXT 32 /* bytes that hold any double's text with its NUL */

/* The shortest text that reads back as this finite number, and as a float rather than an int: valid
 * in JSON and in YAML ("1.0", "0.1", "1e+300"). */
void sl_yaml_float_text(double number, char ret_text[SL_YAML_FLOAT_TEXT]);

#endif
