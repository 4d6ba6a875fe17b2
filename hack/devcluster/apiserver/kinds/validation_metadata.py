"""The rules of names, labels, annotations, finalizers, owners and selectors, in a real server's words.

Source: apimachinery's pkg/util/validation and pkg/api/validation of Kubernetes 1.36.
"""

import functools
import json
import re

from ...errors import Cause, forbidden_field, invalid_value, required

LABEL_FORM = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN_FORM = rf"{LABEL_FORM}(\.{LABEL_FORM})*"
NAME_FORM = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
VALUE_FORM = f"({NAME_FORM})?"
KEY_FORM = "[-._a-zA-Z0-9]+"
PERCENT_FORM = "[0-9]+%"
_ALNUM_ENDS = "and must start and end with an alphanumeric character"
NOT_NEGATIVE = "must be greater than or equal to 0"
IMMUTABLE = "field is immutable"
ANNOTATIONS_LIMIT = 256 << 10  # bytes
STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
# kinds whose names are DNS labels, not subdomains; the others may have dots
LABEL_NAMED = {"Namespace", "Service", "StatefulSet.apps"}
# kinds whose names are only parts of a path
PATH_NAMED = {"Role.rbac.authorization.k8s.io", "RoleBinding.rbac.authorization.k8s.io",
              "ClusterRole.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io"}
OPERATORS = {"In": True, "NotIn": True, "Exists": False, "DoesNotExist": False}  # whether it takes values


def not_in(field, value, supported):
    """A value that is not one of those supported, which are shown in the order given."""
    values = ", ".join(f'"{one}"' for one in supported)
    return Cause("FieldValueNotSupported", field,
                 f"Unsupported value: {go_json(value)}: supported values: {values}")


def go_json(value):
    """A value as Go's field errors print one that is a structure."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def invalid_structure(field, value, hint):
    return Cause("FieldValueInvalid", field, f"Invalid value: {go_json(value)}: {hint}")


def _form(what, form, *examples):
    shown = ",  or ".join(f"'{one}'" for one in examples)
    return f"{what} (e.g. {shown}, regex used for validation is '{form}')"


_LABEL = _form("a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
               + _ALNUM_ENDS,
               LABEL_FORM, "my-name", "123-abc")
_SUBDOMAIN = _form("a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "
                   "or '.', "
                   + _ALNUM_ENDS, SUBDOMAIN_FORM, "example.com")
_NAME = _form("must consist of alphanumeric characters, '-', '_' or '.', " + _ALNUM_ENDS, NAME_FORM, "MyName",
              "my.name", "123-abc")
_VALUE = _form("a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
               "'.', "
               + _ALNUM_ENDS, VALUE_FORM, "MyValue", "my_value", "12345")
_KEY = _form("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", KEY_FORM,
             "key.name",
             "KEY_NAME", "key-name")
_PERCENT = _form("a valid percent string must be a numeric string followed by an ending '%'", PERCENT_FORM,
                 "1%",
                 "93%")


@functools.lru_cache(maxsize=4096)
def label_hints(name):
    """What is wrong with a name that has to be a DNS label: sentences."""
    if len(name) > 63:
        return ("must be no more than 63 characters",)
    if re.fullmatch(LABEL_FORM, name):
        return ()
    return ("must not contain dots",) if re.fullmatch(SUBDOMAIN_FORM, name) else (_LABEL,)


@functools.lru_cache(maxsize=4096)
def subdomain_hints(name):
    if len(name) > 253:
        return ("must be no more than 253 characters",)
    return () if re.fullmatch(SUBDOMAIN_FORM, name) else (_SUBDOMAIN,)


@functools.lru_cache(maxsize=4096)
def qualified_hints(key):
    """What is wrong with a key: a name with an optional DNS prefix."""
    prefix, slash, name = key.partition("/")
    if not slash:
        prefix, name = "", prefix
    hints = []
    if "/" in name:
        return (f"a valid label key {_NAME} with an optional DNS subdomain prefix and '/' (e.g. "
                "'example.com/MyName')",)
    if slash and not prefix:
        hints.append("prefix part must be non-empty")
    elif slash:
        hints += [f"prefix part {hint}" for hint in subdomain_hints(prefix)]
    if not name:
        hints.append("name part must be non-empty")
    elif len(name) > 63:
        hints.append("name part must be no more than 63 characters")
    if not re.fullmatch(NAME_FORM, name):
        hints.append(f"name part {_NAME}")
    return tuple(hints)


@functools.lru_cache(maxsize=4096)
def value_hints(value):
    """What is wrong with the value of a label."""
    hints = ("must be no more than 63 bytes",) if len(value) > 63 else ()
    return hints if re.fullmatch(VALUE_FORM, value) else (*hints, _VALUE)


def config_key_hints(key):
    if len(key) > 253:
        return ("must be no more than 253 characters",)
    return () if re.fullmatch(KEY_FORM, key) else (_KEY,)


def percent_hints(value):
    return () if re.fullmatch(PERCENT_FORM, value) else (_PERCENT,)


def hinted(field, value, hints):
    return [invalid_value(field, value, hint) for hint in hints]


def not_negative(field, value):
    return [invalid_value(field, value, NOT_NEGATIVE)] if (value or 0) < 0 else []


def labels(values, field):
    causes = []
    for key, value in (values or {}).items():
        causes += hinted(field, key, qualified_hints(key))
        causes += hinted(field, value, value_hints(value))
    return causes


def annotations(values, field):
    causes = []
    size = 0
    for key, value in (values or {}).items():
        causes += hinted(field, key, qualified_hints(key.lower()))
        size += len(key) + len(value)
    if size > ANNOTATIONS_LIMIT:
        causes.append(Cause("FieldValueTooLong", field,
                            f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"))
    return causes


def finalizers(values, field):
    causes = []
    for one in values or ():
        causes += hinted(field, one, qualified_hints(one))
    for place, one in enumerate(values or ()):
        if "/" not in one and one not in STANDARD_FINALIZERS:
            causes.append(invalid_value(f"{field}[{place}]", one, "name is neither a standard finalizer name "
                                                                  "nor is it fully qualified"))
    return causes


def owners(references, field):
    causes = []
    controllers = []
    for one in references or ():
        if not one.get("apiVersion"):
            causes.append(invalid_value(f"{field}.apiVersion", "", "version must not be empty"))
        for key in ("kind", "name", "uid"):
            if not one.get(key):
                causes.append(invalid_value(f"{field}.{key}", "", "must not be empty"))
        if one.get("controller"):
            controllers.append(f"{one.get('kind')}/{one.get('name')}")
            if len(controllers) > 1:
                causes.append(invalid_structure(
                    field, references, 'Only one reference can have Controller set to true. Found "true" in '
                    f"references for {controllers[0]} and {controllers[-1]}"))
    return causes


def name_causes(kind, name):
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    if kind in PATH_NAMED:
        return []
    return hinted("metadata.name", name, label_hints(name) if kind in LABEL_NAMED else subdomain_hints(name))


def common(metadata):
    """The rules of metadata that hold at creation and at each update."""
    return (labels(metadata.get("labels"), "metadata.labels")
            + annotations(metadata.get("annotations"), "metadata.annotations")
            + owners(metadata.get("ownerReferences"), "metadata.ownerReferences"))


def created(kind, metadata):
    return (name_causes(kind, metadata.get("name")) + common(metadata)
            + finalizers(metadata.get("finalizers"), "metadata.finalizers"))


def updated(new, old):
    causes = []
    if "deletionTimestamp" in old:
        added = sorted(set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if added:
            shown = ", ".join(f'"{one}"' for one in added)
            causes.append(forbidden_field("metadata.finalizers",
                                          "no new finalizers can be added if the object is "
                                          f"being deleted, found new finalizers []string{{{shown}}}"))
    for key in ("name", "namespace", "uid"):
        if new.get(key) != old.get(key):
            causes.append(invalid_value(f"metadata.{key}", new.get(key, ""), IMMUTABLE))
    causes += common(new)
    if new.get("finalizers") != old.get("finalizers"):
        causes += finalizers(new.get("finalizers"), "metadata.finalizers")
    return causes


def selector(one, field):
    """A LabelSelector."""
    causes = labels((one or {}).get("matchLabels"), f"{field}.matchLabels")
    for place, requirement in enumerate((one or {}).get("matchExpressions") or ()):
        at = f"{field}.matchExpressions[{place}]"
        operator, values = requirement.get("operator", ""), requirement.get("values") or ()
        if operator not in OPERATORS:
            causes.append(invalid_value(f"{at}.operator", operator, "not a valid selector operator"))
        elif OPERATORS[operator] and not values:
            causes.append(required(f"{at}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
        elif values and not OPERATORS[operator]:
            causes.append(forbidden_field(f"{at}.values", "may not be specified when `operator` is 'Exists' "
                                                          "or 'DoesNotExist'"))
        causes += hinted(f"{at}.key", requirement.get("key", ""), qualified_hints(requirement.get("key", "")))
        for index, value in enumerate(values):
            causes += hinted(f"{at}.values[{index}]", value, value_hints(value))
    return causes
