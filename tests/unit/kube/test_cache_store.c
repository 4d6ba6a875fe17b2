/* kube/store.c with groups.c and uids.c: what replaces what, what is deleted, who owns whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "kube/backoff.h"
#include "kube/store.h"
#include "kube/uids.h"
#include "things.h"

SL_AUTO_PTR(sl_store, struct sl_store, sl_store_close);

static void note_change(void *ctx, const struct sl_record *before, const struct sl_record *after)
{
    thing_note(ctx, before, after);
}

static struct sl_store *open_store(struct sl_buf *notes)
{
    return sl_store_open(&(struct sl_store_options){
        .destroy = thing_free, .changed = notes == NULL ? NULL : note_change, .ctx = notes});
}

/* As the cache does: asks first. Whether it was taken. */
static bool put(struct sl_store *store, const char *name, const char *uid, const char *version,
                const char *owner)
{
    struct sl_object_meta meta = {.ns = SL_STR("a"),
                                  .name = sl_str_from(name),
                                  .uid = sl_str_from(uid),
                                  .version = sl_str_from(version)};
    if (!sl_store_wants(store, &meta)) {
        return false;
    }
    sl_store_put(store, thing_make("a", name, uid, version, owner));
    return true;
}

static void saw(struct sl_store *store, const char *name, const char *uid)
{
    sl_store_list_saw(store, &(struct sl_object_meta){.ns = SL_STR("a"),
                                                      .name = sl_str_from(name),
                                                      .uid = sl_str_from(uid)});
}

static void versions_are_compared_as_numbers_of_any_length(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        {"9", "10", -1},
        {"10", "9", 1},
        {"10", "10", 0},
        {"18446744073709551616", "18446744073709551615", 1},
        {"0", "1", -1},
        /* one is no number: what comes last is the newest */
        {"abc", "abd", 1},
        {"abd", "abc", 1},
        {"abc", "abc", 0},
        {"5", "", 1},
        {"", "5", 1},
        {"05", "6", 1},
        {"7", "-8", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sl_version_compare(sl_str_from(rows[i].a), sl_str_from(rows[i].b)),
                         rows[i].order);
    }
}

static void only_a_newer_version_replaces(void **state)
{
    (void)state;
    static const struct {
        const char *held_uid, *held, *uid, *version, *changes;
    } rows[] = {
        {"u1", "5", "u1", "6", "~a/x@5>6 "},
        {"u1", "5", "u1", "5", ""},
        {"u1", "10", "u1", "9", ""},
        {"u1", "5", "u2", "9", "-a/x@5 +a/x@9 "}, /* created again, the delete was not seen */
        {"u2", "9", "u1", "5", ""},               /* a late event of the one before */
        {"u1", "v-b", "u1", "v-a", "~a/x@v-b>v-a "},
        {"u1", "v-a", "u1", "v-a", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_store) struct sl_store *store = open_store(&notes);
        assert_true(put(store, "x", rows[i].held_uid, rows[i].held, ""));
        sl_buf_reset(&notes);
        assert_int_equal(put(store, "x", rows[i].uid, rows[i].version, ""),
                         rows[i].changes[0] != '\0');
        assert_string_equal(notes.data, rows[i].changes);
    }
}

static void what_is_deleted_does_not_come_back(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_KIB);
    SL_AUTO(sl_store) struct sl_store *store = open_store(&notes);
    assert_true(put(store, "x", "u1", "5", ""));
    sl_store_delete(store, SL_STR("a"), SL_STR("x"), SL_STR("u2")); /* another one of that name */
    assert_non_null(sl_store_get(store, SL_STR("a"), SL_STR("x")));
    sl_store_delete(store, SL_STR("a"), SL_STR("x"), SL_STR("u1"));
    assert_null(sl_store_get(store, SL_STR("a"), SL_STR("x")));
    assert_false(put(store, "x", "u1", "9", ""));
    assert_false(put(store, "x", "u2", "9", "")); /* deleted before it was ever seen */
    assert_true(put(store, "x", "u3", "9", ""));
    assert_string_equal(notes.data, "+a/x@5 -a/x@5 +a/x@9 ");
}

/* Of two that had the name one after the other, neither does. */
static void what_was_replaced_by_another_of_its_name_does_not_come_back_either(void **state)
{
    (void)state;
    SL_AUTO(sl_store) struct sl_store *store = open_store(NULL);
    assert_true(put(store, "x", "u-1", "5", ""));
    assert_true(put(store, "x", "u-2", "9", ""));
    sl_store_delete(store, SL_STR("a"), SL_STR("x"), SL_STR("u-2"));
    assert_false(put(store, "x", "u-1", "6", "")); /* late */
    assert_int_equal(sl_store_count(store), 0);
}

static void a_dropped_object_may_come_back(void **state)
{
    (void)state;
    SL_AUTO(sl_store) struct sl_store *store = open_store(NULL);
    assert_true(put(store, "x", "u1", "5", ""));
    sl_store_drop(store, &(struct sl_object_meta){
                             .ns = SL_STR("a"), .name = SL_STR("x"), .uid = SL_STR("u1")});
    assert_int_equal(sl_store_count(store), 0);
    assert_true(put(store, "x", "u1", "6", ""));
}

static void a_list_deletes_what_it_does_not_have(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_KIB);
    SL_AUTO(sl_store) struct sl_store *store = open_store(&notes);
    assert_true(put(store, "kept", "u1", "5", ""));
    assert_true(put(store, "gone", "u2", "6", ""));
    assert_true(put(store, "again", "u3", "7", ""));
    sl_buf_reset(&notes);

    sl_store_list_begin(store);
    saw(store, "kept", "u1");
    assert_true(put(store, "again", "u4", "15", ""));
    saw(store, "again", "u4");
    assert_true(put(store, "ours", "u5", "21", ""));  /* newer than the list */
    assert_true(put(store, "ghost", "u6", "19", "")); /* late answer: deleted before the list */
    sl_store_list_end(store, SL_STR("20"));
    assert_string_equal(notes.data, "-a/again@7 +a/again@15 +a/ours@21 +a/ghost@19 "
                                    "-a/gone@6 -a/ghost@19 ");
    assert_false(put(store, "gone", "u2", "30", "")); /* its uid is remembered */
}

static void without_numbers_a_list_keeps_what_came_while_it_was_under_way(void **state)
{
    (void)state;
    SL_AUTO(sl_store) struct sl_store *store = open_store(NULL);
    assert_true(put(store, "before", "u1", "v-a", ""));
    sl_store_list_begin(store);
    assert_true(put(store, "meanwhile", "u2", "v-b", ""));
    sl_store_list_end(store, SL_STR("v-c"));
    assert_null(sl_store_get(store, SL_STR("a"), SL_STR("before")));
    assert_non_null(sl_store_get(store, SL_STR("a"), SL_STR("meanwhile")));
}

static void a_server_that_went_back_in_time_is_believed(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf notes = SL_BUF_INIT(SL_KIB);
    SL_AUTO(sl_store) struct sl_store *store = open_store(&notes);
    assert_true(put(store, "x", "u1", "500", ""));
    assert_true(put(store, "y", "u2", "501", ""));
    assert_true(put(store, "z", "u3", "502", ""));
    sl_store_delete(store, SL_STR("a"), SL_STR("z"), SL_STR("u3"));
    sl_buf_reset(&notes);
    sl_store_list_begin(store);
    sl_store_list_rewound(store);
    assert_true(put(store, "x", "u1", "50", ""));
    saw(store, "x", "u1");
    assert_true(put(store, "z", "u3", "51", "")); /* it lives again */
    saw(store, "z", "u3");
    sl_store_list_end(store, SL_STR("60"));
    assert_string_equal(notes.data, "~a/x@500>50 +a/z@51 -a/y@501 ");
    assert_false(put(store, "x", "u1", "49", "")); /* from here on as ever */
}

/* --- owners, against a model --- */

#define NAMES 40
#define OWNERS 3

static void check_group(const struct sl_store *store, const char *owner, size_t expected)
{
    const struct sl_record *const *records = NULL;
    size_t count = sl_store_owned(store, owner, &records);
    assert_int_equal(count, expected);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(records[i]->owner_uid, owner);
        assert_ptr_equal(records[i], sl_store_get(store, sl_str_from(records[i]->ns),
                                                  sl_str_from(records[i]->name)));
        for (size_t j = 0; j < i; j++) {
            assert_ptr_not_equal(records[i], records[j]);
        }
    }
}

static void groups_follow_every_change(void **state)
{
    (void)state;
    static const char *const owners[OWNERS + 1] = {"", "o1", "o2", "o3"};
    SL_AUTO(sl_store) struct sl_store *store = open_store(NULL);
    unsigned owner_of[NAMES] = {0};
    bool there[NAMES] = {0};
    unsigned uid_of[NAMES] = {0};
    uint64_t random = 7;
    for (unsigned version = 1; version < 4000; version++) {
        size_t at = (size_t)sl_random_below(&random, NAMES);
        char name[24];
        char uid[24];
        char text[24];
        (void)snprintf(name, sizeof name, "x-%zu", at);
        (void)snprintf(uid, sizeof uid, "u-%zu-%u", at, uid_of[at]);
        (void)snprintf(text, sizeof text, "%u", version);
        if (there[at] && sl_random_below(&random, 3) == 0) {
            sl_store_delete(store, SL_STR("a"), sl_str_from(name), sl_str_from(uid));
            there[at] = false;
            uid_of[at]++;
        } else {
            owner_of[at] = (unsigned)sl_random_below(&random, OWNERS + 1);
            assert_true(put(store, name, uid, text, owners[owner_of[at]]));
            there[at] = true;
        }
        size_t counts[OWNERS + 1] = {0};
        size_t all = 0;
        for (size_t i = 0; i < NAMES; i++) {
            counts[owner_of[i]] += there[i];
            all += there[i];
        }
        assert_int_equal(sl_store_count(store), all);
        for (size_t i = 1; i <= OWNERS; i++) {
            check_group(store, owners[i], counts[i]);
        }
    }
}

static void an_object_costs_little_beside_its_record(void **state)
{
    (void)state;
    SL_AUTO(sl_store) struct sl_store *store = open_store(NULL);
    char name[24];
    char uid[24];
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(name, sizeof name, "x-%u", i);
        (void)snprintf(uid, sizeof uid, "u-%u", i);
        assert_true(put(store, name, uid, "1", ""));
    }
    size_t bytes = sl_store_bytes(store);
    assert_true(bytes > (size_t)10000 * 100);
    assert_true(bytes < (size_t)10000 * (100 + 120));
}

static void the_oldest_uid_is_forgotten_first(void **state)
{
    (void)state;
    struct sl_uids *uids = sl_uids_open(3);
    assert_true(sl_uids_add(uids, SL_STR("a")));
    assert_true(sl_uids_add(uids, SL_STR("b")));
    assert_false(sl_uids_add(uids, SL_STR("a")));
    assert_true(sl_uids_add(uids, SL_STR("c")));
    assert_true(sl_uids_add(uids, SL_STR("d")));
    assert_false(sl_uids_has(uids, SL_STR("a")));
    assert_true(sl_uids_has(uids, SL_STR("b")));
    assert_true(sl_uids_has(uids, SL_STR("d")));
    sl_uids_clear(uids);
    assert_false(sl_uids_has(uids, SL_STR("d")));
    assert_true(sl_uids_add(uids, SL_STR("d")));
    sl_uids_close(uids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_compared_as_numbers_of_any_length),
        cmocka_unit_test(only_a_newer_version_replaces),
        cmocka_unit_test(what_is_deleted_does_not_come_back),
        cmocka_unit_test(what_was_replaced_by_another_of_its_name_does_not_come_back_either),
        cmocka_unit_test(a_dropped_object_may_come_back),
        cmocka_unit_test(a_list_deletes_what_it_does_not_have),
        cmocka_unit_test(without_numbers_a_list_keeps_what_came_while_it_was_under_way),
        cmocka_unit_test(a_server_that_went_back_in_time_is_believed),
        cmocka_unit_test(groups_follow_every_change),
        cmocka_unit_test(an_object_costs_little_beside_its_record),
        cmocka_unit_test(the_oldest_uid_is_forgotten_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
