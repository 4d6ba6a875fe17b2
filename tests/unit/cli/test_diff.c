/* The diff of two YAML texts: hunks, headings, colours, and that both texts can be read out of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diff.h"

#define OUT_MAX (8 * SL_MIB)

static const struct {
    const char *before, *after, *diff;
} cases[] = {
    /* nothing differs */
    {"", "", ""},
    {"a: 1\n", "a: 1\n", ""},
    /* from and to nothing */
    {"", "a: 1\n", "@@ @@\n+a: 1\n"},
    {"a: 1\n", "", "@@ @@\n-a: 1\n"},
    /* a value changes; three lines around it */
    {"a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\n",
     "a: 1\nb: 1\nc: 1\nd: 1\ne: 2\nf: 1\ng: 1\nh: 1\ni: 1\n",
     "@@ @@\n b: 1\n c: 1\n d: 1\n-e: 1\n+e: 2\n f: 1\n g: 1\n h: 1\n"},
    /* a member is added to a map */
    {"metadata:\n  labels:\n    app: a\n  name: b\n",
     "metadata:\n  labels:\n    app: a\n    x.dev/y: z\n  name: b\n",
     "@@ metadata.labels @@\n metadata:\n   labels:\n     app: a\n+    x.dev/y: z\n   name: b\n"},
    /* in the second container, the list not indented */
    {"spec:\n  containers:\n  - image: a\n    name: a\n  - env:\n    - name: x\n      value: y\n"
     "    image: b\n",
     "spec:\n  containers:\n  - image: a\n    name: a\n  - env:\n    - name: x\n      value: z\n"
     "    image: b\n",
     "@@ spec.containers[1].env[0] @@\n     name: a\n   - env:\n     - name: x\n-      value: y\n"
     "+      value: z\n     image: b\n"},
    /* the same with the list indented */
    {"spec:\n  containers:\n    - image: a\n    - image: b\n      name: b\n",
     "spec:\n  containers:\n    - image: a\n    - image: b\n      name: c\n",
     "@@ spec.containers[1] @@\n   containers:\n     - image: a\n     - image: b\n-      name: b\n"
     "+      name: c\n"},
    /* an element of a list */
    {"metadata:\n  finalizers:\n  - a\nspec: {}\n",
     "metadata:\n  finalizers:\n  - a\n  - b\nspec: {}\n",
     "@@ metadata.finalizers @@\n metadata:\n   finalizers:\n   - a\n+  - b\n spec: {}\n"},
    /* two changes whose contexts touch are one hunk, and one line further apart they are two */
    {"a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\n",
     "a: 2\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 2\n",
     "@@ @@\n-a: 1\n+a: 2\n b: 1\n c: 1\n d: 1\n e: 1\n f: 1\n g: 1\n-h: 1\n+h: 2\n"},
    {"a: 1\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 1\n",
     "a: 2\nb: 1\nc: 1\nd: 1\ne: 1\nf: 1\ng: 1\nh: 1\ni: 2\n",
     "@@ @@\n-a: 1\n+a: 2\n b: 1\n c: 1\n d: 1\n@@ @@\n f: 1\n g: 1\n h: 1\n-i: 1\n+i: 2\n"},
    /* a last line without its line break */
    {"a: 1", "a: 2", "@@ @@\n-a: 1\n+a: 2\n"},
};

static void shows_changes_under_their_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(OUT_MAX);
        sl_diff_yaml(sl_str_from(cases[i].before), sl_str_from(cases[i].after), false, &out);
        assert_string_equal(out.len == 0 ? "" : sl_buf_str(&out).p, cases[i].diff);
    }
}

static void colours_only_what_changes(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(OUT_MAX);
    sl_diff_yaml(SL_STR("a: 1\nb: 1\n"), SL_STR("a: 1\nb: 2\n"), true, &out);
    assert_string_equal(sl_buf_str(&out).p, "\033[36m@@ @@\033[0m\n a: 1\n\033[31m-b: 1\033[0m\n"
                                            "\033[32m+b: 2\033[0m\n");
}

/* The lines of one side of a diff whose every line is in a hunk. */
static void add_side(struct sl_str diff, char mark, struct sl_buf *out)
{
    while (diff.n > 0) {
        struct sl_str line = sl_str_cut(&diff, '\n');
        if (line.p[0] == ' ' || line.p[0] == mark) {
            sl_buf_add(out, line.p + 1, line.n - 1);
            sl_buf_addc(out, '\n');
        }
    }
}

/* A small generator of our own, so that the texts are the same on every machine. */
static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return (*seed >> 16) & 0x7fffU;
}

static void random_text(unsigned *seed, struct sl_buf *out)
{
    unsigned lines = next_random(seed) % 12;
    for (unsigned i = 0; i < lines; i++) {
        sl_buf_addf(out, "%c: %u\n", 'a' + (int)(next_random(seed) % 4), next_random(seed) % 2);
    }
}

static void both_texts_can_be_read_out_of_the_diff(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 2000; round++) {
        SL_AUTO(sl_buf) struct sl_buf before = SL_BUF_INIT(OUT_MAX);
        SL_AUTO(sl_buf) struct sl_buf after = SL_BUF_INIT(OUT_MAX);
        SL_AUTO(sl_buf) struct sl_buf diff = SL_BUF_INIT(OUT_MAX);
        SL_AUTO(sl_buf) struct sl_buf old = SL_BUF_INIT(OUT_MAX);
        SL_AUTO(sl_buf) struct sl_buf new = SL_BUF_INIT(OUT_MAX);
        random_text(&seed, &before);
        random_text(&seed, &after);
        sl_diff_yaml(sl_buf_str(&before), sl_buf_str(&after), false, &diff);
        if (diff.len == 0) {
            assert_true(sl_str_eq(sl_buf_str(&before), sl_buf_str(&after)));
            continue;
        }
        add_side(sl_buf_str(&diff), '-', &old);
        add_side(sl_buf_str(&diff), '+', &new);
        /* lines far from every change are left out of both sides alike */
        assert_int_equal(before.len - old.len, after.len - new.len);
        if (before.len == old.len) {
            assert_true(sl_str_eq(sl_buf_str(&before), sl_buf_str(&old)));
            assert_true(sl_str_eq(sl_buf_str(&after), sl_buf_str(&new)));
        }
    }
}

static void a_text_too_large_to_compare_is_one_change(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf before = SL_BUF_INIT(OUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf after = SL_BUF_INIT(OUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf diff = SL_BUF_INIT(OUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf old = SL_BUF_INIT(OUT_MAX);
    SL_AUTO(sl_buf) struct sl_buf new = SL_BUF_INIT(OUT_MAX);
    for (int i = 0; i < 5000; i++) { /* 25 million cells */
        sl_buf_addf(&before, "a%d: 1\n", i);
        sl_buf_addf(&after, "b%d: 1\n", i);
    }
    sl_diff_yaml(sl_buf_str(&before), sl_buf_str(&after), false, &diff);
    add_side(sl_buf_str(&diff), '-', &old);
    add_side(sl_buf_str(&diff), '+', &new);
    assert_true(sl_str_eq(sl_buf_str(&before), sl_buf_str(&old)));
    assert_true(sl_str_eq(sl_buf_str(&after), sl_buf_str(&new)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_changes_under_their_field),
        cmocka_unit_test(colours_only_what_changes),
        cmocka_unit_test(both_texts_can_be_read_out_of_the_diff),
        cmocka_unit_test(a_text_too_large_to_compare_is_one_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
