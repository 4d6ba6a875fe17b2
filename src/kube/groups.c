/* Records by owner (groups.h): uthash from uid to an array. */
#include "kube/groups.h"

#include <string.h>
#include <uthash.h>

struct sl_group {
    const struct sl_record **records;
    uint32_t count, allocated;
    UT_hash_handle hh;
    char uid[]; /* a copy: the records that say it come and go */
};

struct sl_groups {
    struct sl_group *all;
};

struct sl_groups *sl_groups_open(void)
{
    struct sl_groups *groups = calloc(1, sizeof *groups);
    if (groups == NULL) {
        abort();
    }
    return groups;
}

static void free_group(struct sl_group *group)
{
    free(group->records);
    free(group);
}

/* NOLINTBEGIN(readability-function-size,clang-analyzer-unix.Malloc): what uthash's macros unfold to
 * is long, and the analyzer does not follow its list (2.3.0). */

void sl_groups_close(struct sl_groups *groups)
{
    if (groups == NULL) {
        return;
    }
    struct sl_group *group = groups->all;
    HASH_CLEAR(hh, groups->all); /* the table alone; the groups keep their links */
    while (group != NULL) {
        struct sl_group *next = group->hh.next;
        free_group(group);
        group = next;
    }
    free(groups);
}

static struct sl_group *find(const struct sl_groups *groups, const char *uid)
{
    struct sl_group *group = NULL;
    HASH_FIND(hh, groups->all, uid, strlen(uid), group);
    return group;
}

static struct sl_group *create(struct sl_groups *groups, const char *uid)
{
    size_t length = strlen(uid);
    struct sl_group *group = calloc(1, sizeof *group + length + 1);
    if (group == NULL) {
        abort();
    }
    memcpy(group->uid, uid, length + 1);
    HASH_ADD_KEYPTR(hh, groups->all, group->uid, length, group);
    return group;
}

static void release(struct sl_groups *groups, struct sl_group *group)
{
    HASH_DEL(groups->all, group);
    free_group(group);
}

/* NOLINTEND(readability-function-size,clang-analyzer-unix.Malloc) */

struct sl_group *sl_groups_add(struct sl_groups *groups, const struct sl_record *record,
                               uint32_t *ret_position)
{
    struct sl_group *group = find(groups, record->owner_uid);
    if (group == NULL) {
        group = create(groups, record->owner_uid);
    }
    if (group->count == group->allocated) {
        group->allocated = group->allocated == 0 ? 4 : group->allocated * 2;
        group->records =
            reallocarray(group->records, group->allocated, sizeof(const struct sl_record *));
        if (group->records == NULL) {
            abort();
        }
    }
    group->records[group->count] = record;
    *ret_position = group->count++;
    return group;
}

void sl_groups_replace(struct sl_group *group, uint32_t position, const struct sl_record *record)
{
    group->records[position] = record;
}

const struct sl_record *sl_groups_remove(struct sl_groups *groups, struct sl_group *group,
                                         uint32_t position)
{
    const struct sl_record *moved = NULL;
    group->count--;
    if (position < group->count) {
        moved = group->records[group->count];
        group->records[position] = moved;
    }
    if (group->count == 0) {
        release(groups, group);
    }
    return moved;
}

size_t sl_groups_get(const struct sl_groups *groups, const char *owner_uid,
                     const struct sl_record *const **ret_records)
{
    const struct sl_group *group = find(groups, owner_uid);
    if (group == NULL) {
        return 0;
    }
    *ret_records = group->records;
    return group->count;
}
