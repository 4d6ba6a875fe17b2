/* Which change of which object makes which Rollout dirty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "run/reconciler/targets.h"

static char *workload(const char *kind, const char *name)
{
    return sl_target_workload(SL_STR("apps"), sl_str_from(kind), sl_str_from(name));
}

/* shop: api and web roll one StatefulSet each, zap rolls web's too; office has a web of its own. */
static int setup(void **state)
{
    struct sl_targets *targets = sl_targets_open();
    sl_targets_rollout(targets, "shop", "zap", workload("StatefulSet", "web"));
    sl_targets_rollout(targets, "shop", "web", workload("StatefulSet", "web"));
    sl_targets_rollout(targets, "office", "web", workload("StatefulSet", "web"));
    sl_targets_rollout(targets, "shop", "api", workload("StatefulSet", "api"));
    *state = targets;
    return 0;
}

static int teardown(void **state)
{
    sl_targets_close(*state);
    return 0;
}

static struct sl_target *find(const struct sl_targets *targets, const char *ns, const char *name)
{
    for (size_t i = 0; i < sl_targets_count(targets); i++) {
        struct sl_target *target = sl_targets_at(targets, i);
        if (strcmp(target->ns, ns) == 0 && strcmp(target->name, name) == 0) {
            return target;
        }
    }
    return NULL;
}

/* Forgets what is dirty. */
static void clean(struct sl_targets *targets)
{
    for (size_t i = 0; i < sl_targets_count(targets); i++) {
        sl_targets_at(targets, i)->due.dirty = false;
    }
}

/* "office/web shop/api …": all that are dirty, in the targets' order. */
static void assert_dirty(const struct sl_targets *targets, const char *want)
{
    char seen[256] = "";
    for (size_t i = 0; i < sl_targets_count(targets); i++) {
        const struct sl_target *target = sl_targets_at(targets, i);
        if (target->due.dirty) {
            size_t used = strlen(seen);
            (void)snprintf(seen + used, sizeof seen - used, "%s%s/%s", used > 0 ? " " : "",
                           target->ns, target->name);
        }
    }
    assert_string_equal(seen, want);
}

static void set_owners(struct sl_target *target, const char *const *uids, size_t count)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    for (size_t i = 0; i < count; i++) {
        sl_buf_add(&text, uids[i], strlen(uids[i]) + 1);
    }
    sl_target_set_owners(target, &text);
}

static void they_are_sorted_and_dirty_from_the_start(void **state)
{
    assert_dirty(*state, "office/web shop/api shop/web shop/zap");
    for (size_t i = 0; i < sl_targets_count(*state); i++) {
        assert_int_equal(sl_targets_at(*state, i)->due.again, INT64_MAX);
    }
}

static void a_workload_dirties_all_that_name_it_in_its_namespace(void **state)
{
    clean(*state);
    sl_targets_workload_changed(*state, "shop", "apps/StatefulSet/web");
    assert_dirty(*state, "shop/web shop/zap");
    clean(*state);
    sl_targets_workload_changed(*state, "shop", "apps/DaemonSet/web");
    sl_targets_workload_changed(*state, "home", "apps/StatefulSet/web");
    assert_dirty(*state, "");
}

static void what_is_owned_dirties_by_the_uid_of_its_controller(void **state)
{
    static const char *const uids[] = {"set", "old", "new"};
    set_owners(find(*state, "shop", "web"), uids, 3);
    clean(*state);
    sl_targets_owned_changed(*state, "shop", "old");
    assert_dirty(*state, "shop/web");
    clean(*state);
    sl_targets_owned_changed(*state, "shop", "ol");
    sl_targets_owned_changed(*state, "shop", "");
    sl_targets_owned_changed(*state, "office", "old"); /* uids of another namespace's objects */
    assert_dirty(*state, "");
}

static void owners_are_replaced_as_a_whole(void **state)
{
    static const char *const uids[] = {"set", "old"};
    struct sl_target *web = find(*state, "shop", "web");
    set_owners(web, uids, 2);
    set_owners(web, uids, 1);
    clean(*state);
    sl_targets_owned_changed(*state, "shop", "old");
    assert_dirty(*state, "");
    sl_targets_owned_changed(*state, "shop", "set");
    assert_dirty(*state, "shop/web");
    set_owners(web, uids, 0);
    clean(*state);
    sl_targets_owned_changed(*state, "shop", "set");
    assert_dirty(*state, "");
}

static void of_two_for_one_workload_the_first_by_name_rolls_it(void **state)
{
    assert_null(sl_targets_rival(*state, find(*state, "shop", "api")));
    assert_null(sl_targets_rival(*state, find(*state, "shop", "web")));
    assert_null(sl_targets_rival(*state, find(*state, "office", "web")));
    assert_string_equal(sl_targets_rival(*state, find(*state, "shop", "zap")), "web");
}

static void a_rival_that_goes_or_turns_away_leaves_the_workload_to_the_next(void **state)
{
    clean(*state);
    sl_targets_rollout(*state, "shop", "web", workload("StatefulSet", "other"));
    assert_dirty(*state, "shop/web shop/zap");
    assert_null(sl_targets_rival(*state, find(*state, "shop", "zap")));
    clean(*state);
    sl_targets_rollout(*state, "shop", "web", workload("StatefulSet", "web"));
    assert_dirty(*state, "shop/web shop/zap");
    assert_string_equal(sl_targets_rival(*state, find(*state, "shop", "zap")), "web");
    clean(*state);
    sl_targets_rollout_gone(*state, "shop", "web");
    assert_dirty(*state, "shop/web shop/zap");
    assert_null(sl_targets_rival(*state, find(*state, "shop", "zap")));
}

static void one_whose_spec_names_nothing_is_nobodys_rival(void **state)
{
    sl_targets_rollout(*state, "shop", "web", NULL);
    assert_null(sl_targets_rival(*state, find(*state, "shop", "web")));
    assert_null(sl_targets_rival(*state, find(*state, "shop", "zap")));
}

static void one_that_is_gone_is_kept_until_its_requests_are_answered(void **state)
{
    struct sl_target *web = find(*state, "shop", "web");
    web->due.under_way = 1;
    sl_targets_rollout_gone(*state, "shop", "web");
    sl_targets_rollout_gone(*state, "shop", "api");
    sl_targets_sweep(*state);
    assert_int_equal(sl_targets_count(*state), 3);
    assert_ptr_equal(find(*state, "shop", "web"), web);
    assert_true(web->gone);
    sl_targets_rollout(*state, "shop", "web", workload("StatefulSet", "web")); /* made anew */
    web->due.under_way = 0;
    sl_targets_sweep(*state);
    assert_ptr_equal(find(*state, "shop", "web"), web);
    sl_targets_rollout_gone(*state, "shop", "web");
    sl_targets_sweep(*state);
    assert_null(find(*state, "shop", "web"));
    assert_non_null(find(*state, "shop", "zap"));
}

static void many_are_kept_in_order(void **state)
{
    char name[16];
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "r%03u", (i * 211) % 500);
        sl_targets_rollout(*state, "many", name, NULL);
    }
    assert_int_equal(sl_targets_count(*state), 504);
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "r%03u", i);
        assert_string_equal(sl_targets_at(*state, i)->name, name);
    }
    clean(*state);
    sl_targets_dirty_all(*state);
    for (size_t i = 0; i < sl_targets_count(*state); i++) {
        assert_true(sl_targets_at(*state, i)->due.dirty);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(they_are_sorted_and_dirty_from_the_start),
        TEST(a_workload_dirties_all_that_name_it_in_its_namespace),
        TEST(what_is_owned_dirties_by_the_uid_of_its_controller),
        TEST(owners_are_replaced_as_a_whole),
        TEST(of_two_for_one_workload_the_first_by_name_rolls_it),
        TEST(a_rival_that_goes_or_turns_away_leaves_the_workload_to_the_next),
        TEST(one_whose_spec_names_nothing_is_nobodys_rival),
        TEST(one_that_is_gone_is_kept_until_its_requests_are_answered),
        TEST(many_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
