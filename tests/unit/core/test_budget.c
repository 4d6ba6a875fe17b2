/* How many pods may leave: a picture of the pods, one letter each, the budgets over them, and the
 * answer for the first pod.
 *
 *     r ready   u not ready   d ready, its drain is dated   D ready, and being deleted
 *     o not ready, said to be Draining   l ready, and its drain is being begun just now
 *     w ready, and not selected by any budget
 */
#include "core/traffic/budget.h"

#include "records_support.h"

#define PODS 12

static const struct sl_str web_value[] = {SL_STR_INIT("web")};
static const struct sl_requirement web_requirement[] = {
    {.key = SL_STR_INIT("app"), .op = SL_OP_IN, .values = web_value, .value_count = 1}};
static const struct sl_requirement any_requirement[] = {
    {.key = SL_STR_INIT("app"), .op = SL_OP_EXISTS}};

struct budget_of {
    const char *name; /* NULL: no budget */
    int allowed, desired;
    bool any, stale, selects_none;
};

struct row {
    const char *pods;
    struct budget_of budgets[2];
    int32_t left;
    const char *said;
};

static struct sl_pod_record pod_of(char letter, const char *uid)
{
    bool not_ready = letter == 'u' || letter == 'o';
    return (struct sl_pod_record){
        .record = {.ns = "shop", .name = uid, .uid = uid, .deleted = letter == 'D' ? 1 : 0},
        .labels = letter == 'w' ? "app\0db\0" : "app\0web\0",
        .traffic = letter == 'o' ? "Draining" : "InService",
        .drain = letter == 'd' ? "{\"op\":\"evict\",\"since\":\"2026-11-21T12:00:00Z\","
                                 "\"deadline\":\"2026-11-21T12:01:00Z\"}"
                               : "",
        .ready_since = not_ready ? 0 : 1,
        .gate = true,
    };
}

static struct sl_budget_record budget_record(const struct budget_of *budget)
{
    return (struct sl_budget_record){
        .record = {.ns = "shop", .name = budget->name, .generation = 2},
        .selector = {.requirements = budget->any ? any_requirement : web_requirement, .count = 1},
        .selects = !budget->selects_none,
        .observed_generation = budget->stale ? 1 : 2,
        .disruptions_allowed = budget->allowed,
        .desired_healthy = budget->desired,
    };
}

static void check_row(const struct row *row)
{
    static const char *const uids[PODS] = {"a", "b", "c", "d", "e", "f",
                                           "g", "h", "i", "j", "k", "l"};
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_pod_record pods[PODS];
    struct sl_budget_record budgets[2];
    const struct sl_pod_record *pod_list[PODS];
    const struct sl_budget_record *budget_list[2];
    const char *leaving[PODS];
    struct sl_budget_view view = {.budgets = budget_list, .pods = pod_list, .leaving = leaving};
    const char *said = NULL;
    for (size_t i = 0; i < strlen(row->pods); i++) {
        pods[i] = pod_of(row->pods[i], uids[i]);
        pod_list[view.pod_count++] = &pods[i];
        if (row->pods[i] == 'l') {
            leaving[view.leaving_count++] = uids[i];
        }
    }
    for (size_t i = 0; i < 2 && row->budgets[i].name != NULL; i++) {
        budgets[i] = budget_record(&row->budgets[i]);
        budget_list[view.budget_count++] = &budgets[i];
    }
    int32_t left = sl_budget_left(&view, &pods[0], &arena, &said);
    if (left != row->left || strcmp(said, row->said) != 0) {
        fail_msg("%s: %d left, said by \"%s\"; not %d, by \"%s\"", row->pods, left, said, row->left,
                 row->said);
    }
}

#define FREE SL_BUDGET_FREE

static void the_least_that_any_budget_leaves_counts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"rrr", {{0}}, FREE, ""},
        {"rrr", {{"web", .allowed = 1, .desired = 2}}, 1, "web"},
        {"rrr", {{"web", .allowed = 0, .desired = 3}}, 0, "web"},
        {"rrrrr",
         {{"web", .allowed = 3, .desired = 2}, {"all", .allowed = 1, .desired = 1, .any = true}},
         1,
         "all"},
        {"rrrrr",
         {{"web", .allowed = 1, .desired = 2}, {"all", .allowed = 3, .desired = 1, .any = true}},
         1,
         "web"},
        {"wrr", {{"web", .allowed = 0, .desired = 2}}, FREE, ""},
        {"rrr", {{"web", .allowed = 0, .desired = 2, .selects_none = true}}, FREE, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i]);
    }
}

static void who_is_out_already_spends_nothing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"urr", {{"web", .allowed = 0, .desired = 3}}, FREE, ""},
        {"drr", {{"web", .allowed = 0, .desired = 3}}, FREE, ""},
        {"Drr", {{"web", .allowed = 0, .desired = 3}}, FREE, ""},
        {"orr", {{"web", .allowed = 0, .desired = 3}}, FREE, ""},
        {"lrr", {{"web", .allowed = 0, .desired = 3}}, FREE, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i]);
    }
}

static void what_was_begun_is_not_spent_twice(void **state)
{
    (void)state;
    static const struct row rows[] = {
        /* the controller has not seen it: it still allows two of ten */
        {"rrrrrrrrrd", {{"web", .allowed = 2, .desired = 8}}, 1, "web"},
        {"rrrrrrrrrl", {{"web", .allowed = 2, .desired = 8}}, 1, "web"},
        {"rrrrrrrrrD", {{"web", .allowed = 2, .desired = 8}}, 1, "web"},
        {"rrrrrrrrdl", {{"web", .allowed = 2, .desired = 8}}, 0, "web"},
        {"rrrrrrrrro", {{"web", .allowed = 2, .desired = 8}}, 1, "web"},
        /* it has seen the one that is not ready any more, and allows one */
        {"rrrrrrrrro", {{"web", .allowed = 1, .desired = 8}}, 1, "web"},
        /* one of ours that is still ready, and an eviction of somebody that only it knows of */
        {"rrrrrrrrrd", {{"web", .allowed = 1, .desired = 8}}, 0, "web"},
        /* what it counts is not in our cache yet, and the other way round */
        {"rrr", {{"web", .allowed = 5, .desired = 2}}, 1, "web"},
        {"rrrrr", {{"web", .allowed = 0, .desired = 2}}, 0, "web"},
        {"ruuu", {{"web", .allowed = 2, .desired = 2}}, 0, "web"},
        /* pods that it does not select do not count for it */
        {"rrwww", {{"web", .allowed = 1, .desired = 2}}, 0, "web"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&rows[i]);
    }
}

static void a_budget_that_its_controller_has_not_read_yet_leaves_nothing(void **state)
{
    (void)state;
    static const struct row row = {
        "rrr", {{"web", .allowed = 3, .desired = 0, .stale = true}}, 0, "web"};
    check_row(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_that_any_budget_leaves_counts),
        cmocka_unit_test(who_is_out_already_spends_nothing),
        cmocka_unit_test(what_was_begun_is_not_spent_twice),
        cmocka_unit_test(a_budget_that_its_controller_has_not_read_yet_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
