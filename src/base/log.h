/* The log: one JSON object a line on standard error, for an operator at 3 a.m.
 *
 *     {"ts":"2026-11-21T12:00:00.123Z","level":"info","msg":"policies
 * loaded","path":"/p","count":3}
 *
 * Keys are the same everywhere: ns, name, uid, op, path, err, …. Never a Secret, a token, or an
 * object's body. Any thread: a line is one write(2) of at most PIPE_BUF bytes (a field that does
 * not fit is left out). Nobody waits for a reader: a line that cannot be written at once is
 * dropped, and the next one that can be is preceded by one that says how many were. Only edges log
 * (STYLE: the loop, a request).
 */
#ifndef SL_BASE_LOG_H
#define SL_BASE_LOG_H

#include <stdint.h>

#include "base/str.h"

enum sl_log_level { SL_LOG_DEBUG, SL_LOG_INFO, SL_LOG_WARN, SL_LOG_ERROR };

struct sl_log_field {
    const char *key;
    struct sl_str text; /* absent: `number` is the value */
    int64_t number;
};

#define SL_LOG_TEXT(key_, slice) ((struct sl_log_field){.key = (key_), .text = (slice)})
#define SL_LOG_CSTR(key_, text_) SL_LOG_TEXT(key_, sl_str_from((text_) == NULL ? "" : (text_)))
#define SL_LOG_INT(key_, value) ((struct sl_log_field){.key = (key_), .number = (int64_t)(value)})

/* Lines below this level are dropped. Set once, before threads start; the default is INFO. */
void sl_log_set_level(enum sl_log_level level);

/* Lines dropped since the start because standard error could not take them. */
uint64_t sl_log_dropped(void);

/* sl_log(SL_LOG_INFO, "policies loaded", SL_LOG_CSTR("path", path), SL_LOG_INT("count", n)) */
#define sl_log(level, msg, ...)                                                                    \
    sl_log_write(level, msg, (const struct sl_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
void sl_log_write(enum sl_log_level level, const char *msg, const struct sl_log_field *fields);

#endif
