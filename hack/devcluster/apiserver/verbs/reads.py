"""get, list and watch: selectors, pages, and the version that an answer is about."""

import base64
import binascii
import json

from ... import errors, selector
from ...errors import ApiError
from ..kinds import fields
from ..storage.store import encode
from ..storage.versions import served, storage
from ..storage.watch import Watch
from ..views import forms

_EXPIRED_PAGE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list.")
_INCONSISTENT = -1  # in a continue token: from the objects as they are now


def matcher(request, registry):
    """The selectors of a request as one function of a stored object."""
    try:
        labels = selector.parse_labels(request.query.get("labelSelector", ""))
        wanted = selector.parse_fields(request.query.get("fieldSelector", ""))
    except ValueError as error:
        raise ApiError("BadRequest", str(error)) from None
    resource = request.resource
    selectable = registry.selectable(resource)
    fields.check(resource, [path for path, _, _ in wanted], selectable=selectable)
    if not labels and not wanted:
        return lambda obj: True

    def matches(obj):
        if labels and not selector.matches(labels, obj["metadata"].get("labels")):
            return False
        if not wanted:
            return True
        values = fields.values(resource, served(resource, obj), selectable=selectable)
        return all((values[path] == value) == equal for path, equal, value in wanted)

    return matches


def number(query, name):
    text = query.get(name) or "0"
    try:
        return int(text)
    except ValueError:
        raise ApiError("BadRequest", f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def too_large(wanted, current):
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    return ApiError("Timeout", f"Timeout: Too large resource version: {wanted}, current: {current}",
                    retry_after=1, details={"causes": [cause]})


class Page:
    """Which part of a list is asked for, and as of which version."""

    def __init__(self, query, current):
        self.limit = number(query, "limit")
        self.start = ""
        self.version = None  # None: now
        match, version = query.get("resourceVersionMatch"), query.get("resourceVersion")
        if match and not version:
            raise errors.bad_options(errors.forbidden_field(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if query.get("continue"):
            self._go_on(query["continue"])
        elif version:
            if not version.isdigit():
                why = f'strconv.ParseUint: parsing "{version}": invalid syntax'
                raise ApiError("InternalError", f'resourceVersion: Invalid value: "{version}": {why}')
            if int(version) > current:
                raise too_large(version, current)
            if match == "Exact":
                self.version = int(version)
        self.shown = current if self.version is None else self.version

    def _go_on(self, token):
        try:
            decoded = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            self.start, version = decoded["start"], decoded["rv"]
        except (binascii.Error, ValueError, KeyError, TypeError) as error:
            message = f"invalid continue token: continue key is not valid: {error}"
            raise ApiError("BadRequest", message) from None
        self.version = None if version == _INCONSISTENT else version

    def cut(self, matching):
        """(what of the (key, Item) pairs is on this page, metadata of the list)."""
        if self.start:
            matching = [pair for pair in matching if pair[0] >= self.start]
        metadata = {"resourceVersion": str(self.shown)}
        if 0 < self.limit < len(matching):
            metadata["continue"] = self._token(self.shown, matching[self.limit - 1][0])
            metadata["remainingItemCount"] = len(matching) - self.limit
            matching = matching[:self.limit]
        return matching, metadata

    @staticmethod
    def _token(version, last):
        start = encode({"v": "meta.k8s.io/v1", "rv": version, "start": last + "\0"})
        return base64.urlsafe_b64encode(start).rstrip(b"=").decode()

    def expired(self):
        error = ApiError("Expired", _EXPIRED_PAGE)
        error.status["metadata"] = {"continue": self._token(_INCONSISTENT, self.start.rstrip("\0"))}
        return error


class Reader:
    def __init__(self, store, registry):
        self.store = store
        self.registry = registry

    def item(self, request):
        """The stored Item that a request names. 404 where there is none."""
        item = self.store.get(storage(request.resource), request.namespace, request.name)
        if item is None:
            raise errors.not_found(request.resource, request.name)
        return item

    def get(self, request):
        item = self.item(request)
        version = request.query.get("resourceVersion", "")
        if version.isdigit() and int(version) > self.store.version:
            raise too_large(version, self.store.version)
        return forms.of_request(request, self.registry).one(item)

    def select(self, request, page):
        kind = storage(request.resource)
        matches = matcher(request, self.registry)
        if page.version is None:
            pairs = self.store.select(kind, request.namespace)
        else:
            try:
                pairs = self.store.select_at(kind, page.version, request.namespace)
            except ApiError:
                raise (page.expired() if page.start else self._compacted()) from None
        return [pair for pair in pairs if matches(pair[1].obj)]

    def _compacted(self):
        return ApiError("Expired", "The resourceVersion for the provided list is too old.")

    def list(self, request):
        view = forms.of_request(request, self.registry)
        page = Page(request.query, self.store.version)
        pairs, metadata = page.cut(self.select(request, page))
        if request.query.get("labelSelector") or request.query.get("fieldSelector"):
            metadata.pop("remainingItemCount", None)  # a real server does not count what it has not filtered
        return view.list([item for _, item in pairs], metadata)

    def watch(self, request):
        return Watch(self.store, storage(request.resource), request.query, namespace=request.namespace,
                     matches=matcher(request, self.registry), view=forms.of_request(request, self.registry))
