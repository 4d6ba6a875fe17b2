/* The CPUs of this process (cpus.h): counts the server's threads when the configuration does not.
 */
#include "run/cpus.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define MACHINE_CPUS_MAX (1U << 20)

static bool parse_number(struct sl_str text, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < text.n; i++) {
        unsigned digit = (unsigned)(unsigned char)text.p[i] - '0';
        if (digit > 9 || number > UINT32_MAX) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return text.n > 0;
}

/* Half a CPU is one thread: a thread more than the quota costs little, one too few halves it. */
static unsigned cpus_of(struct sl_str quota, struct sl_str period)
{
    uint64_t quota_us = 0;
    uint64_t period_us = 0;
    if (!parse_number(quota, &quota_us) || !parse_number(period, &period_us) || quota_us == 0 ||
        period_us == 0) {
        return SL_CPUS_NO_LIMIT; /* "max", and version 1's "-1", are no numbers either */
    }
    uint64_t cpus = (quota_us + period_us - 1) / period_us;
    return cpus > UINT_MAX ? UINT_MAX : (unsigned)cpus;
}

/* Reads "ROOT DIRECTORY NAME", its last newline cut off; false where there is no such file. */
static bool read_value(const char *root, struct sl_str directory, const char *name,
                       struct sl_buf *out)
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s%.*s/%s", root, SL_STR_FMT(directory), name);
    sl_buf_reset(out);
    if (length < 0 || (size_t)length >= sizeof path || sl_file_read(path, out, NULL) < 0) {
        return false;
    }
    out->len = strcspn(out->data == NULL ? "" : out->data, "\n");
    return true;
}

static unsigned quota_v2(const char *root, struct sl_str directory)
{
    SL_AUTO(sl_buf) struct sl_buf text = SL_BUF_INIT(SL_KIB);
    if (!read_value(root, directory, "cpu.max", &text)) {
        return SL_CPUS_NO_LIMIT;
    }
    struct sl_str period = sl_buf_str(&text);
    struct sl_str quota = sl_str_cut(&period, ' ');
    return cpus_of(quota, period);
}

static unsigned quota_v1(const char *root, struct sl_str directory)
{
    SL_AUTO(sl_buf) struct sl_buf quota = SL_BUF_INIT(SL_KIB);
    SL_AUTO(sl_buf) struct sl_buf period = SL_BUF_INIT(SL_KIB);
    char mounted[PATH_MAX];
    int length = snprintf(mounted, sizeof mounted, "%s/cpu", root);
    if (length < 0 || (size_t)length >= sizeof mounted ||
        !read_value(mounted, directory, "cpu.cfs_quota_us", &quota) ||
        !read_value(mounted, directory, "cpu.cfs_period_us", &period)) {
        return SL_CPUS_NO_LIMIT;
    }
    return cpus_of(sl_buf_str(&quota), sl_buf_str(&period));
}

static unsigned smaller(unsigned a, unsigned b)
{
    if (a == SL_CPUS_NO_LIMIT || b == SL_CPUS_NO_LIMIT) {
        return a == SL_CPUS_NO_LIMIT ? b : a;
    }
    return a < b ? a : b;
}

/* A quota binds everything below it, so the way goes from the cgroup up to the root. */
static unsigned smallest_on_the_way(unsigned (*quota)(const char *, struct sl_str),
                                    const char *root, struct sl_str directory)
{
    unsigned cpus = SL_CPUS_NO_LIMIT;
    for (;;) {
        while (directory.n > 0 && directory.p[directory.n - 1] == '/') {
            directory.n--;
        }
        cpus = smaller(cpus, quota(root, directory));
        if (directory.n == 0) {
            return cpus;
        }
        const char *slash = memrchr(directory.p, '/', directory.n);
        directory.n = slash == NULL ? 0 : (size_t)(slash - directory.p);
    }
}

static bool names_cpu(struct sl_str controllers)
{
    while (controllers.p != NULL) {
        if (sl_str_is(sl_str_cut(&controllers, ','), "cpu")) {
            return true;
        }
    }
    return false;
}

unsigned sl_cpus_quota(struct sl_str self, const char *root)
{
    unsigned cpus = SL_CPUS_NO_LIMIT;
    while (self.p != NULL) { /* lines "hierarchy:controllers:path" */
        struct sl_str path = sl_str_cut(&self, '\n');
        struct sl_str hierarchy = sl_str_cut(&path, ':');
        struct sl_str controllers = sl_str_cut(&path, ':');
        if (sl_str_is(hierarchy, "0") && controllers.n == 0) {
            cpus = smaller(cpus, smallest_on_the_way(quota_v2, root, path));
        } else if (names_cpu(controllers)) {
            cpus = smaller(cpus, smallest_on_the_way(quota_v1, root, path));
        }
    }
    return cpus;
}

/* The kernel says EINVAL to a mask that is smaller than its own, whatever is set in that. */
static unsigned affinity(void)
{
    for (size_t capacity = CPU_SETSIZE; capacity <= MACHINE_CPUS_MAX; capacity *= 2) {
        cpu_set_t *mask = CPU_ALLOC(capacity);
        if (mask == NULL) {
            abort();
        }
        size_t size = CPU_ALLOC_SIZE(capacity);
        int failed = sched_getaffinity(0, size, mask) < 0 ? errno : 0;
        unsigned cpus = failed == 0 ? (unsigned)CPU_COUNT_S(size, mask) : SL_CPUS_NO_LIMIT;
        CPU_FREE(mask);
        if (failed != EINVAL) {
            return cpus;
        }
    }
    return SL_CPUS_NO_LIMIT;
}

unsigned sl_cpus(void)
{
    unsigned cpus = affinity();
    SL_AUTO(sl_buf) struct sl_buf self = SL_BUF_INIT(64 * SL_KIB);
    if (sl_file_read("/proc/self/cgroup", &self, NULL) == 0) {
        cpus = smaller(cpus, sl_cpus_quota(sl_buf_str(&self), CGROUP_ROOT));
    }
    return cpus == 0 ? 1 : cpus;
}
