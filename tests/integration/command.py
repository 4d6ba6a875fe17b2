"""Running the sluice binary that the build made: its path is in the environment variable SLUICE."""

import os
import subprocess

import tree

SLUICE = os.environ["SLUICE"]
POLICIES = tree.SAMPLES / "policies"
ADMISSION = tree.FIXTURES
DEMO = tree.FIXTURES.parent / "demo"
FILES = sorted(ADMISSION.glob("*.json")) + sorted(DEMO.glob("*.json"))


def run(*words, stdin="", **options):
    """The finished process; its output is text."""
    return subprocess.run([SLUICE, *map(str, words)], input=stdin, text=True, capture_output=True,
                          timeout=60, check=False, **options)


def review(*words, stdin="", policies=POLICIES):
    policy = () if policies is None else ("-p", policies)
    return run("review", *policy, *words, stdin=stdin)


def review_files(files, form, *words):
    """One run over many files."""
    return review(*(word for file in files for word in ("-f", file)), "-o", form, *words)
