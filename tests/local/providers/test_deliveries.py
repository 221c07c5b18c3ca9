"""Webhooks of the faked services: signed, tried again, and duplicated, shuffled, delayed, dropped and repeated."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.local.providers.courier import signature

if TYPE_CHECKING:
    from tests.local.providers.conftest import Heard, Served

DAY = 86_400


def letters(heard: Heard) -> list[int]:
    return [json.loads(body)["letter"] for body in heard.bodies]


async def told(served: Served, heard: Heard, count: int) -> list[int]:
    """The numbers of letters, whose deliveries have been made."""
    numbers = [await served.letter(heard) for _ in range(count)]
    await served.control("POST", "clock", {"advanceSeconds": DAY})
    return numbers


async def test_a_webhook_is_signed_with_the_machines_time(served: Served, heard: Heard) -> None:
    (number,) = await told(served, heard, 1)
    ((headers, body),) = heard.requests
    at, signed = re.fullmatch(r"t=(\d+),v1=(\w+)", headers["Courier-Signature"]).groups()  # type: ignore[union-attr]
    assert signed == signature(body, int(at))
    assert abs(int(at) - time.time()) < 60
    assert json.loads(body) == {"type": "letter.delivered", "letter": number}
    entry = (await served.ledger())[-1]
    assert [entry[name] for name in ("direction", "method", "target", "status")] == ["told", "POST", heard.url, 200]
    assert ["Courier-Signature", "(hidden)"] in entry["headers"]
    (delivery,) = (await served.control("GET", "deliveries?provider=courier"))["deliveries"]
    assert [delivery[name] for name in ("label", "state", "statuses")] == ["letter.delivered", "delivered", [200]]


async def test_what_is_not_taken_is_told_again_by_the_clock(served: Served, heard: Heard) -> None:
    heard.statuses = [500, 302]
    await told(served, heard, 1)
    assert len(heard.requests) == 1
    await served.control("POST", "clock", {"advanceSeconds": 61})
    assert len(heard.requests) == 2
    await served.control("POST", "clock", {"advanceSeconds": 3601})
    await served.control("POST", "clock", {"advanceSeconds": 30 * DAY})
    (delivery,) = (await served.control("GET", "deliveries"))["deliveries"]
    assert (delivery["state"], delivery["statuses"]) == ("delivered", [500, 302, 200])


async def test_nobody_there_is_no_answer(served: Served, heard: Heard) -> None:
    heard.url = "http://127.0.0.1:1/hook"
    await told(served, heard, 1)
    (delivery,) = (await served.control("GET", "deliveries"))["deliveries"]
    assert (delivery["state"], delivery["statuses"]) == ("refused", [None])
    entry = (await served.ledger())[-1]
    assert (entry["outcome"], entry["status"]) == ("failed", None)
    assert entry["note"].startswith("no answer: ")


async def test_copies(served: Served, heard: Heard) -> None:
    await served.control("POST", "deliveries/plan", {"provider": "courier", "copies": 3}, 204)
    (number,) = await told(served, heard, 1)
    assert letters(heard) == [number] * 3
    assert len({headers["Courier-Signature"] for headers, _ in heard.requests}) >= 1


async def test_a_copy_that_is_refused_is_not_tried_again(served: Served, heard: Heard) -> None:
    await served.control("POST", "deliveries/plan", {"provider": "courier", "copies": 2}, 204)
    heard.statuses = [500, 500]
    await told(served, heard, 1)
    await served.control("POST", "clock", {"advanceSeconds": DAY})
    assert len(heard.requests) == 3


async def test_dropped_ones_are_lost_until_somebody_repeats_them(served: Served, heard: Heard) -> None:
    await served.control("POST", "deliveries/plan", {"provider": "courier", "drop": 2}, 204)
    numbers = await told(served, heard, 3)
    assert letters(heard) == numbers[2:]
    deliveries = (await served.control("GET", "deliveries"))["deliveries"]
    assert [each["state"] for each in deliveries] == ["dropped", "dropped", "delivered"]
    sent = await served.control("POST", "deliveries/send", {"numbers": [deliveries[0]["number"]]})
    assert sent == {"sent": [{"number": deliveries[0]["number"], "status": 200}]}
    assert letters(heard) == [numbers[2], numbers[0]]


async def test_delayed_ones_come_later(served: Served, heard: Heard) -> None:
    await served.control("POST", "deliveries/plan", {"provider": "courier", "delaySeconds": 0.3}, 204)
    numbers = [await served.letter(heard)]
    began = time.monotonic()
    await served.control("POST", "clock", {"advanceSeconds": DAY})
    assert time.monotonic() - began >= 0.3
    assert letters(heard) == numbers


async def test_held_ones_are_released_in_an_order_that_can_be_repeated(served: Served, heard: Heard) -> None:
    orders = []
    for _ in range(2):
        await served.control("POST", "reset", status=204)
        heard.requests.clear()
        await served.control("POST", "deliveries/plan", {"provider": "courier", "hold": True}, 204)
        numbers = await told(served, heard, 8)
        assert heard.requests == []
        asked = {"provider": "courier", "shuffle": 7, "copies": 2, "drop": 2}
        sent = (await served.control("POST", "deliveries/release", asked))["sent"]
        assert [each["status"] for each in sent] == [200] * 12
        order = [number - numbers[0] for number in letters(heard)]
        assert len({*order}) == 6
        assert sorted(order) == sorted([*{*order}] * 2)
        orders.append(order)
        assert (await served.control("POST", "deliveries/release", {"provider": "courier"}))["sent"] == []
    assert orders[0] == orders[1] != sorted(orders[0])


async def test_held_ones_are_released_as_they_were_made(served: Served, heard: Heard) -> None:
    await served.control("POST", "deliveries/plan", {"provider": "courier", "hold": True}, 204)
    numbers = await told(served, heard, 4)
    await served.control("POST", "deliveries/release", {"provider": "courier"})
    assert letters(heard) == numbers


async def test_any_is_repeated_in_any_order_and_at_once(served: Served, heard: Heard) -> None:
    first, second = await told(served, heard, 2)
    one, other = [each["number"] for each in (await served.control("GET", "deliveries"))["deliveries"]]
    heard.requests.clear()
    await served.control("POST", "deliveries/send", {"numbers": [other, one, one]})
    assert letters(heard) == [second, first, first]
    heard.requests.clear()
    asked = {"numbers": [one, other] * 20, "concurrency": 8}
    sent = (await served.control("POST", "deliveries/send", asked))["sent"]
    assert [each["number"] for each in sent] == [one, other] * 20
    assert sorted(letters(heard)) == sorted([first, second] * 20)


async def test_a_repetition_that_is_refused_does_not_undo_the_first(served: Served, heard: Heard) -> None:
    await told(served, heard, 1)
    (delivery,) = (await served.control("GET", "deliveries"))["deliveries"]
    heard.statuses = [400]
    await served.control("POST", "deliveries/send", {"numbers": [delivery["number"]]})
    (delivery,) = (await served.control("GET", "deliveries"))["deliveries"]
    assert (delivery["state"], delivery["statuses"]) == ("delivered", [200, 400])


async def test_settle_waits_for_what_is_on_its_way(served: Served, heard: Heard) -> None:
    served.house.deliveries.send("courier", heard.url, b"{}", lambda *_: {})
    await served.control("POST", "deliveries/settle", status=204)
    assert heard.bodies == [b"{}"]


@pytest.mark.parametrize("providers", ["pigeon", ""])
async def test_of_an_unknown_provider_nothing_is_listed(served: Served, providers: str) -> None:
    answer = await served.control("GET", f"deliveries?provider={providers}", status=400)
    assert answer == {"message": f"There is no provider {providers!r}; there are: courier"}
