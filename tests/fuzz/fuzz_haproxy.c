/* What HAProxy answers, as anybody may answer who sits at its address: three answers in the input,
 * with a NUL in between. Whatever they say, only servers of the policy are told anything, and each
 * command is one line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/balancers/haproxy.h"

#define CHECK(truth)                                                                               \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

static const struct sl_haproxy_want wants[] = {
    {.pod = "a", .address = "10.0.0.1", .weight = SL_WEIGHT_IN},
    {.pod = "b", .address = "fd00::1", .place = "web2", .weight = SL_WEIGHT_IN},
    {.pod = "c", .address = "10.0.0.3", .place = "web1", .weight = SL_WEIGHT_OUT},
    {.pod = "d", .address = "", .weight = SL_WEIGHT_GONE, .lingered = true},
    {.pod = "web3", .address = "", .place = "web3", .weight = SL_WEIGHT_GONE, .stray = true},
};
#define WANTS (sizeof wants / sizeof wants[0])

/* Nothing in it ends a command, nor, from '!' on, a word. */
static void check_text(const char *text, char least)
{
    for (; text[0] != '\0'; text++) {
        CHECK((unsigned char)text[0] >= (unsigned char)least && text[0] != ';');
    }
}

/* "set server web/NAME …": the name, and that the line is one. */
static void check_command(const char *text, const char *prefix)
{
    static const char *const verbs[] = {"set server ", "add server ", "del server ",
                                        "enable health "};
    size_t verb = 0;
    while (verb < sizeof verbs / sizeof verbs[0] &&
           strncmp(text, verbs[verb], strlen(verbs[verb])) != 0) {
        verb++;
    }
    CHECK(verb < sizeof verbs / sizeof verbs[0]);
    const char *target = text + strlen(verbs[verb]);
    CHECK(strncmp(target, "web/", 4) == 0 && strncmp(target + 4, prefix, strlen(prefix)) == 0);
    check_text(text, ' ');
}

static void plan(const struct sl_haproxy_view *view, const char *template, const char *prefix,
                 struct sl_arena *arena)
{
    const struct sl_haproxy_side side = {
        .ns = SL_STR("shop"),
        .policy = SL_STR("web"),
        .backend = SL_STR("web"),
        .server_template = sl_str_from(template),
        .port = 80,
        .complete = true,
    };
    struct sl_haproxy_plan made;
    sl_haproxy_plan(&side, view, wants, WANTS, arena, &made);
    CHECK(made.command_count <= 4 * WANTS && made.stray_count <= view->count);
    for (size_t i = 0; i < made.command_count; i++) {
        CHECK(made.commands[i].want < WANTS);
        check_command(made.commands[i].text, prefix);
    }
    for (size_t i = 0; i < made.stray_count; i++) {
        CHECK(strncmp(made.strays[i], prefix, strlen(prefix)) == 0);
        check_text(made.strays[i], '!');
    }
    for (size_t i = 0; i < WANTS; i++) {
        CHECK(made.findings[i].trouble != NULL && made.findings[i].sessions >= -1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    /* A copy of each, so that a read past its end is seen. */
    struct sl_str rest = {.p = (const char *)data, .n = size};
    struct sl_str state = sl_arena_str(&arena, sl_str_cut(&rest, '\0'));
    struct sl_str stat = sl_arena_str(&arena, sl_str_cut(&rest, '\0'));
    struct sl_haproxy_view view = {0};
    CHECK(sl_haproxy_read_process(rest, &arena) != NULL);
    if (sl_haproxy_read_state(state, SL_STR("web"), &arena, &view, NULL) != 0) {
        return 0;
    }
    (void)sl_haproxy_read_stat(stat, &arena, &view, NULL);
    plan(&view, "", "shop:web:", &arena);
    plan(&view, "web", "web", &arena);
    return 0;
}
