/* Private to run/traffic*.c: what they have in common. */
#ifndef SL_RUN_TRAFFIC_PRIVATE_H
#define SL_RUN_TRAFFIC_PRIVATE_H

#include "run/balancers/balancers.h"
#include "run/reconciler/fleet_traffic.h"
#include "run/traffic/pods.h"
#include "run/traffic/traffic.h"

/* What a namespace's budgets are counted from, within one turn. */
struct sl_traffic_budgets {
    struct sl_traffic_budgets *next;
    const char *ns;
    struct sl_budget_view view;
};

struct sl_traffic_statuses {
    struct sl_traffic_status **items; /* by namespace, then name */
    size_t count, room;
    size_t cursor;   /* the policy that is looked at first, so that each has its turn */
    int64_t written; /* when last; sl_clock_mono(); 0: never */
};

struct sl_traffic {
    struct sl_traffic_options options;
    struct sl_writer writer, status_writer;
    struct sl_traffic_pods *pods;
    struct sl_balancers *balancers;
    struct sl_buf policies_changed; /* namespace and name of each, with their NULs */
    struct sl_round round;
    bool complete;         /* all pods were planned once */
    struct sl_arena arena; /* of one plan */
    struct sl_arena turn_arena;
    struct sl_traffic_budgets *budgets;           /* in turn_arena */
    struct sl_balancer_numbers *balancer_numbers; /* of the last sample */
    size_t balancer_room;
    struct sl_traffic_statuses statuses; /* of policies */
    int64_t opened;                      /* when balancers were first looked at; sl_clock_wall() */
    int64_t checked;                     /* until when changes of balancers were said */
    int64_t now, wall;                   /* of this turn, for what balancers tell in it */
};

/* --- plan.c --- */

void sl_traffic_plan_pod(struct sl_traffic *traffic, struct sl_traffic_pod *target, int64_t now,
                         int64_t wall);
void sl_traffic_answered(void *traffic, struct sl_write *write, const struct sl_err *err,
                         int64_t now, int64_t wall); /* as struct sl_writer */

/* --- report.c --- */

void sl_traffic_report_turn(struct sl_traffic *traffic, int64_t now, int64_t wall);
/* As struct sl_balancers_options. */
void sl_traffic_corrected(void *traffic, const char *ns, const char *policy, const char *note);

/* --- status.c --- */

/* Writes the statuses of policies that have changed, when a second has passed since the last. */
void sl_traffic_status_turn(struct sl_traffic *traffic, int64_t now, int64_t wall);
void sl_traffic_status_answered(void *traffic, struct sl_write *write, const struct sl_err *err,
                                int64_t now, int64_t wall); /* as struct sl_writer */
void sl_traffic_statuses_cleanup(struct sl_traffic_statuses *statuses);

#endif
