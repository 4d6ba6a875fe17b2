/* A connection to HAProxy's Runtime API: commands out, one answer each back.
 *
 *     ask() → turn() … until ANSWERED → answer(0), answer(1), … → ask() again, or hang_up()
 *
 * In its interactive mode (`prompt`) HAProxy takes any number of commands on one connection, one
 * after the other, and ends each answer with "\n> ". Without it the answers of several commands
 * could not be told apart. A connection is not kept beyond a few questions: after a reload, the
 * process that goes on with old sessions would go on answering, too.
 *
 * Everything has a limit: 2 s from a question to its answers, 15 s for a name's address, 16 MiB of
 * answers. Nothing blocks. Threads: one. Used by haproxy.c alone.
 */
#ifndef SL_RUN_BALANCERS_RUNTIME_API_H
#define SL_RUN_BALANCERS_RUNTIME_API_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

/* A descriptor to be waited for: events as epoll's; 0: not any more. */
typedef void sl_runtime_api_watch(void *ctx, int fd, uint32_t events);

struct sl_runtime_api;

struct sl_runtime_api *sl_runtime_api_open(sl_runtime_api_watch *watch, void *ctx);
void sl_runtime_api_close(struct sl_runtime_api *api); /* NULL is fine */
SL_AUTO_PTR(sl_runtime_api, struct sl_runtime_api, sl_runtime_api_close);

/* Asks, all at once, on the connection that is open or a new one to `address`: tcp://HOST:PORT or
 * unix:///PATH. Commands are lines without their end; all is copied. Nothing may be under way. */
void sl_runtime_api_ask(struct sl_runtime_api *api, struct sl_str address,
                        const char *const *commands, size_t count, int64_t now);
/* Closes the connection, whatever is under way. */
void sl_runtime_api_hang_up(struct sl_runtime_api *api);

enum sl_runtime_api_state { SL_RUNTIME_API_WAITS, SL_RUNTIME_API_ANSWERED, SL_RUNTIME_API_FAILED };

/* Goes on with what was asked. FAILED: `err` says why, and it is hung up. */
enum sl_runtime_api_state sl_runtime_api_turn(struct sl_runtime_api *api, int64_t now,
                                              struct sl_err *err);
int64_t sl_runtime_api_due(const struct sl_runtime_api *api); /* sl_clock_mono(); INT64_MAX */

/* The index-th answer, without the empty line at its end; lives until the next question. */
struct sl_str sl_runtime_api_answer(const struct sl_runtime_api *api, size_t index);

#endif
