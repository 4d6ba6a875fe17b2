/* What HAProxy answers (haproxy.h): columns are found by the names in the answer's own first line,
 * since every version has more of them. */
#include "core/balancers/haproxy.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 512

/* --- what both have in common --- */

static struct sl_str next_line(struct sl_str *rest)
{
    struct sl_str line = sl_str_cut(rest, '\n');
    if (line.n > 0 && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    return line;
}

/* Its first line that says something, shortened: for people. */
static struct sl_str gist(struct sl_str answer)
{
    struct sl_str line = {0};
    while (answer.p != NULL && line.n == 0) {
        line = next_line(&answer);
    }
    if (line.n > 120) {
        line.n = 120;
    }
    return line;
}

static bool to_number(struct sl_str text, int64_t *ret_number)
{
    char digits[24] = "";
    if (text.n == 0 || text.n >= sizeof digits) {
        return false;
    }
    memcpy(digits, text.p, text.n);
    char *end = NULL;
    long long number = strtoll(digits, &end, 10);
    if (end != digits + text.n) {
        return false;
    }
    *ret_number = number;
    return true;
}

/* Words between single blanks, or fields between commas, of which each may stand in quotes. */
static struct sl_str next_word(struct sl_str *rest, struct sl_arena *arena)
{
    (void)arena;
    return sl_str_cut(rest, ' ');
}

static struct sl_str next_field(struct sl_str *rest, struct sl_arena *arena)
{
    if (rest->n == 0 || rest->p[0] != '"') {
        return sl_str_cut(rest, ',');
    }
    char *text = sl_arena_alloc(arena, rest->n);
    size_t length = 0;
    size_t at = 1;
    for (; at < rest->n; at++) {
        if (rest->p[at] == '"') {
            at++;
            if (at == rest->n || rest->p[at] != '"') {
                break; /* two are one that belongs to the text */
            }
        }
        text[length++] = rest->p[at];
    }
    *rest = (struct sl_str){.p = rest->p + at, .n = rest->n - at};
    (void)sl_str_cut(rest, ',');
    return (struct sl_str){.p = text, .n = length};
}

typedef struct sl_str next_column(struct sl_str *rest, struct sl_arena *arena);

/* Where each of `names` stands in the header; false: one is missing. */
static bool find_columns(struct sl_str header, next_column *next, const char *const *names,
                         size_t count, struct sl_arena *arena, size_t *ret_columns)
{
    size_t found = 0;
    for (size_t column = 0; header.p != NULL && column < COLUMNS_MAX; column++) {
        struct sl_str name = next(&header, arena);
        for (size_t i = 0; i < count; i++) {
            if (sl_str_is(name, names[i])) {
                ret_columns[i] = column;
                found++;
            }
        }
    }
    return found == count;
}

/* The texts of those columns of a line; absent where it has not so many. */
static void read_columns(struct sl_str line, next_column *next, const size_t *columns, size_t count,
                         struct sl_arena *arena, struct sl_str *ret_texts)
{
    memset(ret_texts, 0, count * sizeof *ret_texts);
    for (size_t column = 0; line.p != NULL && column < COLUMNS_MAX; column++) {
        struct sl_str text = next(&line, arena);
        for (size_t i = 0; i < count; i++) {
            if (columns[i] == column) {
                ret_texts[i] = text;
            }
        }
    }
}

static int unreadable(struct sl_err *err, const char *command, struct sl_str answer)
{
    struct sl_str said = gist(answer);
    return sl_err_set(err, SL_ERR_INVALID, "\"%s\" is answered with \"%.*s\"", command,
                      SL_STR_FMT(said));
}

/* --- show servers state --- */

enum {
    BE_ID,
    BE_NAME,
    NAME,
    ADDRESS,
    OPERATIONAL,
    ADMIN,
    WEIGHT,
    INITIAL,
    CHECKS,
    PORT,
    STATE_COLUMNS
};
static const char *const state_columns[STATE_COLUMNS] = {
    "be_id",           "be_name",     "srv_name",    "srv_addr",        "srv_op_state",
    "srv_admin_state", "srv_uweight", "srv_iweight", "srv_check_state", "srv_port",
};

static bool read_server(const struct sl_str *texts, int64_t *ret_id, struct sl_haproxy_server *ret)
{
    *ret = (struct sl_haproxy_server){
        .name = texts[NAME],
        .address = texts[ADDRESS],
        .sessions = -1,
    };
    return ret->name.n > 0 && ret->address.p != NULL && to_number(texts[BE_ID], ret_id) &&
           to_number(texts[OPERATIONAL], &ret->operational) &&
           to_number(texts[ADMIN], &ret->admin) && to_number(texts[WEIGHT], &ret->weight) &&
           to_number(texts[INITIAL], &ret->initial_weight) &&
           to_number(texts[CHECKS], &ret->checks) && to_number(texts[PORT], &ret->port);
}

static size_t count_lines(struct sl_str text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.n; i++) {
        count += text.p[i] == '\n';
    }
    return count < SL_HAPROXY_SERVERS_MAX ? count : SL_HAPROXY_SERVERS_MAX;
}

int sl_haproxy_read_state(struct sl_str answer, struct sl_str backend, struct sl_arena *arena,
                          struct sl_haproxy_view *ret_view, struct sl_err *err)
{
    struct sl_str rest = answer;
    if (sl_str_starts(gist(answer), SL_STR("Can't find backend"))) {
        return sl_err_set(err, SL_ERR_NOT_FOUND, "it has no backend \"%.*s\"", SL_STR_FMT(backend));
    }
    size_t columns[STATE_COLUMNS] = {0};
    bool first = sl_str_is(next_line(&rest), "1"); /* the version of the format */
    struct sl_str header = next_line(&rest);
    if (!first || !sl_str_starts(header, SL_STR("# ")) ||
        !find_columns((struct sl_str){.p = header.p + 2, .n = header.n - 2}, next_word,
                      state_columns, STATE_COLUMNS, arena, columns)) {
        return unreadable(err, "show servers state", answer);
    }
    struct sl_haproxy_view view = {0};
    size_t most = count_lines(rest);
    view.servers = sl_arena_zalloc(arena, most, sizeof(struct sl_haproxy_server));
    while (rest.p != NULL && view.count < most) {
        struct sl_str line = next_line(&rest);
        struct sl_str texts[STATE_COLUMNS];
        read_columns(line, next_word, columns, STATE_COLUMNS, arena, texts);
        if (line.n == 0 || !sl_str_eq(texts[BE_NAME], backend)) {
            continue;
        }
        if (!read_server(texts, &view.backend_id, &view.servers[view.count])) {
            return unreadable(err, "show servers state", line);
        }
        view.count++;
    }
    *ret_view = view;
    return 0;
}

/* --- show stat --- */

enum { SVNAME, QCUR, SCUR, CHECK_STATUS, CHECK_DESC, LAST_CHK, STAT_COLUMNS };
static const char *const stat_columns[STAT_COLUMNS] = {
    "svname", "qcur", "scur", "check_status", "check_desc", "last_chk",
};

static void apply(const struct sl_str *texts, struct sl_arena *arena,
                  struct sl_haproxy_server *server)
{
    int64_t queued = 0;
    int64_t served = 0;
    if (to_number(texts[QCUR], &queued) && to_number(texts[SCUR], &served) && queued >= 0 &&
        served >= 0 && queued < INT32_MAX && served < INT32_MAX) {
        server->sessions = queued + served;
    }
    struct sl_str says = texts[LAST_CHK].n > 0 ? texts[LAST_CHK] : texts[CHECK_DESC];
    if (texts[CHECK_STATUS].n > 0) {
        server->check = sl_str_from(
            sl_arena_printf(arena, "%.*s %.*s", SL_STR_FMT(texts[CHECK_STATUS]), SL_STR_FMT(says)));
    }
}

/* Both answers have the servers in the same order, unless one came or went in between. */
static struct sl_haproxy_server *find_server(const struct sl_haproxy_view *view, struct sl_str name,
                                             size_t *next)
{
    for (size_t tried = 0; tried < view->count; tried++) {
        struct sl_haproxy_server *server = &view->servers[(*next + tried) % view->count];
        if (sl_str_eq(server->name, name)) {
            *next += tried + 1;
            return server;
        }
    }
    return NULL;
}

int sl_haproxy_read_stat(struct sl_str answer, struct sl_arena *arena, struct sl_haproxy_view *view,
                         struct sl_err *err)
{
    struct sl_str rest = answer;
    struct sl_str header = next_line(&rest);
    size_t columns[STAT_COLUMNS] = {0};
    if (!sl_str_starts(header, SL_STR("# ")) ||
        !find_columns((struct sl_str){.p = header.p + 2, .n = header.n - 2}, next_field,
                      stat_columns, STAT_COLUMNS, arena, columns)) {
        return unreadable(err, "show stat", answer);
    }
    size_t next = 0;
    while (rest.p != NULL) {
        struct sl_str line = next_line(&rest);
        struct sl_str texts[STAT_COLUMNS];
        read_columns(line, next_field, columns, STAT_COLUMNS, arena, texts);
        struct sl_haproxy_server *server =
            texts[SVNAME].n == 0 ? NULL : find_server(view, texts[SVNAME], &next);
        if (server != NULL) {
            apply(texts, arena, server);
        }
    }
    return 0;
}

/* --- show info --- */

static struct sl_str value_of(struct sl_str answer, struct sl_str key)
{
    while (answer.p != NULL) {
        struct sl_str line = next_line(&answer);
        if (sl_str_starts(line, key)) {
            return (struct sl_str){.p = line.p + key.n, .n = line.n - key.n};
        }
    }
    return (struct sl_str){0};
}

const char *sl_haproxy_read_process(struct sl_str answer, struct sl_arena *arena)
{
    struct sl_str pid = value_of(answer, SL_STR("Pid: "));
    struct sl_str started = value_of(answer, SL_STR("Start_time_sec: "));
    if (pid.p == NULL) {
        return "";
    }
    struct sl_str node = value_of(answer, SL_STR("node: ")); /* pids are the same in containers */
    return sl_arena_printf(arena, "%.*s/%.*s/%.*s", SL_STR_FMT(node), SL_STR_FMT(pid),
                           SL_STR_FMT(started));
}
