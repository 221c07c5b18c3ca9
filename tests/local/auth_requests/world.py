"""People, tokens and codes that a row of the table speaks of: each is made when the row names it, for it alone.

Everything is made over HTTP, so that the same rows can be asked of Supabase's own Auth server.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "correct horse"
VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
NAME = re.compile(r"\$(\w+(?:\.\w+)?)")
_numbers = itertools.count()


@dataclass(frozen=True)
class Service:
    """An Auth server: where it is, and how a token is signed that it believes."""

    url: str
    sign: Callable[[dict[str, Any]], str]
    http: httpx.Client

    def ask(self, method: str, path: str, token: str | None, body: Any = None, **headers: str) -> httpx.Response:
        """One request; `body` is bytes as they are, or anything else as JSON."""
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return self.http.request(method, f"{self.url}{path}", content=content, headers=headers)

    def admin(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer to a request of the service role, which must succeed."""
        answer = self.ask(method, path, self.sign(role_claims("service_role")), body)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def role_claims(role: str) -> dict[str, Any]:
    """What an API key's token says."""
    return {"role": role, "iss": "supabase", "iat": int(time.time()), "exp": int(time.time()) + 3600}


@dataclass
class World:
    """What `$name` stands for in one row."""

    service: Service
    _made: dict[str, Any] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """The text with every `$name` replaced."""
        return NAME.sub(lambda found: str(self.get(found[1])), text)

    def get(self, name: str) -> Any:
        """The value of `name`, made once."""
        if name not in self._made:
            base, _, part = name.partition(".")
            self._made[name] = getattr(self, f"_{base}")(part) if part else getattr(self, f"_{base}")()
        return self._made[name]

    def token(self, who: str) -> str | None:
        """The bearer token of who asks."""
        if who == "nobody":
            return None
        if who == "nonsense":
            return "nonsense"
        if who in {"anon", "admin"}:
            return self.service.sign(role_claims({"anon": "anon", "admin": "service_role"}[who]))
        if who in CLAIMS:
            claims = {"aud": "authenticated", "role": "authenticated", "exp": int(time.time()) + 60}
            return self.service.sign({**claims, **CLAIMS[who]})
        if who == "signedout":
            token: str = self._session_of("known")["access_token"]
            self.service.ask("POST", "/logout", token)
            return token
        return str(self._session_of(who)["access_token"])

    # who there is ------------------------------------------------------------------------------------------------

    def _new(self) -> str:
        return f"row-{secrets.token_hex(4)}-{next(_numbers)}@example.com"

    def _account(self, name: str, **more: Any) -> dict[str, Any]:
        key = f"account:{name}"
        if key not in self._made:
            body = {"email": self._new(), "password": PASSWORD, **more}
            self._made[key] = self.service.admin("POST", "/admin/users", body)
        found: dict[str, Any] = self._made[key]
        return found

    def _known(self, part: str = "email") -> str:
        return str(self._account("known", email_confirm=True, user_metadata={"name": "Ada"})[part])

    def _other(self, part: str = "email") -> str:
        return str(self._account("other", email_confirm=True)[part])

    def _fresh(self, part: str = "email") -> str:
        return str(self._account("fresh")[part])

    def _banned(self, part: str = "email") -> str:
        return str(self._account("banned", email_confirm=True, ban_duration="24h")[part])

    def _invited(self) -> str:
        self.get("hash.invite")
        return str(self._made["link:invite"]["email"])

    def _missing(self) -> str:
        return str(uuid4())

    # what they hold ------------------------------------------------------------------------------------------------

    def _session_of(self, who: str) -> dict[str, Any]:
        key = f"session:{who}"
        if key not in self._made:
            if who == "guest":
                answer = self.service.ask("POST", "/signup", None, {})
            else:
                body = {"email": self.get(who), "password": PASSWORD}
                answer = self.service.ask("POST", "/token?grant_type=password", None, body)
            answer.raise_for_status()
            self._made[key] = answer.json()
        found: dict[str, Any] = self._made[key]
        return found

    def _refresh(self) -> str:
        return str(self._session_of("known")["refresh_token"])

    def _link(self, type_: str) -> dict[str, Any]:
        key = f"link:{type_}"
        if key not in self._made:
            email = self._new() if type_ == "invite" else self.get("fresh" if type_ == "signup" else "known")
            body = {"type": type_, "email": email, "password": PASSWORD, "new_email": self.get("new")}
            self._made[key] = self.service.admin("POST", "/admin/generate_link", body)
        found: dict[str, Any] = self._made[key]
        return found

    def _hash(self, type_: str) -> str:
        return str(self._link(type_)["hashed_token"])

    def _code(self, type_: str) -> str:
        return str(self._link(type_)["email_otp"])

    def _challenge(self) -> str:
        return CHALLENGE

    def _verifier(self) -> str:
        return VERIFIER

    def _phone(self) -> str:
        return f"+1555{secrets.randbelow(10**7):07}"

    def _long(self) -> str:
        return "x" * 73

    def _bcrypt(self) -> str:
        return "$2y$10$SXEz2HeT8PUIGQXo9yeUIem8KzNxgG0d7o/.eGj2rj8KbRgAuRVlq"


CLAIMS: dict[str, dict[str, Any]] = {
    "nosub": {},
    "badsub": {"sub": "ada"},
    "gone": {"sub": "00000000-0000-4000-8000-000000000001"},
    "expired": {"sub": "00000000-0000-4000-8000-000000000001", "exp": 1},
}
