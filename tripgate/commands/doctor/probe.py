"""Asks a Supabase by HTTP, and says in words why it did not answer."""

import ssl
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from tripgate.commands.doctor.report import Finding, failure


class UnreachedError(Exception):
    """Nobody answered; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        data: The body as JSON, or `None` where it is none.
    """

    status: int
    server: str
    location: str
    data: Any

    @property
    def code(self) -> str:
        """The code of an error, as PostgREST and Auth write it; empty without one."""
        found = self._field("error_code") or self._field("code")
        return str(found) if found is not None else ""

    @property
    def message(self) -> str:
        """What the server says of an error; the status where it says nothing."""
        return str(self._field("message") or self._field("msg") or f"HTTP status {self.status}").rstrip(".")

    @property
    def refuses_the_key(self) -> bool:
        """Whether the platform's front door did not accept the API key."""
        return self.status in {401, 403} and "api key" in self.message.lower()

    def _field(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None


class Probe:
    """Sends requests with the publishable key, never following a redirect.

    Args:
        deadline: Seconds that one request may take.
    """

    def __init__(self, session: aiohttp.ClientSession, api_key: str, *, deadline: float) -> None:
        self.session = session
        self.api_key = api_key
        self.deadline = deadline

    async def ask(
        self,
        url: str,
        *,
        variable: str,
        method: str = "GET",
        token: str | None = None,
        body: object = None,
        prefer: str = "",
        schema: str = "",
    ) -> Answer:
        """The answer to one request.

        Args:
            url: Percent-encoded already.
            variable: The setting that this address comes from, to be named when it leads nowhere.
            token: The access token of who asks; anonymous without one.
            prefer: The `Prefer` header, or empty.
            schema: The Postgres schema to read, where it is not the first that PostgREST serves.

        Raises:
            UnreachedError: There was no answer.
        """
        headers = {"apikey": self.api_key}
        if prefer:
            headers["Prefer"] = prefer
        if schema:
            headers["Accept-Profile"] = schema
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self.session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=None if body is None else orjson.dumps(body),
                timeout=aiohttp.ClientTimeout(total=self.deadline),
                allow_redirects=False,
            ) as response:
                text = await response.read()
                server = response.headers.get("Server", "")
                return Answer(response.status, server, response.headers.get("Location", ""), _json(text))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachedError(unreached(error, url, variable, self.deadline)) from None


def unreached(error: Exception, url: str, variable: str, deadline: float) -> Finding:
    """Why a request had no answer."""
    host = URL(url).host or ""
    place = f"{host}:{URL(url).port}"
    match error:
        case aiohttp.ClientConnectorDNSError():
            return failure(f"There is no host {host}.", f"Correct {variable}, or check this machine's DNS.")
        case aiohttp.ClientConnectorCertificateError():
            reason = error.certificate_error
            said = reason.verify_message if isinstance(reason, ssl.SSLCertVerificationError) else "not trusted"
            return failure(
                f"{place} shows a TLS certificate that is not accepted: {said}.",
                "Renew the certificate, or trust its authority on this machine.",
            )
        case aiohttp.ClientSSLError():
            return failure(
                f"{place} does not speak TLS.", f"Is {variable} meant to begin with http://, or another port?"
            )
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
            return failure(f"{place} refuses connections.", f"Is it running? Does {variable} name the right port?")
        case TimeoutError():
            return failure(
                f"{place} did not answer within {deadline:g} s.", f"Check {variable} and the network, then try again."
            )
        case _:
            return failure(
                f"{place} hung up without an answer ({type(error).__name__}).",
                f"Check that {variable} leads to an HTTP server.",
            )


def shown(url: str) -> str:
    """An address as it may be printed: without name and password."""
    return str(URL(url).with_user(None))


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
