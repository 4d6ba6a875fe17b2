"""create, replace, patch and server-side apply: the steps that an object goes through between request and
store.

The order is that of a real server: decode, default, note who owns which field, mutate (built-in admission,
then webhooks), default again, keep what the request may not change, validate, ask the validating webhooks,
store. Since webhooks take time, a change is made again when the object has become another meanwhile.
"""

import json
import uuid

from ... import errors
from ...objects import copy, dig, now
from ..admission import plugins
from ..admission.webhooks import Attributes
from ..custom import crd
from ..custom.lifecycle import DEFINITIONS
from ..http import bodies
from ..kinds import defaults, lists, prepare, validation
from ..patches import managed, patch
from ..storage.store import Item
from ..storage.versions import served, storage, stored
from ..views import forms
from . import scale, services

NAME_TRIES = 8
TRIES = 5  # of a patch that meets other writes
APPLY = "application/apply-patch+yaml"
# kinds that a PUT may create, and those whose PUT must name a resourceVersion
CREATED_BY_PUT = frozenset({
    ("", "endpoints"), ("", "events"), ("", "limitranges"), ("", "services"),
    ("coordination.k8s.io", "leases"),
    *(("rbac.authorization.k8s.io", plural) for plural in ("roles", "rolebindings", "clusterroles",
                                                           "clusterrolebindings"))})
VERSION_REQUIRED = frozenset({
    ("coordination.k8s.io", "leases"), ("policy", "poddisruptionbudgets"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    *(("admissionregistration.k8s.io", plural) for plural in ("mutatingwebhookconfigurations",
                                                              "validatingwebhookconfigurations"))})


def options(kind, request):
    """CreateOptions, UpdateOptions or PatchOptions, as webhooks are shown them."""
    shown = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
    if request.dry_run:
        shown["dryRun"] = ["All"]
    for name in ("fieldManager", "fieldValidation"):
        if request.query.get(name):
            shown[name] = request.query[name]
    return shown


class Writer:
    """after(resource, old, new) is called whenever something was stored; new is None when it is gone."""

    def __init__(self, store, registry, admission, definitions, after):
        self.store = store
        self.registry = registry
        self.admission = admission
        self.definitions = definitions
        self.after = after

    # create

    async def create(self, request):
        obj = bodies.object_of(request)
        bodies.place(request, obj)
        if obj["metadata"].get("resourceVersion") not in (None, "", "0"):
            raise bodies.unexplained("resourceVersion should not be set on objects to be created")
        return 201, self.show(request, await self.add(request, obj))

    async def add(self, request, obj, *, tracked=False):
        """Takes a new object through every step and stores it. tracked: it has its managedFields already."""
        resource = request.resource
        schema = self.registry.schema(resource)
        if schema:
            bodies.check_unknown(request, schema, obj)
        self._default(resource, obj)
        if not tracked:
            obj["metadata"].pop("managedFields", None)
            self._track(request, None, obj)
        plugins.check_namespace(self.store, request, obj["metadata"])
        plugins.complete(self.store, request, obj)
        attributes = Attributes(request, "CREATE", obj, None, options("CreateOptions", request),
                                request.dry_run)
        obj = attributes.object = await self.admission.mutate(attributes)
        self._default(resource, obj)
        self._name(resource, obj)
        if storage(resource) == services.SERVICES:
            services.complete(self.store, obj)
        prepare.prepare_create(resource, obj)
        self._refuse(resource, obj, self._causes(resource, schema, obj))
        await self.admission.validate(attributes)
        self._check_free(resource, obj["metadata"])
        return self._commit(request, None, obj)

    def _track(self, request, old, new):
        """Notes what the sender of a request now owns."""
        types = lists.types_for(request.resource, self.registry.schema(request.resource))
        managed.track(old, new, request.manager, "Update", request.subresource, request.resource, types,
                      now())

    def _default(self, resource, obj):
        schema = self.registry.schema(resource)
        if schema:
            schema.prune(obj)
            schema.default(obj)
            _tidy(obj["metadata"])
        elif resource is DEFINITIONS:
            crd.default(obj)
        else:
            defaults.default(resource, obj)

    def _name(self, resource, obj):
        """Sets what the server decides of the metadata of a new object."""
        metadata = obj["metadata"]
        for field in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion"):
            metadata.pop(field, None)
        metadata["uid"] = str(uuid.uuid4())
        metadata["creationTimestamp"] = now()
        base = metadata.get("generateName")
        if base and not metadata.get("name"):
            for _ in range(NAME_TRIES):
                metadata["name"] = prepare.generated_name(base)
                if self.store.get(storage(resource), metadata.get("namespace", ""), metadata["name"]) is None:
                    break
        plugins.label_namespace(resource, obj)

    @staticmethod
    def _causes(resource, schema, new, old=None, subresource=""):
        """What is wrong with a new object, or with an old one's new state."""
        if old is None:
            causes = validation.create(resource, new)
        else:
            causes = validation.update(resource, new, old, subresource)
        if schema:
            causes = causes + schema.validate(new, old, subresource)
        elif resource is DEFINITIONS:
            causes = causes + crd.check(new, old)
        return causes

    @staticmethod
    def _refuse(resource, obj, causes):
        if causes:
            raise errors.invalid(resource, obj["metadata"].get("name", ""), causes)

    def _check_free(self, resource, metadata):
        item = self.store.get(storage(resource), metadata.get("namespace", ""), metadata["name"])
        if item is not None:
            error = errors.already_exists(resource, metadata["name"])
            if "deletionTimestamp" in item.obj["metadata"]:
                error.status["message"] = f"object is being deleted: {error.message}"
            raise error

    def _commit(self, request, item, obj):
        """Stores a new state in place of an Item; unless it is a dry run, or nothing has changed."""
        resource = request.resource
        obj = stored(resource, obj)
        if resource is DEFINITIONS:
            obj = self.definitions.completed(obj)
        if item is not None and obj == item.obj:
            return item
        if request.dry_run:
            return Item(obj, 0 if item is None else item.version)
        new = self.store.put(storage(resource), obj)
        self.after(resource, item and item.obj, new.obj)
        return new

    def show(self, request, item):
        if request.subresource == "scale":
            item = Item(scale.of(request.resource, self.registry.schema(request.resource),
                                 served(request.resource, item.obj)), item.version)
            return item.data
        return forms.of_request(request, self.registry).one(item)

    # replace, patch, apply

    async def replace(self, request):
        kind = versions = None
        if request.subresource == "scale":
            kind, versions = scale.KIND, (scale.API_VERSION,)
        obj = bodies.object_of(request, kind, versions)
        bodies.named(request, obj)
        bodies.place(request, obj)
        uid, version = obj["metadata"].get("uid"), obj["metadata"].get("resourceVersion")
        name = storage(request.resource)
        required = self.registry.is_custom(request.resource) or name in VERSION_REQUIRED

        def change(old):
            if required and not version and request.subresource != "scale":
                raise self._version_missing(request)
            was = old["metadata"]["uid"]
            if uid and uid != was:
                raise errors.conflict(request.resource, request.name, "Precondition failed: UID in "
                                      f"precondition: {uid}, UID in object meta: {was}")
            return obj

        if name in CREATED_BY_PUT and self.store.get(name, request.namespace, request.name) is None:
            return 201, self.show(request, await self.add(request, obj))
        return 200, self.show(request, await self.rewrite(request, change))

    @staticmethod
    def _version_missing(request):
        """A real server names the plural here where it names the kind elsewhere."""
        cause = errors.Cause("FieldValueInvalid", "metadata.resourceVersion",
                             "Invalid value: 0: must be specified for an update")
        error = errors.invalid(request.resource, request.name, [cause])
        error.status["details"]["kind"] = request.resource.plural
        error.status["message"] = (f'{request.resource.qualified} "{request.name}" is invalid: '
                                   f"{cause[1]}: {cause[2]}")
        return error

    async def patch(self, request):
        if request.content_type == APPLY:
            return await self._apply(request)
        if "force" in request.query:
            cause = errors.forbidden_field("force", "may not be specified for non-apply patch")
            raise errors.bad_options(cause, kind="PatchOptions")
        try:
            body = bodies.decode(request.body, bodies.JSON)
        except ValueError as error:
            raise bodies.bad(f"error decoding patch: {error}") from None

        def change(old):
            return self._still(request, old, patch.apply(request.content_type, old, body, request.resource))

        item = await self.rewrite(request, change)
        return 200, self.show(request, item)

    @staticmethod
    def _still(request, old, new):
        """What a patch has made of an object, which has to be that object still."""
        for key in ("kind", "apiVersion"):
            if new.get(key) and new[key] != old[key] and request.content_type != patch.STRATEGIC:
                cause = errors.invalid_value(key, new[key], f"must be {old[key]}")
                raise errors.invalid(request.resource, request.name, [cause])
        if not isinstance(new.get("metadata"), dict):
            new["metadata"] = {}
        bodies.named(request, new)
        bodies.place(request, new)
        return new

    async def _apply(self, request):
        if not request.query.get("fieldManager"):
            raise errors.bad_options(errors.required("fieldManager", "is required for apply patch"),
                                     kind="PatchOptions")
        try:
            intent = bodies.decode(request.body, bodies.YAML)
        except ValueError as error:
            raise bodies.bad(f"error decoding YAML: {error}") from None
        resource = request.resource
        if not isinstance(intent, dict) or not intent.get("kind") or not intent.get("apiVersion"):
            raise bodies.bad("invalid object type: /, Kind=")
        intent.setdefault("metadata", {})
        bodies.place(request, intent)
        schema = self.registry.schema(resource)
        types = lists.types_for(resource, schema)

        force = request.query.get("force") == "true"

        def change(live):
            return managed.server_side_apply(live, intent, request.manager, force, resource,
                                             request.subresource, types, now())

        item = self.store.get(storage(resource), request.namespace, request.name)
        if item is None and not request.subresource:
            intent["metadata"].setdefault("name", request.name)
            bodies.named(request, intent)
            return 201, self.show(request, await self.add(request, change(None), tracked=True))
        return 200, self.show(request, await self.rewrite(request, change, tracked=True))

    async def rewrite(self, request, change, *, tracked=False):
        """Has change(old) make a new state of a stored object and takes that through every step; its Item."""
        resource = request.resource
        kind = storage(resource)
        for left in reversed(range(TRIES)):
            item = self.store.get(kind, request.namespace, request.name)
            if item is None:
                raise errors.not_found(resource, request.name)
            old = served(resource, item.obj)
            steps = self._scale_steps if request.subresource == "scale" else self._steps
            new = await steps(request, old, change, options("UpdateOptions", request), tracked)
            if self.store.get(kind, request.namespace, request.name) is item:
                return self._finish(request, item, new)
            if not left:
                raise errors.conflict(resource, request.name)

    async def _steps(self, request, old, change, shown_options, tracked):
        resource = request.resource
        schema = self.registry.schema(resource)
        new = self._arranged(change(old), old)
        self._check_name(request, new)
        if schema:
            bodies.check_unknown(request, schema, new)
        self._default(resource, new)
        if not tracked:
            self._track(request, old, new)
        attributes = Attributes(request, "UPDATE", new, old, shown_options, request.dry_run)
        new = attributes.object = await self.admission.mutate(attributes)
        self._default(resource, new)
        plugins.complete_update(request, new)
        self._check_version(request, new, old)
        prepare.prepare_update(resource, new, old, request.subresource)
        self._refuse(resource, new, self._causes(resource, schema, new, old, request.subresource))
        await self.admission.validate(attributes)
        return new

    async def _scale_steps(self, request, old, change, shown_options, tracked):
        """The same through a Scale: that is what is patched, and what webhooks see."""
        resource = request.resource
        schema = self.registry.schema(resource)
        before = scale.of(resource, schema, old)
        after = change(before)
        self._check_name(request, after)
        self._check_version(request, after, before)
        attributes = Attributes(request, "UPDATE", after, before, shown_options, request.dry_run)
        attributes.object = after = await self.admission.mutate(attributes)
        self._check_scale(after, schema)
        new = scale.into(resource, schema, old, after)
        if new != old and not tracked:
            self._track(request, old, new)
        prepare.prepare_update(resource, new, old, "")
        self._refuse(resource, new, self._causes(resource, schema, new, old))
        await self.admission.validate(attributes)
        return new

    def _check_scale(self, shown, schema):
        replicas = dig(shown, "spec", "replicas", default=0)
        if type(replicas) is not int:
            raise bodies.bad('Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal '
                             f"{json.dumps(replicas)} into Go struct field ScaleSpec.spec.replicas of type int32")
        if replicas < 0 and not schema:
            self._refuse(scale.RESOURCE, shown, [errors.invalid_value("spec.replicas", replicas, (
                "must be greater than or equal to 0"))])

    @staticmethod
    def _arranged(new, old):
        """A new state that shares nothing with the stored one, in the order in which objects are shown."""
        return {"kind": old["kind"], "apiVersion": old["apiVersion"],
                **{field: value for field, value in copy(new).items() if field not in ("kind", "apiVersion")}}

    @staticmethod
    def _check_name(request, new):
        if new["metadata"].get("name") not in (None, request.name):
            bodies.named(request, new)

    @staticmethod
    def _check_version(request, new, old):
        version = new["metadata"].get("resourceVersion")
        if version not in (None, "", "0", old["metadata"]["resourceVersion"]):
            raise errors.conflict(request.resource, request.name)
        new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]

    def _finish(self, request, item, new):
        """Stores an updated object; or takes it out, when that was all its deletion was waiting for."""
        before = item.obj["metadata"]
        if ("deletionTimestamp" not in before or before.get("deletionGracePeriodSeconds")
                or new["metadata"].get("finalizers") or dig(new, "spec", "finalizers")
                and storage(request.resource) == plugins.NAMESPACES):
            return self._commit(request, item, new)
        if not request.dry_run:
            self.store.remove(storage(request.resource), item)
            self.after(request.resource, item.obj, None)
        return Item(stored(request.resource, new), item.version)


def _tidy(metadata):
    """Drops from the metadata of a custom object what is empty, as its Go type does."""
    for field in [field for field, value in metadata.items() if value in (None, "", {}, [])]:
        del metadata[field]
