"""Bodies in Kubernetes' protobuf encoding → the same object as JSON. kubectl creates the built-in kinds this
way.

Answers are never protobuf: clients that send it accept JSON too. Source: the Kubernetes documentation,
"Kubernetes API Concepts", "Protobuf encoding"; protobuf.dev, "Encoding".
"""

import base64
import datetime
import json

from .protobuf_fields import MESSAGES

MAGIC = b"k8s\0"
# messages within a message whose fields JSON shows as the outer one's
INLINE = frozenset(("handler", "localObjectReference", "volumeSource"))
JSON_NAMES = {"uID": "uid"}
LENGTH, VARINT, EIGHT, FOUR = 2, 0, 1, 5  # wire types


def decode(data):
    """The object in a body. ValueError for what cannot be read."""
    if not data.startswith(MAGIC):
        raise ValueError("provided data does not appear to be a protobuf message, expected prefix k8s\\0")
    envelope = dict(_fields(data[len(MAGIC):]))
    about = {number: value.decode() for number, value in _fields(envelope.get(1, b""))}
    api_version, kind = about.get(1, ""), about.get(2, "")
    if kind not in MESSAGES:
        raise ValueError(f"this server cannot read a {kind} sent as protobuf: send JSON")
    return {"kind": kind, "apiVersion": api_version, **_message(envelope.get(2, b""), kind)}


def _varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("proto: malformed varint")
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def _fields(data):
    """(number, value) of each field of a message: an integer, or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == VARINT:
            value, at = _varint(data, at)
        elif wire in (LENGTH, EIGHT, FOUR):
            size, at = _varint(data, at) if wire == LENGTH else ({EIGHT: 8, FOUR: 4}[wire], at)
            value, at = data[at:at + size], at + size
            if at > len(data):
                raise ValueError("proto: unexpected end of message")
        else:
            raise ValueError(f"proto: illegal wire type {wire}")
        yield tag >> 3, value


def _message(data, kind):
    found = {}
    for number, value in _fields(data):
        if number not in MESSAGES[kind]:
            raise ValueError(f"this server cannot read field {number} of a {kind} as protobuf: send JSON")
        name, shape = MESSAGES[kind][number]
        name = JSON_NAMES.get(name, name)
        if name in INLINE:
            found |= _message(value, shape)
        elif shape.startswith("["):
            found.setdefault(name, []).append(_value(value, shape[1:-1] + "?"))
        elif shape.startswith("{"):
            pair = dict(_fields(value))
            key = pair.get(1, b"").decode()
            found.setdefault(name, {})[key] = _value(pair.get(2, b""), shape[1:-1] + "?")
        elif shape != "skip" and (one := _value(value, shape)) is not None:
            found[name] = one
    return found


def _value(value, shape):
    """One value; None for a zero that is as good as nothing."""
    kept = shape.endswith("?")
    shape = shape.removesuffix("?")
    if shape in _SCALARS:
        one = _SCALARS[shape](value)
        return one if one or kept else None
    return _message(value, shape)


def _signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def _time(data, form="%Y-%m-%dT%H:%M:%SZ"):
    found = dict(_fields(data))
    if not found.get(1):
        return None
    moment = datetime.datetime.fromtimestamp(_signed(found[1]), datetime.timezone.utc)
    return moment.replace(microsecond=found.get(2, 0) // 1000).strftime(form)


def _int_or_string(data):
    found = dict(_fields(data))
    return found.get(3, b"").decode() if found.get(1) else _signed(found.get(2, 0))


_SCALARS = {
    "": lambda value: value.decode(),
    "int": _signed,
    "bool": bool,
    "bytes": lambda value: base64.b64encode(value).decode(),
    "Time": _time,
    "MicroTime": lambda value: _time(value, "%Y-%m-%dT%H:%M:%S.%fZ"),
    "Quantity": lambda value: dict(_fields(value)).get(1, b"").decode(),
    "IntOrString": _int_or_string,
    "FieldsV1": lambda value: json.loads(dict(_fields(value)).get(1, b"{}")),
}
