/* sluice rollout get: one Rollout, once or as it changes.
 *
 *     scene.c (list and watch) → view.c (text) → painter.c (in place, or a line per change)
 */
#include "cli/rollout/objects.h"
#include "cli/rollout/painter.h"
#include "cli/rollout/scene.h"

struct get_values {
    struct sl_cluster_values cluster;
    int form; /* enum sl_form */
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
     .words = sl_forms,
     .fallback = SL_FORM_TEXT,
     .help = "text: batches and pods (the default); wide: and nodes;\n"
             "json, yaml: the object; name: rollout.sluice.dev/NAME"},
    SL_CLUSTER_OPTIONS(offsetof(struct get_values, cluster)),
    {0},
};

/* --- pictures --- */

static int paint_line(const struct sl_painter *painter, const struct sl_view *view,
                      struct sl_buf *last, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(SL_PICTURE_MAX);
    sl_view_line(view->rollout, &line);
    if (sl_str_eq(sl_buf_str(&line), sl_buf_str(last))) {
        return 0;
    }
    sl_buf_reset(last);
    sl_buf_addstr(last, sl_buf_str(&line));
    return sl_painter_line(painter, sl_buf_str(&line), err);
}

static int paint_picture(struct sl_painter *painter, struct sl_scene *scene,
                         const struct sl_view *view, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf picture = SL_BUF_INIT(SL_PICTURE_MAX);
    sl_view_write(view, &painter->style, &picture);
    return sl_painter_picture(painter, &picture, sl_caches_error(sl_scene_caches(scene)), err);
}

/* *ret_gone: the Rollout is not there any more. */
static int show(struct sl_scene *scene, struct sl_painter *painter, bool watch, bool *ret_gone,
                struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf last = SL_BUF_INIT(SL_PICTURE_MAX); /* line that was printed */
    for (;;) {
        SL_AUTO(sl_arena) struct sl_arena arena = {0};
        struct sl_view view;
        sl_scene_caches(scene)->changed = false;
        sl_scene_view(scene, &arena, &view);
        *ret_gone = view.rollout == NULL;
        if (*ret_gone) {
            return 0;
        }
        painter->style.now = sl_clock_wall();
        if (painter->lines ? paint_line(painter, &view, &last, err) < 0
                           : paint_picture(painter, scene, &view, err) < 0) {
            return -1;
        }
        if (!watch) {
            return 0;
        }
        if (sl_painter_wait(painter, sl_scene_caches(scene), err) < 0) {
            return -1;
        }
    }
}

static int show_scene(const struct sl_command *self, const struct get_values *values,
                      const struct sl_cluster *cluster, const char *name)
{
    struct sl_err err = SL_ERR_INIT;
    bool gone = false;
    struct sl_painter painter = sl_painter_open(values->watch, values->form == SL_FORM_WIDE);
    SL_AUTO(sl_scene) struct sl_scene *scene = NULL;
    if (sl_scene_open(cluster, name, &scene, &err) < 0 ||
        sl_caches_settle(sl_scene_caches(scene), &err) < 0 ||
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
    enum sl_form form = (enum sl_form)values->form;
    const char *name = operands.items[0];
    struct sl_err err = SL_ERR_INIT;
    SL_AUTO(sl_cluster) struct sl_cluster cluster = {0};
    if (values->watch && !sl_form_is_picture(values->form)) {
        return sl_command_misused(self, "--watch shows text or wide, not %s", sl_forms[form]);
    }
    if (sl_cluster_open(&values->cluster, &cluster, &err) < 0) {
        return sl_command_failed(self, &err, SL_EXIT_BAD);
    }
    if (sl_form_is_picture(values->form)) {
        return show_scene(self, values, &cluster, name);
    }
    if (sl_object_print(&cluster, &sl_rollouts, "rollout.sluice.dev", name, form, &err) < 0) {
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
