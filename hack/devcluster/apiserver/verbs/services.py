"""What the API server allocates for a Service: its cluster addresses and node ports."""

import ipaddress

from ...resources import find
from ..storage.versions import storage

NETWORK = ipaddress.ip_network("10.96.0.0/16")
FIRST = str(NETWORK[1])  # the kubernetes service's
NODE_PORTS = range(30000, 32768)
SERVICES = storage(find("services"))


def complete(store, service):
    """Fills in, in place, what is allocated; what the service asked for itself stays."""
    spec = service.get("spec")
    if not isinstance(spec, dict):
        return
    if spec.get("type") == "ExternalName":
        return
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    if not spec.get("clusterIP"):
        spec["clusterIP"] = (spec.get("clusterIPs") or [None])[0] or _free_address(store)
    spec["clusterIPs"] = spec.get("clusterIPs") or [spec["clusterIP"]]
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        _set_node_ports(store, spec)


def _others(store):
    return [item.obj["spec"] for _, item in store.select(SERVICES)]


def _free_address(store):
    used = {spec.get("clusterIP") for spec in _others(store)}
    return next(address for address in map(str, NETWORK.hosts()) if address not in used and address != FIRST)


def _set_node_ports(store, spec):
    used = {port.get("nodePort") for other in _others(store) for port in other.get("ports") or ()}
    free = (port for port in NODE_PORTS if port not in used)
    for port in spec.get("ports") or ():
        if not port.get("nodePort"):
            port["nodePort"] = next(free)
