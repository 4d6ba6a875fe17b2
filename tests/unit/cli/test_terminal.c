/* A picture that takes the place of the one before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/terminal.h"

#define BEGIN "\033[?25l\033[?7l\r"
#define END "\033[J\033[?7h\033[?25h"

static void each_picture_begins_where_the_one_before_began(void **state)
{
    (void)state;
    static const struct {
        const char *picture;
        unsigned rows;
        const char *drawn;
    } rows[] = {
        {"a\nb\n", 24, BEGIN "a\033[K\nb\033[K\n" END},
        {"a\nb\nc\n", 24, BEGIN "\033[2Aa\033[K\nb\033[K\nc\033[K\n" END},
        {"d\n", 24, BEGIN "\033[3Ad\033[K\n" END},
        /* four lines in four rows: the cursor needs one of them, and so does what is left out */
        {"a\nb\nc\nd\n", 4, BEGIN "\033[1Aa\033[K\nb\033[K\n... 2 more lines\033[K\n" END},
        {"e\n", 4, BEGIN "\033[3Ae\033[K\n" END},
    };
    struct sl_screen screen = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        sl_screen_draw(&screen, sl_str_from(rows[i].picture), rows[i].rows, &out);
        assert_string_equal(sl_buf_str(&out).p, rows[i].drawn);
    }
}

static void a_terminal_of_another_size_is_begun_anew(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    struct sl_screen screen = {.lines = 7};
    sl_screen_resized(&screen, &out);
    sl_screen_draw(&screen, SL_STR("a\n"), 24, &out);
    assert_string_equal(sl_buf_str(&out).p, "\033[H\033[2J" BEGIN "a\033[K\n" END);
    assert_int_equal(screen.lines, 1);
}

static void a_terminal_of_few_rows_is_not_scrolled(void **state)
{
    (void)state;
    for (unsigned rows = 1; rows < 6; rows++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        struct sl_screen screen = {0};
        sl_screen_draw(&screen, SL_STR("1\n2\n3\n4\n5\n6\n"), rows, &out);
        assert_true(screen.lines <= (rows > 2 ? rows - 1 : 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_picture_begins_where_the_one_before_began),
        cmocka_unit_test(a_terminal_of_another_size_is_begun_anew),
        cmocka_unit_test(a_terminal_of_few_rows_is_not_scrolled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
