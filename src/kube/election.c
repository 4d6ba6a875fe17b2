/* Decisions and texts of leader election (election.h). */
#include "kube/election.h"

#include <inttypes.h>
#include <string.h>

#include "codec/jscan.h"
#include "codec/timestamp.h"

struct values {
    struct sl_jval version, spec, holder, duration, acquired, transitions;
};

static const struct sl_jrow meta_rows[] = {
    {.key = "resourceVersion", .at = offsetof(struct values, version)},
    {0},
};

static const struct sl_jrow spec_rows[] = {
    {.key = "holderIdentity", .at = offsetof(struct values, holder)},
    {.key = "leaseDurationSeconds", .at = offsetof(struct values, duration)},
    {.key = "acquireTime", .at = offsetof(struct values, acquired)},
    {.key = "leaseTransitions", .at = offsetof(struct values, transitions)},
    {0},
};

static const struct sl_jrow rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = meta_rows},
    {.key = "spec", .at = offsetof(struct values, spec), .rows = spec_rows},
    {0},
};

void sl_lease_record_cleanup(struct sl_lease_record *record)
{
    sl_arena_cleanup(&record->arena);
    *record = (struct sl_lease_record){0};
}

static const char *read_text(struct sl_jval value, struct sl_arena *arena)
{
    struct sl_str text = sl_jval_str(value, arena);
    return text.n == 0 ? "" : sl_arena_cstr(arena, text);
}

/* Both numbers are int32 in the API. */
static int64_t read_count(struct sl_jval value)
{
    int64_t count = 0;
    if (!sl_jval_int(value, &count) || count < 0) {
        return 0;
    }
    return count < INT32_MAX ? count : INT32_MAX;
}

int sl_lease_record_read(struct sl_lease_record *record, struct sl_str json, bool *ret_changed,
                         struct sl_err *err)
{
    struct values values = {0};
    if (sl_jscan(json, rows, &values, NULL, err) != 0) {
        return -1;
    }
    if (values.version.type != SL_J_STRING) {
        return sl_err_set(err, SL_ERR_INVALID, "a Lease without a resourceVersion");
    }
    bool changed = !record->exists || !sl_str_is(values.spec.raw, record->spec);
    struct sl_arena arena = record->arena;
    sl_arena_reset(&arena);
    *record = (struct sl_lease_record){
        .exists = true,
        .holder = read_text(values.holder, &arena),
        .version = read_text(values.version, &arena),
        .spec = values.spec.raw.n == 0 ? "" : sl_arena_cstr(&arena, values.spec.raw),
        .acquired = read_text(values.acquired, &arena),
        .duration = read_count(values.duration) * SL_NS_PER_S,
        .transitions = read_count(values.transitions),
    };
    record->arena = arena;
    *ret_changed = changed;
    return 0;
}

enum sl_election_step sl_election_next(const struct sl_election *election, int64_t now)
{
    const struct sl_lease_record *lease = election->lease;
    bool ours = lease->exists && strcmp(lease->holder, election->identity) == 0;
    bool valid = lease->exists && now - election->observed < lease->duration;
    if (!election->read) {
        /* Most renewals: nobody else can have changed it, so one request does. */
        return ours && valid && !election->doubtful ? SL_ELECTION_WRITE : SL_ELECTION_READ;
    }
    if (!lease->exists) {
        return SL_ELECTION_CREATE;
    }
    bool vacant = lease->holder[0] == '\0';
    return vacant || ours || !valid ? SL_ELECTION_WRITE : SL_ELECTION_WAIT;
}

static void add_text(struct sl_buf *out, const char *key, const char *text)
{
    sl_buf_addf(out, "\"%s\":\"", key);
    sl_buf_add_json(out, sl_str_from(text));
    sl_buf_adds(out, "\",");
}

static void add_spec(const struct sl_lease_claim *claim, const char *acquired, int64_t transitions,
                     struct sl_buf *out)
{
    char wall[SL_TIMESTAMP_SIZE];
    sl_timestamp_write_micro(claim->wall, wall);
    sl_buf_adds(out, "\"spec\":{");
    add_text(out, "holderIdentity", claim->identity);
    add_text(out, "acquireTime", acquired[0] == '\0' ? wall : acquired);
    add_text(out, "renewTime", wall);
    sl_buf_addf(out, "\"leaseDurationSeconds\":%" PRId64 ",\"leaseTransitions\":%" PRId64 "}}",
                (claim->duration + SL_NS_PER_S - 1) / SL_NS_PER_S, transitions);
}

void sl_lease_write_new(const struct sl_lease_claim *claim, struct sl_buf *out)
{
    sl_buf_adds(out, "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\","
                     "\"metadata\":{\"namespace\":\"");
    sl_buf_add_json(out, sl_str_from(claim->ns));
    sl_buf_adds(out, "\",\"name\":\"");
    sl_buf_add_json(out, sl_str_from(claim->name));
    sl_buf_adds(out, "\"},");
    add_spec(claim, "", 0, out);
}

void sl_lease_write_patch(const struct sl_lease_claim *claim, const struct sl_lease_record *lease,
                          struct sl_buf *out)
{
    bool given_up = claim->identity[0] == '\0';
    bool kept = strcmp(lease->holder, claim->identity) == 0;
    sl_buf_adds(out, "{\"metadata\":{\"resourceVersion\":\"");
    sl_buf_add_json(out, sl_str_from(lease->version));
    sl_buf_adds(out, "\"},");
    add_spec(claim, kept ? lease->acquired : "", lease->transitions + (kept || given_up ? 0 : 1),
             out);
}
