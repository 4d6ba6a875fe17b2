/* The write of a traffic plan as the body of its request (lifecycle.h): strategic merge patches, in
 * which finalizers merge and are deleted one by one (FACTS 13), and conditions merge by their type.
 */
#include "codec/timestamp.h"
#include "core/names.h"
#include "core/traffic/lifecycle.h"

static void add_preconditions(struct sl_buf *out, const struct sl_record *record)
{
    sl_buf_adds(out, "{\"metadata\":{\"uid\":");
    sl_buf_add_json_string(out, sl_str_from(record->uid));
    sl_buf_adds(out, ",\"resourceVersion\":");
    sl_buf_add_json_string(out, sl_str_from(record->resource_version));
}

/* metav1.Condition: the time is that of the last change of `status`, whatever the reason does. */
static void add_status(const struct sl_pod_record *pod, const struct sl_traffic_write *write,
                       int64_t now, struct sl_buf *out)
{
    char changed[SL_TIMESTAMP_SIZE];
    bool same = pod->traffic_changed != 0 && pod->traffic_ready == write->gate;
    sl_timestamp_write(same ? pod->traffic_changed : now, changed);
    sl_buf_addf(out,
                "},\"status\":{\"conditions\":[{\"type\":\"" SL_GATE "\",\"status\":\"%s\","
                "\"reason\":\"%s\",\"message\":",
                write->gate ? "True" : "False", sl_traffic_state_names[write->state]);
    sl_buf_add_json_string(out, sl_str_from(write->message));
    sl_buf_addf(out, ",\"lastTransitionTime\":\"%s\"}]}}", changed);
}

static void add_finalizers(const char *key, const char *const *names, size_t count,
                           struct sl_buf *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            sl_buf_addf(out, ",\"%s\":[", key);
        }
        sl_buf_addf(out, "%s\"" SL_FINALIZER_PREFIX "%s\"", i == 0 ? "" : ",", names[i]);
        if (i + 1 == count) {
            sl_buf_addc(out, ']');
        }
    }
}

static void add_annotations(const struct sl_traffic_write *write, struct sl_buf *out)
{
    bool both = write->drain.p != NULL && write->cost != SL_COST_AS_IS;
    if (write->drain.p == NULL && write->cost == SL_COST_AS_IS) {
        return;
    }
    sl_buf_adds(out, ",\"annotations\":{");
    if (write->drain.p != NULL) {
        sl_buf_adds(out, "\"" SL_ANNOTATION_DRAIN "\":");
        if (write->drain.n == 0) {
            sl_buf_adds(out, "null");
        } else {
            sl_buf_add_json_string(out, write->drain);
        }
    }
    sl_buf_adds(out, both ? "," : "");
    if (write->cost != SL_COST_AS_IS) {
        bool on = write->cost == SL_COST_ON;
        sl_buf_addf(out, "\"" SL_ANNOTATION_COST "\":%s", on ? "\"" SL_COST_DRAINED "\"" : "null");
    }
    sl_buf_addc(out, '}');
}

static void add_metadata(const struct sl_traffic_write *write, struct sl_buf *out)
{
    if (write->policy != NULL) {
        sl_buf_adds(out, ",\"labels\":{\"" SL_LABEL_POLICY "\":");
        if (write->policy[0] == '\0') {
            sl_buf_adds(out, "null");
        } else {
            sl_buf_add_json_string(out, sl_str_from(write->policy));
        }
        sl_buf_addc(out, '}');
    }
    add_annotations(write, out);
    add_finalizers("finalizers", write->finalizers_on, write->finalizers_on_count, out);
    add_finalizers("$deleteFromPrimitiveList/finalizers", write->finalizers_off,
                   write->finalizers_off_count, out);
    sl_buf_adds(out, "}}");
}

void sl_traffic_write_body(const struct sl_pod_record *pod, const struct sl_traffic_write *write,
                           int64_t now, struct sl_buf *out)
{
    add_preconditions(out, &pod->record);
    if (write->status) {
        add_status(pod, write, now, out);
    } else {
        add_metadata(write, out);
    }
}
