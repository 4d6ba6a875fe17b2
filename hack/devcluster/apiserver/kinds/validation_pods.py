"""The rules of a pod's spec, in a pod or the template of a workload, and of what an update may change.

Source: pkg/apis/core/validation/validation.go of Kubernetes 1.36.
"""

import difflib
import json
import re

from ...errors import duplicate, forbidden_field, invalid_value, required
from ...objects import quantity
from . import validation_metadata as rules
from .prepare import QOS_RESOURCES, qos_class
from .validation_metadata import hinted, not_in, not_negative

PROTOCOLS = ("SCTP", "TCP", "UDP")
MAX_INT32 = 2 ** 31 - 1
CONTAINER_CHOICES = (
    ("imagePullPolicy", ("Always", "IfNotPresent", "Never")),
    ("terminationMessagePolicy", ("File", "FallbackToLogsOnError")),
    ("restartPolicy", ("Always", "Never", "OnFailure")),
)
SPEC_CHOICES = (
    ("restartPolicy", ("Always", "OnFailure", "Never")),
    ("dnsPolicy", ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")),
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold",
                 "failureThreshold")
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
ENV_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
STANDARD_RESOURCES = ("cpu", "memory", "ephemeral-storage")
UPDATABLE = ("`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
             "`spec.tolerations` (only additions to existing "
             "tolerations),`spec.terminationGracePeriodSeconds` "
             "(allow it to be set to 1 if it was previously negative)")


def spec_causes(spec, at):
    """The rules of a whole spec; `at` is its path."""
    causes = _volumes(spec.get("volumes") or (), f"{at}.volumes")
    if not spec.get("containers"):
        causes.append(required(f"{at}.containers"))
    causes += _containers(spec, at)
    for field, choices in SPEC_CHOICES:
        if spec.get(field) not in choices:
            causes.append(not_in(f"{at}.{field}", spec.get(field, ""), choices))
    causes += rules.labels(spec.get("nodeSelector"), f"{at}.nodeSelector")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= MAX_INT32:
        causes.append(invalid_value(f"{at}.activeDeadlineSeconds", deadline,
                                    f"must be between 1 and {MAX_INT32}, inclusive"))
    for field in ("hostname", "subdomain"):
        if spec.get(field):
            causes += hinted(f"{at}.{field}", spec[field], rules.label_hints(spec[field]))
    for place, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        causes += hinted(f"{at}.readinessGates[{place}].conditionType", kind, rules.qualified_hints(kind))
    for place, gate in enumerate(spec.get("schedulingGates") or ()):
        name = gate.get("name", "")
        causes += hinted(f"{at}.schedulingGates[{place}]", name, rules.qualified_hints(name))
    for place, toleration in enumerate(spec.get("tolerations") or ()):
        causes += _toleration(toleration, f"{at}.tolerations[{place}]")
    return causes


def created(pod):
    causes = spec_causes(pod.get("spec") or {}, "spec")
    spec = pod.get("spec") or {}
    if spec.get("schedulingGates") and spec.get("nodeName"):
        causes.append(forbidden_field("spec.nodeName",
                                      "cannot be set until all schedulingGates have been cleared"))
    return causes


def _containers(spec, at):
    causes, names = [], set()
    grace = spec.get("terminationGracePeriodSeconds", 0)
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    for field in ("containers", "initContainers", "ephemeralContainers"):
        for place, container in enumerate(spec.get(field) or ()):
            here = f"{at}.{field}[{place}]"
            name = container.get("name", "")
            causes += _name(name, f"{here}.name") + _container(container, here, grace, volumes)
            if name and name in names:
                causes.append(duplicate(f"{here}.name", name))
            names.add(name)
            if field == "initContainers" and container.get("restartPolicy") != "Always":
                causes += [forbidden_field(f"{here}.{one}",
                                           "may not be set for init containers without restartPolicy=Always")
                           for one in ("lifecycle", *PROBES) if container.get(one) is not None]
    return causes


def _name(name, field):
    return hinted(field, name, rules.label_hints(name)) if name else [required(field)]


def _container(container, at, grace, volumes):
    causes = []
    image = container.get("image", "")
    if not image:
        causes.append(required(f"{at}.image"))
    elif image != image.strip():
        causes.append(invalid_value(f"{at}.image", image, "must not have leading or trailing whitespace"))
    causes += _lifecycle(container.get("lifecycle") or {}, f"{at}.lifecycle", grace)
    for name in PROBES:
        if container.get(name) is not None:
            causes += _probe(container[name], f"{at}.{name}", name)
    for field, choices in CONTAINER_CHOICES:
        if container.get(field, choices[0]) not in choices:
            causes.append(not_in(f"{at}.{field}", container[field], choices))
    causes += _ports(container.get("ports") or (), f"{at}.ports")
    causes += _environment(container.get("env") or (), f"{at}.env")
    causes += _mounts(container.get("volumeMounts") or (), f"{at}.volumeMounts", volumes)
    return causes + _resources(container.get("resources") or {}, f"{at}.resources")


def _lifecycle(lifecycle, at, grace):
    causes = []
    for name in ("postStart", "preStop"):
        if lifecycle.get(name) is not None:
            causes += _handler(lifecycle[name], f"{at}.{name}", grace)
    return causes


def _handler(handler, at, grace=None):
    """Of a probe or a hook: exactly one kind of action. A hook may sleep, within the grace period."""
    kinds = [kind for kind in HANDLERS if handler.get(kind) is not None]
    if not kinds:
        return [required(at, "must specify a handler type")]
    causes = [forbidden_field(f"{at}.{kind}", "may not specify more than 1 handler type")
              for kind in kinds[1:]]
    if kinds[0] == "exec" and not handler["exec"].get("command"):
        causes.append(required(f"{at}.exec.command"))
    if kinds[0] in ("httpGet", "tcpSocket"):
        causes += port(f"{at}.{kinds[0]}.port", handler[kinds[0]].get("port", 0))
    if kinds[0] == "httpGet" and handler["httpGet"].get("scheme", "HTTP") not in ("HTTP", "HTTPS"):
        causes.append(not_in(f"{at}.httpGet.scheme", handler["httpGet"]["scheme"], ("HTTP", "HTTPS")))
    if kinds[0] == "sleep" and not 0 <= handler["sleep"].get("seconds", 0) <= grace:
        causes.append(invalid_value(f"{at}.sleep", handler["sleep"]["seconds"],
                                    "must be non-negative and less than terminationGracePeriodSeconds "
                                    f"({grace})"))
    return causes


def _probe(probe, at, name):
    causes = _handler(probe, at)
    for field in PROBE_NUMBERS:
        causes += not_negative(f"{at}.{field}", probe.get(field))
    if name != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        causes.append(invalid_value(f"{at}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


def port(field, value):
    """A number or the name of a port."""
    if isinstance(value, str):
        return port_name(field, value)
    if 1 <= value <= 65535:
        return []
    return [invalid_value(field, value, "must be between 1 and 65535, inclusive")]


def port_name(field, name):
    hints = []
    if len(name) > 15:
        hints.append("must be no more than 15 characters")
    if not re.fullmatch("[-a-z0-9]+", name):
        hints.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", name) or not re.fullmatch("[-a-z0-9]+", name):
        hints.append("must contain at least one letter (a-z)")
    if "--" in name:
        hints.append("must not contain consecutive hyphens")
    if name.startswith("-") or name.endswith("-"):
        hints.append("must not begin or end with a hyphen")
    return hinted(field, name, hints)


def _ports(ports, at):
    causes, names = [], set()
    for place, one in enumerate(ports):
        here = f"{at}[{place}]"
        if one.get("name"):
            causes += port_name(f"{here}.name", one["name"])
            if one["name"] in names:
                causes.append(duplicate(f"{here}.name", one["name"]))
            names.add(one["name"])
        if not one.get("containerPort"):
            causes.append(required(f"{here}.containerPort"))
        else:
            causes += port(f"{here}.containerPort", one["containerPort"])
        if one.get("protocol", "TCP") not in PROTOCOLS:
            causes.append(not_in(f"{here}.protocol", one["protocol"], PROTOCOLS))
    return causes


def _environment(variables, at):
    causes = []
    for place, one in enumerate(variables):
        here, name, source = f"{at}[{place}]", one.get("name", ""), one.get("valueFrom")
        if not name:
            causes.append(required(f"{here}.name"))
        elif not re.fullmatch(r"[ -<>-~]+", name):
            causes.append(invalid_value(f"{here}.name", name,
                                        "a valid environment variable name must consist only "
                                        "of printable ASCII characters other than '='"))
        if source is None:
            continue
        if one.get("value"):
            causes.append(invalid_value(f"{here}.valueFrom", "",
                                        "may not be specified when `value` is not empty"))
        given = [kind for kind in ENV_SOURCES if source.get(kind) is not None]
        if not given:
            causes.append(invalid_value(f"{here}.valueFrom", "",
                                        "must specify one of: `fieldRef`, `resourceFieldRef`"
                                        ", `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"))
        elif len(given) > 1:
            causes.append(invalid_value(f"{here}.valueFrom", "",
                                        "may not have more than one field specified at a "
                                        "time"))
    return causes


def _mounts(mounts, at, volumes):
    causes, paths = [], set()
    for place, mount in enumerate(mounts):
        here, path = f"{at}[{place}]", mount.get("mountPath")
        if not mount.get("name"):
            causes.append(required(f"{here}.name"))
        elif mount["name"] not in volumes:
            causes.append(rules.Cause("FieldValueNotFound", f"{here}.name", f'Not found: "{mount["name"]}"'))
        if not path:
            causes.append(required(f"{here}.mountPath"))
        elif path in paths:
            causes.append(invalid_value(f"{here}.mountPath", path, "must be unique"))
        paths.add(path)
    return causes


def _resources(resources, at):
    causes = []
    for field in ("limits", "requests"):
        for name, amount in (resources.get(field) or {}).items():
            here = f"{at}.{field}[{name}]"
            if "/" not in name and name not in STANDARD_RESOURCES and not name.startswith("hugepages-"):
                causes.append(invalid_value(here, name,
                                            "must be a standard resource type or fully qualified"))
                causes.append(invalid_value(here, name, "must be a standard resource for containers"))
            elif quantity(amount) < 0:
                causes.append(invalid_value(here, amount, rules.NOT_NEGATIVE))
    limits = resources.get("limits") or {}
    for name, amount in (resources.get("requests") or {}).items():
        if name in limits and quantity(amount) > quantity(limits[name]):
            causes.append(invalid_value(f"{at}.requests", amount,
                                        f"must be less than or equal to {name} limit of {limits[name]}"))
    return causes


def _volumes(volumes, at):
    causes, names = [], set()
    for place, volume in enumerate(volumes):
        here, name = f"{at}[{place}]", volume.get("name", "")
        sources = sorted(key for key in volume if key != "name")
        causes += [forbidden_field(f"{here}.{key}", "may not specify more than 1 volume type")
                   for key in sources[1:]]
        causes += _name(name, f"{here}.name")
        if name and name in names:
            causes.append(duplicate(f"{here}.name", name))
        names.add(name)
    return causes


def _toleration(one, at):
    causes = rules.labels({one["key"]: ""}, f"{at}.key") if one.get("key") else []
    operator = one.get("operator", "")
    if not one.get("key") and operator != "Exists":
        causes.append(invalid_value(f"{at}.operator", operator,
                                    "operator must be Exists when `key` is empty, which "
                                    'means "match all values and all keys"'))
    if "tolerationSeconds" in one and one.get("effect") != "NoExecute":
        causes.append(invalid_value(f"{at}.effect", one.get("effect", ""),
                                    "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    if operator in ("", "Equal"):
        causes += hinted(f"{at}.operator", one.get("value", ""), rules.value_hints(one.get("value", "")))
    elif operator == "Exists" and one.get("value"):
        causes.append(invalid_value(f"{at}.operator", one["value"],
                                    "value must be empty when `operator` is 'Exists'"))
    elif operator != "Exists":
        causes.append(not_in(f"{at}.operator", operator, ("Equal", "Exists")))
    if one.get("effect", EFFECTS[0]) not in ("", *EFFECTS):
        causes.append(not_in(f"{at}.effect", one["effect"], EFFECTS))
    return causes


def updated(new, old):
    """What an update of a pod may change: the Kubernetes documentation, "Pod update and replacement"."""
    now, was = new.get("spec") or {}, old["spec"]
    if now == was:
        return []
    causes = spec_causes(now, "spec")
    for field in ("containers", "initContainers"):
        if len(now.get(field) or ()) != len(was.get(field) or ()):
            return [*causes, forbidden_field(f"spec.{field}", "pod updates may not add or remove containers")]
    causes += _deadline(now.get("activeDeadlineSeconds"), was.get("activeDeadlineSeconds"))
    causes += _added_tolerations(now.get("tolerations") or [], was.get("tolerations") or [])
    names = [gate["name"] for gate in was.get("schedulingGates") or ()]
    for place, gate in enumerate(now.get("schedulingGates") or ()):
        if gate.get("name") not in names:
            causes.append(forbidden_field(f"spec.schedulingGates[{place}].name",
                                          "only deletion is allowed, but found new scheduling gate "
                                          f"'{gate.get('name')}'"))
    allowed = _without_allowed(now, was)
    if allowed != was:
        causes.append(forbidden_field("spec", f"pod updates may not change fields other than {UPDATABLE}\n"
                                      + difference(was, allowed)))
    return causes


def _without_allowed(now, was):
    """The new spec with what may change as it was."""
    spec = dict(now)
    for field in ("containers", "initContainers"):
        if spec.get(field):
            spec[field] = [{**one, "image": before["image"]} for one, before in zip(spec[field], was[field])]
    free = ["activeDeadlineSeconds", "tolerations", "schedulingGates"]
    if was.get("terminationGracePeriodSeconds", 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
        free.append("terminationGracePeriodSeconds")
    if was.get("schedulingGates"):  # a gated pod may still be told where to go
        before = was.get("nodeSelector") or {}
        if before.items() <= (spec.get("nodeSelector") or {}).items():
            free.append("nodeSelector")
    for field in free:
        spec.pop(field, None)
        if field in was:
            spec[field] = was[field]
    return spec


def difference(was, now):
    texts = (json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (was, now))
    return "\n".join(list(difflib.unified_diff(*texts, lineterm="", n=3))[2:]) + "\n"


def _deadline(now, was):
    field = "spec.activeDeadlineSeconds"
    if now is None:
        hint = "must not update from a positive integer to nil value"
        return [] if was is None else [invalid_value(field, None, hint)]
    if was is not None and now > was:
        return [invalid_value(field, now, "must be less than or equal to previous value")]
    return []


def _added_tolerations(now, was):
    for one in was:
        kept = any({**new, "tolerationSeconds": 0} == {**one, "tolerationSeconds": 0} for new in now)
        if not kept:
            return [forbidden_field("spec.tolerations", "existing toleration can not be modified except its "
                                    "tolerationSeconds")]
    return []


def resized(new, old):
    """What pods/resize may change: the CPU and memory of containers, within the pod's QoS class."""
    now, was = new["spec"], old["spec"]
    causes = spec_causes(now, "spec")
    if qos_class(now) != (old.get("status") or {}).get("qosClass", qos_class(was)):
        causes.append(invalid_value("spec", (new.get("status") or {}).get("qosClass", ""),
                                    "Pod QOS Class may not change as a result of resizing"))
    if _without_resizable(now) != _without_resizable(was):
        causes.append(forbidden_field("spec", "only cpu and memory resources are mutable"))
    return causes


def _without_resizable(spec):
    spec = dict(spec)
    for field in ("containers", "initContainers"):
        spec[field] = [{**one, "resources": _other_amounts(one.get("resources") or {})}
                       for one in spec.get(field) or ()]
    return spec


def _other_amounts(resources):
    return {field: {name: amount for name, amount in (resources.get(field) or {}).items()
                    if name not in QOS_RESOURCES} for field in ("limits", "requests")}
