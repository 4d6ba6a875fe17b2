/* Composes libyaml's events into nodes, and is where everything about size and depth is refused, so
 * that what follows may recurse and copy freely (yaml_node.h).
 *
 * libyaml's parser is a state machine over heap-allocated stacks: nesting costs it no stack of
 * ours, and it is asked for no event past SL_JSON_DEPTH.
 */
#include "codec/yaml_node.h"

#include <assert.h>
#include <json-c/linkhash.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BYTES_PER_NODE ((size_t)64) /* of text, when sizes are counted */
#define ANCHORS_FIRST 16            /* the table grows */

struct frame {
    struct sl_yaml_node *node;
    struct sl_yaml_node *last; /* its last child so far */
    size_t before;             /* nodes that were there before it */
};

/* The document that is being composed. */
struct document {
    struct sl_yaml_node *root;
    struct lh_table *anchors; /* name → node */
    struct frame frames[SL_JSON_DEPTH];
    size_t depth;
};

static void document_cleanup(const struct document *document)
{
    lh_table_free(document->anchors);
}

static void event_cleanup(yaml_event_t *event)
{
    yaml_event_delete(event);
}

/* --- errors --- */

int sl_yaml_fail(struct sl_err *err, struct sl_yaml_mark mark, const char *format, ...)
{
    char sentence[SL_ERR_MSG_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return sl_err_set(err, SL_ERR_INVALID, "line %u, column %u: %s", mark.line, mark.column,
                      sentence);
}

static struct sl_yaml_mark mark_of(yaml_mark_t mark)
{
    return (struct sl_yaml_mark){.line = (unsigned)mark.line + 1,
                                 .column = (unsigned)mark.column + 1};
}

struct sl_yaml_mark sl_yaml_position(struct sl_str text, size_t offset)
{
    struct sl_yaml_mark mark = {.line = 1, .column = 1};
    for (size_t i = 0; i < offset && i < text.n; i++) {
        if (text.p[i] == '\n') {
            mark.line++;
            mark.column = 1;
        } else if (((unsigned char)text.p[i] & 0xc0) != 0x80) { /* not inside a character */
            mark.column++;
        }
    }
    return mark;
}

/* What to do about libyaml's complaints, by a part of their text. */
static const struct advice {
    const char *problem;
    const char *advice;
} advices[] = {
    {"cannot start any token", "indent with spaces, and quote text that begins with @, ` or %"},
    {"tab character", "indent with spaces"},
    {"mapping values are not allowed", "quote text that contains \": \", or check the indentation"},
    {"did not find expected key", "check the indentation and the quotes of the lines above"},
    {"could not find expected ':'", "a key is followed by \": \""},
    {"did not find expected '-' indicator", "check the indentation"},
    {"unexpected end of stream", "close the quote"},
    {"expected ',' or", "close the bracket, or put a comma between the elements"},
    {"<document start>", "put --- between documents, and check the indentation"},
    {"UTF-8", "save the text as UTF-8"},
    {"control characters", "remove it, or write it as \\x.. within double quotes"},
};

static int parser_error(const struct sl_yaml_composer *composer, struct sl_err *err)
{
    const yaml_parser_t *parser = &composer->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return sl_err_set(err, SL_ERR_INTERNAL, "no memory to read YAML");
    }
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    const char *advice = "quote the text or check its indentation";
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
        if (strstr(problem, advices[i].problem) != NULL) {
            advice = advices[i].advice;
            break;
        }
    }
    if (parser->error == YAML_READER_ERROR) {
        return sl_yaml_fail(err, sl_yaml_position(composer->text, parser->problem_offset), "%s; %s",
                            problem, advice);
    }
    if (parser->context == NULL) {
        return sl_yaml_fail(err, mark_of(parser->problem_mark), "%s; %s", problem, advice);
    }
    return sl_yaml_fail(err, mark_of(parser->problem_mark), "%s %s (from line %u); %s", problem,
                        parser->context, mark_of(parser->context_mark).line, advice);
}

/* --- composing --- */

int sl_yaml_composer_init(struct sl_yaml_composer *composer, struct sl_str text,
                          struct sl_arena *arena, struct sl_err *err)
{
    *composer = (struct sl_yaml_composer){.text = text, .arena = arena};
    if (yaml_parser_initialize(&composer->parser) == 0) {
        return sl_err_set(err, SL_ERR_INTERNAL, "no memory to read YAML");
    }
    yaml_parser_set_encoding(&composer->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&composer->parser, (const unsigned char *)text.p, text.n);
    return 0;
}

void sl_yaml_composer_cleanup(struct sl_yaml_composer *composer)
{
    yaml_parser_delete(&composer->parser);
}

static int count_nodes(struct sl_yaml_composer *composer, size_t size, struct sl_yaml_mark mark,
                       struct sl_err *err)
{
    if (size > SL_YAML_NODES - composer->nodes) {
        return sl_yaml_fail(err, mark, "the text has more than %d values, its aliases expanded",
                            SL_YAML_NODES);
    }
    composer->nodes += size;
    return 0;
}

static struct sl_yaml_node *add_node(struct sl_yaml_composer *composer, struct document *document,
                                     enum sl_yaml_kind kind, const yaml_event_t *event)
{
    struct sl_yaml_node *node = sl_arena_zalloc(composer->arena, 1, sizeof *node);
    node->kind = kind;
    node->mark = mark_of(event->start_mark);
    if (document->depth == 0) {
        document->root = node;
        return node;
    }
    struct frame *frame = &document->frames[document->depth - 1];
    if (frame->last == NULL) {
        frame->node->first = node;
    } else {
        frame->last->next = node;
    }
    frame->last = node;
    return node;
}

static const char *copy_name(struct sl_yaml_composer *composer, const yaml_char_t *name)
{
    if (name == NULL) {
        return NULL;
    }
    return sl_arena_cstr(composer->arena, sl_str_from((const char *)name));
}

static void add_anchor(struct sl_yaml_composer *composer, struct document *document,
                       const yaml_char_t *anchor, struct sl_yaml_node *node)
{
    const char *name = copy_name(composer, anchor);
    if (name == NULL) {
        return;
    }
    struct lh_entry *entry = lh_table_lookup_entry(document->anchors, name);
    if (entry != NULL) { /* the last one before an alias counts */
        entry->v = node;
    } else if (lh_table_insert(document->anchors, name, node) != 0) {
        abort();
    }
}

static void note_depth(struct document *document, unsigned depth_below)
{
    if (document->depth > 0) {
        struct sl_yaml_node *parent = document->frames[document->depth - 1].node;
        if (parent->depth < depth_below + 1) {
            parent->depth = depth_below + 1;
        }
    }
}

static int on_scalar(struct sl_yaml_composer *composer, struct document *document,
                     const yaml_event_t *event, struct sl_err *err)
{
    struct sl_str text = {.p = (const char *)event->data.scalar.value,
                          .n = event->data.scalar.length};
    struct sl_yaml_node *node = add_node(composer, document, SL_YAML_SCALAR, event);
    node->size = 1 + text.n / BYTES_PER_NODE;
    if (count_nodes(composer, node->size, node->mark, err) != 0) {
        return -1;
    }
    node->text = sl_arena_str(composer->arena, text);
    node->tag = copy_name(composer, event->data.scalar.tag);
    node->plain = event->data.scalar.plain_implicit != 0;
    add_anchor(composer, document, event->data.scalar.anchor, node);
    return 0;
}

static int on_alias(struct sl_yaml_composer *composer, struct document *document,
                    const yaml_event_t *event, struct sl_err *err)
{
    const char *name = (const char *)event->data.alias.anchor;
    struct sl_yaml_node *node = add_node(composer, document, SL_YAML_ALIAS, event);
    struct lh_entry *entry = lh_table_lookup_entry(document->anchors, name);
    if (entry == NULL) {
        return sl_yaml_fail(err, node->mark,
                            "there is no anchor &%.64s above *%.64s in this document", name, name);
    }
    node->target = lh_entry_v(entry);
    if (node->target->open) {
        return sl_yaml_fail(err, node->mark, "the value of &%.64s contains itself; remove *%.64s",
                            name, name);
    }
    node->depth = node->target->depth;
    node->size = node->target->size;
    if (document->depth + node->depth > SL_JSON_DEPTH) {
        return sl_yaml_fail(err, node->mark, "values are nested more than %d deep", SL_JSON_DEPTH);
    }
    note_depth(document, node->depth);
    return count_nodes(composer, node->size, node->mark, err);
}

static int on_start(struct sl_yaml_composer *composer, struct document *document,
                    const yaml_event_t *event, struct sl_err *err)
{
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *tag =
        mapping ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    const yaml_char_t *anchor =
        mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
    const char *own_tag = mapping ? YAML_MAP_TAG : YAML_SEQ_TAG;
    size_t before = composer->nodes;
    struct sl_yaml_node *node =
        add_node(composer, document, mapping ? SL_YAML_MAPPING : SL_YAML_SEQUENCE, event);
    if (count_nodes(composer, 1, node->mark, err) != 0) {
        return -1;
    }
    if (tag != NULL && strcmp((const char *)tag, own_tag) != 0) {
        return sl_yaml_fail(err, node->mark, "a %s cannot have the tag %.64s; remove the tag",
                            mapping ? "mapping" : "list", (const char *)tag);
    }
    if (document->depth == SL_JSON_DEPTH) {
        return sl_yaml_fail(err, node->mark, "values are nested more than %d deep", SL_JSON_DEPTH);
    }
    add_anchor(composer, document, anchor, node);
    node->open = true;
    node->depth = 1;
    document->frames[document->depth++] = (struct frame){.node = node, .before = before};
    return 0;
}

static void on_end(struct sl_yaml_composer *composer, struct document *document)
{
    assert(document->depth > 0); /* libyaml's events are balanced */
    const struct frame *frame = &document->frames[--document->depth];
    frame->node->open = false;
    frame->node->size = composer->nodes - frame->before;
    note_depth(document, frame->node->depth);
}

static int on_event(struct sl_yaml_composer *composer, struct document *document,
                    const yaml_event_t *event, struct sl_err *err)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return on_scalar(composer, document, event, err);
    case YAML_ALIAS_EVENT:
        return on_alias(composer, document, event, err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return on_start(composer, document, event, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        on_end(composer, document);
        return 0;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return 0;
}

int sl_yaml_compose(struct sl_yaml_composer *composer, const struct sl_yaml_node **ret_root,
                    struct sl_err *err)
{
    SL_AUTO(document)
    struct document document = {.anchors = lh_kchar_table_new(ANCHORS_FIRST, NULL)};
    if (document.anchors == NULL) {
        abort();
    }
    for (;;) {
        SL_AUTO(event) yaml_event_t event = {0};
        if (yaml_parser_parse(&composer->parser, &event) == 0) {
            return parser_error(composer, err);
        }
        if (on_event(composer, &document, &event, err) != 0) {
            return -1;
        }
        if (event.type == YAML_DOCUMENT_END_EVENT || event.type == YAML_STREAM_END_EVENT) {
            *ret_root = document.root;
            return 0;
        }
    }
}

/* --- what nodes mean --- */

const struct sl_yaml_node *sl_yaml_follow(const struct sl_yaml_node *node)
{
    return node->kind == SL_YAML_ALIAS ? node->target : node;
}

bool sl_yaml_is_merge(const struct sl_yaml_node *key)
{
    return key->kind == SL_YAML_SCALAR && sl_str_is(key->text, "<<") &&
           (key->plain || (key->tag != NULL && strcmp(key->tag, "tag:yaml.org,2002:merge") == 0));
}

struct sl_yaml_scalar sl_yaml_node_value(const struct sl_yaml_node *scalar)
{
    if (scalar->tag != NULL) {
        return sl_yaml_tagged(scalar->text, scalar->tag);
    }
    if (scalar->plain) {
        return sl_yaml_plain(scalar->text);
    }
    return (struct sl_yaml_scalar){.type = SL_YAML_STRING};
}

const char *sl_yaml_key_text(const struct sl_yaml_node *key, char scratch[SL_YAML_KEY_TEXT],
                             struct sl_str *ret_text)
{
    key = sl_yaml_follow(key);
    if (key->kind != SL_YAML_SCALAR) {
        return "a key cannot be a list or a mapping; quote text that begins with [ or {";
    }
    struct sl_yaml_scalar value = sl_yaml_node_value(key);
    switch (value.type) {
    case SL_YAML_STRING:
        if (memchr(key->text.p, '\0', key->text.n) != NULL) {
            return "a key cannot contain the character \\0";
        }
        *ret_text = key->text;
        return NULL;
    case SL_YAML_BOOL:
        *ret_text = sl_str_from(value.boolean ? "true" : "false");
        return NULL;
    case SL_YAML_INT:
        (void)snprintf(scratch, SL_YAML_KEY_TEXT, "%lld", (long long)value.integer);
        *ret_text = sl_str_from(scratch);
        return NULL;
    case SL_YAML_UINT:
    case SL_YAML_FLOAT:
    case SL_YAML_NULL:
    case SL_YAML_REFUSED:
        break;
    }
    return "this key is not text; quote it";
}
