"""What scopes and tables say of each other is checked at the start, so that nobody subscribes to what nobody tells."""

from dataclasses import replace
from uuid import UUID

import pytest

from gql.caching import CacheControl, InvalidatedBy
from gql.catalog import Catalog, catalog
from gql.declare import NEVER, column, has_one, table, unique
from gql.scope import Membership, Scope, Scopes, Streamed
from gql.scope_checks import check_scopes
from gql.table import Column, Kind, Table
from gql.types.scopes import TRIP, USER
from resolvers.declared import changes

CLUB = Scope(
    "club", "Club", "The club.", owner="user_id", members=(Membership("Member", via="club_id", person="user_id"),)
)
PERSON = Scope("person", "Person", "The person.", owner="id", of_person=True)


def mapped(type_name: str, *columns: str, scope: Scope | None = None, via: str = "", schema: str = "") -> Table:
    """A table with these columns."""
    return Table(
        type_name=type_name,
        name=f"{schema}{type_name.lower()}s",
        singular=type_name.lower(),
        plural=f"{type_name.lower()}s",
        columns={name: Column(name, name, Kind.UUID, nullable=False) for name in ("id", *columns)},
        relations={},
        default_order=(),
        scope=scope,
        scope_via=via,
        scope_path=(via,) if via else (),
    )


PEOPLE = mapped("Person")
CLUBS = mapped("Club", "user_id", scope=CLUB, via="id")
MEMBERS = mapped("Member", "club_id", "user_id", scope=CLUB, via="club_id")


def catalog_of(scopes: list[Scope], *tables: Table) -> Catalog:
    """A program's catalog."""
    catalog = Catalog()
    for scope in scopes:
        catalog.scopes.add(scope)
    for each in tables:
        catalog.add(each)
    return catalog


def test_what_fits_passes() -> None:
    check_scopes(catalog_of([PERSON, CLUB], PEOPLE, CLUBS, MEMBERS))


@pytest.mark.parametrize(
    ("catalog", "message"),
    [
        (catalog_of([PERSON, CLUB], PEOPLE, MEMBERS), "the scope club: no type Club is declared"),
        (
            catalog_of([PERSON, CLUB], PEOPLE, mapped("Club", scope=CLUB, via="id"), MEMBERS),
            "the scope club: Club has no column user_id",
        ),
        (
            catalog_of([PERSON, CLUB], PEOPLE, CLUBS, mapped("Member", "club_id", "user_id")),
            "the scope club: Member must be declared with scope=….via('club_id'), so that whoever follows hears who "
            "comes and goes",
        ),
        (
            catalog_of([PERSON, CLUB], PEOPLE, CLUBS, mapped("Member", "club_id", scope=CLUB, via="club_id")),
            "the scope club: Member has no column user_id",
        ),
        (
            catalog_of([PERSON, CLUB], PEOPLE, CLUBS, replace(MEMBERS, name="clubhouse.members")),
            "the scope club: Member stands in another Postgres schema than its root",
        ),
        (
            catalog_of([CLUB], CLUBS, MEMBERS),
            "the scope club: without a scope of_person=True nobody hears that they joined",
        ),
        (
            catalog_of([PERSON, CLUB], PEOPLE, CLUBS, MEMBERS, mapped("Event", scope=CLUB, via="club_id")),
            "the scope club: Event has no column club_id",
        ),
        (
            catalog_of([PERSON], PEOPLE, CLUBS),
            "Club: its scope club must be made by scope(…)",
        ),
    ],
)
def test_what_is_named_and_is_not_there_fails_the_start(catalog: Catalog, message: str) -> None:
    with pytest.raises(ValueError, match=r"^") as failure:
        check_scopes(catalog)
    assert str(failure.value) == message


def test_topics_tell_scopes_apart() -> None:
    scopes = Scopes()
    scopes.add(CLUB)
    scopes.add(PERSON)
    assert scopes.of("club:7:8") is CLUB
    assert scopes.of("clubs:7") is None
    with pytest.raises(ValueError, match="the scope club is declared twice"):
        scopes.add(replace(CLUB, root="Other"))
    with pytest.raises(ValueError, match="human: person is the scope of a person already"):
        scopes.add(replace(PERSON, name="human"))


@pytest.mark.parametrize("name", ["", "Club", "club:", "1club", "club-house", "_club", "club_"])
def test_what_a_topic_could_not_begin_with_names_no_scope(name: str) -> None:
    with pytest.raises(ValueError, match="a scope is called like a column, in lower case"):
        Scope(name, "Club", "The club.")


def test_a_row_is_called_in_words() -> None:
    assert Scope("ai_run", "AiRun", "The run.").noun == "ai run"


def test_a_cache_that_waits_for_a_topic_needs_one() -> None:
    class Unheard:
        """Of no scope."""

        id: UUID = column(write=NEVER)

    with pytest.raises(ValueError, match="Unheard: without scope=… no topic tells of its changes"):
        table("unheard", cache=CacheControl(30, InvalidatedBy.SCOPE_TOPIC))(Unheard)


def test_only_a_root_finds_its_scope_by_itself() -> None:
    class Rootless:
        """Not the root of what it says."""

        id: UUID = column(write=NEVER)

    with pytest.raises(ValueError, match="Rootless is not the root of trip"):
        table("rootless", scope=TRIP)(Rootless)


def test_a_row_has_no_one_other_of_its_own_table_from_the_other_side() -> None:
    class Link:
        """Of a chain."""

        id: UUID = column(write=NEVER)
        next_id: UUID | None

        previous = has_one("Link", via="next_id", description="The one before it.")

    with pytest.raises(ValueError, match=r"Link.previous: PostgREST cannot tell the ends of a table's unique key"):
        table("links", keys=(unique("next_id"),))(Link)


def test_a_subscription_to_what_is_told_nowhere_fails_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.by_type, "Place", replace(catalog["Place"], scope=None))
    field = changes("Place", description="Changes of places.")
    with pytest.raises(ValueError, match="changes of Place are told nowhere"):
        _ = field.arguments


def test_the_products_scopes() -> None:
    assert (USER.topic("x"), TRIP.topic("x")) == ("user:x", "trip:x")


SPEECHES = replace(
    mapped("Speech", "club_id", "state", scope=CLUB, via="club_id"),
    streamed=Streamed("words", state="state", open="spoken", row="speech_id"),
)
WORDS = Column("words", "words", Kind.TEXT, nullable=False)


@pytest.mark.parametrize(
    ("speeches", "message"),
    [
        (SPEECHES, "Speech: no column is called words, which streamed=… names"),
        (
            replace(SPEECHES, columns={**SPEECHES.columns, "words": replace(WORDS, kind=Kind.JSON)}),
            "Speech: what is told piece by piece is a text, and words is none",
        ),
        (
            replace(SPEECHES, columns={**SPEECHES.columns, "words": WORDS}, scope=None, scope_via=""),
            "Speech: pieces are told on the topic of a scope whose root's key stands in a column: say scope=….via(…)",
        ),
    ],
)
def test_what_is_told_piece_by_piece_is_a_text_of_a_row_in_a_scope(speeches: Table, message: str) -> None:
    with pytest.raises(ValueError, match=r"^") as failure:
        check_scopes(catalog_of([PERSON, CLUB], PEOPLE, CLUBS, MEMBERS, speeches))
    assert str(failure.value) == message


def test_on_a_topic_pieces_of_one_table_are_told() -> None:
    other = replace(SPEECHES, type_name="Song", name="songs", singular="song", plural="songs")
    with pytest.raises(ValueError, match="Song: on the topics of club pieces of Speech are told already"):
        catalog_of([PERSON, CLUB], PEOPLE, CLUBS, MEMBERS, SPEECHES, other)
