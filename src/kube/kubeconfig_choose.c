/* What a context says (kubeconfig.h): finding its entries among the files, and reading their keys.
 *
 * Entries that nobody chose are not looked into, so that one broken user does not keep the others
 * from working; codec/decode.h, which wants every key to be known, is therefore not used.
 */
#include "kube/kubeconfig.h"

#include <stddef.h>
#include <string.h>

#include "codec/base64.h"

#define DATA_MAX (SL_MIB)

/* One element of a list of named ones, which the kubeconfig's `clusters`, `users` and `contexts`
 * are: {name: …, cluster: {…}}. */
struct entry {
    size_t file;
    size_t index;
    const char *list, *inner;   /* "clusters", "cluster" */
    struct json_object *object; /* the inner one; NULL: it is not there, or empty */
};

static int complain_of_key(const struct sl_kubeconfig *kubeconfig, const struct entry *entry,
                           const char *key, const char *text, struct sl_err *err)
{
    const struct sl_field list = SL_FIELD(NULL, entry->list);
    const struct sl_field element = SL_FIELD_AT(&list, entry->index);
    const struct sl_field inner = SL_FIELD(&element, entry->inner);
    const struct sl_field at = SL_FIELD(&inner, key);
    return sl_kubeconfig_complain(kubeconfig, entry->file, key == NULL ? &inner : &at, text, err);
}

/* --- entries --- */

static const char *text_or_null(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static struct json_object *member(struct json_object *object, const char *key)
{
    return json_object_is_type(object, json_type_object) ? json_object_object_get(object, key)
                                                         : NULL;
}

/* The first entry of that name in one file. *ret_found: there is one. */
static int find_in_file(const struct sl_kubeconfig *kubeconfig, size_t file, const char *name,
                        struct entry *entry, bool *ret_found, struct sl_err *err)
{
    struct json_object *list = member(kubeconfig->files[file].root, entry->list);
    size_t count = list == NULL ? 0 : json_object_array_length(list);
    *ret_found = false;
    for (size_t i = 0; i < count; i++) {
        struct json_object *element = json_object_array_get_idx(list, i);
        const char *its_name = text_or_null(member(element, "name"));
        if (its_name == NULL || strcmp(its_name, name) != 0) {
            continue;
        }
        if (*ret_found) {
            const struct sl_field of_list = SL_FIELD(NULL, entry->list);
            const struct sl_field of_element = SL_FIELD_AT(&of_list, i);
            return sl_kubeconfig_complain(kubeconfig, file, &SL_FIELD(&of_element, "name"),
                                          "occurs twice in this list", err);
        }
        *ret_found = true;
        entry->file = file;
        entry->index = i;
        entry->object = member(element, entry->inner);
    }
    if (*ret_found && entry->object != NULL &&
        !json_object_is_type(entry->object, json_type_object)) {
        return complain_of_key(kubeconfig, entry, NULL, "must be an object", err);
    }
    return 0;
}

static int find(const struct sl_kubeconfig *kubeconfig, const char *name, struct entry *entry,
                bool *ret_found, struct sl_err *err)
{
    *ret_found = false;
    for (size_t file = 0; file < kubeconfig->count && !*ret_found; file++) {
        if (find_in_file(kubeconfig, file, name, entry, ret_found, err) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- keys --- */

enum key_type { KEY_TEXT, KEY_PATH, KEY_BOOL, KEY_DATA, KEY_REFUSED };

/* A key of an entry, and where its value goes: const char *, const char *, bool, struct sl_str. */
struct key {
    const char *name;
    enum key_type type;
    size_t at;
    const char *doc; /* REFUSED: what to use instead */
};

struct values { /* of cluster and user */
    const char *server, *server_name, *proxy, *token, *token_file, *user, *password;
    bool insecure;
    struct sl_str ca_data, cert_data, key_data;
    const char *ca, *cert, *key;
};

struct context_values {
    const char *cluster, *user, *ns;
};

#define VALUE(name_, type_, member_)                                                               \
    {                                                                                              \
        .name = (name_), .type = (type_), .at = offsetof(struct values, member_)                   \
    }
static const struct key cluster_keys[] = {
    VALUE("server", KEY_TEXT, server),
    VALUE("tls-server-name", KEY_TEXT, server_name),
    VALUE("insecure-skip-tls-verify", KEY_BOOL, insecure),
    VALUE("certificate-authority", KEY_PATH, ca),
    VALUE("certificate-authority-data", KEY_DATA, ca_data),
    VALUE("proxy-url", KEY_TEXT, proxy),
    {0},
};

#define INSTEAD "use a token (kubectl create token SERVICEACCOUNT) or a client certificate instead"
#define NO_PROGRAM "signing in by a program is not supported: " INSTEAD
#define NO_IMPERSONATION "impersonation is not supported: use the credentials of that user instead"
static const struct key user_keys[] = {
    {.name = "exec", .type = KEY_REFUSED, .doc = NO_PROGRAM},
    {.name = "auth-provider", .type = KEY_REFUSED, .doc = NO_PROGRAM},
    {.name = "as", .type = KEY_REFUSED, .doc = NO_IMPERSONATION},
    {.name = "as-uid", .type = KEY_REFUSED, .doc = NO_IMPERSONATION},
    {.name = "as-groups", .type = KEY_REFUSED, .doc = NO_IMPERSONATION},
    {.name = "as-user-extra", .type = KEY_REFUSED, .doc = NO_IMPERSONATION},
    VALUE("client-certificate", KEY_PATH, cert),
    VALUE("client-certificate-data", KEY_DATA, cert_data),
    VALUE("client-key", KEY_PATH, key),
    VALUE("client-key-data", KEY_DATA, key_data),
    VALUE("token", KEY_TEXT, token),
    VALUE("tokenFile", KEY_PATH, token_file),
    VALUE("username", KEY_TEXT, user),
    VALUE("password", KEY_TEXT, password),
    {0},
};

static const struct key context_keys[] = {
    {.name = "cluster", .type = KEY_TEXT, .at = offsetof(struct context_values, cluster)},
    {.name = "user", .type = KEY_TEXT, .at = offsetof(struct context_values, user)},
    {.name = "namespace", .type = KEY_TEXT, .at = offsetof(struct context_values, ns)},
    {0},
};

/* Relative to the directory of the file that names it. */
static const char *resolve(const char *kubeconfig, const char *path, struct sl_arena *arena)
{
    const char *slash = strrchr(kubeconfig, '/');
    if (path[0] == '/' || slash == NULL) {
        return sl_arena_cstr(arena, sl_str_from(path));
    }
    return sl_arena_printf(arena, "%.*s/%s", (int)(slash - kubeconfig), kubeconfig, path);
}

/* NULL, or the rule that the value breaks. The value itself may be a secret. */
static const char *read_text(const char *kubeconfig, const struct key *key,
                             struct json_object *value, struct sl_arena *arena, void *out)
{
    if (!json_object_is_type(value, json_type_string)) {
        return "must be text";
    }
    struct sl_str text = {.p = json_object_get_string(value),
                          .n = (size_t)json_object_get_string_len(value)};
    for (size_t i = 0; i < text.n; i++) { /* for headers, URLs and the system's calls */
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f) {
            return "must not hold control characters or line breaks";
        }
    }
    if (text.n > 0) { /* empty is as good as absent */
        *(const char **)out =
            key->type == KEY_PATH ? resolve(kubeconfig, text.p, arena) : sl_arena_cstr(arena, text);
    }
    return NULL;
}

static const char *read_data(struct json_object *value, struct sl_arena *arena, struct sl_str *out)
{
    if (!json_object_is_type(value, json_type_string)) {
        return "must be base64";
    }
    struct sl_buf bytes = SL_BUF_INIT(DATA_MAX);
    struct sl_str text = {.p = json_object_get_string(value),
                          .n = (size_t)json_object_get_string_len(value)};
    bool is_read = sl_buf_reserve(&bytes, text.n) && sl_base64_read(text, &bytes);
    if (is_read && bytes.len > 0) {
        *out = sl_arena_str(arena, sl_buf_str(&bytes));
    }
    if (bytes.data != NULL) {
        explicit_bzero(bytes.data, bytes.allocated);
    }
    sl_buf_cleanup(&bytes);
    return is_read ? NULL : "must be base64, of at most 1 MiB";
}

static const char *read_bool(struct json_object *value, bool *out)
{
    *out = json_object_get_boolean(value) != 0;
    return json_object_is_type(value, json_type_boolean) ? NULL : "must be true or false";
}

static int read_keys(const struct sl_kubeconfig *kubeconfig, const struct entry *entry,
                     const struct key *keys, struct sl_arena *arena, void *out, struct sl_err *err)
{
    const char *path = kubeconfig->files[entry->file].path;
    for (const struct key *key = keys; key->name != NULL; key++) {
        struct json_object *value = member(entry->object, key->name);
        void *to = (char *)out + key->at;
        if (value == NULL) {
            continue;
        }
        const char *rule = key->type == KEY_REFUSED ? key->doc
                           : key->type == KEY_BOOL  ? read_bool(value, to)
                           : key->type == KEY_DATA  ? read_data(value, arena, to)
                                                    : read_text(path, key, value, arena, to);
        if (rule != NULL) {
            return complain_of_key(kubeconfig, entry, key->name, rule, err);
        }
    }
    return 0;
}

/* --- the choice --- */

static const char *current_context(const struct sl_kubeconfig *kubeconfig)
{
    for (size_t file = 0; file < kubeconfig->count; file++) {
        const char *name = text_or_null(member(kubeconfig->files[file].root, "current-context"));
        if (name != NULL && name[0] != '\0') {
            return name;
        }
    }
    return NULL;
}

/* What client-go refuses, too, since two readers would take it for different things. */
static const char *broken_rule(const struct values *values)
{
    bool has_ca = values->ca != NULL || values->ca_data.n > 0;
    bool has_cert = values->cert != NULL || values->cert_data.n > 0;
    bool has_key = values->key != NULL || values->key_data.n > 0;
    bool has_token = values->token != NULL || values->token_file != NULL;
    return values->server == NULL       ? "its cluster has no server"
           : has_ca && values->insecure ? "certificate-authority and insecure-skip-tls-verify "
                                          "exclude one another"
           : has_cert && !has_key       ? "its client-certificate has no client-key"
           : has_key && !has_cert       ? "its client-key has no client-certificate"
           : has_token && values->user  ? "a token and a username exclude one another"
                                        : NULL;
}

static void fill(const struct values *values, struct sl_kube_config *config,
                 struct sl_kubeconfig_files *files)
{
    const char *server = values->server;
    size_t length = strlen(server);
    bool is_tls = values->ca != NULL || values->ca_data.n > 0 || values->cert != NULL ||
                  values->cert_data.n > 0 || values->insecure;
    while (length > 0 && server[length - 1] == '/') {
        length--;
    }
    const char *scheme = strstr(server, "://") != NULL ? "" : is_tls ? "https://" : "http://";
    config->server = sl_arena_printf(&config->arena, "%s%.*s", scheme, (int)length, server);
    config->server_name = values->server_name;
    config->proxy = values->proxy;
    config->insecure = values->insecure;
    config->token = values->token;
    config->token_file = values->token_file;
    config->user = values->user;
    config->password = values->password;
    config->ca = values->ca_data;
    config->cert = values->cert_data;
    config->key = values->key_data;
    *files = (struct sl_kubeconfig_files){
        .ca = values->ca_data.n > 0 ? NULL : values->ca,
        .cert = values->cert_data.n > 0 ? NULL : values->cert,
        .key = values->key_data.n > 0 ? NULL : values->key,
    };
}

static int find_context(const struct sl_kubeconfig *kubeconfig, const char *name,
                        struct entry *ret_entry, struct sl_err *err)
{
    bool is_found = false;
    if (name == NULL) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "the kubeconfig has no current-context: choose one with --context");
    }
    if (find(kubeconfig, name, ret_entry, &is_found, err) < 0) {
        return -1;
    }
    return is_found ? 0
                    : sl_err_set(err, SL_ERR_INVALID, "the kubeconfig has no context \"%s\"", name);
}

/* What a context names. */
static int find_named(const struct sl_kubeconfig *kubeconfig, const struct entry *context,
                      const char *key, const char *name, struct entry *entry, struct sl_err *err)
{
    bool is_found = false;
    if (name == NULL) {
        return complain_of_key(kubeconfig, context, key, "must be there", err);
    }
    if (find(kubeconfig, name, entry, &is_found, err) < 0) {
        return -1;
    }
    return is_found ? 0 : complain_of_key(kubeconfig, context, key, "names what is not there", err);
}

int sl_kubeconfig_choose(const struct sl_kubeconfig *kubeconfig, const char *context,
                         struct sl_kube_config *config, struct sl_kubeconfig_files *ret_files,
                         struct sl_err *err)
{
    struct entry chosen = {.list = "contexts", .inner = "context"};
    struct entry cluster = {.list = "clusters", .inner = "cluster"};
    struct entry user = {.list = "users", .inner = "user"};
    struct context_values names = {0};
    struct values values = {0};
    struct sl_arena *arena = &config->arena;
    const char *name = context != NULL ? context : current_context(kubeconfig);
    if (find_context(kubeconfig, name, &chosen, err) < 0 ||
        read_keys(kubeconfig, &chosen, context_keys, arena, &names, err) < 0 ||
        find_named(kubeconfig, &chosen, "cluster", names.cluster, &cluster, err) < 0 ||
        read_keys(kubeconfig, &cluster, cluster_keys, arena, &values, err) < 0) {
        return -1;
    }
    if (names.user != NULL && /* nobody: a server that asks for nothing */
        (find_named(kubeconfig, &chosen, "user", names.user, &user, err) < 0 ||
         read_keys(kubeconfig, &user, user_keys, arena, &values, err) < 0)) {
        return -1;
    }
    const char *rule = broken_rule(&values);
    if (rule != NULL) {
        return sl_err_set(err, SL_ERR_INVALID, "context \"%s\": %s", name, rule);
    }
    fill(&values, config, ret_files);
    config->context = sl_arena_cstr(arena, sl_str_from(name));
    config->ns = names.ns == NULL ? "default" : names.ns;
    return 0;
}
