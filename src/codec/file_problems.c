/* Field paths, and what the parser says, to lines and columns (file_problems.h). */
#include "codec/file_problems.h"

#include <stdlib.h>
#include <string.h>

#define LINE_CAP (SL_MIB)
#define TAIL_BYTES 32 /* "\n(and 18446744073709551615 more)" fits */

/* The parser's "line L, column C: …" as "FILE:L:C: …". */
static int put_place(const char *file, const struct sl_err *cause, struct sl_err *err)
{
    static const char *const beginnings[] = {"invalid JSON at line ", "line "};
    static const char column_word[] = ", column ";
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        struct sl_str rest = sl_str_from(cause->msg);
        if (!sl_str_starts(rest, sl_str_from(beginnings[i]))) {
            continue;
        }
        char *end = NULL;
        unsigned long line = strtoul(rest.p + strlen(beginnings[i]), &end, 10);
        if (!sl_str_starts(sl_str_from(end), sl_str_from(column_word))) {
            continue;
        }
        unsigned long column = strtoul(end + strlen(column_word), &end, 10);
        return sl_err_set(err, cause->kind, "%s:%lu:%lu%s", file, line, column, end);
    }
    return sl_err_set(err, cause->kind, "%s: %s", file, cause->msg);
}

int sl_file_parse(const char *file, struct sl_str text, struct sl_yaml_docs **ret_docs,
                  struct sl_err *err)
{
    struct sl_err cause = SL_ERR_INIT;
    return sl_yaml_parse(text, ret_docs, &cause) < 0 ? put_place(file, &cause, err) : 0;
}

static void write_line(const char *file, const struct sl_yaml_docs *docs, size_t index,
                       const struct sl_problem *problem, struct sl_buf *out)
{
    sl_buf_adds(out, file);
    if (docs != NULL) {
        struct sl_yaml_mark mark = sl_yaml_locate(docs, index, problem->path);
        if (mark.line > 0) {
            sl_buf_addf(out, ":%u:%u", mark.line, mark.column);
        }
    }
    sl_buf_addf(out, ": %s%s%s", problem->path, problem->path[0] == '\0' ? "" : ": ",
                problem->text);
}

int sl_file_problems(const char *file, const struct sl_yaml_docs *docs, size_t index,
                     const struct sl_problems *problems, struct sl_err *err)
{
    if (problems->count == 0) {
        return 0;
    }
    SL_AUTO(sl_buf) struct sl_buf lines = SL_BUF_INIT(LINE_CAP);
    size_t told = 0;
    while (told < problems->count && told < SL_PROBLEMS_MAX) {
        SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(LINE_CAP);
        write_line(file, docs, index, &problems->items[told], &line);
        /* the first is told even when it must be cut */
        if (told > 0 && lines.len + line.len + TAIL_BYTES >= SL_ERR_MSG_MAX) {
            break;
        }
        sl_buf_addf(&lines, "%s%s", told == 0 ? "" : "\n", line.data == NULL ? "" : line.data);
        told++;
    }
    if (told < problems->count) {
        sl_buf_addf(&lines, "\n(and %zu more)", problems->count - told);
    }
    return sl_err_set(err, SL_ERR_INVALID, "%s", lines.data);
}
