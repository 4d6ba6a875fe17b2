"""A CustomResourceDefinition as the API server reads it: what it serves, are its names free, its columns.

Source: the API reference of CustomResourceDefinition. What its spec may say is in crd_check.py.
"""

from ...objects import condition, copy, dig, now, set_condition
from ...resources import Resource
from .crd_check import check
from .schema import Schema

__all__ = ["check", "columns", "default", "established", "resources", "schema", "taken_names", "version"]

AGE = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": (
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
    "guaranteed to be set in happens-before order across separate operations. Clients may not set this "
    "value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for "
    "lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata")}
NAMES = (("plural", "PluralConflict"), ("singular", "SingularConflict"),
         ("shortNames", "ShortNamesConflict"), ("kind", "KindConflict"), ("listKind", "ListKindConflict"))


def default(crd):
    """What may be left out of a CRD's spec, filled in, in place."""
    spec = crd.get("spec", {})
    names = spec.get("names", {})
    if names.get("kind"):
        names.setdefault("singular", names["kind"].lower())
        names.setdefault("listKind", names["kind"] + "List")
    spec.setdefault("conversion", {"strategy": "None"})


def resources(crd):
    """The rows that an established CRD adds to what is served, the preferred version first."""
    if dig(condition(crd, "Established"), "status") != "True":
        return []
    spec, names = crd["spec"], crd["status"]["acceptedNames"]
    return [Resource(spec["group"], one["name"], names["plural"], names["kind"],
                     spec["scope"] == "Namespaced", tuple(names.get("shortNames") or ()),
                     tuple(part for part in ("status", "scale") if part in (one.get("subresources") or {})),
                     tuple(names.get("categories") or ()), singular_name=names["singular"],
                     list_kind_name=names["listKind"])
            for one in sorted(spec["versions"], key=lambda one: _priority(one["name"]), reverse=True)
            if one["served"]]


def _priority(name):
    """Sorts versions as discovery does: v2, v1, v1beta2, v1alpha1, then the others."""
    digits = name[1:].replace("alpha", " 0 ").replace("beta", " 1 ").split()
    if not name.startswith("v") or not all(part.isdigit() for part in digits) or len(digits) not in (1, 3):
        return (0, 0, 0, 0)
    major, stage, minor = (*map(int, digits), 2, 0)[:3]
    return (1, stage, major, minor)


def version(crd, name):
    return next(one for one in crd["spec"]["versions"] if one["name"] == name)


def schema(crd, name):
    return Schema(version(crd, name), f"{crd['metadata']['name']} {name}")


def columns(crd, name):
    """The additional printer columns of a version; as on a real server the age where there are none."""
    return version(crd, name).get("additionalPrinterColumns") or [AGE]


def taken_names(crd, others):
    """The names that the other CRDs of the group have: of resources and of kinds."""
    taken = set()
    for other in others:
        if (other["spec"]["group"] == crd["spec"]["group"]
                and other["metadata"]["name"] != crd["metadata"]["name"]):
            names = dict(dig(other, "status", "acceptedNames", default={}))
            taken.update(names.pop("shortNames", ()))
            names.pop("categories", None)
            taken.update(names.values())
    return taken - {""}


def established(crd, taken, at=None):
    """The status of a CRD: accepted names, conditions, stored versions. `taken` as of taken_names()."""
    status = copy(crd.get("status") or {})
    wanted, accepted = crd["spec"]["names"], dict(status.get("acceptedNames") or {})
    problems = []
    for key, reason in NAMES:
        value = wanted.get(key)
        asked = value or () if key == "shortNames" else (value,)
        owned = accepted.get(key) or () if key == "shortNames" else (accepted.get(key),)
        clashes = [f'"{name}" is already in use' for name in asked
                   if name in taken and name not in owned]
        if clashes:
            problems.append((reason, clashes[0] if len(clashes) == 1 else f"[{', '.join(clashes)}]"))
        else:
            accepted[key] = value
    accepted["categories"] = wanted.get("categories")
    status["acceptedNames"] = {"kind": "", "plural": ""} | {key: one for key, one in accepted.items() if one}
    _conditions(status, problems, at or now())
    storage = next(one["name"] for one in crd["spec"]["versions"] if one["storage"])
    stored = status.get("storedVersions") or []
    status["storedVersions"] = stored if storage in stored else stored + [storage]
    return status


def _conditions(status, problems, at):
    was = condition({"status": status}, "Established")
    status.setdefault("conditions", [])
    if problems:
        set_condition(status, "NamesAccepted", "False", *problems[-1], at=at)
    else:
        set_condition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", at=at)
    if was and was["status"] == "True":
        return
    if problems:
        set_condition(status, "Established", "False", "NotAccepted", "not all names are accepted", at=at)
    else:
        set_condition(status, "Established", "True", "InitialNamesAccepted",
                      "the initial names have been accepted", at=at)
