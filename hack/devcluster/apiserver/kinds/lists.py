"""What the lists and maps of each kind are to patches and to field ownership.

Only what differs from the rule is a row: a map is merged and owned key by key; a list is replaced as a whole
and has one owner. Source: the x-kubernetes-list-type, -map-type and -patch-* marks of the Kubernetes 1.36
OpenAPI document and, for a custom kind, those of its own schema.
"""

import dataclasses
import functools


@dataclasses.dataclass(frozen=True, eq=False)
class Type:
    """The type of one field.

    fields   the fields of a structure that have a type of their own
    items    the elements of a list, or the values of a map
    keys     server-side apply: a list whose elements are told apart by these fields
    unique   server-side apply: a list of values that occur once
    atomic   server-side apply: one owner for everything below
    merge    strategic merge patch: the merge key of a list; "" for a list of plain values;
             None: it is replaced
    replace  strategic merge patch: a structure that is replaced, not merged
    initial  values that keys have where they are not given
    """

    fields: dict = dataclasses.field(default_factory=dict)
    items: "Type | None" = None
    keys: tuple = ()
    unique: bool = False
    atomic: bool = False
    merge: str | None = None
    replace: bool = False
    initial: dict = dataclasses.field(default_factory=dict)

    def field(self, name):
        return self.fields.get(name) or self.items or PLAIN

    @property
    def element(self):
        return self.items or PLAIN


PLAIN = Type()
ATOMIC = Type(atomic=True)
UNIQUE = Type(unique=True, merge="")


def struct(**fields):
    return Type(fields)


def listed(*keys, merge="", of=PLAIN, initial=None):
    """A list of structures that merges by key; by the first of the keys in a strategic merge patch."""
    return Type(items=of, keys=keys, merge=merge or keys[0], initial=initial or {})


PROTOCOL = {"protocol": "TCP"}
CONDITIONS = listed("type")
METADATA = struct(finalizers=UNIQUE, ownerReferences=listed("uid", of=ATOMIC))
STATUS = struct(conditions=CONDITIONS)
CLAIM = struct(spec=struct(selector=ATOMIC, dataSource=ATOMIC))

VALUE_FROM = struct(fieldRef=ATOMIC, resourceFieldRef=ATOMIC, secretKeyRef=ATOMIC, configMapKeyRef=ATOMIC,
                    fileKeyRef=ATOMIC)
CONTAINER = struct(
    env=listed("name", of=struct(valueFrom=VALUE_FROM)),
    ports=listed("containerPort", "protocol", initial=PROTOCOL),
    resources=struct(claims=Type(keys=("name",))),
    volumeDevices=listed("devicePath"),
    volumeMounts=listed("mountPath"),
)
VOLUME = struct(
    **{kind: struct(secretRef=ATOMIC) for kind in ("cephfs", "flexVolume", "iscsi", "rbd")},
    csi=struct(nodePublishSecretRef=ATOMIC),
    ephemeral=struct(volumeClaimTemplate=CLAIM),
)
POD_SPEC = struct(
    affinity=struct(nodeAffinity=struct(requiredDuringSchedulingIgnoredDuringExecution=ATOMIC)),
    containers=listed("name", of=CONTAINER),
    ephemeralContainers=listed("name", of=CONTAINER),
    hostAliases=listed("ip"),
    imagePullSecrets=listed("name", of=ATOMIC),
    initContainers=listed("name", of=CONTAINER),
    nodeSelector=ATOMIC,
    resourceClaims=listed("name"),
    schedulingGates=listed("name"),
    topologySpreadConstraints=listed("topologyKey", "whenUnsatisfiable", of=struct(labelSelector=ATOMIC)),
    volumes=listed("name", of=VOLUME),
)
POD_STATUS = struct(conditions=CONDITIONS, podIPs=listed("ip"), hostIPs=Type(merge="ip"),
                    resourceClaimStatuses=listed("name"))
TEMPLATE = struct(metadata=METADATA, spec=POD_SPEC)
WORKLOAD = {"spec": struct(selector=ATOMIC, template=TEMPLATE), "status": STATUS}
JOB_SPEC = struct(selector=ATOMIC, template=TEMPLATE)
WEBHOOKS = {"webhooks": listed("name", of=struct(matchConditions=listed("name"), namespaceSelector=ATOMIC,
                                                 objectSelector=ATOMIC))}
BINDING = {"roleRef": ATOMIC}

# kind.group -> its fields; a kind without a row has nothing but metadata
KINDS = {
    "Pod": {"spec": POD_SPEC, "status": POD_STATUS},
    "Service": {
        "spec": struct(ports=listed("port", "protocol", initial=PROTOCOL), selector=ATOMIC),
        "status": STATUS},
    "ReplicationController": WORKLOAD,
    "Deployment.apps": WORKLOAD,
    "ReplicaSet.apps": WORKLOAD,
    "StatefulSet.apps": WORKLOAD,
    "DaemonSet.apps": WORKLOAD,
    "Job.batch": {"spec": JOB_SPEC, "status": struct(
        conditions=Type(merge="type"),
        uncountedTerminatedPods=struct(failed=Type(unique=True), succeeded=Type(unique=True)))},
    "CronJob.batch": {"spec": struct(jobTemplate=struct(metadata=METADATA, spec=JOB_SPEC))},
    "PodDisruptionBudget.policy": {"spec": struct(selector=Type(atomic=True, replace=True)),
                                   "status": STATUS},
    "Node": {"spec": struct(podCIDRs=UNIQUE),
             "status": struct(addresses=listed("type"), conditions=CONDITIONS)},
    "Namespace": {"status": STATUS},
    "ServiceAccount": {"secrets": listed("name", of=ATOMIC)},
    "PersistentVolumeClaim": {"spec": CLAIM.fields["spec"], "status": STATUS},
    "PersistentVolume": {"spec": struct(nodeAffinity=struct(required=ATOMIC))},
    "ResourceQuota": {"spec": struct(scopeSelector=ATOMIC)},
    "ControllerRevision.apps": {"data": ATOMIC},
    "Event": {"involvedObject": ATOMIC, "related": ATOMIC},
    "Event.events.k8s.io": {"regarding": ATOMIC, "related": ATOMIC},
    "NetworkPolicy.networking.k8s.io": {"spec": struct(podSelector=ATOMIC)},
    "HorizontalPodAutoscaler.autoscaling": {"status": STATUS},
    "MutatingWebhookConfiguration.admissionregistration.k8s.io": WEBHOOKS,
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io": WEBHOOKS,
    "CustomResourceDefinition.apiextensions.k8s.io": {"status": struct(conditions=Type(keys=("type",)))},
    "RoleBinding.rbac.authorization.k8s.io": BINDING,
    "ClusterRoleBinding.rbac.authorization.k8s.io": BINDING,
}


@functools.lru_cache(maxsize=512)
def types_for(resource, schema=None):
    """The Type of a kind's objects; schema is the crd.Schema of a custom kind."""
    if schema is not None:
        root = of_schema(schema.root)
        return dataclasses.replace(root, fields=root.fields | {"metadata": METADATA})
    name = resource.kind + (f".{resource.group}" if resource.group else "")
    return Type({"metadata": METADATA} | KINDS.get(name, {}))


def of_schema(schema):
    """The Type that an OpenAPI v3 schema (a dictionary) describes; without strategic merges."""
    fields = {name: of_schema(one) for name, one in (schema.get("properties") or {}).items()}
    below = schema.get("items") or schema.get("additionalProperties")
    items = of_schema(below) if isinstance(below, dict) else None
    list_type = schema.get("x-kubernetes-list-type")
    if list_type == "map":
        keys = tuple(schema["x-kubernetes-list-map-keys"])
        properties = below.get("properties") or {}
        initial = {key: properties[key]["default"] for key in keys if "default" in properties.get(key, {})}
        return Type(items=items, keys=keys, initial=initial)
    return Type(fields, items, unique=list_type == "set",
                atomic=schema.get("x-kubernetes-map-type") == "atomic")
