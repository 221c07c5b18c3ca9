"""No module of the engine names a table, a type or a scope: what it knows of them it reads from the declarations."""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path

import pytest

from gql.catalog import catalog
from tests.conftest import ROOT
from tripgate.gateway.schema import schema

schema()  # declares every type
TYPES = {table.type_name for table in catalog}
# Outside of `public` by their whole names: `household.members` must not forbid that the engine speaks of members.
TABLES = {table.name for table in catalog}
SCOPES = {scope.name for scope in catalog.scopes}
# Auth calls every person a user, and Python collects garbage, so as identifiers these words are no scope's.
SPOKEN = {scope.name for scope in catalog.scopes if not scope.of_person} - {"collection"}

ENGINE = sorted(
    file
    for folder in ("tripgate", "resolvers/declared", "gql/derive")
    for file in (ROOT / folder).rglob("*.py")
    if ROOT / "tripgate" / "systems" not in file.parents
) + sorted((ROOT / "gql").glob("*.py"))


# What GraphQL, WebSockets, Python, Auth, Stripe and Meta call things of theirs: a product may have tables and types of
# these names all the same. They are the product's only where a text means a table or a type: see `in_texts`.
COMMON = {
    "message",
    "subscription",
    "key",
    "task",
    "notification",
    "member",
    "collection",
    "invoice",
    "user_preference",
}


def is_common(name: str) -> bool:
    """Whether a table or type is called by a word that the engine needs for something else."""
    return name.lower().removesuffix("s") in COMMON


@cache
def in_texts(names: frozenset[str]) -> re.Pattern[str]:
    """Finds names in texts."""
    own = sorted(re.escape(name) for name in names if not is_common(name))
    common = sorted(re.escape(name) for name in names if is_common(name))
    found = [rf"(?<![\w-])({'|'.join(own)})(?![\w-])"] if own else []
    if common:
        # Of PostgREST, as in `messages?select=id`, or of SQL, as in `from messages` and `public.messages`.
        any_of = "|".join(common)
        found.append(rf"(?<![\w.-])({any_of})\?\w|(?:\bpublic\.|\b(?:from|join|into|update) )({any_of})(?![\w-])")
    return re.compile("|".join(found))


_TOPIC = re.compile(r"(?:realtime:)?(" + "|".join(sorted(SCOPES)) + r"):")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


@lru_cache(maxsize=1)
def nodes_of(source: str) -> tuple[ast.AST, ...]:
    """What a module consists of, which is looked through several times."""
    return tuple(ast.walk(ast.parse(source)))


def named_in(source: str, types: set[str] = TYPES, tables: set[str] = TABLES) -> Iterator[str]:
    """What of the product a module names, in identifiers and in texts that are no documentation."""
    in_text = in_texts(frozenset(types | tables))
    nodes = nodes_of(source)
    documentation = {
        id(node.value) for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield from (name for match in in_text.finditer(node.value) for name in match.groups() if name)
            yield from (match[1] for match in [_TOPIC.match(node.value)] if match)
        match node:
            case ast.Subscript(value=ast.Name(id="catalog"), slice=ast.Constant(value=str(name))) if is_common(name):
                yield from {name} & types
    # Python has words of its own, like typing's Collection.
    foreign = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and _of_python(node.module or "")
        for alias in node.names
    }
    for name in set(_identifiers(nodes)) - foreign:
        is_product = name in types or name.lower() in tables
        if (is_product and not is_common(name)) or SPOKEN & {word.lower() for word in _WORDS.findall(name)}:
            yield name


def _of_python(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _identifiers(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in names]
                yield from (part for module in modules if not _of_python(module) for part in module.split("."))
                yield from (each.asname or each.name for each in names if isinstance(node, ast.ImportFrom))
            case ast.keyword(arg=str(name)):
                yield name


@pytest.mark.parametrize("file", ENGINE, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_module_of_the_engine_names_nothing_of_the_product(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert sorted(set(named_in(source))) == []
    # Nor would it where a product called its tables by words that the engine uses.
    assert with_common_names(source) == []


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('where = "trip_items?select=id"', ["trip_items"]),
        ('of = catalog["Trip"]', ["Trip"]),
        ('topic = f"trip:{key}"', ["trip"]),
        ('topic = "user:" + key', ["user"]),
        ("def admit_to_trip(key): ...", ["admit_to_trip"]),
        ("MOST_TRIP_IDS = 50", ["MOST_TRIP_IDS"]),
        ("class TripPresence: ...", ["TripPresence"]),
        ("TAGS = 1", ["TAGS"]),
        ("from gql.types.votes import Vote", ["Vote", "votes"]),
    ],
)
def test_a_name_is_found_wherever_it_stands(source: str, names: list[str]) -> None:
    assert sorted(named_in(source)) == sorted(names)


@pytest.mark.parametrize(
    "source",
    [
        '"""`trips(filter)`: an example of the documentation."""',
        "from collections.abc import Collection\nall_: Collection[str]",
        'header = "Accept-Profile"',
        "user = tripgate.strip(user)",
    ],
)
def test_documentation_and_other_words_name_nothing(source: str) -> None:
    assert list(named_in(source)) == []


def with_common_names(source: str) -> list[str]:
    """What a module names of a product that has a table and a type for each of the common words."""
    tables = {f"{word}s" for word in COMMON}
    return sorted(named_in(source, TYPES | {word.capitalize() for word in COMMON}, TABLES | tables))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ('where = "messages?select=id"', ["messages"]),
        ('sql = "select id from tasks where true"', ["tasks"]),
        ('table = "public.members"', ["members"]),
        ('of = catalog["Notification"]', ["Notification"]),
        ('text = "subscriptions are for WebSockets"\nkeys = tasks = []', []),
    ],
)
def test_such_a_table_is_found_where_a_text_means_it(source: str, names: list[str]) -> None:
    assert with_common_names(source) == names
