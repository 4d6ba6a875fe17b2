"""What the server decides itself of an object that is created or updated, whatever the request says.

Status and spec are kept apart, generations are counted, the history of an object cannot be rewritten.
Source: PrepareForCreate and PrepareForUpdate of the strategies under pkg/registry of Kubernetes 1.36.
"""

import random

from ...objects import copy, quantity, set_condition
from ...resources import ROWS
from .defaults import STATUS, TEMPLATE_GENERATION

# kind.group -> what a change of counts as a new generation
GENERATION = {
    **dict.fromkeys((
        "Pod", "ReplicationController", "ReplicaSet.apps", "StatefulSet.apps", "DaemonSet.apps",
        "Deployment.apps", "Job.batch", "CronJob.batch", "PodDisruptionBudget.policy",
        "NetworkPolicy.networking.k8s.io", "CustomResourceDefinition.apiextensions.k8s.io"), ("spec",)),
    "EndpointSlice.discovery.k8s.io": ("addressType", "endpoints", "ports"),
    "PriorityClass.scheduling.k8s.io": (),
    "MutatingWebhookConfiguration.admissionregistration.k8s.io": ("webhooks",),
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io": ("webhooks",),
}
NO_STATUS_AT_FIRST = {"Service": {"loadBalancer": {}}} | {kind: STATUS[kind] for kind in STATUS
                                                          if kind != "Namespace"}
SET_BY_SERVER = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
QOS_RESOURCES = ("cpu", "memory")
ALWAYS_NEW = ("kind", "apiVersion", "metadata")

SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # as a real server picks them: no vowels, nothing ambiguous
SUFFIX_LENGTH = 5
MAX_GENERATED = 63 - SUFFIX_LENGTH


def generated_name(base):
    return base[:MAX_GENERATED] + "".join(random.choices(SUFFIX_LETTERS, k=SUFFIX_LENGTH))


def kind_of(resource):
    return resource.kind + (f".{resource.group}" if resource.group else "")


def prepare_create(resource, obj):
    """Sets in place what a new object begins with; its uid, creationTimestamp and name are there already."""
    kind = kind_of(resource)
    custom = resource not in ROWS
    if kind in NO_STATUS_AT_FIRST:
        obj["status"] = copy(NO_STATUS_AT_FIRST[kind])
    elif custom and "status" in resource.subresources:
        obj.pop("status", None)
    if custom or kind in GENERATION:
        obj["metadata"]["generation"] = 1
    if kind == "Pod":
        _new_pod(obj)
    elif kind == "Job.batch":
        _new_job(obj)
    elif kind == "Namespace":
        obj["spec"].setdefault("finalizers", ["kubernetes"])
    elif kind == "DaemonSet.apps":
        obj["metadata"].setdefault("annotations", {})[TEMPLATE_GENERATION] = "1"


def _new_pod(pod):
    pod["status"] = {"phase": "Pending", "qosClass": qos_class(pod.setdefault("spec", {}))}
    if pod["spec"].get("schedulingGates"):
        set_condition(pod["status"], "PodScheduled", "False", "SchedulingGated",
                      "Scheduling is blocked due to non-empty scheduling gates", lastProbeTime=None,
                      at=pod["metadata"].get("creationTimestamp"))


def qos_class(spec):
    """Guaranteed, Burstable or BestEffort, by the CPU and memory of all containers."""
    any_amount, guaranteed = False, True
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name in QOS_RESOURCES:
            limit, request = limits.get(name), requests.get(name)
            any_amount = any_amount or _positive(limit) or _positive(request)
            same = request is None or limit is not None and quantity(request) == quantity(limit)
            guaranteed = guaranteed and _positive(limit) and same
    if not any_amount:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


def _positive(amount):
    return amount is not None and quantity(amount) > 0


def _new_job(job):
    """A Job is given a selector of its own, unless it has manualSelector."""
    spec, metadata = job["spec"], job["metadata"]
    if spec.get("manualSelector"):
        return
    uid, name = metadata["uid"], metadata["name"]
    labels = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name,
              "controller-uid": uid, "job-name": name}
    template = spec["template"].setdefault("metadata", {})
    template["labels"] = {**(template.get("labels") or {}), **labels}
    spec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    if not metadata.get("labels"):
        metadata["labels"] = dict(template["labels"])


def prepare_update(resource, new, old, subresource=""):
    """Sets in `new`, in place, what an update through a subresource may not change. Shares parts of `old`."""
    kind = kind_of(resource)
    custom = resource not in ROWS
    _keep_metadata(new, old)
    if subresource == "status":
        _only_status(kind, custom, new, old)
        return
    if "status" in resource.subresources:
        _take(new, old, "status")
    if subresource == "resize":
        _only_resources(new, old)
    elif subresource == "finalize":
        finalizers = (new.get("spec") or {}).get("finalizers") or []
        new["spec"] = {**(old.get("spec") or {}), "finalizers": finalizers}
    if _is_new_generation(resource, kind, custom, new, old):
        new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1
    if kind == "DaemonSet.apps":
        _count_template(new, old)


def _take(new, old, field):
    if field in old:
        new[field] = old[field]
    else:
        new.pop(field, None)


def _keep_metadata(new, old):
    metadata = new["metadata"] = dict(new["metadata"])
    for field in SET_BY_SERVER:
        value = metadata.get(field)
        if field == "uid" and value and value != old["metadata"]["uid"]:
            continue  # for validation to refuse
        _take(metadata, old["metadata"], field)


def _only_status(kind, custom, new, old):
    for field in {*new, *old} - {*ALWAYS_NEW, "status"}:
        _take(new, old, field)
    metadata = new["metadata"]
    if custom:  # nothing of it but who owns the fields
        kept = {key: metadata[key] for key in ("managedFields", "resourceVersion") if key in metadata}
        new["metadata"] = {**{key: value for key, value in old["metadata"].items() if key != "managedFields"},
                           **kept}
    elif kind == "Pod":
        _take(metadata, old["metadata"], "ownerReferences")
        was = old.get("status") or {}
        new["status"] = {**{key: was[key] for key in ("qosClass", "observedGeneration") if key in was},
                         **(new.get("status") or {})}
    elif kind == "Deployment.apps":
        _take(metadata, old["metadata"], "labels")


def _only_resources(new, old):
    """pods/resize changes the resources of containers that keep their names and order."""
    merged = {}
    for field in ("containers", "initContainers"):
        ours, theirs = new["spec"].get(field) or [], old["spec"].get(field) or []
        if [one.get("name") for one in ours] != [one["name"] for one in theirs]:
            return  # for validation to refuse
        merged[field] = [{**was, **{key: now[key] for key in ("resources", "resizePolicy") if key in now}}
                         for now, was in zip(ours, theirs)]
    new["spec"] = {**old["spec"], **{field: value for field, value in merged.items() if value}}


def _is_new_generation(resource, kind, custom, new, old):
    if custom:
        own = {"metadata", *(("status",) if "status" in resource.subresources else ())}
        return any(new.get(field) != old.get(field) for field in {*new, *old} - own - {"apiVersion"})
    changed = any(new.get(field) != old.get(field) for field in GENERATION.get(kind, ()))
    if kind == "Deployment.apps":  # its annotations are copied to its ReplicaSets
        changed = changed or new["metadata"].get("annotations", {}) != old["metadata"].get("annotations", {})
    return changed


def _count_template(new, old):
    count = int((old["metadata"].get("annotations") or {}).get(TEMPLATE_GENERATION, "0"))
    if new["spec"].get("template") != old["spec"].get("template"):
        count += 1
    new["metadata"]["annotations"] = {**(new["metadata"].get("annotations") or {}),
                                      TEMPLATE_GENERATION: str(count)}
