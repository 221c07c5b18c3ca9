"""PostgREST: its version, every mapped table with its columns and relations, its functions, and what anonymous sees."""

import asyncio
import dataclasses
import re
from collections.abc import Sequence

from gql.catalog import catalog
from gql.schemas import bare, schema_of
from gql.table import Relation, Table
from tripgate.commands.doctor.function_calls import calls
from tripgate.commands.doctor.probe import Answer, Probe
from tripgate.commands.doctor.report import Finding, failure, listed, note, ok, warning
from tripgate.gateway.settings import Settings
from tripgate.planner.plan import Aggregate, Embed, Function, Pick, Read, pick
from tripgate.upstream.postgrest.render import read_request

TRIED = "12.0.2"
"""The version that all tests run against."""
OLDEST, NEWEST = 12, 16
"""The major versions whose sources were read for what the gateway asks of them."""
_READ = f"Tripgate is tried with {TRIED} and has read the sources up to {NEWEST}; what differs is asked for below."
_AT_ONCE = 8
PUSH = "Push the migrations of supabase/migrations; if they are there, run `notify pgrst, 'reload schema'`."
_MISSING_TABLE = {"42P01", "PGRST205"}
_NOT_EXPOSED = "PGRST106"
_REVOKE = "Push the migrations, or revoke it by hand: "


class Data:
    """Looks at tables as one caller.

    Args:
        token: The access token of who looks; anonymous without one.
    """

    def __init__(self, probe: Probe, settings: Settings, token: str | None = None) -> None:
        self._probe = probe
        self._url = settings.postgrest_url
        self._variable = "TRIPGATE_REST_URL" if settings.rest_url is not None else "SUPABASE_URL"
        self._token = token
        self._slots = asyncio.Semaphore(_AT_ONCE)

    @property
    def signed_in(self) -> bool:
        """Whether somebody looks who is granted something."""
        return self._token is not None

    async def ask(self, path: str, *, prefer: str = "", schema: str = "") -> Answer:
        """One request below the REST address, to a Postgres schema unless it is the first. Raises UnreachedError."""
        async with self._slots:
            return await self._probe.ask(
                f"{self._url}/{path}", variable=self._variable, token=self._token, prefer=prefer, schema=schema
            )

    async def read(self, read: Read) -> Answer:
        """The rows of a read, as the gateway asks for them first. Raises UnreachedError."""
        request = read_request(read)
        return await self.ask(request.path, schema=request.schema)

    async def version(self) -> list[Finding]:
        """Whether PostgREST answers and is one that Tripgate supports.

        Raises:
            UnreachedError: Nobody answers.
        """
        unknown = await self.ask("tripgate_doctor_asks?limit=0")
        if (trouble := down(unknown)) is not None:
            return [trouble]
        if unknown.code not in _MISSING_TABLE:
            return [
                failure(
                    f"What answers at {self._variable} is not PostgREST over schema public: {unknown.message}.",
                    "Expose schema public in the Data API's settings, or correct the address.",
                )
            ]
        found = re.search(r"postgrest/(\d+)(\S*)", unknown.server)
        if found is None:
            root = await self.ask("")
            title = root.data.get("info", {}).get("version", "") if isinstance(root.data, dict) else ""
            found = re.match(r"(\d+)(\S*)", str(title))
        if found is None:
            return [note(f"PostgREST answers; it hides its version and behaves as {await self._age(unknown)}.", _READ)]
        number = f"{found[1]}{found[2]}"
        if number == TRIED:
            return [ok(f"PostgREST {number} answers, the version that Tripgate is tried with.")]
        if OLDEST <= int(found[1]) <= NEWEST:
            return [note(f"PostgREST {number} answers.", _READ)]
        return [
            failure(f"PostgREST {number} is not supported.", f"Tripgate asks for what {OLDEST} and newer know.")
            if int(found[1]) < OLDEST
            else warning(f"PostgREST {number} is newer than any that Tripgate knows.", _READ)
        ]

    async def _age(self, unknown: Answer) -> str:
        """What version it behaves as.

        Args:
            unknown: What it said of a table that there is not.
        """
        if unknown.code != "PGRST205":
            return "12 or older"
        # Before 16 a time zone had to be one of a list, in which there are no offsets.
        offset = await self.ask(f"{next(iter(catalog)).name}?limit=0", prefer="handling=strict, timezone=-04:00")
        if offset.code in _MISSING_TABLE:
            return "13 or newer"
        return "13 or 14" if offset.code == "PGRST122" else "16 or newer"

    async def tables(self) -> list[Finding]:
        """Whether every mapped table has its columns and relations, and may be read if somebody is signed in.

        Raises:
            UnreachedError: Nobody answers.
        """
        tables = list(catalog)
        answers = await asyncio.gather(*map(self._table, tables))
        found = list(dict.fromkeys(finding for each in answers for finding in each))
        if found:
            return found
        relations = sum(len(table.relations) for table in tables)
        columns = sum(len(table.columns) + len(table.computed) for table in tables)
        reader = "to be read by this account" if self._token else "in place"
        return [ok(f"All {len(tables)} tables with {columns} columns and {relations} relations are {reader}.")]

    async def _table(self, table: Table) -> list[Finding]:
        everything = read_request(_everything(table))
        whole = await self.ask(everything.path, schema=everything.schema)
        if self.succeeds(whole):
            for seam in everything.seams:
                there = catalog.find(seam.read.table) or table
                further = await self.read(dataclasses.replace(seam.read, limit=0))
                if not self.succeeds(further):
                    return [self._trouble(there, further, seam.read.table)]
            return await self._views(table)
        if whole.code not in {"42703", "PGRST200", "PGRST201", "PGRST204"}:
            return [self._trouble(table, whole)]
        # One of many: ask for each by itself, to name all that is missing at once.
        columns = [column.name for column in table.columns.values()] + [item.name for item in table.computed.values()]
        parts: Sequence[tuple[str, Read]] = [
            *((f"column {table.name}.{name}", Read(table.name, (pick(table, name),), limit=0)) for name in columns),
            *(
                (_described(table, relation), Read(table.name, (), (_embed(table, 0, relation),), limit=0))
                for relation in table.relations.values()
                if not catalog.crosses(table, relation) or _comes_along(table, relation)
            ),
        ]
        answers = await asyncio.gather(*(self.read(read) for _, read in parts))
        for answer in answers:
            if answer.code in _MISSING_TABLE:
                return [self._trouble(table, answer)]
        missing = [what for (what, _), answer in zip(parts, answers, strict=True) if not self.succeeds(answer)]
        if not missing:
            return [self._trouble(table, whole)]
        return [failure(f"Type {table.type_name} needs what is not there: {listed(missing)}.", PUSH)]

    async def _views(self, table: Table) -> list[Finding]:
        views = sorted(catalog.views_of(table).values())
        key = (Pick(table.primary_key),)
        answers = await asyncio.gather(*(self.read(Read(view, key, limit=0)) for view in views))
        missing = [f"view {view}" for view, answer in zip(views, answers, strict=True) if not self.succeeds(answer)]
        return [failure(f"Type {table.type_name} needs what is not there: {listed(missing)}.", PUSH)] if missing else []

    def succeeds(self, answer: Answer) -> bool:
        """Rows, or for anonymous callers a refusal that comes after the names were found."""
        return answer.status < 300 or (self._token is None and answer.code == "42501")

    def _trouble(self, table: Table, answer: Answer, view: str | None = None) -> Finding:
        """What is wrong with a table, or with a view that its relations to another schema take."""
        if answer.code == _NOT_EXPOSED:
            schema = table.schema if view is None else schema_of(view)
            return failure(
                f"Schema {schema} is not exposed, so all fields of its types fail.",
                f"Add {schema} to the exposed schemas of the Data API's settings (`schemas` of [api] in config.toml).",
            )
        if view is not None and answer.code in {*_MISSING_TABLE, "PGRST200"}:
            return failure(f"Type {table.type_name} needs what is not there: {view}, with its rows' relations.", PUSH)
        if (trouble := down(answer)) is not None:
            return trouble
        if answer.code in _MISSING_TABLE:
            return failure(f"There is no table {table.name}, which type {table.type_name} needs.", PUSH)
        if answer.code == "42501":
            return failure(f"Signed-in people may not read {table.name}: {answer.message}.", PUSH)
        if answer.code.startswith("PGRST30"):
            return failure(f"PostgREST does not accept the token: {answer.message}.", "Do both use the same project?")
        said = f"{answer.code}: {answer.message}" if answer.code else answer.message
        return failure(f"Reading {table.name} fails ({said}).", "Look into the project's Postgres logs.")

    async def anonymous(self) -> list[Finding]:
        """Whether anonymous callers are granted nothing.

        Raises:
            UnreachedError: Nobody answers.
        """
        tables = list(catalog)
        answers = await asyncio.gather(
            *(self.read(Read(table.name, (Pick(table.primary_key),), limit=1)) for table in tables)
        )
        functions = calls()
        called = await asyncio.gather(
            *(self.ask(f"rpc/{bare(name)}?{given}", schema=schema_of(name)) for name, given in functions.items())
        )
        findings = []
        for table, answer in zip(tables, answers, strict=True):
            if answer.status < 300:
                rows = "and sees rows of it" if answer.data else "though no row is shown"
                findings.append(
                    failure(
                        f"Anybody without an account may read {table.name}, {rows}.",
                        f"{_REVOKE}revoke all on {table.schema}.{table.bare_name} from anon, public.",
                    )
                )
        for name, answer in zip(functions, called, strict=True):
            if answer.code == _NOT_EXPOSED:
                continue  # which the tables tell of
            if answer.code == "PGRST202":
                findings.append(failure(f"There is no function {name}.", PUSH))
            elif (trouble := down(answer)) is not None:
                return [trouble]
            elif answer.code != "42501":
                # Let in, whatever it said then. Asked by GET, so in a transaction that cannot write.
                findings.append(
                    failure(
                        f"Anybody without an account may call {name}.",
                        f"{_REVOKE}revoke execute on function {schema_of(name)}.{bare(name)} from anon, public.",
                    )
                )
        return findings or [ok(f"Without an account nothing is granted: no table, none of {len(functions)} functions.")]

    async def aggregates(self) -> list[Finding]:
        """Whether PostgREST computes sums, averages and groups, which it permits only when told to.

        Raises:
            UnreachedError: Nobody answers.
        """
        table = next(iter(catalog))
        count = Aggregate("n", Function.COUNT, table.primary_key)
        answer = await self.read(Read(table.name, (), aggregates=(count,)))
        if self.succeeds(answer):
            return [ok("Aggregates are on, so sums, averages and groups can be computed.")]
        if answer.code == "PGRST123":
            by_key = [table.plural for table in catalog if table.hidden_columns]
            hidden = f", and so do nested totals of {listed(by_key)}" if by_key else ""
            return [
                failure(
                    f"Aggregates are off in PostgREST, so groups and all of `aggregate` but `count` fail{hidden}.",
                    "Run: alter role authenticator set pgrst.db_aggregates_enabled = 'true'; "
                    "notify pgrst, 'reload config'.",
                )
            ]
        return [self._trouble(table, answer)]


def down(answer: Answer) -> Finding | None:
    """PostgREST or the database behind it is not there."""
    if answer.code in {"PGRST000", "PGRST001", "PGRST002", "PGRST003"} or answer.code.startswith(("08", "53", "57P")):
        return failure(
            f"PostgREST cannot use the database: {answer.message}.", "Is the database up, with free connections?"
        )
    if answer.status in {502, 503, 504} or answer.status >= 520:
        return failure(
            f"PostgREST does not answer behind the front door (HTTP status {answer.status}).",
            "Is the Data API running and enabled?",
        )
    if answer.refuses_the_key:
        return failure(f"The Data API refuses the key: {answer.message}.", "Is it of this project?")
    return None


def _everything(table: Table) -> Read:
    """All columns and one embed for each relation, as the gateway would ask for them, and no row."""
    names = [column.name for column in table.columns.values()] + [item.name for item in table.computed.values()]
    embeds = tuple(_embed(table, number, relation) for number, relation in enumerate(table.relations.values()))
    return Read(table.name, tuple(pick(table, name) for name in names), embeds, limit=0)


def _embed(table: Table, number: int, relation: Relation) -> Embed:
    target = catalog[relation.target]
    more = target.embedded_as.columns if target.embedded_as is not None and _comes_along(table, relation) else ()
    read = Read(target.name, (Pick(target.primary_key), *(pick(target, name) for name in more)))
    return Embed(f"e{number}", relation.via, relation.many, read, relation.theirs)


def _comes_along(table: Table, relation: Relation) -> str | None:
    """The view by which related rows of another schema are embedded."""
    if relation.many or relation.theirs or not catalog.crosses(table, relation):
        return None
    return catalog.embedded_view(catalog[relation.target], table.schema)


def _described(table: Table, relation: Relation) -> str:
    target = catalog[relation.target].name
    ends = (target, table.name) if relation.many or relation.theirs else (table.name, target)
    key = f"the foreign key {ends[0]}.{relation.via} to {ends[1]}"
    return key if (view := _comes_along(table, relation)) is None else f"view {view} for {key}"
