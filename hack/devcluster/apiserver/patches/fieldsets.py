"""Sets of field paths in the form of FieldsV1, and which paths of an object are there or differ between two.

A set is nested dictionaries: "f:<field>", "k:<keys of an element>" and "v:<value>" lead down; a node with "."
or with nothing below it is a member itself. None is the empty set. Source: structured-merge-diff v6, as of
Kubernetes 1.36.
"""

import functools
import json

SELF = "."
MEMBER = {}  # a member with nothing below; never changed in place


@functools.lru_cache(maxsize=16384)
def _step(prefix, names, values):
    keys = values[0] if prefix == "v:" else dict(zip(names, values))
    return prefix + json.dumps(keys, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def step_of(element, types):
    """The step from a list to one of its elements; None for an element that cannot be told from others."""
    if types.unique:
        return _step("v:", (), (element,)) if not isinstance(element, dict | list) else None
    if not isinstance(element, dict):
        return None
    values = tuple(element.get(key, types.initial.get(key)) for key in types.keys)
    if any(isinstance(value, dict | list) for value in values):
        return None
    return _step("k:", types.keys, values)


def is_granular(value, types):
    """Whether what is below a value has owners of its own."""
    if isinstance(value, dict):
        return not types.atomic
    return isinstance(value, list) and bool(types.keys or types.unique)


def children(value, types):
    """(step, value, type) of everything one step below a granular value."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield "f:" + key, one, types.field(key)
    else:
        for one in value:
            if (step := step_of(one, types)) is not None:
                yield step, one, types.element


def everything(value, types):
    """Every path from a value down that is new when the value is."""
    if not value or not is_granular(value, types):
        return MEMBER
    node = {SELF: MEMBER}
    for step, one, below in children(value, types):
        node[step] = everything(one, below) if isinstance(one, dict | list) else MEMBER
    return node


def given(value, types):
    """The paths that an applied configuration names: structures only where they are elements or empty."""
    if not is_granular(value, types) or value == {}:
        return MEMBER
    node = {}
    for step, one, below in children(value, types):
        found = given(one, below)
        if found is not None:
            node[step] = found if step[0] == "f" or not found else {SELF: MEMBER, **found}
    return node or None


def compare(old, new, types):
    """(changed or added paths, removed paths) between two granular values."""
    changed, removed = {}, {}
    before = {step: one for step, one, _ in children(old, types)} if old else {}
    for step, one, below in children(new, types):
        if step not in before:
            changed[step] = everything(one, below)
            continue
        was = before.pop(step)
        if was == one:
            continue
        if was is None and is_granular(one, below):
            was = type(one)()
        if type(was) is type(one) and is_granular(one, below):
            below_changed, below_removed = compare(was, one, below)
            if below_changed:
                changed[step] = below_changed
            if below_removed:
                removed[step] = below_removed
        else:
            changed[step] = MEMBER
            if is_granular(was, below) and was:
                removed[step] = everything(was, below)
    for step, was in before.items():
        removed[step] = everything(was, _type_at(step, types))
    return changed or None, removed or None


def _type_at(step, types):
    return types.field(step[2:]) if step[0] == "f" else types.element


def is_member(node):
    return not node or SELF in node


def union(one, other):
    if one is None or other is None:
        return other if one is None else one
    node = {SELF: MEMBER} if is_member(one) or is_member(other) else {}
    for step in [*one, *(step for step in other if step not in one)]:
        if step != SELF:
            node[step] = union(one.get(step), other.get(step))
    return MEMBER if node.keys() == {SELF} else node


def difference(one, other):
    """The members of one that are not members of other."""
    if one is None or other is None:
        return one
    node = {SELF: MEMBER} if is_member(one) and not is_member(other) else {}
    for step, below in one.items():
        if step != SELF:
            left = difference(below, other.get(step))
            if left is not None:
                node[step] = left
    if not node:
        return None
    return MEMBER if node.keys() == {SELF} else node


def intersection(one, other):
    if one is None or other is None:
        return None
    node = {SELF: MEMBER} if is_member(one) and is_member(other) else {}
    for step in one.keys() & other.keys() - {SELF}:
        both = intersection(one[step], other[step])
        if both is not None:
            node[step] = both
    if not node:
        return None
    return MEMBER if node.keys() == {SELF} else node


def paths(node, prefix=""):
    """The members as texts like .spec.containers[name="c"].image; those of one level before those below."""
    steps = sorted(step for step in node if step != SELF)
    for step in steps:
        if is_member(node[step]):
            yield prefix + _shown(step)
    for step in steps:
        yield from paths(node[step], prefix + _shown(step))


def _shown(step):
    if step[0] == "f":
        return "." + step[2:]
    if step[0] == "v":
        return f"[={step[2:]}]"
    keys = json.loads(step[2:])
    return "[" + ",".join(f"{key}={json.dumps(keys[key])}" for key in sorted(keys)) + "]"
