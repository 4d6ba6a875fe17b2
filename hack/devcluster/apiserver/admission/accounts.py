"""The ServiceAccount of a new pod: which it is, that it exists, and its token as a volume of every container.

The account `default` is taken for granted, where a real server waits a moment for it.
Source: plugin/pkg/admission/serviceaccount of Kubernetes 1.36.
"""

from ... import errors
from ...objects import dig
from ...resources import find
from ..kinds.prepare import generated_name
from ..storage.versions import storage

ACCOUNTS = storage(find("serviceaccounts"))
DEFAULT = "default"
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_SECONDS = 3607  # an hour, and something to know such tokens by
FILE_MODE = 0o644
SOURCES = (
    {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    {"downwardAPI": {"items": [
        {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
)


def complete(store, request, pod):
    """Fills in, in place, what a pod without it lacks. ApiError 403 for an account that is not there."""
    spec = pod["spec"]
    name = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    item = store.get(ACCOUNTS, request.namespace, name)
    if item is None and name != DEFAULT:
        about = pod["metadata"].get("name") or pod["metadata"].get("generateName") or "Unknown"
        raise errors.forbidden(request.resource, about, f"error looking up service account {request.namespace}/"
                                                        f'{name}: serviceaccount "{name}" not found')
    account = item.obj if item else {}
    if spec.get("automountServiceAccountToken", account.get("automountServiceAccountToken", True)):
        _mount(spec)
    if account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [{"name": one["name"]} for one in account["imagePullSecrets"]]


def _mount(spec):
    volume = generated_name("kube-api-access-")
    mounted = False
    for field in ("initContainers", "containers"):
        for container in spec.get(field) or ():
            mounts = list(container.get("volumeMounts") or ())
            if not any(dig(one, "mountPath") == MOUNT_PATH for one in mounts):
                mounts.append({"name": volume, "readOnly": True, "mountPath": MOUNT_PATH})
                container["volumeMounts"] = mounts
                mounted = True
    if mounted:
        projected = {"sources": list(SOURCES), "defaultMode": FILE_MODE}
        spec["volumes"] = [*(spec.get("volumes") or ()), {"name": volume, "projected": projected}]
