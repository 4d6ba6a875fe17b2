/* Objects as programs want them: -o json, yaml and name of the commands that show some. */
#ifndef SL_CLI_ROLLOUT_OBJECTS_H
#define SL_CLI_ROLLOUT_OBJECTS_H

#include "cli/rollout/cluster.h"

enum sl_form { SL_FORM_TEXT, SL_FORM_WIDE, SL_FORM_JSON, SL_FORM_YAML, SL_FORM_NAME };
extern const char *const sl_forms[]; /* "text", …; NULL at the end */

static inline bool sl_form_is_picture(int form)
{
    return form == SL_FORM_TEXT || form == SL_FORM_WIDE;
}

/* Prints one object; `singular` is what stands before its name: "rollout.sluice.dev". `form` is no
 * picture. Errors: those of the request. */
SL_MUST_USE int sl_object_print(const struct sl_cluster *cluster,
                                const struct sl_resource *resource, const char *singular,
                                const char *name, enum sl_form form, struct sl_err *err);

/* The same of all of a resource, as a v1 List. ns NULL: of all namespaces. */
SL_MUST_USE int sl_objects_print(const struct sl_cluster *cluster,
                                 const struct sl_resource *resource, const char *singular,
                                 const char *ns, const char *selector, enum sl_form form,
                                 struct sl_err *err);

#endif
