"""Every kind that is served: the rows of the table of built-in kinds, and those of the CRDs that are
established.
"""

from .. import resources
from .custom import crd


class Registry:
    def __init__(self):
        self._resources = {(row.group, row.version, row.plural): row for row in resources.ROWS}
        self._custom = {}  # Resource -> (Schema, printer columns, paths of selectable fields)

    def resources(self):
        return list(self._resources.values())

    def find(self, group, version, plural):
        return self._resources.get((group, version, plural))

    def serves(self, group, version):
        """Whether there is anything at all at a group and version."""
        return any(one[:2] == (group, version) for one in self._resources)

    @staticmethod
    def is_built_in(group):
        return any(row.group == group for row in resources.ROWS)

    def is_custom(self, resource):
        return resource in self._custom

    def schema(self, resource):
        """The Schema of a custom kind; None for a built-in one."""
        return self._custom[resource][0] if resource in self._custom else None

    def columns(self, resource):
        """The printer columns of a custom kind; None for a built-in one."""
        return self._custom[resource][1] if resource in self._custom else None

    def selectable(self, resource):
        """The paths that a custom kind can be selected by, beside its name."""
        return self._custom[resource][2] if resource in self._custom else ()

    def of_crd(self, name):
        """The Resources that a CRD, given by its name, has."""
        return [resource for resource in self._custom if resource.qualified == name]

    def load(self, definition):
        """Serves what an established CRD defines, in place of what an earlier version of it did."""
        self.drop(definition["metadata"]["name"])
        for resource in crd.resources(definition):
            version = resource.version
            selectable = crd.version(definition, version).get("selectableFields") or ()
            self._resources[resource.group, version, resource.plural] = resource
            self._custom[resource] = (crd.schema(definition, version), crd.columns(definition, version),
                                      tuple(one["jsonPath"] for one in selectable))

    def drop(self, name):
        for resource in self.of_crd(name):
            del self._resources[resource.group, resource.version, resource.plural]
            del self._custom[resource]
