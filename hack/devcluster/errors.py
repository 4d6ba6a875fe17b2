"""API errors: what the API server answers and what its clients raise, one class for both sides.

Source: the Kubernetes API conventions, "Response status kind".
"""

import json

# reason -> HTTP status code
CODES = {
    "BadRequest": 400, "Unauthorized": 401, "Forbidden": 403, "NotFound": 404, "MethodNotAllowed": 405,
    "NotAcceptable": 406, "AlreadyExists": 409, "Conflict": 409, "Gone": 410, "Expired": 410,
    "RequestEntityTooLarge": 413, "UnsupportedMediaType": 415, "Invalid": 422, "TooManyRequests": 429,
    "InternalError": 500, "ServiceUnavailable": 503, "Timeout": 504,
}


class ApiError(Exception):
    """One Status object. `status` is what goes over the wire."""

    def __init__(self, reason, message, *, code=None, details=None, retry_after=None):
        super().__init__(message)
        self.status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                       "message": message, "reason": reason}
        details = dict(details or {})
        if retry_after is not None:
            details["retryAfterSeconds"] = retry_after
        if details:
            self.status["details"] = details
        self.status["code"] = code or CODES[reason]

    @classmethod
    def of(cls, status):
        """The error that a Status body received from a server stands for."""
        error = cls(status.get("reason", ""), status.get("message", ""), code=status.get("code", 500))
        error.status = status
        return error

    @property
    def code(self):
        return self.status["code"]

    @property
    def reason(self):
        return self.status.get("reason", "")

    @property
    def message(self):
        return self.status.get("message", "")

    @property
    def retry_after(self):
        return self.status.get("details", {}).get("retryAfterSeconds")

    def has_cause(self, reason):
        return any(one.get("reason") == reason for one in self.status.get("details", {}).get("causes") or ())


class Cause(tuple):
    """One thing wrong with one field: (reason, field path, message), as in Status.details.causes."""

    __slots__ = ()

    def __new__(cls, reason, field, message):
        return super().__new__(cls, (reason, field, message))


def required(field, hint=""):
    return Cause("FieldValueRequired", field, "Required value" + (f": {hint}" if hint else ""))


def invalid_value(field, value, hint):
    return Cause("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {hint}")


def forbidden_field(field, hint):
    return Cause("FieldValueForbidden", field, f"Forbidden: {hint}")


def not_supported(field, value, supported):
    values = ", ".join(f'"{one}"' for one in sorted(supported))
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {shown(value)}: supported values: {values}")


def duplicate(field, value):
    return Cause("FieldValueDuplicate", field, f"Duplicate value: {shown(value)}")


def shown(value):
    """A value as Go's field errors print it."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def invalid(resource, name, causes):
    """422 for an object, from its causes."""
    texts = [f"{field}: {message}" for _, field, message in causes]
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    kind = resource.kind + (f".{resource.group}" if resource.group else "")
    details = {"name": name, "group": resource.group, "kind": resource.kind,
               "causes": [{"reason": reason, "message": message, "field": field}
                          for reason, field, message in causes]}
    details = {key: value for key, value in details.items() if value}
    return ApiError("Invalid", f'{kind} "{name}" is invalid: {joined}', details=details)


def about(resource, name):
    """details of a Status that is about one object."""
    details = {"name": name, "kind": resource.plural}
    if resource.group:
        details["group"] = resource.group
    return details


def not_found(resource, name):
    return ApiError("NotFound", f'{resource.qualified} "{name}" not found', details=about(resource, name))


def already_exists(resource, name):
    return ApiError("AlreadyExists", f'{resource.qualified} "{name}" already exists', details=about(resource, name))


def conflict(resource, name, why="the object has been modified; please apply your changes to the latest version "
                                 "and try again"):
    return ApiError("Conflict", f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}',
                    details=about(resource, name))


def forbidden(resource, name, why):
    return ApiError("Forbidden", f'{resource.qualified} "{name}" is forbidden: {why}', details=about(resource, name))


def bad_options(*causes, kind="ListOptions"):
    """422 for the parameters of a request."""
    texts = [f"{field}: {message}" for _, field, message in causes]
    joined = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    return ApiError("Invalid", f'{kind}.meta.k8s.io "" is invalid: {joined}', details={
        "group": "meta.k8s.io", "kind": kind,
        "causes": [{"reason": reason, "message": message, "field": field}
                   for reason, field, message in causes]})
