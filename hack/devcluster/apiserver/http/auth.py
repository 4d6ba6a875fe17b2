"""Who sends a request: static bearer tokens, client certificates, tokens of service accounts.

Authorization: whoever is authenticated may do everything. RBAC objects are stored and decide nothing.
"""

import base64
import csv
import functools
import hashlib
import hmac
import json
import pathlib
import secrets
import time
import uuid

from ...errors import ApiError
from ..request import User
from .bodies import detailed

ISSUER = "https://kubernetes.default.svc.cluster.local"
DEFAULT_SECONDS = 3600
PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version")  # what anonymous may read
_VERBS = {"POST": "create", "PUT": "update"}
_ACCOUNT = "system:serviceaccount"


def unauthorized():
    return ApiError("Unauthorized", "Unauthorized")


def _known(name, groups, **more):
    return User(name, (*groups, "system:authenticated"), **more)


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def _base64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _key(directory):
    """The key that signs tokens, made at the first start."""
    path = pathlib.Path(directory) / "token.key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()


class Authenticator:
    """account(namespace, name) gives a ServiceAccount as it is now, or None."""

    def __init__(self, directory, account):
        self._account = account
        self._key = _key(directory)
        self._static = {}
        tokens = pathlib.Path(directory) / "tokens.csv"
        if tokens.exists():
            with tokens.open(newline="") as lines:
                for token, name, uid, *groups in csv.reader(lines):
                    self._static[token] = _known(name, groups[0].split(",") if groups else (), uid=uid)

    def user(self, authorization, certificate):
        """The User of an Authorization header or of a verified certificate. 401 for what is not valid."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer":
            user = self.of_token(token.strip())
            if user is None:
                raise unauthorized()
            return user
        if certificate:
            return _of_certificate(certificate["subject"])
        return ANONYMOUS

    def of_token(self, token):
        """The User of a bearer token; None where it is not valid (any more)."""
        if token in self._static:
            return self._static[token]
        claims = self._claims(token)
        if claims is None or claims["exp"] < time.time():
            return None
        about = claims["kubernetes.io"]
        account = self._account(about["namespace"], about["serviceaccount"]["name"])
        if account is None or account["metadata"]["uid"] != about["serviceaccount"]["uid"]:
            return None
        return _known(claims["sub"], (_ACCOUNT + "s", f"{_ACCOUNT}s:{about['namespace']}"),
                      uid=account["metadata"]["uid"],
                      extra={"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]})

    def token(self, account, seconds, audiences=()):
        """A new token of a ServiceAccount, and when it expires, in seconds since 1970."""
        metadata = account["metadata"]
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": f"{_ACCOUNT}:{metadata['namespace']}:{metadata['name']}",
                  "aud": list(audiences) or [ISSUER], "iat": now, "nbf": now, "exp": now + seconds,
                  "jti": str(uuid.uuid4()),
                  "kubernetes.io": {"namespace": metadata["namespace"],
                                    "serviceaccount": {"name": metadata["name"], "uid": metadata["uid"]}}}
        head = _base64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        signed = f"{head}.{_base64(json.dumps(claims).encode())}"
        return f"{signed}.{self._sign(signed)}", now + seconds

    def _sign(self, text):
        return _base64(hmac.new(self._key, text.encode(), hashlib.sha256).digest())

    @functools.lru_cache(maxsize=1024)
    def _claims(self, token):
        """What a token signed by us says; None for any other."""
        signed, _, signature = token.rpartition(".")
        if not signed or not hmac.compare_digest(signature, self._sign(signed)):
            return None
        return json.loads(_unbase64(signed.split(".")[1]))


@functools.lru_cache(maxsize=1024)
def _of_certificate(subject):
    fields = [pair for part in subject for pair in part]
    name = next((value for key, value in fields if key == "commonName"), "")
    return _known(name, [value for key, value in fields if key == "organizationName"])


def authorize(user, method, path, found=None):
    """Everyone but anonymous may do everything. found: what routes.split() made of the path of a resource."""
    if user is not ANONYMOUS or method == "GET" and path in PUBLIC_PATHS:
        return
    if found is None:
        raise detailed("Forbidden", f'forbidden: User "{user.name}" cannot {method.lower()} path "{path}"')
    group, _, namespace, plural, name, subresource = found
    qualified = f"{plural}.{group}" if group else plural
    shown = f'{qualified} "{name}"' if name else qualified
    verb = _VERBS.get(method, method.lower()) if name or method != "GET" else "list"
    full = f"{plural}/{subresource}" if subresource else plural
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    details = {key: value for key, value in (("name", name), ("group", group), ("kind", plural)) if value}
    raise ApiError("Forbidden", f'{shown} is forbidden: User "{user.name}" cannot {verb} resource "{full}" '
                                f'in API group "{group}" {where}', details=details)
