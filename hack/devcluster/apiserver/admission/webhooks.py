"""Admission webhooks: mutating ones one after the other, then validating ones all at once.

Source: the Kubernetes documentation, "Dynamic Admission Control". Audit annotations are ignored;
matchConditions are not evaluated; matchPolicy Equivalent is as Exact, every group having one version.
"""

import asyncio
import base64
import binascii
import dataclasses
import json
import logging
import uuid

from ...errors import ApiError
from ..patches import json_patch
from ..request import Request
from .calls import GO_TYPES, TYPE_META, CallFailed, HookClient
from .matching import EXEMPT_GROUP, concerns, hooks_of

log = logging.getLogger("admission")

V1 = "admission.k8s.io/v1"
V1BETA1 = "admission.k8s.io/v1beta1"
REVIEWS = {"v1": V1, "v1beta1": V1BETA1}
TIMEOUT = 10  # seconds, where a webhook has none of its own
NO_SIDE_EFFECTS = ("None", "NoneOnDryRun")
# the fields of a response that are read → type, name of the type in Go
FIELDS = {"allowed": (bool, "bool"), "uid": (str, "types.UID"), "warnings": (list, "[]string"),
          "patch": (str, "[]uint8"), "patchType": (str, "v1.PatchType"), "status": (dict, "v1.Status")}


@dataclasses.dataclass
class Attributes:
    """One operation that is to be admitted, with the object as it would be and as it was."""

    request: Request
    operation: str  # CREATE UPDATE DELETE CONNECT
    object: dict | None
    old_object: dict | None = None
    options: dict | None = None  # CreateOptions, UpdateOptions or DeleteOptions
    dry_run: bool = False

    @property
    def namespace(self):
        """That of the object; a namespace is in itself."""
        return self.name if self.request.resource.qualified == "namespaces" else self.request.namespace

    @property
    def in_namespace(self):
        return bool(self.request.namespace) and self.request.resource.qualified != "namespaces"

    @property
    def name(self):
        found = self.object or self.old_object or {}
        return self.request.name or (found.get("metadata") or {}).get("name", "")

    def review(self, uid, version):
        """The AdmissionReview that a webhook gets."""
        resource, subresource = self.request.resource, self.request.subresource
        shown = self.object or self.old_object or {}
        group, _, kind_version = shown.get("apiVersion", resource.api_version).rpartition("/")
        kind = {"group": group, "version": kind_version, "kind": shown.get("kind", resource.kind)}
        of = {"group": resource.group, "version": resource.version, "resource": resource.plural}
        review = {"uid": uid, "kind": kind, "resource": of, "subResource": subresource, "requestKind": kind,
                  "requestResource": of, "requestSubResource": subresource, "name": self.name,
                  "namespace": self.namespace, "operation": self.operation,
                  "userInfo": self.request.user.as_info() if self.request.user else {}}
        review = {key: value for key, value in review.items() if value != ""}
        review |= {"object": self.object, "oldObject": self.old_object, "dryRun": self.dry_run,
                   "options": self.options}
        return {"kind": "AdmissionReview", "apiVersion": version, "request": review}


class Admission:
    """lookup.get(plural, namespace, name) → object or None; lookup.list(plural, namespace="") → objects.

    They answer for webhook configurations, namespaces, services and endpointslices. default(resource, obj)
    fills in the defaults of an object that a webhook has changed, in place.
    """

    def __init__(self, lookup, default=None):
        self._lookup = lookup
        self._default = default
        self._client = HookClient(lookup)
        self._known = {}  # uid of a configuration → (resourceVersion, its Hooks)

    async def close(self):
        await self._client.close()

    def _hooks(self, plural):
        """Every webhook, configurations by name."""
        hooks = []
        for one in sorted(self._lookup.list(plural), key=lambda one: one["metadata"]["name"]):
            uid, version = one["metadata"]["uid"], one["metadata"]["resourceVersion"]
            if self._known.get(uid, ("",))[0] != version:
                self._known[uid] = (version, hooks_of(one))
            hooks += self._known[uid][1]
        return hooks

    async def mutate(self, attributes):
        """The object as mutating webhooks leave it, which is a new one if changed. ApiError when refused."""
        if attributes.request.resource.group == EXEMPT_GROUP:
            return attributes.object
        hooks = self._hooks("mutatingwebhookconfigurations")
        attributes = dataclasses.replace(attributes)
        called, again = [], []  # webhooks that want to see later changes; those that are due a second call
        for hook in hooks:
            if concerns(hook, attributes, self._lookup):
                if await self._mutate_once(hook, attributes):
                    again, called = again + called, []
                if hook.webhook.get("reinvocationPolicy") == "IfNeeded":
                    called.append(hook)
        for hook in again:
            if concerns(hook, attributes, self._lookup):
                await self._mutate_once(hook, attributes)
        return attributes.object

    async def _mutate_once(self, hook, attributes):
        """Calls a webhook and puts the patched object in `attributes`. Whether that changed it."""
        try:
            response = await self._call(hook, attributes)
            operations = _patch_of(response)
        except CallFailed as error:
            _fail(hook, error)
            return False
        _accept(hook, response)
        if not operations:
            return False
        if attributes.object is None:
            raise _internal(f'admission webhook "{hook.name}" attempted to modify the object, which is not '
                            "supported for this operation")
        try:
            new = json_patch.apply(attributes.object, operations)
        except json_patch.Failure as error:
            raise _internal(str(error)) from None
        if self._default is not None:
            self._default(attributes.request.resource, new)
        changed, attributes.object = new != attributes.object, new
        return changed

    async def validate(self, attributes):
        """ApiError when a validating webhook refuses."""
        if attributes.request.resource.group == EXEMPT_GROUP:
            return
        hooks = [hook for hook in self._hooks("validatingwebhookconfigurations")
                 if concerns(hook, attributes, self._lookup)]
        if hooks:
            results = await asyncio.gather(*(self._validate_once(hook, attributes) for hook in hooks),
                                           return_exceptions=True)
            for error in filter(None, results):
                raise error

    async def _validate_once(self, hook, attributes):
        try:
            response = await self._call(hook, attributes)
            for key in ("patch", "patchType"):
                if response.get(key):
                    raise _bad_answer(f"validating webhook may not return response.{key}")
        except CallFailed as error:
            _fail(hook, error)
        else:
            _accept(hook, response)

    async def _call(self, hook, attributes):
        """The response of a webhook, its warnings passed on. CallFailed when there is none."""
        webhook = hook.webhook
        if attributes.dry_run and webhook.get("sideEffects") not in NO_SIDE_EFFECTS:
            raise ApiError("BadRequest", f'admission webhook "{hook.name}" does not support dry run')
        version = next((REVIEWS[one] for one in webhook["admissionReviewVersions"] if one in REVIEWS), None)
        if version is None:
            raise CallFailed("could not create admission objects: webhook does not accept known "
                             "AdmissionReview versions (v1, v1beta1)")
        uid = str(uuid.uuid4())
        sent = attributes.review(uid, version)
        body = json.dumps(sent, separators=(",", ":"), ensure_ascii=False).encode()
        try:
            answer = await self._client.post(webhook["clientConfig"], body,
                                             webhook.get("timeoutSeconds", TIMEOUT))
            review = _decode(answer, version)
        except CallFailed as error:
            raise CallFailed(f"failed to call webhook: {error}") from None
        response = review.get("response")
        if response is None:
            raise _bad_answer("webhook response was absent")
        if version == V1 and response.get("uid", "") != uid:
            raise _bad_answer(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
        attributes.request.warnings.extend(response.get("warnings") or ())
        return response


def _bad_answer(text):
    return CallFailed(f"received invalid webhook response: {text}")


def _internal(text):
    return ApiError("InternalError", f"Internal error occurred: {text}",
                    details={"causes": [{"message": text}]})


def _fail(hook, error):
    """A webhook that could not be asked: an error, or not, as its failurePolicy says."""
    text = f'failed calling webhook "{hook.name}": {error}'
    if not hook.ignores_failures:
        raise _internal(text)
    log.warning("%s; ignored", text)


def _accept(hook, response):
    """ApiError for a response that refuses, with what it says."""
    if response.get("allowed"):
        return
    status = dict(response.get("status") or {})
    text = f'admission webhook "{hook.name}" denied the request'
    why = status.get("message") or status.get("reason")
    code = status.get("code", 0)
    raise ApiError.of({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                       "message": f"{text}: {why}" if why else f"{text} without explanation",
                       **{key: status[key] for key in ("reason", "details") if status.get(key)},
                       "code": code if code >= 400 else 400})


def _decode(answer, version):
    """An AdmissionReview from bytes. CallFailed in the words of the decoder of a real server."""
    try:
        review = json.loads(answer)
    except ValueError:
        review = answer.decode(errors="replace")  # a real server takes it for YAML, that is for a string
    if not isinstance(review, dict):
        raise CallFailed("couldn't get version/kind; json parse error: json: cannot unmarshal "
                         f"{GO_TYPES[type(review)]} into Go value of type {TYPE_META}")
    found, kind = review.get("apiVersion") or version, review.get("kind") or "AdmissionReview"
    if kind != "AdmissionReview" or found not in (V1, V1BETA1):
        raise CallFailed(f'no kind "{kind}" is registered for version "{found}" in scheme '
                         '"k8s.io/apiserver/pkg/util/webhook/client.go:71"')
    if found != version:
        raise CallFailed(f"converting ({found.rpartition('/')[2]}.AdmissionReview) to "
                         f"({version.rpartition('/')[2]}.AdmissionReview): unknown conversion")
    _check_types(review.get("response") or {})
    return review


def _check_types(response):
    for key, (kind, name) in FIELDS.items():
        value = response.get(key)
        if value is not None and not isinstance(value, kind):
            raise CallFailed(f"json: cannot unmarshal {GO_TYPES[type(value)]} into Go struct field "
                             f"AdmissionResponse.response.{key} of type {name}")
    _patch_bytes(response)


def _patch_bytes(response):
    try:
        return base64.b64decode(response.get("patch") or "", validate=True)
    except (binascii.Error, ValueError):
        raise CallFailed("illegal base64 data at input byte 0") from None


def _patch_of(response):
    """The operations of a response; none where there is no patch, or where it refuses."""
    patch, kind = _patch_bytes(response), response.get("patchType")
    if patch and kind is None:
        raise _bad_answer("webhook returned response.patch but not response.patchType")
    if kind is not None and not patch:
        raise _bad_answer("webhook returned response.patchType but not response.patch")
    if kind == "":
        raise _bad_answer('webhook returned invalid response.patchType of ""')
    if not patch or not response.get("allowed"):
        return []
    try:
        operations = json.loads(patch)
    except ValueError as error:
        raise CallFailed(f"received undecodable patch in webhook response: {error}") from None
    if not isinstance(operations, list):
        raise CallFailed("received undecodable patch in webhook response: json: cannot unmarshal "
                         f"{GO_TYPES[type(operations)]} into Go value of type jsonpatch.Patch")
    if operations and kind != "JSONPatch":
        raise CallFailed(f'unsupported patch type "{kind}"')
    return operations
