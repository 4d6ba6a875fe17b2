"""ControllerRevisions: the templates that a StatefulSet or DaemonSet has had, each stored once and numbered.

Source: kube-controller-manager, pkg/controller/history, and update.go of pkg/controller/daemon.
"""

from ..errors import ApiError
from ..objects import copy, owner_reference
from .pods import same, short_hash

REVISION_LABEL = "controller-revision-hash"  # of a pod: a StatefulSet's has the revision's name, a DaemonSet's its hash
PREFIX_LIMIT = 223  # characters of the owner's name in a revision's


def data_of(owner):
    """What a revision stores: a strategic merge patch that brings the template back."""
    return {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}


def template_of(revision):
    template = revision["data"]["spec"]["template"]
    return {key: value for key, value in template.items() if key != "$patch"}


def hash_of(owner, collisions):
    return short_hash(data_of(owner), collisions)


def matches(revision, owner):
    """Whether a revision stores the owner's template."""
    return same(revision["data"], data_of(owner))


def by_number(revision):
    """A sort key: the oldest first."""
    metadata = revision["metadata"]
    return revision["revision"], metadata.get("creationTimestamp", ""), metadata["name"]


def next_number(revisions):
    return max((one["revision"] for one in revisions), default=0) + 1


def new_revision(owner, number, code, label):
    """The revision of the owner's template. label: the one for the hash, which each kind has its own of."""
    metadata = owner["metadata"]
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    made = {"name": f"{metadata['name'][:PREFIX_LIMIT]}-{code}", "namespace": metadata["namespace"],
            "labels": {**labels, label: code}, "ownerReferences": [owner_reference(owner)]}
    if metadata.get("annotations"):
        made["annotations"] = dict(metadata["annotations"])
    return {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": made, "data": data_of(owner),
            "revision": number}


async def create(world, owner, number, collisions, label):
    """Stores the owner's template. → (revision, collisions): another template of that name counts as one."""
    while True:
        wanted = new_revision(owner, number, hash_of(owner, collisions), label)
        try:
            return await world.create("controllerrevisions", wanted), collisions
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
        metadata = wanted["metadata"]
        there = await world.client.get("controllerrevisions", metadata["name"], metadata["namespace"])
        if same(there["data"], wanted["data"]):
            return there, collisions
        collisions = (collisions or 0) + 1


async def renumber(world, revision, number):
    """Makes an old revision the newest again, as a rollback does."""
    changed = copy(revision)
    changed["revision"] = number
    return await world.replace("controllerrevisions", changed)


def surplus(revisions, is_live, limit):
    """The oldest revisions beyond the limit, none of which is in use."""
    history = [one for one in sorted(revisions, key=by_number) if not is_live(one)]
    return history[:max(len(history) - limit, 0)]
