/* When `sluice rollout wait` has waited long enough. Pure: a table of phases, and what was seen. */
#ifndef SL_CLI_ROLLOUT_WAIT_RULE_H
#define SL_CLI_ROLLOUT_WAIT_RULE_H

#include "core/records/rollout.h"

enum sl_waited { SL_WAITED_NOT_YET, SL_WAITED_REACHED, SL_WAITED_IN_VAIN };

struct sl_wait {
    enum sl_phase wanted;
    bool forward; /* a run towards a new revision was seen: one that goes back undoes it */
};

/* Looks at the Rollout as it is now. `held`: its workload waits to be rolled (SL_ANNOTATION_HELD is
 * on it), so that the run which a status calls finished is not the one to come. Not yet, reached,
 * or in vain: then *ret_why says why. */
enum sl_waited sl_wait_look(struct sl_wait *wait, const struct sl_rollout_record *rollout,
                            bool held, struct sl_err *ret_why);

#endif
