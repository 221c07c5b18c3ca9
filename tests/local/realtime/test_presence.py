"""Who is on a topic, judged by the unmodified Python client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.local.realtime.conftest import Heard, Person, join, until

if TYPE_CHECKING:
    from collections.abc import Callable

PRESENT = {"key": "", "enabled": True}


def seen(heard: Heard) -> dict[str, list[str]]:
    """The names under each key."""
    return {key: [one["name"] for one in here] for key, here in heard.channel.presence_state().items()}  # type: ignore[typeddict-item]


async def test_two_clients_see_each_other(connect: Any, person: Callable[..., Person], room: str) -> None:
    clients = [await connect(person(room).token()) for _ in range(2)]
    first, second = [
        await join(client, f"room:{room}", presence={**PRESENT, "key": key})
        for client, key in zip(clients, ("one", "two"), strict=True)
    ]
    came: list[str] = []
    left: list[str] = []
    first.channel.on_presence_join(lambda key, _, __: came.append(key))
    first.channel.on_presence_leave(lambda key, _, __: left.append(key))

    await first.channel.track({"name": "Ada"})
    await until(lambda: seen(second) == {"one": ["Ada"]})
    await second.channel.track({"name": "Grace"})
    await until(lambda: seen(first) == {"one": ["Ada"], "two": ["Grace"]})
    await second.channel.track({"name": "Grace H."})
    await until(lambda: seen(first) == {"one": ["Ada"], "two": ["Grace H."]})
    await second.channel.untrack()
    await until(lambda: seen(first) == {"one": ["Ada"]})
    assert came[:2] == ["one", "two"]
    assert left[-1] == "two"

    await second.channel.track({"name": "Grace"})
    await until(lambda: "two" in seen(first))
    await clients[1].close()
    await until(lambda: seen(first) == {"one": ["Ada"]})


async def test_who_comes_later_is_sent_who_is_there(connect: Any, person: Callable[..., Person], room: str) -> None:
    first = await join(await connect(person(room).token()), f"room:{room}", presence=PRESENT)
    await first.channel.track({"name": "Ada"})
    await until(lambda: list(seen(first).values()) == [["Ada"]])
    second = await join(await connect(person(room).token()), f"room:{room}", presence=PRESENT)
    await until(lambda: list(seen(second).values()) == [["Ada"]])


async def test_tabs_of_one_person_share_a_key(connect: Any, person: Callable[..., Person], room: str) -> None:
    member = person(room)
    tabs = [
        await join(await connect(member.token()), f"room:{room}", presence={**PRESENT, "key": member.id})
        for _ in range(2)
    ]
    for tab, name in zip(tabs, ("left", "right"), strict=True):
        await tab.channel.track({"name": name})
    await until(lambda: sorted(seen(tabs[0]).get(member.id, [])) == ["left", "right"])
    await tabs[1].channel.unsubscribe()
    await until(lambda: seen(tabs[0]) == {member.id: ["left"]})
