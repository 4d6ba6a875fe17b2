/* One pass of an uninstall over one resource: lists it, and takes off each object what
 * core/uninstall/strip.h finds there, until it finds nothing. A line an object on standard output,
 * a sentence for each that failed on standard error. One thread. */
#ifndef SL_CLI_UNINSTALL_WALK_H
#define SL_CLI_UNINSTALL_WALK_H

#include "cli/rollout/cluster.h"
#include "cli/uninstall/leftovers.h"
#include "core/uninstall/strip.h"

struct sl_walk_part {
    const char *kind; /* as people read it: "StatefulSet" */
    struct sl_resource resource;
    sl_strip *strip;
    const struct sl_workload_kind *workload; /* of a workload; else NULL */
    bool pods;                               /* their load balancers may have leftovers */
};

struct sl_walk {
    const struct sl_cluster *cluster;
    const struct sl_command *command; /* whose sentences they are */
    const char *ns;                   /* the only one; NULL: all */
    struct sl_leftovers *leftovers;
    bool dry_run;
    size_t found, failed; /* objects, counted up */
};

/* A resource that the server does not have is empty. Errors: those of the list; output that cannot
 * be written. */
SL_MUST_USE int sl_walk_part(struct sl_walk *walk, const struct sl_walk_part *part,
                             struct sl_err *err);

#endif
