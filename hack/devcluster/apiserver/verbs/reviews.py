"""Kinds that are answered, never stored: reviews of tokens and of access, tokens of service accounts."""

import datetime

from ... import errors
from ...objects import dig, now, timestamp
from ..http import bodies
from ..http.auth import DEFAULT_SECONDS, ISSUER
from ..storage.store import encode

TOKEN_REQUEST, TOKEN_VERSION = "TokenRequest", "authentication.k8s.io/v1"
MIN_SECONDS = 600
_ALL = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def _token_review(auth, request, review):
    user = auth.of_token(dig(review, "spec", "token", default=""))
    if user is None:
        return {"user": {}, "error": "[invalid bearer token]"}
    return {"authenticated": True, "user": user.as_info(), "audiences": [ISSUER]}


def _whoami(auth, request, review):
    return {"userInfo": request.user.as_info()}


def _allowed(auth, request, review):
    return {"allowed": True}


def _rules(auth, request, review):
    return {"resourceRules": [_ALL], "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": False}


_ANSWERS = {
    "TokenReview": _token_review,
    "SelfSubjectReview": _whoami,
    "SubjectAccessReview": _allowed,
    "SelfSubjectAccessReview": _allowed,
    "LocalSubjectAccessReview": _allowed,
    "SelfSubjectRulesReview": _rules,
}


def is_review(resource):
    return resource.kind in _ANSWERS


def review(auth, request):
    obj = bodies.object_of(request)
    obj["status"] = _ANSWERS[obj["kind"]](auth, request, obj)
    if obj["kind"] == "SelfSubjectReview":
        obj["metadata"]["creationTimestamp"] = now()
    return 201, encode(obj)


def token(auth, request, account):
    """The token subresource of a service account."""
    obj = bodies.object_of(request, TOKEN_REQUEST, (TOKEN_VERSION,))
    spec = obj.get("spec") or {}
    wanted = spec.get("expirationSeconds") or DEFAULT_SECONDS
    if wanted < MIN_SECONDS:
        cause = errors.invalid_value("spec.expirationSeconds", wanted,
                                     "may not specify a duration less than 10 minutes")
        error = errors.invalid(request.resource, "", [cause])
        error.status["message"] = f'TokenRequest.authentication.k8s.io "" is invalid: {cause[1]}: {cause[2]}'
        error.status["details"] |= {"kind": TOKEN_REQUEST, "group": "authentication.k8s.io"}
        raise error
    text, expires = auth.token(account, wanted, spec.get("audiences") or ())
    metadata = {"name": request.name, "namespace": request.namespace, "creationTimestamp": now()}
    at = timestamp(datetime.datetime.fromtimestamp(expires, datetime.timezone.utc))
    return 201, encode({"kind": TOKEN_REQUEST, "apiVersion": TOKEN_VERSION, "metadata": metadata,
                        "spec": {"audiences": spec.get("audiences") or [ISSUER], "expirationSeconds": wanted,
                                 "boundObjectRef": spec.get("boundObjectRef")},
                        "status": {"token": text, "expirationTimestamp": at}})
