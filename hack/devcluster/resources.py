"""The built-in kinds: one row each. The API server serves this table, clients make their URLs from it."""

import dataclasses

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclasses.dataclass(frozen=True)
class Resource:
    """One kind at one version, as discovery describes it."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    short: tuple = ()
    subresources: tuple = ()
    categories: tuple = ()
    verbs: tuple = ALL_VERBS
    singular_name: str = ""
    list_kind_name: str = ""

    @property
    def api_version(self):
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self):
        """The name in messages: pods, deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def singular(self):
        return self.singular_name or self.kind.lower()

    @property
    def list_kind(self):
        return self.list_kind_name or self.kind + "List"

    def path(self, namespace=None, name=None, subresource=None):
        parts = ["/apis" if self.group else "/api", self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


def row(api_version, plural, kind, *subresources, cluster=False, short=(), categories=(), **more):
    group, _, version = api_version.rpartition("/")
    return Resource(group, version, plural, kind, not cluster, tuple(short), subresources, tuple(categories), **more)


_ALL = ("all",)
REVIEW = ("create",)
_RBAC = "rbac.authorization.k8s.io/v1"

ROWS = (
    row("v1", "namespaces", "Namespace", "status", "finalize", cluster=True, short=("ns",),
        verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection")),
    row("v1", "nodes", "Node", "status", cluster=True, short=("no",)),
    row("v1", "pods", "Pod", "status", "binding", "eviction", "log", "resize", short=("po",), categories=_ALL),
    row("v1", "services", "Service", "status", short=("svc",), categories=_ALL),
    row("v1", "endpoints", "Endpoints", short=("ep",), list_kind_name="EndpointsList"),
    row("v1", "configmaps", "ConfigMap", short=("cm",)),
    row("v1", "secrets", "Secret"),
    row("v1", "serviceaccounts", "ServiceAccount", "token", short=("sa",)),
    row("v1", "events", "Event", short=("ev",)),
    row("v1", "replicationcontrollers", "ReplicationController", "status", "scale", short=("rc",), categories=_ALL),
    row("v1", "persistentvolumeclaims", "PersistentVolumeClaim", "status", short=("pvc",)),
    row("v1", "persistentvolumes", "PersistentVolume", "status", cluster=True, short=("pv",)),
    row("v1", "limitranges", "LimitRange", short=("limits",)),
    row("v1", "resourcequotas", "ResourceQuota", "status", short=("quota",)),
    row("apps/v1", "deployments", "Deployment", "status", "scale", short=("deploy",), categories=_ALL),
    row("apps/v1", "replicasets", "ReplicaSet", "status", "scale", short=("rs",), categories=_ALL),
    row("apps/v1", "statefulsets", "StatefulSet", "status", "scale", short=("sts",), categories=_ALL),
    row("apps/v1", "daemonsets", "DaemonSet", "status", short=("ds",), categories=_ALL),
    row("apps/v1", "controllerrevisions", "ControllerRevision"),
    row("batch/v1", "jobs", "Job", "status", categories=_ALL),
    row("batch/v1", "cronjobs", "CronJob", "status", short=("cj",), categories=_ALL),
    row("policy/v1", "poddisruptionbudgets", "PodDisruptionBudget", "status", short=("pdb",)),
    row("coordination.k8s.io/v1", "leases", "Lease"),
    row("discovery.k8s.io/v1", "endpointslices", "EndpointSlice"),
    row("events.k8s.io/v1", "events", "Event", short=("ev",)),
    row("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", short=("netpol",)),
    row("scheduling.k8s.io/v1", "priorityclasses", "PriorityClass", cluster=True, short=("pc",),
        list_kind_name="PriorityClassList"),
    row("autoscaling/v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "status", short=("hpa",),
        categories=_ALL),
    row("admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration",
        cluster=True, categories=("api-extensions",)),
    row("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration",
        cluster=True, categories=("api-extensions",)),
    row("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", "status", cluster=True,
        short=("crd", "crds"), categories=("api-extensions",)),
    row(_RBAC, "roles", "Role"),
    row(_RBAC, "rolebindings", "RoleBinding"),
    row(_RBAC, "clusterroles", "ClusterRole", cluster=True),
    row(_RBAC, "clusterrolebindings", "ClusterRoleBinding", cluster=True),
    # answered, never stored
    row("authentication.k8s.io/v1", "tokenreviews", "TokenReview", cluster=True, verbs=REVIEW),
    row("authentication.k8s.io/v1", "selfsubjectreviews", "SelfSubjectReview", cluster=True, verbs=REVIEW),
    row("authorization.k8s.io/v1", "subjectaccessreviews", "SubjectAccessReview", cluster=True, verbs=REVIEW),
    row("authorization.k8s.io/v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", cluster=True,
        verbs=REVIEW),
    row("authorization.k8s.io/v1", "localsubjectaccessreviews", "LocalSubjectAccessReview", verbs=REVIEW),
    row("authorization.k8s.io/v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", cluster=True, verbs=REVIEW),
)

# plural, or plural.group where two groups have the plural
BY_NAME = {resource.qualified: resource for resource in ROWS} | {
    resource.plural: resource for resource in reversed(ROWS)}


def find(name):
    """A row by "pods", "deployments" or "events.events.k8s.io"; a Resource is its own answer."""
    return name if isinstance(name, Resource) else BY_NAME[name]
