"""Which rows of a scope somebody may see, and so whose topics are joined on their behalf."""

from gql.catalog import catalog
from gql.scope import Scope
from tripgate.gateway.staleness.scope_topics import RowKeys
from tripgate.planner.plan import ALWAYS, Compare, Operator, Read, pick
from tripgate.upstream.backend import Backend
from tripgate.upstream.caller import Caller


def row_keys(backend: Backend) -> RowKeys:
    """What asks this backend for them."""

    async def keys(scope: Scope, caller: Caller, these: frozenset[str] | None, most: int) -> list[str]:
        root = catalog[scope.root]
        key = root.primary_key
        where = ALWAYS if these is None else Compare(key, Operator.IN, tuple(sorted(these)))
        read = Read(root.name, (pick(root, key),), where=where, limit=most)
        return [row[key] for row in (await backend.read(read, caller, root)).rows]

    return keys
