/* The limit of open files (fd_limit.h); webhook.c asks before it starts its servers. */
#include "run/fd_limit.h"

#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>

int sl_fd_limit(unsigned connections, unsigned reserve, unsigned *ret_connections,
                struct sl_err *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
        return sl_err_sys(err, errno, "cannot read the limit of open files");
    }
    rlim_t needed = (rlim_t)connections + reserve;
    if (limit.rlim_cur < needed && limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) < 0) {
            limit.rlim_cur = before;
        }
    }
    if (limit.rlim_cur <= reserve) {
        return sl_err_set(err, SL_ERR_INVALID,
                          "the limit of open files is %ju, and %u are needed besides connections; "
                          "raise it (ulimit -n)",
                          (uintmax_t)limit.rlim_cur, reserve);
    }
    rlim_t room = limit.rlim_cur - reserve;
    *ret_connections = connections < room ? connections : (unsigned)room;
    return 0;
}
