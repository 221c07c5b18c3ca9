"""Acting as a caller of the Data API inside one transaction, and what came of it.

`World` is two people with one row in every table each, and two who are on the trip of the first, made in a transaction
that is rolled back. `World.attempt` runs a statement as one of six actors, the way PostgREST does (role and claims set
for the transaction), and returns the number of rows it touched or how it was refused.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, LiteralString

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import sql

Actor = Literal["owner", "editor", "viewer", "stranger", "anonymous", "service"]

ROLES: dict[Actor, str] = {
    "owner": "authenticated",
    "editor": "authenticated",
    "viewer": "authenticated",
    "stranger": "authenticated",
    "anonymous": "anon",
    "service": "service_role",
}

NOT_GRANTED = "not granted"
AGAINST_POLICY = "against policy"


@dataclass(frozen=True)
class Belongings:
    """The ids of what one person owns; `profiles` is the person, `collaborators` the companion's place on the trip."""

    profiles: uuid.UUID = field(default_factory=uuid.uuid4)
    user_preferences: uuid.UUID = field(default_factory=uuid.uuid4)
    places: uuid.UUID = field(default_factory=uuid.uuid4)
    trips: uuid.UUID = field(default_factory=uuid.uuid4)
    trip_items: uuid.UUID = field(default_factory=uuid.uuid4)
    saved_places: uuid.UUID = field(default_factory=uuid.uuid4)
    collections: uuid.UUID = field(default_factory=uuid.uuid4)
    collection_places: uuid.UUID = field(default_factory=uuid.uuid4)
    tags: uuid.UUID = field(default_factory=uuid.uuid4)
    place_tags: uuid.UUID = field(default_factory=uuid.uuid4)
    collaborators: uuid.UUID = field(default_factory=uuid.uuid4)
    invitations: uuid.UUID = field(default_factory=uuid.uuid4)
    votes: uuid.UUID = field(default_factory=uuid.uuid4)
    companion: uuid.UUID = field(default_factory=uuid.uuid4)


def address_of(user: uuid.UUID) -> str:
    """The e-mail address that `sign_up` gives a person."""
    return f"{user}@people.example"


def sign_up(db: psycopg.Connection, user: uuid.UUID, metadata: object = None) -> None:
    """Creates an account as the Auth server does."""
    with role(db, "supabase_auth_admin"):
        db.execute(
            "insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data) values (%s, %s, now(), %s)",
            (user, address_of(user), None if metadata is None else json.dumps(metadata)),
        )


@contextlib.contextmanager
def role(db: psycopg.Connection, name: str, claims: dict[str, Any] | None = None) -> Iterator[None]:
    """Runs a block as a role with a token's claims, then takes both back; an error undoes the block alone."""
    with db.transaction():
        db.execute("select set_config('role', %s, true)", (name,))
        db.execute("select set_config('request.jwt.claims', %s, true)", (json.dumps(claims or {}),))
        yield
        db.execute("select set_config('role', 'none', true), set_config('request.jwt.claims', '', true)")


class World:
    """An owner and a stranger, with one row in every table each, and an editor and a viewer of the owner's trip.

    At a stage at which nobody shares a trip yet, editor and viewer are nobody.
    """

    def __init__(self, db: psycopg.Connection) -> None:
        self.db = db
        tables = {name for (name,) in db.execute("select tablename from pg_tables where schemaname = 'public'")}
        self.kept, self.shared = "saved_places" in tables, "collaborators" in tables
        self.owner = self._settle("Olga Owner")
        self.stranger = self._settle("Stan Stranger")
        self.editor = self._join("Edda Editor", "editor") if self.shared else Belongings()
        self.viewer = self._join("Viktor Viewer", "viewer") if self.shared else Belongings()

    def _join(self, name: str, as_role: str) -> Belongings:
        """Somebody on the owner's trip, with nothing of their own but a trip."""
        has = Belongings()
        sign_up(self.db, has.profiles, {"display_name": name})
        self.db.execute(
            "insert into public.trips (id, user_id, title) values (%s, %s, 'Own')", (has.trips, has.profiles)
        )
        self.db.execute(
            "insert into public.collaborators (id, trip_id, user_id, role) values (%s, %s, %s, %s)",
            (has.collaborators, self.owner.trips, has.profiles, as_role),
        )
        return has

    def _settle(self, name: str) -> Belongings:
        has = Belongings()
        sign_up(self.db, has.profiles, {"display_name": name})
        self.db.execute(
            "update public.user_preferences set id = %s where user_id = %s", (has.user_preferences, has.profiles)
        )
        self.db.execute(
            "insert into public.places (id, user_id, name) values (%s, %s, 'Old harbour')", (has.places, has.profiles)
        )
        self.db.execute(
            "insert into public.trips (id, user_id, title) values (%s, %s, 'A week at sea')", (has.trips, has.profiles)
        )
        self.db.execute(
            "insert into public.trip_items (id, trip_id, place_id, title) values (%s, %s, %s, 'Hoist the sails')",
            (has.trip_items, has.trips, has.places),
        )
        if self.kept:
            self._keep(has)
        if self.shared:
            self._share(has)
        return has

    def _keep(self, has: Belongings) -> None:
        """What one keeps for oneself."""
        self.db.execute(
            "insert into public.saved_places (id, user_id, place_id) values (%s, %s, %s)",
            (has.saved_places, has.profiles, has.places),
        )
        self.db.execute(
            "insert into public.collections (id, user_id, name) values (%s, %s, 'Harbours')",
            (has.collections, has.profiles),
        )
        self.db.execute(
            "insert into public.collection_places (id, user_id, collection_id, place_id) values (%s, %s, %s, %s)",
            (has.collection_places, has.profiles, has.collections, has.places),
        )
        self.db.execute(
            "insert into public.tags (id, user_id, name) values (%s, %s, 'windy')", (has.tags, has.profiles)
        )
        self.db.execute(
            "insert into public.place_tags (id, user_id, place_id, tag_id) values (%s, %s, %s, %s)",
            (has.place_tags, has.profiles, has.places, has.tags),
        )

    def _share(self, has: Belongings) -> None:
        """Companion, invitation and vote."""
        sign_up(self.db, has.companion, {"display_name": "Connie Companion"})
        self.db.execute(
            "insert into public.collaborators (id, trip_id, user_id) values (%s, %s, %s)",
            (has.collaborators, has.trips, has.companion),
        )
        self.db.execute(
            "insert into public.invitations (id, trip_id, email, invited_by, token_hash)"
            " values (%s, %s, 'somebody@people.example', %s, encode(sha256(%s::text::bytea), 'hex'))",
            (has.invitations, has.trips, has.profiles, str(has.invitations)),
        )
        self.db.execute(
            "insert into public.votes (id, trip_item_id, user_id, value) values (%s, %s, %s, 1)",
            (has.votes, has.trip_items, has.profiles),
        )

    @contextlib.contextmanager
    def acting_as(self, actor: Actor) -> Iterator[psycopg.Connection]:
        """Runs a block as an actor; what it changes stays for the rest of the test."""
        claims: dict[str, Any] = {"role": ROLES[actor]}
        if ROLES[actor] == "authenticated":
            claims["sub"] = str(getattr(self, actor).profiles)
        with role(self.db, ROLES[actor], claims):
            yield self.db

    def attempt(self, actor: Actor, statement: LiteralString | sql.Composed, *values: object) -> int | str:
        """Returns the number of rows, or NOT_GRANTED, AGAINST_POLICY, or the SQLSTATE of any other failure."""
        try:
            with self.acting_as(actor) as db:
                return db.execute(statement, values).rowcount
        except psycopg.errors.InsufficientPrivilege as refusal:
            return AGAINST_POLICY if "row-level security" in str(refusal) else NOT_GRANTED
        except psycopg.Error as failure:
            return failure.sqlstate or str(failure)
