/* The log (log.h): the one place that formats and writes a log line.
 *
 * Whoever reads standard error may stop reading: a request must not wait for that. A line goes out
 * when it can be written at once, and is dropped and counted when it cannot.
 */
#include "base/log.h"

#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* A pipe takes a line of this size as a whole, and at once when poll() says that it is writable
 * (pipe(7)). */
#define LINE_CAP ((size_t)PIPE_BUF)

static enum sl_log_level log_level = SL_LOG_INFO;
static _Atomic uint64_t dropped;

/* From poll() to write(): nobody else may use up the room in between. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool torn;       /* guarded: the last line went out without its end */
static uint64_t untold; /* guarded: lines dropped and not yet reported */

void sl_log_set_level(enum sl_log_level level)
{
    log_level = level;
}

uint64_t sl_log_dropped(void)
{
    return atomic_load(&dropped);
}

static void add_time(struct sl_buf *line)
{
    int64_t now = sl_clock_wall();
    time_t seconds = (time_t)(now / SL_NS_PER_S);
    struct tm utc;
    char text[32];
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    sl_buf_addf(line, "{\"ts\":\"%s.%03dZ\"", text, (int)(now % SL_NS_PER_S / SL_NS_PER_MS));
}

/* The line, behind a newline that ends a torn one. */
static void format_line(struct sl_buf *line, enum sl_log_level level, const char *msg,
                        const struct sl_log_field *fields)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    sl_buf_addc(line, '\n');
    add_time(line);
    sl_buf_addf(line, ",\"level\":\"%s\",\"msg\":\"", names[level]);
    sl_buf_add_json(line, sl_str_from(msg));
    sl_buf_adds(line, "\"");
    for (; fields->key != NULL; fields++) {
        size_t before = line->len;
        sl_buf_addf(line, ",\"%s\":", fields->key);
        if (fields->text.p == NULL) {
            sl_buf_addf(line, "%" PRId64, fields->number);
        } else {
            sl_buf_addc(line, '"');
            sl_buf_add_json(line, fields->text);
            sl_buf_addc(line, '"');
        }
        if (line->overflowed || line->len + 2 > LINE_CAP) { /* leave the field out, keep the line */
            line->overflowed = false;
            line->len = before;
        }
    }
    sl_buf_adds(line, "}\n");
}

/* Holding the mutex. Whether the line is out; waits for nobody. */
static bool put(const struct sl_buf *line)
{
    struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&fd, 1, 0) != 1 || fd.revents != POLLOUT) { /* POLLERR: nobody will ever read it */
        return false;
    }
    size_t skipped = torn ? 0 : 1;
    size_t count = line->len - skipped;
    ssize_t written = write(STDERR_FILENO, line->data + skipped, count);
    if (written < 0) {
        return false;
    }
    torn = (size_t)written < count; /* a file system that is full, most of all */
    return !torn;
}

static bool report_dropped(void)
{
    SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(LINE_CAP);
    format_line(&line, SL_LOG_WARN, "log lines were dropped: standard error could not take them",
                (const struct sl_log_field[]){SL_LOG_INT("count", untold), {0}});
    return put(&line);
}

void sl_log_write(enum sl_log_level level, const char *msg, const struct sl_log_field *fields)
{
    if (level < log_level) {
        return;
    }
    SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(LINE_CAP);
    format_line(&line, level, msg, fields);
    (void)pthread_mutex_lock(&mutex);
    if (untold > 0 && report_dropped()) {
        untold = 0;
    }
    if (untold > 0 || !put(&line)) {
        untold++;
        atomic_fetch_add(&dropped, 1);
    }
    (void)pthread_mutex_unlock(&mutex);
}
