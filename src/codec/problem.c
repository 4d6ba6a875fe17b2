/* Field paths and the list of problems (problem.h). */
#include "codec/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUOTE_MAX ((size_t)64) /* bytes of the document's text that a sentence repeats */
#define ESCAPE_MAX ((size_t)6) /* bytes that one byte can become: \u001f */

const char *sl_field_path(struct sl_arena *arena, const struct sl_field *at)
{
    if (at == NULL) {
        return "";
    }
    const char *parent = sl_field_path(arena, at->parent);
    if (at->key == NULL) {
        return sl_arena_printf(arena, "%s[%zu]", parent, at->index);
    }
    if (at->key[0] == '\0' || strpbrk(at->key, "./[]") != NULL) {
        return sl_arena_printf(arena, "%s[%s]", parent, at->key);
    }
    return sl_arena_printf(arena, "%s%s%s", parent, parent[0] == '\0' ? "" : ".", at->key);
}

void sl_problem_add(struct sl_problems *problems, const struct sl_field *at, const char *format,
                    ...)
{
    if (problems->count++ >= SL_PROBLEMS_MAX) {
        return;
    }
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        abort();
    }
    char *text = sl_arena_alloc(problems->arena, (size_t)length + 1);
    (void)vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    problems->items[problems->count - 1] = (struct sl_problem){
        .path = sl_field_path(problems->arena, at),
        .text = text,
    };
}

const char *sl_problem_quote(struct sl_problems *problems, struct sl_str text)
{
    SL_AUTO(sl_buf) struct sl_buf quoted = SL_BUF_INIT(ESCAPE_MAX * QUOTE_MAX + sizeof "\"…\"");
    struct sl_str shown = text;
    if (shown.n > QUOTE_MAX) {
        shown.n = QUOTE_MAX;
        while (shown.n > 0 && ((unsigned char)text.p[shown.n] & 0xc0) == 0x80) {
            shown.n--; /* not in the middle of a character */
        }
    }
    sl_buf_addc(&quoted, '"');
    sl_buf_add_json(&quoted, shown);
    sl_buf_adds(&quoted, shown.n < text.n ? "…\"" : "\"");
    return sl_arena_cstr(problems->arena, sl_buf_str(&quoted));
}

void sl_problems_write(const struct sl_problems *problems, struct sl_buf *out)
{
    size_t kept = problems->count < SL_PROBLEMS_MAX ? problems->count : SL_PROBLEMS_MAX;
    for (size_t i = 0; i < kept; i++) {
        const struct sl_problem *problem = &problems->items[i];
        sl_buf_addf(out, "%s%s%s%s", i == 0 ? "" : "; ", problem->path,
                    problem->path[0] == '\0' ? "" : ": ", problem->text);
    }
    if (problems->count > kept) {
        sl_buf_addf(out, " (and %zu more)", problems->count - kept);
    }
}
