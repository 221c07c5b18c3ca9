"""The table of requests and answers: its rows as data, and what an answer comes to in its words.

A row is `who METHOD path body → status code-or-keys`. `who` is whose token the request carries (`nobody` none), with
`+version` where the request names a version of the API. After ` ≠ ` stands what the stand-in
answers instead, on purpose. `$name` is explained in `world.py`. A body that is no JSON is
written `raw:…`. Below a line `[name]` rows hold under those settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.local.auth_requests.world import Service, World

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

FILE = Path(__file__).with_name("requests.txt")
ROW = re.compile(
    r"(?P<who>\w+)(?:\+(?P<version>\S+))? (?P<method>[A-Z]+) (?P<path>\S+)(?: (?P<body>.+?))? → ?(?P<answer>.*)"
)
SESSION = ("access_token", "expires_at", "expires_in", "refresh_token", "token_type", "user")
USER = (
    "app_metadata",
    "aud",
    "created_at",
    "email",
    "id",
    "identities",
    "is_anonymous",
    "phone",
    "role",
    "updated_at",
    "user_metadata",
)
NAMED = {"SESSION": frozenset(SESSION), "USER": frozenset(USER)}
ERROR = frozenset({"code", "error_code", "msg"})
VERSIONED_ERROR = frozenset({"code", "message"})


@dataclass(frozen=True)
class Row:
    """One request, and what is answered under the settings called `settings`."""

    line: int
    settings: str
    who: str
    version: str | None
    method: str
    path: str
    body: str | None
    answer: str
    instead: str | None

    @property
    def request(self) -> str:
        """The request as the table writes it."""
        who = f"{self.who}+{self.version}" if self.version else self.who
        return " ".join(part for part in (who, self.method, self.path, self.body) if part)


def rows(file: Path = FILE) -> Iterator[Row]:
    """All rows of the table."""
    settings = "defaults"
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("["):
            settings = line.strip("[]")
        elif line and not line.startswith("#"):
            found = ROW.fullmatch(line)
            if found is None:
                raise ValueError(f"{file}, line {number}: {line}")
            answer, _, instead = found["answer"].partition(" ≠ ")
            yield Row(number, settings, **{**found.groupdict(), "answer": answer, "instead": instead or None})


def ask(service: Service, row: Row) -> httpx.Response:
    """What the service answers to a row's request."""
    world = World(service)
    token = world.token(row.who)
    body: Any = None
    if row.body is not None:
        text = world.fill(row.body.removeprefix("raw:"))
        body = text.encode()
    headers = {"X-Supabase-Api-Version": row.version} if row.version else {}
    return service.ask(row.method, world.fill(row.path), token, body, **headers)


def shown(answer: httpx.Response) -> str:
    """An answer in the table's words: status, error code, and the keys of its body or of the address it leads to."""
    if answer.is_redirect:
        address = urlsplit(answer.headers["Location"])
        parts = [
            f"{mark}{_keys(dict(parse_qsl(text, keep_blank_values=True)))}"
            for mark, text in (("?", address.query), ("#", address.fragment))
            if text
        ]
        return " ".join([str(answer.status_code), *parts])
    if not answer.content:
        return f"{answer.status_code} -"
    if answer.headers["Content-Type"].split(";")[0] != "application/json":
        return f"{answer.status_code} text"
    return f"{answer.status_code} {_keys(answer.json())}"


def _keys(body: Any) -> str:
    if not isinstance(body, dict):
        return type(body).__name__
    keys = set(body)
    if keys >= ERROR:
        return " ".join([str(body["error_code"]), *(f"+{key}" for key in sorted(keys - ERROR))])
    if keys >= VERSIONED_ERROR:
        return " ".join([f"{body['code']}:", *(f"+{key}" for key in sorted(keys - VERSIONED_ERROR))])
    if "error_code" in keys:
        keys.remove("error_code")
        return ",".join([str(body["error_code"]), *sorted(keys)])
    for name, named in NAMED.items():
        if named <= keys:
            return " ".join([name, *(f"+{key}" for key in sorted(keys - named))])
    return " ".join(sorted(keys)) or "{}"
