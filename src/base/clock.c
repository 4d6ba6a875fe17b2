/* The one clock (clock.h). */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * SL_NS_PER_S + now.tv_nsec;
}

int64_t sl_clock_mono(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t sl_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

void sl_clock_date(int64_t seconds, char ret_text[static SL_CLOCK_DATE_SIZE])
{
    time_t when = (time_t)seconds;
    struct tm parts;
    if (gmtime_r(&when, &parts) == NULL ||
        strftime(ret_text, SL_CLOCK_DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        (void)snprintf(ret_text, SL_CLOCK_DATE_SIZE, "?");
    }
}
