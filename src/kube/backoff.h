/* When to try again: delays that double, and randomness for all of kube/ from a seed that the edge
 * gives. Pure functions. */
#ifndef SL_KUBE_BACKOFF_H
#define SL_KUBE_BACKOFF_H

#include <stdint.h>

/* A number from 0 to `below` - 1; `below` > 0. Not for secrets. */
uint64_t sl_random_below(uint64_t *state, uint64_t below);

/* Before attempt `failures` + 1, in ns: `first` doubled for each failure after the first, at most
 * `most`, of which the half is random. `failures` > 0. */
int64_t sl_backoff(unsigned failures, int64_t first, int64_t most, uint64_t *state);

#endif
