"""The kinds that one cluster serves at this moment: the built-in ones, and those its definitions add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mcci.lab.clusters.resources import BUILT_IN, DEFINITIONS, Resource, custom
from mcci.lab.clusters.schemas.schema import UNKNOWN, Schema, built_in, of_definition

if TYPE_CHECKING:
    from mcci.lab.clusters.store import Store

Object = dict[str, Any]


class Catalog:
    """Reads the definitions anew whenever one has changed."""

    def __init__(self, store: Store) -> None:
        """Follow the store's CustomResourceDefinitions."""
        self._store = store
        self._stale = True
        self._definitions: dict[tuple[str, str], Object] = {}
        self._resources: tuple[Resource, ...] = BUILT_IN
        self._schemas: dict[tuple[str, str, str], Schema] = {}
        store.watch(DEFINITIONS, lambda _: self._forget())

    @property
    def resources(self) -> tuple[Resource, ...]:
        """All kinds, in the order in which discovery lists them."""
        if self._stale:
            self._stale = False
            definitions = self._store.list(DEFINITIONS)
            self._definitions = {(item["spec"]["group"], item["spec"]["names"]["plural"]): item for item in definitions}
            self._schemas = {}
            self._resources = (*BUILT_IN, *map(custom, definitions))
        return self._resources

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Return the kind that a path names."""
        for resource in self.resources:
            if (resource.group, resource.plural) == (group, plural) and version in resource.versions:
                return resource
        return None

    def schema(self, resource: Resource, version: str) -> Schema:
        """Return a kind's schema in one of its versions; one that knows nothing where there is none."""
        if not resource.custom:
            return built_in(resource.group, version, resource.kind)
        key = (resource.group, resource.plural, version)
        if key not in self._schemas:
            definition = self._definitions.get(key[:2])
            self._schemas[key] = of_definition(definition, version) if definition else UNKNOWN
        return self._schemas[key]

    def _forget(self) -> None:
        self._stale = True
