/* Drains that evictions ask for, as patches (drain_orders.h). */
#include "run/webhook/drain_orders.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/file.h"
#include "base/log.h"
#include "core/names.h"

#define PATCH_TIMEOUT (10 * SL_NS_PER_S) /* whoever evicts asks again at least as often */
#define BODY_MAX (16 * SL_KIB)

/* Its texts do not change as long as it is on the list, so that the loop reads them unlocked. */
struct item {
    struct sl_arena arena; /* holds the texts */
    struct sl_drain_order order;
    bool sent;
};

struct sl_drain_orders {
    int wakeup;            /* eventfd */
    bool failing;          /* as last logged; the loop's alone */
    pthread_mutex_t mutex; /* guards all below */
    struct item *items[SL_DRAIN_ORDERS_MAX];
    size_t count;
    struct sl_drain_orders_stats stats;
};

int sl_drain_orders_open(struct sl_drain_orders **ret_orders, struct sl_err *err)
{
    int wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wakeup < 0) {
        return sl_err_sys(err, errno, "cannot make an eventfd");
    }
    struct sl_drain_orders *orders = calloc(1, sizeof *orders);
    if (orders == NULL || pthread_mutex_init(&orders->mutex, NULL) != 0) {
        abort();
    }
    orders->wakeup = wakeup;
    *ret_orders = orders;
    return 0;
}

static void free_item(struct item *item)
{
    sl_arena_cleanup(&item->arena);
    free(item);
}

void sl_drain_orders_close(struct sl_drain_orders *orders)
{
    if (orders == NULL) {
        return;
    }
    for (size_t i = 0; i < orders->count; i++) {
        free_item(orders->items[i]);
    }
    sl_fd_cleanup(&orders->wakeup);
    (void)pthread_mutex_destroy(&orders->mutex);
    free(orders);
}

static struct item *copy(const struct sl_drain_order *order)
{
    struct item *item = calloc(1, sizeof *item);
    if (item == NULL) {
        abort();
    }
    item->order = (struct sl_drain_order){
        .ns = sl_arena_str(&item->arena, order->ns),
        .name = sl_arena_str(&item->arena, order->name),
        .uid = sl_arena_str(&item->arena, order->uid),
        .resource_version = sl_arena_str(&item->arena, order->resource_version),
        .annotation = sl_arena_str(&item->arena, order->annotation),
    };
    return item;
}

static bool is_under_way(const struct sl_drain_orders *orders, struct sl_str uid)
{
    for (size_t i = 0; i < orders->count; i++) {
        if (sl_str_eq(orders->items[i]->order.uid, uid)) {
            return true;
        }
    }
    return false;
}

void sl_drain_orders_add(struct sl_drain_orders *orders, const struct sl_drain_order *order)
{
    bool added = false;
    (void)pthread_mutex_lock(&orders->mutex);
    if (orders->count == SL_DRAIN_ORDERS_MAX) {
        orders->stats.failed++;
    } else if (!is_under_way(orders, order->uid)) {
        orders->items[orders->count++] = copy(order);
        added = true;
    }
    (void)pthread_mutex_unlock(&orders->mutex);
    if (added) {
        (void)eventfd_write(orders->wakeup, 1); /* full: it is readable already */
    }
}

int sl_drain_orders_fd(const struct sl_drain_orders *orders)
{
    return orders->wakeup;
}

static void send_patch(struct item *item, struct sl_client *client, int64_t now)
{
    const struct sl_drain_order *order = &item->order;
    SL_AUTO(sl_buf) struct sl_buf body = SL_BUF_INIT(BODY_MAX);
    sl_buf_adds(&body, "{\"metadata\":{\"uid\":");
    sl_buf_add_json_string(&body, order->uid);
    sl_buf_adds(&body, ",\"resourceVersion\":");
    sl_buf_add_json_string(&body, order->resource_version);
    sl_buf_adds(&body, ",\"annotations\":{\"" SL_ANNOTATION_DRAIN "\":");
    sl_buf_add_json_string(&body, order->annotation);
    sl_buf_adds(&body, "}}}");
    const struct sl_request request = {
        .verb = SL_PATCH_OBJECT,
        .resource = {SL_STR(""), SL_STR("v1"), SL_STR("pods")},
        .ns = order->ns,
        .name = order->name,
        .body = sl_buf_str(&body),
        .content_type = "application/merge-patch+json",
        .timeout = PATCH_TIMEOUT,
    };
    (void)sl_client_send(client, &request, item, now);
}

void sl_drain_orders_send(struct sl_drain_orders *orders, struct sl_client *client, int64_t now)
{
    struct item *unsent[SL_DRAIN_ORDERS_MAX];
    size_t count = 0;
    eventfd_t wakeups;
    (void)eventfd_read(orders->wakeup,
                       &wakeups); /* before the list: what comes later wakes again */
    (void)pthread_mutex_lock(&orders->mutex);
    for (size_t i = 0; i < orders->count; i++) {
        if (!orders->items[i]->sent) {
            orders->items[i]->sent = true;
            unsent[count++] = orders->items[i];
        }
    }
    (void)pthread_mutex_unlock(&orders->mutex);
    for (size_t i = 0; i < count; i++) {
        send_patch(unsent[i], client, now);
    }
}

/* A pod that changed or went meanwhile is no failure to complain of. */
static void log_reply(struct sl_drain_orders *orders, const struct item *item,
                      const struct sl_reply *reply)
{
    enum sl_err_kind kind = reply->err.kind;
    bool fails = kind != SL_ERR_NONE && kind != SL_ERR_CONFLICT && kind != SL_ERR_NOT_FOUND;
    if (fails && !orders->failing) {
        sl_log(SL_LOG_WARN, "cannot have a pod drained that is to be evicted",
               SL_LOG_TEXT("ns", item->order.ns), SL_LOG_TEXT("name", item->order.name),
               SL_LOG_CSTR("err", reply->err.msg));
    } else if (kind == SL_ERR_NONE && orders->failing) {
        sl_log(SL_LOG_INFO, "can have pods drained again");
    } else if (kind == SL_ERR_NONE) {
        sl_log(SL_LOG_DEBUG, "has a pod drained that is to be evicted",
               SL_LOG_TEXT("ns", item->order.ns), SL_LOG_TEXT("name", item->order.name));
    }
    orders->failing = fails || (orders->failing && kind != SL_ERR_NONE);
}

void sl_drain_orders_reply(struct sl_drain_orders *orders, const struct sl_reply *reply)
{
    struct item *item = reply->tag;
    bool done = reply->err.kind == SL_ERR_NONE;
    log_reply(orders, item, reply);
    (void)pthread_mutex_lock(&orders->mutex);
    for (size_t i = 0; i < orders->count; i++) {
        if (orders->items[i] == item) {
            orders->items[i] = orders->items[--orders->count];
            break;
        }
    }
    orders->stats.done += done ? 1 : 0;
    orders->stats.failed += done ? 0 : 1;
    (void)pthread_mutex_unlock(&orders->mutex);
    free_item(item);
}

void sl_drain_orders_stats(struct sl_drain_orders *orders, struct sl_drain_orders_stats *ret_stats)
{
    (void)pthread_mutex_lock(&orders->mutex);
    *ret_stats = orders->stats;
    (void)pthread_mutex_unlock(&orders->mutex);
}
