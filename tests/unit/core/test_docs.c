/* docs/rollouts.md has the rows of the state machine, in their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "core/rolling/plan.h"

#define BIT(state) (1U << (unsigned)(state))

static const struct {
    const char *name;
    unsigned states;
} words[] = {
    {"any state", (BIT(SL_STATES) - 1) & ~BIT(SL_DELETING)},
    {"a run", (BIT(SL_FINALISING + 1) - 1) & ~(BIT(SL_VERIFYING_SPEC) - 1)},
    {"new", BIT(SL_NEW)},
};

/* The states of a cell: "a run, RolloutFailed". */
static unsigned states_of(struct sl_str cell)
{
    unsigned states = 0;
    while (cell.n > 0) {
        struct sl_str word = sl_str_cut(&cell, ',');
        while (word.n > 0 && word.p[0] == ' ') {
            word = (struct sl_str){.p = word.p + 1, .n = word.n - 1};
        }
        unsigned found = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            found |= sl_str_is(word, words[i].name) ? words[i].states : 0;
        }
        for (int i = SL_VERIFYING_SPEC; i < SL_STATES; i++) {
            enum sl_state state = (enum sl_state)i;
            const char *batch = sl_state_batch(state);
            const char *name = batch[0] != '\0' ? batch : sl_state_rolling(state);
            found |= sl_str_is(word, name) ? BIT(state) : 0;
        }
        assert_int_not_equal(found, 0);
        states |= found;
    }
    return states;
}

static struct sl_str cell(struct sl_str *row)
{
    struct sl_str text = sl_str_cut(row, '|');
    while (text.n > 0 && text.p[0] == ' ') {
        text = (struct sl_str){.p = text.p + 1, .n = text.n - 1};
    }
    while (text.n > 0 && text.p[text.n - 1] == ' ') {
        text.n--;
    }
    return text;
}

static void the_documentation_has_every_transition(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf page = SL_BUF_INIT(SL_MIB);
    assert_int_equal(sl_file_read(SL_DOCS "/rollouts.md", &page, NULL), 0);
    struct sl_str rest = sl_buf_str(&page);
    bool in_table = false;
    size_t index = 0;
    unsigned from = 0;
    enum sl_state to = SL_NEW;
    const char *event = NULL;
    while (rest.p != NULL) {
        struct sl_str line = sl_str_cut(&rest, '\n');
        bool is_head = sl_str_starts(line, SL_STR("| Event |"));
        in_table = is_head || (in_table && sl_str_starts(line, SL_STR("|")));
        if (!in_table || is_head || sl_str_starts(line, SL_STR("| ---"))) {
            continue;
        }
        (void)sl_str_cut(&line, '|');
        assert_true(sl_roll_transition(index, &from, &to, &event));
        struct sl_str reason = cell(&line);
        if (!sl_str_is(reason, event)) {
            fail_msg("row %zu of docs/rollouts.md is %.*s, the machine has %s", index,
                     SL_STR_FMT(reason), event);
        }
        assert_int_equal(states_of(cell(&line)), from);
        assert_int_equal(states_of(cell(&line)), BIT(to));
        index++;
    }
    assert_false(sl_roll_transition(index, &from, &to, &event));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documentation_has_every_transition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
