/* A Rollout as the reconciler keeps it: its decoded spec, and its status both ways. */
#ifndef SL_CORE_RECORDS_ROLLOUT_H
#define SL_CORE_RECORDS_ROLLOUT_H

#include "codec/jscan.h"
#include "core/records/record.h"
#include "core/rollout.h"

/* status.rollingState and, within RollingInBatches, status.batchRollingState, as one machine. The
 * two words of each state stand in the table of rollout_status.c. */
enum sl_state {
    SL_NEW, /* no status yet */
    SL_VERIFYING_SPEC,
    SL_INITIALIZING,
    SL_BATCH_INITIALIZING, /* RollingInBatches from here … */
    SL_BATCH_IN_ROLLING,
    SL_BATCH_VERIFYING,
    SL_BATCH_FINALIZING,
    SL_BATCH_READY, /* … to here */
    SL_FINALISING,
    SL_SUCCEED, /* also: nothing to do yet */
    SL_FAILING,
    SL_FAILED,
    SL_ABANDONING,
    SL_DELETING,
    SL_STATES,
};

enum sl_phase { /* the short word for people */
                SL_PHASE_NONE,
                SL_HEALTHY,
                SL_PROGRESSING,
                SL_WAITING_FOR_CONFIRMATION,
                SL_PAUSED,
                SL_ROLLING_BACK,
                SL_DEGRADED,
                SL_PHASE_FAILED,
                SL_PHASES,
};
extern const char *const sl_phase_names[];         /* "", "Healthy", …; NULL at the end */
const char *sl_state_rolling(enum sl_state state); /* "RollingInBatches"; "" for SL_NEW */
const char *sl_state_batch(enum sl_state state);   /* "BatchInRolling"; "" outside */

struct sl_batch_status {
    int32_t target, updated, ready;
    int64_t started, finished; /* 0: not yet */
};

struct sl_run { /* id.n == 0: there was none yet */
    struct sl_str id;
    struct sl_str stable_revision, update_revision; /* both the same: a rollback */
    struct sl_str plan;                             /* hash of what cuts the pods into batches */
    struct sl_str failure; /* why the run before it failed, where this one rolls it back; why it
                              failed itself, where it did */
    int64_t started;
    int64_t progressed; /* when something last moved: what progressDeadlineSeconds counts from */
    int32_t tolerated;  /* pods that were out of service before the batch began, and may stay so */
};

struct sl_condition {
    struct sl_str type, reason, message;
    bool status;
    int64_t changed; /* lastTransitionTime */
};
#define SL_CONDITIONS_MAX 4

struct sl_rollout_status {
    int64_t observed_generation;
    enum sl_state state;
    enum sl_phase phase;
    struct sl_str message;
    struct sl_run run;
    struct sl_batch_status *batches;
    size_t batch_count;
    int32_t current_batch;
    int32_t replicas, updated, updated_ready;
    struct sl_condition conditions[SL_CONDITIONS_MAX];
    size_t condition_count;
};

struct sl_rollout_record {
    struct sl_record record;
    struct sl_arena arena; /* holds what follows; released with the record */
    bool has_finalizer;    /* SL_FINALIZER_ROLLOUT */
    bool has_finalizers;   /* metadata.finalizers is there: a JSON Patch can add to it */
    int finalizer_entry;   /* index of SL_FINALIZER_ROLLOUT in it; -1: none */
    struct sl_rollout spec;
    const char *problem; /* why the spec cannot be used; "" none. It is not read then. */
    struct sl_rollout_status status; /* what cannot be read of it is as absent */
};

/* `kinds` as for sl_rollout_decode(). Errors: INVALID, when not even metadata can be read. Not
 * quite an sl_record_decode: released with sl_rollout_record_free(). */
SL_MUST_USE int sl_rollout_record_decode(struct sl_str json, const struct sl_workload_kinds *kinds,
                                         struct sl_record **ret_record, struct sl_err *err);
void sl_rollout_record_free(struct sl_record *record);

static inline const struct sl_rollout_record *sl_rollout_of(const struct sl_record *record)
{
    return (const struct sl_rollout_record *)(const void *)record;
}

/* Appends the JSON object of a status (no members that are absent). Times to the second. */
void sl_rollout_status_write(const struct sl_rollout_status *status, struct sl_buf *out);

/* Appends the same as a merge patch (RFC 7386) of whatever status is stored: what is absent is
 * null.
 */
void sl_rollout_status_write_patch(const struct sl_rollout_status *status, struct sl_buf *out);

/* Reads a status, texts into the arena; whatever cannot be read is as absent. A state of a run
 * always has its run, and a state within a batch has that batch: where the status does not, its
 * state is SL_NEW, or SL_VERIFYING_SPEC. */
void sl_rollout_status_read(struct sl_jval status, struct sl_arena *arena,
                            struct sl_rollout_status *ret_status);

/* Whether both would be written alike. */
bool sl_rollout_status_equal(const struct sl_rollout_status *a, const struct sl_rollout_status *b);

#endif
