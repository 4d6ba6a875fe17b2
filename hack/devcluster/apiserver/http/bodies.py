"""Bodies of requests: from bytes to the object that a request is about, or to a real server's 400.

fieldValidation: unknown fields of built-in kinds are kept and not reported, there being no schemas of them
here; those of custom kinds are dropped and reported as the parameter asks.
"""

import functools
import json

import yaml

from ... import errors
from ...errors import ApiError
from ...resources import ROWS
from . import protobuf

JSON, YAML = "application/json", "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
_SCHEME = "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"
# kinds of which a real server knows that they are others
_KNOWN = frozenset((row.api_version, row.kind) for row in ROWS) | {
    ("policy/v1", "Eviction"), ("v1", "Binding"), ("autoscaling/v1", "Scale"), ("v1", "DeleteOptions")}
MAX_SHOWN = 30  # characters of a body in the text of an error


class _Loader(yaml.CSafeLoader):
    """YAML as Kubernetes reads it: what looks like a date stays a string."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()}


def bad(message):
    return ApiError("BadRequest", message)


def detailed(reason, message):
    """An error whose details are shown though there are none."""
    error = ApiError(reason, message)
    code = error.status.pop("code")
    error.status |= {"details": {}, "code": code}
    return error


def unexplained(message):
    """500 without a reason: what Go code returns that is no API error."""
    return ApiError.of({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                        "message": message, "code": 500})


def decode(data, content_type):
    """A body as data; ValueError with Go's words for what is not JSON."""
    if content_type == PROTOBUF:
        return protobuf.decode(data)
    if content_type == YAML:
        try:
            return yaml.load(data, _Loader)
        except yaml.YAMLError as error:
            raise ValueError(f"yaml: {error}") from None
    try:
        return json.loads(data.decode(errors="replace"), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(_go_words(error)) from None
    except RecursionError:
        raise ValueError("exceeded max depth") from None


def _no_constant(text):
    """NaN and the infinities, which Python reads and JSON has not."""
    raise ValueError(f"invalid character {text.lstrip('-')[0]!r} looking for beginning of value")


def _go_words(error):
    if error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string"):
        return "unexpected end of JSON input"
    return f"invalid character {error.doc[error.pos]!r} looking for beginning of value"


def _summary(data):
    if not data:
        return "<empty>"
    shown = data.decode(errors="replace") if data[:1] == b"{" else data.hex()
    limit = MAX_SHOWN if data[:1] == b"{" else 2 * MAX_SHOWN
    return shown if len(shown) <= limit else shown[:limit] + " ..."


def readable(content_type):
    """415 for a body that is neither JSON, YAML nor protobuf."""
    if content_type in ("", JSON, YAML, PROTOBUF):
        return
    raise ApiError("UnsupportedMediaType", "the body of the request was in an unknown format - accepted "
                                           f"media types include: {JSON}, {YAML}, {PROTOBUF}")


def object_of(request, kind=None, versions=None):
    """The object in the body of a create or a replace, its kind and apiVersion checked and filled in.

    kind, versions: where a subresource takes another kind than its resource, e.g. Eviction of policy/v1.
    """
    readable(request.content_type)
    kind = kind or request.resource.kind
    versions = versions or (request.resource.api_version,)
    try:
        obj = decode(request.body, request.content_type)
        obj = {} if obj is None else obj
        if not isinstance(obj, dict):
            raise ValueError(f"json: cannot unmarshal {_json_type(obj)} into Go value of type struct "
                             "{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; "
                             "Kind string \"json:\\\"kind,omitempty\\\"\" }")
        for field in ("apiVersion", "kind"):
            if not isinstance(obj.get(field), str | None):
                raise ValueError(f"json: cannot unmarshal {_json_type(obj[field])} into Go struct field "
                                 f".{field} of type string")
    except ValueError as error:
        raise bad(f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
                  f"json parse error: {error} ({_summary(request.body)})") from None
    _check_type(obj, kind, versions)
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    if not isinstance(obj["metadata"], dict):
        raise bad(f"{kind} in version \"{versions[0].rpartition('/')[2]}\" cannot be handled as a {kind}: "
                  f"json: cannot unmarshal {_json_type(obj['metadata'])} into Go struct field "
                  f"{kind}.metadata of type v1.ObjectMeta")
    return {"kind": kind, "apiVersion": obj.get("apiVersion") or versions[0],
            **{field: value for field, value in obj.items() if field not in ("kind", "apiVersion")}}


def _check_type(obj, kind, versions):
    got = obj.get("kind") or kind
    version = obj.get("apiVersion") or versions[0]
    if got == kind and version in versions:
        return
    if (version, got) not in _KNOWN:
        why = f'no kind "{got}" is registered for version "{version}" in scheme "{_SCHEME}"'
    elif got == kind:
        raise bad(f"the API version in the data ({version}) does not match the expected API version "
                  f"({versions[0]})")
    else:
        why = f"converting ({_short(version)}.{got}) to ({_internal(versions[0])}.{kind}): unknown conversion"
    raise bad(f'{got} in version "{version.rpartition("/")[2]}" cannot be handled as a {kind}: {why}')


def _short(api_version):
    return api_version.rpartition("/")[2]


@functools.lru_cache
def _internal(api_version):
    return api_version.rpartition("/")[0].split(".")[0] or "core"


def _json_type(value):
    if isinstance(value, bool):
        return "bool"
    names = {str: "string", list: "array", dict: "object", type(None): "null"}
    return names.get(type(value), "number")


_OPTIONS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions",
            "delete": "DeleteOptions", "deletecollection": "DeleteOptions"}
_VALIDATIONS = ("", "Ignore", "Strict", "Warn")
_MANAGER_LIMIT = 128  # bytes


def check_options(request):
    """422 for parameters of a write that mean nothing. Above all, what is no dry run must not become a write."""
    kind, query, causes = _OPTIONS.get(request.verb), request.query, []
    if kind is None:
        return
    if query.get("dryRun", "All") != "All":
        causes.append(errors.Cause("FieldValueNotSupported", "dryRun", (
            f'Unsupported value: {errors.shown([query["dryRun"]])}: supported values: "All"')))
    if kind != "DeleteOptions":
        if len(query.get("fieldManager", "").encode()) > _MANAGER_LIMIT:
            causes.append(errors.Cause("FieldValueTooLong", "fieldManager",
                                       f"Too long: may not be more than {_MANAGER_LIMIT} bytes"))
        if query.get("fieldValidation", "") not in _VALIDATIONS:
            causes.append(errors.not_supported("fieldValidation", query["fieldValidation"], _VALIDATIONS))
    if causes:
        raise errors.bad_options(*causes, kind=kind)


def place(request, obj):
    """Puts the namespace of the URL into an object; 400 where the two differ."""
    metadata = obj["metadata"]
    namespace = metadata.get("namespace") or ""
    if namespace != request.namespace:
        if namespace and not (namespace == "default" and not request.namespace):
            raise bad("the namespace of the provided object does not match the namespace sent on the request")
        if request.namespace:
            metadata["namespace"] = request.namespace
        else:
            metadata.pop("namespace", None)


def named(request, obj):
    """400 where the name in the object is not that of the URL."""
    name = obj["metadata"].get("name")
    if not name:
        raise bad(f"the name of the object ({request.name} based on URL) was undeterminable: "
                  "name must be provided")
    if name != request.name:
        raise bad(f"the name of the object ({name}) does not match the name on the URL ({request.name})")


def check_unknown(request, schema, obj):
    """Drops fields that the schema of a custom kind does not have, and says so as fieldValidation asks."""
    dropped = schema.prune(obj)
    level = request.query.get("fieldValidation", "Warn")
    if not dropped or level == "Ignore":
        return
    texts = [f'unknown field "{path}"' for path in dropped]
    if level == "Strict":
        raise bad(f"{request.resource.kind} in version \"{request.resource.version}\" cannot be handled as a "
                  f"{request.resource.kind}: strict decoding error: {', '.join(texts)}")
    request.warnings.extend(texts)
