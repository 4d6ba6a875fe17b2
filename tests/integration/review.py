"""What is decided about every recorded request: golden answers, and properties that hold for all.

The golden answers are in tests/fixtures/golden, one file a fixture. When a decision is meant to change,
write them anew and read the difference:

    SLUICE=build/debug/sluice /usr/bin/python3 -B tests/integration/review.py --update
"""

import base64
import copy
import json
import sys
import unittest

import jsonpatch

import tree
from command import FILES, review, review_files

GOLDEN = tree.FIXTURES.parent / "golden"


def lines(process):
    return [json.loads(line) for line in process.stdout.splitlines()]


def text_blocks(process):
    """The parts of `-o text`, one a review: (header, last line)."""
    blocks = [block.splitlines() for block in process.stdout.rstrip("\n").split("\n\n")]
    return [(block[0], block[-1]) for block in blocks]


def answers():
    """The golden form of the answer to each fixture, by file name."""
    found = {}
    headers = text_blocks(review_files(FILES, "text"))
    responses = lines(review_files(FILES, "review"))
    for file, (header, why), review_ in zip(FILES, headers, responses, strict=True):
        response = review_["response"]
        denial = {key: value for key, value in response.get("status", {}).items()
                  if key in ("reason", "details")}
        found[file.name] = {
            "request": header.rpartition(": ")[0],
            "outcome": header.rpartition(": ")[2],
            "why": why.partition(": ")[2],
            "code": response.get("status", {}).get("code", 200),
            **denial,
            "warnings": response.get("warnings", []),
            "patch": json.loads(base64.b64decode(response.get("patch", "W10="))),  # []
        }
    return found


def golden_text(answer):
    return json.dumps(answer, indent=2) + "\n"


class Golden(unittest.TestCase):
    maxDiff = None

    def test_every_fixture_gets_its_golden_answer(self):
        for name, answer in answers().items():
            with self.subTest(name):
                self.assertEqual(golden_text(answer), (GOLDEN / name).read_text(encoding="utf-8"))

    def test_every_golden_answer_has_a_fixture(self):
        self.assertEqual(sorted(path.name for path in GOLDEN.iterdir()),
                         sorted(file.name for file in FILES))

    def test_the_fixtures_meet_every_outcome(self):
        self.assertEqual({answer["outcome"] for answer in answers().values()},
                         {"allowed", "patched", "denied"})


class Properties(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.reviews = [json.loads(file.read_text(encoding="utf-8")) for file in FILES]
        cls.patches = lines(review_files(FILES, "patch"))
        cls.responses = [review_["response"] for review_ in lines(review_files(FILES, "review"))]

    def each(self):
        return zip(FILES, self.reviews, self.patches, self.responses, strict=True)

    def test_answers_carry_the_uid_and_a_patch_only_with_its_type(self):
        for file, review_, patch, response in self.each():
            with self.subTest(file.name):
                self.assertEqual(response["uid"], review_["request"]["uid"])
                self.assertEqual("patch" in response, response.get("patchType") == "JSONPatch")
                self.assertEqual("patch" in response, patch != [])

    def test_an_independent_applier_makes_the_object_that_is_shown(self):
        for file, review_, patch, response in self.each():
            with self.subTest(file.name):
                shown = tree.parse(review("-f", file, "-o", "object").stdout)
                object_ = review_["request"].get("object")
                if object_ is None or not response["allowed"]:
                    self.assertEqual(shown, [])
                else:
                    self.assertEqual(shown, [jsonpatch.apply_patch(object_, patch)])

    def test_the_result_reviewed_again_gives_no_patch(self):
        again = []
        for _, review_, patch, _ in self.each():
            if patch:
                second = copy.deepcopy(review_)
                second["request"]["object"] = jsonpatch.apply_patch(second["request"]["object"],
                                                                    patch)
                again.append(json.dumps(second))
        self.assertGreater(len(again), 3)
        process = review("-o", "patch", stdin="\n".join(again))
        self.assertEqual(process.stdout, "[]\n" * len(again), process.stderr)

    def test_the_command_finds_the_same(self):
        process = review_files(FILES, "patch", "--check-idempotent")
        self.assertEqual(lines(process), self.patches)
        self.assertNotIn("idempotent", process.stderr)

    def test_the_same_bytes_give_the_same_bytes(self):
        for form in "text", "patch", "object", "review":
            self.assertEqual(review_files(FILES, form).stdout, review_files(FILES, form).stdout)

    def test_a_delete_never_has_a_patch(self):
        deletes = [patch for _, review_, patch, _ in self.each()
                   if review_["request"]["operation"] == "DELETE"]
        self.assertGreater(len(deletes), 10)
        self.assertTrue(all(patch == [] for patch in deletes))

    def test_without_policies_nothing_is_patched(self):
        process = review(*(word for file in FILES for word in ("-f", file)), "-o", "patch",
                         policies=None)
        updating = [file.name for file, patch in zip(FILES, lines(process), strict=True) if patch]
        # a pod that carries the label is managed whatever the policies say now
        self.assertEqual(updating, ["update-pods-image-in-service-forced.json"])

    def test_reviews_in_yaml_are_answered_like_those_in_json(self):
        documents = "---\n".join(tree.yaml.safe_dump(review_, sort_keys=False) for review_ in self.reviews)
        process = review("-o", "review", stdin=documents)
        self.assertEqual([line["response"] for line in lines(process)], self.responses)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        GOLDEN.mkdir(exist_ok=True)
        for old in GOLDEN.iterdir():
            old.unlink()
        for name_, answer_ in answers().items():
            (GOLDEN / name_).write_text(golden_text(answer_), encoding="utf-8")
    else:
        unittest.main()
