/* The one clock. Only the edges (the server, the roles, a command) read it; everything below takes
 * time as a parameter. Any thread. */
#ifndef SL_BASE_CLOCK_H
#define SL_BASE_CLOCK_H

#include <stdint.h>

#define SL_NS_PER_S INT64_C(1000000000)
#define SL_NS_PER_MS INT64_C(1000000)

int64_t sl_clock_mono(void); /* nanoseconds, never goes back, for intervals and deadlines */
int64_t sl_clock_wall(void); /* nanoseconds since 1970-01-01T00:00:00Z, for timestamps */

/* Seconds since 1970 as RFC 3339 has it: "2026-11-21T12:00:00Z". */
#define SL_CLOCK_DATE_SIZE 32 /* bytes with the NUL, for any year */
void sl_clock_date(int64_t seconds, char ret_text[static SL_CLOCK_DATE_SIZE]);

#endif
