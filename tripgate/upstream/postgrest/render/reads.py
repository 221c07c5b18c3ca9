"""Reads as requests."""

from collections.abc import Iterable
from typing import assert_never

from gql.table import Sort
from tripgate.planner.plan import Embed, EmbedCount, Read
from tripgate.upstream.postgrest.render.conditions import where_parameters
from tripgate.upstream.postgrest.render.request import Request, pick_text


def read_request(read: Read) -> Request:
    """Render a read."""
    parameters = [f"select={_select(read)}", *_level_parameters(read, "")]
    prefer = "count=exact" if read.count else ""
    return Request("GET", f"{read.table}?{'&'.join(parameters)}", prefer)


def _select(read: Read) -> str:
    parts = [pick_text(pick) for pick in read.columns]
    for embed in read.embeds:
        match embed:
            case Embed():
                parts.append(f"{embed.alias}:{embed.read.table}!{embed.via}({_select(embed.read)})")
            case EmbedCount():
                # By a column: PostgREST's plain count() counts whole rows, which takes the right to read every column.
                parts.append(f"{embed.alias}:{embed.table}!{embed.via}({embed.via}.count())")
            case _:
                assert_never(embed)
    return ",".join(parts)


def _level_parameters(read: Read, prefix: str) -> Iterable[str]:
    yield from where_parameters(read.where, prefix)
    if read.order:
        yield f"{prefix}order={','.join(_sort(key) for key in read.order)}"
    if read.limit is not None:
        yield f"{prefix}limit={read.limit}"
    if read.offset:
        yield f"{prefix}offset={read.offset}"
    for embed in read.embeds:
        below = f"{prefix}{embed.alias}."
        if isinstance(embed, Embed):
            yield from _level_parameters(embed.read, below)
        else:
            yield from where_parameters(embed.where, below)


def _sort(key: Sort) -> str:
    text = f"{key.column}.{'desc' if key.descending else 'asc'}"
    if key.nulls_first == key.descending:
        return text  # where Postgres puts nulls by itself
    return f"{text}.{'nullsfirst' if key.nulls_first else 'nullslast'}"
