/* The ReplicaSets whose Deployment is being handed over in place, pod by pod: until a deadline the
 * webhook refuses the pods that they try to create (FACTS.md, "Hand-over").
 *
 * A set of its own beside the policies (core/snapshot.h): it changes several times a second while a
 * hand-over is under way, and is empty otherwise. Built by one thread (open, add…), then only read,
 * by any number.
 */
#ifndef SL_CORE_HANDOVERS_H
#define SL_CORE_HANDOVERS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/str.h"

struct sl_handovers;

struct sl_handovers *sl_handovers_open(void);
void sl_handovers_close(struct sl_handovers *handovers); /* NULL is fine */
SL_AUTO_PTR(sl_handovers, struct sl_handovers, sl_handovers_close);

/* Texts are copied. `until` is in nanoseconds since 1970. */
void sl_handovers_add(struct sl_handovers *handovers, struct sl_str ns, struct sl_str name,
                      struct sl_str uid, int64_t until);

size_t sl_handovers_count(const struct sl_handovers *handovers); /* NULL: 0 */

/* Until when pods of that ReplicaSet are refused; 0: they are not (NULL: nobody's are). A
 * ReplicaSet of the same name with another uid is another one. */
int64_t sl_handovers_until(const struct sl_handovers *handovers, struct sl_str ns,
                           struct sl_str name, struct sl_str uid);

#endif
