/* What the configuration files of all roles have in common (config_file.h): how one is read, and
 * the keys that several tables have. */
#include "run/config_file.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/file.h"
#include "codec/file_problems.h"
#include "codec/names.h"
#include "codec/yaml.h"

#define AT_WORKLOAD(field)                                                                         \
    .at = offsetof(struct sl_config_workload, field), .present = SL_DECODE_NO_PRESENT

const char *sl_config_check_text(struct sl_str text)
{
    return text.n == 0 || memchr(text.p, '\0', text.n) != NULL
               ? "must be text that is not empty and holds no NUL"
               : NULL;
}

const char *sl_config_check_address(struct sl_str text)
{
    char copy[INET6_ADDRSTRLEN];
    char parsed[sizeof(struct in6_addr)];
    if (text.n < sizeof copy) {
        memcpy(copy, text.p, text.n);
        copy[text.n] = '\0';
        if (inet_pton(AF_INET, copy, parsed) == 1 || inet_pton(AF_INET6, copy, parsed) == 1) {
            return NULL;
        }
    }
    return "must be an IPv4 or IPv6 address, such as 0.0.0.0 or ::";
}

static bool is_word(struct sl_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char lower = (char)(text.p[i] | 0x20);
        if (!(lower >= 'a' && lower <= 'z') && !(text.p[i] >= '0' && text.p[i] <= '9')) {
            return false;
        }
    }
    return text.n > 0;
}

static const char *check_kind(struct sl_str text)
{
    return is_word(text) && text.p[0] >= 'A' && text.p[0] <= 'Z'
               ? NULL
               : "must be a kind, such as CloneSet";
}

static const char *check_partition_path(struct sl_str text)
{
    static const char rule[] = "must be a dotted path below spec but not in spec.template, such as "
                               "spec.updateStrategy.partition";
    struct sl_str rest = text;
    if (!sl_str_is(sl_str_cut(&rest, '.'), "spec") || rest.p == NULL ||
        sl_str_is(rest, "template") || sl_str_starts(rest, SL_STR("template."))) {
        return rule;
    }
    while (rest.p != NULL) {
        if (!is_word(sl_str_cut(&rest, '.'))) {
            return rule;
        }
    }
    return NULL;
}

static const char *const level_names[] = {"debug", "info", "warn", "error", NULL};

const struct sl_decode_row sl_config_log_rows[] = {
    {.key = "level",
     .type = SL_D_ENUM,
     .at = 0,
     .present = SL_DECODE_NO_PRESENT,
     .fallback = "info",
     .names = level_names,
     .doc = "Lines below this level are not written; debug has one line for each request."},
    {0},
};

const struct sl_decode_row sl_config_workload_rows[] = {
    {.key = "apiVersion",
     .type = SL_D_STRING,
     AT_WORKLOAD(api_version),
     .required = true,
     .check = sl_name_api_version,
     .doc = "Group and version of the kind; any version of the group is handled."},
    {.key = "kind",
     .type = SL_D_STRING,
     AT_WORKLOAD(kind),
     .required = true,
     .check = check_kind,
     .doc = "The kind, as a Rollout's workloadRef names it."},
    {.key = "resource",
     .type = SL_D_STRING,
     AT_WORKLOAD(resource),
     .required = true,
     .check = sl_name_dns_label,
     .doc = "The plural in the API's URLs, such as clonesets."},
    {.key = "partitionPath",
     .type = SL_D_STRING,
     AT_WORKLOAD(partition_path),
     .required = true,
     .check = check_partition_path,
     .doc = "The field that keeps pods at the old revision, as a dotted path below spec."},
    {.key = "holdValue",
     .type = SL_D_INTSTR,
     AT_WORKLOAD(hold_value),
     .min = 1,
     .max = INT32_MAX,
     .fallback = SL_HOLD_PARTITION,
     .doc = "The value of that field at which no pod moves on."},
    {0},
};

/* "spec.updateStrategy.partition": the field updateStrategy, and partition within it. */
static struct sl_hold hold_at(struct sl_str path, struct sl_str value)
{
    struct sl_hold hold = {.path = path, .value = value};
    (void)sl_str_cut(&hold.path, '.');
    hold.field = sl_str_cut(&hold.path, '.');
    return hold;
}

static struct sl_str hold_text(struct sl_arena *arena, struct sl_intstr value)
{
    return sl_str_from(sl_arena_printf(arena, value.percent ? "\"%d%%\"" : "%d", (int)value.value));
}

struct sl_workload_kinds sl_config_workload_kinds(const struct sl_list *written,
                                                  const struct sl_field *at,
                                                  struct sl_problems *problems)
{
    const struct sl_config_workload *items = written->items;
    struct sl_workload_kind *kinds =
        sl_arena_zalloc(problems->arena, written->count, sizeof *kinds);
    struct sl_workload_kinds before = {.items = kinds};
    for (size_t i = 0; i < written->count; i++) {
        struct sl_str group = sl_api_group(items[i].api_version);
        if (sl_workload_by_kind(&before, group, items[i].kind) != NULL ||
            sl_workload_by_resource(&before, group, items[i].resource) != NULL) {
            const struct sl_field element = SL_FIELD_AT(at, i);
            sl_problem_add(problems, &element, "is a kind that is built in or described already");
            continue;
        }
        kinds[before.count++] = (struct sl_workload_kind){
            .group = group,
            .kind = items[i].kind,
            .resource = items[i].resource,
            .hold =
                hold_at(items[i].partition_path, hold_text(problems->arena, items[i].hold_value)),
        };
    }
    return before;
}

static int decode(const struct sl_config_role *role, const char *name,
                  const struct sl_yaml_docs *docs, struct sl_arena *arena, void *document,
                  struct sl_err *err)
{
    struct sl_problems problems = SL_PROBLEMS_INIT(arena);
    struct json_object *root =
        docs == NULL || sl_yaml_count(docs) == 0 ? NULL : sl_yaml_root(docs, 0);
    if (docs != NULL && sl_yaml_count(docs) > 1) {
        struct sl_yaml_mark mark = sl_yaml_locate(docs, 1, "");
        return sl_err_set(err, SL_ERR_INVALID, "%s:%u:%u: must be one YAML document", name,
                          mark.line, mark.column);
    }
    sl_decode(root, role->rows, document, NULL, &problems);
    if (problems.count == 0) {
        role->finish(document, &problems);
    }
    return sl_file_problems(name, root == NULL ? NULL : docs, 0, &problems, err);
}

int sl_config_file_default(const struct sl_config_role *role, struct sl_arena *arena,
                           void *document, struct sl_err *err)
{
    return decode(role, "the defaults", NULL, arena, document, err);
}

int sl_config_file_parse(const struct sl_config_role *role, const char *name, struct sl_str text,
                         struct sl_arena *arena, void *document, struct sl_err *err)
{
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    if (sl_file_parse(name, text, &docs, err) < 0) {
        return -1;
    }
    return decode(role, name, docs, arena, document, err);
}

int sl_config_file_load(const struct sl_config_role *role, const char *path, struct sl_arena *arena,
                        void *document, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_CONFIG_MAX);
    if (sl_file_read(path, &text, err) < 0) {
        return -1;
    }
    return sl_config_file_parse(role, path, sl_buf_str(&text), arena, document, err);
}
