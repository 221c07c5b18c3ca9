"""Acting as a caller of the Data API inside one transaction, and what came of it.

`World` is two people with one row in every table each, and two who are on the trip of the first, made in a transaction
that is rolled back. `World.attempt` runs a statement as one of six actors, the way PostgREST does (role and claims set
for the transaction), and returns the number of rows it touched or how it was refused.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.database.access import AGAINST_POLICY, NOT_GRANTED, Actor, Row, loaded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gql.pg_catalog import Table

__all__ = ["AGAINST_POLICY", "NOT_GRANTED", "Actor", "Belongings", "World", "address_of", "role", "sign_up", "told_by"]

ROLES: dict[Actor, str] = {
    "owner": "authenticated",
    "editor": "authenticated",
    "viewer": "authenticated",
    "stranger": "authenticated",
    "anonymous": "anon",
    "service": "service_role",
}


def told_by(failure: psycopg.Error) -> str:
    """The public code with which a function of the project refuses, or the SQLSTATE of any other failure."""
    if failure.sqlstate == "PGRST":
        return str(json.loads(failure.diag.message_primary or "")["code"])
    return failure.sqlstate or str(failure)


class Belongings:
    """The keys of what one person owns, by table; `profiles` is the person, `companion` one whom they travel with.

    Keys are uuids that are known before there are rows, unless Postgres makes others.
    """

    def __init__(self) -> None:
        self._keys: dict[str, Any] = {}
        self.has_companion = False

    @property
    def tables(self) -> set[str]:
        """Those in which one has a row that is known."""
        return set(self._keys)

    def __getitem__(self, table: str) -> Any:
        return self._keys.setdefault(table, uuid.uuid4())

    def __setitem__(self, table: str, key: object) -> None:
        self._keys[table] = key

    def __getattr__(self, table: str) -> uuid.UUID:
        found: uuid.UUID = self[table]
        return found


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
        become = "select set_config('role', %s, true), set_config('request.jwt.claims', %s, true)"
        db.execute(become, (name, json.dumps(claims or {})))
        yield
        db.execute("select set_config('role', 'none', true), set_config('request.jwt.claims', '', true)")


def insertion(table: Table, values: Row) -> sql.Composed:
    """The statement that inserts these values, as parameters in their order."""
    return sql.SQL("insert into {} ({}) values ({})").format(
        sql.Identifier(table.schema, table.name),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.Placeholder() * len(values)),
    )


class World:
    """An owner and a stranger, with one row in every table each; an editor and a viewer of what the owner shares.

    At a stage at which nobody shares a trip yet, editor and viewer are nobody.
    """

    def __init__(self, db: psycopg.Connection) -> None:
        self.db = db
        found = db.execute("select schemaname || '.' || tablename from pg_tables").fetchall()
        self._tables = {name for (name,) in found}
        shared = "public.collaborators" in self._tables
        self.owner = self._settle("Olga Owner")
        self.stranger = self._settle("Stan Stranger")
        self.editor = self._join("Edda Editor", "editor") if shared else Belongings()
        self.viewer = self._join("Viktor Viewer", "viewer") if shared else Belongings()

    def _join(self, name: str, as_role: str) -> Belongings:
        """Somebody with whom the owner shares a trip and a collection, with nothing of their own but a trip."""
        has = self._sign_up(name)
        self._insert(has, "trips", {"user_id": "$profiles", "title": "Own"})
        for members, root, of in (
            ("collaborators", "trip_id", self.owner.trips),
            ("collection_members", "collection_id", self.owner.collections),
        ):
            if f"public.{members}" in self._tables:
                self._insert(has, members, {root: of, "user_id": "$profiles", "role": as_role})
        return has

    def _settle(self, name: str) -> Belongings:
        """Somebody with a row in every table that there is."""
        has = self._sign_up(name)
        for access in loaded().values():
            if access.row is not None and access.table.qualified in self._tables:
                self._insert(has, access.name, access.row)
        return has

    def _sign_up(self, name: str) -> Belongings:
        has = Belongings()
        sign_up(self.db, has.profiles, {"display_name": name})
        # The account comes with it.
        self.db.execute(
            "update public.user_preferences set id = %s where user_id = %s", (has.user_preferences, has.profiles)
        )
        return has

    def _insert(self, has: Belongings, name: str, row: Row) -> None:
        """Make a row, whose key `has` knows then."""
        table = loaded()[name].table
        (key,) = table.primary_key
        values = self.values(has, row)
        if table.columns[key].type == "uuid":
            values.setdefault(key, has[name])
        statement = sql.SQL("{} returning {}").format(insertion(table, values), sql.Identifier(key))
        made = self.db.execute(statement, list(values.values())).fetchone()
        assert made is not None
        (has[name],) = made

    def values(self, has: Belongings, row: Row) -> dict[str, Any]:
        """The values of a row, with the keys of what one owns where names of tables stand."""
        return {column: self.value(has, value) for column, value in row.items()}

    def value(self, has: Belongings, said: object) -> Any:
        """One value: `$trips` is the key of one's trip."""
        if not (isinstance(said, str) and said.startswith("$")):
            return Jsonb(said) if isinstance(said, dict) else said
        if said == "$hash":
            return uuid.uuid4().hex * 2
        if said == "$name":
            return f"n{uuid.uuid4().hex}"
        if said == "$vector":
            return [0.5] * 1536
        if said == "$companion" and not has.has_companion:
            sign_up(self.db, has.companion, {"display_name": "Connie Companion"})
            has.has_companion = True
        return has[said[1:]]

    @contextlib.contextmanager
    def acting_as(self, actor: Actor) -> Iterator[psycopg.Connection]:
        """Runs a block as an actor; what it changes stays for the rest of the test."""
        claims: dict[str, Any] = {"role": ROLES[actor]}
        if ROLES[actor] == "authenticated":
            claims["sub"] = str(getattr(self, actor).profiles)
        with role(self.db, ROLES[actor], claims):
            yield self.db

    def attempt(self, actor: Actor, statement: LiteralString | sql.Composed, *values: object) -> int | str:
        """Returns the number of rows, or NOT_GRANTED, AGAINST_POLICY, the public code with which a function refuses, or
        the SQLSTATE of any other failure."""
        try:
            with self.acting_as(actor) as db:
                return db.execute(statement, values).rowcount
        except psycopg.errors.InsufficientPrivilege as refusal:
            return AGAINST_POLICY if "row-level security" in str(refusal) else NOT_GRANTED
        except psycopg.Error as failure:
            return told_by(failure)
