"""What a Service's EndpointSlices and Endpoints should hold, given its pods: pure.

Source: the Kubernetes documentation, "EndpointSlices". Slices are filled in the order of the real controller.
"""

import ipaddress

from ..objects import dig, is_over, is_terminating, is_true

MAX_ENDPOINTS = 100  # of one slice
MANAGER = "endpointslice-controller.k8s.io"
SERVICE, MANAGED_BY = "kubernetes.io/service-name", "endpointslice.kubernetes.io/managed-by"
HEADLESS, ZONE = "service.kubernetes.io/headless", "topology.kubernetes.io/zone"
_RESERVED = (SERVICE, MANAGED_BY, HEADLESS)


def is_headless(service):
    return service["spec"].get("clusterIP") in (None, "", "None")


def has_endpoints(service):
    """Whether its endpoints follow its selector."""
    return bool(service["spec"].get("selector")) and service["spec"].get("type") != "ExternalName"


def addresses(pod):
    """The addresses at which a pod may be reached: none before it has one, none when it is over."""
    status = pod.get("status") or {}
    if is_over(pod):
        return []
    return [one["ip"] for one in status.get("podIPs") or ()] or [ip for ip in [status.get("podIP")] if ip]


def families(service):
    return service["spec"].get("ipFamilies") or ["IPv4"]


def ports(service, pod):
    """The service's ports on this pod. A named target port that the pod does not have is left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        protocol = port.get("protocol", "TCP")
        number = _port_number(port.get("targetPort", port["port"]), protocol, pod)
        if number is not None:
            found.append({"name": port.get("name", ""), "port": number, "protocol": protocol}
                         | ({"appProtocol": port["appProtocol"]} if port.get("appProtocol") else {}))
    return found


def _port_number(target, protocol, pod):
    if isinstance(target, int):
        return target
    spec = pod["spec"]
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in spec["containers"] + sidecars:
        for port in container.get("ports") or ():
            if port.get("name") == target and port.get("protocol", "TCP") == protocol:
                return port["containerPort"]
    return None


def reference(pod):
    metadata = pod["metadata"]
    return {"kind": "Pod", **{key: metadata[key] for key in ("namespace", "name", "uid")}}


def hostname(service, pod):
    """{"hostname": …} where the pod has a name of its own within a headless service."""
    name = pod["spec"].get("hostname")
    return {"hostname": name} if name and pod["spec"].get("subdomain") == service["metadata"]["name"] else {}


def endpoint(service, pod, node, family):
    """The endpoint that a pod is, or None where it has no address of that family."""
    version = 6 if family == "IPv6" else 4
    own = [ip for ip in addresses(pod) if ipaddress.ip_address(ip).version == version]
    if not own:
        return None
    serving, terminating = is_true(pod, "Ready"), is_terminating(pod)
    published = bool(service["spec"].get("publishNotReadyAddresses"))
    made = {"addresses": own, "targetRef": reference(pod), **hostname(service, pod),
            "conditions": {"ready": published or serving and not terminating, "serving": serving,
                           "terminating": terminating}}
    if pod["spec"].get("nodeName"):
        made["nodeName"] = pod["spec"]["nodeName"]
    if zone := dig(node, "metadata", "labels", ZONE):
        made["zone"] = zone
    return made


def labels(service):
    own = service["metadata"].get("labels") or {}
    own = {key: value for key, value in own.items() if key not in _RESERVED}
    return own | ({HEADLESS: ""} if is_headless(service) else {}) | {
        SERVICE: service["metadata"]["name"], MANAGED_BY: MANAGER}


def _identity(one):
    return tuple(one["addresses"]), dig(one, "targetRef", "uid"), one.get("hostname")


def port_key(some_ports):
    """Equal for equal ports, whatever their order."""
    return tuple(sorted((one.get("name") or "", one.get("port") or 0, one.get("protocol") or "",
                         one.get("appProtocol") or "") for one in some_ports or ()))


class Plan:
    """What to do to a service's slices. update holds (slice, its new endpoints)."""

    def __init__(self):
        self.create = []  # (family, ports, endpoints)
        self.update = []
        self.delete = []


def plan(service, pods, nodes, slices):
    """Plan for a service, given the pods that it selects, {name: Node}, and the slices that it has."""
    made = Plan()
    supported = families(service)
    made.delete += [one for one in slices if one["addressType"] not in supported]
    for family in supported:
        _plan_family(made, service, family, pods, nodes,
                     [one for one in slices if one["addressType"] == family])
    return made


def _plan_family(made, service, family, pods, nodes, slices):
    existing, wanted = {}, {}
    for one in slices:
        existing.setdefault(port_key(one.get("ports")), []).append(one)
    for pod in pods:
        node = nodes.get(pod["spec"].get("nodeName"))
        if node is None and not service["spec"].get("publishNotReadyAddresses"):
            continue
        if one := endpoint(service, pod, node, family):
            pod_ports = ports(service, pod)
            wanted.setdefault(port_key(pod_ports), (pod_ports, {}))[1][_identity(one)] = one
    for key, (key_ports, endpoints) in wanted.items():
        _plan_ports(made, service, family, key_ports, endpoints, existing.pop(key, []))
    unwanted = [one for some in existing.values() for one in some]
    if not wanted:  # a service always has a slice
        placeholder = next(
            (one for one in unwanted if not one.get("endpoints") and not one.get("ports")), None)
        if placeholder is None:
            made.create.append((family, [], []))
        elif placeholder["metadata"].get("labels") != labels(service):
            made.update.append((placeholder, []))
        unwanted = [one for one in unwanted if one is not placeholder]
    made.delete += unwanted


def _plan_ports(made, service, family, some_ports, wanted, slices):
    """Slices of one family and set of ports: endpoints stay where they are, new ones fill what is open."""
    left = dict(wanted)
    kept, changed = [], []  # [slice, endpoints]
    for one in slices:
        before = one.get("endpoints") or []
        after = [left.pop(_identity(old)) for old in before if _identity(old) in left]
        if not after and before:
            made.delete.append(one)
        elif after != before or one["metadata"].get("labels") != labels(service):
            changed.append([one, after])
        else:
            kept.append([one, after])
    rest = list(left.values())
    for entry in sorted(changed, key=lambda entry: -len(entry[1])):
        space = MAX_ENDPOINTS - len(entry[1])
        entry[1], rest = entry[1] + rest[:space], rest[space:]
    while rest:
        open_slices = [entry for entry in kept if len(entry[1]) + len(rest) <= MAX_ENDPOINTS]
        if open_slices:
            entry = max(open_slices, key=lambda entry: len(entry[1]))
            changed.append([entry[0], entry[1] + rest])
            rest = []
        else:
            made.create.append((family, some_ports, rest[:MAX_ENDPOINTS]))
            rest = rest[MAX_ENDPOINTS:]
    made.update += [tuple(entry) for entry in changed]


def subsets(service, pods):
    """The subsets of the Endpoints object: ports that are served at the same addresses come together."""
    published = bool(service["spec"].get("publishNotReadyAddresses"))
    by_port = {}
    for pod in sorted(pods, key=lambda pod: [ipaddress.ip_address(ip).packed for ip in addresses(pod)]):
        if not addresses(pod) or is_terminating(pod) and not published:
            continue
        address = {"ip": addresses(pod)[0], "targetRef": reference(pod), **hostname(service, pod)}
        if pod["spec"].get("nodeName"):
            address["nodeName"] = pod["spec"]["nodeName"]
        portless = is_headless(service) and not service["spec"].get("ports")
        for port in [None] if portless else ports(service, pod):
            places = by_port.setdefault(port_key([port] if port else []), (port, [], []))
            places[1 if published or is_true(pod, "Ready") else 2].append(address)
    grouped = []
    for port, ready, not_ready in by_port.values():
        group = {"addresses": ready, "notReadyAddresses": not_ready}
        same = next((one for one in grouped if {**one, "ports": None} == {**group, "ports": None}), None)
        if same is None:
            grouped.append(same := {**group, "ports": []})
        if port:
            same["ports"].append({key: value for key, value in port.items() if value != ""})
    return [{key: value for key, value in one.items() if value} for one in grouped]
