"""Where the manifests are and how the tests read them."""

import json
import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "manifests"
CERTS = ROOT / "certs"
SAMPLES = MANIFESTS / "samples"
FIXTURES = ROOT / "tests" / "fixtures" / "admission"


class Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice: kubectl would take the last one without a word."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"duplicate key {key!r}", node.start_mark)
        return super().construct_mapping(node, deep=deep)


def parse(text):
    return [document for document in yaml.load_all(text, Loader) if document is not None]


def load(path):
    return parse(path.read_text(encoding="utf-8"))


def load_one(path):
    document, = load(path)
    return document


def objects(directory):
    """(kind, name) -> object, for every resource that the directory's kustomization lists."""
    found = {}
    for name in load_one(directory / "kustomization.yaml")["resources"]:
        for document in load(directory / name):
            found[document["kind"], document["metadata"]["name"]] = document
    return found


def reviews():
    """File name -> the request of each recorded AdmissionReview."""
    return {path.name: json.loads(path.read_text(encoding="utf-8"))["request"]
            for path in sorted(FIXTURES.glob("*.json"))}
