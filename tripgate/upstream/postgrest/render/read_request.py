"""Reads as requests."""

import dataclasses

import orjson

from gql.catalog import catalog
from gql.schemas import bare
from gql.table import Sort
from tripgate.planner.plan import ALWAYS, Aggregate, Function, Read, related_key
from tripgate.upstream.postgrest.long_rows import MARK
from tripgate.upstream.postgrest.render.by_ids import long_list
from tripgate.upstream.postgrest.render.conditions import Filters
from tripgate.upstream.postgrest.render.functions import call_request, selecting_what_it_tests
from tripgate.upstream.postgrest.render.long_texts import LONG_PATH, with_texts_apart
from tripgate.upstream.postgrest.render.ordered_views import relation
from tripgate.upstream.postgrest.render.postprocess import VALUE, without_postprocessing
from tripgate.upstream.postgrest.render.request import KeyedRequest, Request, aggregate_text, pick_text, related_name
from tripgate.upstream.postgrest.render.seams import split
from tripgate.upstream.postgrest.render.self_embed import SelfEmbed, tests_related_rows

# Objects from which an answer may be so long that it is better taken apart.
_MANY = 1000


def read_request(read: Read) -> Request:
    """Render a read.

    Raises:
        ApiError: BAD_USER_INPUT for what PostgREST cannot compute.
    """
    if catalog.several_schemas:
        first, seams = split(read)
        if seams:
            for seam in seams:
                read_request(seam.read)  # what cannot be asked is told before anything is
            return _within_one_schema(first).followed_by(seams, read)
        read = first
    return _within_one_schema(read)


def _within_one_schema(read: Read) -> Request:
    name = read.table if read.source is None else read.source.function
    request = _request(read)
    if len(request.path) > LONG_PATH:
        rest, texts = with_texts_apart(read)
        if texts:
            return _request(rest).within(name).comparing(texts, read)
    return request.within(name)


def _request(read: Read) -> Request:
    asked, postprocess = without_postprocessing(read)
    prefer = "count=exact" if read.count else ""
    if (found := long_list(asked)) is not None:
        ids, rest = found
        path = f"rpc/{bare(read.table)}_by_ids?{_called(dataclasses.replace(asked, where=rest))}"
        return Request.reading(path, prefer, read, orjson.dumps({"ids": ids}), postprocess)
    if read.source is not None:
        return call_request(read.source, _called(asked), prefer, read, postprocess)
    select, parameters = _root(asked)
    return Request.reading(
        f"{bare(relation(asked))}?{'&'.join([select, *parameters])}", prefer, read, postprocess=postprocess
    )


def keyed_request(read: Read, column: str) -> KeyedRequest:
    """Render a read of one row whose condition will be that this column has some value.

    Raises:
        ValueError: The read has a condition, an order or a limit.
        ApiError: BAD_USER_INPUT for what PostgREST cannot compute.
    """
    if read.where != ALWAYS or read.order or read.limit is not None:
        raise ValueError("only a read without condition, order and limit finds one row by its key")
    if catalog.several_schemas:
        first, seams = split(read)
        if seams:
            for seam in seams:
                read_request(seam.read)
            return dataclasses.replace(_keyed_request(first, column), read=read, seams=seams)
        read = first
    return _keyed_request(read, column)


def _keyed_request(read: Read, column: str) -> KeyedRequest:
    keyed = _keyed(read, column)
    if len(keyed.after) > LONG_PATH:
        rest, texts = with_texts_apart(read)
        if texts:
            return dataclasses.replace(_keyed(rest, column), read=read, texts=texts)
    return keyed


def _keyed(read: Read, column: str) -> KeyedRequest:
    asked, postprocess = without_postprocessing(read)
    select, parameters = _root(asked)
    schema, _, table = read.table.rpartition(".")
    before = f"{table}?{select}&{column}=eq."
    return KeyedRequest(read, column, before, "".join(f"&{each}" for each in parameters), postprocess, schema=schema)


def _called(read: Read) -> str:
    """What is asked of the rows of a function."""
    if tests_related_rows(read):
        select, parameters = _root(read, SelfEmbed(read.table))
    else:
        select, parameters = _root(selecting_what_it_tests(read))
    return "&".join([select, *parameters])


def _root(read: Read, self_embed: SelfEmbed | None = None) -> tuple[str, list[str]]:
    """The `select` of a root read, and its other parameters."""
    many = read.limit is not None and not read.aggregates and read.most >= _MANY
    select, parameters = _level(read, "", self_embed)
    if many:
        mark = f"{MARK}:{catalog.named(read.table).primary_key}"
        select = f"{mark},{select}" if select else mark
    return f"select={select}", parameters


def _level(read: Read, prefix: str, self_embed: SelfEmbed | None = None) -> tuple[str, list[str]]:
    """One resource: its `select`, and the parameters for it and all below it.

    Args:
        self_embed: What each row embeds of itself, if it must.
    """
    aggregated = bool(read.aggregates) and not _counts_rows(read)
    embedded = ""
    if self_embed is not None:
        read, embedded = self_embed.apart(read, aggregated=aggregated)
    filters = Filters(read.where, read.table, prefix, aggregated=aggregated)
    select = [pick_text(pick) for pick in read.columns]
    # Without parentheses it counts whole rows too, in a form that PostgREST permits when aggregates are off.
    select += map(aggregate_text, read.aggregates) if aggregated else ["count"] * len(read.aggregates)
    parameters = filters.parameters
    if read.order:
        order = ",".join(_sort(number, key, self_embed) for number, key in enumerate(read.order))
        parameters.append(f"{prefix}order={order}")
    if read.limit is not None:
        parameters.append(f"{prefix}limit={read.limit}")
    # A page of no rows begins nowhere: with an offset, PostgREST would call it a range that cannot be.
    if read.offset and read.limit != 0:
        parameters.append(f"{prefix}offset={read.offset}")
    for embed in read.embeds:
        below = f"{prefix}{embed.alias}."
        inner, more = _level(embed.read, below)
        name = related_name(embed.read.table, embed.via, of=read.table, many=embed.many)
        select.append(f"{embed.alias}:{name}({inner})")
        parameters += more
    select += [_related_key(number, key, read) for number, key in enumerate(read.order) if key.path]
    if embedded:
        select.append(embedded)
    return ",".join(select + filters.embeds), parameters


def _counts_rows(read: Read) -> bool:
    """Whether nothing but whole rows is counted, and all of them together."""
    return not read.columns and read.aggregates == (Aggregate("count", Function.COUNT),)


def _related_key(number: int, key: Sort, read: Read) -> str:
    """The embed that holds a related key of an order: `o` to sort by, and where wanted its value as text."""
    columns = f"o:{key.column}" + (f",{VALUE}:{key.column}::text" if read.keys else "")
    names = [
        related_name(hop.table, hop.via, of=of)
        for of, hop in zip((read.table, *(hop.table for hop in key.path)), key.path, strict=False)
    ]
    for name in reversed(names[1:]):
        columns = f"...{name}({columns})"
    return f"{related_key(number)}:{names[0]}({columns})"


def _sort(number: int, key: Sort, self_embed: SelfEmbed | None) -> str:
    if self_embed is not None and self_embed.sorts(key):
        column = self_embed.key(number)
    else:
        column = f"{related_key(number)}(o)" if key.path else key.column
    text = f"{column}.{'desc' if key.descending else 'asc'}"
    if key.nulls_first == key.descending:
        return text  # where Postgres puts nulls by itself
    return f"{text}.{'nullsfirst' if key.nulls_first else 'nullslast'}"
