/* The annotation sluice.dev/drain: somebody asks for a pod to be taken out of traffic.
 *
 *     {"op":"upgrade","id":"9b7ce009","since":"2026-11-21T12:00:00.123456Z",
 *      "deadline":"2026-11-21T12:01:00.123456Z"}
 *
 * Whoever writes it has the pod drained, and finds reason Drained in the condition
 * sluice.dev/traffic-ready; whoever removes it lets the pod return. `since` is written when the
 * drain begins, by the reconciler, when the budget has room for it: one without it waits, and is
 * given a new deadline then. A pod that is being deleted is drained without one. Pure functions.
 */
#ifndef SL_CORE_TRAFFIC_DRAIN_H
#define SL_CORE_TRAFFIC_DRAIN_H

#include "base/arena.h"
#include "base/buf.h"
#include "core/records/pod.h"

enum sl_drain_op {
    SL_DRAIN_NONE,
    SL_DRAIN_UPGRADE, /* id: the run's */
    SL_DRAIN_DELETE,  /* a scale-down is about to take it; or it is being deleted (no annotation) */
    SL_DRAIN_EVICT,
    SL_DRAIN_OTHER, /* any other text: some other controller's */
    SL_DRAIN_OPS,
};
extern const char *const sl_drain_op_names[]; /* "none", "upgrade", …, "other"; NULL at the end */

struct sl_drain_mark {
    enum sl_drain_op op;     /* NONE: there is no annotation that can be read */
    struct sl_str id;        /* "" none */
    int64_t since, deadline; /* ns since 1970; 0: not dated */
    struct sl_str op_text;   /* the op as it was read; of OTHER it is written again as it was */
};

/* An annotation that is no JSON object, or has no op, asks for nothing. Texts live in the arena or
 * the record. */
void sl_drain_read(const struct sl_pod_record *pod, struct sl_arena *arena,
                   struct sl_drain_mark *ret_mark);

/* Appends the annotation's text; times to the microsecond, left out where 0. */
void sl_drain_write(const struct sl_drain_mark *mark, struct sl_buf *out);

/* Whether it is out of service, or about to be, as the budget counts: its annotation is dated, it
 * is being deleted, its traffic state is Draining, Drained or Upgrading, or its gate is False since
 * it is Joining (again). */
bool sl_drain_has_begun(const struct sl_pod_record *pod, struct sl_arena *arena);

#endif
