"""The rollouts of KubeVela and CafeDeployment as they are written there, from manifests/samples/rollouts/."""

import pytest
import sluice
import yaml
from rollouts import Rolled

SAMPLES = sluice.MANIFESTS / "samples" / "rollouts"


@pytest.fixture
def sample(shop):
    """Applies one in the test's namespace: the workload, up, under its Rollout, with some changes of the plan."""
    def make(file, **changes):
        rollout, workload = yaml.safe_load_all((SAMPLES / file).read_text())
        web = Rolled(shop, workload["kind"], workload["metadata"]["name"], workload["spec"]["replicas"])
        for one in (rollout, workload):
            one["metadata"]["namespace"] = shop.name
        shop.apply(workload)
        spec = rollout["spec"]
        assert spec.pop("workloadRef")["name"] == web.name
        return web.come_up().plan(spec.pop("rolloutPlan") | changes, **spec)

    return make


def test_kubevela_batches_of_1_and_50_and_50_percent_by_partition(sample):
    """5 replicas: 1, 3 and 1, each let go by raising batchPartition. New pods come first: there are never fewer."""
    web = sample("kubevela.yaml")
    web.push("2")
    for batch, updated in ((0, 1), (1, 4)):
        status = web.wait("Paused", batch)
        assert [one["target"] for one in status["batches"]] == [1, 4, 5]
        assert web.versions() == {"1": 5 - updated, "2": updated}
        assert f"batchPartition is {batch}" in status["message"]
        web.namespace.stays(lambda: web.status()["currentBatch"] == batch)
        web.change(rolloutPlan={"batchPartition": batch + 1})
    web.was_recreated(web.wait_healthy("2"))
    web.kubectl_agrees(revisions=2)


def test_cafedeployment_beta_batches_of_4_with_confirmations(sample):
    """10 replicas: 1, 4, 4 and 1, in place. Only the 30 s that a pod must be ready are left out."""
    web = sample("cafedeployment.yaml", minReadySeconds=0)
    web.push("2")
    for batch, updated in ((0, 1), (1, 5), (2, 9)):
        status = web.wait("WaitingForConfirmation", batch)
        assert [one["target"] for one in status["batches"]] == [1, 5, 9, 10]
        assert web.versions() == {"1": 10 - updated, "2": updated}
        web.confirm(batch)
    web.was_in_place(web.wait_healthy("2"))
    web.kubectl_agrees(revisions=2)
