/* YAML to json-c trees, as Kubernetes reads it, and back.
 *
 * Read: libyaml's parser, several documents in one text. Quoted scalars are strings. Unquoted ones
 * are what sigs.k8s.io/yaml makes of them (yaml_scalar.c holds the table and its source): the core
 * types of YAML 1.2 (null, true and false, ints in decimal, 0x and 0o, floats), and of YAML 1.1
 * also yes, no, on, off, y and n as bools, 0777 and 0b1 as ints, and 1_000. Dates and 1:30 are
 * strings. A key that is an int or a bool is its text in JSON. Merge keys (<<) are followed.
 *
 * Refused with line and column: duplicate keys, keys that are neither text, int nor bool, .inf and
 * .nan (JSON has none), unknown tags and !!binary, integers beyond 64 bits, merges that go-yaml and
 * YAML's own rule read differently, depth over SL_JSON_DEPTH, and aliases that would expand to more
 * than SL_YAML_NODES, before any is expanded.
 *
 * JSON is YAML, but text that begins with '{' or '[' is read as a stream of strict JSON texts
 * instead (lines of "---" may stand between them), as kubectl does: broken JSON is never taken for
 * YAML. "---" in front makes it YAML.
 *
 * Each document remembers where its values stand, so that an error found later by field path can
 * say line and column. Pure functions; a document belongs to one thread.
 */
#ifndef SL_CODEC_YAML_H
#define SL_CODEC_YAML_H

#include <json-c/json.h>

#include "base/buf.h"
#include "base/err.h"

/* Keys and values of one text, aliases expanded; text counts once more for each 64 bytes. */
#define SL_YAML_NODES 1000000

struct sl_yaml_docs;

struct sl_yaml_mark {
    unsigned line;   /* from 1; 0: not known */
    unsigned column; /* from 1, in characters */
};

/* Parses all documents of `text`. Documents that are empty or null are left out.
 * Errors: INVALID "line L, column C: …; what to do", for JSON "invalid JSON at line L, column C: …"
 */
SL_MUST_USE int sl_yaml_parse(struct sl_str text, struct sl_yaml_docs **ret_docs,
                              struct sl_err *err);
void sl_yaml_docs_free(struct sl_yaml_docs *docs);
SL_AUTO_PTR(sl_yaml_docs, struct sl_yaml_docs, sl_yaml_docs_free);

size_t sl_yaml_count(const struct sl_yaml_docs *docs);
/* The document's tree, owned by `docs`; json_object_get() it to keep it longer. */
struct json_object *sl_yaml_root(const struct sl_yaml_docs *docs, size_t index);

/* The document's own bytes where it was read as JSON, valid as long as `docs`; absent for YAML. */
struct sl_str sl_yaml_json(const struct sl_yaml_docs *docs, size_t index);

/* The place of a Kubernetes field path such as "spec.loadBalancers[0].name", as sl_field_path()
 * writes it: of a member, its key; of a list's element, its beginning; in what an alias or a merge
 * brings in, where that is written. For a path that is not there, the nearest one above it. The
 * empty path is the document. */
struct sl_yaml_mark sl_yaml_locate(const struct sl_yaml_docs *docs, size_t index,
                                   const char *field_path);

/* Appends a tree as block YAML that sl_yaml_parse() and Kubernetes read back as the same value
 * (strings that look like another type are quoted). No "---". Errors: INVALID for what YAML cannot
 * hold (text that is not UTF-8, a number beyond a double) and past the cap of `out`, which then
 * holds a part. */
SL_MUST_USE int sl_yaml_write(const struct json_object *root, struct sl_buf *out,
                              struct sl_err *err);

#endif
