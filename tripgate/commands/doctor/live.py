"""Realtime and the Edge Functions: do they answer, and as they should?"""

import asyncio
import tomllib
import uuid
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from gql.catalog import Catalog, catalog
from gql.coverage import polled
from gql.scope import Scope
from gql.table import Kind
from tripgate import systems
from tripgate.commands.doctor.account import SignedIn
from tripgate.commands.doctor.probe import Answer, Probe, UnreachedError, unreached
from tripgate.commands.doctor.report import Finding, failure, listed, note, ok, warning
from tripgate.gateway.settings import Settings
from tripgate.upstream.realtime.frames import Frame, UndecodableError

_POLICIES = "Push the migrations: policies on realtime.messages say who may listen. Is Realtime's private access on?"


def coverage(catalog: Catalog) -> list[Finding]:
    """Whether live queries hear of all changes, or are declared not to. Without either the doctor does not start."""
    types = polled(catalog)
    if not types:
        return [ok("Live queries hear of every table's changes.")]
    return [
        note(
            f"Live queries of {listed(types)} are read every TRIPGATE_LIVE_POLL seconds, as their tables declare.",
            "With a scope in place of unheard=POLLED they hear of changes at once; then run make schema and make "
            "migration.",
        )
    ]


async def realtime(probe: Probe, settings: Settings, signed_in: SignedIn | None) -> list[Finding]:
    """Whether Realtime takes a WebSocket and, with an account, lets it listen to its own topic and to no other.

    Raises:
        UnreachedError: Nobody answers.
    """
    address = f"{settings.realtime_address}/websocket"
    query = urlencode({"apikey": probe.api_key, "vsn": "1.0.0"})
    variable = "TRIPGATE_REALTIME_URL" if settings.realtime_url is not None else "SUPABASE_URL"
    try:
        async with asyncio.timeout(probe.deadline), probe.session.ws_connect(f"{address}?{query}") as connection:
            await _reply(connection, Frame(topic="phoenix", event="heartbeat", payload={}, ref="1"))
            if signed_in is None:
                return [ok("Realtime answers.")]
            return await _joins(connection, signed_in)
    except aiohttp.WSServerHandshakeError as error:
        return [_refused(error.status)]
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnreachedError(unreached(error, address, variable, probe.deadline)) from None


def _refused(status: int) -> Finding:
    if status == 501:
        return warning(
            "Realtime is not served there, so subscriptions will hear nothing.", "Use a Supabase with Realtime."
        )
    if status in {401, 403}:
        return failure("Realtime refuses the publishable key.", "Is it of this project?")
    if status == 429:
        return warning("Realtime has too many connections right now.", "Raise the project's limit, or try later.")
    return failure(f"Realtime takes no WebSocket (HTTP status {status}).", "Is it enabled in the project?")


async def _joins(connection: aiohttp.ClientWebSocketResponse, signed_in: SignedIn) -> list[Finding]:
    of_person = catalog.scopes.of_person
    if of_person is not None:
        refused = await _join(connection, of_person.topic(signed_in.user_id), signed_in.token, "own")
        if refused is not None:
            return [failure(f"Realtime does not let the account listen to its own topic: {refused}.", _POLICIES)]
    open_to_all = [
        scope.name
        for scope in catalog.scopes
        if await _join(connection, scope.topic(_nobodys(scope)), signed_in.token, scope.name) is None
    ]
    if open_to_all:
        return [failure(f"Realtime lets the account listen to strangers' topics: {listed(open_to_all)}.", _POLICIES)]
    return [ok("Realtime lets the account listen to its own topic, and to no stranger's.")]


def _nobodys(scope: Scope) -> str:
    """A key of no row."""
    return "-1" if catalog[scope.root].key.kind is Kind.BIGINT else str(uuid.uuid4())


async def _join(connection: aiohttp.ClientWebSocketResponse, topic: str, token: str, ref: str) -> str | None:
    """Join a private topic: `None` when let in, else what the server says."""
    config = {
        "broadcast": {"ack": False, "self": False},
        "presence": {"key": "", "enabled": False},
        "postgres_changes": [],
        "private": True,
    }
    payload = {"config": config, "access_token": token}
    frame = Frame(topic=f"realtime:{topic}", event="phx_join", payload=payload, ref=ref, join_ref=ref)
    answer = await _reply(connection, frame)
    if answer.payload.get("status") == "ok":
        return None
    response = answer.payload.get("response")
    return str(response.get("reason", "refused") if isinstance(response, dict) else "refused").rstrip(".")


async def _reply(connection: aiohttp.ClientWebSocketResponse, frame: Frame) -> Frame:
    """Send a frame and wait for the reply to it. Raises aiohttp.ClientError when the server hangs up."""
    await connection.send_str(frame.encode())
    async for message in connection:
        if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
            try:
                found = Frame.decode(message.data)
            except UndecodableError:
                continue  # none of the words that are waited for
            if found.event == "phx_reply" and found.ref == frame.ref:
                return found
    raise aiohttp.ServerDisconnectedError


async def functions(probe: Probe, settings: Settings, signed_in: SignedIn | None) -> list[Finding]:
    """Whether the Edge Functions are deployed and start: those of systems, and what supabase/config.toml here declares.

    Nothing is asked of them that has an effect.

    Raises:
        UnreachedError: Nobody answers.
    """
    needed = [name for system in systems.found() for name in system.edge_functions]
    names = dict.fromkeys([*needed, *await asyncio.to_thread(_declared_here)])
    return list(await asyncio.gather(*(_function(probe, settings, name, signed_in) for name in names)))


def _declared_here() -> list[str]:
    try:
        config = tomllib.loads(Path("supabase/config.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return []
    declared = config.get("functions")
    if not isinstance(declared, dict):
        return []
    return [name for name, said in declared.items() if isinstance(said, dict) and said.get("enabled", True)]


async def _function(probe: Probe, settings: Settings, name: str, signed_in: SignedIn | None) -> Finding:
    url = f"{settings.project_url}/functions/v1/{name}"
    if signed_in is None:
        answer = await probe.ask(url, variable="SUPABASE_URL", method="OPTIONS")
        # A webhook is for no browser, and says so in our functions' own words.
        good = answer.status < 300 or _in_our_words(answer, "METHOD_NOT_ALLOWED")
    else:
        # Refused for its empty input, which shows that function and token work, before anything happens; what takes
        # none only reads.
        answer = await probe.ask(url, variable="SUPABASE_URL", method="POST", token=signed_in.token, body={})
        good = answer.code == "BAD_USER_INPUT" or answer.status == 200
    if good:
        return ok(f"Function {name} answers.")
    if any(_in_our_words(answer, code) for code in ("UNAUTHENTICATED", "FORBIDDEN")):
        # Those of services and webhooks know their callers by secrets and signatures.
        return ok(f"Function {name} answers, and lets in its own callers alone.")
    if answer.code == "BOOT_ERROR":
        return failure(
            f"Function {name} does not start.", "Its log says why; a setting may be missing: docs/functions.md."
        )
    if answer.status == 404:
        return failure(f"Function {name} is not deployed.", f"Run `supabase functions deploy --use-api {name}`.")
    if answer.status == 401:
        return failure(
            f"Function {name} refuses the account's token: {answer.message}.", "Does it verify with the current keys?"
        )
    return failure(f"Function {name} does not work: {answer.message}.", "Look into the function's logs.")


def _in_our_words(answer: Answer, code: str) -> bool:
    """Whether one of our functions said this code, and not the platform before it."""
    return answer.code == code and isinstance(answer.data.get("extensions"), dict)
