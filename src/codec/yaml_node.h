/* The nodes of a YAML text as they were written, with their places: what libyaml's events are
 * composed into, what values are built from (yaml.c) and what a field path is followed along
 * (yaml_locate.c). Private to the YAML modules.
 *
 * An alias is one node that points at its anchor's, so a text of aliases of aliases takes no more
 * memory than it has bytes. What it would expand to is counted while it is composed: once a
 * document is composed, walking it with all aliases followed meets at most SL_YAML_NODES nodes in
 * all and is never deeper than SL_JSON_DEPTH.
 *
 * Nodes live in the arena that is passed. One thread.
 */
#ifndef SL_CODEC_YAML_NODE_H
#define SL_CODEC_YAML_NODE_H

#include <stdbool.h>
#include <yaml.h>

#include "base/arena.h"
#include "codec/jscan.h"
#include "codec/yaml.h"
#include "codec/yaml_scalar.h"

enum sl_yaml_kind { SL_YAML_SCALAR, SL_YAML_SEQUENCE, SL_YAML_MAPPING, SL_YAML_ALIAS };

struct sl_yaml_node {
    enum sl_yaml_kind kind;
    bool plain;     /* a scalar that was not quoted and has no tag */
    bool open;      /* a sequence or mapping whose end was not met yet */
    unsigned depth; /* of sequences and mappings below it, itself included; 0 for a scalar */
    size_t size;    /* in nodes, aliases expanded; long text counts as several */
    struct sl_yaml_mark mark;
    const char *tag;           /* NULL: none */
    struct sl_yaml_node *next; /* in a mapping, keys and values alternate */
    union {
        struct sl_str text;          /* SCALAR; terminated by a NUL that is not counted */
        struct sl_yaml_node *first;  /* SEQUENCE, MAPPING */
        struct sl_yaml_node *target; /* ALIAS: never an alias itself */
    };
};

struct sl_yaml_composer {
    yaml_parser_t parser;
    struct sl_str text;
    struct sl_arena *arena;
    size_t nodes; /* composed so far, aliases expanded */
};

/* Begins to read `text`, which the composer borrows. Always to be cleaned up. */
SL_MUST_USE int sl_yaml_composer_init(struct sl_yaml_composer *composer, struct sl_str text,
                                      struct sl_arena *arena, struct sl_err *err);
void sl_yaml_composer_cleanup(struct sl_yaml_composer *composer);

/* The next document's root; NULL at the end of the text. Errors as sl_yaml_parse(). */
SL_MUST_USE int sl_yaml_compose(struct sl_yaml_composer *composer,
                                const struct sl_yaml_node **ret_root, struct sl_err *err);

/* The node itself, or what an alias stands for. */
const struct sl_yaml_node *sl_yaml_follow(const struct sl_yaml_node *node);

/* Whether this key merges other mappings into its own: "<<", not quoted, or tagged !!merge. */
bool sl_yaml_is_merge(const struct sl_yaml_node *key);

/* What a scalar node means. */
struct sl_yaml_scalar sl_yaml_node_value(const struct sl_yaml_node *scalar);

#define SL_YAML_KEY_TEXT 24 /* bytes that hold any integer's text with its NUL */

/* The text of a mapping's key in JSON: that of a string, and as Kubernetes does it, of an integer
 * (0x10 is "16") or of a bool ("true"). `scratch` is where such text goes. Returns NULL and sets
 * *ret_text, or returns why this cannot be a key. */
const char *sl_yaml_key_text(const struct sl_yaml_node *key, char scratch[SL_YAML_KEY_TEXT],
                             struct sl_str *ret_text);

/* The place of a byte of a text. */
struct sl_yaml_mark sl_yaml_position(struct sl_str text, size_t offset);

/* Sets INVALID "line L, column C: …"; returns -1. */
int sl_yaml_fail(struct sl_err *err, struct sl_yaml_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --- the documents of one text (yaml.c), for yaml_locate.c --- */

struct sl_yaml_doc {
    struct json_object *root;
    const struct sl_yaml_node *node; /* NULL: it was read as JSON, from: */
    struct sl_jval json;
};

struct sl_yaml_docs {
    struct sl_arena arena;
    struct sl_str text; /* a copy, without byte order mark */
    struct sl_yaml_doc *items;
    size_t count;
    size_t allocated;
};

#endif
