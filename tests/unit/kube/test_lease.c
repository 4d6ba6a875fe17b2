/* kube/lease.c with election.c: a table of decisions, the texts, and candidates that run for one
 * Lease in a simulated cluster in which anything may be slow, lost or late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/jscan.h"
#include "kube/backoff.h"
#include "kube/election.h"
#include "kube/lease.h"

#define S SL_NS_PER_S
#define WALL (INT64_C(1795262400) * S) /* 2026-11-21T12:00:00Z */

/* --- decisions and texts --- */

static void each_step_follows_from_what_was_seen(void **state)
{
    (void)state;
    static const struct {
        const char *about;
        bool exists, read, doubtful;
        int32_t age; /* s since it was seen to change; its duration is 15 s */
        const char *holder;
        enum sl_election_step step;
    } rows[] = {
        {"nothing is known", false, false, false, 0, "", SL_ELECTION_READ},
        {"there is none", false, true, false, 0, "", SL_ELECTION_CREATE},
        {"another's", true, false, false, 1, "b", SL_ELECTION_READ},
        {"another's, expired, but not looked at again", true, false, false, 99, "b",
         SL_ELECTION_READ},
        {"another's", true, true, false, 14, "b", SL_ELECTION_WAIT},
        {"another's, just expired", true, true, false, 15, "b", SL_ELECTION_WRITE},
        {"nobody's", true, true, false, 0, "", SL_ELECTION_WRITE},
        {"ours: one request renews it", true, false, false, 2, "a", SL_ELECTION_WRITE},
        {"ours, but the last write failed", true, false, true, 2, "a", SL_ELECTION_READ},
        {"ours, expired: somebody may have it", true, false, false, 15, "a", SL_ELECTION_READ},
        {"ours, as was read", true, true, false, 2, "a", SL_ELECTION_WRITE},
        {"ours, expired, as was read", true, true, false, 20, "a", SL_ELECTION_WRITE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct sl_lease_record lease = {
            .exists = rows[i].exists, .holder = rows[i].holder, .duration = 15 * S};
        const struct sl_election election = {.lease = &lease,
                                             .identity = "a",
                                             .read = rows[i].read,
                                             .doubtful = rows[i].doubtful,
                                             .observed = 1000 * S};
        if (sl_election_next(&election, (1000 + rows[i].age) * S) != rows[i].step) {
            fail_msg("%s", rows[i].about);
        }
    }
}

static const struct sl_lease_claim claim = {
    .ns = "n", .name = "l", .identity = "a\"1", .duration = 15 * S - 1, .wall = WALL};

static void a_lease_is_written_as_client_go_writes_it(void **state)
{
    (void)state;
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
    sl_lease_write_new(&claim, &out);
    assert_string_equal(out.data, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\","
                                  "\"metadata\":{\"namespace\":\"n\",\"name\":\"l\"},"
                                  "\"spec\":{\"holderIdentity\":\"a\\\"1\","
                                  "\"acquireTime\":\"2026-11-21T12:00:00.000000Z\","
                                  "\"renewTime\":\"2026-11-21T12:00:00.000000Z\","
                                  "\"leaseDurationSeconds\":15,\"leaseTransitions\":0}}");
}

static void a_patch_names_the_version_that_was_seen(void **state)
{
    (void)state;
    static const struct {
        const char *holder, *identity, *acquired;
        int transitions;
    } rows[] = {
        {"a", "a", "2020-01-01T00:00:00.000000Z", 7}, /* renewed */
        {"b", "a", "2026-11-21T12:00:00.000000Z", 8}, /* taken */
        {"", "a", "2026-11-21T12:00:00.000000Z", 8},
        {"a", "", "2026-11-21T12:00:00.000000Z", 7}, /* given up */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        SL_AUTO(sl_buf) struct sl_buf expected = SL_BUF_INIT(SL_KIB);
        const struct sl_lease_record lease = {.exists = true,
                                              .holder = rows[i].holder,
                                              .version = "42",
                                              .acquired = "2020-01-01T00:00:00.000000Z",
                                              .transitions = 7};
        struct sl_lease_claim one = claim;
        one.identity = rows[i].identity;
        sl_lease_write_patch(&one, &lease, &out);
        sl_buf_addf(&expected,
                    "{\"metadata\":{\"resourceVersion\":\"42\"},\"spec\":{"
                    "\"holderIdentity\":\"%s\",\"acquireTime\":\"%s\","
                    "\"renewTime\":\"2026-11-21T12:00:00.000000Z\","
                    "\"leaseDurationSeconds\":15,\"leaseTransitions\":%d}}",
                    rows[i].identity, rows[i].acquired, rows[i].transitions);
        assert_string_equal(out.data, expected.data);
    }
}

static void only_another_spec_is_a_change(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int result;
        bool changed;
        const char *holder;
    } rows[] = {
        {"{\"metadata\":{\"resourceVersion\":\"1\"},\"spec\":{\"holderIdentity\":\"b\","
         "\"leaseDurationSeconds\":15}}",
         0, true, "b"},
        {"{\"metadata\":{\"resourceVersion\":\"2\",\"labels\":{}},\"spec\":{\"holderIdentity\":"
         "\"b\",\"leaseDurationSeconds\":15}}",
         0, false, "b"},
        {"{\"metadata\":{},\"spec\":{\"holderIdentity\":\"c\"}}", -1, false, "b"},
        {"nonsense", -1, false, "b"},
        {"{\"metadata\":{\"resourceVersion\":\"3\"}}", 0, true, ""}, /* made with kubectl */
    };
    struct sl_lease_record lease = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool changed = false;
        assert_int_equal(sl_lease_record_read(&lease, sl_str_from(rows[i].json), &changed, NULL),
                         rows[i].result);
        assert_int_equal(changed, rows[i].changed);
        assert_string_equal(lease.holder, rows[i].holder);
    }
    sl_lease_record_cleanup(&lease);
}

/* --- the simulated cluster, in place of client.c --- */

#define CANDIDATES 3
#define MESSAGES_MAX 64

struct message {
    struct sl_lease *from; /* NULL: this place is free */
    uint64_t id;
    enum sl_verb verb;
    char body[1024];
    int64_t apply_at, answer_at;
    bool applied, lost;
    int status;
    struct sl_buf answer;
};

static struct {
    uint64_t random;
    int64_t now;
    uint64_t last_id;
    struct message messages[MESSAGES_MAX];
    bool exists;
    uint64_t version;
    char spec[1024];
    /* what goes wrong, in percent of the requests */
    unsigned slow, lost, late;
    const struct sl_lease *cut_off; /* none of whose requests arrive */
    unsigned writes;
} cluster;

static bool happens(unsigned percent)
{
    return sl_random_below(&cluster.random, 100) < percent;
}

static int64_t up_to(int64_t most)
{
    return (int64_t)sl_random_below(&cluster.random, (uint64_t)most + 1);
}

uint64_t sl_client_send(struct sl_client *client, const struct sl_request *request, void *tag,
                        int64_t now)
{
    (void)client;
    (void)now;
    struct message *message = NULL;
    for (size_t i = 0; i < MESSAGES_MAX && message == NULL; i++) {
        message = cluster.messages[i].from == NULL ? &cluster.messages[i] : NULL;
    }
    assert_non_null(message);
    bool cut_off = tag == cluster.cut_off;
    *message = (struct message){.from = tag,
                                .id = ++cluster.last_id,
                                .verb = request->verb,
                                .answer = SL_BUF_INIT(4 * SL_KIB)};
    (void)snprintf(message->body, sizeof message->body, "%.*s", SL_STR_FMT(request->body));
    int64_t most = happens(cluster.slow) ? 4 * S : S / 20;
    message->apply_at = cut_off ? INT64_MAX : cluster.now + up_to(most);
    message->answer_at = message->apply_at == INT64_MAX ? 0 : message->apply_at + up_to(most);
    if (happens(cluster.late)) {
        message->apply_at = cluster.now + up_to(30 * S); /* a proxy holds it back */
    }
    message->lost = cut_off || happens(cluster.lost);
    int64_t deadline = cluster.now + request->timeout;
    if (message->lost || message->answer_at > deadline || message->apply_at > deadline) {
        message->lost = true;
        message->answer_at = deadline;
    } else if (message->answer_at < message->apply_at) {
        message->answer_at = message->apply_at;
    }
    return message->id;
}

void sl_client_cancel(struct sl_client *client, uint64_t id)
{
    (void)client;
    (void)id;
}

struct written {
    struct sl_jval version, spec;
};

static int write_lease(const struct message *message)
{
    static const struct sl_jrow meta_rows[] = {
        {.key = "resourceVersion", .at = offsetof(struct written, version)}, {0}};
    static const struct sl_jrow rows[] = {
        {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = meta_rows},
        {.key = "spec", .at = offsetof(struct written, spec)},
        {0}};
    struct written written = {0};
    assert_int_equal(sl_jscan(sl_str_from(message->body), rows, &written, NULL, NULL), 0);
    if (message->verb == SL_CREATE_OBJECT && cluster.exists) {
        return 409; /* AlreadyExists */
    }
    if (message->verb == SL_PATCH_OBJECT) {
        char version[32];
        (void)snprintf(version, sizeof version, "\"%u\"", (unsigned)cluster.version);
        if (!cluster.exists) {
            return 404;
        }
        if (!sl_str_is(written.version.raw, version)) {
            return 409;
        }
    }
    cluster.exists = true;
    cluster.version++;
    cluster.writes++;
    (void)snprintf(cluster.spec, sizeof cluster.spec, "%.*s", SL_STR_FMT(written.spec.raw));
    return 200;
}

static void apply(struct message *message)
{
    message->applied = true;
    message->status = message->verb == SL_GET ? (cluster.exists ? 200 : 404) : write_lease(message);
    if (message->status == 200) {
        sl_buf_addf(&message->answer, "{\"metadata\":{\"resourceVersion\":\"%u\"},\"spec\":%s}",
                    (unsigned)cluster.version, cluster.spec);
    }
}

/* --- candidates --- */

struct candidate {
    struct sl_lease *lease;
    int64_t skew; /* of its clock, both kinds */
    bool dead;    /* or stopped: it hears what was answered when it goes on */
};
static struct candidate candidates[CANDIDATES];

static struct candidate *candidate_of(const struct sl_lease *lease)
{
    for (size_t i = 0; i < CANDIDATES; i++) {
        if (candidates[i].lease == lease) {
            return &candidates[i];
        }
    }
    return NULL;
}

static void deliver(struct message *message)
{
    struct candidate *to = candidate_of(message->from);
    struct sl_reply reply = {.id = message->id,
                             .tag = message->from,
                             .verb = message->verb,
                             .status = message->status,
                             .body = message->answer};
    if (message->lost) {
        reply.status = 0;
        reply.err.kind = SL_ERR_TRANSIENT;
        reply.body = (struct sl_buf)SL_BUF_INIT(1);
    } else if (message->status != 200) {
        reply.err.kind = message->status == 404 ? SL_ERR_NOT_FOUND : SL_ERR_CONFLICT;
    }
    sl_lease_reply(to->lease, &reply, cluster.now + to->skew);
}

static void move_messages(void)
{
    for (size_t i = 0; i < MESSAGES_MAX; i++) {
        struct message *message = &cluster.messages[i];
        if (message->from == NULL) {
            continue;
        }
        if (!message->applied && cluster.now >= message->apply_at) {
            apply(message);
        }
        if (message->answer_at != INT64_MAX && cluster.now >= message->answer_at &&
            !candidate_of(message->from)->dead) {
            deliver(message);
            message->answer_at = INT64_MAX;
        }
        if (message->answer_at == INT64_MAX &&
            (message->applied || message->apply_at == INT64_MAX)) {
            sl_buf_cleanup(&message->answer);
            message->from = NULL;
        }
    }
}

/* The one that holds it by its own view; NULL: none. More than one is the failure. */
static struct candidate *holder(void)
{
    struct candidate *found = NULL;
    for (size_t i = 0; i < CANDIDATES; i++) {
        struct candidate *one = &candidates[i];
        if (one->lease != NULL && !one->dead &&
            sl_lease_held(one->lease, cluster.now + one->skew)) {
            assert_null(found);
            found = one;
        }
    }
    return found;
}

static void pass(int64_t time)
{
    for (int64_t until = cluster.now + time; cluster.now < until;) {
        cluster.now += S / 100 + up_to(S / 5);
        move_messages();
        for (size_t i = 0; i < CANDIDATES; i++) {
            struct candidate *one = &candidates[i];
            int64_t now = cluster.now + one->skew;
            if (one->lease != NULL && !one->dead && now >= sl_lease_due(one->lease)) {
                sl_lease_turn(one->lease, now, WALL + now);
            }
            (void)holder();
        }
    }
}

static struct candidate *pass_until_held(int64_t most)
{
    int64_t until = cluster.now + most;
    while (holder() == NULL && cluster.now < until) {
        pass(S / 10);
    }
    return holder();
}

static void start(size_t at, int64_t skew)
{
    char identity[16];
    (void)snprintf(identity, sizeof identity, "candidate-%zu", at);
    candidates[at] = (struct candidate){
        .lease = sl_lease_open(&(struct sl_lease_options){.ns = "n",
                                                          .name = "l",
                                                          .identity = identity,
                                                          .duration = 15 * S,
                                                          .renew_deadline = 10 * S,
                                                          .retry = 2 * S,
                                                          .seed = cluster.random + at}),
        .skew = skew};
}

static int open_cluster(void **state)
{
    (void)state;
    memset(&cluster, 0, sizeof cluster);
    memset(candidates, 0, sizeof candidates);
    cluster.now = 100000 * S;
    cluster.random = 1;
    return 0;
}

static int close_cluster(void **state)
{
    (void)state;
    for (size_t i = 0; i < CANDIDATES; i++) {
        sl_lease_close(candidates[i].lease);
    }
    for (size_t i = 0; i < MESSAGES_MAX; i++) {
        sl_buf_cleanup(&cluster.messages[i].answer);
    }
    return 0;
}

static void one_of_two_creators_wins_and_stays(void **state)
{
    (void)state;
    start(0, 0);
    start(1, 25200 * S);
    pass(3 * S);
    struct candidate *leader = holder();
    assert_non_null(leader);
    unsigned writes = cluster.writes;
    pass(60 * S);
    assert_ptr_equal(holder(), leader);
    assert_in_range(cluster.writes - writes, 25, 31); /* it renews every 2 s */
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(strncmp(sl_lease_holder(candidates[i].lease), "candidate-", 10), 0);
        assert_string_equal(sl_lease_holder(candidates[i].lease), sl_lease_holder(leader->lease));
    }
}

static void a_dead_holder_is_replaced_when_its_time_has_passed(void **state)
{
    (void)state;
    start(0, 0);
    struct candidate *first = pass_until_held(5 * S);
    start(1, -72000 * S);
    pass(20 * S);
    assert_ptr_equal(holder(), first);
    first->dead = true;
    int64_t died = cluster.now;
    assert_ptr_equal(pass_until_held(30 * S), &candidates[1]);
    assert_in_range(cluster.now - died, 12 * S, 15 * S + 5 * S);
    assert_non_null(strstr(cluster.spec, "\"leaseTransitions\":1"));
}

static void a_holder_that_is_cut_off_knows_it_before_anybody_else_leads(void **state)
{
    (void)state;
    start(0, 0);
    struct candidate *first = pass_until_held(5 * S);
    start(1, 3600 * S);
    pass(20 * S);
    cluster.cut_off = first->lease;
    int64_t since = cluster.now;
    while (holder() == first) {
        pass(S / 10);
    }
    assert_in_range(cluster.now - since, 7 * S, 10 * S + S / 2);
    assert_ptr_equal(pass_until_held(20 * S), &candidates[1]);
    cluster.cut_off = NULL;
    pass(30 * S);
    assert_ptr_equal(holder(), &candidates[1]);
}

/* As the role does at its end. */
static void release(struct candidate *one)
{
    while (sl_lease_release(one->lease, cluster.now + one->skew, WALL)) {
        assert_false(sl_lease_held(one->lease, cluster.now + one->skew));
        pass(S);
    }
    one->dead = true;
}

static void a_released_lease_is_taken_at_the_next_look(void **state)
{
    (void)state;
    start(0, 0);
    struct candidate *first = pass_until_held(5 * S);
    start(1, 0);
    pass(5 * S);
    /* A renewal is under way: it comes before the write that gives the lease up. */
    sl_lease_turn(first->lease, cluster.now + 5 * S, WALL);
    release(first);
    assert_ptr_equal(pass_until_held(6 * S), &candidates[1]);
    assert_false(sl_lease_release(candidates[0].lease, cluster.now, WALL));
}

static void a_release_gives_the_holder_up_for_a_second(void **state)
{
    (void)state;
    start(0, 0);
    struct candidate *first = pass_until_held(5 * S);
    release(first);
    assert_non_null(strstr(cluster.spec, "\"holderIdentity\":\"\""));
    assert_non_null(strstr(cluster.spec, "\"leaseDurationSeconds\":1,"));
}

static void a_candidate_has_nothing_to_release(void **state)
{
    (void)state;
    start(0, 0);
    (void)pass_until_held(5 * S);
    start(1, 0);
    pass(5 * S + S / 2);
    unsigned writes = cluster.writes;
    candidates[0].dead = true;
    release(&candidates[1]);
    assert_int_equal(cluster.writes, writes);
}

static void a_deleted_lease_is_created_again(void **state)
{
    (void)state;
    start(0, 0);
    (void)pass_until_held(5 * S);
    cluster.exists = false;
    pass(5 * S);
    assert_true(cluster.exists);
    assert_non_null(holder());
}

/* Deaths, restarts, cuts, slow and late and lost messages, in any order: pass() asserts all the
 * while that at most one leads. When all is well again, one does. */
static void there_are_never_two_holders(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        (void)close_cluster(state);
        (void)open_cluster(state);
        cluster.random = seed;
        for (size_t i = 0; i < CANDIDATES; i++) {
            start(i, up_to(172800 * S) - 86400 * S);
        }
        for (int round = 0; round < 12; round++) {
            cluster.slow = (unsigned)up_to(60);
            cluster.lost = (unsigned)up_to(50);
            cluster.late = (unsigned)up_to(20);
            struct candidate *one = &candidates[up_to(CANDIDATES - 1)];
            one->dead = happens(30);
            cluster.cut_off = happens(30) ? candidates[up_to(CANDIDATES - 1)].lease : NULL;
            pass(up_to(40 * S));
        }
        cluster.slow = cluster.lost = cluster.late = 0;
        cluster.cut_off = NULL;
        candidates[0].dead = false;
        assert_non_null(pass_until_held(60 * S));
    }
}

int main(void)
{
#define CLUSTER_TEST(name) cmocka_unit_test_setup_teardown(name, open_cluster, close_cluster)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_step_follows_from_what_was_seen),
        cmocka_unit_test(a_lease_is_written_as_client_go_writes_it),
        cmocka_unit_test(a_patch_names_the_version_that_was_seen),
        cmocka_unit_test(only_another_spec_is_a_change),
        CLUSTER_TEST(one_of_two_creators_wins_and_stays),
        CLUSTER_TEST(a_dead_holder_is_replaced_when_its_time_has_passed),
        CLUSTER_TEST(a_holder_that_is_cut_off_knows_it_before_anybody_else_leads),
        CLUSTER_TEST(a_released_lease_is_taken_at_the_next_look),
        CLUSTER_TEST(a_release_gives_the_holder_up_for_a_second),
        CLUSTER_TEST(a_candidate_has_nothing_to_release),
        CLUSTER_TEST(a_deleted_lease_is_created_again),
        CLUSTER_TEST(there_are_never_two_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
