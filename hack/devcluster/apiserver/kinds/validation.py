"""What is wrong with an object: the rules of the built-in kinds, in the words of a real server.

create() and update() name every cause; prepare_create() and prepare_update(), run before them, are in
prepare.py. A kind without rules of its own has those of its metadata.
"""

from . import validation_kinds, validation_metadata, validation_pods, validation_workloads
from .prepare import kind_of, prepare_create, prepare_update

__all__ = ("create", "prepare_create", "prepare_update", "update")

CREATED = {"Pod": validation_pods.created} | validation_workloads.CREATED | validation_kinds.CREATED
# for a kind that is not here, an update is judged as a creation is
UPDATED = {"Pod": validation_pods.updated} | validation_workloads.UPDATED | validation_kinds.UPDATED


def create(resource, obj):
    """The causes for which a new object is refused: [errors.Cause]."""
    kind = kind_of(resource)
    causes = validation_metadata.created(kind, obj["metadata"])
    return causes + CREATED[kind](obj) if kind in CREATED else causes


def update(resource, new, old, subresource=""):
    """The causes for which an update through a subresource ("" for the object itself) is refused."""
    kind = kind_of(resource)
    causes = validation_metadata.updated(new["metadata"], old["metadata"])
    if subresource == "resize":
        return causes + validation_pods.resized(new, old)
    if subresource or new == old:
        return causes
    if kind in UPDATED:
        return causes + UPDATED[kind](new, old)
    return causes + CREATED[kind](new) if kind in CREATED else causes
