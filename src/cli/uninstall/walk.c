/* The writes of an uninstall (walk.h). A list is read to its end before the first write, so that no
 * page of it grows too old meanwhile; of its objects only the next write is kept. */
#include "cli/uninstall/walk.h"

#include "cli/text.h"

#define TIMEOUT (15 * SL_NS_PER_S)
#define TRIES 10 /* writes and conflicts of one object */
#define LINE_MAX (64 * SL_KIB)

struct job {
    struct job *next;
    struct sl_strip_write write;
    struct sl_strip_write second; /* of a dry run */
    const char *balancers;        /* of a pod */
    struct sl_str policy;
};

struct jobs {
    const struct sl_walk_part *part;
    struct sl_arena arena;
    struct job *first, **end;
    bool dry_run;
};

static void jobs_cleanup(struct jobs *jobs)
{
    sl_arena_cleanup(&jobs->arena);
}

static int visit(void *ctx, struct sl_str json, struct sl_err *err)
{
    struct jobs *jobs = ctx;
    struct job job = {.balancers = ""};
    struct sl_strip_input input = {
        .json = json, .kind = jobs->part->workload, .now = sl_clock_wall()};
    if (jobs->part->strip(&input, &jobs->arena, &job.write, err) < 0) {
        return -1;
    }
    if (job.write.body.p == NULL) {
        return 0;
    }
    input.second = true;
    if (jobs->dry_run && job.write.first &&
        jobs->part->strip(&input, &jobs->arena, &job.second, err) < 0) {
        return -1;
    }
    if (jobs->part->pods &&
        sl_strip_balancers(json, &jobs->arena, &job.balancers, &job.policy, err) < 0) {
        return -1;
    }
    *jobs->end = sl_arena_zalloc(&jobs->arena, 1, sizeof job);
    **jobs->end = job;
    jobs->end = &(*jobs->end)->next;
    return 0;
}

static void add_clause(struct sl_buf *line, const char *clause)
{
    sl_buf_addf(line, "%s%s", line->len == 0 ? "" : ", ", clause);
}

/* Sends a write; NULL: reads the object. */
static int send(const struct sl_walk *walk, const struct sl_walk_part *part, const struct job *job,
                const struct sl_strip_write *write, struct sl_reply *ret_reply, struct sl_err *err)
{
    const struct sl_request request = {
        .verb = write == NULL ? SL_GET : SL_PATCH_OBJECT,
        .resource = part->resource,
        .ns = job->write.ns,
        .name = job->write.name,
        .subresource = write == NULL ? (struct sl_str){0} : sl_str_from(write->subresource),
        .body = write == NULL ? (struct sl_str){0} : write->body,
        .content_type = write == NULL ? NULL : write->content_type,
        .timeout = TIMEOUT,
    };
    return sl_client_call(walk->cluster->client, &request, ret_reply, err);
}

/* Writes until nothing is left to be written. A conflict is looked at again. */
static int clean(const struct sl_walk *walk, const struct sl_walk_part *part, const struct job *job,
                 struct sl_buf *line, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct sl_strip_write write = job->write;
    bool read_again = false;
    for (int i = 0; i < TRIES; i++) {
        SL_AUTO(sl_reply) struct sl_reply reply = {0};
        if (send(walk, part, job, read_again ? NULL : &write, &reply, err) < 0) {
            if (err->kind == SL_ERR_NOT_FOUND) {
                add_clause(line, "gone");
                return 0;
            }
            read_again = err->kind == SL_ERR_CONFLICT;
            if (!read_again) {
                return -1;
            }
            continue;
        }
        if (!read_again) {
            add_clause(line, write.done);
        }
        read_again = false;
        const struct sl_strip_input input = {
            .json = sl_buf_str(&reply.body), .kind = part->workload, .now = sl_clock_wall()};
        if (part->strip(&input, &arena, &write, err) < 0) {
            return -1;
        }
        if (write.body.p == NULL) {
            return 0;
        }
    }
    return sl_err_set(err, SL_ERR_CONFLICT, "somebody keeps changing it");
}

static int report(const struct sl_walk *walk, const struct sl_walk_part *part,
                  const struct job *job, const struct sl_buf *line, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(2 * LINE_MAX);
    sl_buf_addf(&out, "%s %.*s/%.*s: ", part->kind, SL_STR_FMT(job->write.ns),
                SL_STR_FMT(job->write.name));
    sl_text_add(&out, sl_buf_str(line));
    sl_buf_adds(&out, walk->dry_run ? " (dry run)\n" : "\n");
    return sl_command_print(sl_buf_str(&out), err);
}

static int do_job(struct sl_walk *walk, const struct sl_walk_part *part, const struct job *job,
                  struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf line = SL_BUF_INIT(LINE_MAX);
    struct sl_err wrong = SL_ERR_INIT;
    bool failed = false;
    walk->found++;
    if (walk->dry_run) {
        add_clause(&line, job->write.done);
        if (job->second.body.p != NULL) {
            add_clause(&line, job->second.done);
        }
    } else {
        failed = clean(walk, part, job, &line, &wrong) < 0;
    }
    if (failed) {
        walk->failed++;
        (void)sl_err_wrap(&wrong, "%s %.*s/%.*s", part->kind, SL_STR_FMT(job->write.ns),
                          SL_STR_FMT(job->write.name));
        (void)sl_command_failed(walk->command, &wrong, SL_EXIT_NO);
    } else {
        sl_leftovers_pod(walk->leftovers, job->write.ns, job->policy, job->write.name,
                         job->balancers);
    }
    return line.len > 0 ? report(walk, part, job, &line, err) : 0;
}

int sl_walk_part(struct sl_walk *walk, const struct sl_walk_part *part, struct sl_err *err)
{
    SL_AUTO(jobs) struct jobs jobs = {.part = part, .dry_run = walk->dry_run};
    jobs.end = &jobs.first;
    if (sl_cluster_list(walk->cluster, &part->resource, walk->ns, NULL, visit, &jobs, err) < 0) {
        return err->kind == SL_ERR_NOT_FOUND ? 0 : sl_err_wrap(err, "%ss", part->kind);
    }
    for (const struct job *job = jobs.first; job != NULL; job = job->next) {
        if (do_job(walk, part, job, err) < 0) {
            return -1;
        }
    }
    return 0;
}
