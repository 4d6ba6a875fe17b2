/* Delays and their jitter (backoff.h). */
#include "kube/backoff.h"

/* splitmix64 (Steele, Lea, Flood 2014): any state is a good one, 0 too. */
uint64_t sl_random_below(uint64_t *state, uint64_t below)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = *state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ (mixed >> 31)) % below;
}

int64_t sl_backoff(unsigned failures, int64_t first, int64_t most, uint64_t *state)
{
    int64_t delay = first;
    for (; failures > 1 && delay < most; failures--) {
        delay *= 2;
    }
    if (delay > most) {
        delay = most;
    }
    return delay / 2 + (int64_t)sl_random_below(state, (uint64_t)(delay / 2) + 1);
}
