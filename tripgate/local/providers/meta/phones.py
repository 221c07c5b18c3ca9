"""People's phones: who has which number and id, and what each holds."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator

MOST_PHONES = 20_000
MOST_HELD = 500
_DIGITS = "123456789"
# By the numbers' beginning: where somebody's id is from.
_COUNTRIES = {
    "1": "US", "31": "NL", "33": "FR", "34": "ES", "39": "IT", "41": "CH", "43": "AT", "44": "GB", "49": "DE",
    "52": "MX", "55": "BR", "62": "ID", "91": "IN", "351": "PT",
}  # fmt: skip

Standing = Literal["accepted", "sent", "delivered", "read", "failed", "received"]
RANK: dict[str, int] = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4, "received": 5}


@dataclass
class Held:
    """A message on a phone. What the person `wrote` has no `callback` and no `pricing`."""

    wamid: str
    text: str
    at: datetime.datetime
    wrote: bool = False
    template: str | None = None
    callback: str | None = None
    context: str | None = None
    pricing: dict[str, Any] = field(default_factory=dict)
    standing: Standing = "accepted"

    def as_json(self) -> dict[str, Any]:
        """As tests read it."""
        return {
            "wamid": self.wamid,
            "direction": "inbound" if self.wrote else "outbound",
            "text": self.text,
            "at": self.at.isoformat(),
            "template": self.template,
            "callback": self.callback,
            "context": self.context,
            "category": self.pricing.get("category"),
            "status": self.standing,
        }


@dataclass
class Phone:
    """Somebody's.

    Attributes:
        number: Digits alone; None for who shows their user name and no number.
        bsuid: The id that they have for this business alone.
        undeliverable: Nothing reaches it: it has no WhatsApp, or has blocked the business.
        stops_marketing: They chose so in their app.
        last_inbound: When they wrote last.
        free_at: When the business may send the next message.
        version: Grows with each change of what is shown.
    """

    number: str | None
    bsuid: str
    name: str
    username: str | None = None
    undeliverable: bool = False
    stops_marketing: bool = False
    last_inbound: datetime.datetime | None = None
    free_at: datetime.datetime | None = None
    version: int = 0
    messages: deque[Held] = field(default_factory=lambda: deque(maxlen=MOST_HELD))

    def hold(self, message: Held) -> None:
        """Have one more."""
        self.messages.append(message)
        self.version += 1

    def stand(self, message: Held, standing: Standing) -> None:
        """Show how a message stands: only ever further on."""
        if RANK[standing] > RANK[message.standing]:
            message.standing = standing
            self.version += 1

    def unread(self) -> list[Held]:
        """What has come and was not looked at yet."""
        return [each for each in self.messages if not each.wrote and each.standing not in {"read", "failed"}]

    def as_contact(self) -> dict[str, Any]:
        """As webhooks name them."""
        profile = {"name": self.name, **({"username": self.username} if self.username else {})}
        return {"profile": profile, **({"wa_id": self.number} if self.number else {}), "user_id": self.bsuid}

    def as_json(self) -> dict[str, Any]:
        """As tests read it."""
        return {
            "number": self.number and f"+{self.number}",
            "bsuid": self.bsuid,
            "name": self.name,
            "username": self.username,
            "undeliverable": self.undeliverable,
            "stopsMarketing": self.stops_marketing,
            "messages": [each.as_json() for each in self.messages],
        }


class Phones:
    """All that are known. Every number in the world is somebody's: it is known once it was named."""

    def __init__(self) -> None:
        self._by_bsuid: dict[str, Phone] = {}
        self._by_number: dict[str, Phone] = {}

    def of(self, number: str | None, bsuid: str | None = None) -> Phone | None:
        """Whose number that is, or whose id; None where an id is nobody's."""
        if number is None:
            return self._by_bsuid.get(bsuid or "")
        phone = self._by_number.get(number)
        return phone if phone is not None else self._add(Phone(number, id_of(number), f"Phone {number[-4:]}"))

    def named(self, name: str) -> Phone:
        """By how people write a number, or by an id. Raises LookupError, ValueError."""
        number = number_in(name)
        found = self.of(number, None if number else name)
        if found is None:
            raise LookupError(f"There is no phone {name[:100]}")
        return found

    def known(self, name: str) -> Phone | None:
        """As `named`, where it was named before."""
        number = number_in(name)
        return self._by_bsuid.get(name) if number is None else self._by_number.get(number)

    def without_number(self, username: str, name: str) -> Phone:
        """Somebody who shows their user name alone."""
        bsuid = id_of(f"@{username}")
        found = self._by_bsuid.get(bsuid)
        return found if found is not None else self._add(Phone(None, bsuid, name, username))

    def change_number(self, phone: Phone, number: str) -> None:
        """Somebody takes another number, and so another id. Raises ValueError where it is somebody's already."""
        other = self._by_number.get(number)
        if other is phone or (other is not None and other.messages):
            raise ValueError(f"+{number} is somebody's already")
        if other is not None:
            self._by_bsuid.pop(other.bsuid)
        if phone.number is not None:
            self._by_number.pop(phone.number)
        self._by_bsuid.pop(phone.bsuid)
        phone.number, phone.bsuid = number, id_of(number)
        phone.version += 1
        self._add(phone)

    def all(self) -> Iterator[Phone]:
        """All, the oldest first."""
        return iter(self._by_bsuid.values())

    def forget(self) -> None:
        """Know none."""
        self._by_bsuid.clear()
        self._by_number.clear()

    def _add(self, phone: Phone) -> Phone:
        self._by_bsuid[phone.bsuid] = phone
        if phone.number is not None:
            self._by_number[phone.number] = phone
        while len(self._by_bsuid) > MOST_PHONES:
            oldest = self._by_bsuid.pop(next(iter(self._by_bsuid)))
            if oldest.number is not None:
                self._by_number.pop(oldest.number, None)
        return phone


def number_in(name: str) -> str | None:
    """The digits of what looks like a number, or None. Raises ValueError where that is none."""
    if not re.fullmatch(r"\+?[\d\s()./-]+", name.strip()):
        return None
    digits = re.sub(r"\D", "", name)
    if not 7 <= len(digits) <= 15 or digits.startswith("0"):
        raise ValueError("A number has 7 to 15 digits, its country first")
    return digits


def id_of(person: str) -> str:
    """The id for this business of who has this number, or this user name behind `@`: always the same."""
    country = next((_COUNTRIES[person[:size]] for size in (3, 2, 1) if person[:size] in _COUNTRIES), "US")
    digest = hashlib.sha256(person.encode()).digest()[:20]
    return f"{country}.{''.join(_DIGITS[each % len(_DIGITS)] for each in digest)}"
