"""The rules of the kinds that make pods from a template, and of the disruption budgets of these.

Source: pkg/apis/apps/validation, pkg/apis/batch/validation and pkg/apis/policy/validation of Kubernetes 1.36.
"""

from ...errors import forbidden_field, invalid_value, required
from ...selector import of_selector, matches
from . import validation_metadata as rules
from .validation_metadata import hinted, invalid_structure, not_in, not_negative
from .validation_pods import spec_causes

MISMATCH = "`selector` does not match template `labels`"
STATEFUL_SET_FREE = ("replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
                     "persistentVolumeClaimRetentionPolicy", "minReadySeconds")
JOB_FIXED = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")


def _numbers(spec, *names):
    return [cause for name in names for cause in not_negative(f"spec.{name}", spec.get(name))]


def _selector(spec, kind):
    one = spec.get("selector")
    if one is None:
        return [] if kind == "daemonset" else [required("spec.selector")]
    causes = rules.selector(one, "spec.selector")
    if not one.get("matchLabels") and not one.get("matchExpressions"):
        causes.append(invalid_structure("spec.selector", one, f"empty selector is invalid for {kind}"))
    return causes


def _template(spec, *, restart="Always", kind="ReplicaSet"):
    """The template, and whether the selector selects what it makes."""
    template = spec.get("template") or {}
    metadata, pod = template.get("metadata") or {}, template.get("spec") or {}
    causes = []
    selector = spec.get("selector")
    if rules.selector(selector, "spec.selector"):
        if selector:
            causes.append(invalid_structure("spec.selector", selector, "invalid label selector"))
    elif selector != {} and not matches(of_selector(selector), metadata.get("labels")):
        causes.append(invalid_structure("spec.template.metadata.labels", metadata.get("labels"), MISMATCH))
    causes += rules.labels(metadata.get("labels"), "spec.template.labels")
    causes += rules.annotations(metadata.get("annotations"), "spec.template.annotations")
    causes += spec_causes(pod, "spec.template.spec")
    if pod.get("restartPolicy") not in (restart, None) and not _unknown_restart(pod):
        causes.append(not_in("spec.template.spec.restartPolicy", pod["restartPolicy"], (restart,)))
    if pod.get("activeDeadlineSeconds") is not None:
        causes.append(forbidden_field("spec.template.spec.activeDeadlineSeconds",
                                      f"activeDeadlineSeconds in {kind} is not Supported"))
    return causes


def _unknown_restart(pod):
    return pod.get("restartPolicy") not in ("Always", "OnFailure", "Never")


def int_or_percent(field, value):
    """An IntOrString that is not negative; a percentage at most 100%, where `field` is given one."""
    if isinstance(value, str):
        return hinted(field, value, rules.percent_hints(value))
    return not_negative(field, value)


def _at_most_all(field, value):
    if isinstance(value, str) and not rules.percent_hints(value) and int(value[:-1]) > 100:
        return [invalid_value(field, value, "must not be greater than 100%")]
    return []


def _zero(value):
    return value in (0, None) or isinstance(value, str) and value.strip("0") == "%"


def _deployment(deployment):
    spec = deployment.get("spec") or {}
    causes = _numbers(spec, "replicas") + _selector(spec, "deployment") + _template(spec)
    strategy, at = spec["strategy"], "spec.strategy"
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] not in ("Recreate", "RollingUpdate"):
        causes.append(not_in(at, {"Type": strategy["type"], "RollingUpdate": rolling},
                             ("Recreate", "RollingUpdate")))
    elif strategy["type"] == "Recreate" and rolling is not None:
        causes.append(forbidden_field(f"{at}.rollingUpdate",
                                      "may not be specified when strategy `type` is 'Recreate'"))
    elif rolling is not None:
        unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
        at += ".rollingUpdate"
        causes += int_or_percent(f"{at}.maxUnavailable", unavailable)
        causes += int_or_percent(f"{at}.maxSurge", surge)
        if _zero(unavailable) and _zero(surge):
            causes.append(invalid_value(f"{at}.maxUnavailable", unavailable,
                                        "may not be 0 when `maxSurge` is 0"))
        causes += _at_most_all(f"{at}.maxUnavailable", unavailable)
    causes += _numbers(spec, "minReadySeconds", "revisionHistoryLimit")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        causes += not_negative("spec.progressDeadlineSeconds", deadline)
        if deadline <= spec.get("minReadySeconds", 0):
            causes.append(invalid_value("spec.progressDeadlineSeconds", deadline,
                                        "must be greater than minReadySeconds"))
    return causes


def _replica_set(replica_set):
    spec = replica_set.get("spec") or {}
    return (_numbers(spec, "replicas", "minReadySeconds") + _selector(spec, "deployment") + _template(spec))


def _replication_controller(controller):
    spec = controller.get("spec") or {}
    selector = spec.get("selector")
    causes = _numbers(spec, "minReadySeconds", "replicas")
    if not selector:
        causes.append(required("spec.selector"))
    return causes + _template({**spec, "selector": {"matchLabels": selector or {}}})


def _stateful_set(stateful_set):
    spec = stateful_set.get("spec") or {}
    policy, causes = spec["podManagementPolicy"], []
    if policy not in ("OrderedReady", "Parallel"):
        causes.append(invalid_value("spec.podManagementPolicy", policy,
                                    "must be 'OrderedReady' or 'Parallel'"))
    strategy, at = spec["updateStrategy"], "spec.updateStrategy"
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] not in ("RollingUpdate", "OnDelete"):
        causes.append(invalid_structure(at, {"Type": strategy["type"], "RollingUpdate": rolling},
                                        "must be 'RollingUpdate' or 'OnDelete'"))
    elif strategy["type"] == "OnDelete" and rolling is not None:
        shown = {"Partition": rolling.get("partition"), "MaxUnavailable": rolling.get("maxUnavailable")}
        causes.append(invalid_structure(f"{at}.rollingUpdate", shown,
                                        "only allowed for updateStrategy 'RollingUpdate'"))
    elif rolling is not None:
        causes += not_negative(f"{at}.rollingUpdate.partition", rolling.get("partition"))
    for field, value in spec["persistentVolumeClaimRetentionPolicy"].items():
        if value not in ("Retain", "Delete"):
            causes.append(not_in(f"spec.persistentVolumeClaimRetentionPolicy.{field}", value,
                                 ("Retain", "Delete")))
    causes += _numbers(spec, "replicas", "minReadySeconds")
    causes += not_negative("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    if spec.get("serviceName"):
        causes += hinted("spec.serviceName", spec["serviceName"], rules.label_hints(spec["serviceName"]))
    causes += _selector(spec, "statefulset")
    claims = [{"name": claim["metadata"].get("name", ""), "persistentVolumeClaim": {}}
              for claim in spec.get("volumeClaimTemplates") or ()]
    if claims:  # each becomes a volume of the pod
        pod = dict(spec["template"]["spec"])
        names = {claim["name"] for claim in claims}
        pod["volumes"] = claims + [one for one in pod.get("volumes") or () if one.get("name") not in names]
        spec = {**spec, "template": {**spec["template"], "spec": pod}}
    return causes + _template(spec, kind="StatefulSet")


def _stateful_set_update(new, old):
    causes = _stateful_set(new)
    now = {key: value for key, value in new["spec"].items() if key not in STATEFUL_SET_FREE}
    was = {key: value for key, value in old["spec"].items() if key not in STATEFUL_SET_FREE}
    if now != was:
        causes.append(forbidden_field("spec", "updates to statefulset spec for fields other than 'replicas', "
                                      "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
                                      "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
                                      "forbidden"))
    return causes


def _daemon_set(daemon_set):
    spec = daemon_set.get("spec") or {}
    causes = _selector(spec, "daemonset") + _template(spec, kind="DaemonSet")
    causes += _numbers(spec, "minReadySeconds")
    strategy, at = spec["updateStrategy"], "spec.updateStrategy.rollingUpdate"
    rolling = strategy.get("rollingUpdate")
    if strategy["type"] not in ("RollingUpdate", "OnDelete"):
        causes.append(not_in("spec.updateStrategy", {"Type": strategy["type"], "RollingUpdate": rolling},
                             ("RollingUpdate", "OnDelete")))
    elif strategy["type"] == "RollingUpdate":
        unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
        for field, value in (("maxUnavailable", unavailable), ("maxSurge", surge)):
            causes += int_or_percent(f"{at}.{field}", value) + _at_most_all(f"{at}.{field}", value)
        if not _zero(unavailable) and not _zero(surge):
            causes.append(invalid_value(f"{at}.maxSurge", surge,
                                        "may not be set when maxUnavailable is non-zero"))
        elif _zero(unavailable) and _zero(surge):
            causes.append(required(f"{at}.maxUnavailable", "cannot be 0 when maxSurge is 0"))
    return causes + _numbers(spec, "revisionHistoryLimit")


def _job_spec(spec):
    causes = _numbers(spec, "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit",
                      "ttlSecondsAfterFinished")
    if spec.get("completionMode", "NonIndexed") not in ("NonIndexed", "Indexed"):
        causes.append(not_in("spec.completionMode", spec["completionMode"], ("NonIndexed", "Indexed")))
    pod = spec["template"].get("spec") or {}
    causes += spec_causes(pod, "spec.template.spec")
    if pod.get("restartPolicy") == "Always":
        causes.append(required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'))
    return causes


def _job(job):
    return _job_spec(job.get("spec") or {})


def _job_update(new, old):
    now, was = new["spec"], old["spec"]
    causes = _job(new)
    fixed = [field for field in JOB_FIXED if now.get(field) != was.get(field)]
    if now.get("completions") != was.get("completions") and now.get("completionMode") != "Indexed":
        fixed.insert(0, "completions")
    if now.get("selector") != was.get("selector"):
        fixed.insert(0, "selector")
    if now.get("template") != was.get("template") and not was.get("suspend"):
        fixed.append("template")
    return causes + [invalid_structure(f"spec.{field}", now.get(field), rules.IMMUTABLE) for field in fixed]


def _cron_job(cron_job):
    schedule = (cron_job.get("spec") or {}).get("schedule", "")
    if not schedule:
        return [required("spec.schedule")]
    parts = schedule.split()
    if len(parts) != 5 and not schedule.startswith("@"):
        return [invalid_value("spec.schedule", schedule,
                              f"expected exactly 5 fields, found {len(parts)}: [{' '.join(parts)}]")]
    return []


def _budget(budget):
    spec = budget.get("spec") or {}
    given = [field for field in ("minAvailable", "maxUnavailable") if spec.get(field) is not None]
    causes = []
    if len(given) == 2:
        shown = {"MinAvailable": spec["minAvailable"], "Selector": spec.get("selector"),
                 "MaxUnavailable": spec["maxUnavailable"],
                 "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy")}
        causes.append(invalid_structure("spec", shown, "minAvailable and maxUnavailable cannot be both set"))
    for field in given:
        causes += int_or_percent(f"spec.{field}", spec[field]) + _at_most_all(f"spec.{field}", spec[field])
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy not in (None, "AlwaysAllow", "IfHealthyBudget"):
        causes.append(not_in("spec.unhealthyPodEvictionPolicy", policy, ("AlwaysAllow", "IfHealthyBudget")))
    return causes + rules.selector(spec.get("selector"), "spec.selector")


def _with_fixed_selector(judge):
    def judged(new, old):
        causes = judge(new)
        if new["spec"].get("selector") != old["spec"].get("selector"):
            causes.append(invalid_structure("spec.selector", new["spec"].get("selector"), rules.IMMUTABLE))
        return causes
    return judged


CREATED = {
    "Deployment.apps": _deployment,
    "ReplicaSet.apps": _replica_set,
    "ReplicationController": _replication_controller,
    "StatefulSet.apps": _stateful_set,
    "DaemonSet.apps": _daemon_set,
    "Job.batch": _job,
    "CronJob.batch": _cron_job,
    "PodDisruptionBudget.policy": _budget,
}
UPDATED = {
    "Deployment.apps": _with_fixed_selector(_deployment),
    "ReplicaSet.apps": _with_fixed_selector(_replica_set),
    "DaemonSet.apps": _with_fixed_selector(_daemon_set),
    "StatefulSet.apps": _stateful_set_update,
    "Job.batch": _job_update,
}
