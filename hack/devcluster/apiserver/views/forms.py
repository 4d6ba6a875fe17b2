"""How objects are shown: in full, as PartialObjectMetadata, or as a Table, whichever the Accept header asks
for first.

The bytes of a list or of a watch are put together from the bytes that the store keeps of each object.
"""

import functools

from ...errors import ApiError
from ..storage.store import encode
from ..storage.versions import served
from . import table

_META_VERSIONS = ("v1", "v1beta1")


@functools.lru_cache(maxsize=256)
def negotiate(accept):
    """(form, version of meta.k8s.io) of the first clause of an Accept header that we can answer."""
    for clause in (accept or "*/*").split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        if media not in ("application/json", "application/*", "*/*"):
            continue
        named = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
        form = named.get("as")
        if form is None:
            return "", "v1"
        if named.get("g") == "meta.k8s.io" and named.get("v") in _META_VERSIONS:
            if form == "Table":
                return form, named["v"]
            if form in ("PartialObjectMetadata", "PartialObjectMetadataList"):
                return "Partial", named["v"]
    raise ApiError("NotAcceptable", "only the following media types are accepted: application/json")


def of_request(request, registry):
    """The View that a request asks for."""
    form, version = negotiate(request.accept)
    if form == "Table":
        include = request.query.get("includeObject", "Metadata")
        return TableView(request.resource, version, include, registry.columns(request.resource))
    if form == "Partial":
        return PartialView(request.resource, version)
    return View(request.resource, custom=registry.is_custom(request.resource))


class View:
    """Objects in full, at the version of one resource."""

    def __init__(self, resource, version="v1", *, custom=False):
        self.resource = resource
        self._custom = custom
        self._meta = f"meta.k8s.io/{version}"
        self._head = f'{{"kind":"{resource.kind}","apiVersion":"{resource.api_version}",'.encode()

    def one(self, item):
        obj = served(self.resource, item.obj)
        return item.data if obj is item.obj else encode(obj)

    def _of_list(self, item):
        """Items of a typed list do not repeat their kind; those of a custom kind do."""
        data = self.one(item)
        if self._custom or not data.startswith(self._head):
            return data
        return b"{" + data[len(self._head):]

    def list(self, items, metadata):
        head = encode({"kind": self.resource.list_kind, "apiVersion": self.resource.api_version,
                       "metadata": metadata})
        return b"".join((head[:-1], b',"items":[', b",".join(map(self._of_list, items)), b"]}"))

    def event(self, kind, item):
        return b'{"type":"%s","object":%s}\n' % (kind.encode(), self.one(item))

    def bookmark(self, version, initial_end=False):
        metadata = {"resourceVersion": str(version)}
        if initial_end:
            metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
        return encode({"type": "BOOKMARK", "object": self._bookmark(metadata)}) + b"\n"

    def _bookmark(self, metadata):
        return {"kind": self.resource.kind, "apiVersion": self.resource.api_version, "metadata": metadata}

    def error(self, status):
        return encode({"type": "ERROR", "object": status}) + b"\n"


class PartialView(View):
    """Only the metadata."""

    def one(self, item):
        return encode({"kind": "PartialObjectMetadata", "apiVersion": self._meta,
                       "metadata": item.obj["metadata"]})

    def _of_list(self, item):
        return self.one(item)

    def list(self, items, metadata):
        head = encode({"kind": "PartialObjectMetadataList", "apiVersion": self._meta, "metadata": metadata})
        return b"".join((head[:-1], b',"items":[', b",".join(map(self.one, items)), b"]}"))

    def _bookmark(self, metadata):
        return {"kind": "PartialObjectMetadata", "apiVersion": self._meta, "metadata": metadata}


class TableView(View):
    """Rows of cells, as kubectl get shows them. Only the first event of a watch has the headings."""

    def __init__(self, resource, version, include, columns):
        super().__init__(resource, version)
        self._include = include
        self._columns = columns
        self._headed = False

    def _render(self, objects, metadata):
        answer = table.render(self.resource, objects, metadata, self._include, self._columns)
        answer["apiVersion"] = self._meta
        return answer

    def one(self, item):
        metadata = {"resourceVersion": item.obj["metadata"]["resourceVersion"]}
        return encode(self._render([served(self.resource, item.obj)], metadata))

    def list(self, items, metadata):
        return encode(self._render([served(self.resource, item.obj) for item in items], metadata))

    def event(self, kind, item):
        rendered = self._render([served(self.resource, item.obj)],
                                {"resourceVersion": item.obj["metadata"]["resourceVersion"]})
        return encode({"type": kind, "object": self._unheaded(rendered)}) + b"\n"

    def _bookmark(self, metadata):
        rendered = self._render([], {"resourceVersion": metadata["resourceVersion"]})
        if "annotations" in metadata:
            row = {"kind": "PartialObjectMetadata", "apiVersion": self._meta, "metadata": metadata}
            rendered["rows"] = [{"cells": [], "object": row}]
        return self._unheaded(rendered)

    def _unheaded(self, rendered):
        if self._headed:
            rendered["columnDefinitions"] = None
        self._headed = True
        return rendered
