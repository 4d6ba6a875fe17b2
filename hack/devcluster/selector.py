"""Label and field selectors: the text of a query parameter or a LabelSelector object → a function of labels.

Source: the Kubernetes documentation, "Labels and Selectors" and "Field Selectors".
"""

import re

_SET = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)\s*$")
_EQUAL = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s*(?P<op>!=|==|=)\s*(?P<value>[^\s,()]*)\s*$")
_EXISTS = re.compile(r"^\s*(?P<no>!?)\s*(?P<key>[^\s!=,()]+)\s*$")
_COMMA = re.compile(r",(?![^(]*\))")  # not within parentheses


def parse_labels(text):
    """"a=b,c in (d,e),!f" → requirements: [(key, operator, values)]. ValueError with a sentence."""
    requirements = []
    for part in _COMMA.split(text) if text.strip() else ():
        if found := _SET.match(part):
            values = frozenset(value.strip() for value in found["values"].split(","))
            requirements.append((found["key"], "In" if found["op"] == "in" else "NotIn", values))
        elif found := _EQUAL.match(part):
            requirements.append((found["key"], "NotIn" if found["op"] == "!=" else "In", frozenset((found["value"],))))
        elif found := _EXISTS.match(part):
            requirements.append((found["key"], "DoesNotExist" if found["no"] else "Exists", frozenset()))
        else:
            raise ValueError(f"unable to parse requirement: {part.strip()!r}")
    return requirements


def of_selector(selector):
    """A LabelSelector object (matchLabels, matchExpressions) → requirements. None selects nothing: None."""
    if selector is None:
        return None
    requirements = [(key, "In", frozenset((value,))) for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or ():
        requirements.append((one["key"], one["operator"], frozenset(one.get("values") or ())))
    return requirements


def matches(requirements, labels):
    """Whether labels (a dictionary or None) fulfil all of them."""
    if requirements is None:
        return False
    labels = labels or {}
    return all(_TESTS[operator](labels.get(key), values) for key, operator, values in requirements)


_TESTS = {
    "In": lambda value, values: value is not None and value in values,
    "NotIn": lambda value, values: value is None or value not in values,
    "Exists": lambda value, values: value is not None,
    "DoesNotExist": lambda value, values: value is None,
}


def selects(selector, obj):
    """Whether a LabelSelector object selects an object."""
    return matches(of_selector(selector), obj["metadata"].get("labels"))


def parse_fields(text):
    """"a.b=c,d!=e" → [(path, equal, value)]. ValueError with a sentence."""
    requirements = []
    for part in text.split(",") if text else ():
        for operator in ("!=", "==", "="):
            path, found, value = part.partition(operator)
            if found:
                requirements.append((path, operator != "!=", value))
                break
        else:
            raise ValueError(f"invalid selector: {part!r}; can't understand {part!r}")
    return requirements
