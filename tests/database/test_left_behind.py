"""Whoever deletes their account leaves nothing behind but what is said to stay.

Foreign keys say it, and each domain does in its view `private.leaving_<domain>`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

import pytest
from psycopg import sql

from tests.database.callers import address_of, role
from tests.database.safety_rules import OURS

if TYPE_CHECKING:
    import uuid

    import psycopg

    from tests.database.callers import World

# What a column is called that tells who somebody is, though nothing refers to a person.
PEOPLE = re.compile(
    r"(.*_)?(user|person|profile|owner|member|author|sender|recipient|actor|partner|invitee|customer)(_id)?"
    r"|(.*_)?by|(.*_)?(email|phone|address_of)"
)
# As where a place is, which is nobody's; or beside a column that says of whom it is.
NOBODY = {
    ("public.stripe_customers", "stripe_customer_id"),
    ("private.former_stripe_customers", "stripe_customer_id"),
    ("public.whatsapp_contacts", "phone"),
    ("public.whatsapp_contacts", "pending_phone"),
    ("private.whatsapp_codes", "phone"),
    ("private.whatsapp_code_requests", "phone"),
}

DOES = ("task", "delete", "anonymise", "retain")

# A domain of which nothing but its tables and its view is known.
CLUB: LiteralString = """
    create schema club authorization postgres;
    set local role postgres;
    create table club.fees (id uuid primary key default gen_random_uuid(), amount integer,
        payer uuid references public.profiles (id) on delete set null);
    create table club.members (id uuid primary key references public.profiles (id) on delete cascade);
    create table club.visits (id uuid primary key default gen_random_uuid(), user_id uuid);
    create table club.reviews (id uuid primary key default gen_random_uuid(), author_id text, stars integer);
    create table club.customers (id uuid primary key default gen_random_uuid(),
        user_id uuid, provider text, number text);
    create view private.leaving_club as select declared.* from (
        values
            ('club.fees', 'payer', 'anonymise', null, null::text[], 'Books are kept for seven years.'),
            ('club.visits', 'user_id', 'delete', null, null, null),
            ('club.reviews', 'author_id', 'anonymise', null, null, 'Stars count without a name.'),
            ('club.customers', 'user_id', 'task', 'delete_external_customer', array['provider', 'number'], null),
            ('club.customers', 'user_id', 'delete', null, null, null),
            ('club.not_deployed', 'user_id', 'delete', null, null, null)
    ) as declared (relation, person, does, kind, columns, why);
    set local role none;
"""


class Column(NamedTuple):
    """A column, and what becomes of its rows by a foreign key to a person: `c` for cascade, `n` for set null, …"""

    relation: str
    name: str
    by_key: str | None


def columns(db: psycopg.Connection) -> list[Column]:
    """Those of the project's tables that refer to a person, or are called so."""
    found = db.execute(
        f"""
        select attrelid::regclass::text, attname, (
            select confdeltype from pg_constraint
            where contype = 'f' and conrelid = attrelid and conkey = array[attnum]
                and confrelid in ('public.profiles'::regclass, 'auth.users'::regclass)
        )
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace in {OURS} and relkind in ('r', 'p') and attnum > 0 and not attisdropped
        """
    ).fetchall()
    return [
        column
        for column in (Column(*row) for row in found)
        if column.by_key or (PEOPLE.fullmatch(column.name) and (column.relation, column.name) not in NOBODY)
    ]


def declared(db: psycopg.Connection) -> dict[tuple[str, str], dict[str, Any]]:
    """What the domains say, by table and column."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for relation, person, does, kind, names, why in db.execute("select * from private.leaving()"):
        found.setdefault((relation, person), {})[does] = (kind, names, why)
    return found


def mistakes(db: psycopg.Connection) -> list[str]:
    """What is not said of whoever leaves, or not so."""
    said = declared(db)
    told = []
    for column in columns(db):
        does = set(said.get((column.relation, column.name), {}))
        where = f"{column.relation}.{column.name}"
        match column.by_key:
            case None if not does - {"task"}:
                told.append(f"{where}: no foreign key and no view private.leaving_… says what becomes of it")
            case "n" if does != {"anonymise"}:
                told.append(f"{where}: set null, and no view private.leaving_… says anonymise, and why")
            case "c" if does - {"task"}:
                told.append(f"{where}: cascade, and a view private.leaving_… says {does}")
            case None | "n" | "c":
                pass
            case other:
                told.append(f"{where}: its foreign key holds people back, by {other}")
    for (relation, person), each in said.items():
        for does, (kind, names, why) in each.items():
            if does not in DOES:
                told.append(f"{relation}.{person}: {does} is none of {', '.join(DOES)}")
            if (does == "task") != bool(kind and names):
                told.append(f"{relation}.{person}: a task takes a kind and columns, and nothing else does")
            if does in {"anonymise", "retain"} and not why:
                told.append(f"{relation}.{person}: it stays, and nothing says why")
    return told


def mentions(db: psycopg.Connection, text: str) -> dict[str, int]:
    """The tables with rows in which this stands anywhere, and how many; of all schemas but Postgres' own."""
    tables = db.execute(
        "select nspname, relname from pg_class join pg_namespace on pg_namespace.oid = relnamespace"
        " where relkind in ('r', 'p') and not relispartition and nspname !~ '^(pg_|information_schema)'"
    ).fetchall()
    found = {}
    for schema, name in tables:
        query = sql.SQL("select count(*) from {} as found where found::text like %s").format(
            sql.Identifier(schema, name)
        )
        (count,) = db.execute(query, (f"%{text}%",)).fetchone() or (0,)
        if count:
            found[f"{schema}.{name}"] = count
    return found


def leave(db: psycopg.Connection, person: uuid.UUID) -> None:
    """As Auth deletes an account."""
    with role(db, "supabase_auth_admin"):
        db.execute("delete from auth.users where id = %s", (person,))


def tasks(db: psycopg.Connection, person: uuid.UUID) -> list[tuple[str, Any]]:
    return db.execute(
        "select kind, payload -> 'rows' from private.tasks where subject = %s order by kind, payload::text",
        (f"user:{person}",),
    ).fetchall()


def customer(db: psycopg.Connection, person: uuid.UUID) -> tuple[str, Any]:
    """The task by which Stripe forgets a person who is there."""
    known = db.execute(
        "select stripe_customer_id from public.stripe_customers where user_id = %s", (person,)
    ).fetchone()
    assert known is not None
    return "delete_external_customer", [{"stripe_customer_id": known[0]}]


def upload(db: psycopg.Connection, person: uuid.UUID, *names: str) -> None:
    db.execute("insert into storage.buckets (id, name) values ('pictures', 'pictures')")
    for name in names:
        db.execute(
            "insert into storage.objects (bucket_id, name, owner_id) values ('pictures', %s, %s)", (name, str(person))
        )


def test_of_every_column_that_tells_who_somebody_is_it_is_said_what_becomes_of_it(db: psycopg.Connection) -> None:
    assert mistakes(db) == []


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "create table public.diaries (id uuid primary key, user_id uuid)",
            "public.diaries.user_id: no foreign key and no view private.leaving_… says what becomes of it",
        ),
        (
            "create table public.diaries (id uuid primary key, guest_email text)",
            "public.diaries.guest_email: no foreign key and no view private.leaving_… says what becomes of it",
        ),
        (
            "create table public.diaries (id uuid primary key, written uuid references public.profiles)",
            "public.diaries.written: its foreign key holds people back, by a",
        ),
        (
            "create table public.diaries (id uuid primary key, u uuid references auth.users on delete set null)",
            "public.diaries.u: set null, and no view private.leaving_… says anonymise, and why",
        ),
        (
            "create view private.leaving_x as"
            " select 'public.trips' as relation, 'user_id' as person, 'retain' as does, null as kind,"
            " null::text[] as columns, 'Because.' as why",
            "public.trips.user_id: cascade, and a view private.leaving_… says {'retain'}",
        ),
        (
            "create view private.leaving_x as"
            " select 'a.b' as relation, 'c' as person, 'retain' as does, null as kind, null::text[] as columns,"
            " null as why",
            "a.b.c: it stays, and nothing says why",
        ),
        (
            "create view private.leaving_x as"
            " select 'a.b' as relation, 'c' as person, 'task' as does, 'k' as kind, null::text[] as columns, '' as why",
            "a.b.c: a task takes a kind and columns, and nothing else does",
        ),
        (
            "create view private.leaving_x as"
            " select 'a.b' as relation, 'c' as person, 'forget' as does, null as kind, null::text[] as columns,"
            " '' as why",
            "a.b.c: forget is none of task, delete, anonymise, retain",
        ),
    ],
)
def test_what_is_not_said_is_found(db: psycopg.Connection, statement: LiteralString, told: str) -> None:
    db.execute(statement)
    assert mistakes(db) == [told]


def test_nothing_is_left_but_what_is_said_to_stay(db: psycopg.Connection, world: World) -> None:
    person = world.owner.profiles
    upload(db, person, "a.png")
    assert len(mentions(db, str(person))) > 10
    forgotten = customer(db, person)
    leave(db, person)
    left = mentions(db, str(person))
    stays = {relation for (relation, _), does in declared(db).items() if {"task", "retain"} & set(does)}
    assert left.keys() <= stays
    assert {"storage.objects", "private.tasks"} <= left.keys()
    assert mentions(db, address_of(person)) == {}
    assert tasks(db, person) == [forgotten, ("remove_objects", [{"name": "a.png", "bucket_id": "pictures"}])]


def test_what_each_domain_says_is_done(db: psycopg.Connection, world: World) -> None:
    db.execute(CLUB)
    person, other = world.owner.profiles, world.stranger.profiles
    for each in (person, other):
        db.execute("insert into club.fees (payer, amount) values (%s, 7)", (each,))
        db.execute("insert into club.members (id) values (%s)", (each,))
        db.execute("insert into club.visits (user_id) values (%s)", (each,))
        db.execute("insert into club.reviews (author_id, stars) values (%s, 5)", (str(each),))
        db.execute("insert into club.customers (user_id, provider, number) values (%s, 'bank', 'c-1')", (each,))
    assert mistakes(db) == []
    of_other = mentions(db, str(other))
    at_stripe = customer(db, person)
    leave(db, person)
    assert mentions(db, str(person)).keys() - {"realtime.messages"} == {"private.tasks"}
    assert tasks(db, person) == [("delete_external_customer", [{"number": "c-1", "provider": "bank"}]), at_stripe]
    kept = db.execute("select amount, payer from club.fees order by payer nulls first").fetchall()
    assert kept == [(7, None), (7, other)]
    assert db.execute("select count(*) from club.reviews where author_id is null").fetchone() == (1,)
    # Nobody else loses anything.
    assert {name: count for name, count in mentions(db, str(other)).items() if name.startswith("club.")} == {
        name: count for name, count in of_other.items() if name.startswith("club.")
    }


def test_whoever_has_much_makes_several_tasks_which_hold_all(db: psycopg.Connection, world: World) -> None:
    person = world.owner.profiles
    # As long as names can be, in the longest letters; a payload holds 64 KiB.
    names = [f"{person}/{number:04}-{'𝄞' * 240}.png" for number in range(150)]
    upload(db, person, *names)
    leave(db, person)
    found = [(kind, rows) for kind, rows in tasks(db, person) if kind == "remove_objects"]
    assert 3 < len(found) < 10
    assert sorted(row["name"] for _, rows in found for row in rows) == names


def test_a_deletion_that_fails_makes_no_task(db: psycopg.Connection, world: World) -> None:
    person = world.owner.profiles
    upload(db, person, "a.png")
    with db.transaction(force_rollback=True):
        leave(db, person)
    assert tasks(db, person) == []
    assert db.execute("select from public.profiles where id = %s", (person,)).fetchone() is not None


def test_whoever_asks_for_it_themselves_makes_the_tasks_too(db: psycopg.Connection, world: World) -> None:
    person = world.owner.profiles
    upload(db, person, "a.png")
    now = db.execute("select extract(epoch from now())::integer").fetchone()
    assert now is not None
    claims = {"sub": str(person), "role": "authenticated", "amr": [{"method": "otp", "timestamp": now[0]}]}
    with role(db, "authenticated", json.loads(json.dumps(claims))):
        db.execute("select public.delete_my_account()")
    assert [kind for kind, _ in tasks(db, person)] == ["delete_external_customer", "remove_objects"]
