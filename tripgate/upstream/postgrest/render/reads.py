"""Reads as requests."""

from typing import assert_never

from gql.table import Sort
from tripgate.planner.plan import Embed, EmbedCount, Read, related_key
from tripgate.upstream.postgrest.render.conditions import Filters
from tripgate.upstream.postgrest.render.request import Request, pick_text


def read_request(read: Read) -> Request:
    """Render a read."""
    select, parameters = _level(read, "")
    prefer = "count=exact" if read.count else ""
    return Request("GET", f"{read.table}?{'&'.join([f'select={select}', *parameters])}", prefer)


def _level(read: Read, prefix: str) -> tuple[str, list[str]]:
    """One resource: its `select`, and the parameters for it and all below it."""
    filters = Filters(read.where, prefix)
    select = [pick_text(pick) for pick in read.columns]
    parameters = filters.parameters
    if read.order:
        parameters.append(f"{prefix}order={','.join(_sort(number, key) for number, key in enumerate(read.order))}")
    if read.limit is not None:
        parameters.append(f"{prefix}limit={read.limit}")
    if read.offset:
        parameters.append(f"{prefix}offset={read.offset}")
    for embed in read.embeds:
        below = f"{prefix}{embed.alias}."
        match embed:
            case Embed():
                inner, more = _level(embed.read, below)
                select.append(f"{embed.alias}:{embed.read.table}!{embed.via}({inner})")
                parameters += more
            case EmbedCount():
                counted = Filters(embed.where, below, aggregated=True)
                # By a column: PostgREST's plain count() counts whole rows, which takes the right to read every column.
                columns = ",".join([f"{embed.via}.count()", *counted.embeds])
                select.append(f"{embed.alias}:{embed.table}!{embed.via}({columns})")
                parameters += counted.parameters
            case _:
                assert_never(embed)
    select += [_related_key(number, key, value=read.keys) for number, key in enumerate(read.order) if key.path]
    return ",".join(select + filters.embeds), parameters


def _related_key(number: int, key: Sort, *, value: bool) -> str:
    """The embed that holds a related key of an order: `o` to sort by, and where wanted `v`, its value as text."""
    columns = f"o:{key.column}" + (f",v:{key.column}::text" if value else "")
    first, *further = key.path
    for hop in reversed(further):
        columns = f"...{hop.table}!{hop.via}({columns})"
    return f"{related_key(number)}:{first.table}!{first.via}({columns})"


def _sort(number: int, key: Sort) -> str:
    column = f"{related_key(number)}(o)" if key.path else key.column
    text = f"{column}.{'desc' if key.descending else 'asc'}"
    if key.nulls_first == key.descending:
        return text  # where Postgres puts nulls by itself
    return f"{text}.{'nullsfirst' if key.nulls_first else 'nullslast'}"
