/* Inside the decoder (decode.h): the types of a row that are one value. Only decode.c and
 * decode_reference.c include this. Pure functions. */
#ifndef SL_CODEC_DECODE_SCALAR_H
#define SL_CODEC_DECODE_SCALAR_H

#include <stdbool.h>

#include "codec/decode.h"

/* A value about to be decoded: the row that describes it, where it stands, where it goes. */
struct sl_decode_place {
    const struct sl_decode_row *row;
    const struct sl_field *field;
    void *at;
    struct sl_problems *problems;
};

/* Each stores the value at place->at, or adds a problem and stores nothing. */
void sl_decode_string(const struct sl_decode_place *place, struct json_object *value);
void sl_decode_bool(const struct sl_decode_place *place, struct json_object *value);
void sl_decode_int(const struct sl_decode_place *place, struct json_object *value);
void sl_decode_enum(const struct sl_decode_place *place, struct json_object *value);
void sl_decode_duration(const struct sl_decode_place *place, struct json_object *value);
void sl_decode_intstr(const struct sl_decode_place *place, struct json_object *value);

/* Adds "must be <wanted>, is a string". */
void sl_decode_wrong_type(const struct sl_decode_place *place, const char *wanted,
                          struct json_object *value);

bool sl_decode_has_rule(const struct sl_decode_row *row); /* min..max is meant */
bool sl_decode_in_range(const struct sl_decode_row *row, int64_t number);

#endif
