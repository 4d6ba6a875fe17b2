/* The CPU quota, from cgroups as they look in containers and on machines. */
#include "scratch.h"

#include <sched.h>

#include "run/cpus.h"

struct quota_case {
    const char *name;
    const char *self; /* /proc/self/cgroup */
    struct {
        const char *path, *text;
    } files[4];
    unsigned want;
};

static const struct quota_case cases[] = {
    {"a version 2 container sees its quota at the root",
     "0::/\n",
     {{"cpu.max", "150000 100000\n"}},
     2},
    {"half a CPU is one thread", "0::/\n", {{"cpu.max", "50000 100000\n"}}, 1},
    {"a whole number of CPUs is not rounded up", "0::/\n", {{"cpu.max", "400000 100000\n"}}, 4},
    {"max is no limit", "0::/\n", {{"cpu.max", "max 100000\n"}}, SL_CPUS_NO_LIMIT},
    {"the smallest quota on the way up binds",
     "0::/pods/a/b\n",
     {{"pods/a/b/cpu.max", "max 100000\n"},
      {"pods/a/cpu.max", "300000 100000\n"},
      {"pods/cpu.max", "800000 100000\n"}},
     3},
    {"a path of the host that is not there leaves the root",
     "0::/kubepods.slice/x\n",
     {{"cpu.max", "200000 100000\n"}},
     2},
    {"no file at all is no limit", "0::/\n", {{NULL, NULL}}, SL_CPUS_NO_LIMIT},
    {"version 1 has quota and period in two files",
     "12:pids:/a\n4:cpu,cpuacct:/docker/x\n",
     {{"cpu/docker/x/cpu.cfs_quota_us", "250000\n"},
      {"cpu/docker/x/cpu.cfs_period_us", "100000\n"}},
     3},
    {"version 1 has -1 for no limit",
     "4:cpu,cpuacct:/\n",
     {{"cpu/cpu.cfs_quota_us", "-1\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}},
     SL_CPUS_NO_LIMIT},
    {"other controllers of version 1 do not count",
     "4:cpuset:/\n",
     {{"cpu/cpu.cfs_quota_us", "100000\n"}, {"cpu/cpu.cfs_period_us", "100000\n"}},
     SL_CPUS_NO_LIMIT},
    {"a period of 0 is no limit", "0::/\n", {{"cpu.max", "100000 0\n"}}, SL_CPUS_NO_LIMIT},
    {"text that is no number is no limit", "0::/\n", {{"cpu.max", "1e5 x\n"}}, SL_CPUS_NO_LIMIT},
    {"a file without a period is no limit", "0::/\n", {{"cpu.max", "100000"}}, SL_CPUS_NO_LIMIT},
    {"numbers beyond all sense are no limit",
     "0::/\n",
     {{"cpu.max", "99999999999999999999999 1\n"}},
     SL_CPUS_NO_LIMIT},
    {"text of another shape is no limit", "nonsense", {{"cpu.max", "1 1\n"}}, SL_CPUS_NO_LIMIT},
};

static void the_quota_is_the_smallest_that_binds(void **state)
{
    struct scratch *scratch = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *root = sl_arena_printf(&scratch->arena, "%zu", i);
        (void)scratch_write(scratch, sl_arena_printf(&scratch->arena, "%s/keep", root), "");
        for (size_t f = 0; f < 4 && cases[i].files[f].path != NULL; f++) {
            (void)scratch_write(
                scratch, sl_arena_printf(&scratch->arena, "%s/%s", root, cases[i].files[f].path),
                cases[i].files[f].text);
        }
        unsigned got = sl_cpus_quota(sl_str_from(cases[i].self), scratch_path(scratch, root));
        if (got != cases[i].want) {
            fail_msg("%s: %u instead of %u", cases[i].name, got, cases[i].want);
        }
    }
}

static void there_is_always_one(void **state)
{
    (void)state;
    assert_in_range(sl_cpus(), 1, 4096);
}

static void one_allowed_cpu_is_one_thread(void **state)
{
    (void)state;
    cpu_set_t before;
    if (sched_getaffinity(0, sizeof before, &before) < 0) {
        skip(); /* a machine whose masks are larger */
    }
    cpu_set_t one;
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++) {
        if (CPU_ISSET(i, &before)) {
            CPU_SET(i, &one);
        }
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    unsigned cpus = sl_cpus();
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(cpus, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_quota_is_the_smallest_that_binds, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test(there_is_always_one),
        cmocka_unit_test(one_allowed_cpu_is_one_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
