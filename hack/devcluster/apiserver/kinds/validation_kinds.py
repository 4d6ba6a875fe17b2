"""The rules of the kinds that make no pods: services, configuration, webhooks, bindings and the like.

Source: the validation packages of each group under pkg/apis of Kubernetes 1.36.
"""

from ...errors import duplicate, forbidden_field, invalid_value, required
from . import validation_metadata as rules
from .validation_metadata import hinted, invalid_structure, not_in, not_negative
from .validation_pods import EFFECTS, PROTOCOLS, port

SERVICE_CHOICES = (
    ("sessionAffinity", ("ClientIP", "None")),
    ("type", ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")),
)
WEBHOOK_CHOICES = (
    ("failurePolicy", ("Fail", "Ignore")),
    ("matchPolicy", ("Equivalent", "Exact")),
    ("reinvocationPolicy", ("IfNeeded", "Never")),
)
REVIEW_VERSIONS = ("v1", "v1beta1")
OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
SCOPES = ("*", "Cluster", "Namespaced")
ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
MAX_PRIORITY = 1000000000


def _service(service):
    spec = service.get("spec") or {}
    causes = []
    if not spec.get("ports") and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        causes.append(required("spec.ports"))
    if spec["type"] == "ExternalName" and not spec.get("externalName"):
        causes.append(required("spec.externalName"))
    causes += _service_ports(spec)
    causes += rules.labels(spec.get("selector"), "spec.selector")
    for field, choices in SERVICE_CHOICES:
        if spec[field] not in choices:
            causes.append(not_in(f"spec.{field}", spec[field], choices))
    return causes


def _service_ports(spec):
    causes, names, numbers = [], set(), set()
    ports = spec.get("ports") or ()
    for place, one in enumerate(ports):
        at, name = f"spec.ports[{place}]", one.get("name", "")
        if not name and len(ports) > 1:
            causes.append(required(f"{at}.name"))
        elif name:
            causes += hinted(f"{at}.name", name, rules.label_hints(name))
            if name in names:
                causes.append(duplicate(f"{at}.name", name))
        names.add(name)
        causes += port(f"{at}.port", one.get("port", 0))
        if one["protocol"] not in PROTOCOLS:
            causes.append(not_in(f"{at}.protocol", one["protocol"], PROTOCOLS))
        if spec.get("clusterIP") != "None" or isinstance(one.get("targetPort"), str):
            causes += port(f"{at}.targetPort", one.get("targetPort") or 0)
    for place, one in enumerate(ports):
        number = (one["protocol"], one.get("port"))
        if number in numbers:
            shown = {"Name": "", "Protocol": one["protocol"], "AppProtocol": None, "Port": one.get("port"),
                     "TargetPort": 0, "NodePort": 0}
            causes.append(rules.Cause("FieldValueDuplicate", f"spec.ports[{place}]",
                                      f"Duplicate value: {rules.go_json(shown)}"))
        numbers.add(number)
    return causes


def _service_update(new, old):
    causes = _service(new)
    was, now = old["spec"].get("clusterIP"), new["spec"].get("clusterIP")
    if was and was != now and new["spec"]["type"] != "ExternalName" and old["spec"]["type"] != "ExternalName":
        causes.append(invalid_structure("spec.clusterIPs[0]", [now] if now else None,
                                        "primary clusterIP can not be unset" if not now
                                        else "may not change once set"))
    return causes


def _config(obj):
    causes = []
    for field in ("data", "binaryData"):
        for key in obj.get(field) or ():
            causes += hinted(f"{field}[{key}]", key, rules.config_key_hints(key))
    return causes


def _config_update(new, old):
    changed = any(new.get(field) != old.get(field) for field in ("immutable", "data", "binaryData"))
    if old.get("immutable") and changed:
        return [forbidden_field("data" if new.get("immutable") else "immutable",
                                "field is immutable when `immutable` is set")]
    return _config(new)


def _secret_update(new, old):
    causes = _config_update(new, old)
    if new.get("type") != old.get("type"):
        causes.append(invalid_value("type", new.get("type"), rules.IMMUTABLE))
    return causes


def _lease(lease):
    spec = lease.get("spec") or {}
    seconds, causes = spec.get("leaseDurationSeconds"), []
    if seconds is not None and seconds <= 0:
        causes.append(invalid_value("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    return causes + not_negative("spec.leaseTransitions", spec.get("leaseTransitions"))


def _event(event):
    namespace = event["metadata"].get("namespace")
    about = event.get("involvedObject", event.get("regarding")) or {}
    if (about.get("namespace") or "default") != namespace:
        return [invalid_value("involvedObject.namespace", about.get("namespace", ""),
                              "does not match event.namespace")]
    return []


def _endpoint_slice(one):
    kind = one.get("addressType")
    if not kind:
        return [required("addressType")]
    return [] if kind in ADDRESS_TYPES else [not_in("addressType", kind, ADDRESS_TYPES)]


def _endpoint_slice_update(new, old):
    causes = _endpoint_slice(new)
    if new.get("addressType") != old.get("addressType"):
        causes.append(invalid_value("addressType", new.get("addressType"), rules.IMMUTABLE))
    return causes


def _node(node):
    causes = []
    for place, taint in enumerate((node.get("spec") or {}).get("taints") or ()):
        at = f"metadata.taints[{place}]"
        causes += hinted(f"{at}.key", taint.get("key", ""), rules.qualified_hints(taint.get("key", "")))
        causes += hinted(f"{at}.value", taint.get("value", ""), rules.value_hints(taint.get("value", "")))
        if taint.get("effect") not in EFFECTS:
            causes.append(not_in(f"{at}.effect", taint.get("effect", ""), EFFECTS))
    return causes


def _revision(one):
    causes = not_negative("revision", one.get("revision"))
    return causes if one.get("data") is not None else [*causes, required("data", "data is mandatory")]


def _revision_update(new, old):
    causes = _revision(new)
    if new.get("data") != old.get("data"):
        causes.append(invalid_structure("data", new.get("data"), rules.IMMUTABLE))
    return causes


def _priority_class(one):
    if one.get("value", 0) > MAX_PRIORITY and not one["metadata"]["name"].startswith("system-"):
        return [forbidden_field("value",
                                f"maximum allowed value of a user defined priority is {MAX_PRIORITY}")]
    return []


def _binding(binding):
    reference, causes = binding["roleRef"], []
    kinds = ("Role", "ClusterRole") if binding["kind"] == "RoleBinding" else ("ClusterRole",)
    if reference.get("kind") not in kinds:
        causes.append(not_in("roleRef.kind", reference.get("kind", ""), kinds))
    if not reference.get("name"):
        causes.append(required("roleRef.name"))
    for place, subject in enumerate(binding.get("subjects") or ()):
        if not subject.get("name"):
            causes.append(required(f"subjects[{place}].name"))
        if subject.get("kind") not in ("ServiceAccount", "User", "Group"):
            causes.append(not_in(f"subjects[{place}].kind", subject.get("kind", ""),
                                 ("ServiceAccount", "User", "Group")))
    return causes


def _binding_update(new, old):
    causes = _binding(new)
    if new["roleRef"] != old["roleRef"]:
        causes.append(invalid_structure("roleRef", new["roleRef"], "cannot change roleRef"))
    return causes


def _webhooks(configuration):
    causes, names = [], set()
    for place, webhook in enumerate(configuration.get("webhooks") or ()):
        at = f"webhooks[{place}]"
        causes += _webhook(webhook, at)
        if webhook.get("name") in names:
            causes.append(duplicate(f"{at}.name", webhook["name"]))
        names.add(webhook.get("name"))
    return causes


def _webhook(webhook, at):
    name, versions, causes = webhook.get("name", ""), webhook.get("admissionReviewVersions"), []
    if not versions:
        causes.append(required(f"{at}.admissionReviewVersions",
                               f"must specify one of {', '.join(REVIEW_VERSIONS)}"))
    elif not set(versions) & set(REVIEW_VERSIONS):
        causes.append(invalid_structure(f"{at}.admissionReviewVersions", versions,
                                        f"must include at least one of {', '.join(REVIEW_VERSIONS)}"))
    hints = rules.subdomain_hints(name)
    causes += hinted(f"{at}.name", name, hints)
    if not hints and name.count(".") < 2:
        causes.append(invalid_value(f"{at}.name", name,
                                    "should be a domain with at least three segments separated by dots"))
    for index, rule in enumerate(webhook.get("rules") or ()):
        causes += _rule(rule, f"{at}.rules[{index}]")
    for field, choices in WEBHOOK_CHOICES:
        if webhook.get(field, choices[0]) not in choices:
            causes.append(not_in(f"{at}.{field}", webhook[field], choices))
    effects = webhook.get("sideEffects")
    if effects is None:
        causes.append(required(f"{at}.sideEffects", "must specify one of None, NoneOnDryRun"))
    elif effects not in ("None", "NoneOnDryRun"):
        causes.append(not_in(f"{at}.sideEffects", effects, ("None", "NoneOnDryRun")))
    if not 1 <= webhook["timeoutSeconds"] <= 30:
        causes.append(invalid_value(f"{at}.timeoutSeconds", webhook["timeoutSeconds"],
                                    "the timeout value must be between 1 and 30 seconds"))
    for field in ("namespaceSelector", "objectSelector"):
        causes += rules.selector(webhook.get(field), f"{at}.{field}")
    return causes + _client_config(webhook.get("clientConfig") or {}, f"{at}.clientConfig")


def _rule(rule, at):
    causes = [required(f"{at}.{field}") for field in ("operations", "apiGroups", "apiVersions", "resources")
              if not rule.get(field)]
    for place, operation in enumerate(rule.get("operations") or ()):
        if operation not in OPERATIONS:
            causes.append(not_in(f"{at}.operations[{place}]", operation, OPERATIONS))
    if rule.get("scope", "*") not in SCOPES:
        causes.append(not_in(f"{at}.scope", rule["scope"], SCOPES))
    return causes


def _client_config(config, at):
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        return [required(at, "exactly one of url or service is required")]
    if url is None:
        return [required(f"{at}.service.{field}") for field in ("name", "namespace")
                if not service.get(field)]
    scheme = url.partition(":")[0]
    if scheme != "https":
        return [invalid_value(f"{at}.url", scheme, "'https' is the only allowed URL scheme; desired format: "
                              "https://host[/path]")]
    return []


CREATED = {
    "Service": _service,
    "ConfigMap": _config,
    "Secret": _config,
    "Lease.coordination.k8s.io": _lease,
    "Event": _event,
    "Event.events.k8s.io": _event,
    "EndpointSlice.discovery.k8s.io": _endpoint_slice,
    "Node": _node,
    "ControllerRevision.apps": _revision,
    "PriorityClass.scheduling.k8s.io": _priority_class,
    "RoleBinding.rbac.authorization.k8s.io": _binding,
    "ClusterRoleBinding.rbac.authorization.k8s.io": _binding,
    "MutatingWebhookConfiguration.admissionregistration.k8s.io": _webhooks,
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io": _webhooks,
}
UPDATED = {
    "Service": _service_update,
    "ConfigMap": _config_update,
    "Secret": _secret_update,
    "EndpointSlice.discovery.k8s.io": _endpoint_slice_update,
    "ControllerRevision.apps": _revision_update,
    "RoleBinding.rbac.authorization.k8s.io": _binding_update,
    "ClusterRoleBinding.rbac.authorization.k8s.io": _binding_update,
}
