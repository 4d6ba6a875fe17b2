"""One container of a pod: what it is to be, the process it is now, and what is to be said of it."""

import dataclasses
import secrets
import time
import typing

from ..objects import dig, now
from .backoff import Backoff
from .images import Images

LOST = {"exitCode": 255, "reason": "Unknown"}  # what a runtime says of containers that it lost
RUNTIME = "devcluster://"


@dataclasses.dataclass
class Container:
    spec: dict
    init: bool = False
    state: dict = dataclasses.field(default_factory=dict)  # as in ContainerStatus: one of waiting, running, terminated
    last_state: dict = dataclasses.field(default_factory=dict)
    restart_count: int = 0
    attempts: int = 0  # containers made so far, lost ones included: the next is number `attempts`
    image: str = ""  # that it runs, which spec may have moved from
    image_id: str = ""
    container_id: str = ""
    results: dict = dataclasses.field(default_factory=dict)  # kind of probe -> whether it has succeeded
    process: typing.Any = None
    environment: dict = dataclasses.field(default_factory=dict)
    ended: float = 0.0  # monotonic
    starting: bool = False  # its postStart hook runs: nobody is told of the process yet
    stopping: bool = False  # on purpose: what follows will say so
    replaced: bool = False  # ended for another image: starts whatever the restart policy
    backoffs: dict = dataclasses.field(default_factory=dict)  # image -> Backoff of starting it
    pulls: dict = dataclasses.field(default_factory=dict)  # image -> (Backoff, why the last pull failed, when)

    @property
    def name(self):
        return self.spec["name"]

    @property
    def sidecar(self):
        return self.init and self.spec.get("restartPolicy") == "Always"

    @property
    def running(self):
        return "running" in self.state

    @property
    def exit_code(self):
        """Of the container that ended last; None where none has, or one runs."""
        return None if self.running else dig(self.ending, "exitCode")

    @property
    def ending(self):
        """ContainerStateTerminated of the last container, while none runs."""
        return self.state.get("terminated") or dig(self.last_state, "terminated", default={})

    @property
    def created(self):
        return bool(self.container_id)

    @property
    def launched(self):
        """By this agent."""
        return bool(self.environment)

    @property
    def lost(self):
        return dig(self.state, "terminated", "reason") == LOST["reason"]

    @property
    def started(self):
        return self.running and not self.starting and (
            "startupProbe" not in self.spec or self.results.get("startup") is True)

    @property
    def ready(self):
        if self.init and not self.sidecar:
            return dig(self.state, "terminated", "exitCode") == 0
        return self.started and ("readinessProbe" not in self.spec or self.results.get("readiness") is True)

    def restarts(self, pod_policy):
        """Whether it is started again, now that it does not run."""
        policy = self.spec.get("restartPolicy") or pod_policy
        if self.init and not self.sidecar and policy == "Always":
            policy = "OnFailure"
        if not self.created or policy == "Always":
            return True
        return policy == "OnFailure" and self.exit_code != 0

    def backoff(self, base):
        """That of the image it is to run: a changed image starts anew."""
        return self.backoffs.setdefault(self.spec["image"], Backoff(base))

    def failed_pull(self, image, why, base):
        """Its backoff."""
        backoff = self.pulls[image][0] if image in self.pulls else Backoff(base)
        backoff.next()
        self.pulls[image] = (backoff, why, time.monotonic())
        return backoff

    def begin(self, process, environment):
        """A new process runs."""
        if "terminated" in self.state:
            self.last_state = self.state
        self.process, self.environment = process, environment
        self.container_id = RUNTIME + secrets.token_hex(32)
        self.image = self.spec["image"]
        self.image_id = Images.identity(self.image)
        self.restart_count = self.attempts
        self.attempts += 1
        self.results = {}
        self.state = {"running": {"startedAt": now()}}

    def end(self, code, reason=None, message=None):
        """Its process has ended."""
        self.process = None
        self.ended = time.monotonic()
        how = {"exitCode": code, "reason": reason or ("Error" if code else "Completed")}
        self._terminated(how | ({"message": message} if message else {}),
                         started=dig(self.state, "running", "startedAt"))

    def wait(self, reason, message=""):
        """It does not run, for a reason."""
        if "terminated" in self.state:
            self.last_state = self.state
        self.state = {"waiting": {"reason": reason} | ({"message": message} if message else {})}

    def _terminated(self, how, *, started):
        self.state = {"terminated": how | {"startedAt": started or now(), "finishedAt": now(),
                                           "containerID": self.container_id}}

    def adopt(self, status):
        """Goes on from what an earlier agent said. A container that ran then is lost."""
        self.state, self.last_state = dict(status.get("state") or {}), dict(status.get("lastState") or {})
        self.container_id = status.get("containerID", "")
        self.image, self.image_id = status.get("image", ""), status.get("imageID", "")
        self.restart_count = status["restartCount"]
        self.attempts = self.restart_count + 1 if self.created else 0
        if self.running:
            self._terminated(LOST, started=self.state["running"].get("startedAt"))

    def forget(self):
        """An init container runs once more where its pod begins anew."""
        self.container_id, self.state, self.last_state = "", {}, {}
