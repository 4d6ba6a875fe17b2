/* What `sluice rollout get` shows: a Rollout, its batches and its pods, from what is known of them
 * to text. Pure functions; golden tests hold every line.
 *
 *     records ─sl_view_make()→ struct sl_view ─sl_view_write()→ the screen
 *                                             ─sl_view_line()→  a line of a log
 */
#ifndef SL_CLI_ROLLOUT_VIEW_H
#define SL_CLI_ROLLOUT_VIEW_H

#include "cli/text.h"
#include "core/records/pod.h"
#include "core/records/revision.h"
#include "core/records/rollout.h"

struct sl_view_pod {
    const struct sl_pod_record *pod;
    const char *revision; /* of its labels; "" */
    bool updated;         /* it is at the run's update revision */
};

/* Everything is borrowed or in the arena that it was made with. */
struct sl_view {
    const struct sl_rollout_record *rollout;
    bool has_workload;              /* false: it is not there, or could not be read */
    const struct sl_view_pod *pods; /* outdated ones last, each part by name */
    size_t pod_count;
};

struct sl_view_input {
    const struct sl_rollout_record *rollout;
    const char *workload_uid;                    /* NULL: there is no workload */
    const struct sl_record *const *replica_sets; /* struct sl_revision_record; any of them */
    size_t replica_set_count;
    const struct sl_record *const *pods; /* struct sl_pod_record; others are left out */
    size_t pod_count;
};

/* A pod belongs where the workload, or one of its ReplicaSets, is its controller. */
void sl_view_make(const struct sl_view_input *input, struct sl_arena *arena,
                  struct sl_view *ret_view);

struct sl_view_style {
    bool colour, wide;
    int64_t now; /* sl_clock_wall() */
};

/* Appends the whole picture, some lines. */
void sl_view_write(const struct sl_view *view, const struct sl_view_style *style,
                   struct sl_buf *out);

/* Appends one line without its end: where the run is and what it waits for. Two that are alike say
 * that nothing changed. */
void sl_view_line(const struct sl_rollout_record *rollout, struct sl_buf *out);

/* "2/3": the current batch, from 1, of how many; "" where there is no run. */
const char *sl_view_batch(const struct sl_rollout_status *status, struct sl_arena *arena);

/* The colour of a phase. */
enum sl_style sl_view_phase_style(enum sl_phase phase);

#endif
