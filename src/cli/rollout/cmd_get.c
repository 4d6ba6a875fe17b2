/* sluice rollout get: one Rollout, once or as it changes.
 *
 *     scene.c (list and watch) → view.c (text) → terminal.c (in place), or a line per change
 */
#include <errno.h>
#include <unistd.h>

#include "cli/rollout/cluster.h"
#include "cli/rollout/scene.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "codec/yaml.h"

#define PICTURE_MAX (8 * SL_MIB)
#define FIRST_TIMEOUT (15 * SL_NS_PER_S)
#define DRAW_AGAIN SL_NS_PER_S            /* ages grow */
#define DRAW_SOONEST (100 * SL_NS_PER_MS) /* what changes faster nobody can read */
#define LINES_AGAIN (3600 * SL_NS_PER_S)  /* nothing grows in a line */

enum get_form { FORM_TEXT, FORM_WIDE, FORM_JSON, FORM_YAML, FORM_NAME };
static const char *const forms[] = {
    [FORM_TEXT] = "text", [FORM_WIDE] = "wide", [FORM_JSON] = "json",
    [FORM_YAML] = "yaml", [FORM_NAME] = "name", NULL};

struct get_values {
    struct sl_cluster_values cluster;
    int form; /* enum get_form */
    bool watch;
};

#define AT(field) .at = offsetof(struct get_values, field)

static const struct sl_option options[] = {
    {.name = "watch",
     .letter = 'w',
     .type = SL_O_FLAG,
     AT(watch),
     .help = "go on as it changes: in place on a terminal, else a\n"
             "line for each change; until interrupted"},
    {.name = "output",
     .letter = 'o',
     .type = SL_O_WORD,
     AT(form),
     .value = "FORM",
     .words = forms,
     .fallback = FORM_TEXT,
     .help = "text: batches and pods (the default); wide: and nodes;\n"
             "json, yaml: the object; name: rollout.sluice.dev/NAME"},
    SL_CLUSTER_OPTIONS(offsetof(struct get_values, cluster)),
    {0},
};

/* The object itself, for programs. */
static int write_object(const struct sl_cluster *cluster, const char *name, enum get_form form,
                        struct sl_buf *out, struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    if (sl_cluster_get(cluster, &sl_rollouts, sl_str_from(name), &reply, err) < 0) {
        return -1;
    }
    if (form == FORM_NAME) {
        sl_buf_addf(out, "rollout.sluice.dev/%s\n", name);
        return 0;
    }
    if (form == FORM_JSON) {
        sl_buf_addstr(out, sl_buf_str(&reply.body));
        sl_buf_adds(out, sl_str_ends(sl_buf_str(out), SL_STR("\n")) ? "" : "\n");
        return 0;
    }
    SL_AUTO(sl_json) struct json_object *object = NULL;
    return sl_json_parse(sl_buf_str(&reply.body), &object, err) < 0 ||
                   sl_yaml_write(object, out, err) < 0
               ? -1
               : 0;
}

static int print_object(const struct sl_cluster *cluster, const char *name, enum get_form form,
                        struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(PICTURE_MAX);
    return write_object(cluster, name, form, &out, err) < 0 ||
                   sl_buf_check(&out, "the output", err) < 0 ||
                   sl_command_print(sl_buf_str(&out), err) < 0
               ? -1
               : 0;
}

/* --- pictures --- */

struct painter {
    struct sl_view_style style;
    bool lines; /* a line per change, instead of pictures */
    bool in_place;
    struct sl_screen screen;
    struct sl_terminal_size size;
    struct sl_buf last; /* line that was printed */
};

static void painter_cleanup(struct painter *painter)
{
    sl_buf_cleanup(&painter->last);
}

static int paint_line(struct painter *painter, const struct sl_view *view, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(PICTURE_MAX);
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(PICTURE_MAX);
    char date[SL_CLOCK_DATE_SIZE];
    sl_view_line(view->rollout, &line);
    if (sl_str_eq(sl_buf_str(&line), sl_buf_str(&painter->last))) {
        return 0;
    }
    sl_buf_reset(&painter->last);
    sl_buf_addstr(&painter->last, sl_buf_str(&line));
    sl_clock_date(painter->style.now / SL_NS_PER_S, date);
    sl_buf_addf(&out, "%s %.*s\n", date, SL_STR_FMT(sl_buf_str(&line)));
    return sl_command_print(sl_buf_str(&out), err);
}

static int paint(struct painter *painter, const struct sl_scene *scene, const struct sl_view *view,
                 struct sl_err *err)
{
    painter->style.now = sl_clock_wall();
    if (painter->lines) {
        return paint_line(painter, view, err);
    }
    SL_AUTO(sl_buf) struct sl_buf picture = SL_BUF_INIT(PICTURE_MAX);
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(2 * PICTURE_MAX);
    sl_view_write(view, &painter->style, &picture);
    if (!painter->in_place) {
        return sl_command_print(sl_buf_str(&picture), err);
    }
    const char *wrong = sl_scene_error(scene);
    if (wrong[0] != '\0') {
        sl_buf_adds(&picture, "\nNo answer, trying again: ");
        sl_text_paint(&picture, sl_str_from(wrong), SL_RED, painter->style.colour);
        sl_buf_addc(&picture, '\n');
    }
    struct sl_terminal_size size = sl_terminal_size();
    if (painter->screen.lines > 0 &&
        (size.rows != painter->size.rows || size.columns != painter->size.columns)) {
        sl_screen_resized(&painter->screen, &out);
    }
    painter->size = size;
    sl_screen_draw(&painter->screen, sl_buf_str(&picture), size.rows, &out);
    return sl_command_print(sl_buf_str(&out), err);
}

/* As a write would say it, which may never come. */
static int unread(struct sl_err *err)
{
    return sl_err_sys(err, EPIPE, "cannot write to standard output");
}

/* Until all was read for the first time. */
static int settle(struct sl_scene *scene, struct sl_err *err)
{
    int64_t end = sl_clock_mono() + FIRST_TIMEOUT;
    while (!sl_scene_synced(scene)) {
        const char *wrong = sl_scene_error(scene);
        int64_t now = sl_clock_mono();
        if (wrong[0] != '\0' || now >= end) {
            return sl_err_set(err, SL_ERR_TRANSIENT, "%s",
                              wrong[0] != '\0' ? wrong : "the server does not answer");
        }
        (void)sl_scene_take_change(scene);
        if (!sl_scene_wait(scene, now, now + DRAW_SOONEST)) {
            return unread(err);
        }
    }
    return 0;
}

/* *ret_gone: the Rollout is not there any more. */
static int show(struct sl_scene *scene, struct painter *painter, bool watch, bool *ret_gone,
                struct sl_err *err)
{
    for (;;) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_view view;
        (void)sl_scene_take_change(scene);
        sl_scene_view(scene, &arena, &view);
        *ret_gone = view.rollout == NULL;
        if (*ret_gone) {
            return 0;
        }
        if (paint(painter, scene, &view, err) < 0) {
            return -1;
        }
        if (!watch) {
            return 0;
        }
        int64_t now = sl_clock_mono();
        if (!sl_scene_wait(scene, painter->in_place ? now + DRAW_SOONEST : now,
                           now + (painter->in_place ? DRAW_AGAIN : LINES_AGAIN))) {
            return unread(err);
        }
    }
}

static int show_scene(const struct sl_command *self, const struct get_values *values,
                      const struct sl_cluster *cluster, const char *name)
{
    struct sl_err err = SL_ERR_INIT;
    bool gone = false;
    bool in_place = values->watch && sl_terminal_movable();
    SL_AUTO(painter)
    struct painter painter = {
        .style = {.colour = sl_terminal_colour(), .wide = values->form == FORM_WIDE},
        .lines = values->watch && !in_place,
        .in_place = in_place,
        .last = SL_BUF_INIT(PICTURE_MAX),
    };
    SL_AUTO(sl_scene) struct sl_scene *scene = NULL;
    if (sl_scene_open(cluster, name, &scene, &err) < 0 || settle(scene, &err) < 0 ||
        show(scene, &painter, values->watch, &gone, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (gone) {
        (void)sl_err_set(&err, SL_ERR_NOT_FOUND, "the Rollout %s was deleted", name);
        return sl_command_failed(self, &err, SL_EXIT_NO);
    }
    return SL_EXIT_YES;
}

static int run_get(const struct sl_command *self, const void *values_, struct sl_operands operands)
{
    const struct get_values *values = values_;
    enum get_form form = (enum get_form)values->form;
    const char *name = operands.items[0];
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    if (values->watch && form != FORM_TEXT && form != FORM_WIDE) {
        return sl_command_misused(self, "--watch shows text or wide, not %s", forms[form]);
    }
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (form == FORM_TEXT || form == FORM_WIDE) {
        return show_scene(self, values, &cluster, name);
    }
    if (print_object(&cluster, name, form, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    return SL_EXIT_YES;
}

const struct sl_command sl_cmd_rollout_get = {
    .name = "rollout get",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Show a Rollout: its batches, its pods, what it waits for",
    .details = "\nA batch's bar has '#' for pods that are ready, '+' for those that are updated,\n"
               "'.' for the rest. Exit status: 0 shown, 1 deleted while watched, 2 bad usage or\n"
               "no answer.\n"
               "\nExample: sluice rollout get web -w\n",
    .options = options,
    .values_size = sizeof(struct get_values),
    .run = run_get,
};
