/* The Authorization header of the next request: a token, a token's file that somebody renews, or a
 * user's name and password (config.h). The one copy of the secret that we hold is wiped when it is
 * replaced; those of attempts under way, when they end (transfer.c). */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "codec/base64.h"
#include "kube/client_private.h"

#define TOKEN_MAX (64 * SL_KIB)
#define LOOK_EVERY SL_NS_PER_S /* a stat() of the file, at most this often */
#define READ_EVERY (60 * SL_NS_PER_S)

static void wipe(struct sl_buf *secret)
{
    if (secret->data != NULL) {
        explicit_bzero(secret->data, secret->allocated);
    }
    sl_buf_cleanup(secret);
}

static void replace_line(struct sl_credentials *credentials, const char *scheme,
                         struct sl_str secret)
{
    static const char header[] = "Authorization: ";
    size_t size = sizeof header + strlen(scheme) + 1 + secret.n;
    char *line = malloc(size);
    if (line == NULL) {
        abort();
    }
    (void)snprintf(line, size, "%s%s %.*s", header, scheme, SL_STR_FMT(secret));
    sl_credentials_cleanup(credentials);
    credentials->line = line;
}

void sl_credentials_cleanup(struct sl_credentials *credentials)
{
    if (credentials->line != NULL) {
        explicit_bzero(credentials->line, strlen(credentials->line));
        free(credentials->line);
        credentials->line = NULL;
    }
}

static struct sl_str trim(struct sl_str text)
{
    static const char space[] = " \t\r\n";
    while (text.n > 0 && strchr(space, text.p[text.n - 1]) != NULL) {
        text.n--;
    }
    while (text.n > 0 && strchr(space, text.p[0]) != NULL) {
        text.p++;
        text.n--;
    }
    return text;
}

/* What stands in a header: a line break in it would be a header of somebody else's making. */
static bool is_plain(struct sl_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] == 0x7f) {
            return false;
        }
    }
    return text.n > 0;
}

/* TRANSIENT: somebody else keeps the file, and a NOT_FOUND would be taken for the object's. */
static int read_token(struct sl_credentials *credentials, struct sl_buf *file, struct sl_err *err)
{
    const char *path = credentials->config->token_file;
    struct sl_err cause = SL_ERR_INIT;
    if (sl_file_read(path, file, &cause) < 0) {
        return sl_err_set(err, SL_ERR_TRANSIENT, "token file: %s", cause.msg);
    }
    struct sl_str token = trim(sl_buf_str(file));
    if (!is_plain(token)) {
        return sl_err_set(err, SL_ERR_TRANSIENT, "token file %s: holds no token", path);
    }
    replace_line(credentials, "Bearer", token);
    return 0;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A file that is away or broken for a moment leaves the token that worked, or the configuration's
 * own. */
static int refresh_token(struct sl_credentials *credentials, int64_t now, struct sl_err *err)
{
    if (credentials->line == NULL && credentials->config->token != NULL) {
        replace_line(credentials, "Bearer", sl_str_from(credentials->config->token));
    }
    if (credentials->is_looked_at && now - credentials->looked_at < LOOK_EVERY &&
        credentials->line != NULL) {
        return 0;
    }
    struct stat file = {0};
    bool is_there = stat(credentials->config->token_file, &file) == 0;
    credentials->is_looked_at = true;
    credentials->looked_at = now;
    if (credentials->is_read && now - credentials->read_at < READ_EVERY &&
        (!is_there || is_same_file(&file, &credentials->file))) {
        return 0;
    }
    struct sl_buf token = SL_BUF_INIT(TOKEN_MAX);
    int rc = read_token(credentials, &token, err);
    wipe(&token);
    if (rc == 0) {
        credentials->file = file;
        credentials->is_read = true;
        credentials->read_at = now;
    }
    return credentials->line != NULL ? 0 : -1;
}

static void set_basic(struct sl_credentials *credentials)
{
    struct sl_buf pair = SL_BUF_INIT(TOKEN_MAX);
    struct sl_buf encoded = SL_BUF_INIT(2 * TOKEN_MAX);
    sl_buf_addf(&pair, "%s:%s", credentials->config->user,
                credentials->config->password == NULL ? "" : credentials->config->password);
    sl_base64_write(sl_buf_str(&pair), &encoded);
    replace_line(credentials, "Basic", sl_buf_str(&encoded));
    wipe(&pair);
    wipe(&encoded);
}

/* As client-go: a token's file before a token, a token before a password. */
int sl_credentials_refresh(struct sl_credentials *credentials, int64_t now, struct sl_err *err)
{
    const struct sl_kube_config *config = credentials->config;
    if (config->token_file != NULL) {
        return refresh_token(credentials, now, err);
    }
    if (credentials->line == NULL && config->token != NULL) {
        replace_line(credentials, "Bearer", sl_str_from(config->token));
    } else if (credentials->line == NULL && config->user != NULL) {
        set_basic(credentials);
    }
    return 0;
}
