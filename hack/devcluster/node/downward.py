"""The downward API: fields of a pod and resources of its containers as text, for environment and volumes."""

import math
import re

from ..objects import dig, quantity

_SUBSCRIPT = re.compile(r"^metadata\.(labels|annotations)\['(.+)'\]$")
FIELDS = {  # path -> (pod, host address, pod address) to text
    "metadata.name": lambda pod, host, address: pod["metadata"]["name"],
    "metadata.namespace": lambda pod, host, address: pod["metadata"]["namespace"],
    "metadata.uid": lambda pod, host, address: pod["metadata"]["uid"],
    "metadata.labels": lambda pod, host, address: _lines(pod["metadata"].get("labels")),
    "metadata.annotations": lambda pod, host, address: _lines(pod["metadata"].get("annotations")),
    "spec.nodeName": lambda pod, host, address: pod["spec"]["nodeName"],
    "spec.serviceAccountName": lambda pod, host, address: pod["spec"].get("serviceAccountName", ""),
    "status.hostIP": lambda pod, host, address: host,
    "status.hostIPs": lambda pod, host, address: host,
    "status.podIP": lambda pod, host, address: address,
    "status.podIPs": lambda pod, host, address: address,
}


def field(pod, path, *, host, address):
    """The text of a fieldRef; KeyError for one that there is not."""
    if found := _SUBSCRIPT.match(path):
        return (pod["metadata"].get(found[1]) or {}).get(found[2], "")
    return FIELDS[path](pod, host, address)


def resource(container, reference, capacity):
    """The text of a resourceFieldRef. A limit that is absent is the node's capacity."""
    kind, _, name = reference["resource"].partition(".")
    value = dig(container, "resources", kind, name) or (capacity.get(name, "0") if kind == "limits" else "0")
    divisor = quantity(reference.get("divisor") or "1") or 1  # "0" stands for the default
    return str(math.ceil(quantity(value) / divisor))


def _lines(values):
    return "\n".join(f'{key}="{_escaped(value)}"' for key, value in sorted((values or {}).items()))


def _escaped(value):
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
