"""Accounts that an import makes, by Auth's admin API: before the rows, and removed again when these fail.

Until its rows are there an account carries a mark among its metadata that only the operator can write, in the very
request that makes it. So whatever ends a run, also one that could no longer say anything: the marks are the list of
what is to be removed. The transaction that writes the rows takes them off.
"""

from __future__ import annotations

import functools
import ipaddress
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from tripgate.importing.rejects import shortened
from tripgate.importing.unfit import ImportFailedError, UnfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tripgate.importing.store import Person

_Each = TypeVar("_Each")
_Made = TypeVar("_Made")

MARK = "tripgate_import"
AT_ONCE = 4
"""How many accounts are made or removed at the same time: Auth takes a tenth of a second for each."""
_TRIES = 4
_TIMEOUT = 30.0
_PATIENCE = 10.0
"""Seconds after which nothing is tried again."""
_IN_A_ROW = 20
"""Accounts that Auth fails to make, one after the other, after which it is no use to go on."""
_ADVICE = "Correct what Auth says of them, or take them out."

_MARKED = """
select id, last_sign_in_at is not null from auth.users where raw_app_meta_data ? %s
and (%s::text is null or raw_app_meta_data ->> %s = %s::text)"""
_UNMARK = "update auth.users set raw_app_meta_data = raw_app_meta_data - %s::text where id = any(%s)"
# What the trigger on accounts reads is there in a dry run too, in a transaction that is rolled back.
_STAND_IN = """
insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, created_at, updated_at,
    raw_app_meta_data, raw_user_meta_data, confirmation_token, recovery_token, email_change, email_change_token_new
) values (
    '00000000-0000-0000-0000-000000000000', %s, 'authenticated', 'authenticated', %s, '', now(), now(), now(), '{}',
    jsonb_build_object('display_name', %s::text), '', '', '', ''
)"""


class _RefusedError(ImportFailedError):
    """Auth has not done it, and says why; it may do the same for another account.

    Attributes:
        fails: Whether it failed over it, by what may be the account or Auth itself.
    """

    def __init__(self, message: str, said: str, *, fails: bool) -> None:
        super().__init__(message)
        self.said = said
        self.fails = fails


class _ForbiddenError(ImportFailedError):
    """Auth does nothing for this key, or is not there."""


class Accounts:
    """Auth's admin API."""

    def __init__(self, project_url: str, secret_key: str) -> None:
        """Raises ImportFailedError for an address or a key that cannot be right."""
        parts = urlsplit(project_url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
            raise ImportFailedError("SUPABASE_URL must begin with https://, since a secret key goes there.", usage=True)
        if secret_key.startswith("sb_publishable_"):
            raise ImportFailedError(
                "TRIPGATE_IMPORT_SECRET_KEY is a publishable key. Accounts take a secret one.", usage=True
            )
        import httpx  # noqa: PLC0415 - only where accounts are made
        from supabase_auth import SyncGoTrueAdminAPI  # noqa: PLC0415 - as above

        self._http = httpx.Client(timeout=_TIMEOUT)
        headers = {"apikey": secret_key, "Authorization": f"Bearer {secret_key}"}
        self._auth = SyncGoTrueAdminAPI(
            url=f"{project_url.rstrip('/')}/auth/v1", headers=headers, http_client=self._http
        )
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._failures = 0
        self.made: list[UUID] = []

    def make(self, persons: Sequence[Person], run: str) -> list[UnfitError | None]:
        """Make their accounts, some at once, with the mark of this run; of each why Auth makes none.

        Raises ImportFailedError when all that were begun have ended.
        """
        return self._at_once(lambda person: self._make(person, run), persons)

    def _make(self, person: Person, run: str) -> UnfitError | None:
        attributes: dict[str, Any] = {
            "id": str(person.id),
            "email": person.email,
            "email_confirm": True,
            "user_metadata": {"display_name": person.name} if person.name else {},
            "app_metadata": {MARK: run},
        }
        if person.password_hash:
            attributes["password_hash"] = person.password_hash
        id_ = str(person.id)
        # Before it is asked for: an answer may be lost.
        self.made.append(UUID(id_))
        try:
            self._ask("make", person.email, lambda: self._auth.create_user(attributes))  # type: ignore[arg-type]
        except _ForbiddenError:
            self.made.remove(UUID(id_))
            raise
        except _RefusedError as error:
            # By what an attempt before has made, of which no answer came? Whoever cannot say so has not refused.
            if self._mark_of(id_) == run:
                return None
            self.made.remove(UUID(id_))
            self._failures += error.fails
            if self._failures >= _IN_A_ROW:
                raise
            return UnfitError(f"gets no account, as Auth says: {shortened(error.said)}", _ADVICE)
        self._failures = 0
        return None

    def _at_once(self, do: Callable[[_Each], _Made], all_: Sequence[_Each]) -> list[_Made]:
        """What comes of each, when none is under way any more."""
        futures = [self._pool.submit(do, each) for each in all_]
        wait(futures)
        return [future.result() for future in futures]

    def remove(self, ids: Sequence[UUID], progress: Callable[[int], None]) -> int:
        """Remove those of these accounts that carry a mark and that nobody has signed in to; how many are left."""
        left = 0
        for place in range(0, len(ids), AT_ONCE):
            some = ids[place : place + AT_ONCE]
            try:
                left += sum(self._at_once(self._remains, some))
            except ImportFailedError:
                # Auth is away, and each of the others would wait as long.
                return left + len(ids) - place
            progress(place + len(some))
        return left

    def _remains(self, id_: UUID) -> bool:
        try:
            if self._mark_of(str(id_)) is not None:
                self._ask("remove", str(id_), functools.partial(self._auth.delete_user, str(id_)))
        except _RefusedError:
            return True
        return False

    def _mark_of(self, id_: str) -> str | None:
        """The mark of an account that nobody has signed in to. Raises ImportFailedError."""
        answer = self._ask("look at", id_, lambda: self._auth.get_user_by_id(id_))
        if answer is None or answer.user.last_sign_in_at is not None:
            return None
        mark = answer.user.app_metadata.get(MARK)
        return None if mark is None else str(mark)

    def close(self) -> None:
        """Let the connections go."""
        self._pool.shutdown()
        self._http.close()

    @staticmethod
    def _ask(verb: str, whom: str, ask: Callable[[], Any]) -> Any:
        """The answer, after some tries; `None` where there is no such account."""
        import httpx  # noqa: PLC0415 - only where accounts are made
        from supabase_auth.errors import AuthError  # noqa: PLC0415 - as above

        until = time.monotonic() + _PATIENCE
        for left in reversed(range(_TRIES)):
            try:
                return ask()
            except (AuthError, httpx.HTTPError) as error:
                status = getattr(error, "status", None)
                code = getattr(error, "code", None)
                if code == "user_not_found" and verb != "make":
                    return None
                again = not status or status == 429 or status >= 500
                if again and left and time.monotonic() < until:
                    time.sleep(0.2 * 2 ** (_TRIES - left))
                    continue
                told = "The secret key is not accepted" if status in {401, 403} else str(error) or type(error).__name__
                message = f"Auth could not {verb} the account of {whom}: {told}."
                if status in {401, 403, 404, 405}:
                    raise _ForbiddenError(message) from None
                # In its own words: what stands before it says no more than that it is away.
                if not again or (status == 500 and code == "unexpected_failure"):
                    raise _RefusedError(message, told.rstrip("."), fails=again) from None
                raise ImportFailedError(message) from None
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def marked(connection: psycopg.Connection, run: str | None = None) -> list[tuple[UUID, bool]]:
    """Accounts that a run has made and not finished, and whether somebody has signed in since.

    Args:
        run: Of this run alone.
    """
    return [(UUID(str(id_)), used) for id_, used in connection.execute(_MARKED, (MARK, run, MARK, run))]


def unmark(connection: psycopg.Connection, ids: list[UUID]) -> None:
    """They stay."""
    connection.execute(_UNMARK, (MARK, ids))


def stand_ins(connection: psycopg.Connection, persons: Sequence[Person]) -> list[UnfitError | None]:
    """Accounts for the length of a transaction that is rolled back; of each why there is none."""
    try:
        with connection.transaction():
            connection.cursor().executemany(_STAND_IN, [(each.id, each.email, each.name) for each in persons])
    except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.RaiseException) as error:
        if len(persons) > 1:
            half = len(persons) // 2
            return stand_ins(connection, persons[:half]) + stand_ins(connection, persons[half:])
        said = error.diag.message_primary or type(error).__name__
        return [UnfitError(f"gets no account, as the database says: {shortened(said)}", _ADVICE)]
    return [None] * len(persons)
