/* Kinds of workload (kinds.h). */
#include "cli/rollout/kinds.h"

#include "cli/documents.h"

struct sl_workload_kinds sl_kinds_of(struct json_object *rollout, struct sl_arena *arena,
                                     struct sl_workload_kind *ret_own)
{
    struct json_object *ref = sl_member(sl_member(rollout, "spec"), "workloadRef");
    struct sl_str kind = sl_arena_str(arena, sl_str_from(sl_member_text(ref, "kind")));
    struct sl_str version = sl_arena_str(arena, sl_str_from(sl_member_text(ref, "apiVersion")));
    *ret_own = (struct sl_workload_kind){0};
    if (kind.n == 0 || version.n == 0) {
        return (struct sl_workload_kinds){0};
    }
    ret_own->group = sl_api_group(version);
    ret_own->kind = kind;
    ret_own->resource = sl_plural(kind, arena);
    return (struct sl_workload_kinds){.items = ret_own, .count = 1};
}
