/* The records of one cache by the uid of their controller, each group contiguous. Part of the store
 * (store.h): borrows records. One thread. */
#ifndef SL_KUBE_GROUPS_H
#define SL_KUBE_GROUPS_H

#include "core/records/record.h"

struct sl_groups;
struct sl_group;

struct sl_groups *sl_groups_open(void);
void sl_groups_close(struct sl_groups *groups); /* NULL is fine */

/* Puts the record behind the others of its owner: *ret_position is where. */
struct sl_group *sl_groups_add(struct sl_groups *groups, const struct sl_record *record,
                               uint32_t *ret_position);
/* Another version of the same object, with the same owner. */
void sl_groups_replace(struct sl_group *group, uint32_t position, const struct sl_record *record);
/* Takes one out; an empty group is released. Returns the record that stands at `position` now
 * because it was moved there, or NULL. */
const struct sl_record *sl_groups_remove(struct sl_groups *groups, struct sl_group *group,
                                         uint32_t position);

/* How many there are; *ret_records is valid until the next change. */
size_t sl_groups_get(const struct sl_groups *groups, const char *owner_uid,
                     const struct sl_record *const **ret_records);

#endif
