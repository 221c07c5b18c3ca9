"""A toy system: boats of people and their voyages, with a table for each; and its command, to be run by itself."""

from tripgate.commands.importing import import_command
from tripgate.importing.declaring import (
    Import,
    Persons,
    Source,
    boolean,
    choice,
    constant,
    date,
    decimal,
    integer,
    json,
    person,
    reference,
    text,
    texts,
    timestamp,
)

SCHEMA = """
create schema toy;
create table toy.boats (
    id uuid primary key,
    user_id uuid not null references public.profiles (id) on delete cascade,
    name text not null constraint boats_name_check check (name ~ '\\S'),
    length numeric(6, 2),
    crew smallint not null default 1,
    sails boolean,
    launched date,
    seen_at timestamptz,
    tags text[] not null default '{}',
    extra jsonb not null default '{}',
    state text not null default 'afloat',
    origin text,
    updated_at timestamptz not null default now()
);
comment on constraint boats_name_check on toy.boats is 'A boat has a name.';
create table toy.voyages (
    id uuid primary key,
    boat_id uuid not null references toy.boats (id) on delete cascade,
    number integer not null,
    miles numeric(10, 3) constraint voyages_miles_check check (miles >= 0),
    constraint voyages_number_key unique (boat_id, number)
);
create table toy.logs (
    id uuid primary key,
    voyage_id uuid not null references toy.voyages (id) on delete cascade,
    line text
);
create table toy.settings (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null unique references public.profiles (id) on delete cascade,
    colour text
);
-- As the product's tables tell when they were changed.
create function toy.set_updated_at() returns trigger language plpgsql as
    $$ begin new.updated_at := clock_timestamp(); return new; end $$;
create trigger set_updated_at before update on toy.boats for each row execute function toy.set_updated_at();
"""

TOY = Import(
    "toy",
    (
        Source(
            "boats",
            "toy.boats",
            {
                "user_id": person("owner"),
                "name": text(required=True),
                "length": decimal(),
                "crew": integer(),
                "sails": boolean(),
                "launched": date(),
                "seen_at": timestamp("lastSeen"),
                "tags": texts(),
                "extra": json(),
                "state": choice("", "afloat", renamed={"under": "sunk"}),
                "origin": constant("old harbour"),
                "updated_at": timestamp(),
            },
            owner="user_id",
        ),
        Source(
            "voyages",
            "toy.voyages",
            {
                "boat_id": reference("boats", "boat", required=True),
                "number": integer(required=True),
                "miles": decimal(),
            },
            owner="boat_id",
        ),
        Source(
            "logs",
            "toy.logs",
            {"voyage_id": reference("voyages", "^.id", required=True), "line": text()},
            owner="voyage_id",
            key=("^.id", "$place"),
            file="voyages",
            each="logs",
        ),
        Source(
            "settings", "toy.settings", {"user_id": person("person"), "colour": text()}, by="user_id", key=("person",)
        ),
    ),
    Persons("sailors", confirmed="confirmed", password_hash="hash", ignored=("phone",)),
)

command = import_command({"toy": TOY})

if __name__ == "__main__":
    command()
