"""How large a Deployment's ReplicaSets become, which is its new one, and what its conditions say."""

import datetime

import pytest

from devcluster.controllers import deployment_status, rollout

NOW = datetime.datetime(2026, 5, 1, 12, 0, 0, tzinfo=datetime.timezone.utc)


def deployment(replicas, surge=0, unavailable=0, *, strategy="RollingUpdate", image="2", status=None, **spec):
    rolling = {"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    rolling = {} if strategy == "Recreate" else rolling
    return {"metadata": {"name": "web", "generation": 1}, "status": status or {},
            "spec": {"replicas": replicas, "strategy": {"type": strategy, **rolling},
                     "template": template(image), **spec}}


def template(image, **labels):
    return {"metadata": {"labels": {"app": "web", **labels}},
            "spec": {"containers": [{"name": "c", "image": image}]}}


def replica_set(name, size, available=None, *, image="1", age=0, desired=None, maximum=None, replicas=None,
                **notes):
    annotations = {key: str(value) for key, value in (
        (rollout.DESIRED, desired), (rollout.MAXIMUM, maximum)) if value is not None}
    available = size if available is None else available
    return {"metadata": {"name": name, "uid": name, "creationTimestamp": f"2026-01-01T00:00:{50 - age:02}Z",
                         "generation": 1, "annotations": annotations | notes},
            "spec": {"replicas": size, "template": template(image, **{"pod-template-hash": name})},
            "status": {"availableReplicas": available, "readyReplicas": available, "observedGeneration": 1,
                       "replicas": size if replicas is None else replicas, "terminatingReplicas": 0}}


LIMITS = [  # replicas, maxSurge, maxUnavailable -> in pods
    (10, "25%", "25%", (3, 2)), (4, 1, 0, (1, 0)), (1, "25%", "25%", (1, 0)), (3, 0, "25%", (0, 1)),
    (5, 0, 0, (0, 1)), (2, 0, 5, (0, 2)), (0, "25%", "25%", (0, 0)), (0, 2, 2, (2, 0))]


@pytest.mark.parametrize("replicas, surge, unavailable, expected", LIMITS)
def test_limits(replicas, surge, unavailable, expected):
    subject = deployment(replicas, surge, unavailable)
    assert (rollout.max_surge(subject), rollout.max_unavailable(subject)) == expected


GROWTH = {  # replicas, surge, unavailable, new, olds -> size of the new one
    "as far as the surge goes": (10, 3, 2, 0, [10], 3),
    "no further than the surge": (10, 3, 2, 3, [10], 3),
    "into what the old ones left": (10, 3, 2, 3, [8], 5),
    "never beyond the replicas": (10, 3, 2, 9, [1], 10),
    "down when scaled down": (4, 1, 0, 6, [], 4),
    "surge 0 waits for the old ones": (5, 0, 2, 0, [5], 0),
}


@pytest.mark.parametrize("replicas, surge, unavailable, new, olds, expected", GROWTH.values(), ids=GROWTH)
def test_growth_of_the_new(replicas, surge, unavailable, new, olds, expected):
    olds = [replica_set(f"old{number}", size) for number, size in enumerate(olds)]
    subject = deployment(replicas, surge, unavailable)
    assert rollout.new_size(subject, replica_set("new", new), olds) == expected


SHRINKING = {  # replicas, surge, unavailable, (new size, available), [(old size, available)] -> [(old, size)]
    "as far as maxUnavailable goes": (10, 3, 2, (3, 0), [(10, 10)], [("old0", 8)]),
    "not before new pods are available": (10, 3, 2, (5, 0), [(8, 8)], []),
    "by as many as are available": (10, 3, 2, (5, 2), [(8, 8)], [("old0", 6)]),
    "unavailable pods first": (10, 0, 2, (0, 0), [(5, 5), (5, 3)], [("old1", 3)]),
    "then available ones, of the oldest first": (10, 2, 3, (2, 2), [(5, 5), (5, 4)],
                                                 [("old1", 4), ("old0", 1)]),
    "unavailable ones only as far as it may be": (5, 0, 1, (0, 0), [(5, 0)], [("old0", 4)]),
    "new ones that are not available yet keep even broken ones": (5, 0, 2, (2, 0), [(3, 2)], []),
    "not by a status from before it shrank": (3, 1, 1, (1, 0), [(3, 8)], []),
    "nothing that is not there": (5, 1, 1, (5, 5), [], []),
    "fact 05: exactly two of five": (5, 0, 2, (0, 0), [(5, 5)], [("old0", 3)]),
    "fact 05: and there it stops": (5, 0, 2, (2, 0), [(3, 3)], []),
    "fact 05: two more may be missing": (5, 0, 4, (2, 0), [(3, 3)], [("old0", 1)]),
}


@pytest.mark.parametrize("replicas, surge, unavailable, new, olds, expected", SHRINKING.values(),
                         ids=SHRINKING)
def test_shrinking_of_the_old(replicas, surge, unavailable, new, olds, expected):
    olds = [replica_set(f"old{number}", *sizes, age=9 - number) for number, sizes in enumerate(olds)]
    steps = rollout.shrink(deployment(replicas, surge, unavailable), replica_set("new", *new), olds)
    assert [(one["metadata"]["name"], size) for one, size in steps] == expected


PROPORTIONS = {  # replicas, surge, [(size, what maximum was)] the oldest first -> sizes
    "up by shares": (15, 0, [(8, 10), (2, 10)], [12, 3]),
    "the rest goes to the largest": (6, 0, [(1, 5), (2, 5), (2, 5)], [1, 2, 3]),
    "of equals the newer grows first": (11, 0, [(5, 10), (5, 10)], [5, 6]),
    "of equals the older shrinks first": (9, 0, [(5, 10), (5, 10)], [4, 5]),
    "down by shares": (5, 0, [(8, 10), (2, 10)], [4, 1]),
    "to nothing": (0, 2, [(8, 12), (4, 12)], [0, 0]),
    "the surge grows too": (20, 2, [(8, 12), (4, 12)], [15, 7]),
}


@pytest.mark.parametrize("replicas, surge, sets, expected", PROPORTIONS.values(), ids=PROPORTIONS)
def test_proportional_scaling(replicas, surge, sets, expected):
    sets = [replica_set(f"set{number}", size, maximum=maximum, age=9 - number)
            for number, (size, maximum) in enumerate(sets)]
    subject = deployment(replicas, surge, status={"replicas": 1})  # counts where no annotation says what was
    steps = rollout.proportional(subject, sets)
    sizes = {one["metadata"]["name"]: size for one, size in steps}
    assert [sizes[one["metadata"]["name"]] for one in sets] == expected


def test_with_one_active_replica_set_a_paused_deployment_scales_it():
    old, new = replica_set("old", 4, age=9), replica_set("new", 0, image="2")
    assert rollout.resize(deployment(6), new, [old]) == [(old, 6, False)]
    assert rollout.resize(deployment(6), None, [old]) == [(old, 6, False)]


def test_fact_09_two_active_replica_sets_under_recreate_are_left_alone():
    old, new = replica_set("old", 3, age=9), replica_set("new", 1, image="2")
    assert rollout.resize(deployment(4, strategy="Recreate"), new, [old]) == []


def test_two_active_replica_sets_share_a_change_of_size():
    old, new = replica_set("old", 6, age=9, desired=8, maximum=8), replica_set("new", 2, image="2", maximum=8)
    assert rollout.resize(deployment(12), new, [old]) == [(old, 9, True), (new, 3, True)]
    assert rollout.was_scaled(deployment(12), [old, new]) and not rollout.was_scaled(deployment(8), [old, new])


def test_a_saturated_new_replica_set_takes_all_from_adopted_old_ones():
    old, new = replica_set("old", 3, age=9), replica_set("new", 4, image="2", desired=4)
    assert rollout.resize(deployment(4), new, [old]) == [(old, 0, False)]


def test_the_new_replica_set_has_the_template_and_is_the_oldest_such():
    late, early = replica_set("late", 0, image="2"), replica_set("early", 0, image="2", age=9)
    other = replica_set("other", 1, image="1", age=20)
    early["spec"]["template"]["metadata"]["annotations"] = {}  # an empty map is none
    new, olds = rollout.split(deployment(1), [late, other, early])
    assert new is early
    assert olds == [other, late]


REVISIONS = {  # annotations, the next revision -> revision, history
    "of a new one": ({}, 1, "1", None),
    "brought back": ({rollout.REVISION: "1"}, 3, "3", "1"),
    "brought back again": ({rollout.REVISION: "3", rollout.HISTORY: "1"}, 5, "5", "1,3"),
    "unchanged": ({rollout.REVISION: "3", rollout.HISTORY: "1"}, 3, "3", "1"),
    "never lowered": ({rollout.REVISION: "9"}, 3, "9", None),
}


@pytest.mark.parametrize("current, revision, expected, history", REVISIONS.values(), ids=REVISIONS)
def test_revision_annotations(current, revision, expected, history):
    subject = deployment(1)
    subject["metadata"]["annotations"] = {"note": "x", rollout.REVISION: "7",
                                          "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    made = rollout.new_annotations(subject, current, revision)
    assert made == {"note": "x", rollout.REVISION: expected} | ({rollout.HISTORY: history} if history else {})


def test_old_replica_sets_beyond_the_limit_go_unless_in_use():
    olds = [replica_set(f"old{number}", 0, age=number, **{rollout.REVISION: str(number)})
            for number in range(4)]
    olds[1]["spec"]["replicas"] = 1
    gone = rollout.surplus_history(deployment(1, revisionHistoryLimit=1), olds)
    assert [one["metadata"]["name"] for one in gone] == ["old0", "old2"]


def progressing(reason, *, age=0, status="True"):
    at = (NOW - datetime.timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": at,
            "lastTransitionTime": at}


PROGRESS = {  # the reason before, how old it is, pods updated before, (size, available) -> reason
    "complete": ("ReplicaSetUpdated", 5, 2, (2, 2), "NewReplicaSetAvailable"),
    "a step further": ("NewReplicaSetCreated", 5, 1, (2, 1), "ReplicaSetUpdated"),
    "no step, in time": ("ReplicaSetUpdated", 59, 2, (2, 0), "ReplicaSetUpdated"),
    "no step, too late": ("ReplicaSetUpdated", 61, 2, (2, 0), "ProgressDeadlineExceeded"),
    "complete stays complete while pods restart": ("NewReplicaSetAvailable", 900, 2, (2, 0),
                                                   "NewReplicaSetAvailable"),
}


@pytest.mark.parametrize("reason, age, updated, new, expected", PROGRESS.values(), ids=PROGRESS)
def test_progress(reason, age, updated, new, expected):
    before = {"replicas": 2, "updatedReplicas": updated, "conditions": [progressing(reason, age=age)]}
    subject = deployment(2, status=before, progressDeadlineSeconds=60)
    status = deployment_status.rolling(subject, replica_set("new", *new, image="2"), [], NOW)
    (found,) = [one for one in status["conditions"] if one["type"] == "Progressing"]
    assert found["reason"] == expected
    assert (found["status"] == "False") == (expected == "ProgressDeadlineExceeded")


CHECKS = {  # the reason before, how old it is, pods available -> seconds until it is looked at again
    "when the time is up": ("ReplicaSetUpdated", 20, 0, 40.1),
    "at once when it was up before": ("ReplicaSetUpdated", 90, 0, 0.1),
    "not when complete": ("ReplicaSetUpdated", 20, 2, None),
    "not when it has failed already": ("ProgressDeadlineExceeded", 20, 0, None),
}


@pytest.mark.parametrize("reason, age, available, expected", CHECKS.values(), ids=CHECKS)
def test_a_rollout_that_stands_still_is_looked_at_again(reason, age, available, expected):
    status = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": available, "observedGeneration": 1}
    subject = deployment(2, status={"conditions": [progressing(reason, age=age)]}, progressDeadlineSeconds=60)
    assert deployment_status.check_after(subject, status, NOW) == (expected and pytest.approx(expected))


def test_without_a_deadline_there_is_no_progressing_condition():
    subject = deployment(2, status={"conditions": [progressing("ReplicaSetUpdated")]},
                         progressDeadlineSeconds=deployment_status.FOREVER)
    status = deployment_status.rolling(subject, replica_set("new", 2, image="2"), [], NOW)
    assert [one["type"] for one in status["conditions"]] == ["Available"]


def test_fact_05_held_pods_are_not_available_and_the_status_says_so():
    subject = deployment(5, 0, 2, progressDeadlineSeconds=deployment_status.FOREVER)
    old, new = replica_set("old", 3, age=9), replica_set("new", 2, 0, image="2")
    status = deployment_status.rolling(subject, new, [old], NOW)
    counts = {key: value for key, value in status.items() if key != "conditions"}
    assert counts == {"observedGeneration": 1, "replicas": 5, "updatedReplicas": 2, "readyReplicas": 3,
                      "availableReplicas": 3, "unavailableReplicas": 2, "terminatingReplicas": 0}
    assert status["conditions"][0]["reason"] == "MinimumReplicasAvailable"


def test_a_replica_sets_failure_is_the_deployments():
    failure = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "no"}
    old, new = replica_set("old", 3, age=9), replica_set("new", 2, 0, image="2")
    old["status"]["conditions"] = [failure]
    status = deployment_status.rolling(deployment(5, progressDeadlineSeconds=60), new, [old], NOW)
    reasons = {one["type"]: one["reason"] for one in status["conditions"]}
    assert reasons["ReplicaFailure"] == "FailedCreate"
