"""The columns that kubectl get shows of each built-in kind: (heading, type, priority, cell of an object).

Priority 1 is for -o wide. Source: the printers of kube-apiserver.
"""

from ... import objects
from ...objects import dig
from . import pod_cells
from .ages import human, since

SHOWN = 3  # endpoints and ports in a cell
MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def get(*keys, default=""):
    """A cell that is a field."""
    return lambda obj: dig(obj, *keys, default=default)


def number(*keys):
    return get(*keys, default=0)


def count(*keys):
    return lambda obj: len(dig(obj, *keys, default=()))


def age(obj):
    return since(obj["metadata"].get("creationTimestamp"))


NAME = ("Name", "string", 0, get("metadata", "name"))
AGE = ("Age", "string", 0, age)
CREATED = ("Created At", "date", 0, get("metadata", "creationTimestamp", default=None))


def labels(found):
    return ",".join(f"{key}={value}" for key, value in sorted((found or {}).items())) or "<none>"


def _requirement(one):
    values = ",".join(sorted(one.get("values") or ()))
    return {"In": f"{one['key']} in ({values})", "NotIn": f"{one['key']} notin ({values})",
            "Exists": one["key"], "DoesNotExist": f"!{one['key']}"}[one["operator"]]


def selector(*keys):
    """A cell that is a LabelSelector."""
    def cell(obj):
        found = dig(obj, *keys, default={})
        parts = [(key, f"{key}={value}") for key, value in (found.get("matchLabels") or {}).items()]
        parts += [(one["key"], _requirement(one)) for one in found.get("matchExpressions") or ()]
        return ",".join(part for _, part in sorted(parts, key=lambda part: part[0])) or "<none>"
    return cell


def containers(field, *keys):
    """A cell with the name or the image of each container of a template."""
    return lambda obj: ",".join(one.get(field, "")
                                for one in dig(obj, *keys, "spec", "containers", default=()))


def of_template(*keys):
    return (("Containers", "string", 1, containers("name", *keys)),
            ("Images", "string", 1, containers("image", *keys)))


def ready_of(obj):
    return f"{dig(obj, 'status', 'readyReplicas', default=0)}/{dig(obj, 'spec', 'replicas', default=0)}"


def few(items, nothing):
    shown = ",".join(items[:SHOWN])
    return f"{shown} + {len(items) - SHOWN} more..." if len(items) > SHOWN else shown or nothing


def service_address(obj):
    return next(iter(obj["spec"].get("clusterIPs") or ()), "<none>")


def service_external(obj):
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return spec.get("externalName", "")
    found = list(spec.get("externalIPs") or ())
    if spec.get("type") == "LoadBalancer":
        ingress = dig(obj, "status", "loadBalancer", "ingress", default=())
        found = sorted({one.get("ip") or one.get("hostname") for one in ingress}) + found
        return ",".join(found) or "<pending>"
    return ",".join(found) or "<none>"


def service_ports(obj):
    return ",".join(f"{one['port']}" + (f":{one['nodePort']}" if one.get("nodePort") else "")
                    + f"/{one.get('protocol', 'TCP')}" for one in obj["spec"].get("ports") or ()) or "<none>"


def endpoints(obj):
    found = [f"{address['ip']}:{port['port']}" if port else address["ip"]
             for subset in obj.get("subsets") or () for port in subset.get("ports") or (None,)
             for address in subset.get("addresses") or ()]
    return few(found, "" if obj.get("subsets") else "<none>")


def slice_ports(obj):
    return few([str(one.get("port") or one.get("name") or "*") for one in obj.get("ports") or ()], "<unset>")


def slice_endpoints(obj):
    return few([address for one in obj.get("endpoints") or () for address in one["addresses"]], "<unset>")


def node_status(obj):
    ready = objects.condition(obj, "Ready")
    word = "Unknown" if ready is None else "Ready" if ready["status"] == "True" else "NotReady"
    return word + (",SchedulingDisabled" if obj.get("spec", {}).get("unschedulable") else "")


def node_roles(obj):
    prefix = "node-role.kubernetes.io/"
    return ",".join(sorted(key.removeprefix(prefix) for key in obj["metadata"].get("labels") or ()
                           if key.startswith(prefix) and key != prefix)) or "<none>"


def node_address(kind):
    def cell(obj):
        found = (one["address"] for one in dig(obj, "status", "addresses", default=()) if one["type"] == kind)
        return next(found, "<none>")
    return cell


def node_info(field):
    return lambda obj: dig(obj, "status", "nodeInfo", field) or "<unknown>"


def node_kernel(obj):
    architecture = dig(obj, "status", "nodeInfo", "architecture")
    return node_info("kernelVersion")(obj) + (f" ({architecture})" if architecture else "")


def job_status(obj):
    """The first of the conditions that holds."""
    if objects.is_true(obj, "Complete"):
        return "Complete"
    if objects.is_true(obj, "Failed"):
        return "Failed"
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    others = ("Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((kind for kind in others if objects.is_true(obj, kind)), "Running")


def job_completions(obj):
    done, parallelism = dig(obj, "status", "succeeded", default=0), obj["spec"].get("parallelism", 0)
    if "completions" in obj["spec"]:
        return f"{done}/{obj['spec']['completions']}"
    return f"{done}/1 of {parallelism}" if parallelism > 1 else f"{done}/1"


def job_duration(obj):
    start, end = dig(obj, "status", "startTime"), dig(obj, "status", "completionTime")
    if not start:
        return ""
    return human(objects.seconds(end) - objects.seconds(start)) if end else since(start)


def last_schedule(obj):
    at = dig(obj, "status", "lastScheduleTime")
    return since(at) if at else "<none>"


def revision_owner(obj):
    owner = objects.controller_of(obj)
    if owner is None:
        return "<none>"
    group = owner["apiVersion"].rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' + group if group else ''}/{owner['name']}"


def string(*keys):
    """A cell that is a number or a string, as a string."""
    return lambda obj: str(dig(obj, *keys, default="N/A"))


def event_first(obj):
    return since(obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime"))


def event_last(obj):
    at = (dig(obj, "series", "lastObservedTime") or obj.get("lastTimestamp")
          or obj.get("deprecatedLastTimestamp"))
    return since(at) if at else event_first(obj)


def event_object(obj):
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    name = about.get("name")
    return about.get("kind", "").lower() + (f"/{name}" if name else "")


def event_source(obj):
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    parts = (source.get("component") or obj.get("reportingComponent") or obj.get("reportingController"),
             source.get("host") or obj.get("reportingInstance"))
    return ", ".join(part for part in parts if part)


def event_path(obj):
    return (obj.get("involvedObject") or obj.get("regarding") or {}).get("fieldPath", "")


def event_message(obj):
    return (obj.get("message") or obj.get("note") or "").strip()


def event_count(obj):
    return dig(obj, "series", "count") or obj.get("count") or obj.get("deprecatedCount") or 1


def subjects(kind):
    def cell(obj):
        found = (one for one in obj.get("subjects") or () if one["kind"] == kind)
        return ", ".join(f"{one['namespace']}/{one['name']}" if kind == "ServiceAccount" else one["name"]
                         for one in found)
    return cell


def role(obj):
    return f"{obj['roleRef']['kind']}/{obj['roleRef']['name']}"


def quota(limits):
    """The requests, or the limits, of a ResourceQuota: used of allowed."""
    def cell(obj):
        used = dig(obj, "status", "used", default={})
        return ", ".join(f"{name}: {used.get(name, 0)}/{hard}"
                         for name, hard in sorted(dig(obj, "status", "hard", default={}).items())
                         if name.startswith("limits.") == limits)
    return cell


def autoscaled(obj):
    return f"{obj['spec']['scaleTargetRef']['kind']}/{obj['spec']['scaleTargetRef']['name']}"


def targets(obj):
    """Utilization of resources, as wanted; nothing here measures it."""
    wanted = (one["resource"] for one in obj["spec"].get("metrics") or () if one["type"] == "Resource")
    return ", ".join(f"{one['name']}: <unknown>/{one['target'].get('averageUtilization', '<auto>')}%"
                     for one in wanted) or "<none>"


def volume_phase(obj):
    if "deletionTimestamp" in obj["metadata"]:
        return "Terminating"
    return dig(obj, "status", "phase", default="")


def volume_claim(obj):
    claim = obj["spec"].get("claimRef")
    return f"{claim.get('namespace', '')}/{claim['name']}" if claim else ""


def claim_capacity(obj):
    return dig(obj, "status", "capacity", "storage", default="0") if obj["spec"].get("volumeName") else ""


def access_modes(where):
    def cell(obj):
        if where == "status" and not obj["spec"].get("volumeName"):
            return ""
        found = dig(obj, where, "accessModes", default=())
        return ",".join(short for mode, short in MODES.items() if mode in found)
    return cell


def pod_state(index):
    return lambda obj: pod_cells.state(obj)[index]


def pod_address(obj):
    return next((one["ip"] for one in dig(obj, "status", "podIPs", default=())), "") or "<none>"


_SELECTOR = ("Selector", "string", 1, selector("spec", "selector"))
_REPLICAS = (
    NAME, ("Desired", "integer", 0, number("spec", "replicas")),
    ("Current", "integer", 0, number("status", "replicas")),
    ("Ready", "integer", 0, number("status", "readyReplicas")), AGE, *of_template("spec", "template"))
_EVENTS = (
    ("Last Seen", "string", 0, event_last), ("Type", "string", 0, get("type")),
    ("Reason", "string", 0, get("reason")), ("Object", "string", 0, event_object),
    ("Subobject", "string", 1, event_path), ("Source", "string", 1, event_source),
    ("Message", "string", 0, event_message), ("First Seen", "string", 1, event_first),
    ("Count", "string", 1, event_count), ("Name", "string", 1, get("metadata", "name")))
_BINDINGS = (NAME, ("Role", "string", 0, role), AGE, ("Users", "string", 1, subjects("User")),
             ("Groups", "string", 1, subjects("Group")),
             ("ServiceAccounts", "string", 1, subjects("ServiceAccount")))
_WEBHOOKS = (NAME, ("Webhooks", "integer", 0, count("webhooks")), AGE)
OTHERS = (NAME, CREATED)  # kinds without a printer of their own

BY_KIND = {
    "namespaces": (NAME, ("Status", "string", 0, get("status", "phase")), AGE),
    "nodes": (
        NAME, ("Status", "string", 0, node_status), ("Roles", "string", 0, node_roles), AGE,
        ("Version", "string", 0, get("status", "nodeInfo", "kubeletVersion")),
        ("Internal-IP", "string", 1, node_address("InternalIP")),
        ("External-IP", "string", 1, node_address("ExternalIP")),
        ("OS-Image", "string", 1, node_info("osImage")),
        ("Kernel-Version", "string", 1, node_kernel),
        ("Container-Runtime", "string", 1, node_info("containerRuntimeVersion"))),
    "pods": (
        NAME, ("Ready", "string", 0, pod_state(0)), ("Status", "string", 0, pod_state(1)),
        ("Restarts", "string", 0, pod_state(2)), AGE, ("IP", "string", 1, pod_address),
        ("Node", "string", 1, get("spec", "nodeName", default="<none>")),
        ("Nominated Node", "string", 1, get("status", "nominatedNodeName", default="<none>")),
        ("Readiness Gates", "string", 1, pod_cells.gates)),
    "services": (
        NAME, ("Type", "string", 0, get("spec", "type")), ("Cluster-IP", "string", 0, service_address),
        ("External-IP", "string", 0, service_external), ("Port(s)", "string", 0, service_ports), AGE,
        ("Selector", "string", 1, lambda obj: labels(obj["spec"].get("selector")))),
    "endpoints": (NAME, ("Endpoints", "string", 0, endpoints), AGE),
    "configmaps": (NAME, ("Data", "string", 0, lambda obj: len(obj.get("data") or ())
                          + len(obj.get("binaryData") or ())), AGE),
    "secrets": (NAME, ("Type", "string", 0, get("type")), ("Data", "string", 0, count("data")), AGE),
    "serviceaccounts": (NAME, AGE),
    "events": _EVENTS,
    "events.events.k8s.io": _EVENTS,
    "replicationcontrollers": (*_REPLICAS, ("Selector", "string", 1,
                                            lambda obj: labels(obj["spec"].get("selector")))),
    "resourcequotas": (NAME, ("Request", "string", 0, quota(False)), ("Limit", "string", 0, quota(True)),
                       AGE),
    "persistentvolumeclaims": (
        NAME, ("Status", "string", 0, volume_phase), ("Volume", "string", 0, get("spec", "volumeName")),
        ("Capacity", "string", 0, claim_capacity), ("Access Modes", "string", 0, access_modes("status")),
        ("StorageClass", "string", 0, get("spec", "storageClassName")),
        ("VolumeAttributesClass", "string", 0, get("spec", "volumeAttributesClassName", default="<unset>")),
        AGE, ("VolumeMode", "string", 1, get("spec", "volumeMode", default="<unset>"))),
    "persistentvolumes": (
        NAME, ("Capacity", "string", 0, get("spec", "capacity", "storage", default="0")),
        ("Access Modes", "string", 0, access_modes("spec")),
        ("Reclaim Policy", "string", 0, get("spec", "persistentVolumeReclaimPolicy")),
        ("Status", "string", 0, volume_phase), ("Claim", "string", 0, volume_claim),
        ("StorageClass", "string", 0, get("spec", "storageClassName")),
        ("VolumeAttributesClass", "string", 0, get("spec", "volumeAttributesClassName", default="<unset>")),
        ("Reason", "string", 0, get("status", "reason")), AGE,
        ("VolumeMode", "string", 1, get("spec", "volumeMode", default="<unset>"))),
    "deployments.apps": (
        NAME, ("Ready", "string", 0, ready_of),
        ("Up-to-date", "string", 0, number("status", "updatedReplicas")),
        ("Available", "string", 0, number("status", "availableReplicas")), AGE,
        *of_template("spec", "template"), _SELECTOR),
    "replicasets.apps": (*_REPLICAS, _SELECTOR),
    "statefulsets.apps": (NAME, ("Ready", "string", 0, ready_of), AGE, *of_template("spec", "template")),
    "daemonsets.apps": (
        NAME, ("Desired", "integer", 0, number("status", "desiredNumberScheduled")),
        ("Current", "integer", 0, number("status", "currentNumberScheduled")),
        ("Ready", "integer", 0, number("status", "numberReady")),
        ("Up-to-date", "integer", 0, number("status", "updatedNumberScheduled")),
        ("Available", "integer", 0, number("status", "numberAvailable")),
        ("Node Selector", "string", 0,
         lambda obj: labels(dig(obj, "spec", "template", "spec", "nodeSelector"))),
        AGE, *of_template("spec", "template"), _SELECTOR),
    "controllerrevisions.apps": (NAME, ("Controller", "string", 0, revision_owner),
                                 ("Revision", "string", 0, number("revision")), AGE),
    "jobs.batch": (
        NAME, ("Status", "string", 0, job_status), ("Completions", "string", 0, job_completions),
        ("Duration", "string", 0, job_duration), AGE, *of_template("spec", "template"), _SELECTOR),
    "cronjobs.batch": (
        NAME, ("Schedule", "string", 0, get("spec", "schedule")),
        ("Timezone", "string", 0, get("spec", "timeZone", default="<none>")),
        ("Suspend", "boolean", 0, lambda obj: str(bool(dig(obj, "spec", "suspend"))).title()),
        ("Active", "integer", 0, count("status", "active")),
        ("Last Schedule", "string", 0, last_schedule), AGE,
        *of_template("spec", "jobTemplate", "spec", "template"),
        ("Selector", "string", 1, selector("spec", "jobTemplate", "spec", "selector"))),
    "poddisruptionbudgets.policy": (
        NAME, ("Min Available", "string", 0, string("spec", "minAvailable")),
        ("Max Unavailable", "string", 0, string("spec", "maxUnavailable")),
        ("Allowed Disruptions", "integer", 0, number("status", "disruptionsAllowed")), AGE),
    "leases.coordination.k8s.io": (NAME, ("Holder", "string", 0, get("spec", "holderIdentity")), AGE),
    "endpointslices.discovery.k8s.io": (
        NAME, ("AddressType", "string", 0, get("addressType")), ("Ports", "string", 0, slice_ports),
        ("Endpoints", "string", 0, slice_endpoints), AGE),
    "networkpolicies.networking.k8s.io": (
        NAME, ("Pod-Selector", "string", 0, selector("spec", "podSelector")), AGE),
    "priorityclasses.scheduling.k8s.io": (
        NAME, ("Value", "integer", 0, number("value")),
        ("Global-Default", "boolean", 0, get("globalDefault", default=False)), AGE,
        ("PreemptionPolicy", "string", 0, get("preemptionPolicy"))),
    "horizontalpodautoscalers.autoscaling": (
        NAME, ("Reference", "string", 0, autoscaled), ("Targets", "string", 0, targets),
        ("MinPods", "string", 0, lambda obj: str(dig(obj, "spec", "minReplicas", default="<unset>"))),
        ("MaxPods", "string", 0, number("spec", "maxReplicas")),
        ("Replicas", "string", 0, number("status", "currentReplicas")), AGE),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "validatingwebhookconfigurations.admissionregistration.k8s.io": _WEBHOOKS,
    "rolebindings.rbac.authorization.k8s.io": _BINDINGS,
    "clusterrolebindings.rbac.authorization.k8s.io": _BINDINGS,
}
