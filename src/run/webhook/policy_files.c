/* Policy files into a snapshot (policy_files.h): which files, in which order, and what is said when
 * one is wrong. What a policy is, core knows. */
#include "run/webhook/policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "codec/file_problems.h"
#include "codec/yaml.h"

static int add_documents(struct sl_snapshot *snapshot, const char *name,
                         const struct sl_yaml_docs *docs, const struct sl_workload_kinds *kinds,
                         struct sl_err *err)
{
    for (size_t i = 0; i < sl_yaml_count(docs); i++) {
        struct sl_problems problems = SL_PROBLEMS_INIT(sl_snapshot_arena(snapshot));
        sl_snapshot_add(snapshot, sl_yaml_root(docs, i), kinds, &problems);
        if (sl_file_problems(name, docs, i, &problems, err) < 0) {
            return -1;
        }
    }
    return 0;
}

static int add_file(struct sl_snapshot *snapshot, const char *path,
                    const struct sl_workload_kinds *kinds, struct sl_err *err)
{
    bool is_input = strcmp(path, "-") == 0;
    const char *name = is_input ? "standard input" : path;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_POLICY_FILE_MAX);
    SL_AUTO(sl_yaml_docs) struct sl_yaml_docs *docs = NULL;
    if ((is_input ? sl_file_read(path, &text, err) : sl_file_read_regular(path, &text, err)) < 0 ||
        sl_file_parse(name, sl_buf_str(&text), &docs, err) < 0) {
        return -1;
    }
    return add_documents(snapshot, name, docs, kinds, err);
}

struct names {
    char *items[SL_POLICY_FILES_MAX];
    size_t count;
};

static void names_cleanup(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    names->count = 0;
}

static void stream_cleanup(DIR **stream)
{
    if (*stream != NULL) {
        (void)closedir(*stream);
    }
}

static bool is_policy_file(struct sl_str name)
{
    return !sl_str_starts(name, SL_STR(".")) &&
           (sl_str_ends(name, SL_STR(".yaml")) || sl_str_ends(name, SL_STR(".yml")) ||
            sl_str_ends(name, SL_STR(".json")));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_directory(const char *path, struct names *ret_names, struct sl_err *err)
{
    SL_AUTO(stream) DIR *stream = opendir(path);
    if (stream == NULL) {
        return sl_err_sys(err, errno, "cannot read the directory %s", path);
    }
    struct dirent *entry = NULL;
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (!is_policy_file(sl_str_from(entry->d_name))) {
            continue;
        }
        if (ret_names->count == SL_POLICY_FILES_MAX) {
            return sl_err_set(
                err, SL_ERR_INVALID,
                "%s holds more than %d policy files; put several policies in one file", path,
                SL_POLICY_FILES_MAX);
        }
        if (asprintf(&ret_names->items[ret_names->count], "%s/%s", path, entry->d_name) < 0) {
            abort();
        }
        ret_names->count++;
    }
    if (errno != 0) {
        return sl_err_sys(err, errno, "cannot read the directory %s", path);
    }
    qsort(ret_names->items, ret_names->count, sizeof ret_names->items[0], compare_names);
    return 0;
}

static int add_directory(struct sl_snapshot *snapshot, const char *path,
                         const struct sl_workload_kinds *kinds, struct sl_err *err)
{
    SL_AUTO(names) struct names names = {.count = 0};
    if (list_directory(path, &names, err) < 0) {
        return -1;
    }
    for (size_t i = 0; i < names.count; i++) {
        if (add_file(snapshot, names.items[i], kinds, err) < 0) {
            return -1;
        }
    }
    return 0;
}

int sl_policy_files_add(struct sl_snapshot *snapshot, const char *path,
                        const struct sl_workload_kinds *kinds, struct sl_err *err)
{
    struct stat info;
    if (strcmp(path, "-") != 0 && stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        return add_directory(snapshot, path, kinds, err);
    }
    return add_file(snapshot, path, kinds, err);
}
