/* Pod UPDATE: an image change of a managed pod is marked, and refused while the pod serves. */
#include "support.h"

#define UPDATE .operation = "UPDATE", .group = "", .resource = "pods"
#define MANAGED "\"sluice.dev/traffic-policy\":\"web\""
#define POD(labels, more, image, status)                                                           \
    "{\"metadata\":{\"name\":\"web-0\",\"labels\":{" labels "}" more                               \
    "},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"" image "\"}]},\"status\":{" status   \
    "}}"
#define CONDITION(status, reason)                                                                  \
    "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"},{\"type\":\"sluice.dev/"             \
    "traffic-ready\",\"status\":\"" status "\",\"reason\":\"" reason "\"}]"
#define IN_SERVICE CONDITION("True", "InService")
#define OWNER                                                                                      \
    ",\"ownerReferences\":[{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"name\":\"web\"," \
    "\"controller\":true}]"
#define JOB                                                                                        \
    ",\"ownerReferences\":[{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"name\":\"j\","          \
    "\"controller\":true}]"
#define FORCE ",\"annotations\":{\"sluice.dev/force\":\"true\"}"
#define MARKED                                                                                     \
    "[{\"op\":\"add\",\"path\":\"/metadata/labels/sluice.dev~1upgrading\",\"value\":\"true\"}]"
#define SIDECAR(image)                                                                             \
    "{\"metadata\":{\"labels\":{}},\"spec\":{\"readinessGates\":[{\"conditionType\":\"sluice.dev/" \
    "traffic-ready\"}],\"containers\":[{\"image\":\"a\"}],\"initContainers\":[{\"image\":\"" image \
    "\"}]}}"

static const struct review_case cases[] = {
    {.name = "an image change of a drained pod is marked",
     UPDATE,
     .object = POD(MANAGED, "", "i:2", CONDITION("False", "Drained")),
     .old = POD(MANAGED, "", "i:1", CONDITION("False", "Drained")),
     .want = SL_PATCHED,
     .patch = MARKED},
    {.name = "an image change of a pod in service is refused, with what to do instead",
     UPDATE,
     .object = POD(MANAGED, OWNER, "i:2", IN_SERVICE),
     .old = POD(MANAGED, OWNER, "i:1", IN_SERVICE),
     .want = SL_DENIED,
     .why = "Change the pod template of StatefulSet web instead"},
    {.name = "a bare pod in service: the advice does not speak of a template",
     UPDATE,
     .object = POD(MANAGED, "", "i:2", IN_SERVICE),
     .old = POD(MANAGED, "", "i:1", IN_SERVICE),
     .want = SL_DENIED,
     .why = "Delete the pod"},
    {.name = "sluice.dev/force on the pod allows it with a warning",
     UPDATE,
     .object = POD(MANAGED, FORCE, "i:2", IN_SERVICE),
     .old = POD(MANAGED, "", "i:1", IN_SERVICE),
     .want = SL_PATCHED,
     .patch = MARKED,
     .warning = "sluice.dev/force"},
    {.name = "a condition that is not True is not in service, whatever its reason",
     UPDATE,
     .object = POD(MANAGED, "", "i:2", CONDITION("False", "InService")),
     .old = POD(MANAGED, "", "i:1", CONDITION("False", "InService")),
     .want = SL_PATCHED,
     .patch = MARKED},
    {.name = "a Job's pod is never touched, whatever labels it carries",
     UPDATE,
     .object = POD(MANAGED, JOB, "i:2", IN_SERVICE),
     .old = POD(MANAGED, JOB, "i:1", IN_SERVICE),
     .why = "not managed"},
    {.name = "the reconciler may change the image of a pod in service",
     UPDATE,
     .user = RECONCILER,
     .object = POD(MANAGED, "", "i:2", IN_SERVICE),
     .old = POD(MANAGED, "", "i:1", IN_SERVICE),
     .want = SL_PATCHED,
     .patch = MARKED},
    {.name = "a status that the update itself claims does not count",
     UPDATE,
     .object = POD(MANAGED, "", "i:2", CONDITION("False", "Drained")),
     .old = POD(MANAGED, "", "i:1", IN_SERVICE),
     .want = SL_DENIED},
    {.name = "a pod that is marked already is left as it is",
     UPDATE,
     .object = POD(MANAGED ",\"sluice.dev/upgrading\":\"x\"", "", "i:2", ""),
     .old = POD(MANAGED, "", "i:1", ""),
     .why = "an image changes"},
    {.name = "the gate alone makes a pod managed; an image of an initContainer counts",
     UPDATE,
     .object = SIDECAR("b"),
     .old = SIDECAR("a"),
     .want = SL_PATCHED,
     .patch = MARKED},
    {.name = "taking the label off in the same update does not get around it",
     UPDATE,
     .object = POD("", "", "i:2", IN_SERVICE),
     .old = POD(MANAGED, "", "i:1", IN_SERVICE),
     .want = SL_DENIED},
    {.name = "no image changes",
     UPDATE,
     .object = POD(MANAGED ",\"a\":\"b\"", "", "i:1", IN_SERVICE),
     .old = POD(MANAGED, "", "i:1", IN_SERVICE),
     .why = "no image changes"},
    {.name = "a pod that is not managed",
     UPDATE,
     .object = POD("", "", "i:2", ""),
     .old = POD("", "", "i:1", ""),
     .why = "not managed"},
    {.name = "the status subresource",
     UPDATE,
     .sub_resource = "status",
     .object = POD(MANAGED, "", "i:2", IN_SERVICE),
     .old = POD(MANAGED, "", "i:1", IN_SERVICE),
     .why = "subresource"},
};

static void each_update_is_answered_as_the_table_says(void **state)
{
    (void)state;
    CHECK_CASES(cases, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_update_is_answered_as_the_table_says),
    };
    return cmocka_run_group_tests_name("pod update", tests, NULL, NULL);
}
