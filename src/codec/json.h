/* json-c, made strict: every document that is not an admission request.
 *
 * Text is checked by jscan first, so json-c's leniencies (NaN, single quotes, comments, trailing
 * commas, keys cut at \u0000, integers that saturate) never matter. Reference counts of json-c are
 * not atomic: one tree, one thread.
 */
#ifndef SL_CODEC_JSON_H
#define SL_CODEC_JSON_H

#include <json-c/json.h>

#include "base/buf.h"
#include "base/err.h"

SL_AUTO_PTR(sl_json, struct json_object,
            json_object_put); /* SL_AUTO(sl_json) struct json_object * */

/* Parses one JSON text. A JSON null gives NULL, as everywhere in json-c. The caller owns the tree
 * (json_object_put). Errors: INVALID, with line and column; also refused, with the reason: \u0000
 * in a key, an integer beyond 64 bits, a member that occurs twice in one object. */
SL_MUST_USE int sl_json_parse(struct sl_str text, struct json_object **ret_root,
                              struct sl_err *err);

/* Appends the tree as one line of JSON, "/" not escaped. Members keep their order. */
void sl_json_write(const struct json_object *root, struct sl_buf *out);

/* The same JSON value: members in any order, 1 and 1.0 differ. */
bool sl_json_equal(const struct json_object *a, const struct json_object *b);

#endif
