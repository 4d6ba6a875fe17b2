"""pods/eviction: deletes a pod if its PodDisruptionBudget lets it. The delete itself runs no DELETE
admission.
"""

from ... import errors
from ...errors import ApiError
from ...objects import dig, is_true, now, set_condition
from ...resources import find
from ...selector import selects
from ..admission import plugins
from ..admission.webhooks import Attributes
from ..http import bodies
from ..storage.store import encode
from ..storage.versions import storage
from .deletion import check_preconditions
from .writes import options

PODS, BUDGETS = find("pods"), find("poddisruptionbudgets")
VERSIONS = ("policy/v1", "policy/v1beta1")
MAX_DISRUPTED = 2000
VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
SEVERAL = {
    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 500,
    "message": ("This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
                "support.")}


def _too_many(message, retry_after=None):
    return ApiError("TooManyRequests", VIOLATES, retry_after=retry_after,
                    details={"causes": [{"reason": "DisruptionBudget", "message": message}]})


def _why_not(name, status):
    """The sentence of a budget that allows nothing."""
    allowed = next((one for one in status.get("conditions") or () if one["type"] == "DisruptionAllowed"), {})
    explained = allowed.get("status") == "False" and allowed.get("message")
    if explained and allowed.get("reason") == "SyncFailed":
        return (f"The disruption budget {name} does not allow evicting pods currently because it failed "
                f"sync: {allowed['message']}")
    if status.get("currentHealthy", 0) <= status.get("desiredHealthy", 0):
        return (f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods and has "
                f"{status.get('currentHealthy', 0)} currently")
    if explained:
        return (f"The disruption budget {name} does not allow evicting pods currently ({allowed['reason']}): "
                f"{allowed['message']}")
    return f"The disruption budget {name} does not allow evicting pods currently"


def spend(budget, pod_name, at):
    """The budget after one more eviction; ApiError where it does not allow any."""
    name, status = budget["metadata"]["name"], budget.get("status") or {}
    if status.get("observedGeneration", 0) < budget["metadata"].get("generation", 0):
        raise _too_many(f"The disruption budget {name} is still being processed by the server.",
                        retry_after=10)
    left = status.get("disruptionsAllowed", 0)
    for wrong, why in ((left < 0, "pdb disruptions allowed is negative"),
                       (len(status.get("disruptedPods") or ()) > MAX_DISRUPTED,
                        "DisruptedPods map too big - too many evictions not confirmed by PDB controller")):
        if wrong:
            raise ApiError("Forbidden", f'poddisruptionbudget.policy "{name}" is forbidden: {why}',
                           details={"name": name, "group": "policy", "kind": "poddisruptionbudget"})
    if left == 0:
        raise _too_many(_why_not(name, status))
    after = {**status, "disruptionsAllowed": left - 1,
             "disruptedPods": {**(status.get("disruptedPods") or {}), pod_name: at},
             "conditions": [dict(one) for one in status.get("conditions") or ()]}
    if left == 1:
        set_condition(after, "DisruptionAllowed", "False", "InsufficientPods", "", at=at,
                      observedGeneration=status.get("observedGeneration", 0))
    return {**budget, "status": after}


def needs_no_budget(pod):
    return dig(pod, "status", "phase") in ("Succeeded", "Failed", "Pending") \
        or "deletionTimestamp" in pod["metadata"]


def unhealthy_may_go(pod, budget):
    """Whether a pod that is not Ready goes without its budget being asked."""
    if is_true(pod, "Ready"):
        return False
    if dig(budget, "spec", "unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    desired = status.get("desiredHealthy", 0)
    return status.get("currentHealthy", 0) >= desired > 0


class Evictions:
    def __init__(self, store, admission, deleter, after):
        self.store = store
        self.admission = admission
        self.deleter = deleter
        self.after = after

    async def evict(self, request):
        eviction = bodies.object_of(request, "Eviction", VERSIONS)
        bodies.place(request, eviction)
        if eviction["metadata"].get("name") != request.name:
            raise bodies.bad("name in URL does not match name in Eviction object")
        plugins.check_namespace(self.store, request, eviction["metadata"])
        attributes = Attributes(request, "CREATE", eviction, None, options("CreateOptions", request),
                                request.dry_run)
        eviction = attributes.object = await self.admission.mutate(attributes)
        how = self._delete_options(request, eviction)
        await self.admission.validate(attributes)
        item = self.store.get(storage(PODS), request.namespace, request.name)
        if item is None:
            raise errors.not_found(PODS, request.name)
        budgets = [] if needs_no_budget(item.obj) else self._budgets(item.obj)
        if len(budgets) > 1:
            return 500, encode(SEVERAL)
        if budgets and not unhealthy_may_go(item.obj, budgets[0].obj):
            self._spend(budgets[0], request.name, how)
        await self._delete(request, how)
        return 201, encode(SUCCESS)

    @staticmethod
    def _delete_options(request, eviction):
        """deleteOptions, with the dry run of the request put in."""
        how = dict(eviction.get("deleteOptions") or {})
        asked, given = (["All"] if request.query.get("dryRun") == "All" else []), how.get("dryRun") or []
        if asked and given and asked != given:
            raise ApiError("InternalError", "Non-matching dry-run options in request and content: "
                                            f"{asked} and {given}")
        return {**how, "dryRun": given or asked}

    def _budgets(self, pod):
        return [item for _, item in self.store.select(storage(BUDGETS), pod["metadata"]["namespace"])
                if selects(item.obj["spec"].get("selector"), pod)]

    def _spend(self, budget, pod_name, how):
        after = spend(budget.obj, pod_name, now())
        if not how["dryRun"]:
            new = self.store.put(storage(BUDGETS), after)
            self.after(BUDGETS, budget.obj, new.obj)

    async def _delete(self, request, how):
        """Marks the pod as disrupted, then deletes it; nothing waits in between."""
        item = self.store.get(storage(PODS), request.namespace, request.name)
        about = request.about(item.obj["metadata"], verb="delete", subresource="")
        check_preconditions(PODS, item.obj["metadata"], how)
        if not how["dryRun"]:
            status = {**item.obj.get("status", {})}
            status["conditions"] = [dict(one) for one in status.get("conditions") or ()]
            set_condition(status, "DisruptionTarget", "True", "EvictionByEvictionAPI",
                          "Eviction API: evicting", at=now(), lastProbeTime=None)
            self.after(PODS, item.obj, self.store.put(storage(PODS), {**item.obj, "status": status}).obj)
            how = {**how, "preconditions": {**(how.get("preconditions") or {}), "resourceVersion": None}}
        await self.deleter.take(about, how, admit=False)
