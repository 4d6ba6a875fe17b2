/* What a look comes to (haproxy_look.h): from the members as they are wanted to the plan of
 * core/balancers/haproxy.h, and from there to what is said of them. */
#include <stdlib.h>
#include <string.h>

#include "run/balancers/haproxy_look.h"

/* --- the plan --- */

static void make_plan(struct sl_balancer *balancer, int64_t now, struct sl_haproxy_round *round)
{
    struct sl_haproxy_look *look = balancer->own;
    const struct sl_haproxy *spec = &balancer->spec.haproxy;
    const struct sl_haproxy_side side = {
        .ns = sl_str_from(balancer->ns),
        .policy = sl_str_from(balancer->policy),
        .backend = spec->backend,
        .server_template = spec->server_template,
        .port = spec->port,
        .complete = balancer->complete,
    };
    round->count = balancer->count;
    round->members =
        sl_arena_zalloc(&look->arena, round->count + 1, sizeof(struct sl_balancer_member *));
    struct sl_haproxy_want *wants = sl_arena_zalloc(&look->arena, round->count + 1, sizeof *wants);
    for (size_t i = 0; i < round->count; i++) {
        struct sl_balancer_member *member = balancer->members[i];
        round->members[i] = member;
        wants[i] = (struct sl_haproxy_want){
            .pod = member->pod,
            .address = member->address,
            .place = member->place,
            .weight = member->weight,
            .stray = member->uid[0] == '\0',
            .lingered = sl_balancer_lingered(member, now),
        };
    }
    sl_haproxy_plan(&side, &look->view, wants, round->count, &look->arena, &round->plan);
}

static void set_place(struct sl_balancer_member *member, const char *place)
{
    if (place != NULL && (member->place == NULL || strcmp(member->place, place) != 0)) {
        free(member->place);
        member->place = strdup(place);
    }
}

void sl_haproxy_plan_round(struct sl_balancer *balancer, int64_t now,
                           struct sl_haproxy_round *ret_round)
{
    make_plan(balancer, now, ret_round);
    size_t strays = ret_round->plan.stray_count;
    for (size_t i = 0; i < strays; i++) {
        const char *name = ret_round->plan.strays[i];
        set_place(sl_balancer_stray(balancer, sl_str_from(name), now), name);
    }
    if (strays > 0) {
        make_plan(balancer, now, ret_round);
    }
}

/* --- what somebody else changed --- */

static void tell_correction(struct sl_balancer *balancer, const struct sl_balancer_member *member,
                            const char *differs)
{
    struct sl_haproxy_look *look = balancer->own;
    sl_balancer_corrected(
        balancer, sl_arena_printf(&look->arena,
                                  "Server of pod %s in backend %.*s of %.*s had been changed by "
                                  "somebody else (%s), and was put back",
                                  member->pod, SL_STR_FMT(balancer->spec.haproxy.backend),
                                  SL_STR_FMT(balancer->spec.name), differs));
}

void sl_haproxy_tell_corrections(struct sl_balancer *balancer, const struct sl_haproxy_round *round)
{
    const struct sl_haproxy_look *look = balancer->own;
    for (size_t i = 0; !look->restarted && i < round->count; i++) {
        if (round->members[i]->settled && round->plan.findings[i].differs != NULL) {
            tell_correction(balancer, round->members[i], round->plan.findings[i].differs);
        }
    }
}

/* --- what is said of members --- */

/* What is of another process than the one that answers is not known: sessions it may go on with. */
static void hedge(const struct sl_haproxy_look *look, const struct sl_balancer_member *member,
                  struct sl_haproxy_finding *finding, int64_t now)
{
    if (now >= look->old_process || member->place == NULL || member->weight == SL_WEIGHT_IN) {
        return;
    }
    if (finding->state == SL_MEMBER_ABSENT) {
        finding->state = SL_MEMBER_OUT;
        finding->sessions = -1;
    } else if (finding->sessions == 0) {
        finding->sessions = -1;
    }
}

/* True: it is another than it was. */
static bool report(struct sl_balancer *balancer, struct sl_balancer_member *member,
                   struct sl_haproxy_finding *finding, int64_t now, int64_t wall)
{
    struct sl_haproxy_look *look = balancer->own;
    set_place(member, finding->place);
    member->settled = finding->done;
    if (finding->done && member->weight == SL_WEIGHT_GONE) {
        sl_balancer_drop(balancer, member);
        return true;
    }
    hedge(look, member, finding, now);
    return sl_balancer_member_is(balancer, member, finding->state, finding->sessions,
                                 finding->trouble, wall);
}

/* What HAProxy said to a command matters only if it did not do what it should. That a server cannot
 * be deleted yet is no trouble. */
static const char *why_refused(struct sl_haproxy_look *look,
                               const struct sl_balancer_member *member)
{
    for (size_t i = 0; i < look->told; i++) {
        if (look->told_of[i] == member && look->replies[i].n > 0 &&
            member->weight != SL_WEIGHT_GONE) {
            return sl_arena_printf(&look->arena, "HAProxy says: %.*s",
                                   SL_STR_FMT(look->replies[i]));
        }
    }
    return "";
}

bool sl_haproxy_report(struct sl_balancer *balancer, const struct sl_haproxy_round *round,
                       int64_t now, int64_t wall)
{
    struct sl_haproxy_look *look = balancer->own;
    bool done = round->plan.stray_count == 0;
    const char *trouble = round->plan.trouble;
    for (size_t i = 0; i < round->count; i++) {
        struct sl_haproxy_finding *finding = &round->plan.findings[i];
        done = done && finding->done;
        if (!finding->done && finding->trouble[0] == '\0') {
            finding->trouble = why_refused(look, round->members[i]);
            trouble = finding->trouble[0] == '\0' ? trouble : finding->trouble;
        }
        if (report(balancer, round->members[i], finding, now, wall)) {
            look->hurried = now;
        }
    }
    sl_balancer_answers(balancer, trouble, wall);
    return done;
}
