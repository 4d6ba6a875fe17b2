"""delete and deletecollection: grace, finalizers, preconditions, propagation, and what is answered."""

import datetime

from ... import errors
from ...errors import ApiError
from ...objects import dig, now, seconds, timestamp
from ..admission import plugins
from ..admission.calls import GO_TYPES
from ..admission.webhooks import Attributes
from ..http import bodies
from ..storage.store import Item, encode
from ..storage.versions import served, storage
from ..views import forms
from .reads import Page, number

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"  # finalizers of the garbage collector
_POLICIES = {"Orphan": ORPHAN, "Foreground": FOREGROUND, "Background": None}
DEFINITIONS = ("apiextensions.k8s.io", "customresourcedefinitions")
_TYPES = {"gracePeriodSeconds": (int, "int64"), "preconditions": (dict, "v1.Preconditions"),
          "orphanDependents": (bool, "bool"), "propagationPolicy": (str, "string"), "dryRun": (list, "[]string")}
# kinds whose deletion is answered with the object; the others' with a Status
_SHOWN_WHEN_GONE = frozenset(("", plural) for plural in (
    "namespaces", "persistentvolumes", "persistentvolumeclaims", "pods", "resourcequotas", "services",
    "serviceaccounts"))


def _later(text, count):
    return timestamp(datetime.datetime.fromtimestamp(seconds(text) + count, datetime.timezone.utc))


def read_options(request):
    """DeleteOptions from the body, or from the parameters where there is none."""
    if request.body:
        bodies.readable(request.content_type)
        try:
            options = bodies.decode(request.body, request.content_type)
        except ValueError as error:
            raise bodies.bad(f"couldn't get version/kind; json parse error: {error}") from None
        options = _typed({} if options is None else options)
    else:
        options = {name: request.query[name] for name in ("propagationPolicy",) if name in request.query}
        if "gracePeriodSeconds" in request.query:
            options["gracePeriodSeconds"] = number(request.query, "gracePeriodSeconds")
        if "orphanDependents" in request.query:
            options["orphanDependents"] = request.query["orphanDependents"] == "true"
    if request.query.get("dryRun") == "All":
        options["dryRun"] = ["All"]
    if options.get("propagationPolicy") and options.get("orphanDependents") is not None:
        raise errors.bad_options(errors.invalid_value(
            "propagationPolicy", options["propagationPolicy"],
            "orphanDependents and deletionPropagation cannot be both set"), kind="DeleteOptions")
    if options.get("propagationPolicy") not in (None, *_POLICIES):
        shown = errors.shown(options["propagationPolicy"])
        cause = errors.Cause(
            "FieldValueNotSupported", "propagationPolicy", f"Unsupported value: {shown}: supported values: "
            '"Foreground", "Background", "Orphan", "nil"')
        raise errors.bad_options(cause, kind="DeleteOptions")
    return {**options, "kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}


def _typed(options):
    """Options from a body, whose fields are of their types; else 400."""
    if not isinstance(options, dict) or options.get("kind") not in (None, "", "DeleteOptions"):
        raise bodies.bad("couldn't get version/kind; json parse error: the body is no DeleteOptions")
    for field, (kind, name) in _TYPES.items():
        value = options.get(field)
        if value is not None and type(value) is not kind:
            raise bodies.bad(f"json: cannot unmarshal {GO_TYPES[type(value)]} into Go struct field DeleteOptions."
                             f"{field} of type {name}")
    if any(one != "All" for one in options.get("dryRun") or ()):
        shown = errors.shown(options["dryRun"])
        cause = errors.Cause("FieldValueNotSupported", "dryRun",
                             f'Unsupported value: {shown}: supported values: "All"')
        raise errors.bad_options(cause, kind="DeleteOptions")
    return options


def check_preconditions(resource, metadata, options):
    wanted = options.get("preconditions") or {}
    for field, title, end in (("uid", "UID", "deleted and then recreated"),
                              ("resourceVersion", "ResourceVersion", "modified")):
        asked, found = wanted.get(field), metadata[field]
        if asked is not None and asked != found:
            details = {**errors.about(resource, metadata["name"]), "kind": resource.kind}
            kind = resource.kind + (f".{resource.group}" if resource.group else "")
            raise ApiError("Conflict", (
                f'Operation cannot be fulfilled on {kind} "{metadata["name"]}": the {title} in the '
                f"precondition ({asked}) does not match the {title} in record ({found}). The object might "
                f"have been {end}"), details=details)


def _finalizers(metadata, options):
    """The finalizers of an object being deleted: its own, and that of the garbage collector, if any."""
    given = metadata.get("finalizers") or []
    if options.get("orphanDependents") is not None:
        collector = ORPHAN if options["orphanDependents"] else None
    elif options.get("propagationPolicy"):
        collector = _POLICIES[options["propagationPolicy"]]
    else:
        collector = next((one for one in given if one in (ORPHAN, FOREGROUND)), None)
    kept = [one for one in given if one not in (ORPHAN, FOREGROUND)]
    return kept + [collector] if collector else kept


def _grace_of_pod(pod, options):
    if not dig(pod, "spec", "nodeName") or dig(pod, "status", "phase") in ("Succeeded", "Failed"):
        return 0
    period = options.get("gracePeriodSeconds")
    if period is None:
        period = dig(pod, "spec", "terminationGracePeriodSeconds", default=0)
    return period if period >= 0 else 1


def _mark(metadata, at, grace):
    """Metadata of an object whose deletion begins."""
    marked = {**metadata, "deletionTimestamp": at, "deletionGracePeriodSeconds": grace}
    if metadata.get("generation"):
        marked["generation"] = metadata["generation"] + 1
    return marked


class Plan:
    """What a deletion does to an object: `new` is its next state, or None; `gone`: it is then taken out."""

    def __init__(self, resource, obj, options, at):
        self.new, self.gone = None, False
        metadata = obj["metadata"]
        check_preconditions(resource, metadata, options)
        name = storage(resource)
        if name == plugins.NAMESPACES or name == DEFINITIONS:
            self._two_phases(obj, name, options, at)
            return
        changed = self._graceful_pod(obj, options, at) if name == plugins.PODS else None
        if changed is metadata:  # already on its way, and no faster by this
            return
        after = changed or metadata
        finalizers = _finalizers(after, options)
        if finalizers and not changed:
            after = metadata if "deletionTimestamp" in metadata else _mark(metadata, at, 0)
        if changed or finalizers:
            after = {**after, "finalizers": finalizers}
            if not finalizers:
                del after["finalizers"]
            self.new = {**obj, "metadata": after} if after != metadata else None
        self.gone = not finalizers and not after.get("deletionGracePeriodSeconds")

    @staticmethod
    def _graceful_pod(pod, options, at):
        """The metadata of a pod that ends gracefully; the same one where nothing changes, None: it may go."""
        metadata = pod["metadata"]
        if "deletionTimestamp" not in metadata:
            grace = _grace_of_pod(pod, options)
            return _mark(metadata, _later(at, grace), grace)
        left = metadata.get("deletionGracePeriodSeconds")
        if not left:
            return None
        wanted = options.get("gracePeriodSeconds")
        if wanted is not None and wanted < 0:
            wanted = 1
        if wanted is None or wanted >= left:
            return metadata
        end = _later(metadata["deletionTimestamp"], wanted - left)
        if seconds(end) < seconds(at):
            end, wanted = at, min(wanted, 1)
        return {**metadata, "deletionTimestamp": end, "deletionGracePeriodSeconds": wanted}

    def _two_phases(self, obj, name, options, at):
        """Namespaces and CRDs are marked first, and go when what they hold is gone."""
        metadata = obj["metadata"]
        if "deletionTimestamp" not in metadata:
            marked = {**metadata, "deletionTimestamp": at, "finalizers": _finalizers(metadata, options)}
            if metadata.get("generation"):
                marked["generation"] = metadata["generation"] + 1
            if not marked["finalizers"]:
                del marked["finalizers"]
            self.new = {**obj, "metadata": marked}
            if name == plugins.NAMESPACES:
                self.new["status"] = {**obj.get("status", {}), "phase": "Terminating"}
            return
        self.gone = not metadata.get("finalizers") and not dig(obj, "spec", "finalizers")


class Deleter:
    """after(resource, old, new) as of the Writer."""

    def __init__(self, store, registry, admission, reader, after):
        self.store = store
        self.registry = registry
        self.admission = admission
        self.reader = reader
        self.after = after

    async def delete(self, request):
        options = read_options(request)
        plugins.check_delete(request)
        item, gone = await self.take(request, options)
        code = 200
        cascading = options.get("orphanDependents") is False
        if not gone and cascading:
            code = 202
        if gone and storage(request.resource) not in _SHOWN_WHEN_GONE:
            details = {**errors.about(request.resource, request.name), "uid": item.obj["metadata"]["uid"]}
            return code, encode({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                                 "details": details})
        return code, forms.of_request(request, self.registry).one(item)

    async def take(self, request, options, *, admit=True):
        """(the Item as it is now or was last, whether it is gone)."""
        resource, kind = request.resource, storage(request.resource)
        dry_run = "All" in (options.get("dryRun") or ())
        while True:
            item = self.store.get(kind, request.namespace, request.name)
            if item is None:
                raise errors.not_found(resource, request.name)
            plan = Plan(resource, item.obj, options, now())
            if admit and (plan.new or plan.gone):
                old = served(resource, item.obj)
                attributes = Attributes(request, "DELETE", None, old, options, dry_run)
                await self.admission.mutate(attributes)
                await self.admission.validate(attributes)
            if self.store.get(kind, request.namespace, request.name) is item:
                return self._carry_out(request, item, plan, dry_run)

    def _carry_out(self, request, item, plan, dry_run):
        resource, kind = request.resource, storage(request.resource)
        if dry_run:
            return (Item(plan.new, item.version) if plan.new else item), plan.gone
        if plan.new:
            was, item = item, self.store.put(kind, plan.new)
            if not plan.gone:
                self.after(resource, was.obj, item.obj)
        if plan.gone:
            was, item = item, self.store.remove(kind, item)
            self.after(resource, was.obj, None)
        return item, plan.gone

    async def collection(self, request):
        options = read_options(request)
        page = Page(request.query, self.store.version)
        chosen, metadata = page.cut(self.reader.select(request, page))
        for _, item in chosen:
            one = request.about(item.obj["metadata"])
            plugins.check_delete(one)
            try:
                await self.take(one, options)
            except ApiError as error:
                if error.code != 404:
                    raise
        return 200, forms.of_request(request, self.registry).list([item for _, item in chosen], metadata)
