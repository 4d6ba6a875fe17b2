"""Which pod of a StatefulSet is made, removed or waited for next, and what the status says."""

import datetime

import pytest

from devcluster.controllers import ordinals, revisions
from devcluster.objects import timestamp

NOW = 1_800_000_000.0
OLD, NEW = "web-old", "web-new"


def revision(name, number=1, image="1"):
    return {"metadata": {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z"}, "revision": number,
            "data": {"spec": {"template": {**template(image), "$patch": "replace"}}}}


def template(image):
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}}


def owner(replicas, *, partition=0, strategy="RollingUpdate", start=0, status=None, image="2", **spec):
    rolling = {"rollingUpdate": {"partition": partition}} if strategy == "RollingUpdate" else {}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "status": status or {},
            "metadata": {"name": "web", "namespace": "shop", "uid": "u", "generation": 1},
            "spec": {"replicas": replicas, "ordinals": {"start": start}, "template": template(image),
                     "updateStrategy": {"type": strategy, **rolling}, "serviceName": "web",
                     "selector": {"matchLabels": {"app": "web"}}, **spec}}


def pod(ordinal, at=NEW, *, state="ready", since=100):
    """state: ready, unready, failed, going (being deleted); since: for how long it has been ready."""
    moment = timestamp(datetime.datetime.fromtimestamp(NOW - since, datetime.timezone.utc))
    ready = "True" if state in ("ready", "going") else "False"
    metadata = {"name": f"web-{ordinal}", "uid": str(ordinal),
                "labels": {ordinals.REVISION_LABEL: at, ordinals.NAME_LABEL: f"web-{ordinal}"}}
    if state == "going":
        metadata["deletionTimestamp"] = moment
    return {"metadata": metadata, "spec": {},
            "status": {"phase": "Failed" if state == "failed" else "Running",
                       "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": moment}]}}


def planned(subject, *pods):
    """([(verb, pod's name, its revision)], status)"""
    batches, status = ordinals.plan(subject, revision(OLD), revision(NEW, 2, "2"), list(pods), NOW)
    return [(one.verb, one.pod["metadata"]["name"], ordinals.revision_of(one.pod))
            for batch in batches for one in batch], status


PARALLEL = {"podManagementPolicy": "Parallel"}
CASES = {
    "the first is made alone": (owner(3), [], [("create", "web-0", NEW)]),
    "the next waits for the last to be ready": (owner(3), [pod(0, state="unready")], []),
    "and then comes": (owner(3), [pod(0)], [("create", "web-1", NEW)]),
    "ready is not enough with minReadySeconds": (owner(3, minReadySeconds=200), [pod(0)], []),
    "all at once in parallel": (owner(2, **PARALLEL), [],
                                [("create", "web-0", NEW), ("create", "web-1", NEW)]),
    "ordinals may start elsewhere": (owner(2, start=5), [pod(5)], [("create", "web-6", NEW)]),
    "a failed pod is removed": (owner(2), [pod(0, state="failed"), pod(1)], [("delete", "web-0", NEW)]),
    "one being deleted is waited for": (owner(2), [pod(0, state="going")], []),
    "scaled down from the top, one by one": (owner(1), [pod(0), pod(1), pod(2)], [("delete", "web-2", NEW)]),
    "in parallel all at once": (owner(1, **PARALLEL), [pod(0), pod(1), pod(2)],
                                [("delete", "web-2", NEW), ("delete", "web-1", NEW)]),
    "not while a lower one is unavailable": (owner(1), [pod(0), pod(1, state="unready"), pod(2)],
                                             [("delete", "web-2", NEW)]),
    "an unready one goes when it is the first such": (owner(1), [pod(0), pod(1, state="unready")],
                                                      [("delete", "web-1", NEW)]),
    "but waits for a lower one that is unready too": (
        owner(1), [pod(0), pod(1, state="unready"), pod(2, state="unready")], []),
    "the highest outdated one is removed": (owner(3), [pod(0, OLD), pod(1, OLD), pod(2, OLD)],
                                            [("delete", "web-2", OLD)]),
    "the next waits until it is back": (owner(3), [pod(0, OLD), pod(1, OLD), pod(2, state="unready")], []),
    "in parallel it waits too": (owner(3, **PARALLEL), [pod(0, OLD), pod(1, OLD), pod(2, state="unready")], []),
    "and then goes": (owner(3), [pod(0, OLD), pod(1, OLD), pod(2)], [("delete", "web-1", OLD)]),
    "a broken pod blocks its own update": (owner(2), [pod(0, OLD), pod(1, "web-broken", state="unready")],
                                           []),
    "but not in parallel": (owner(2, **PARALLEL), [pod(0, OLD), pod(1, "web-broken", state="unready")],
                            [("delete", "web-1", "web-broken")]),
    "fact 03: nothing below the partition": (owner(3, partition=2), [pod(0, OLD), pod(1, OLD), pod(2)], []),
    "fact 03: lost below the partition, made at the old": (owner(2, partition=1), [pod(1)],
                                                           [("create", "web-0", OLD)]),
    "fact 03: lost at the partition, made at the new": (owner(2, partition=1), [pod(0, OLD)],
                                                        [("create", "web-1", NEW)]),
    "the partition counts from the first ordinal": (owner(2, partition=1, start=5), [],
                                                    [("create", "web-5", OLD)]),
    "OnDelete updates nothing": (owner(2, strategy="OnDelete"), [pod(0, OLD), pod(1, OLD)], []),
    "OnDelete makes new ones at the new": (owner(2, strategy="OnDelete"), [pod(0, OLD)],
                                           [("create", "web-1", NEW)]),
    "a pod of another name is left alone": (owner(1), [pod(0), pod("x")], []),
}


@pytest.mark.parametrize("subject, pods, expected", CASES.values(), ids=CASES)
def test_what_comes_next(subject, pods, expected):
    assert planned(subject, *pods)[0] == expected


def test_a_set_being_deleted_does_nothing():
    subject = owner(3)
    subject["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert planned(subject, pod(0))[0] == []


def test_fact_01_a_relabelled_pod_counts_as_updated():
    _, status = planned(owner(3, partition=100), pod(0, OLD), pod(1, OLD), pod(2, NEW))
    assert status == {"observedGeneration": 1, "replicas": 3, "readyReplicas": 3, "availableReplicas": 3,
                      "currentReplicas": 2, "updatedReplicas": 1,
                      "currentRevision": OLD, "updateRevision": NEW}


def test_fact_01_with_all_relabelled_and_the_partition_gone_nothing_is_deleted():
    actions, status = planned(owner(2), pod(0), pod(1))
    assert actions == []
    assert status["currentRevision"] == NEW


def test_fact_02_current_revision_advances_with_the_partition_still_high():
    _, status = planned(owner(2, partition=100), pod(0), pod(1))
    assert (status["currentRevision"], status["currentReplicas"]) == (NEW, 2)
    _, status = planned(owner(2, partition=100), pod(0), pod(1, state="unready"))
    assert status["currentRevision"] == OLD


def test_a_new_pod_knows_who_it_is():
    claims = [{"metadata": {"name": "data", "labels": {"tier": "db"}},
               "spec": {"accessModes": ["ReadWriteOnce"]}}]
    subject = owner(1, volumeClaimTemplates=claims)
    made = ordinals.new_pod(subject, revision(OLD), revision(NEW, 2, "2"), 3)
    assert made["metadata"]["labels"] == {
        "app": "web", "controller-revision-hash": NEW, "statefulset.kubernetes.io/pod-name": "web-3",
        "apps.kubernetes.io/pod-index": "3"}
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-3"}}
    assert made["spec"] == {"containers": [{"name": "c", "image": "2"}], "hostname": "web-3",
                            "subdomain": "web", "volumes": [volume]}
    (claim,) = ordinals.claims(subject, made)
    assert claim["metadata"] == {"name": "data-web-3", "namespace": "shop",
                                 "labels": {"tier": "db", "app": "web"}}


def test_a_revision_is_the_template_and_nothing_else():
    subject, stored = owner(3, image="1"), revision(OLD)
    assert revisions.matches(stored, subject)
    stored["data"]["spec"]["template"]["metadata"] |= {"creationTimestamp": None, "annotations": {}}
    assert revisions.matches(stored, subject)
    assert not revisions.matches(stored, owner(3, image="2"))
    assert revisions.template_of(revision(OLD)) == template("1")


def test_a_hash_depends_on_the_template_and_the_collisions_alone():
    first = revisions.hash_of(owner(1), 0)
    assert first == revisions.hash_of(owner(5, partition=3), 0)
    assert len({first, revisions.hash_of(owner(1), 1), revisions.hash_of(owner(1, image="3"), 0)}) == 3


def test_history_beyond_the_limit_goes_the_oldest_first_unless_live():
    history = [revision(f"web-{number}", number) for number in (3, 1, 2, 4)]
    gone = revisions.surplus(history, lambda one: one["revision"] in (1, 4), 1)
    assert [one["revision"] for one in gone] == [2]
