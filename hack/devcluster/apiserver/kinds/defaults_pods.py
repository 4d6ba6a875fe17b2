"""The defaults of a pod's spec, in a pod and in the template of a workload.

Source: pkg/apis/core/v1/defaults.go of Kubernetes 1.36.
"""

import functools

from ...objects import quantity

CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
POD_SPEC = (("restartPolicy", "Always"), ("dnsPolicy", "ClusterFirst"),
            ("schedulerName", "default-scheduler"))
GRACE_SECONDS = 30
CONTAINER = (("terminationMessagePath", "/dev/termination-log"), ("terminationMessagePolicy", "File"))
PROBE = (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3))
HTTP_GET = (("path", "/"), ("scheme", "HTTP"))
FILE_MODE = 0o644
TOKEN_SECONDS = 3600
QUANTITY_FORM = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def fill(target, values):
    """Sets what is not there, or is the empty value of its type."""
    for key, value in values:
        if not target.get(key) and target.get(key) is not False:
            target[key] = value


def default_pod(pod):
    spec = pod.setdefault("spec", {})
    for container in _containers(spec):
        resources = container.get("resources") or {}
        if resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        for container in _containers(spec):
            for port in container.get("ports") or ():
                fill(port, (("hostPort", port.get("containerPort")),))
    default_spec(spec)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account


def default_template(template):
    template.setdefault("metadata", {})
    default_spec(template.setdefault("spec", {}))


def default_spec(spec):
    fill(spec, POD_SPEC)
    spec.setdefault("terminationGracePeriodSeconds", GRACE_SECONDS)
    spec.setdefault("securityContext", {})
    for container in _containers(spec):
        _default_container(container)
    for volume in spec.get("volumes") or ():
        _default_volume(volume)
    if not spec.get("nodeSelector", True):
        del spec["nodeSelector"]
    canonical(spec.get("overhead"))


def _containers(spec):
    for name in CONTAINER_LISTS:
        if spec.get(name):
            yield from spec[name]


def _default_container(container):
    if not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = pull_policy(container.get("image", ""))
    fill(container, CONTAINER)
    resources = container.setdefault("resources", {})
    canonical(resources.get("limits"))
    canonical(resources.get("requests"))
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        if variable.get("value") == "":
            del variable["value"]
        _default_field_ref(variable.get("valueFrom"))
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name):
            fill(container[name], PROBE)
            _default_handler(container[name])
            if container[name].get("grpc"):
                container[name]["grpc"].setdefault("service", "")
    for handler in (container.get("lifecycle") or {}).values():
        if isinstance(handler, dict):
            _default_handler(handler)


def _default_handler(handler):
    if handler.get("httpGet"):
        fill(handler["httpGet"], HTTP_GET)


def _default_field_ref(source):
    if source and source.get("fieldRef"):
        source["fieldRef"].setdefault("apiVersion", "v1")


def pull_policy(image):
    """Always for :latest, said or implied; a digest implies nothing."""
    if "@" in image:
        return "IfNotPresent"
    _, _, tag = image.rpartition("/")[2].partition(":")
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _default_volume(volume):
    if not any(value is not None for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for kind in ("secret", "configMap", "downwardAPI", "projected"):
        source = volume.get(kind)
        if source is None:
            continue
        source.setdefault("defaultMode", FILE_MODE)
        for item in source.get("items") or ():
            _default_field_ref(item)
        for projected in source.get("sources") or ():
            if projected.get("serviceAccountToken"):
                projected["serviceAccountToken"].setdefault("expirationSeconds", TOKEN_SECONDS)
            for item in (projected.get("downwardAPI") or {}).get("items") or ():
                _default_field_ref(item)
    if volume.get("hostPath"):
        volume["hostPath"].setdefault("type", "")
    template = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if template:
        template.setdefault("metadata", {})
        default_claim(template)


def default_claim(claim):
    spec = claim.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    resources = spec.setdefault("resources", {})
    canonical(resources.get("limits"))
    canonical(resources.get("requests"))


def canonical(amounts):
    """Rewrites the quantities of a resource list in their canonical form, in place."""
    for name, amount in (amounts or {}).items():
        amounts[name] = canonical_quantity(str(amount))


@functools.lru_cache(maxsize=4096)
def canonical_quantity(text):
    """"0.5" → "500m", "1024Mi" → "1Gi", "1000m" → "1". ValueError for what is no quantity."""
    try:
        value = quantity(text)
    except ValueError:
        raise ValueError(f"quantities must match the regular expression '{QUANTITY_FORM}'") from None
    if value == 0:
        return "0"
    suffixes, base = (BINARY, 1024) if text.endswith("i") else (DECIMAL, 1000)
    value *= 1000 ** 3 if base == 1000 else 1
    if value.denominator != 1:
        return text
    number, place = value.numerator, 0
    while number % base == 0 and place < len(suffixes) - 1:
        number, place = number // base, place + 1
    return f"{number}{suffixes[place]}"
