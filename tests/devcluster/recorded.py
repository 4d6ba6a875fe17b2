"""Requests and answers that were recorded from a Kubernetes 1.36 API server, for tests to compare with."""

import json
import pathlib

from devcluster.objects import copy

FIXTURES = pathlib.Path(__file__).parents[1] / "fixtures"


def load(path):
    return json.loads((FIXTURES / path).read_text())


def without(obj, *paths):
    """A copy of an object that lacks the fields at some paths."""
    obj = copy(obj)
    for path in paths:
        *parents, last = path.split(".")
        place = obj
        for key in parents:
            place = place.get(key, {})
        place.pop(last, None)
    return obj
