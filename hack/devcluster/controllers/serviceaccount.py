"""What every namespace holds from the start: the `default` ServiceAccount and the CA of the API server."""

from ..errors import ApiError
from ..objects import is_terminating, key_of
from .runtime import Controller

ROOT_CA = "kube-root-ca.crt"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
    "such as the internal service IP or kubernetes.default.svc. "
    "No other usage is guaranteed across distributions of Kubernetes clusters.")


class NamespaceDefaults(Controller):
    """A base for what is to be in each namespace: subclasses name it and say what it is."""

    resource = obj_name = ""

    def __init__(self, world):
        self.watches = ("namespaces", self.resource)
        super().__init__(world)

    def keys(self, resource, obj):
        if resource == "namespaces":
            return [(obj["metadata"]["name"], self.obj_name)]
        return [key_of(obj)] if obj["metadata"]["name"] == self.obj_name else []

    async def reconcile(self, namespace, name):
        owner = self.world.get("namespaces", "", namespace)
        if owner is None or is_terminating(owner):
            return
        wanted = self.wanted()
        current = self.world.get(self.resource, namespace, name)
        if current is None:
            await self._create({**wanted, "metadata": {"namespace": namespace, "name": name,
                                                       **wanted.get("metadata", {})}})
        elif current.get("data") != wanted.get("data"):
            await self.world.replace(self.resource, {**current, "data": wanted["data"]})

    def wanted(self):
        raise NotImplementedError

    async def _create(self, made):
        try:
            await self.world.create_unless_ending(self.resource, made)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise


class ServiceAccounts(NamespaceDefaults):
    resource, obj_name = "serviceaccounts", "default"

    def wanted(self):
        return {"apiVersion": "v1", "kind": "ServiceAccount"}


class RootCertificates(NamespaceDefaults):
    """authority: the CA certificate in PEM that pods are to trust."""

    resource, obj_name = "configmaps", ROOT_CA

    def __init__(self, world, authority):
        self.authority = authority
        super().__init__(world)

    def wanted(self):
        return {"apiVersion": "v1", "kind": "ConfigMap", "data": {"ca.crt": self.authority},
                "metadata": {"annotations": {"kubernetes.io/description": _DESCRIPTION}}}
