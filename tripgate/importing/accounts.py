"""Accounts that an import makes, by Auth's admin API: before the rows, and removed again when these fail.

Until its rows are there an account carries a mark among its metadata that only the operator can write, in the very
request that makes it. So whatever ends a run, also one that could no longer say anything: the marks are the list of
what is to be removed. The transaction that writes the rows takes them off.
"""

from __future__ import annotations

import functools
import ipaddress
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import UUID

from tripgate.importing.unfit import ImportFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import psycopg

    from tripgate.importing.store import Person

MARK = "tripgate_import"
_TRIES = 4
_TIMEOUT = 30.0
_PATIENCE = 10.0
"""Seconds after which nothing is tried again."""

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
    """Auth has not done it."""


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
        self.made: list[UUID] = []

    def make(self, person: Person, run: str) -> None:
        """Make somebody's account, with the mark of this run. Raises ImportFailedError."""
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
        except _RefusedError:
            # By what an attempt before has made, of which no answer came?
            if self._is_mine(id_, run):
                return
            self.made.pop()
            raise

    def _is_mine(self, id_: str, run: str) -> bool:
        try:
            return self._mark_of(id_) == run
        except ImportFailedError:
            return False

    def remove(self, ids: Sequence[UUID]) -> int:
        """Remove those of these accounts that carry a mark and that nobody has signed in to; how many are left."""
        left = 0
        for place, id_ in enumerate(map(str, ids)):
            try:
                if self._mark_of(id_) is not None:
                    self._ask("remove", id_, functools.partial(self._auth.delete_user, id_))
            except _RefusedError:
                left += 1
            except ImportFailedError:
                # Auth is away, and each of the others would wait as long.
                return left + len(ids) - place
        return left

    def _mark_of(self, id_: str) -> str | None:
        """The mark of an account that nobody has signed in to. Raises ImportFailedError."""
        answer = self._ask("look at", id_, lambda: self._auth.get_user_by_id(id_))
        if answer is None or answer.user.last_sign_in_at is not None:
            return None
        mark = answer.user.app_metadata.get(MARK)
        return None if mark is None else str(mark)

    def close(self) -> None:
        """Let the connections go."""
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
                kind = ImportFailedError if again else _RefusedError
                raise kind(f"Auth could not {verb} the account of {whom}: {told}.") from None
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


def stand_ins(connection: psycopg.Connection, persons: Iterable[Person]) -> None:
    """Accounts for the length of a transaction that is rolled back."""
    connection.cursor().executemany(_STAND_IN, [(person.id, person.email, person.name) for person in persons])
