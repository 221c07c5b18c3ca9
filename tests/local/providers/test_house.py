"""The house of the faked services: what each is asked is written down, scripts fail it, its clock is advanced."""

from __future__ import annotations

import asyncio
import datetime
import io
import json

import aiohttp
import pytest

from tests.local.providers.conftest import SECRET_KEY, Heard, Served
from tests.local.providers.courier import COURIER, create
from tripgate.local.providers import house as house_module
from tripgate.local.providers import ledger as ledger_module
from tripgate.local.providers import redaction
from tripgate.local.providers.clock import Clock, TooManyCallsError, machine_time
from tripgate.local.providers.deliveries import local_address
from tripgate.local.providers.house import House
from tripgate.local.providers.ledger import Ledger
from tripgate.local.providers.provider import Provider

DAY = 86_400


async def test_a_provider_answers_below_its_name_and_needs_no_key_of_the_project(served: Served, heard: Heard) -> None:
    number = await served.letter(heard)
    status, letter = await served.ask("GET", f"/letters/{number}")
    assert (status, letter) == (
        200,
        {"id": number, "to": "Ada", "delivered_at": None, "url": f"{served.url}/providers/courier/{number}"},
    )
    assert served.house.variables() == {"COURIER_API_BASE": f"{served.url}/providers/courier/v1"}


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/parcels", 404), ("GET", "/letters/9", 404), ("DELETE", "/letters", 405)]
)
async def test_what_it_does_not_have_is_refused_in_its_own_words(
    served: Served, method: str, path: str, status: int
) -> None:
    assert await served.ask(method, path) == (status, {"courier_error": {"status": status}})
    assert [(entry["status"], entry["outcome"]) for entry in await served.ledger()] == [(status, "answered")]


async def test_the_ledger_holds_what_was_asked_but_no_secret(served: Served, heard: Heard) -> None:
    await served.ask(
        "POST",
        "/letters?tracked=yes&access_token=EAAhidden123",
        data=json.dumps({"to": "Ben", "hook": heard.url, "client_secret": "of the client", "max_tokens": 7}),
        headers={
            "Content-Type": "application/json",
            "Authorization": "Bearer sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            "X-Api-Key": "opens doors",
            "Courier-Signature": "v1=abc",
            "Cookie": "session=1",
            "Idempotency-Key": "letter-7",
            "X-Note": "my key is sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        },
    )
    (entry,) = await served.ledger()
    assert {name: entry[name] for name in ("provider", "direction", "method", "target", "status", "outcome")} == {
        "provider": "courier",
        "direction": "asked",
        "method": "POST",
        "target": "/letters?tracked=yes&access_token=(hidden)",
        "status": 201,
        "outcome": "answered",
    }
    headers = {name.lower(): value for name, value in entry["headers"]}
    assert {
        name: headers[name] for name in ("authorization", "x-api-key", "courier-signature", "cookie")
    } == dict.fromkeys(("authorization", "x-api-key", "courier-signature", "cookie"), "(hidden)")
    assert (headers["idempotency-key"], headers["x-note"]) == ("letter-7", "my key is (hidden)")
    assert json.loads(entry["body"]) == {
        "to": "Ben", "hook": heard.url, "client_secret": "(hidden)", "max_tokens": 7
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("amount=100&currency=eur", "amount=100&currency=eur"),
        ("password=x&to=Ada", "password=(hidden)&to=Ada"),
        ('{"max_completion_tokens": "9", "prompt_tokens": 3}', '{"max_completion_tokens": "9", "prompt_tokens": 3}'),
        (r'{"password": "a\"b", "to": "Ada"}', '{"password": "(hidden)", "to": "Ada"}'),
        ('{"access_token": "a b"}', '{"access_token": "(hidden)"}'),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "(hidden)"),
        ("sb_secret_0123456789abcdef", "(hidden)"),
        ("sk-proj-0123456789abcdef", "(hidden)"),
        ("a sketch of risk_free_holidays", "a sketch of risk_free_holidays"),
    ],
)
def test_secrets_are_known_by_name_and_by_look(given: str, kept: str) -> None:
    assert redaction.text(given) == kept


async def test_long_bodies_are_cut_and_too_long_ones_refused(served: Served) -> None:
    long = b'{"to": "' + b"x" * 200_000 + b'", "hook": "http://127.0.0.1"}'
    assert (await served.ask("POST", "/letters", data=long))[0] == 201
    refused = await served.ask("POST", "/letters", data=io.BytesIO(b"x" * 2_000_000))
    assert refused == (413, {"courier_error": {"status": 413}})
    first, second = await served.ledger()
    assert (len(first["body"]), first["bodyBytes"]) == (64 * 1024, len(long))
    assert second["status"] == 413


def test_old_entries_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_ENTRIES", 3)
    ledger = Ledger()
    for number in range(9):
        ledger.begin("courier", "asked", "GET", f"/{number}", (), b"", machine_time())
    assert [entry.target for entry in ledger.entries()] == ["/6", "/7", "/8"]
    assert [entry.target for entry in ledger.entries("courier", after=8)] == ["/8"]
    monkeypatch.setattr(ledger_module, "MAX_CHARACTERS", 100)
    ledger.begin("courier", "asked", "GET", "/", (), b"x" * 99, machine_time())
    assert [entry.target for entry in ledger.entries()] == ["/"]


async def test_an_entry_changes_when_it_ends(served: Served) -> None:
    entry = served.house.ledger.begin("courier", "asked", "GET", "/", (), b"", machine_time())
    version = served.house.ledger.version
    assert served.house.ledger.entries(changed_after=version) == []
    served.house.ledger.end(entry, "answered", 200)
    assert served.house.ledger.entries(changed_after=version) == [entry]


async def test_a_script_fails_the_next_requests_that_fit_and_no_others(served: Served, heard: Heard) -> None:
    script = {"provider": "courier", "method": "POST", "path": "/let*", "times": 2, "skip": 1, "kind": "status"}
    await served.control("POST", "failures", {**script, "status": 503, "headers": {"Retry-After": "1"}}, 201)
    letter = {"to": "Ada", "hook": heard.url}
    assert (await served.ask("POST", "/letters", json=letter))[0] == 201
    assert (await served.ask("GET", "/letters/0"))[0] == 404
    for left in (1, 0):
        async with served.http.post(f"{served.url}/providers/courier/letters", json=letter) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
            assert await answer.json() == {"courier_error": {"status": 503}}
        scripts = (await served.control("GET", "failures"))["failures"]
        assert [each["times"] for each in scripts] == ([left] if left else [])
    assert (await served.ask("POST", "/letters", json=letter))[0] == 201
    assert [entry["status"] for entry in await served.ledger()] == [201, 404, 503, 503, 201]
    assert [entry["note"] for entry in await served.ledger()][2] == "by script: status"


async def test_a_script_says_the_body(served: Served) -> None:
    body = '{"courier_error": {"message": "The courier is on holiday"}}'
    await served.control(
        "POST", "failures", {"provider": "courier", "kind": "status", "status": 402, "body": body}, 201
    )
    assert await served.ask("GET", "/letters/1") == (402, json.loads(body))


async def test_a_script_answers_garbage(served: Served) -> None:
    await served.control("POST", "failures", {"provider": "courier", "kind": "garbage"}, 201)
    async with served.http.get(f"{served.url}/providers/courier/letters/1") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert await answer.read() == house_module.GARBAGE
    with pytest.raises(ValueError, match="codec"):
        json.loads(house_module.GARBAGE)


@pytest.mark.parametrize("kind", ["drop", "truncate"])
async def test_a_script_drops_the_connection(served: Served, kind: str) -> None:
    await served.control("POST", "failures", {"provider": "courier", "kind": kind}, 201)
    with pytest.raises(aiohttp.ClientError):
        await served.ask("POST", "/letters", json={})
    (entry,) = await served.ledger()
    assert (entry["outcome"], entry["status"]) == ("dropped", 200 if kind == "truncate" else None)
    assert (await served.ask("GET", "/letters/0"))[0] == 404


@pytest.mark.parametrize("kind", ["drop", "status", "garbage", "truncate"])
async def test_an_answer_is_lost_of_what_was_done(served: Served, heard: Heard, kind: str) -> None:
    number = await served.letter(heard)
    await served.control("POST", "failures", {"provider": "courier", "kind": kind, "after": True}, 201)
    try:
        status, _ = await served.ask("POST", "/letters", json={"to": "Ben", "hook": heard.url})
        assert status == 500
    except (aiohttp.ClientError, ValueError):
        assert kind != "status"
    assert (await served.ask("GET", f"/letters/{number + 1}"))[1]["to"] == "Ben"


async def test_a_script_delays(served: Served, heard: Heard) -> None:
    number = await served.letter(heard)
    await served.control("POST", "failures", {"provider": "courier", "kind": "delay", "delaySeconds": 30}, 201)
    with pytest.raises(TimeoutError):
        await served.ask("GET", f"/letters/{number}", timeout=aiohttp.ClientTimeout(total=0.3))
    for _ in range(100):
        entry = (await served.ledger())[-1]
        if entry["outcome"] != "open":
            break
        await asyncio.sleep(0.05)
    assert (entry["outcome"], entry["note"]) == ("dropped", "the client went away")
    await served.control("POST", "failures", {"provider": "courier", "kind": "delay", "delaySeconds": 0.01}, 201)
    assert (await served.ask("GET", f"/letters/{number}"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("failures", {"provider": "courier"}, "kind: Field required"),
        ("failures", {"provider": "pigeon", "kind": "drop"}, "There is no provider 'pigeon'; there are: courier"),
        ("failures", {"provider": "courier", "kind": "drop", "times": 0}, "times: Input should be greater than"),
        ("failures", {"provider": "courier", "kind": "drop", "colour": "red"}, "colour: Extra inputs"),
        ("failures", {"provider": "courier", "kind": "status", "headers": {"A": "b\r\nC: d"}}, "'A' is no header"),
        ("clock", {"advanceSeconds": -1}, "advanceSeconds: Input should be greater than"),
        ("clock", {"advanceSeconds": 1e30}, "The clock is advanced by 0 to 3660 days"),
        ("clock", [], "body: Input should be"),
        ("deliveries/send", {"numbers": [7]}, "There is no delivery 7"),
        ("deliveries/plan", {"provider": "courier", "copies": 11}, "copies: Input should be less than"),
        ("deliveries/release", {"provider": "pigeon"}, "There is no provider"),
    ],
)
async def test_control_refuses_what_makes_no_sense(served: Served, path: str, body: object, message: str) -> None:
    assert message in (await served.control("POST", path, body, 400))["message"]
    assert (await served.control("GET", "failures"))["failures"] == []


async def test_the_clock_stays_within_the_calendar(served: Served) -> None:
    for _ in range(10):
        await served.control("POST", "clock", {"advanceSeconds": 3660 * DAY})
    refused = await served.control("POST", "clock", {"advanceSeconds": 1}, 400)
    assert refused["message"] == "The clock is 36600 days ahead at most: reset it"


async def test_nobody_controls_without_the_secret_key(served: Served) -> None:
    for path in ("ledger", "clock", "failures", "deliveries", "courier/lose", "nothing"):
        for key in ("", "sb_publishable_key", SECRET_KEY[:-1], f"{SECRET_KEY}x", "ü"):
            url = f"{served.url}/providers/control/{path}"
            async with served.http.get(url, headers={"apikey": key} if key else {}) as answer:
                assert answer.status == 403, (path, key)
        async with served.http.get(f"{served.url}/providers/control/{path}?apikey={SECRET_KEY}") as answer:
            assert answer.status == 403


async def test_a_provider_has_controls_of_its_own(served: Served, heard: Heard) -> None:
    number = await served.letter(heard)
    await served.control("POST", "courier/lose", status=204)
    assert (await served.ask("GET", f"/letters/{number}"))[0] == 404


async def test_time_is_advanced_and_what_is_due_happens_at_its_moment(served: Served, heard: Heard) -> None:
    before = (await served.control("GET", "clock"))["now"]
    first = await served.letter(heard)
    assert (await served.control("POST", "clock", {"advanceSeconds": DAY / 2}))["calls"] == 0
    second = await served.letter(heard, "Ben")
    advanced = await served.control("POST", "clock", {"advanceSeconds": 7 * DAY})
    assert advanced["calls"] == 2
    assert advanced["aheadSeconds"] == pytest.approx(7.5 * DAY, abs=1)
    at = [
        datetime.datetime.fromisoformat((await served.ask("GET", f"/letters/{number}"))[1]["delivered_at"])
        for number in (first, second)
    ]
    days = [(each - datetime.datetime.fromisoformat(before)).total_seconds() / DAY for each in at]
    assert days == pytest.approx([1, 1.5], abs=0.01)
    assert len(heard.requests) == 2


async def test_time_goes_by_of_itself() -> None:
    clock = Clock()
    task = asyncio.create_task(clock.run())
    called: list[str] = []
    done = asyncio.Event()

    async def call() -> None:
        called.append("now")
        done.set()

    async def fail() -> None:
        called.append("failed")
        raise RuntimeError("nothing ends by it")

    soon = clock.now() + datetime.timedelta(milliseconds=50)
    clock.at(soon, fail)
    clock.at(soon, call)
    await asyncio.wait_for(done.wait(), 30)
    task.cancel()
    assert called == ["failed", "now"]
    assert clock.ahead == datetime.timedelta()


async def test_calls_without_end_are_given_up() -> None:
    clock = Clock()

    async def again() -> None:
        clock.at(clock.now(), again)

    await again()
    with pytest.raises(TooManyCallsError):
        await clock.advance(datetime.timedelta(seconds=1))


async def test_reset_makes_all_as_at_the_start(served: Served, heard: Heard) -> None:
    number = await served.letter(heard)
    await served.control("POST", "clock", {"advanceSeconds": 100})
    await served.control("POST", "failures", {"provider": "courier", "kind": "drop"}, 201)
    await served.control("POST", "reset", status=204)
    assert await served.ledger() == []
    assert (await served.ask("GET", f"/letters/{number}"))[0] == 404
    clock = await served.control("POST", "clock", {"advanceSeconds": DAY})
    assert (clock["calls"], round(clock["aheadSeconds"])) == (0, DAY)


async def test_no_other_name_is_answered(served: Served) -> None:
    for path in ("/providers", "/providers/entries", "/providers/courier/letters/1", "/providers/control/clock"):
        async with served.http.get(served.url + path, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421
            assert "TRIPGATE_DEVELOPMENT_HOSTS" in (await answer.json())["message"]


async def test_a_redirection_of_a_provider_is_one(served: Served) -> None:
    url = f"{served.url}/providers/courier/track"
    async with served.http.get(url, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/elsewhere")
    assert [entry["status"] for entry in await served.ledger()] == [303]


@pytest.mark.parametrize("name", ["control", "entries", "Courier", "a/b", ""])
def test_a_provider_has_a_path_of_its_own(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a provider's path"):
        House("http://127.0.0.1:1", [Provider(name, "It", create)])
    with pytest.raises(ValueError, match="Two providers"):
        House("http://127.0.0.1:1", [COURIER, COURIER])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1.example.com/",
        "/hook",
        "",
        "http://[::1",
    ],
)
def test_webhooks_stay_on_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="no http address of this machine"):
        local_address(url)
