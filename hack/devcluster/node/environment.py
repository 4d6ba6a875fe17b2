"""The environment, command line and directory of a container, from its spec and what that refers to."""

import base64
import re

from ..errors import ApiError
from . import downward
from .process import MARKER

_VARIABLE = re.compile(r"\$(\$|\(([^()]*)\))")
REFERENCES = {"configMapKeyRef": ("configmaps", "ConfigMap"), "secretKeyRef": ("secrets", "Secret")}


class ConfigError(Exception):
    """A container cannot be made: what it refers to is not there. The text is the kubelet's."""


def expand(text, variables):
    """$(NAME) by its value; $$(NAME) is $(NAME) itself, and a name that is not known stays as it is."""
    def value(found):
        if found[1] == "$":
            return "$"
        return variables.get(found[2], found[0])
    return _VARIABLE.sub(value, text)


def texts(obj):
    """The data of a ConfigMap or Secret as bytes."""
    if obj["kind"] == "Secret":
        return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
    data = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return data | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


async def build(node, pod, container, *, address, root):
    """The variables of a container: the image's, the cluster's, envFrom, env. ConfigError, ApiError."""
    spec = container.spec
    variables = node.environment | node.images.environment(spec["image"]) | {
        "HOSTNAME": pod["spec"].get("hostname") or pod["metadata"]["name"], "POD_IP": address,
        "CONTAINER_ROOT": str(root), MARKER: str(node.directory)}
    ports = spec.get("ports") or ()
    if ports:
        variables["PORT"] = str(ports[0]["containerPort"])
    for source in spec.get("envFrom") or ():
        for kind in ("configMap", "secret"):
            if reference := source.get(kind + "Ref"):
                obj = await _object(node, pod, reference, kind + "s", kind.capitalize())
                for key, value in texts(obj).items() if obj else ():
                    variables[source.get("prefix", "") + key] = value.decode(errors="replace")
    for one in spec.get("env") or ():
        value = expand(one.get("value") or "", variables)
        if "valueFrom" in one:
            value = await _referred(node, pod, spec, one["valueFrom"], address)
        if value is not None:
            variables[one["name"]] = value
    return variables


async def _referred(node, pod, spec, source, address):
    """The value that a valueFrom stands for; None: it is optional and absent."""
    if reference := source.get("fieldRef"):
        try:
            return downward.field(pod, reference["fieldPath"], host=node.address, address=address)
        except KeyError as error:
            raise ConfigError(f"unsupported pod fieldPath: {error.args[0]}") from None
    if reference := source.get("resourceFieldRef"):
        return downward.resource(spec, reference, node.capacity)
    for field, (resource, kind) in REFERENCES.items():
        if reference := source.get(field):
            obj = await _object(node, pod, reference, resource, kind)
            if obj and reference["key"] in (found := texts(obj)):
                return found[reference["key"]].decode(errors="replace")
            if reference.get("optional"):
                return None
            where = f"{pod['metadata']['namespace']}/{reference['name']}"
            raise ConfigError(f"couldn't find key {reference['key']} in {kind} {where}")
    raise ConfigError(f"cannot resolve {sorted(source)}")


async def _object(node, pod, reference, resource, kind):
    """A ConfigMap or Secret; None where it is optional and absent."""
    try:
        return {"kind": kind} | await node.sources.get(resource.lower(), pod["metadata"]["namespace"],
                                                       reference["name"])
    except ApiError as error:
        if error.code != 404:
            raise
        if reference.get("optional"):
            return None
        raise ConfigError(f'{kind.lower()} "{reference["name"]}" not found') from error
