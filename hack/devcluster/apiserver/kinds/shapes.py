"""Whether the fields that the server itself reads have the JSON types of their kind.

What passes can be defaulted and validated without asking again. The words are those of Go's JSON decoder.
"""

META = {"metadata": "v1.ObjectMeta"}
WORKLOAD_SPEC = {"replicas": "int32", "minReadySeconds": "int32", "revisionHistoryLimit": "int32",
                 "selector": "v1.LabelSelector", "template": "v1.PodTemplateSpec"}
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_SECONDS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
AMOUNTS = "v1.ResourceList"  # any scalars: the quantities are looked at when they are read
PORT = "intstr.IntOrString"

# Go structure -> {field: its Go type}
STRUCTURES = {
    "ObjectMeta": {"name": "string", "generateName": "string", "namespace": "string", "uid": "string",
                   "resourceVersion": "string", "labels": "map[string]string",
                   "annotations": "map[string]string",
                   "finalizers": "[]string", "ownerReferences": "[]v1.OwnerReference"},
    "OwnerReference": {"apiVersion": "string", "kind": "string", "name": "string", "uid": "string",
                       "controller": "bool", "blockOwnerDeletion": "bool"},
    "LabelSelector": {"matchLabels": "map[string]string",
                      "matchExpressions": "[]v1.LabelSelectorRequirement"},
    "LabelSelectorRequirement": {"key": "string", "operator": "string", "values": "[]string"},
    "Pod": META | {"spec": "v1.PodSpec", "status": "v1.PodStatus"},
    "PodStatus": {"phase": "string", "conditions": "[]v1.PodCondition", "podIPs": "[]v1.PodIP"},
    "PodCondition": {"type": "string", "status": "string"},
    "PodIP": {"ip": "string"},
    "PodTemplateSpec": META | {"spec": "v1.PodSpec"},
    "PodSpec": {
        "containers": "[]v1.Container", "initContainers": "[]v1.Container",
        "ephemeralContainers": "[]v1.Container",
        "volumes": "[]v1.Volume", "tolerations": "[]v1.Toleration", "readinessGates": "[]v1.PodReadinessGate",
        "schedulingGates": "[]v1.PodSchedulingGate", "nodeSelector": "map[string]string",
        "nodeName": "string",
        "serviceAccountName": "string", "serviceAccount": "string", "hostname": "string",
        "subdomain": "string",
        "restartPolicy": "string", "dnsPolicy": "string", "schedulerName": "string", "hostNetwork": "bool",
        "terminationGracePeriodSeconds": "int64", "activeDeadlineSeconds": "int64", "overhead": AMOUNTS},
    "PodReadinessGate": {"conditionType": "string"},
    "PodSchedulingGate": {"name": "string"},
    "Toleration": {"key": "string", "operator": "string", "value": "string", "effect": "string",
                   "tolerationSeconds": "int64"},
    "Container": {
        "name": "string", "image": "string", "command": "[]string", "args": "[]string", "env": "[]v1.EnvVar",
        "ports": "[]v1.ContainerPort", "volumeMounts": "[]v1.VolumeMount", "lifecycle": "v1.Lifecycle",
        "resources": "v1.ResourceRequirements", "imagePullPolicy": "string", "restartPolicy": "string",
        "terminationMessagePath": "string", "terminationMessagePolicy": "string",
        **dict.fromkeys(_PROBES, "v1.Probe")},
    "EnvVar": {"name": "string", "value": "string", "valueFrom": "v1.EnvVarSource"},
    "EnvVarSource": {"fieldRef": "v1.ObjectFieldSelector"},
    "ContainerPort": {"name": "string", "containerPort": "int32", "hostPort": "int32", "protocol": "string"},
    "VolumeMount": {"name": "string", "mountPath": "string"},
    "ResourceRequirements": {"limits": AMOUNTS, "requests": AMOUNTS},
    "Lifecycle": {"postStart": "v1.LifecycleHandler", "preStop": "v1.LifecycleHandler"},
    "LifecycleHandler": {"exec": "v1.ExecAction", "httpGet": "v1.HTTPGetAction",
                         "tcpSocket": "v1.TCPSocketAction",
                         "sleep": "v1.SleepAction"},
    "Probe": {"exec": "v1.ExecAction", "httpGet": "v1.HTTPGetAction", "tcpSocket": "v1.TCPSocketAction",
              "grpc": "v1.GRPCAction"} | dict.fromkeys(_SECONDS, "int32"),
    "ExecAction": {"command": "[]string"},
    "HTTPGetAction": {"path": "string", "port": PORT, "scheme": "string"},
    "TCPSocketAction": {"port": PORT},
    "SleepAction": {"seconds": "int64"},
    "Volume": {"name": "string", "secret": "v1.SecretVolumeSource", "configMap": "v1.ConfigMapVolumeSource",
               "downwardAPI": "v1.DownwardAPIVolumeSource", "projected": "v1.ProjectedVolumeSource",
               "hostPath": "v1.HostPathVolumeSource", "ephemeral": "v1.EphemeralVolumeSource"},
    "Deployment": META | {"spec": "v1.DeploymentSpec", "status": "v1.DeploymentStatus"},
    "DeploymentSpec": WORKLOAD_SPEC | {"strategy": "v1.DeploymentStrategy", "paused": "bool",
                                       "progressDeadlineSeconds": "int32"},
    "DeploymentStrategy": {"type": "string", "rollingUpdate": "v1.RollingUpdateDeployment"},
    "RollingUpdateDeployment": {"maxSurge": PORT, "maxUnavailable": PORT},
    "StatefulSet": META | {"spec": "v1.StatefulSetSpec", "status": "v1.StatefulSetStatus"},
    "StatefulSetSpec": WORKLOAD_SPEC | {
        "serviceName": "string", "podManagementPolicy": "string",
        "updateStrategy": "v1.StatefulSetUpdateStrategy",
        "volumeClaimTemplates": "[]v1.PersistentVolumeClaim", "ordinals": "v1.StatefulSetOrdinals",
        "persistentVolumeClaimRetentionPolicy": "v1.StatefulSetPersistentVolumeClaimRetentionPolicy"},
    "StatefulSetUpdateStrategy": {"type": "string", "rollingUpdate": "v1.RollingUpdateStatefulSetStrategy"},
    "RollingUpdateStatefulSetStrategy": {"partition": "int32", "maxUnavailable": PORT},
    "StatefulSetOrdinals": {"start": "int32"},
    "PersistentVolumeClaim": META | {"spec": "v1.PersistentVolumeClaimSpec"},
    "PersistentVolumeClaimSpec": {"resources": "v1.VolumeResourceRequirements"},
    "VolumeResourceRequirements": {"limits": AMOUNTS, "requests": AMOUNTS},
    "DaemonSet": META | {"spec": "v1.DaemonSetSpec", "status": "v1.DaemonSetStatus"},
    "DaemonSetSpec": WORKLOAD_SPEC | {"updateStrategy": "v1.DaemonSetUpdateStrategy"},
    "DaemonSetUpdateStrategy": {"type": "string", "rollingUpdate": "v1.RollingUpdateDaemonSet"},
    "RollingUpdateDaemonSet": {"maxSurge": PORT, "maxUnavailable": PORT},
    "ReplicaSet": META | {"spec": "v1.ReplicaSetSpec", "status": "v1.ReplicaSetStatus"},
    "ReplicaSetSpec": WORKLOAD_SPEC,
    "Job": META | {"spec": "v1.JobSpec", "status": "v1.JobStatus"},
    "JobSpec": {"parallelism": "int32", "completions": "int32", "backoffLimit": "int32", "suspend": "bool",
                "activeDeadlineSeconds": "int64", "ttlSecondsAfterFinished": "int32",
                "selector": "v1.LabelSelector", "template": "v1.PodTemplateSpec"},
    "Service": META | {"spec": "v1.ServiceSpec", "status": "v1.ServiceStatus"},
    "ServiceSpec": {"ports": "[]v1.ServicePort", "selector": "map[string]string", "type": "string",
                    "clusterIP": "string", "clusterIPs": "[]string", "sessionAffinity": "string"},
    "ServicePort": {"name": "string", "port": "int32", "nodePort": "int32", "protocol": "string",
                    "targetPort": PORT},
    "PodDisruptionBudget": META | {"spec": "v1.PodDisruptionBudgetSpec",
                                   "status": "v1.PodDisruptionBudgetStatus"},
    "PodDisruptionBudgetSpec": {"minAvailable": PORT, "maxUnavailable": PORT, "selector": "v1.LabelSelector"},
    "ConfigMap": META | {"data": "map[string]string", "binaryData": "map[string]string", "immutable": "bool"},
    "Secret": META | {"data": "map[string]string", "stringData": "map[string]string", "type": "string"},
    "Node": META | {"spec": "v1.NodeSpec", "status": "v1.NodeStatus"},
    "NodeSpec": {"taints": "[]v1.Taint", "unschedulable": "bool"},
    "Taint": {"key": "string", "value": "string", "effect": "string"},
    "NodeStatus": {"capacity": AMOUNTS, "allocatable": AMOUNTS},
    "Lease": META | {"spec": "v1.LeaseSpec"},
    "LeaseSpec": {"leaseDurationSeconds": "int32", "leaseTransitions": "int32", "holderIdentity": "string"},
    "MutatingWebhookConfiguration": META | {"webhooks": "[]v1.MutatingWebhook"},
    "ValidatingWebhookConfiguration": META | {"webhooks": "[]v1.ValidatingWebhook"},
    **dict.fromkeys(("MutatingWebhook", "ValidatingWebhook"), {
        "name": "string", "rules": "[]v1.RuleWithOperations", "clientConfig": "v1.WebhookClientConfig",
        "timeoutSeconds": "int32", "namespaceSelector": "v1.LabelSelector",
        "objectSelector": "v1.LabelSelector",
        "admissionReviewVersions": "[]string"}),
    "RuleWithOperations": {"operations": "[]string", "apiGroups": "[]string", "apiVersions": "[]string",
                           "resources": "[]string", "scope": "string"},
    "WebhookClientConfig": {"url": "string", "service": "v1.ServiceReference", "caBundle": "string"},
}
SCALARS = {"string": (str,), "int32": (int,), "int64": (int,), "bool": (bool,), PORT: (int, str)}
NAMES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number"}


def check(kind, obj):
    """ValueError, in words, for the first field of the wrong type. Of other kinds, only in the metadata."""
    _structure(obj, kind, STRUCTURES.get(kind, META), "")


def _structure(value, name, fields, path):
    for field, one in value.items():
        wanted = fields.get(field)
        if wanted is not None and one is not None:
            _value(one, wanted, name, f"{path}.{field}")


def _value(one, wanted, owner, path):
    types = SCALARS.get(wanted)
    if types is not None:
        if type(one) not in types:
            raise _mismatch(one, wanted, owner, path)
    elif wanted.startswith("[]"):
        if not isinstance(one, list):
            raise _mismatch(one, wanted, owner, path)
        for element in one:
            _value(element, wanted[2:], owner, path)
    elif not isinstance(one, dict):
        raise _mismatch(one, wanted, owner, path)
    elif wanted == "map[string]string":
        for element in one.values():
            if not isinstance(element, str | None):
                raise _mismatch(element, "string", owner, path)
    elif wanted != AMOUNTS:
        name = wanted.removeprefix("v1.")
        _structure(one, name, STRUCTURES.get(name, {}), path)


def _mismatch(value, wanted, owner, path):
    shown = f"number {value}" if isinstance(value, float) else NAMES.get(type(value), "null")
    return ValueError(f"json: cannot unmarshal {shown} into Go struct field {owner}{path} of type {wanted}")
