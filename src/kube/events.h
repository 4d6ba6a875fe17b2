/* Events (events.k8s.io/v1) about objects, as `kubectl describe` and `kubectl events` show them.
 *
 * The same (object, type, reason, action) again within 6 minutes becomes a series of the first:
 * count and lastObservedTime are patched, at most once in 30 seconds each. Events are hints: one
 * that cannot be written is counted and forgotten, and at most 256 wait. Source: KEP-383;
 * k8s.io/client-go/tools/events. Threads: the client's one.
 */
#ifndef SL_KUBE_EVENTS_H
#define SL_KUBE_EVENTS_H

#include "kube/client.h"

struct sl_events_options {
    struct sl_client *client; /* borrowed */
    const char *controller;   /* reportingController: "sluice.dev/reconciler" */
    const char *instance;     /* reportingInstance: the pod's name */
};
struct sl_events;

struct sl_events *sl_events_open(const struct sl_events_options *options);
void sl_events_close(struct sl_events *events); /* NULL is fine */
SL_AUTO_PTR(sl_events, struct sl_events, sl_events_close);

struct sl_event {
    const char *api_version, *kind, *ns, *name, *uid, *resource_version; /* what it is about */
    bool warning;
    const char *reason; /* CamelCase, at most 128 bytes */
    const char *action; /* what was done, CamelCase */
    const char *note;   /* a sentence; cut at 1 KiB */
};
/* All texts are copied. `wall` is sl_clock_wall(). */
void sl_events_emit(struct sl_events *events, const struct sl_event *event, int64_t now,
                    int64_t wall);

void sl_events_turn(struct sl_events *events, int64_t now, int64_t wall);
void sl_events_reply(struct sl_events *events, const struct sl_reply *reply,
                     int64_t now); /* tag: events */
int64_t sl_events_due(const struct sl_events *events);
uint64_t sl_events_lost(const struct sl_events *events);

#endif
