"""The OpenAPI documents, as far as kubectl reads them.

It asks whether PATCH takes the parameters dryRun and fieldValidation, to leave validation to the server.
There are no definitions of the built-in kinds and no strategic merge patch, on purpose: so kubectl neither
validates by itself nor takes merge keys from here, but uses those it was compiled with. Custom kinds have
their schemas, for kubectl explain.

Source: "The Kubernetes API", "OpenAPI interface definition"; gnostic's OpenAPIv2.proto for the binary form.
"""

import hashlib
import json

JSON = "application/json"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
ASKED = (PROTOBUF, PROTOBUF.replace("v2.v1", "v2@v1"))  # the latter by older clients
INFO = {"title": "Kubernetes", "version": "v1.36.2"}
PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force")
PATCHES = ("application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml")
# numbers of the fields of gnostic's messages
DOCUMENT_SWAGGER, DOCUMENT_INFO, DOCUMENT_PATHS = 1, 2, 8
INFO_TITLE, INFO_VERSION = 1, 2
NAME, VALUE = 1, 2  # of each Named… message
PATHS_PATH, PATH_PATCH = 2, 8
OPERATION_CONSUMES, OPERATION_PARAMETERS, OPERATION_EXTENSIONS = 7, 8, 13
ITEM_PARAMETER, PARAMETER_NON_BODY, NON_BODY_QUERY = 1, 2, 3
QUERY_IN, QUERY_NAME, QUERY_TYPE = 2, 4, 6
ANY_YAML = 2
EXTENSION = "x-kubernetes-group-version-kind"


def answer(registry, path, accept):
    """(body, content type) of an OpenAPI path; None for any other path."""
    if path == "/openapi/v2":
        if any(kind in accept for kind in ASKED):
            return _binary(registry), PROTOBUF
        return _second(registry), JSON
    if path == "/openapi/v3":
        return _index(registry), JSON
    prefix = "/openapi/v3/"
    if path.startswith(prefix):
        found = _by_path(registry).get(path.removeprefix(prefix))
        return found and (_third(registry, found), JSON)
    return None


def _by_path(registry):
    """{"apis/apps/v1": [Resource]}"""
    found = {}
    for resource in registry.resources():
        root = f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"
        found.setdefault(root, []).append(resource)
    return found


def _patchable(resources):
    """(path, Resource) of what can be patched."""
    for resource in resources:
        if "patch" in resource.verbs:
            yield resource.path("{namespace}", "{name}"), resource


def _kind(resource):
    return {"group": resource.group, "kind": resource.kind, "version": resource.version}


def _second(registry):
    """Version 2, in JSON."""
    paths = {}
    for path, resource in _patchable(registry.resources()):
        paths[path] = {"patch": {
            "consumes": list(PATCHES),
            "parameters": [{"in": "query", "name": name, "type": "string"} for name in PARAMETERS],
            "responses": {}, EXTENSION: _kind(resource)}}
    return {"swagger": "2.0", "info": INFO, "paths": paths, "definitions": {}}


def _index(registry):
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash={_hash(registry, resources)}"}
                      for root, resources in _by_path(registry).items()}}


def _hash(registry, resources):
    """Changes with the document, which clients keep under it."""
    return hashlib.sha256(json.dumps(_third(registry, resources)).encode()).hexdigest()[:32].upper()


def _third(registry, resources):
    """Version 3 of one group and version."""
    schemas = {}
    for resource in resources:
        if (schema := registry.schema(resource)) is not None:
            name = ".".join((*reversed(resource.group.split(".")), resource.version, resource.kind))
            schemas[name] = schema.root | {EXTENSION: [_kind(resource)]}
    paths = {}
    for path, resource in _patchable(resources):
        paths[path] = {"patch": {
            "parameters": [{"in": "query", "name": one, "schema": {"type": "string"}} for one in PARAMETERS],
            "requestBody": {"content": {kind: {} for kind in PATCHES}},
            EXTENSION: _kind(resource)}}
    return {"openapi": "3.0.0", "info": INFO, "paths": paths, "components": {"schemas": schemas}}


def _number(value):
    """A varint."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _message(*fields):
    """A protobuf message from (number, text or message)."""
    encoded = bytearray()
    for number, value in fields:
        value = value.encode() if isinstance(value, str) else value
        encoded += _number(number << 3 | 2) + _number(len(value)) + value
    return bytes(encoded)


def _binary(registry):
    """Version 2, in protobuf: the only form that old kubectl takes."""
    paths = [(PATHS_PATH, _message((NAME, path), (VALUE, _message((PATH_PATCH, _operation(resource))))))
             for path, resource in _patchable(registry.resources())]
    info = _message((INFO_TITLE, INFO["title"]), (INFO_VERSION, INFO["version"]))
    return _message((DOCUMENT_SWAGGER, "2.0"), (DOCUMENT_INFO, info), (DOCUMENT_PATHS, _message(*paths)))


def _operation(resource):
    parameters = [_message((ITEM_PARAMETER, _message((PARAMETER_NON_BODY, _message((NON_BODY_QUERY, _message(
        (QUERY_IN, "query"), (QUERY_NAME, name), (QUERY_TYPE, "string")))))))) for name in PARAMETERS]
    kind = _message((NAME, EXTENSION), (VALUE, _message((ANY_YAML, json.dumps(_kind(resource))))))
    return _message(*((OPERATION_CONSUMES, one) for one in PATCHES),
                    *((OPERATION_PARAMETERS, one) for one in parameters), (OPERATION_EXTENSIONS, kind))
