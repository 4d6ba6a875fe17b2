/* Problems found in a document: each a field path and a sentence, in the order they were found.
 *
 * Decoding and validation report everything that is wrong at once, as the API server does, and know
 * only field paths; whoever read the file adds line and column (sl_yaml_locate()).
 */
#ifndef SL_CODEC_PROBLEM_H
#define SL_CODEC_PROBLEM_H

#include "base/arena.h"
#include "base/buf.h"

#define SL_PROBLEMS_MAX 32 /* further ones are only counted */

/* A place in a document, linked from the inside out; lives on the stack of whoever walks. */
struct sl_field {
    const struct sl_field *parent; /* NULL: the document */
    const char *key;               /* a member, or NULL: */
    size_t index;                  /* an element of a list */
};
#define SL_FIELD(parent_, key_) ((struct sl_field){.parent = (parent_), .key = (key_)})
#define SL_FIELD_AT(parent_, index_) ((struct sl_field){.parent = (parent_), .index = (index_)})

struct sl_problem {
    const char *path; /* "spec.loadBalancers[0].name"; "" is the document itself */
    const char *text; /* "must be between 1 and 65535, is 70000" */
};

struct sl_problems {
    struct sl_arena *arena; /* holds the texts */
    size_t count;           /* found in all; the first SL_PROBLEMS_MAX are kept */
    struct sl_problem items[SL_PROBLEMS_MAX];
};
#define SL_PROBLEMS_INIT(arena_)                                                                   \
    {                                                                                              \
        .arena = (arena_)                                                                          \
    }

/* "spec.rolloutPlan.rolloutBatches[1].replicas"; keys with one of "./[]" and empty keys as in
 * Kubernetes: "metadata.annotations[sluice.dev/held]". */
const char *sl_field_path(struct sl_arena *arena, const struct sl_field *at);

void sl_problem_add(struct sl_problems *problems, const struct sl_field *at, const char *format,
                    ...) __attribute__((format(printf, 3, 4)));

/* The document's own text as a sentence repeats it: in quotes, escaped as in JSON, long text cut
 * with "…". In the arena of `problems`. */
const char *sl_problem_quote(struct sl_problems *problems, struct sl_str text);

/* All problems in one line: "path: text; path: text (and 3 more)". */
void sl_problems_write(const struct sl_problems *problems, struct sl_buf *out);

#endif
