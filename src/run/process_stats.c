/* Reads /proc/self (process_stats.h); called once for each scrape. */
#include "run/process_stats.h"

#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

static int64_t resident_bytes(void)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    if (sl_file_read("/proc/self/statm", &text, NULL) < 0) {
        return 0;
    }
    char *end = text.data;
    (void)strtoll(text.data, &end, 10); /* the first number is the virtual size */
    return strtoll(end, NULL, 10) * sysconf(_SC_PAGESIZE);
}

static int64_t cpu_ns(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0) {
        return 0;
    }
    return used.tv_sec * SL_NS_PER_S + used.tv_nsec;
}

static int64_t open_fds(void)
{
    DIR *stream = opendir("/proc/self/fd");
    if (stream == NULL) {
        return 0;
    }
    int64_t count = 0;
    for (const struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(stream);
    return count - 1; /* without the one that lists them */
}

void sl_process_stats(struct sl_process_stats *ret_stats)
{
    *ret_stats = (struct sl_process_stats){
        .resident_bytes = resident_bytes(),
        .cpu_ns = cpu_ns(),
        .open_fds = open_fds(),
    };
}
