"""No topic carries a row that one of its listeners may not read, of every table and scope, whatever becomes of the row:
made, changed, moved to another's, left without what it belongs to, deleted by itself or with that, under each role.

A message carries the row, and no policy looks at it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gql import pg_catalog
from gql.catalog import catalog
from gql.scope import Scope
from tests.database import access
from tests.database.told import Listeners, deeds
from tests.support import examples
from tripgate.gateway.schema import graphql_schema  # noqa: F401 - declares every type

if TYPE_CHECKING:
    from tests.database.callers import World

SCOPES = [pytest.param(scope, id=scope.name) for scope in catalog.scopes]


@pytest.mark.parametrize("table", list(access.loaded()))
def test_whoever_listens_may_read_what_is_told(world: World, table: str) -> None:
    listeners = Listeners(world)
    found = {str(deed): listeners.leaks(deed) for deed in deeds(world, table)}
    assert {deed: leaks for deed, leaks in found.items() if leaks} == {}
    mapping = catalog.find(table)
    if mapping is not None and mapping.scope is not None:
        done = {deed.partition(" ")[0] for deed, leaks in found.items() if leaks is not None}
        assert {"change", "delete"} <= done, "say in tests/database/access what may be done, or nothing is tried"


@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_nor_after_whatever_came_before(world: World, data: st.DataObject) -> None:
    listeners = Listeners(world)
    with world.db.transaction(force_rollback=True):
        for table in data.draw(st.lists(st.sampled_from(list(access.loaded())), min_size=2, max_size=5)):
            deed = data.draw(st.sampled_from(list(deeds(world, table))))
            assert not listeners.leaks(deed), deed
            listeners.do(deed)


@pytest.mark.parametrize("scope", SCOPES)
def test_one_listens_to_the_rows_that_one_may_read(world: World, scope: Scope) -> None:
    """Of people to oneself alone."""
    root = pg_catalog.loaded().table(catalog[scope.root].name)
    assert root is not None
    world.db.execute("delete from realtime.messages")
    world.db.execute(
        f"insert into realtime.messages (topic, extension, private)"
        f" select '{scope.name}:' || {root.primary_key[0]}, 'broadcast', true from {root.qualified}".encode()
    )
    topics = {topic for (topic,) in world.db.execute("select topic from realtime.messages")}
    listeners = Listeners(world)
    for who, person in listeners.people.items():
        heard = listeners.heard(who, topics)
        seen = {str(person)} if scope.of_person else listeners.roots(who, root)
        assert heard == {scope.topic(key) for key in seen}, who


@pytest.mark.parametrize(
    ("table", "statement", "told"),
    [
        (
            "trip_items",
            'drop policy "People can view items of trips they take part in" on public.trip_items;'
            " create policy narrow on public.trip_items for select to authenticated"
            " using (trip_id = any (array(select private.my_own_trip_ids())))",
            "viewer is told on trip:{trips} of a row of public.trip_items",
        ),
        (
            "trips",
            'drop policy "People can view trips they take part in" on public.trips;'
            " create policy narrow on public.trips for select to authenticated"
            " using (user_id = (select auth.uid()) or status = 'planning')",
            "viewer is told on trip:{trips} of a row of public.trips",
        ),
        (
            "trip_items",
            "create function private.tell_all() returns trigger language plpgsql security definer set search_path = ''"
            " as $$ begin perform private.broadcast('trip:' || old.trip_id, 'DELETE', 'public', 'trip_items', null,"
            " to_jsonb(old)); return null; end $$;"
            " create trigger tell_all after delete on public.trip_items"
            " for each row execute function private.tell_all()",
            "trip:{trips} tells ",
        ),
        (
            "invitations",
            "drop trigger broadcast_invitations_changes on public.invitations;"
            " create trigger broadcast_invitations_changes after insert or update or delete on public.invitations"
            " for each row execute function private.broadcast_user_of_invitations('id')",
            "owner is told on user:{profiles} of a row of public.invitations",
        ),
    ],
)
def test_it_is_found_when_there_is_one(world: World, table: str, statement: LiteralString, told: str) -> None:
    world.db.execute(statement)
    listeners = Listeners(world)
    found = [leak for deed in deeds(world, table) for leak in listeners.leaks(deed) or ()]
    wanted = told.format(trips=world.owner.trips, profiles=world.owner.profiles)
    assert [leak for leak in found if leak.startswith(wanted)], found[:5]
