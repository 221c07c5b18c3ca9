"""Reads as requests."""

import dataclasses

import orjson

from gql.table import Sort
from tripgate.planner.long_rows import MARK
from tripgate.planner.plan import Aggregate, Function, Read, related_key
from tripgate.upstream.postgrest.render.by_ids import long_list
from tripgate.upstream.postgrest.render.conditions import Filters
from tripgate.upstream.postgrest.render.functions import call_request, selecting_what_it_tests
from tripgate.upstream.postgrest.render.presorted import relation
from tripgate.upstream.postgrest.render.request import Request, pick_text


def read_request(read: Read) -> Request:
    """Render a read."""
    prefer = "count=exact" if read.count else ""
    if (found := long_list(read)) is not None:
        ids, rest = found
        select, parameters = _level(selecting_what_it_tests(dataclasses.replace(read, where=rest)), "")
        path = f"rpc/{read.table}_by_ids?{'&'.join([f'select={select}', *parameters])}"
        return Request("POST", path, prefer, orjson.dumps({"ids": ids}), plan=read, reads=True)
    if read.source is not None:
        select, parameters = _level(selecting_what_it_tests(read), "")
        return call_request(read.source, "&".join([f"select={select}", *parameters]), prefer, read)
    select, parameters = _level(read, "")
    return Request("GET", f"{relation(read)}?{'&'.join([f'select={select}', *parameters])}", prefer, plan=read)


def _level(read: Read, prefix: str) -> tuple[str, list[str]]:
    """One resource: its `select`, and the parameters for it and all below it."""
    aggregated = bool(read.aggregates) and not _counts_rows(read)
    filters = Filters(read.where, prefix, aggregated=aggregated)
    select = [pick_text(pick) for pick in read.columns]
    if read.mark is not None:
        select.insert(0, f"{MARK}:{read.mark}")
    # Without parentheses it counts whole rows too, in a form that PostgREST permits when aggregates are off.
    select += map(_aggregate, read.aggregates) if aggregated else ["count"] * len(read.aggregates)
    parameters = filters.parameters
    if read.order:
        parameters.append(f"{prefix}order={','.join(_sort(number, key) for number, key in enumerate(read.order))}")
    if read.limit is not None:
        parameters.append(f"{prefix}limit={read.limit}")
    # A page of no rows begins nowhere: with an offset, PostgREST would call it a range that cannot be.
    if read.offset and read.limit != 0:
        parameters.append(f"{prefix}offset={read.offset}")
    for embed in read.embeds:
        below = f"{prefix}{embed.alias}."
        inner, more = _level(embed.read, below)
        select.append(f"{embed.alias}:{embed.read.table}!{embed.via}({inner})")
        parameters += more
    select += [_related_key(number, key, value=read.keys) for number, key in enumerate(read.order) if key.path]
    return ",".join(select + filters.embeds), parameters


def _counts_rows(read: Read) -> bool:
    """Whether nothing but whole rows is counted, and all of them together."""
    return not read.columns and read.aggregates == (Aggregate("count", Function.COUNT),)


def _aggregate(aggregate: Aggregate) -> str:
    alias = "" if aggregate.alias == aggregate.function else f"{aggregate.alias}:"
    column = "" if aggregate.column is None else f"{aggregate.column}."
    cast = "" if aggregate.cast is None else f"::{aggregate.cast}"
    return f"{alias}{column}{aggregate.function}(){cast}"


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
