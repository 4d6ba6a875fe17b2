/* Kubeconfig files as they are added (kubeconfig.h): read, and of the shape that the rest relies
 * on. */
#include "kube/kubeconfig.h"

#include <stdlib.h>
#include <string.h>

#include "codec/file_problems.h"

void sl_kubeconfig_cleanup(struct sl_kubeconfig *kubeconfig)
{
    for (size_t i = 0; i < kubeconfig->count; i++) {
        free(kubeconfig->files[i].path);
        sl_yaml_docs_free(kubeconfig->files[i].docs);
    }
    kubeconfig->count = 0;
}

int sl_kubeconfig_complain(const struct sl_kubeconfig *kubeconfig, size_t file,
                           const struct sl_field *at, const char *text, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_problems problems = SL_PROBLEMS_INIT(&arena);
    sl_problem_add(&problems, at, "%s", text);
    return sl_file_problems(kubeconfig->files[file].path, kubeconfig->files[file].docs, 0,
                            &problems, err);
}

/* Whether a member is of `type`, or not there. */
static bool is_of_type(struct json_object *object, const char *key, enum json_type type)
{
    struct json_object *value = json_object_object_get(object, key);
    return value == NULL || json_object_is_type(value, type);
}

static int check_root(const struct sl_kubeconfig *kubeconfig, size_t file, struct sl_err *err)
{
    struct json_object *root = kubeconfig->files[file].root;
    if (root == NULL) {
        return 0;
    }
    if (!json_object_is_type(root, json_type_object)) {
        return sl_kubeconfig_complain(kubeconfig, file, NULL, "must be a kubeconfig: an object",
                                      err);
    }
    struct json_object *kind = json_object_object_get(root, "kind");
    if (kind != NULL && strcmp(json_object_get_string(kind), "Config") != 0) {
        return sl_kubeconfig_complain(kubeconfig, file, &SL_FIELD(NULL, "kind"),
                                      "must be Config: this is no kubeconfig", err);
    }
    if (!is_of_type(root, "current-context", json_type_string)) {
        return sl_kubeconfig_complain(kubeconfig, file, &SL_FIELD(NULL, "current-context"),
                                      "must be text", err);
    }
    static const char *const lists[] = {"clusters", "users", "contexts"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!is_of_type(root, lists[i], json_type_array)) {
            return sl_kubeconfig_complain(kubeconfig, file, &SL_FIELD(NULL, lists[i]),
                                          "must be a list", err);
        }
    }
    return 0;
}

int sl_kubeconfig_add(struct sl_kubeconfig *kubeconfig, const char *path, struct sl_str text,
                      struct sl_err *err)
{
    size_t file = kubeconfig->count;
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    if (file == SL_KUBECONFIG_FILES_MAX) {
        return sl_err_set(err, SL_ERR_INVALID, "more than %d kubeconfig files",
                          SL_KUBECONFIG_FILES_MAX);
    }
    if (sl_file_parse(path, text, &docs, err) < 0) {
        return -1;
    }
    kubeconfig->files[file].path = strdup(path);
    if (kubeconfig->files[file].path == NULL) {
        abort();
    }
    kubeconfig->files[file].root = sl_yaml_root(docs, 0);
    kubeconfig->files[file].docs = sl_steal(&docs);
    kubeconfig->count++;
    return check_root(kubeconfig, file, err);
}
