/* Signals and memory of a role's process (process.h). */
#include "run/process.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/buf.h"

#define GIVE_BACK ((int)SL_MIB) /* blocks of this size are mapped alone */

int sl_process_signals(sigset_t *ret_before, struct sl_err *err)
{
    static const int taken[] = {SIGTERM, SIGINT, SIGHUP};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        (void)sigaddset(&set, taken[i]);
    }
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        return sl_err_sys(err, errno, "cannot receive signals");
    }
    (void)sigaddset(&set, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &set, ret_before);
    return fd;
}

void sl_process_memory(unsigned arenas)
{
    (void)mallopt(M_ARENA_MAX, (int)arenas);
    (void)mallopt(M_MMAP_THRESHOLD, GIVE_BACK);
    (void)mallopt(M_TRIM_THRESHOLD, GIVE_BACK);
}

void sl_process_trim(int64_t *last, int64_t every, int64_t now)
{
    if (now - *last >= every) {
        (void)malloc_trim(0);
        *last = now;
    }
}

uint64_t sl_process_random(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) {
        number = (uint64_t)sl_clock_mono() ^ (uint64_t)getpid(); /* no pool yet: early boot */
    }
    return number;
}
