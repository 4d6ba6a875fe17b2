"""Jobs, as far as workloads need them: pods until enough of them succeeded, or too many failed.

Not here: completion indexes, pod failure and success policies, the finalizer with which the real controller
counts every pod exactly once. Pods are counted while they are there.
"""

from ..objects import (copy, dig, is_over, is_terminating, is_true, key_of, now, owner_reference, seconds,
                       set_condition)
from .pods import is_active, is_ready, phase
from .runtime import Controller

FIRST_BACKOFF, LAST_BACKOFF = 10.0, 600.0  # seconds between the pods of a job that fails
COMPLETE = ("CompletionsReached", "Reached expected number of succeeded pods")
FAILURES = {
    "BackoffLimitExceeded": "Job has reached the specified backoff limit",
    "DeadlineExceeded": "Job was active longer than specified deadline",
}


class Count:
    """A job's pods, sorted by what has become of them."""

    def __init__(self, pods):
        self.succeeded = [pod for pod in pods if phase(pod) == "Succeeded"]
        self.failed = [pod for pod in pods if phase(pod) == "Failed"]
        self.active = list(filter(is_active, pods))
        self.terminating = [pod for pod in pods if is_terminating(pod) and not is_over(pod)]
        self.ready = list(filter(is_ready, self.active))
        self.restarts = sum(one.get("restartCount", 0) for pod in self.active + self.failed
                            for one in dig(pod, "status", "containerStatuses", default=()))


def finished(job):
    return is_true(job, "Complete") or is_true(job, "Failed")


def verdict(job, count, at):
    """"Complete", or the reason of a failure, or None while the job goes on. at: seconds since 1970."""
    spec = job["spec"]
    limit = spec.get("backoffLimit", 6)
    restarting = dig(spec, "template", "spec", "restartPolicy") == "OnFailure"
    if len(count.failed) > limit or restarting and count.restarts > 0 and count.restarts >= limit:
        return "BackoffLimitExceeded"
    started = dig(job, "status", "startTime")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and started and at - seconds(started) >= deadline and not spec.get("suspend"):
        return "DeadlineExceeded"
    completions = spec.get("completions")
    if completions is None:  # a work queue: done when one has succeeded and the others have ended
        return "Complete" if count.succeeded and not count.active else None
    return "Complete" if len(count.succeeded) >= completions else None


def wanted_active(job, count):
    """How many pods are to run now."""
    spec = job["spec"]
    if spec.get("suspend"):
        return 0
    parallelism = spec.get("parallelism", 1)
    if spec.get("completions") is None:
        return len(count.active) if count.succeeded else parallelism
    return max(0, min(parallelism, spec["completions"] - len(count.succeeded)))


def backoff(count, at):
    """Seconds from `at` until the next pod may follow those that failed."""
    if not count.failed:
        return 0.0
    ends = [dig(one, "state", "terminated", "finishedAt") for pod in count.failed
            for one in dig(pod, "status", "containerStatuses", default=())]
    last = max([seconds(end) for end in ends if end], default=at)
    return last + min(FIRST_BACKOFF * 2 ** (len(count.failed) - 1), LAST_BACKOFF) - at


def new_pod(job):
    metadata, template = job["metadata"], copy(job["spec"]["template"])
    labels = {"batch.kubernetes.io/controller-uid": metadata["uid"], "controller-uid": metadata["uid"],
              "batch.kubernetes.io/job-name": metadata["name"], "job-name": metadata["name"]}
    own = template.get("metadata") or {}
    return {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"], "metadata": {
        **own, "labels": {**(own.get("labels") or {}), **labels}, "namespace": metadata["namespace"],
        "generateName": metadata["name"] + "-", "ownerReferences": [owner_reference(job)]}}


class Jobs(Controller):
    watches = ("jobs", "pods")

    def keys(self, resource, obj):
        return [key_of(obj)] if resource == "jobs" else self.owner_keys("Job", "jobs", obj)

    async def reconcile(self, namespace, name):
        job = self.world.get("jobs", namespace, name)
        if job is None or is_terminating(job):
            return None
        if finished(job):
            return await self._expire(job)
        at = seconds(now())
        count = Count(self.world.owned("pods", job))
        outcome = verdict(job, count, at)
        again = None
        if outcome is not None:
            for pod in count.active:
                await self.world.delete("pods", pod)
        else:
            again = await self._scale(job, count, at)
        count = Count(self.world.owned("pods", job))
        job = await self._write(job, count, outcome)
        deadline = job["spec"].get("activeDeadlineSeconds")
        return again if again is not None or deadline is None or outcome else float(deadline)

    async def _scale(self, job, count, at):
        """Starts or ends pods. Returns seconds to wait for where failures hold the next one back."""
        missing = wanted_active(job, count) - len(count.active)
        for pod in count.active[missing:] if missing < 0 else ():
            await self.world.delete("pods", pod)
        if missing > 0 and (wait := backoff(count, at)) > 0:
            return wait
        for _ in range(missing):
            if await self.world.create_unless_ending("pods", new_pod(job)) is None:
                break
        return None

    async def _write(self, job, count, outcome):
        old = job.get("status") or {}
        status = copy(old)
        for field, pods in (("active", count.active), ("ready", count.ready), ("succeeded", count.succeeded),
                            ("failed", count.failed), ("terminating", count.terminating)):
            status[field] = len(pods)
        for field in ("active", "succeeded", "failed"):
            if not status[field]:
                del status[field]
        status["uncountedTerminatedPods"] = {}
        if job["spec"].get("suspend"):
            status.pop("startTime", None)
            set_condition(status, "Suspended", "True", "JobSuspended", "Job suspended", lastProbeTime=now())
        else:
            status.setdefault("startTime", now())
            if is_true(job, "Suspended"):
                set_condition(status, "Suspended", "False", "JobResumed", "Job resumed", lastProbeTime=now())
        if outcome:
            self._conclude(status, outcome, over=not count.active and not count.terminating)
        if _without_probes(status) == _without_probes(old):
            return job
        return await self.world.replace("jobs", {**job, "status": status}, "status")

    def _conclude(self, status, outcome, *, over):
        """First says what the end will be, then, when no pod runs any more, that it has come."""
        first, last = (("SuccessCriteriaMet", "Complete") if outcome == "Complete"
                       else ("FailureTarget", "Failed"))
        reason, message = COMPLETE if outcome == "Complete" else (outcome, FAILURES[outcome])
        set_condition(status, first, "True", reason, message, lastProbeTime=now())
        if over:
            set_condition(status, last, "True", reason, message, lastProbeTime=now())
            if last == "Complete":
                status["completionTime"] = now()

    async def _expire(self, job):
        """Deletes a finished job when its time has come."""
        ttl = job["spec"].get("ttlSecondsAfterFinished")
        if ttl is None:
            return None
        ended = next(one["lastTransitionTime"] for one in job["status"]["conditions"]
                     if one["type"] in ("Complete", "Failed") and one["status"] == "True")
        left = seconds(ended) + ttl - seconds(now())
        if left > 0:
            return left
        await self.world.delete("jobs", job, propagation="Foreground")
        return None


def _without_probes(status):
    conditions = [{key: value for key, value in one.items() if key != "lastProbeTime"}
                  for one in status.get("conditions") or ()]
    return {**status, "conditions": conditions}
