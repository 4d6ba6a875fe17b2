"""The string formats that the schema of a custom resource can ask for: text → whether it has the format.

Source: the API reference of CustomResourceDefinition (format). Those not in the table are not checked.
"""

import base64
import binascii
import datetime
import ipaddress
import re
import urllib.parse


def _parses(parse, *failures):
    """A test from a function that raises for what it cannot read."""
    def test(text):
        try:
            parse(text)
        except failures or ValueError:
            return False
        return True
    return test


def _matches(pattern):
    return lambda text: re.fullmatch(pattern, text) is not None


_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")


def _date_time(text):
    found = _DATE_TIME.fullmatch(text)
    if not found:
        raise ValueError(f"not a time: {text!r}")
    datetime.datetime.fromisoformat(f"{found[1]}T{found[2]}")


def _date(text):
    datetime.datetime.strptime(text, "%Y-%m-%d")


def _uri(text):
    address = urllib.parse.urlsplit(text)
    return " " not in text and bool(address.scheme or text.startswith("/"))


def _cidr(text):
    if "/" not in text:
        raise ValueError(f"not a network: {text!r}")
    ipaddress.ip_network(text, strict=False)


_HEX4 = "[0-9a-fA-F]{4}"
_LABEL = "[A-Za-z0-9][-A-Za-z0-9]{0,62}"
_UNITS = r"(ns|nano|us|µs|micro|ms|milli|s|sec|m|min|h|hr|hour|d|day|w|wk|week)s?"

TESTS = {
    "date-time": _parses(_date_time),
    "datetime": _parses(_date_time),
    "date": _parses(_date),
    "duration": lambda text: text == "0" or re.search(rf"\d+\s*{_UNITS}(?![A-Za-z])", text, re.I) is not None
    or re.fullmatch(r"[+-]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+", text) is not None,
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _parses(_cidr),
    "mac": _matches(r"[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}"),
    "uri": _uri,
    "email": _matches(r"[^@\s]+@[^@\s]+"),
    "uuid": _matches(rf"(?i:[0-9a-f]{{8}}-?{_HEX4}-?{_HEX4}-?{_HEX4}-?[0-9a-f]{{12}})"),
    "byte": _parses(lambda text: base64.b64decode(text, validate=True), binascii.Error, ValueError),
    "hostname": _matches(rf"(?=.{{1,255}}$){_LABEL}(\.{_LABEL})*\.?"),
}
