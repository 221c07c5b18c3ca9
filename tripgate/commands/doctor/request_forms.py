"""Forms of request in which versions of PostgREST differ: whether this one answers them, and as the gateway expects.

Tripgate is tried with one version and knows the others by their sources, so a live project is asked. All by GET, in
transactions that cannot write. Without an account a refusal for lack of rights says that the form was understood;
with one, two ways to ask for the same rows must find the same.
"""

import asyncio
import uuid

from gql.catalog import catalog
from gql.table import Kind, Relation, Table
from tripgate import systems
from tripgate.commands.doctor.data import PUSH, Data, down
from tripgate.commands.doctor.probe import Answer
from tripgate.commands.doctor.report import Finding, failure, listed, ok, warning
from tripgate.planner.plan import And, Compare, Embed, Operator, Pick, Read, Related
from tripgate.systems.system import Form
from tripgate.upstream.postgrest.render import read_request
from tripgate.upstream.postgrest.render.by_ids import FEW

# More than stay in a URL, and of no row.
_MANY = range(FEW + 1)


async def forms(data: Data) -> list[Finding]:
    """Whether each form is answered.

    Raises:
        UnreachedError: Nobody answers.
    """
    found = [
        finding
        for each in await asyncio.gather(*(_form(data, form) for system in systems.found() for form in system.forms))
        for finding in each
    ]
    found += await _calls(data)
    if data.signed_in:
        found += await _past_the_end(data)
    does = "answers" if data.signed_in else "understands"
    return found or [ok(f"It {does} every form of request in which its versions differ.")]


async def _form(data: Data, form: Form) -> list[Finding]:
    answer = await data.ask(form.path)
    if (trouble := down(answer)) is not None:
        return [trouble]
    if not data.succeeds(answer):
        return [failure(f"{form.said} ({_failure_of(answer)}).", form.advice or PUSH)]
    if form.like is None or not data.signed_in:
        return []
    like = await data.ask(form.like)
    # A row that is written in between is no mistake, so what differs once is asked for again.
    if _found(answer) != _found(like) and _found(await data.ask(form.path)) != _found(await data.ask(form.like)):
        return [failure(f"{form.said}: they find other rows than they should.", form.advice or PUSH)]
    return []


async def _calls(data: Data) -> list[Finding]:
    """Whether functions of every table are called beside tests of related rows."""
    tables = [table for table in catalog if not table.hidden_columns and _embeddable(table)]
    answers = await asyncio.gather(*(data.ask(call(table), schema=table.schema) for table in tables))
    missing, refused = [], {}
    for table, answer in zip(tables, answers, strict=True):
        if (trouble := down(answer)) is not None:
            return [trouble]
        if answer.code == "PGRST200":
            missing.append(f"whole_{table.bare_name}")
        elif answer.code == "PGRST202":
            missing.append(f"{table.bare_name}_by_ids")
        elif not data.succeeds(answer):
            refused[table.name] = _failure_of(answer)
    findings = []
    if missing:
        findings.append(failure(f"There is no function {listed(missing)}.", PUSH))
    if refused:
        findings.append(
            failure(
                f"Long lists of ids beside filters by related rows fail for {listed(refused)} "
                f"({listed(sorted(set(refused.values())))}).",
                "Report it with the version of PostgREST.",
            )
        )
    return findings


def call(table: Table) -> str:
    """A call of the table's function as the gateway renders it, of no ids, testing what is related to its rows."""
    relation = _embeddable(table)[0]
    target = catalog[relation.target]
    named = Compare(target.primary_key, Operator.EQ, _nobody(target)[0])
    related = Related(target.name, relation.via, relation.many, named)
    embedded = Read(target.name, (Pick(target.primary_key),), where=named)
    read = Read(
        table.name,
        (Pick(table.primary_key),),
        (Embed("r0", relation.via, relation.many, embedded),),
        And((Compare(table.primary_key, Operator.IN, _nobody(table)), related)),
    )
    return f"{read_request(read).path}&ids=%7B%7D"


def _embeddable(table: Table) -> list[Relation]:
    """The relations that stay in the table's schema."""
    return [relation for relation in table.relations.values() if not catalog.crosses(table, relation)]


def _nobody(table: Table) -> tuple[str, ...]:
    """Keys of no row."""
    if table.key.kind is Kind.UUID:
        return tuple(str(uuid.UUID(int=number, version=4)) for number in _MANY)
    return tuple(str(-1 - number) for number in _MANY)


async def _past_the_end(data: Data) -> list[Finding]:
    """Whether the refusal of a page past the end is whole. PostgREST 13.0.0 to 14.1 give it the length of the page."""
    table = next(iter(catalog))
    path = f"{table.bare_name}?select={table.primary_key}&limit=1&offset=1000000"
    answer = await data.ask(path, prefer="count=exact", schema=table.schema)
    if answer.status == 416 and answer.data is None:
        return [
            warning(
                "Refusals of pages past the end are cut short, so each costs the gateway a connection.",
                "That is PostgREST 13.0.0 to 14.1: use 14.2 or newer.",
            )
        ]
    if answer.status == 416 or answer.status < 300:
        return []
    return [failure(f"Pages past the end fail ({_failure_of(answer)}).", "Report it with the version of PostgREST.")]


def _found(answer: Answer) -> object:
    rows = answer.data if isinstance(answer.data, list) else []
    return answer.code, [(row["id"], row.get("r0")) for row in rows]


def _failure_of(answer: Answer) -> str:
    return f"{answer.code}: {answer.message}" if answer.code else answer.message
