/* Drives run/balancers from standard input, so that a test in Python can put a real HAProxy,
 * clients and servers around it. One command a line, one line of answer each:
 *
 *     policy NS NAME [BALANCER ADDRESS BACKEND TEMPLATE PORT]…   - for no template; none: it is
 * gone want NS NAME INDEX UID POD ADDRESS WEIGHT                  - for no address member NS NAME
 * INDEX UID     → member STATE SESSIONS TROUBLE health INDEX                 → health ANSWERS
 * CORRECTIONS TROUBLE forget UID, complete
 *
 * In between come, unasked, "changed UID" and "corrected NOTE". */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run/balancers/balancers.h"

#define WORDS_MAX 100

struct driver {
    struct sl_balancers *balancers;
    char *words[WORDS_MAX]; /* of the command */
    size_t count;
};

static void changed(void *ctx, const char *uid)
{
    (void)ctx;
    (void)printf("changed %s\n", uid);
}

static void corrected(void *ctx, const char *ns, const char *policy, const char *note)
{
    (void)ctx;
    (void)printf("corrected %s %s %s\n", ns, policy, note);
}

static const char *text(const char *word)
{
    return strcmp(word, "-") == 0 ? "" : word;
}

static size_t number(const char *word)
{
    return (size_t)strtoul(word, NULL, 10);
}

static void policy(struct driver *driver)
{
    char **words = driver->words;
    struct sl_load_balancer items[4] = {0};
    struct sl_traffic_policy policy = {.load_balancers = {.items = items}};
    for (size_t i = 3; i + 4 < driver->count; i += 5) {
        items[policy.load_balancers.count++] = (struct sl_load_balancer){
            .name = sl_str_from(words[i]),
            .has_haproxy = true,
            .haproxy = {.address = sl_str_from(words[i + 1]),
                        .backend = sl_str_from(words[i + 2]),
                        .server_template = sl_str_from(text(words[i + 3])),
                        .port = (int64_t)number(words[i + 4])},
        };
    }
    sl_balancers_policy(driver->balancers, sl_str_from(words[1]), sl_str_from(words[2]),
                        driver->count > 3 ? &policy : NULL, sl_clock_mono());
    (void)printf("ok\n");
}

static void want(struct driver *driver)
{
    char **words = driver->words;
    const struct sl_member_want want = {.uid = words[4],
                                        .pod = words[5],
                                        .address = text(words[6]),
                                        .weight = (int)strtol(words[7], NULL, 10)};
    sl_balancers_want(driver->balancers, sl_str_from(words[1]), sl_str_from(words[2]),
                      number(words[3]), &want, sl_clock_mono());
    (void)printf("ok\n");
}

static void member(struct driver *driver)
{
    static const char *const names[] = {"Unknown", "Absent", "Out", "In"};
    char **words = driver->words;
    struct sl_member is;
    sl_balancers_member(driver->balancers, sl_str_from(words[1]), sl_str_from(words[2]),
                        number(words[3]), words[4], &is);
    (void)printf("member %s %lld %s\n", names[is.state], (long long)is.sessions, is.trouble);
}

static void health(struct driver *driver)
{
    struct sl_balancer_health health = {.trouble = "there is none"};
    (void)sl_balancers_health(driver->balancers, number(driver->words[1]), &health);
    (void)printf("health %s %llu %s\n", health.answers ? "yes" : "no",
                 (unsigned long long)health.corrections, health.trouble);
}

static void forget(struct driver *driver)
{
    sl_balancers_forget(driver->balancers, driver->words[1], sl_clock_mono());
    (void)printf("ok\n");
}

static void complete(struct driver *driver)
{
    sl_balancers_complete(driver->balancers);
    (void)printf("ok\n");
}

static const struct {
    const char *name;
    size_t words; /* at least */
    void (*run)(struct driver *driver);
} commands[] = {
    {"policy", 3, policy}, {"want", 8, want},     {"member", 5, member},
    {"health", 2, health}, {"forget", 2, forget}, {"complete", 1, complete},
};

static void split(struct driver *driver, char *line)
{
    char *rest = NULL;
    driver->count = 0;
    for (char *word = strtok_r(line, " \n", &rest); word != NULL && driver->count < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest)) {
        driver->words[driver->count++] = word;
    }
}

static void run(struct driver *driver)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (driver->count >= commands[i].words && strcmp(driver->words[0], commands[i].name) == 0) {
            commands[i].run(driver);
            return;
        }
    }
    (void)fprintf(stderr, "balancers_driver: no such command\n");
    exit(2);
}

static int wait_for(const struct driver *driver, struct pollfd fds[static 2])
{
    int64_t left = sl_balancers_due(driver->balancers) - sl_clock_mono();
    left = left < 0 ? 0 : left;
    left = left > SL_NS_PER_S ? SL_NS_PER_S : left;
    return poll(fds, 2, (int)((left + SL_NS_PER_MS - 1) / SL_NS_PER_MS));
}

int main(void)
{
    const struct sl_balancers_options options = {
        .changed = changed, .corrected = corrected, .seed = 1};
    SL_AUTO(sl_balancers) struct sl_balancers *balancers = sl_balancers_open(&options);
    char line[4096] = "";
    struct driver driver = {.balancers = balancers, .words = {line}};
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = sl_balancers_fd(balancers), .events = POLLIN}};
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* what is read ahead would not be seen by poll() */
    while (wait_for(&driver, fds) >= 0) {
        if (fds[0].revents != 0) {
            if (fgets(line, sizeof line, stdin) == NULL) {
                return 0;
            }
            split(&driver, line);
            run(&driver);
        }
        sl_balancers_turn(balancers, sl_clock_mono(), sl_clock_wall());
    }
    return 1;
}
