/* Objects as they are (objects.h). */
#include "cli/rollout/objects.h"

#include "codec/jscan.h"
#include "codec/json.h"
#include "codec/yaml.h"

#define OUTPUT_MAX (64 * SL_MIB)

const char *const sl_forms[] = {
    [SL_FORM_TEXT] = "text", [SL_FORM_WIDE] = "wide", [SL_FORM_JSON] = "json",
    [SL_FORM_YAML] = "yaml", [SL_FORM_NAME] = "name", NULL};

static int print(const struct sl_buf *out, struct sl_err *err)
{
    return sl_buf_check(out, "the output", err) < 0 || sl_command_print(sl_buf_str(out), err) < 0
               ? -1
               : 0;
}

/* JSON text, or the same as YAML. */
static int print_json(struct sl_str json, enum sl_form form, struct sl_err *err)
{
    SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(2 * OUTPUT_MAX);
    SL_AUTO(sl_json) struct json_object *object = NULL;
    if (form == SL_FORM_JSON) {
        sl_buf_addstr(&out, json);
        sl_buf_adds(&out, sl_str_ends(json, SL_STR("\n")) ? "" : "\n");
    } else if (sl_json_parse(json, &object, err) < 0 || sl_yaml_write(object, &out, err) < 0) {
        return -1;
    }
    return print(&out, err);
}

int sl_object_print(const struct sl_cluster *cluster, const struct sl_resource *resource,
                    const char *singular, const char *name, enum sl_form form, struct sl_err *err)
{
    SL_AUTO(sl_reply) struct sl_reply reply = {0};
    if (sl_cluster_get(cluster, resource, sl_str_from(name), &reply, err) < 0) {
        return -1;
    }
    if (form == SL_FORM_NAME) {
        SL_AUTO(sl_buf) struct sl_buf out = SL_BUF_INIT(SL_KIB);
        sl_buf_addf(&out, "%s/%s\n", singular, name);
        return print(&out, err);
    }
    return print_json(sl_buf_str(&reply.body), form, err);
}

/* --- lists --- */

struct listing {
    const char *singular;
    enum sl_form form;
    struct sl_buf out;
    size_t count;
};

static void listing_cleanup(struct listing *listing)
{
    sl_buf_cleanup(&listing->out);
}

static const struct sl_jrow name_rows[] = {{.key = "name", .at = 0}, {0}};
static const struct sl_jrow metadata_rows[] = {
    {.key = "metadata", .at = SL_JROW_NO_VALUE, .rows = name_rows},
    {0},
};

static int add(void *ctx, struct sl_str json, struct sl_err *err)
{
    SL_AUTO(sl_arena) struct sl_arena arena = {0};
    struct listing *listing = ctx;
    struct sl_jval name = {0};
    if (listing->form != SL_FORM_NAME) {
        sl_buf_adds(&listing->out, listing->count++ == 0 ? "" : ",");
        sl_buf_addstr(&listing->out, json);
        return 0;
    }
    if (sl_jscan(json, metadata_rows, &name, NULL, err) < 0) {
        return -1;
    }
    sl_buf_addf(&listing->out, "%s/%.*s\n", listing->singular,
                SL_STR_FMT(sl_jval_str(name, &arena)));
    return 0;
}

int sl_objects_print(const struct sl_cluster *cluster, const struct sl_resource *resource,
                     const char *singular, const char *ns, const char *selector, enum sl_form form,
                     struct sl_err *err)
{
    SL_AUTO(listing)
    struct listing listing = {.singular = singular, .form = form, .out = SL_BUF_INIT(OUTPUT_MAX)};
    bool is_json = form != SL_FORM_NAME;
    sl_buf_adds(&listing.out,
                is_json ? "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[" : "");
    if (sl_cluster_list(cluster, resource, ns, selector, add, &listing, err) < 0) {
        return -1;
    }
    sl_buf_adds(&listing.out, is_json ? "]}\n" : "");
    if (sl_buf_check(&listing.out, "the list", err) < 0) {
        return -1;
    }
    return is_json ? print_json(sl_buf_str(&listing.out), form, err) : print(&listing.out, err);
}
