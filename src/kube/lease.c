/* The requests of leader election (lease.h): election.c says which one comes next, one at a time is
 * under way, and what it changed is taken from its answer.
 *
 * Being leader counts from when the write was *sent*, and others wait from when they *saw* it: so
 * whatever lies in between, ours ends first.
 */
#include "kube/lease.h"

#include <string.h>

#include "kube/backoff.h"
#include "kube/election.h"

#define BODY_MAX (16 * SL_KIB)

struct sl_lease {
    struct sl_lease_options options; /* texts in `arena` */
    struct sl_arena arena;
    uint64_t random;

    struct sl_lease_record seen;
    int64_t observed; /* when `seen` last changed; by our own clock */
    bool doubtful;    /* a write that was made from it failed */

    uint64_t request; /* under way; 0: none */
    enum sl_election_step doing;
    int64_t sent;
    bool read; /* in this attempt */
    int64_t due;

    bool leading;
    int64_t held_until;
    bool releasing, released;
};

struct sl_lease *sl_lease_open(const struct sl_lease_options *options)
{
    struct sl_lease *lease = calloc(1, sizeof *lease);
    if (lease == NULL) {
        abort();
    }
    lease->options = *options;
    lease->options.ns = sl_arena_cstr(&lease->arena, sl_str_from(options->ns));
    lease->options.name = sl_arena_cstr(&lease->arena, sl_str_from(options->name));
    lease->options.identity = sl_arena_cstr(&lease->arena, sl_str_from(options->identity));
    lease->random = options->seed;
    return lease;
}

void sl_lease_close(struct sl_lease *lease)
{
    if (lease == NULL) {
        return;
    }
    if (lease->request != 0) {
        sl_client_cancel(lease->options.client, lease->request);
    }
    sl_lease_record_cleanup(&lease->seen);
    sl_arena_cleanup(&lease->arena);
    free(lease);
}

static bool is_ours(const struct sl_lease *lease)
{
    return lease->seen.exists && strcmp(lease->seen.holder, lease->options.identity) == 0;
}

static void end_attempt(struct sl_lease *lease, int64_t now)
{
    int64_t wait = lease->options.retry;
    if (!lease->leading) {
        /* client-go's JitterFactor 1.2: candidates do not all come at once. */
        wait += (int64_t)sl_random_below(&lease->random, (uint64_t)(wait + wait / 5));
    }
    lease->read = false;
    lease->due = now + wait;
}

static void send_step(struct sl_lease *lease, const struct sl_lease_claim *claim, int64_t now)
{
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(BODY_MAX);
    struct sl_request request = {
        .verb = SL_GET,
        .resource = {.group = SL_STR("coordination.k8s.io"),
                     .version = SL_STR("v1"),
                     .plural = SL_STR("leases")},
        .ns = sl_str_from(lease->options.ns),
        .name = sl_str_from(lease->options.name),
        .timeout = lease->options.renew_deadline / 2, /* as the Kubernetes components have it */
    };
    if (lease->doing == SL_ELECTION_CREATE) {
        request.verb = SL_CREATE_OBJECT;
        request.name = (struct sl_str){0};
        sl_lease_write_new(claim, &body);
    } else if (lease->doing == SL_ELECTION_WRITE) {
        request.verb = SL_PATCH_OBJECT;
        request.content_type = "application/merge-patch+json";
        sl_lease_write_patch(claim, &lease->seen, &body);
    }
    request.body = body.len == 0 ? (struct sl_str){0} : sl_buf_str(&body);
    lease->sent = now;
    lease->request = sl_client_send(lease->options.client, &request, lease, now);
}

static void take_step(struct sl_lease *lease, int64_t now, int64_t wall)
{
    const struct sl_election election = {
        .lease = &lease->seen,
        .identity = lease->options.identity,
        .read = lease->read,
        .doubtful = lease->doubtful,
        .observed = lease->observed,
    };
    const struct sl_lease_claim claim = {
        .ns = lease->options.ns,
        .name = lease->options.name,
        .identity = lease->options.identity,
        .duration = lease->options.duration,
        .wall = wall,
    };
    lease->doing = sl_election_next(&election, now);
    if (lease->doing == SL_ELECTION_WAIT) {
        end_attempt(lease, now);
    } else {
        send_step(lease, &claim, now);
    }
}

void sl_lease_turn(struct sl_lease *lease, int64_t now, int64_t wall)
{
    lease->leading = lease->leading && now < lease->held_until;
    if (lease->request == 0 && !lease->releasing && now >= lease->due) {
        take_step(lease, now, wall);
    }
}

/* --- answers --- */

/* Takes in the Lease of an answer; false: it was none. */
static bool observe(struct sl_lease *lease, const struct sl_reply *reply, int64_t now)
{
    bool changed = false;
    if (reply->err.kind != SL_ERR_NONE ||
        sl_lease_record_read(&lease->seen, sl_buf_str(&reply->body), &changed, NULL) != 0) {
        return false;
    }
    if (changed) {
        lease->observed = now;
    }
    lease->doubtful = false;
    return true;
}

static void take_read(struct sl_lease *lease, const struct sl_reply *reply, int64_t now)
{
    if (reply->err.kind == SL_ERR_NOT_FOUND) {
        sl_lease_record_cleanup(&lease->seen);
    } else if (!observe(lease, reply, now)) {
        end_attempt(lease, now);
        return;
    }
    /* Somebody deleted it, or worse: client-go would wait for the deadline here. */
    lease->leading = lease->leading && is_ours(lease);
    lease->read = true;
    lease->due = now;
}

static void take_written(struct sl_lease *lease, const struct sl_reply *reply, int64_t now)
{
    if (observe(lease, reply, now) && is_ours(lease)) {
        lease->held_until = lease->sent + lease->options.renew_deadline;
        lease->leading = now < lease->held_until;
        end_attempt(lease, now);
        return;
    }
    lease->doubtful = true;
    if (lease->read) {
        end_attempt(lease, now);
    } else {
        lease->due = now; /* it was written from what an earlier attempt saw: look at once */
    }
}

void sl_lease_reply(struct sl_lease *lease, const struct sl_reply *reply, int64_t now)
{
    if (reply->id != lease->request) {
        return;
    }
    lease->request = 0;
    if (lease->released) {
        return; /* whatever it says, there is nothing left to do */
    }
    if (lease->doing == SL_ELECTION_READ) {
        take_read(lease, reply, now);
    } else {
        take_written(lease, reply, now);
    }
}

int64_t sl_lease_due(const struct sl_lease *lease)
{
    int64_t due = lease->request != 0 || lease->releasing ? INT64_MAX : lease->due;
    return lease->leading && lease->held_until < due ? lease->held_until : due;
}

bool sl_lease_held(const struct sl_lease *lease, int64_t now)
{
    return lease->leading && !lease->releasing && now < lease->held_until;
}

const char *sl_lease_holder(const struct sl_lease *lease)
{
    return lease->seen.exists ? lease->seen.holder : "";
}

bool sl_lease_release(struct sl_lease *lease, int64_t now, int64_t wall)
{
    lease->releasing = true;
    if (lease->request != 0) {
        return true; /* its answer has the version that the last write has to name */
    }
    if (lease->released || !is_ours(lease)) {
        return false;
    }
    const struct sl_lease_claim nobody = {.identity = "", .duration = SL_NS_PER_S, .wall = wall};
    lease->released = true;
    lease->leading = false;
    lease->doing = SL_ELECTION_WRITE;
    send_step(lease, &nobody, now);
    return true;
}
