"""What `tripgate doctor` learns from Realtime, Edge Functions and the words of mails, and that it asks for all."""

import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from gql.catalog import catalog
from tests.support import listening
from tripgate import systems
from tripgate.commands.doctor import live, mails
from tripgate.commands.doctor.account import SignedIn
from tripgate.commands.doctor.function_calls import calls, never_seen
from tripgate.commands.doctor.probe import Probe
from tripgate.commands.doctor.report import Level
from tripgate.gateway.settings import Settings
from tripgate.local.stack import StackInfo
from tripgate.upstream.caller import Caller

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def phoenix() -> AsyncIterator[tuple[str, set[str]]]:
    """A server that speaks just enough of Realtime; its address, and the topics that it lets people join."""
    open_topics: set[str] = set()

    async def websocket(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            frame = message.json()
            allowed = frame["event"] == "heartbeat" or any(map(frame["topic"].startswith, open_topics))
            payload = {"status": "ok"} if allowed else {"status": "error", "response": {"reason": "Unauthorized: no"}}
            await socket.send_json({**frame, "event": "phx_reply", "payload": payload})
        return socket

    app = web.Application()
    app.router.add_get("/websocket", websocket)
    async with listening(app) as url:
        yield url, open_topics


async def test_realtime_and_who_may_listen(
    http: aiohttp.ClientSession, seeded: StackInfo, phoenix: tuple[str, set[str]]
) -> None:
    address, open_topics = phoenix
    given = {"SUPABASE_URL": seeded.api_url, "SUPABASE_PUBLISHABLE_KEY": seeded.publishable_key}
    settings = Settings.model_validate({**given, "realtime_url": address})
    probe = Probe(http, seeded.publishable_key, deadline=5)
    somebody = SignedIn(Caller("u1", "token"), "token", "u1")

    assert [each.text for each in await live.realtime(probe, settings, None)] == ["Realtime answers."]
    (own_refused,) = await live.realtime(probe, settings, somebody)
    assert "does not let the account listen to its own topic: Unauthorized: no." in own_refused.text
    open_topics.add("realtime:user:u1")
    (good,) = await live.realtime(probe, settings, somebody)
    assert good.level is Level.OK
    open_topics.add("realtime:trip:")
    (too_open,) = await live.realtime(probe, settings, somebody)
    assert "listen to strangers' topics: trip." in too_open.text


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, {"code": "BAD_USER_INPUT", "message": "Say more.", "extensions": {}}, "answers."),
        (
            401,
            {"code": "UNAUTHENTICATED", "message": "No.", "extensions": {}},
            "answers, and lets in its own callers alone.",
        ),
        (
            403,
            {"code": "FORBIDDEN", "message": "No.", "extensions": {}},
            "answers, and lets in its own callers alone.",
        ),
        (403, {"code": "FORBIDDEN", "message": "No."}, "does not work: No."),
        (401, {"code": 401, "message": "Invalid JWT"}, "refuses the account's token: Invalid JWT."),
        (404, {"code": "NOT_FOUND", "message": "Requested function was not found"}, "is not deployed."),
        (503, {"code": "BOOT_ERROR", "message": "Function failed to start (please check logs)"}, "does not start."),
        (546, {"code": "WORKER_LIMIT", "message": "No."}, "does not work: No."),
        (502, None, "does not work: HTTP status 502."),
    ],
)
async def test_functions_by_what_they_answer(http: aiohttp.ClientSession, status: int, body: object, told: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_post("/functions/v1/{name}", answer)
    async with listening(app) as url:
        given = {"SUPABASE_URL": url, "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}
        somebody = SignedIn(Caller("u1", "token"), "token", "u1")
        probe = Probe(http, "sb_publishable_x", deadline=5)
        first, *_ = await live.functions(probe, Settings.model_validate(given), somebody)
    names = [name for system in systems.found() for name in system.edge_functions]
    assert first.text.partition(". ")[0].rstrip(".") == f"Function {names[0]} {told}".rstrip(".")


def test_it_asks_for_all_functions_that_are_declared() -> None:
    config = tomllib.loads((ROOT / "supabase" / "config.toml").read_text())
    folders = {each.parent.name for each in (ROOT / "supabase" / "functions").glob("*/index.ts")}
    asked = {name for system in systems.found() for name in system.edge_functions}
    assert asked == config["functions"].keys() == folders, "name it in EDGE_FUNCTIONS of its system's doctor.py"


@pytest.mark.parametrize(("said", "asked"), [("", True), ("enabled = false", False)])
async def test_functions_of_the_project_at_hand_are_asked_for_too(
    http: aiohttp.ClientSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, asked: bool
) -> None:
    async def missing(_: web.Request) -> web.Response:
        return web.json_response({"code": "NOT_FOUND", "message": "Requested function was not found"}, status=404)

    app = web.Application()
    app.router.add_route("*", "/functions/v1/{name}", missing)
    (tmp_path / "supabase").mkdir()
    (tmp_path / "supabase" / "config.toml").write_text(f"[functions.our-own]\n{said}\n")
    monkeypatch.chdir(tmp_path)
    async with listening(app) as url:
        given = {"SUPABASE_URL": url, "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}
        found = await live.functions(Probe(http, "sb_publishable_x", deadline=5), Settings.model_validate(given), None)
    needed = [name for system in systems.found() for name in system.edge_functions]
    names = [*needed, "our-own"] if asked else needed
    assert [each.text for each in found] == [f"Function {name} is not deployed." for name in names]
    assert found[0].advice == f"Run `supabase functions deploy --use-api {names[0]}`."


def test_it_asks_for_all_that_the_program_calls() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "resolvers").rglob("*.py"))
    assert set(re.findall(r'(?:Call|postgrest\.call)\(\s*"([^"]+)"', sources)) <= set(calls())
    assert set(re.findall(r'invoke\(\s*"([^"]+)"', sources)) <= {
        name for system in systems.found() for name in system.edge_functions
    }
    assert set(never_seen()) == {table.name for table in catalog}


@pytest.mark.parametrize(
    ("config", "template", "sentence"),
    [
        (None, "", "nor is there a supabase/config.toml here to go by"),
        ("[auth", "", "nor is there a supabase/config.toml here to go by"),
        ("", "", "supabase/config.toml has no template for the mail recovery that can be read."),
        ("auth = 1", "", "supabase/config.toml has no template for the mail magic_link that can be read."),
        ("missing.html", "", "supabase/config.toml has no template for the mail recovery that can be read."),
        ("mail.html", "{{ .ConfirmationURL }}", "The template of the mail recovery carries no code."),
        ("mail.html", "{{.Token}}", "The template of the mail recovery carries no link."),
        ("mail.html", "Hello", "The template of the mail recovery carries no code and no link."),
        ("mail.html", "{{ .Token }} {{ .TokenHash }}", "carry a code and a link."),
    ],
)
async def test_mail_templates(tmp_path: Path, config: str | None, template: str, sentence: str) -> None:
    (tmp_path / "supabase").mkdir()
    (tmp_path / "mail.html").write_text(template)
    if config is not None:
        if config.endswith(".html"):
            config = "".join(f"[auth.email.template.{mail}]\ncontent_path = '{config}'\n" for mail in mails.MAILS)
        (tmp_path / "supabase" / "config.toml").write_text(config)
    found = await mails.templates(tmp_path)
    assert sentence in " ".join(finding.text for finding in found)
    assert all(finding.level is not Level.ERROR for finding in found)
