"""Stripe's objects by id, lists of them, and the events that tell of each change."""

from __future__ import annotations

import copy
import datetime
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from tripgate.local.providers.stripe.wire import API_VERSION, StripeError, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tripgate.local.providers.provider import Lent

Thing = dict[str, Any]

MAX_THINGS = 20_000
# As Stripe tries in test mode, roughly: three times within hours.
RETRY_SECONDS = (60.0, 3600.0, 4 * 3600.0)
# Of a nested parameter that filters: `created[gte]`.
_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}
# Ids that stand for objects, by the name that Stripe has for the object in a sentence.
_NAMES = {
    "cus": "customer",
    "sub": "subscription",
    "in": "invoice",
    "price": "price",
    "prod": "product",
    "cs": "checkout.session",
    "evt": "event",
    "we": "webhook endpoint",
}


class Store:
    """Everything of one account in test mode."""

    def __init__(self, lent: Lent) -> None:
        self._lent = lent
        self._things: dict[str, Thing] = {}
        # Of webhook endpoints, by id.
        self.secrets: dict[str, str] = {}

    def forget(self) -> None:
        """Everything."""
        self._things.clear()
        self.secrets.clear()

    def now(self) -> int:
        """The present in seconds, as Stripe writes times."""
        return int(self._lent.clock.now().timestamp())

    def at(self, moment: int, call: Callable[[], None]) -> None:
        """Call at a time to come."""

        async def later() -> None:
            call()

        self._lent.clock.at(datetime.datetime.fromtimestamp(moment, datetime.UTC), later)

    def add(self, prefix: str, kind: str, **values: Any) -> Thing:
        """A new object, of this prefix of ids."""
        if len(self._things) >= MAX_THINGS:
            raise StripeError(f"The fake keeps {MAX_THINGS} objects: reset it", status=500, kind="api_error")
        thing = {"id": new_id(prefix), "object": kind, "created": self.now(), "livemode": False, **values}
        self._things[thing["id"]] = thing
        return thing

    def get(self, kind: str, given: object, param: str = "id") -> Thing:
        """The object with this id. Raises StripeError as Stripe says that there is none."""
        thing = self._things.get(given) if isinstance(given, str) else None
        if thing is None or thing["object"] != kind:
            raise StripeError(
                f"No such {kind.replace('_', ' ') if kind != 'checkout.session' else kind}: '{given}'",
                status=404 if param == "id" else 400,
                code="resource_missing",
                param=param,
            )
        return thing

    def remove(self, thing: Thing) -> None:
        """There is no such object any more."""
        self._things.pop(thing["id"], None)

    def all(self, kind: str) -> list[Thing]:
        """All of a kind, the newest first."""
        return [thing for thing in reversed(self._things.values()) if thing["object"] == kind]

    def page(self, kind: str, url: str, asked: Thing, filters: Iterable[str] = ()) -> Thing:
        """A list as its path answers it: the newest first, by cursors."""
        found = [each for each in self.all(kind) if _matches(each, asked, filters)]
        if kind == "subscription" and "status" not in asked:
            found = [each for each in found if each["status"] != "canceled"]
        limit = whole(asked.get("limit", "10"), "limit", 1, 100)
        ids = [each["id"] for each in found]
        if "starting_after" in asked:
            found = found[_place(ids, asked["starting_after"], "starting_after") + 1 :]
        elif "ending_before" in asked:
            found = found[: _place(ids, asked["ending_before"], "ending_before")][-limit:]
        page = {"object": "list", "url": url, "has_more": len(found) > limit, "data": found[:limit]}
        return self.shown(page, asked)

    def shown(self, thing: Thing, asked: Thing) -> Thing:
        """A copy to answer with, in which the ids that `expand` names are the objects."""
        shown = copy.deepcopy(thing)
        paths = asked.get("expand", [])
        for path in paths if isinstance(paths, list) else [paths]:
            self._expand([shown], str(path).split("."), str(path))
        return shown

    def tell(self, kind: str, thing: Thing, before: Thing | None = None, request: Thing | None = None) -> Thing:
        """An event, delivered to each endpoint that wants it.

        Args:
            before: The object as it was, of one that is updated.
            request: By which it came about: its id and key.
        """
        data: Thing = {"object": copy.deepcopy(thing)}
        if before is not None:
            data["previous_attributes"] = {
                name: copy.deepcopy(value) for name, value in before.items() if thing.get(name) != value
            }
        endpoints = [each for each in reversed(self.all("webhook_endpoint")) if _wants(each, kind)]
        event = self.add(
            "evt",
            "event",
            api_version=API_VERSION,
            data=data,
            pending_webhooks=len(endpoints),
            request=request or {"id": None, "idempotency_key": None},
            type=kind,
        )
        body = json.dumps(event, indent=2).encode()
        for endpoint in endpoints:
            self._lent.deliveries.send(
                "stripe",
                endpoint["url"],
                body,
                _signer(self.secrets[endpoint["id"]]),
                label=kind,
                retries=RETRY_SECONDS,
            )
        return event

    def _expand(self, things: list[Any], path: list[str], whole_path: str) -> None:
        name, rest = path[0], path[1:]
        for thing in things:
            if not isinstance(thing, dict) or name not in thing:
                raise StripeError(f"This property cannot be expanded ({whole_path}).", param="expand")
            value = thing[name]
            if isinstance(value, str) and value in self._things:
                value = thing[name] = copy.deepcopy(self._things[value])
            if rest and value is not None:
                self._expand(value if isinstance(value, list) else [value], rest, whole_path)


def signature(secret: str, body: bytes, at: int) -> str:
    """Header `Stripe-Signature` of a webhook."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


def _signer(secret: str) -> Callable[[bytes, datetime.datetime], Mapping[str, str]]:
    def sign(body: bytes, now: datetime.datetime) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(secret, body, int(now.timestamp())),
        }

    return sign


def whole(value: object, param: str, least: int, most: int) -> int:
    """A whole number within bounds. Raises StripeError."""
    text = str(value)
    if not text.isascii() or not text.removeprefix("-").isdigit() or len(text) > 12:
        raise StripeError(f"Invalid integer: {text[:50]}", code="parameter_invalid_integer", param=param)
    number = int(text)
    if not least <= number <= most:
        raise StripeError(f"Invalid value for {param}: must be between {least} and {most}.", param=param)
    return number


def flag(value: object, param: str) -> bool:
    """`true` or `false`. Raises StripeError."""
    if not isinstance(value, str) or value not in {"true", "false"}:
        raise StripeError(f"Invalid boolean: {str(value)[:50]}", param=param)
    return value == "true"


def _matches(thing: Thing, asked: Thing, filters: Iterable[str]) -> bool:
    for name in filters:
        if name not in asked:
            continue
        wanted = asked[name]
        if name in {"types", "lookup_keys"}:
            if thing[name.removesuffix("s")] not in wanted:
                return False
        elif name == "status" and wanted == "all":
            continue
        elif name == "payment":
            if not isinstance(wanted, dict) or any(thing["payment"].get(key) != value for key, value in wanted.items()):
                return False
        elif isinstance(wanted, dict):
            for operator, bound in wanted.items():
                if operator not in _COMPARED:
                    raise StripeError(f"Received unknown parameter: {name}[{operator}]", param=name)
                if not _COMPARED[operator](thing[name], whole(bound, name, 0, 10**11)):
                    return False
        elif str(_value_of(thing, name)) != wanted:
            return False
    return True


def _value_of(thing: Thing, name: str) -> Any:
    if name == "subscription" and thing["object"] == "invoice":
        return ((thing["parent"] or {}).get("subscription_details") or {}).get("subscription")
    value = thing.get(name)
    return str(value).lower() if isinstance(value, bool) else value


def _place(ids: list[str], given: object, param: str) -> int:
    if given not in ids:
        raise StripeError(f"No such object: '{given}'", code="resource_missing", param=param)
    return ids.index(str(given))


def _wants(endpoint: Thing, kind: str) -> bool:
    return endpoint["status"] == "enabled" and bool({"*", kind} & {*endpoint["enabled_events"]})
