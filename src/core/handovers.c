/* The ReplicaSets under hand-over (handovers.h): a map by uid, which is what a pod says of its
 * owner. Read by core/admission/handover.c. */
#include "core/handovers.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"

struct handover {
    struct sl_str ns, name;
    int64_t until;
};

struct sl_handovers {
    struct sl_arena arena; /* holds every handover */
    struct sl_map *by_uid;
    size_t count;
};

static void free_nothing(void *value)
{
    (void)value;
}

struct sl_handovers *sl_handovers_open(void)
{
    struct sl_handovers *handovers = calloc(1, sizeof *handovers);
    if (handovers == NULL) {
        abort();
    }
    handovers->by_uid = sl_map_open(free_nothing);
    return handovers;
}

void sl_handovers_close(struct sl_handovers *handovers)
{
    if (handovers == NULL) {
        return;
    }
    sl_map_close(handovers->by_uid);
    sl_arena_cleanup(&handovers->arena);
    free(handovers);
}

void sl_handovers_add(struct sl_handovers *handovers, struct sl_str ns, struct sl_str name,
                      struct sl_str uid, int64_t until)
{
    struct handover *handover = sl_map_get(handovers->by_uid, uid);
    if (handover == NULL) {
        handover = sl_arena_zalloc(&handovers->arena, 1, sizeof *handover);
        sl_map_add(handovers->by_uid, uid, handover);
        handovers->count++;
    }
    handover->ns = sl_arena_str(&handovers->arena, ns);
    handover->name = sl_arena_str(&handovers->arena, name);
    handover->until = until;
}

size_t sl_handovers_count(const struct sl_handovers *handovers)
{
    return handovers == NULL ? 0 : handovers->count;
}

int64_t sl_handovers_until(const struct sl_handovers *handovers, struct sl_str ns,
                           struct sl_str name, struct sl_str uid)
{
    if (sl_handovers_count(handovers) == 0) {
        return 0;
    }
    const struct handover *handover = sl_map_get(handovers->by_uid, uid);
    return handover != NULL && sl_str_eq(handover->ns, ns) && sl_str_eq(handover->name, name)
               ? handover->until
               : 0;
}
