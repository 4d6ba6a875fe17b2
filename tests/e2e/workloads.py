"""The objects that the tests apply: podinfo in each kind of workload."""

IMAGE = "registry.local/podinfo:"
GATE = "example.com/go"  # a readiness gate whose condition the tests set
GATED = {"readinessGates": [{"conditionType": GATE}]}


def container(version="1", **more):
    return {"name": "podinfo", "image": f"{IMAGE}{version}", "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 1}, **more}


def pod_spec(version="1", **more):
    return {"containers": [container(version)], "terminationGracePeriodSeconds": 5, **more}


def pod(name, spec=None, **metadata):
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "labels": {"app": name}, **metadata}, "spec": spec or pod_spec()}


def template(app, spec):
    return {"metadata": {"labels": {"app": app}}, "spec": spec}


def workload(kind, name, *, pods=None, **spec):
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": template(name, pods or pod_spec()),
                     **spec}}


def deployment(name, replicas=3, **spec):
    return workload("Deployment", name, replicas=replicas, **spec)


def replicaset(name, replicas=3, **spec):
    return workload("ReplicaSet", name, replicas=replicas, **spec)


def statefulset(name, replicas=3, **spec):
    return workload("StatefulSet", name, replicas=replicas, serviceName=name, **spec)


def daemonset(name, **spec):
    return workload("DaemonSet", name, **spec)


def partition(ordinal):
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": ordinal}}


def service(name, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}], **spec}}


def budget(name, **spec):
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": {"app": name}}, **spec}}


def images(version):
    """A strategic merge patch of a pod's, or of a template's, only image."""
    return {"spec": {"containers": [{"name": "podinfo", "image": f"{IMAGE}{version}"}]}}


def new_template(version, **spec):
    return {"spec": {"template": images(version), **spec}}


def image_of(obj):
    return obj["spec"]["containers"][0]["image"].removeprefix(IMAGE)


def uids(objects):
    return {obj["metadata"]["uid"] for obj in objects}


def container_id(obj):
    statuses = obj["status"].get("containerStatuses") or [{}]
    return statuses[0].get("containerID")
