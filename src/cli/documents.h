/* Files of Kubernetes objects as one flat list: YAML or JSON, several documents in a file, a v1
 * List as its items. The first step of `sluice review`. */
#ifndef SL_CLI_DOCUMENTS_H
#define SL_CLI_DOCUMENTS_H

#include "base/arena.h"
#include "codec/yaml.h"

#define SL_DOCUMENT_FILE_MAX (64 * SL_MIB) /* bytes of one file */

struct sl_document {
    struct json_object *root; /* an object with apiVersion and kind; owned by the set */
    struct sl_str json; /* its own bytes where it is a whole JSON text of the file; else absent */
    const char *file;
    const struct sl_yaml_docs *docs; /* what was read of the file, */
    size_t index;                    /* which document of it this is, */
    const char *field;               /* and where in that: "" or "items[2]" */
};

/* All zero is a valid empty set. */
struct sl_documents {
    struct sl_arena arena;
    struct sl_yaml_docs **files;
    size_t file_count;
    struct sl_document *items;
    size_t count;
};
void sl_documents_cleanup(struct sl_documents *documents);

/* Adds all documents of `path` ("-": standard input). Errors: NOT_FOUND, DENIED, INTERNAL, INVALID
 * "FILE:LINE:COLUMN: what is wrong". */
SL_MUST_USE int sl_documents_read(struct sl_documents *documents, const char *path,
                                  struct sl_err *err);

/* Puts "FILE:LINE:COLUMN: " in front of the sentence; returns -1. */
int sl_document_wrap(const struct sl_document *document, struct sl_err *err);

/* The text of a member that is a string; NULL: it is not there, or something else. `object` may be
 * NULL. */
const char *sl_member_text(struct json_object *object, const char *key);
struct json_object *sl_member(struct json_object *object, const char *key);

/* The resource of a kind by the usual rule: "pods" of "Pod", "ingresses" of "Ingress". In the
 * arena. */
struct sl_str sl_plural(struct sl_str kind, struct sl_arena *arena);

#endif
