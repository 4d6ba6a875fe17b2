"""The properties of review.py over requests that nobody would send: the fixtures with random damage.

Whatever an object looks like, a patch must apply (an independent applier says so), leave nothing to patch,
and reviews must be answered: a patch that does not apply is an error 500 to the user. The same seed on
every run; MUTATED_ROUNDS and MUTATED_SEED in the environment look further.
"""

import copy
import json
import os
import random
import unittest

import jsonpatch

from command import FILES, review

ROUNDS = int(os.environ.get("MUTATED_ROUNDS", "1500"))
SEED = int(os.environ.get("MUTATED_SEED", "1"))

HELD = [json.dumps(held) for held in (
    {"/spec/paused": None}, {"/spec/paused": False}, {"/spec/updateStrategy": None},
    {"/spec/updateStrategy/type": "RollingUpdate", "/spec/updateStrategy/rollingUpdate": None},
    {"/spec/updateStrategy/rollingUpdate/partition": 0}, {"/spec/nothing/of/ours": 1}, {}, [])]
VALUES = [None, True, False, 0, -1, 30, 2**63 - 1, 1.5, "", "x", "a/b~c", "é\n\"", [], {}, [None], [{}],
          {"": ""}, {"name": "x"}, ["slb.sluice.dev/edge"],
          [{"conditionType": "sluice.dev/traffic-ready"}], *HELD]
KEYS = ["metadata", "spec", "labels", "annotations", "finalizers", "readinessGates", "lifecycle",
        "preStop", "updateStrategy", "rollingUpdate", "partition", "type", "paused", "template",
        "terminationGracePeriodSeconds", "hostNetwork", "sluice.dev/held", "sluice.dev/rollout",
        "sluice.dev/traffic-policy", "sluice.dev/upgrading", "sluice.dev/force", "", "a/b~c"]


def containers(value):
    """Every object and list in a value, itself first."""
    found = [value]
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, (dict, list)):
            found += containers(inner)
    return found


def damage(dice, value):
    """Changes one place of an object."""
    # what is read stands near the top: most of an object is managedFields and container details
    at = dice.choice(containers(value)[:dice.choice((8, 40, 1000))])
    keys = list(at) if isinstance(at, dict) else list(range(len(at)))
    what = dice.randrange(4)
    if what == 0 and keys:
        del at[dice.choice(keys)]
    elif what == 1 and keys:
        at[dice.choice(keys)] = copy.deepcopy(dice.choice(VALUES))
    elif what == 2 and isinstance(at, list):
        at.insert(dice.randrange(len(at) + 1), copy.deepcopy(dice.choice(VALUES + at)))
    elif isinstance(at, dict):
        at[dice.choice(KEYS)] = copy.deepcopy(dice.choice(VALUES))


def hold(dice, object_):
    """A workload in the middle of a hold."""
    if isinstance(object_.get("metadata"), dict):
        annotations = object_["metadata"].setdefault("annotations", {})
        if isinstance(annotations, dict):
            annotations["sluice.dev/held"] = dice.choice(HELD)


def mutate(dice, reviews):
    mutant = copy.deepcopy(dice.choice(reviews))
    request = mutant["request"]
    objects = [request[key] for key in ("object", "oldObject") if request.get(key)]
    if request["operation"] == "UPDATE" and dice.random() < 0.3:
        hold(dice, dice.choice(objects))
    for _ in range(dice.choice((1, 1, 2, 5))):
        damage(dice, dice.choice(objects))
    return mutant


def patches(reviews):
    """The patch of each review. Splits a batch in which one review is not answered to name it."""
    process = review("-o", "patch", "--check-idempotent", stdin="\n".join(map(json.dumps, reviews)))
    if process.returncode == 2 or "idempotent:" in process.stderr:
        if len(reviews) > 1:
            middle = len(reviews) // 2
            return patches(reviews[:middle]) + patches(reviews[middle:])
        raise AssertionError(f"{process.stderr}{json.dumps(reviews[0])}")
    return [json.loads(line) for line in process.stdout.splitlines()]


class Mutated(unittest.TestCase):
    def test_patches_apply_and_leave_nothing_to_patch(self):
        dice = random.Random(SEED)
        handled = ("pods", "deployments", "statefulsets", "daemonsets", "rollouts",
                   "trafficpolicies")
        fixtures = [json.loads(file.read_text(encoding="utf-8")) for file in FILES]
        fixtures = [fixture for fixture in fixtures
                    if fixture["request"]["operation"] != "DELETE"
                    and "subResource" not in fixture["request"]
                    and fixture["request"]["resource"]["resource"] in handled]
        mutants = [mutate(dice, fixtures) for _ in range(ROUNDS)]
        again = []
        for mutant, patch in zip(mutants, patches(mutants), strict=True):
            if patch:
                second = copy.deepcopy(mutant)
                second["request"]["object"] = jsonpatch.apply_patch(mutant["request"]["object"],
                                                                    patch)
                again.append(second)
        self.assertGreater(len(again), ROUNDS // 10)
        for mutant, patch in zip(again, patches(again), strict=True):
            self.assertEqual(patch, [], json.dumps(mutant))


if __name__ == "__main__":
    unittest.main()
