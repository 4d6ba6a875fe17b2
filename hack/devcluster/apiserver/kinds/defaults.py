"""The defaults of the built-in kinds: what a real server fills in when it decodes an object.

Source: defaults.go of each group under pkg/apis of Kubernetes 1.36, and what its types show when empty.
"""

import base64

from ...errors import ApiError
from . import shapes
from .defaults_pods import canonical, default_claim, default_pod, default_template, fill

CLAIM_RETENTION = (("whenDeleted", "Retain"), ("whenScaled", "Retain"))
DEPLOYMENT_UPDATE = (("maxUnavailable", "25%"), ("maxSurge", "25%"))
DAEMON_UPDATE = (("maxUnavailable", 1), ("maxSurge", 0))
AFFINITY_SECONDS = 10800
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
NAME_LABEL = "kubernetes.io/metadata.name"
RBAC = "rbac.authorization.k8s.io"
MAX_INT32 = 2 ** 31 - 1
# what the metadata of an object shows only where there is something in it
MAY_BE_EMPTY = ("labels", "annotations", "finalizers", "ownerReferences")
ZERO_IS_NOTHING = ("paused", "minReadySeconds")  # the same of the spec of a workload
NODE_INFO = ("machineID", "systemUUID", "bootID", "kernelVersion", "osImage", "containerRuntimeVersion",
             "kubeletVersion", "kubeProxyVersion", "operatingSystem", "architecture")
# kind.group -> the fields of a status that are shown even where they are zero
STATUS = {
    "Pod": {},
    "ReplicationController": {"replicas": 0},
    "Deployment.apps": {},
    "ReplicaSet.apps": {"replicas": 0},
    "StatefulSet.apps": {"replicas": 0, "availableReplicas": 0},
    "DaemonSet.apps": {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0,
                       "numberReady": 0},
    "Job.batch": {},
    "CronJob.batch": {},
    "PodDisruptionBudget.policy": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0,
                                   "expectedPods": 0},
    "Namespace": {"phase": "Active"},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "PersistentVolume": {"phase": "Pending"},
    "ResourceQuota": {},
    "HorizontalPodAutoscaler.autoscaling": {"desiredReplicas": 0, "currentMetrics": None},
}


def default(resource, obj):
    """Fills in the defaults of a built-in kind, in place. ApiError 400 for what is not of that kind."""
    try:
        shapes.check(resource.kind, obj)
        _default(resource, obj)
    except ValueError as error:
        raise ApiError("BadRequest", f'{resource.kind} in version "{resource.version}" cannot be handled as '
                                     f"a {resource.kind}: {error}") from None


def _default(resource, obj):
    _drop_nulls(obj, keep="data" if resource.kind == "ControllerRevision" else None)
    metadata = obj.setdefault("metadata", {})
    for key in MAY_BE_EMPTY:
        if not metadata.get(key, True):
            del metadata[key]
    kind = resource.kind + (f".{resource.group}" if resource.group else "")
    if kind in KINDS:
        KINDS[kind](obj)
    if kind in STATUS:
        status = obj.get("status") or {}
        obj["status"] = {**STATUS[kind], **status}


def _drop_nulls(value, keep=None):
    """A null is as good as nothing, but for the time that a condition was last probed: that one is shown.

    What is below the key `keep` stays as it is.
    """
    if isinstance(value, list):
        for one in value:
            if isinstance(one, dict | list):
                _drop_nulls(one)
        return
    for key, one in list(value.items()):
        if one is None and key != "lastProbeTime":
            del value[key]
        elif isinstance(one, dict | list) and key != keep:
            _drop_nulls(one)


def _fill_unset(target, values):
    for key, value in values:
        target.setdefault(key, value)


def _workload(obj, values=()):
    spec = obj.setdefault("spec", {})
    _fill_unset(spec, values)
    for key in ZERO_IS_NOTHING:
        if not spec.get(key, True):
            del spec[key]
    default_template(spec.setdefault("template", {}))
    return spec


def _deployment(obj):
    spec = _workload(obj, (("replicas", 1), ("revisionHistoryLimit", 10), ("progressDeadlineSeconds", 600)))
    strategy = spec.setdefault("strategy", {})
    fill(strategy, (("type", "RollingUpdate"),))
    if strategy["type"] == "RollingUpdate":
        _fill_unset(strategy.setdefault("rollingUpdate", {}), DEPLOYMENT_UPDATE)


def _daemon_set(obj):
    spec = _workload(obj, (("revisionHistoryLimit", 10),))
    obj["metadata"].setdefault("annotations", {}).setdefault(TEMPLATE_GENERATION, "0")
    strategy = spec.setdefault("updateStrategy", {})
    fill(strategy, (("type", "RollingUpdate"),))
    if strategy["type"] == "RollingUpdate":
        _fill_unset(strategy.setdefault("rollingUpdate", {}), DAEMON_UPDATE)


def _stateful_set(obj):
    spec = _workload(obj, (("replicas", 1), ("revisionHistoryLimit", 10), ("serviceName", ""),
                           ("podManagementPolicy", "OrderedReady")))
    strategy = spec.setdefault("updateStrategy", {})
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)
    fill(spec.setdefault("persistentVolumeClaimRetentionPolicy", {}), CLAIM_RETENTION)
    for claim in spec.get("volumeClaimTemplates") or ():
        fill(claim, (("kind", "PersistentVolumeClaim"), ("apiVersion", "v1")))
        default_claim(claim)
        claim["status"] = {**STATUS["PersistentVolumeClaim"], **(claim.get("status") or {})}


def _replica_set(obj):
    _workload(obj, (("replicas", 1),))


def _replication_controller(obj):
    spec = _workload(obj, (("replicas", 1),))
    labels = spec["template"]["metadata"].get("labels")
    if labels:
        fill(spec, (("selector", dict(labels)),))
        fill(obj["metadata"], (("labels", dict(labels)),))


def _job(obj):
    spec = _workload(obj)
    if "parallelism" not in spec:
        spec.setdefault("completions", 1)
    _fill_unset(spec, (
        ("parallelism", 1), ("backoffLimit", MAX_INT32 if "backoffLimitPerIndex" in spec else 6),
        ("completionMode", "NonIndexed"), ("suspend", False), ("manualSelector", False),
        ("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")))
    labels = spec["template"]["metadata"].get("labels")
    if labels:
        fill(obj["metadata"], (("labels", dict(labels)),))


def _cron_job(obj):
    spec = obj.setdefault("spec", {})
    _fill_unset(spec, (("concurrencyPolicy", "Allow"), ("suspend", False), ("successfulJobsHistoryLimit", 3),
                       ("failedJobsHistoryLimit", 1)))
    job = spec.setdefault("jobTemplate", {})
    job.setdefault("metadata", {})
    default_template(job.setdefault("spec", {}).setdefault("template", {}))


def _service(obj):
    spec = obj.setdefault("spec", {})
    fill(spec, (("sessionAffinity", "None"), ("type", "ClusterIP")))
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = spec.setdefault("sessionAffinityConfig", {}).setdefault("clientIP", {})
        client.setdefault("timeoutSeconds", AFFINITY_SECONDS)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        fill(port, (("targetPort", port.get("port")),))
    if spec["type"] in ("NodePort", "LoadBalancer"):
        fill(spec, (("externalTrafficPolicy", "Cluster"),))
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    obj.setdefault("status", {}).setdefault("loadBalancer", {})


def _namespace(obj):
    if obj["metadata"].get("name"):
        obj["metadata"]["labels"] = {**obj["metadata"].get("labels", {}), NAME_LABEL: obj["metadata"]["name"]}
    obj.setdefault("spec", {})


def _node(obj):
    obj.setdefault("spec", {})
    status = obj.setdefault("status", {})
    for amounts in (status.get("capacity"), status.get("allocatable")):
        canonical(amounts)
    if status.get("capacity"):
        status.setdefault("allocatable", dict(status["capacity"]))
    status.setdefault("daemonEndpoints", {}).setdefault("kubeletEndpoint", {}).setdefault("Port", 0)
    _fill_unset(status.setdefault("nodeInfo", {}), [(name, "") for name in NODE_INFO])


def _secret(obj):
    fill(obj, (("type", "Opaque"),))
    for key, text in (obj.pop("stringData", None) or {}).items():
        obj.setdefault("data", {})[key] = base64.b64encode(text.encode()).decode()


def _config_map(obj):
    for field in ("data", "binaryData"):
        if not obj.get(field, True):
            del obj[field]


def _persistent_volume(obj):
    spec = obj.setdefault("spec", {})
    _fill_unset(spec, (("persistentVolumeReclaimPolicy", "Retain"), ("volumeMode", "Filesystem")))
    canonical(spec.get("capacity"))
    if spec.get("hostPath"):
        spec["hostPath"].setdefault("type", "")


def _endpoints(obj):
    for subset in obj.get("subsets") or ():
        for port in subset.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _endpoint_slice(obj):
    for endpoint in obj.setdefault("endpoints", []):
        endpoint.setdefault("conditions", {})
    for port in obj.setdefault("ports", []):
        _fill_unset(port, (("name", ""), ("protocol", "TCP")))


def _network_policy(obj):
    spec = obj.setdefault("spec", {})
    for rule in [*(spec.get("ingress") or ()), *(spec.get("egress") or ())]:
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")
    fill(spec, (("policyTypes", ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]),))


def _binding(obj):
    fill(obj.setdefault("roleRef", {}), (("apiGroup", RBAC),))
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group"):
            fill(subject, (("apiGroup", RBAC),))


def _limit_range(obj):
    for limit in obj.setdefault("spec", {}).setdefault("limits", []):
        for field in ("max", "min", "default", "defaultRequest"):
            canonical(limit.get(field))
        if limit.get("type") == "Container":
            limit["default"] = {**limit.get("max", {}), **limit.get("default", {})}
            limit["defaultRequest"] = {**limit.get("min", {}), **limit["default"],
                                       **limit.get("defaultRequest", {})}


def _quota(obj):
    canonical(obj.setdefault("spec", {}).get("hard"))


def _autoscaler(obj):
    obj.setdefault("spec", {}).setdefault("minReplicas", 1)


def _webhooks(obj):
    mutating = obj["kind"].startswith("Mutating")
    for webhook in obj.get("webhooks") or ():
        _fill_unset(webhook, (("failurePolicy", "Fail"), ("matchPolicy", "Equivalent"),
                              ("timeoutSeconds", 10)))
        webhook.setdefault("namespaceSelector", {})
        webhook.setdefault("objectSelector", {})
        if mutating:
            webhook.setdefault("reinvocationPolicy", "Never")
        if webhook.get("clientConfig", {}).get("service"):
            webhook["clientConfig"]["service"].setdefault("port", 443)
        for rule in webhook.get("rules") or ():
            rule.setdefault("scope", "*")


def _definition(obj):
    spec = obj.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if names.get("kind"):
        fill(names, (("singular", names["kind"].lower()), ("listKind", names["kind"] + "List")))
    spec.setdefault("conversion", {"strategy": "None"})


def _priority_class(obj):
    obj.setdefault("preemptionPolicy", "PreemptLowerPriority")


KINDS = {
    "Pod": default_pod,
    "Deployment.apps": _deployment,
    "ReplicaSet.apps": _replica_set,
    "StatefulSet.apps": _stateful_set,
    "DaemonSet.apps": _daemon_set,
    "ReplicationController": _replication_controller,
    "Job.batch": _job,
    "CronJob.batch": _cron_job,
    "Service": _service,
    "Namespace": _namespace,
    "Node": _node,
    "Secret": _secret,
    "ConfigMap": _config_map,
    "PersistentVolumeClaim": default_claim,
    "PersistentVolume": _persistent_volume,
    "Endpoints": _endpoints,
    "EndpointSlice.discovery.k8s.io": _endpoint_slice,
    "NetworkPolicy.networking.k8s.io": _network_policy,
    "RoleBinding.rbac.authorization.k8s.io": _binding,
    "ClusterRoleBinding.rbac.authorization.k8s.io": _binding,
    "LimitRange": _limit_range,
    "ResourceQuota": _quota,
    "HorizontalPodAutoscaler.autoscaling": _autoscaler,
    "MutatingWebhookConfiguration.admissionregistration.k8s.io": _webhooks,
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io": _webhooks,
    "CustomResourceDefinition.apiextensions.k8s.io": _definition,
    "PriorityClass.scheduling.k8s.io": _priority_class,
}
