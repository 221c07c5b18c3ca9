"""What PostgREST asks a function of rows for, and whether Postgres knows it: a model of versions 12 and 16.

For `/rpc/<function>` PostgREST writes

    with pgrst_source as (select <asked> from <function>(…) as pgrst_call)
    select … from pgrst_source as <table> left join lateral <each embed> …

and Postgres refuses with 42703 what the function has not, and what is used outside and was not asked for. Asked for is,
by `inferColsEmbedNeeds` and `callPlan` in `Plan.hs` and `callPlanToQuery` in `QueryBuilder.hs`:

| | 12 | 13 to 16 |
| --- | --- | --- |
| a computed relationship among the root's embeds, or `*` selected | `*` alone | `*` alone |
| otherwise: columns that the root selects, and those that join its embeds | yes | yes |
| fields of all filters, of the root and below, the internal names of null-tested embeds too | no | yes |

To the function its rows have the table's type, so that functions of a row pass for columns (`pgrst_call.search`). Of
the rows of `pgrst_source` only the columns are left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from gql.catalog import catalog
from gql.table import Table, by_function

VERSIONS = (12, 16)
ROW_COUNT = "count"  # `select=count` is the aggregate, called as if it were a function of the row
_COMPUTATIONS = {"count", "sum", "avg", "min", "max"}
_EMBED = re.compile(
    r"(\.\.\.)?(?:(?P<alias>\w+):)?(?P<name>\w+)(?:!(?!inner)(?P<via>\w+))?(?:!inner)?\((?P<inside>.*)\)"
)
_COLUMN = re.compile(r"(?:\w+:(?!:))?(?P<name>\w+|\*)")


@dataclass
class Resource:
    """One level of a request.

    Attributes:
        joined_by: The column of the level above that joins it; none of the root and of computed relationships.
        filters: The fields that filters name, and whether each is a null test.
        sorted_by: Own columns that it is ordered by.
    """

    table: Table
    computed: bool = False
    joined_by: str | None = None
    columns: list[str] = field(default_factory=list)
    embeds: dict[str, Resource] = field(default_factory=dict)
    filters: list[tuple[str, bool]] = field(default_factory=list)
    sorted_by: list[str] = field(default_factory=list)


def asked(root: Resource, version: int) -> set[str]:
    """The columns that PostgREST takes from the function."""
    if "*" in root.columns or any(each.computed for each in root.embeds.values()):
        return {"*"}
    found = {*root.columns, *(each.joined_by for each in root.embeds.values() if each.joined_by is not None)}
    if not found:
        return {"*"}
    return found | set(_filter_fields(root)) if version > 12 else found


def mistakes(path: str, version: int) -> set[str]:
    """What Postgres would say of this call that it does not exist; empty for a request that works.

    Args:
        path: Path and query of a call of a function, as they are sent.
    """
    root = parsed(path)
    stored = {column.name for column in root.table.columns.values() if not column.computed}
    of_a_row = {column.name for column in root.table.columns.values() if column.computed}
    of_a_row |= {each.name for each in root.table.computed.values()} | ({root.table.search} - {None})
    used = {*root.columns, *root.sorted_by} - {"*"}
    used |= {name for name, null_test in root.filters if not (null_test and name in root.embeds)}
    used |= {each.joined_by for each in root.embeds.values() if each.joined_by is not None}
    columns = asked(root, version)
    if columns == {"*"}:
        return used - stored - {ROW_COUNT}
    unknown = columns - stored - of_a_row
    # Alone it computes the only column; beside others it is an aggregate without groups.
    return (unknown - {ROW_COUNT} if columns == {ROW_COUNT} else unknown) | (used - columns)


def hidden(path: str) -> bool:
    """Whether filters name fields that the function may not have."""
    root = parsed(path)
    own = {name for name, null_test in root.filters if not (null_test and name in root.embeds)}
    return bool(set(_filter_fields(root)) - own)


def _filter_fields(resource: Resource, depth: int = 1) -> Iterator[str]:
    for name, null_test in resource.filters:
        # Inside, an embed that is tested for null has a name of PostgREST's making.
        yield f"{resource.table.name}_{name}_{depth}" if null_test and name in resource.embeds else name
    for each in resource.embeds.values():
        yield from _filter_fields(each, depth + 1)


def parsed(path: str) -> Resource:
    """A call of a function as its tree of resources."""
    function, _, query = path.removeprefix("rpc/").partition("?")
    root = Resource(_by_name({"search_places": "places"}.get(function, function.removesuffix("_by_ids"))))
    parameters = [tuple(map(unquote, part.split("=", 1))) for part in query.split("&")]
    for name, value in parameters:
        if name == "select":
            _select(root, value)
    for name, value in parameters:
        *way, last = name.split(".")
        resource = root
        for step in way:
            resource = resource.embeds[step]
        if last == "order":
            resource.sorted_by += [key.split(".")[0] for key in _split(value) if "(" not in key]
        elif last in {"and", "or"}:
            resource.filters += _tests(f"{last}{value}")
        elif last not in {"select", "limit", "offset"}:
            resource.filters += _tests(f"{last}.{value}")
    return root


def _select(resource: Resource, text: str) -> None:
    for entry in _split(text):
        found = _EMBED.fullmatch(entry)
        if found is None or found["name"] in _COMPUTATIONS:
            column = _COLUMN.match(entry)
            assert column is not None, entry
            resource.columns.append("*" if entry.endswith("count()") and "." not in entry else column["name"])
            continue
        below = _below(resource.table, found["name"], found["via"])
        _select(below, found["inside"])
        resource.embeds[found["alias"] or found["name"]] = below


def _below(table: Table, name: str, via: str | None) -> Resource:
    if via is None:
        of_a_row = [each for each in table.relations.values() if by_function(each.via) == name]
        if of_a_row:
            return Resource(catalog[of_a_row[0].target], computed=True)
        assert name == f"whole_{table.name}", f"{table.name} has no computed relationship {name}"
        return Resource(table, computed=True)
    target = _by_name(name)
    (relation,) = {
        (each.via, each.many) for each in table.relations.values() if each.via == via and catalog[each.target] is target
    }
    return Resource(target, joined_by=table.primary_key if relation[1] else via)


def _tests(text: str) -> Iterator[tuple[str, bool]]:
    """The fields in a condition, each with whether it is tested for null."""
    condition = text.removeprefix("not.")
    if found := re.fullmatch(r"(?:and|or)\((.*)\)", condition, re.DOTALL):
        for part in _split(found[1]):
            yield from _tests(part)
    else:
        name, _, test = condition.partition(".")
        yield name.partition("->")[0], test.removeprefix("not.") == "is.null"


def _split(text: str) -> Iterator[str]:
    """The parts between commas, but for those in parentheses and quotes."""
    depth, quoted, part = 0, False, ""
    for character in re.findall(r"\\.|.", text, re.DOTALL):
        if character == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not depth and not quoted:
            yield part
            part = ""
        else:
            part += character
    if part:
        yield part


def _by_name(name: str) -> Table:
    return next(table for table in catalog if table.name == name)
