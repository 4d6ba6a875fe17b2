/* Which files are read as policies, in which order, and what is said when one is wrong. */
#include "scratch.h"

#include "run/webhook/policy_files.h"

#define POLICY(name)                                                                               \
    "apiVersion: sluice.dev/v1alpha1\nkind: TrafficPolicy\nmetadata: {namespace: shop, "           \
    "name: " name "}\nspec: {selector: {}}\n"
#define ROLLOUT                                                                                    \
    "apiVersion: sluice.dev/v1alpha1\nkind: Rollout\nmetadata: {namespace: shop, name: r}\n"       \
    "spec:\n  workloadRef: {apiVersion: apps/v1, kind: StatefulSet, name: ratings}\n"              \
    "  rolloutPlan: {batchSize: 1}\n"

static const struct sl_workload_kinds no_kinds = {.count = 0};

static void assert_holds(const char *path, size_t policies, size_t rollouts)
{
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = sl_snapshot_open();
    if (sl_policy_files_add(snapshot, path, &no_kinds, &err) < 0) {
        fail_msg("%s", err.msg);
    }
    assert_int_equal(sl_snapshot_policy_count(snapshot), policies);
    assert_int_equal(sl_snapshot_rollout_count(snapshot), rollouts);
}

static void assert_refused(const char *path, enum sl_err_kind kind, const char *want)
{
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_snapshot) struct sl_snapshot *snapshot = sl_snapshot_open();
    assert_int_equal(sl_policy_files_add(snapshot, path, &no_kinds, &err), -1);
    assert_int_equal(err.kind, kind);
    if (strstr(err.msg, want) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.msg, want);
    }
}

static void a_file_of_any_name_may_hold_several_documents(void **state)
{
    const char *path = scratch_write(*state, "policies.txt", POLICY("a") "---\n" ROLLOUT "---\n");
    assert_holds(path, 1, 1);
}

static void a_directory_gives_its_yaml_and_json_files(void **state)
{
    struct scratch *scratch = *state;
    (void)scratch_write(scratch, "d/b.yml", POLICY("b"));
    (void)scratch_write(scratch, "d/a.yaml", POLICY("a"));
    (void)scratch_write(scratch, "d/c.json",
                        "{\"apiVersion\":\"sluice.dev/v1alpha1\",\"kind\":\"TrafficPolicy\","
                        "\"metadata\":{\"name\":\"c\"},\"spec\":{\"selector\":{}}}");
    (void)scratch_write(scratch, "d/.hidden.yaml", "no: policy");
    (void)scratch_write(scratch, "d/README.md", "no: policy");
    (void)scratch_write(scratch, "d/below/x.yaml", "no: policy");
    assert_holds(scratch_path(scratch, "d"), 3, 0);
}

static void a_mounted_config_map_is_read_through_its_links(void **state)
{
    struct scratch *scratch = *state;
    (void)scratch_write(scratch, "d/..2026/a.yaml", POLICY("a"));
    assert_int_equal(symlink("..2026", scratch_path(scratch, "d/..data")), 0);
    assert_int_equal(symlink("..data/a.yaml", scratch_path(scratch, "d/a.yaml")), 0);
    assert_holds(scratch_path(scratch, "d"), 1, 0);
}

static void an_empty_directory_is_no_policies(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "d"), 0755), 0);
    assert_holds(scratch_path(scratch, "d"), 0, 0);
}

static void files_are_read_in_the_order_of_their_names(void **state)
{
    struct scratch *scratch = *state;
    for (int i = 9; i >= 0; i--) {
        (void)scratch_write(scratch, sl_arena_printf(&scratch->arena, "d/%d.yaml", i), POLICY("a"));
    }
    assert_refused(scratch_path(scratch, "d"), SL_ERR_INVALID,
                   "/d/1.yaml:1:1: TrafficPolicy shop/a");
}

static void problems_have_file_line_and_column(void **state)
{
    struct scratch *scratch = *state;
    const char *path = scratch_write(
        scratch, "p.yaml",
        POLICY(
            "a") "---\napiVersion: sluice.dev/v1alpha1\nkind: TrafficPolicy\n"
                 "metadata: {name: b}\nspec:\n  selector: {}\n  drian: {}\n  evictions: Never\n");
    assert_refused(path, SL_ERR_INVALID, "/p.yaml:11:3: spec.drian: unknown key");
    assert_refused(path, SL_ERR_INVALID, "/p.yaml:12:3: spec.evictions: ");
}

static void another_kind_is_refused(void **state)
{
    const char *path = scratch_write(*state, "p.yaml", "apiVersion: v1\nkind: Pod\n");
    assert_refused(path, SL_ERR_INVALID, "/p.yaml:2:1: kind: must be TrafficPolicy or Rollout");
}

static void text_that_is_no_yaml_is_refused_with_its_place(void **state)
{
    const char *path = scratch_write(*state, "p.yaml", "a: [\n");
    assert_refused(path, SL_ERR_INVALID, "/p.yaml:2:1: ");
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    struct scratch *scratch = *state;
    assert_int_equal(mkdir(scratch_path(scratch, "d"), 0755), 0);
    assert_int_equal(mkfifo(scratch_path(scratch, "d/p.yaml"), 0600), 0);
    assert_refused(scratch_path(scratch, "d"), SL_ERR_INVALID, "/d/p.yaml is not a regular file");
    assert_refused(scratch_path(scratch, "d/p.yaml"), SL_ERR_INVALID, "is not a regular file");
    assert_refused("/dev/zero", SL_ERR_INVALID, "/dev/zero is not a regular file");
}

static void a_path_that_is_not_there_is_not_found(void **state)
{
    assert_refused(scratch_path(*state, "nowhere"), SL_ERR_NOT_FOUND, "/nowhere");
}

static void a_file_over_the_cap_is_refused(void **state)
{
    struct scratch *scratch = *state;
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(2 * SL_POLICY_FILE_MAX);
    assert_true(sl_buf_reserve(&text, SL_POLICY_FILE_MAX + 1));
    memset(text.data, '#', SL_POLICY_FILE_MAX + 1);
    text.data[SL_POLICY_FILE_MAX + 1] = '\0';
    assert_refused(scratch_write(scratch, "p.yaml", text.data), SL_ERR_INVALID, "larger than");
}

static void a_directory_over_the_cap_is_refused(void **state)
{
    struct scratch *scratch = *state;
    for (int i = 0; i <= SL_POLICY_FILES_MAX; i++) {
        const char *name = sl_arena_printf(&scratch->arena, "d/%d.yaml", i);
        FILE *file = i == 0 ? NULL : fopen(scratch_path(scratch, name), "w");
        if (file == NULL) {
            (void)scratch_write(scratch, name, "");
        } else {
            (void)fclose(file);
        }
    }
    assert_refused(scratch_path(scratch, "d"), SL_ERR_INVALID, "more than 1000 policy files");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_of_any_name_may_hold_several_documents),
        TEST(a_directory_gives_its_yaml_and_json_files),
        TEST(a_mounted_config_map_is_read_through_its_links),
        TEST(an_empty_directory_is_no_policies),
        TEST(files_are_read_in_the_order_of_their_names),
        TEST(problems_have_file_line_and_column),
        TEST(another_kind_is_refused),
        TEST(text_that_is_no_yaml_is_refused_with_its_place),
        TEST(what_is_no_regular_file_is_refused_without_waiting),
        TEST(a_path_that_is_not_there_is_not_found),
        TEST(a_file_over_the_cap_is_refused),
        TEST(a_directory_over_the_cap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
