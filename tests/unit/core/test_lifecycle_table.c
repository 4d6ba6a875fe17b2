/* The transitions of a pod's traffic state: docs/traffic.md has the rows of the table in their
 * order, and the model that spin verifies (tests/model/lifecycle.pml) has the same edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "core/traffic/lifecycle.h"

#define BIT(state) (1U << (unsigned)(state))
#define ROWS_MAX 32

/* Its name in the condition; `none` is the word for a pod without one. */
static enum sl_traffic_state state_of(struct sl_str name, const char *none)
{
    for (int i = SL_TRAFFIC_JOINING; i < SL_TRAFFIC_STATES; i++) {
        if (sl_str_is(name, sl_traffic_state_names[i])) {
            return (enum sl_traffic_state)i;
        }
    }
    if (!sl_str_is(name, none)) {
        fail_msg("%.*s is no state", SL_STR_FMT(name));
    }
    return SL_TRAFFIC_NONE;
}

/* What stands before the separator, without the blanks around it. */
static struct sl_str word(struct sl_str *rest, char separator)
{
    struct sl_str text = sl_str_cut(rest, separator);
    while (text.n > 0 && text.p[0] == ' ') {
        text = (struct sl_str){.p = text.p + 1, .n = text.n - 1};
    }
    while (text.n > 0 && text.p[text.n - 1] == ' ') {
        text.n--;
    }
    return text;
}

static unsigned states_of(struct sl_str cell)
{
    unsigned states = 0;
    while (cell.n > 0) {
        states |= BIT(state_of(word(&cell, ','), "new"));
    }
    return states;
}

static void the_documentation_has_every_row(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf page = SL_BUF_INIT(SL_MIB);
    assert_int_equal(sl_file_read(SL_DOCS "/traffic.md", &page, NULL), 0);
    struct sl_str rest = sl_buf_str(&page);
    bool in_table = false;
    size_t index = 0;
    unsigned from = 0;
    enum sl_traffic_state to = SL_TRAFFIC_NONE;
    const char *name = NULL;
    while (rest.p != NULL) {
        struct sl_str line = sl_str_cut(&rest, '\n');
        bool is_head = sl_str_starts(line, SL_STR("| Event |"));
        in_table = is_head || (in_table && sl_str_starts(line, SL_STR("|")));
        if (!in_table || is_head || sl_str_starts(line, SL_STR("| ---"))) {
            continue;
        }
        (void)sl_str_cut(&line, '|');
        assert_true(sl_traffic_transition(index, &from, &to, &name));
        struct sl_str event = word(&line, '|');
        if (!sl_str_is(event, name)) {
            fail_msg("row %zu of docs/traffic.md is %.*s, the table has %s", index,
                     SL_STR_FMT(event), name);
        }
        assert_int_equal(states_of(word(&line, '|')), from);
        assert_int_equal(states_of(word(&line, '|')), BIT(to));
        index++;
    }
    assert_false(sl_traffic_transition(index, &from, &to, &name));
}

/* Takes the edge off the row of the table that has it. */
static void take(struct sl_str line, unsigned left[static ROWS_MAX])
{
    (void)sl_str_cut(&line, '(');
    struct sl_str edge = sl_str_cut(&line, ')');
    struct sl_str text = edge;
    unsigned from = BIT(state_of(word(&text, ','), "None"));
    enum sl_traffic_state to = state_of(word(&text, ','), "None");
    struct sl_str event = word(&text, ',');
    unsigned row_from = 0;
    enum sl_traffic_state row_to = SL_TRAFFIC_NONE;
    const char *name = NULL;
    for (size_t i = 0; sl_traffic_transition(i, &row_from, &row_to, &name); i++) {
        if (sl_str_is(event, name) && row_to == to && (left[i] & from) != 0) {
            left[i] &= ~from;
            return;
        }
    }
    fail_msg("the table has no EDGE(%.*s), or it is there twice", SL_STR_FMT(edge));
}

static void the_model_has_every_edge(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf model = SL_BUF_INIT(SL_MIB);
    assert_int_equal(sl_file_read(SL_MODEL "/lifecycle.pml", &model, NULL), 0);
    unsigned left[ROWS_MAX] = {0};
    size_t rows = 0;
    enum sl_traffic_state to = SL_TRAFFIC_NONE;
    const char *name = NULL;
    while (rows < ROWS_MAX && sl_traffic_transition(rows, &left[rows], &to, &name)) {
        rows++;
    }
    assert_in_range(rows, 1, ROWS_MAX - 1);
    struct sl_str rest = sl_buf_str(&model);
    while (rest.p != NULL) {
        struct sl_str line = sl_str_cut(&rest, '\n');
        if (sl_str_starts(line, SL_STR("    EDGE("))) {
            take(line, left);
        }
    }
    for (size_t i = 0; i < rows; i++) {
        assert_true(sl_traffic_transition(i, &(unsigned){0}, &to, &name));
        if (left[i] != 0) {
            fail_msg("the model lacks edges of row %zu, %s (states 0x%x)", i, name, left[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documentation_has_every_row),
        cmocka_unit_test(the_model_has_every_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
