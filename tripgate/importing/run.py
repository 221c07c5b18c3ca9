"""One import from its files to its end: checked first, then written in one transaction, or nothing of it.

1. People are matched, and every record is converted and followed to what it refers to. What does not fit is told, and
   unless the operator has said to leave it out, nothing else happens.
2. Accounts are made where they are to be.
3. All rows are written, counted and compared, and the transaction ends.

The transaction is open from the start, so that one import runs at a time.
"""

from __future__ import annotations

import tempfile
import uuid
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psycopg

from tripgate.importing import accounts, persons, session
from tripgate.importing.conversions import Habits
from tripgate.importing.converting import Converter, Surroundings
from tripgate.importing.reading.files import find
from tripgate.importing.reading.records import Record, elements
from tripgate.importing.rejects import Rejects, shortened
from tripgate.importing.store import Store
from tripgate.importing.summary import Counts, Summary
from tripgate.importing.target import EXACT, Row, Target
from tripgate.importing.unfit import ImportFailedError, Reject, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from tripgate.importing.declaring import Import, Source
    from tripgate.importing.reading.files import DataFile
    from tripgate.importing.reading.records import Unreadable
    from tripgate.importing.store import Person

BATCH = 1_000
"""Rows of one statement."""


class Reporter(Protocol):
    """Is told how far a run is."""

    def stage(self, what: str, size: int) -> None:
        """Something begins that will read so many bytes, or make so many accounts."""

    def reached(self, place: int) -> None:
        """How much of that is done."""

    def held(self) -> AbstractContextManager[None]:
        """While this is open the run is not interrupted, but right after."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator has said.

    Attributes:
        paths: Files, and folders of files.
        owner: The address of whoever owns the records that name nobody.
        project_url: Of Supabase, and `secret_key`: where accounts are made or removed.
    """

    paths: tuple[Path, ...]
    database_url: str
    rejects: Path
    dry_run: bool = False
    skip_rejects: bool = False
    make_accounts: bool = False
    owner: str | None = None
    project_url: str | None = None
    secret_key: str | None = None
    encoding: str = "utf-8"
    habits: Habits = field(default_factory=Habits)


def run(importing: Import, options: Options, reporter: Reporter) -> Summary:
    """Do it.

    Raises:
        ImportFailedError: Nothing is imported.
        KeyboardInterrupt: It was interrupted, and nothing is imported.
    """
    files = find(options.paths, importing.stems, options.encoding, options.rejects)
    for source in importing.sources:
        for name, column in source.columns.items():
            lacking = next((each.stem for each in importing.sources if each.name == column.to), None)
            if source.stem in files and column.required and lacking is not None and lacking not in files:
                where = f"{files[source.stem].name} refers by {source.field_of(name)} to {lacking}"
                raise ImportFailedError(f"{where}, so its file has to be there too.", usage=True)
    with ExitStack() as opened:
        rejects = opened.enter_context(Rejects(options.rejects))
        store = opened.enter_context(Store(Path(opened.enter_context(tempfile.TemporaryDirectory()))))
        return _Run(importing, options, reporter, files, store, rejects).run()


class _Run:
    def __init__(
        self,
        importing: Import,
        options: Options,
        reporter: Reporter,
        files: dict[str, DataFile],
        store: Store,
        rejects: Rejects,
    ) -> None:
        self._importing = importing
        self._options = options
        self._reporter = reporter
        self._files = files
        self._states = {stem: file.state for stem, file in files.items()}
        self._store = store
        self._rejects = rejects
        self._auth: accounts.Accounts | None = None
        self._matching: persons.Matching | None = None
        self._id = str(uuid.uuid4())
        self._summary = Summary(importing.system, options.dry_run)
        self._sources = [source for source in importing.sources if source.stem in files]

    def run(self) -> Summary:
        """Open the transaction, and undo what is outside of it when it fails."""
        if self._options.project_url and self._options.secret_key:
            self._auth = accounts.Accounts(self._options.project_url, self._options.secret_key)
        try:
            with session.opened(self._options.database_url) as (connection, transaction):
                self._in_transaction(connection)
                if self._options.dry_run:
                    connection.rollback()
                else:
                    # Whoever interrupts it now is told that it is done.
                    with suppress(KeyboardInterrupt), self._reporter.held():
                        session.commit(connection, transaction, self._options.database_url)
                        self._summary.imported = True
        except session.UnknownEndError as error:
            # The accounts stay: their rows may be there. If they are not, the next run sees the marks.
            raise ImportFailedError(str(error)) from None
        except BaseException as error:
            self._undo(error)
            raise
        finally:
            if self._auth is not None:
                self._auth.close()
        return self._summary

    def _undo(self, error: BaseException) -> None:
        """Remove the accounts that were made."""
        if self._auth is None or not self._auth.made:
            return
        self._reporter.stage("Removing the accounts that were made", len(self._auth.made))
        with self._reporter.held():
            left = self._auth.remove(self._auth.made, self._reporter.reached)
        if left:
            error.add_note(f"{left} accounts that it had made could not be removed; the next run removes them.")

    def _in_transaction(self, connection: psycopg.Connection) -> None:
        self._remove_leftovers(connection)
        owner = persons.owner_by_address(connection, self._options.owner) if self._options.owner else None
        self._match(connection)
        around = Surroundings(self._importing, self._files, self._store, self._options.habits, owner)
        mark = self._rejects.mark()
        self._go_through(connection, around, write=False)
        if self._stops():
            raise ImportFailedError(self._told())
        self._rejects.back_to(mark)
        self._make_accounts(connection)
        if self._stops():
            raise ImportFailedError(self._told())
        self._store.forget_records()
        targets = self._go_through(connection, around, write=True)
        self._compare(targets)
        if self._stops():
            raise ImportFailedError(self._told())
        if self._auth is not None and self._auth.made:
            accounts.unmark(connection, self._auth.made)

    def _stops(self) -> bool:
        self._summary.rejects = self._rejects.path if self._rejects.count else None
        return bool(self._rejects.count) and not self._options.skip_rejects and not self._options.dry_run

    def _told(self) -> str:
        number = sum(self._rejects.count.values())
        first = [
            f"  {each.file}, line {each.line}: {f'{each.column}: ' if each.column else ''}{each.why}."
            for each in self._rejects.first
        ]
        more = f"\n  … and {number - len(first)} more" if number > len(first) else ""
        return (
            f"{number} records do not fit, so nothing is imported:\n" + "\n".join(first) + more + "\n"
            f"All of them with what to do: {self._rejects.path}. Correct them, or leave them out by --skip-rejects."
        )

    def _remove_leftovers(self, connection: psycopg.Connection) -> None:
        """What a run has left that could not even say so."""
        left = accounts.marked(connection)
        unused = [id_ for id_, used in left if not used]
        if self._options.dry_run or not left:
            return
        if unused and self._auth is None:
            raise ImportFailedError(
                f"A run that was cut off has left {len(unused)} accounts without their rows. Set SUPABASE_URL and "
                "TRIPGATE_IMPORT_SECRET_KEY, so that they can be removed first.",
                usage=True,
            )
        if self._auth is not None and unused:
            self._reporter.stage("Removing accounts of a run before", len(unused))
            if self._auth.remove(unused, self._reporter.reached):
                raise ImportFailedError("Accounts that a run has left could not be removed. Is Auth there?")
            self._summary.removed = len(unused)
        # Whoever has signed in meanwhile is a person like any other.
        accounts.unmark(connection, [id_ for id_, used in left if used])

    def _match(self, connection: psycopg.Connection) -> None:
        declared = self._importing.persons
        file = self._files.get(declared.file) if declared else None
        if declared is None or file is None:
            return
        if self._options.make_accounts and self._auth is None and not self._options.dry_run:
            raise ImportFailedError(
                "Accounts are made by Auth: set SUPABASE_URL and TRIPGATE_IMPORT_SECRET_KEY.", usage=True
            )
        self._reporter.stage(f"Finding people of {file.name}", file.size)
        matching = persons.Matching(declared, self._importing.system, file, self._store)
        matching.match(connection, self._rejects, self._reporter.reached, make_accounts=self._options.make_accounts)
        self._matching = matching
        self._summary.people_unasked = sorted(matching.unasked)
        self._count_people(matching)

    def _count_people(self, matching: persons.Matching) -> None:
        self._summary.people = {
            "read": matching.read,
            "found": self._store.count_persons("found"),
            "made": self._store.count_persons("made"),
            "rejected": self._rejects.count[matching.file],
        }

    def _make_accounts(self, connection: psycopg.Connection) -> None:
        number = self._store.count_persons("made")
        matching = self._matching
        if not number or matching is None:
            return
        self._reporter.stage("Making accounts", number)
        done = 0
        for batch in self._store.persons("made", persons.BATCH):
            for some, refusals in self._made(connection, batch):
                for person, refusal in zip(some, refusals, strict=True):
                    if refusal is not None:
                        self._store.refuse_person(person.old, refusal.why, refusal.advice)
                        self._rejects.add(matching.rejected(person, refusal))
                done += len(some)
                self._reporter.reached(done)
        self._count_people(matching)

    def _made(
        self, connection: psycopg.Connection, batch: list[Person]
    ) -> Iterator[tuple[list[Person], list[UnfitError | None]]]:
        """Make the accounts of these, some at once, each with why it is not made."""
        if self._options.dry_run:
            yield batch, accounts.stand_ins(connection, batch)
            return
        auth = self._auth
        if auth is None:  # it was asked for before
            raise ImportFailedError("Accounts are made by Auth: set TRIPGATE_IMPORT_SECRET_KEY.", usage=True)
        while batch:
            # One alone, until it is known that they are made here.
            known = bool(auth.made)
            size = accounts.AT_ONCE if known else 1
            some, batch = batch[:size], batch[size:]
            with self._reporter.held():
                refusals = auth.make(some, self._id)
            if not known and auth.made and not accounts.marked(connection, self._id):
                raise ImportFailedError(
                    "SUPABASE_URL leads to another project than the database: accounts made there are not here.",
                    usage=True,
                )
            yield some, refusals

    def _go_through(self, connection: psycopg.Connection, around: Surroundings, *, write: bool) -> list[Target]:
        """All sources, for a look or to write them."""
        self._summary.sources = []
        targets = []
        for source in self._sources:
            file = self._files[source.stem]
            if file.state != self._states[source.stem]:
                raise ImportFailedError(f"{file.name} has been changed while it was read. Run it again.")
            self._reporter.stage(f"{'Writing' if write else 'Checking'} {source.name}", file.size)
            target = Target(connection, source)
            converter = Converter(source, target, around, file)
            counts = Counts(source.name, file.name)
            self._summary.sources.append(counts)
            batch: list[Row] = []
            for record in self._records(source, file, converter):
                made = converter.convert(record)
                if isinstance(made, Row):
                    if write:
                        batch.append(made)
                    if len(batch) == BATCH:
                        target.put(batch, self._rejecting(source, file, counts))
                        batch.clear()
                else:
                    counts.rejected += 1
                    for each in made:
                        self._rejects.add(each)
            target.put(batch, self._rejecting(source, file, counts))
            counts.read, counts.unasked = converter.read, sorted(converter.unasked)
            counts.new, counts.changed = target.made, target.changed
            counts.unchanged = target.written - target.made - target.changed
            targets.append(target)
        return targets

    def _records(self, source: Source, file: DataFile, converter: Converter) -> Iterator[Record | Unreadable]:
        for record in file.records(converter.known, source.at, self._reporter.reached):
            if source.each and isinstance(record, Record):
                yield from elements(record, source.each)
            else:
                yield record

    def _rejecting(self, source: Source, file: DataFile, counts: Counts) -> Callable[[Row, str, str, str], None]:
        def reject(row: Row, column: str, why: str, advice: str) -> None:
            counts.rejected += 1
            self._store.reject(source.name, row.old, row.line)
            where = source.field_of(column) if column in source.columns else column
            declared = source.columns.get(column)
            # Of who or what it leads to the row has the new key, which says nothing to the operator.
            value = None if declared is None or declared.person or declared.to else row.values.get(column)
            told = "" if value is None else shortened(value)
            self._rejects.add(Reject(file.name, row.line, row.old, where, told, why.rstrip("."), advice))

        return reject

    def _compare(self, targets: list[Target]) -> None:
        """What was written with what is there, now that all is written. Raises ImportFailedError."""
        for source, target, counts in zip(self._sources, targets, self._summary.sources, strict=True):
            names = sorted(target.sums)
            there, sums = 0, dict.fromkeys(names, Decimal(0))
            for keys in self._store.keys(source.name, 5 * BATCH):
                number, of_some = target.compared(keys, names)
                there += number
                sums = {name: EXACT.add(sums[name], of_some[name]) for name in names}
            counts.sums = {name: (target.sums[name], sums[name]) for name in names}
            if there != target.written:
                raise ImportFailedError(
                    f"{target.written} rows of {source.name} were written and {there} are there, so nothing is "
                    f"imported. Does a trigger of {source.table} take rows away, or do two records make one row?"
                )
            for name, (of_file, of_database) in counts.sums.items():
                if of_file != of_database:
                    raise ImportFailedError(
                        f"The sum of {source.name}.{name} is {of_file:f} in the file and {of_database:f} here, so "
                        f"nothing is imported. Does a trigger of {source.table} change it?"
                    )
