/* How many CPUs this process may use: the smaller of its affinity mask and its cgroup's quota.
 *
 * A container that may use half a CPU on a machine with 64 should run one server thread, not 64.
 * Source: the kernel's cgroup-v2.rst ("cpu.max") and sched-bwc.rst (version 1). Any thread.
 */
#ifndef SL_RUN_CPUS_H
#define SL_RUN_CPUS_H

#include "base/str.h"

#define SL_CPUS_NO_LIMIT 0U

/* At least 1. */
unsigned sl_cpus(void);

/* The smallest quota of a cgroup and those above it, in CPUs rounded up, or SL_CPUS_NO_LIMIT.
 * `self` is the text of /proc/self/cgroup, `root` where cgroups are mounted ("/sys/fs/cgroup"). In
 * a container the path in `self` may be the host's and not exist below `root`; the quota then
 * stands at the root itself. */
unsigned sl_cpus_quota(struct sl_str self, const char *root);

#endif
