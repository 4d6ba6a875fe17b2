"""Faults on demand, for tests: requests that fail or wait, watches that are cut, history that is lost.

POST /devcluster/faults, as a member of system:masters, takes one of
    {"verb": "update", "resource": "pods", "times": 2, "code": 409, "message": …, "reason": …,
     "retryAfter": 1}
    {"verb": "list", "delaySeconds": 2, "times": 1, "userAgent": "sluice", "user": "system:admin"}
    {"cutWatches": true}, {"expireHistory": true}
Of a fault everything but `times` is optional: what is not named matches all. GET shows what is left, DELETE
clears it.
"""

import asyncio
import json

from ...errors import CODES, ApiError
from ..storage.store import encode
from .bodies import bad, detailed

PATH = "/devcluster/faults"
GROUP = "system:masters"
_REASONS = {code: reason for reason, code in reversed(CODES.items())}


def _meets(fault, request):
    resource = request.resource.plural + (f"/{request.subresource}" if request.subresource else "")
    asked = (("verb", request.verb), ("resource", resource), ("user", request.user.name))
    return all(fault.get(name, value) == value for name, value in asked) \
        and fault.get("userAgent", "") in request.agent


class Faults:
    def __init__(self, store):
        self.store = store
        self.waiting = []

    def handle(self, method, user, body):
        """The private endpoint: (code, bytes)."""
        if GROUP not in user.groups:
            message = f'forbidden: User "{user.name}" cannot {method.lower()} path "{PATH}"'
            raise detailed("Forbidden", message)
        if method == "POST":
            self._add(body)
        elif method == "DELETE":
            self.waiting.clear()
        return 200, encode({"faults": self.waiting})

    def _add(self, body):
        try:
            fault = json.loads(body)
        except ValueError as error:
            raise bad(f"not a fault: {error}") from None
        if fault.get("cutWatches"):
            self.store.cut_watches()
        if fault.get("expireHistory"):
            self.store.forget_history()
        if "times" in fault:
            self.waiting.append(fault)

    async def apply(self, request):
        """Does to a request what the first fault that it meets says."""
        fault = next((one for one in self.waiting if _meets(one, request)), None)
        if fault is None:
            return
        fault["times"] -= 1
        if fault["times"] <= 0:
            self.waiting.remove(fault)
        if "delaySeconds" in fault:
            await asyncio.sleep(fault["delaySeconds"])
        if "code" in fault:
            code = fault["code"]
            raise ApiError(fault.get("reason") or _REASONS.get(code, "InternalError"),
                           fault.get("message", "fault on demand"), code=code,
                           retry_after=fault.get("retryAfter"))
