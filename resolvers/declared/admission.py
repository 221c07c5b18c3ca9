"""Who may follow a row on which people share: whoever can read it now, under their own token."""

from gql.catalog import catalog
from gql.errors import ApiError, ErrorCode
from gql.scope import Scope
from tripgate.planner.plan import Compare, Embed, Operator, Pick, Read
from tripgate.upstream.backend import Backend
from tripgate.upstream.caller import Caller
from tripgate.upstream.realtime.subscription import Admit


def admission(backend: Backend, scope: Scope, key: str) -> Admit:
    """What decides whether a caller may listen to the row with this key; the same for one that does not exist.

    That is a read of the row. To what concerns a person nobody else listens, even those who see that person.
    """
    root = catalog[scope.root]
    where = Compare(root.primary_key, Operator.EQ, key)
    prepared = backend.prepare(Read(root.name, (Pick(root.primary_key),), where=where))

    async def admit(caller: Caller) -> None:
        if (scope.of_person and caller.user_id != key) or not (await backend.fetch(prepared, caller, root)).rows:
            raise _refused(scope)

    return admit


class Members:
    """Who takes part in a scope, as the read that admits a caller to it finds them.

    Attributes:
        ids: Of its owner and its members, when the caller was last admitted.
    """

    def __init__(self, backend: Backend, scope: Scope, key: str) -> None:
        self._backend = backend
        self._scope = scope
        self._key = key
        self._root = catalog[scope.root]
        # Each embed under a name that no column has.
        members = tuple(
            Embed(f"m{index}", each.via, True, Read(catalog[each.type_name].name, (Pick(each.person),)))
            for index, each in enumerate(scope.members)
        )
        picks = (Pick(scope.owner or self._root.primary_key),)
        where = Compare(self._root.primary_key, Operator.EQ, key)
        self._prepared = backend.prepare(Read(self._root.name, picks, members, where))
        self.ids: frozenset[str] = frozenset()

    async def admit(self, caller: Caller) -> None:
        """See `Admit`."""
        scope = self._scope
        rows = (await self._backend.fetch(self._prepared, caller, self._root)).rows
        if not rows or (scope.of_person and caller.user_id != self._key):
            raise _refused(scope)
        (row,) = rows
        owners = [row[scope.owner]] if scope.owner is not None else []
        joined = [each[m.person] for index, m in enumerate(scope.members) for each in row[f"m{index}"]]
        self.ids = frozenset(id_ for id_ in (*owners, *joined) if id_ is not None)


def _refused(scope: Scope) -> ApiError:
    return ApiError(ErrorCode.FORBIDDEN, f"You may not follow this {scope.noun}, or there is no such {scope.noun}.")
