"""Who the old system's people are here: whoever has confirmed the same address, and nobody else.

But for those whose account an import has made: its id is made of their old key, and found whatever its address is now.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

from tripgate.importing.conversions import Habits, as_boolean, as_text
from tripgate.importing.ids import id_of
from tripgate.importing.reading.records import Record, Unreadable, normal
from tripgate.importing.rejects import shortened
from tripgate.importing.unfit import ImportFailedError, Reject, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from tripgate.importing.declaring import Persons
    from tripgate.importing.reading.files import DataFile
    from tripgate.importing.rejects import Rejects
    from tripgate.importing.store import Person, Store

BATCH = 500
_EMAIL = re.compile(r"[^@\s\0]{1,64}@[^@\s\0]{1,190}")
# As Auth reads hashes: bcrypt, Argon2, and Firebase's scrypt.
_HASH = re.compile(
    r"\$2[aby]\$(?:0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}|\$argon2id?\$v=\d+\$m=\d+,t=\d+,p=\d+\S*\$\S+|\$fbscrypt\$v=\d+,\S+\$\S+"
)
_NO_HASH = (
    "has a password hash that Auth cannot read",
    "It reads bcrypt, Argon2 ($argon2id$…) and Firebase's scrypt ($fbscrypt$…). Leave it out: they choose a new one.",
)
_SAME_ADDRESS = ("has the address of another person of the file", "Merge them there: one address is one account here.")
_ACCOUNTS = """
select lower(email), array_agg(id), bool_and(email_confirmed_at is not null and not is_anonymous)
from auth.users where lower(email) = any(%s) and deleted_at is null group by lower(email)"""
_OWN = "select id from auth.users where id = any(%s) and deleted_at is null"


def _lowered(address: str) -> str:
    """In small letters, but for what would become a letter of ASCII, as the sign of Kelvin does: that is another."""
    return "".join(each if each.lower().isascii() and not each.isascii() else each.lower() for each in address)


def owner_by_address(connection: psycopg.Connection, address: str) -> UUID:
    """The account of this confirmed address. Raises ImportFailedError if there is none."""
    row = connection.execute(_ACCOUNTS, ([_lowered(address.strip())],)).fetchone()
    if row is None or len(row[1]) != 1 or not row[2]:
        what = "Nobody here has" if row is None else "Whoever has here"
        why = "" if row is None else ", has not confirmed it" if len(row[1]) == 1 else ", is several accounts"
        raise ImportFailedError(f"{what} the address {address}{why}. The owner needs a confirmed account.", usage=True)
    return UUID(str(row[1][0]))


class Matching:
    """Reads the file of people into the store, and finds or refuses each of them.

    Attributes:
        file: Its name.
        read: How many there were.
        unasked: Fields that nobody asks for.
    """

    def __init__(self, persons: Persons, system: str, file: DataFile, store: Store) -> None:
        self._persons = persons
        self._system = system
        self._file = file
        self._store = store
        self.file = file.name
        self.read = 0
        self.unasked: set[str] = set()

    def match(
        self,
        connection: psycopg.Connection,
        rejects: Rejects,
        progress: Callable[[int], None],
        *,
        make_accounts: bool,
    ) -> None:
        """Do it for all.

        Args:
            make_accounts: Whether those without an account are to get one.
        """
        fields = [self._persons.key, self._persons.email, self._persons.name]
        fields += filter(None, [self._persons.confirmed, self._persons.password_hash])
        asked = {normal(each.partition(".")[0]) for each in [*fields, *self._persons.ignored]}
        for record in self._file.records(fields, self._persons.at, progress):
            self.read += 1
            if isinstance(record, Record):
                self._lacking(record)
                self.unasked.update(record.values.keys() - asked if len(self.unasked) < BATCH else ())
            if (reject := self._keep(record)) is not None:
                rejects.add(reject)
        self._store.refuse_shared_addresses(*_SAME_ADDRESS)
        for batch in self._store.persons("open", BATCH):
            own = {person.old: id_of(self._system, "auth.users", None, person.old) for person in batch}
            there = {UUID(str(row[0])) for row in connection.execute(_OWN, (list(own.values()),))}
            found = {row[0]: (row[1], row[2]) for row in connection.execute(_ACCOUNTS, ([p.email for p in batch],))}
            for person in batch:
                id_ = own[person.old]
                if id_ in there:
                    self._store.identify(person.old, id_, made=False)
                else:
                    ids, confirmed = found.get(person.email, ([], False))
                    self._find(person, ids, confirmed, id_ if make_accounts else None)
        for batch in self._store.persons("refused", BATCH):
            for person in batch:
                rejects.add(self.rejected(person, UnfitError(person.why, person.advice)))

    def _find(self, person: Person, ids: list[UUID], confirmed: bool, own: UUID | None) -> None:
        """Who this is of the accounts that have the address, or is to be."""
        if not ids and own is not None:
            if person.password_hash and not _HASH.fullmatch(person.password_hash):
                self._store.refuse_person(person.old, *_NO_HASH)
            else:
                self._store.identify(person.old, own, made=True)
        elif not ids:
            advice = "Have them sign up and confirm it, or say --make-accounts."
            self._store.refuse_person(person.old, "has an address that nobody has here", advice)
        elif len(ids) > 1:
            why = "has an address that several accounts have here"
            self._store.refuse_person(person.old, why, "Leave one of them its address.")
        elif not confirmed:
            why = "has an address that its account here has not confirmed"
            self._store.refuse_person(person.old, why, "Have its owner confirm it, then import again.")
        else:
            self._store.identify(person.old, UUID(str(ids[0])), made=False)

    def rejected(self, person: Person, error: UnfitError) -> Reject:
        """Somebody who is not imported, for this reason."""
        where = self._persons.email
        return Reject(self._file.name, person.line, person.old, where, person.email, error.why, error.advice)

    def _lacking(self, record: Record) -> None:
        if self.read == 1 and self._file.form == "csv":
            needed = [self._persons.key, self._persons.email, self._persons.confirmed]
            lacking = [name for name in needed if name and normal(name) not in record.values]
            if lacking:
                has = ", ".join(record.values)
                raise ImportFailedError(
                    f"{self._file.name} has no column {', '.join(lacking)}, only {has}.", usage=True
                )

    def _keep(self, record: Record | Unreadable) -> Reject | None:
        """Keep the person; or what is wrong with the record itself."""
        if isinstance(record, Unreadable):
            return Reject(self._file.name, record.line, "", "", "", record.why.why, record.why.advice)
        place = [self._persons.key, "", ""]
        try:
            self._read(record, place)
        except UnfitError as error:
            where, given, old = place
            return Reject(self._file.name, record.line, old, where, shortened(given), error.why, error.advice)
        return None

    def _read(self, record: Record, place: list[str]) -> None:
        """Keep the person. Raises UnfitError of what `place` tells: a field, what stands there, the person's key."""
        given = record.value(self._persons.key)
        if given is None:
            raise UnfitError("has no value", "Each person needs a key.")
        place[1] = str(given)
        old = place[2] = as_text(given, Habits()).strip()
        email, why = self._address(record.value(self._persons.email))
        place[:2] = self._persons.name, str(record.value(self._persons.name) or "")
        name = as_text(place[1], Habits()) if self._persons.name else ""
        hash_ = record.value(self._persons.password_hash) if self._persons.password_hash else None
        place[:2] = self._persons.key, old
        earlier = self._store.keep_person(old, record.line, email, name, "" if hash_ is None else str(hash_))
        if earlier is not None:
            raise UnfitError(f"is what line {earlier} has already", "Take one of them out.")
        if why is None and self._persons.confirmed and not self._has_confirmed(record):
            why = UnfitError("has not confirmed the address in the old system", "Have them sign up here instead.")
        if why is not None:
            self._store.refuse_person(old, why.why, why.advice)

    @staticmethod
    def _address(given: object) -> tuple[str, UnfitError | None]:
        """The address as it is compared, and what is wrong with it."""
        text = _lowered(given.strip()) if isinstance(given, str) else ""
        if not text:
            return "", UnfitError("has no address", "People are found by it: write one.")
        if not _EMAIL.fullmatch(text):
            return shortened(text), UnfitError("has an address that is none", "Write one, such as ada@example.com.")
        return text, None

    def _has_confirmed(self, record: Record) -> bool:
        """Where the field holds when that was, it is told by its being there."""
        value = record.value(self._persons.confirmed)
        if value is None:
            return False
        try:
            return as_boolean(value, Habits())
        except UnfitError:
            return isinstance(value, str | dict)
