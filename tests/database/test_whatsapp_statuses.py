"""What WhatsApp tells of messages: in any order, however often and by however many at once, it comes to one end."""

from __future__ import annotations

import random
import threading
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.payments import limits, person
from tests.database.whatsapp import begin, contact_of, end, linked, message_of, reached, reminder, told, writes
from tests.support import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tripgate.local.stack import StackInfo

NOW = datetime.now(UTC).replace(microsecond=0)
CLIMB = ("sent", "failed", "delivered", "read")
# What a message to Italy costs in US dollars, as the program's rows say.
PRICES = {"marketing": Decimal("0.0691"), "utility": Decimal("0.03"), "authentication": Decimal("0.03")}


@dataclass(frozen=True, slots=True)
class Event:
    """What is told, or what the one who sends it hears: of that the status is `accepted`."""

    status: str
    second: int = 0
    category: str | None = None
    billable: bool | None = None
    is_named: bool = True
    """Whether it says our id of the message."""

    @property
    def at(self) -> datetime:
        return NOW + timedelta(seconds=self.second)

    @property
    def error_code(self) -> str | None:
        return f"1310{self.second:02}" if self.status == "failed" else None

    @property
    def pricing(self) -> dict[str, Any] | None:
        said = {"category": self.category, "billable": self.billable, "pricing_model": "PMP"}
        given = {name: value for name, value in said.items() if value is not None}
        return given if len(given) > 1 else None


ACCEPTED = Event("accepted")
NEXT = Event("begun by the next")
UNHEARD = Event("unknown")

EVENTS = st.builds(
    Event,
    st.sampled_from(CLIMB),
    st.integers(0, 3),
    st.sampled_from([None, "utility", "marketing", "service"]),
    st.sampled_from([None, True, False]),
    st.booleans(),
)
# WhatsApp tells the same of a message at a time, however often.
TOLD = st.lists(EVENTS, max_size=6, unique_by=lambda event: (event.status, event.second))
HEARD = st.lists(st.sampled_from([ACCEPTED, NEXT, UNHEARD]), max_size=3)


@st.composite
def told_in_some_order(draw: st.DrawFn) -> list[Event]:
    """What is told and heard of one message, some of it twice."""
    once = [*draw(TOLD), *draw(HEARD)]
    again = draw(st.lists(st.sampled_from(once), max_size=4)) if once else []
    return draw(st.permutations(once + again))


class Message:
    """One that is being sent."""

    def __init__(self, db: psycopg.Connection, *, is_open: bool = False) -> None:
        self.who = person(db)
        number = reached(db, self.who)
        if is_open:
            writes(db, number, "Hello", NOW)
        self.asked = reminder(self.who, text=None)
        self.is_free = is_open
        self.id: str = begin(db, self.asked, token=1)["id"]
        self.wamid = f"wamid.{uuid.uuid4()}"

    def hears(self, db: psycopg.Connection, event: Event) -> None:
        if event == ACCEPTED:
            end(db, self.id, "accepted", self.wamid)
        elif event == UNHEARD:
            end(db, self.id, "unknown")
        elif event == NEXT:
            assert begin(db, self.asked, token=2)["do"] == "nothing"
        else:
            known = self.id if event.is_named else None
            more = {"error_code": event.error_code, "pricing": event.pricing}
            told(db, self.wamid, known, event.status, event.at, **more)

    def comes_to(self, db: psycopg.Connection) -> dict[str, Any]:
        row = message_of(db, self.id)
        return {
            "status": row["status"],
            "error_code": row["error_code"],
            "category": row["category"],
            "cost": Decimal(str(row["cost"])).normalize(),
            "times": {status: row[f"{status}_at"] and datetime.fromisoformat(row[f"{status}_at"]) for status in CLIMB},
            "used": limits(db, self.who)["whatsapp_messages"][1:],
            "events": db.execute(
                "select count(*) from public.delivery_events where wamid = %s", (self.wamid,)
            ).fetchone(),
        }

    def is_to_come_to(self, heard: Sequence[Event], times: dict[str, datetime | None]) -> dict[str, Any]:
        """What `comes_to` is to be; of times of which nothing was told it takes what is there."""
        events = {event for event in heard if event.status in CLIMB}
        known = ACCEPTED in heard or any(event.is_named for event in events)
        counted = sorted(events, key=lambda event: (event.second, event.category or "")) if known else []
        reached = [event.status for event in counted] + ["sent"] * (ACCEPTED in heard)
        status = (
            max(reached, key=CLIMB.index) if reached else ("unknown" if {NEXT, UNHEARD} & set(heard) else "sending")
        )
        category = next((event.category for event in counted if event.category), "utility")
        said = [event.billable for event in counted if event.billable is not None]
        free = not all(said) if said else self.is_free
        first = {name: min((event.at for event in counted if event.status == name), default=None) for name in CLIMB}
        if first["sent"] is None and ACCEPTED in heard:
            first["sent"] = times["sent"]
        if status != "failed":
            first["failed"] = None
        return {
            "status": status,
            "error_code": next((e.error_code for e in counted if e.status == "failed"), None)
            if status == "failed"
            else None,
            "category": category,
            "cost": (
                Decimal(0)
                if free or status == "failed" or not reached
                else PRICES.get(category, Decimal(0)).normalize()
            ),
            "times": first,
            "used": ("1", "0") if reached else ("0", "1"),
            "events": (len(events),),
        }


@given(heard=told_in_some_order(), is_open=st.booleans())
@settings(max_examples=examples(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_any_order_and_repetition_comes_to_one_end(db: psycopg.Connection, heard: list[Event], is_open: bool) -> None:
    with db.transaction(force_rollback=True):
        message = Message(db, is_open=is_open)
        for event in heard:
            message.hears(db, event)
        came_to = message.comes_to(db)
        assert came_to == message.is_to_come_to(heard, came_to["times"])


@given(heard=told_in_some_order())
@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
def test_it_only_climbs(db: psycopg.Connection, heard: list[Event]) -> None:
    ranks = {"sending": 0, "unknown": 1, **{status: place + 2 for place, status in enumerate(CLIMB)}}
    with db.transaction(force_rollback=True):
        message = Message(db)
        reached = [0]
        for event in heard:
            message.hears(db, event)
            reached.append(ranks[message_of(db, message.id)["status"]])
        assert reached == sorted(reached)


class TestStatuses:
    def test_read_without_delivered(self, db: psycopg.Connection) -> None:
        message = Message(db)
        for event in (ACCEPTED, Event("read", 2)):
            message.hears(db, event)
        row = message_of(db, message.id)
        assert (row["status"], row["delivered_at"]) == ("read", None)

    def test_not_failed_after_delivered(self, db: psycopg.Connection) -> None:
        message = Message(db)
        for event in (Event("delivered", 1), Event("failed", 2)):
            message.hears(db, event)
        assert (message_of(db, message.id)["status"], message_of(db, message.id)["error_code"]) == ("delivered", None)

    def test_what_is_told_before_the_answer_counts(self, db: psycopg.Connection) -> None:
        message = Message(db)
        message.hears(db, Event("delivered", 1, is_named=False))
        assert message_of(db, message.id)["status"] == "sending"
        message.hears(db, ACCEPTED)
        assert message_of(db, message.id)["status"] == "delivered"

    def test_another_messages_are_not_this_ones(self, db: psycopg.Connection) -> None:
        message = Message(db)
        message.hears(db, ACCEPTED)
        assert told(db, "wamid.other", message.id, "read", NOW) == {"status": "unknown_message"}
        assert message_of(db, message.id)["status"] == "sent"

    def test_of_what_is_not_known_there_is_no_message(self, db: psycopg.Connection) -> None:
        for known in (None, str(uuid.uuid4())):
            assert told(db, f"wamid.{uuid.uuid4()}", known, "sent", NOW) == {"status": "unknown_message"}

    def test_other_words_are_ignored(self, db: psycopg.Connection) -> None:
        message = Message(db)
        for status in ("deleted", "warning", "", "READ"):
            assert told(db, message.wamid, message.id, status, NOW) == {"status": "ignored"}
        assert message_of(db, message.id)["status"] == "sending"

    def test_what_somebody_wrote_has_no_statuses(self, db: psycopg.Connection) -> None:
        _, number = linked(db)
        wrote = writes(db, number, "Hello", NOW, wamid="wamid.wrote")["message"]
        for known in (None, wrote):
            assert told(db, "wamid.wrote", known, "failed", NOW) == {"status": "unknown_message"}
        assert message_of(db, wrote)["status"] == "received"

    def test_no_marketing_any_more_is_written_down(self, db: psycopg.Connection) -> None:
        message = Message(db)
        told(db, message.wamid, message.id, "failed", NOW, error_code="131050")
        (may,) = db.execute("select private.may_notify(%s, 'marketing', 'whatsapp')", (message.who,)).fetchone() or (
            {},
        )
        assert may["allowed"] is False
        assert message_of(db, message.id)["error_code"] == "RECIPIENT_OPTED_OUT"

    @pytest.mark.parametrize(("wrote", "is_open"), [(-60, False), (60, True)], ids=["before", "since"])
    def test_a_window_that_is_closed_there_is_closed_here(
        self, db: psycopg.Connection, wrote: int, is_open: bool
    ) -> None:
        message = Message(db)
        sent_at = message_of(db, message.id)["sending_at"]
        db.execute(
            "update public.whatsapp_contacts set last_inbound_at = %s::timestamptz + make_interval(secs => %s)"
            " where user_id = %s",
            (sent_at, wrote, message.who),
        )
        told(db, message.wamid, message.id, "failed", NOW, error_code="131047")
        assert message_of(db, message.id)["error_code"] == "TEMPLATE_REQUIRED"
        assert (contact_of(db, message.who)["last_inbound_at"] is not None) is is_open


class TestCosts:
    @pytest.mark.parametrize(
        ("is_open", "event", "cost"),
        [
            (False, ACCEPTED, "0.03"),
            (True, ACCEPTED, "0"),
            (False, Event("sent", 0, "utility", True), "0.03"),
            (False, Event("sent", 0, "utility", False), "0"),
            (True, Event("sent", 0, "utility", False), "0"),
            # WhatsApp says what it is.
            (True, Event("sent", 0, "marketing", True), "0.0691"),
            (False, Event("sent", 0, "service", True), "0"),
            (False, Event("failed"), "0"),
        ],
        ids=str,
    )
    def test_are_what_is_charged(self, db: psycopg.Connection, is_open: bool, event: Event, cost: str) -> None:
        message = Message(db, is_open=is_open)
        message.hears(db, event)
        assert message.comes_to(db)["cost"] == Decimal(cost)

    @pytest.mark.parametrize(
        ("phone", "country"),
        [
            ("+393331234567", "IT"),
            ("+12125550123", "US"),
            ("+14165550123", "CA"),
            ("+77012345678", "KZ"),
            ("+79161234567", "RU"),
            ("+9991234567", "*"),
        ],
    )
    def test_are_of_the_country_of_the_number(self, db: psycopg.Connection, phone: str, country: str) -> None:
        assert db.execute("select private.whatsapp_country(%s, null)", (phone,)).fetchone() == (country,)

    def test_are_of_the_day(self, db: psycopg.Connection) -> None:
        db.execute(
            "insert into private.whatsapp_rates (country, category, valid_from, price) values"
            " ('IT', 'utility', '2031-01-01', 0.05), ('*', 'utility', '2031-02-01', 0.99)"
        )
        for country, day, price in (
            ("IT", "2030-12-31", "0.030000"),
            ("IT", "2031-01-01", "0.050000"),
            ("IT", "2031-03-01", "0.050000"),
            ("LU", "2031-01-31", "0.055000"),
            ("LU", "2031-02-01", "0.990000"),
            ("IT", "1999-01-01", "0"),
        ):
            found = db.execute("select private.whatsapp_price(%s, 'utility', %s)", (country, day)).fetchone()
            assert found == (Decimal(price),)


def at_once(url: str, deeds: list[list[tuple[Message, Event]]]) -> None:
    """What several do at the same time, each deed in a transaction of its own."""
    failures: list[BaseException] = []
    ready = threading.Barrier(len(deeds))

    def do(mine: list[tuple[Message, Event]]) -> None:
        try:
            with psycopg.connect(url, autocommit=True) as db:
                ready.wait(60)
                for message, event in mine:
                    message.hears(db, event)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=do, args=(mine,)) for mine in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_four_at_once_come_to_the_same_end(seeded: StackInfo) -> None:
    """Of thirty messages each tells all that there is, in an order of its own."""
    chance = random.Random(21)
    events = [
        ACCEPTED,
        Event("sent", 0, "utility", True, is_named=False),
        Event("delivered", 1, "utility", True),
        Event("read", 2, is_named=False),
        Event("failed", 3),
    ]
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        messages = [Message(db) for _ in range(30)]
        # About the same messages at about the same time.
        deeds = [
            [(message, event) for message in messages for event in chance.sample(events, len(events))] for _ in range(4)
        ]
        at_once(seeded.admin_db_url, deeds)
        for message in messages:
            came_to = message.comes_to(db)
            assert came_to == message.is_to_come_to(events, came_to["times"])


def test_what_is_told_while_the_answer_is_written_down_is_not_lost(seeded: StackInfo) -> None:
    with psycopg.connect(seeded.admin_db_url, autocommit=True) as db:
        message = Message(db)
        with psycopg.connect(seeded.admin_db_url) as telling, telling.transaction():
            message.hears(telling, Event("delivered", 1, is_named=False))
            answering = threading.Thread(target=at_once, args=(seeded.admin_db_url, [[(message, ACCEPTED)]]))
            answering.start()
            # Whether it waits for what is being told, or not.
            answering.join(1)
        answering.join()
        assert message_of(db, message.id)["status"] == "delivered"
