"""People who are reached by WhatsApp, as they ask for it, and as Edge Functions and WhatsApp tell of it."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from tests.database.ai import called_by, trip_of
from tests.database.callers import role
from tests.database.payments import call, person

if TYPE_CHECKING:
    from datetime import datetime

    import psycopg

_TOKENS = itertools.count(1)


def phone() -> str:
    """A number of Italy that nobody has."""
    return f"+3933{uuid.uuid4().int % 10**8:08}"


def ask(db: psycopg.Connection, who: uuid.UUID, number: str) -> str:
    """Ask for a code; the code."""
    called_by(db, who, "select id from public.start_whatsapp_link(%s)", number)
    (code,) = db.execute(
        "select payload #>> '{message,parameters,code}' from private.tasks"
        " where subject = %s and payload #>> '{message,topic}' = 'code'"
        " and private.whatsapp_code_digest(%s, payload #>> '{message,phone}', payload #>> '{message,parameters,code}')"
        " = (select digest from private.whatsapp_codes where user_id = %s)",
        (f"user:{who}", who, who),
    ).fetchone() or (None,)
    assert code is not None
    return str(code)


def verify(db: psycopg.Connection, who: uuid.UUID, code: str) -> bool:
    """Whether a code is taken."""
    called_by(db, who, "select public.verify_whatsapp(%s)", code)
    return called_by(db, who, "select id from public.verified_whatsapp(%s)", code) is not None


def link(db: psycopg.Connection, who: uuid.UUID, number: str | None = None) -> str:
    """Have somebody show that a number is theirs; the number."""
    number = number or phone()
    assert verify(db, who, ask(db, who, number))
    return number


def linked(db: psycopg.Connection) -> tuple[uuid.UUID, str]:
    """Somebody new, and their number."""
    who = person(db)
    return who, link(db, who)


def reached(db: psycopg.Connection, who: uuid.UUID | str | None) -> str:
    """Have somebody be reached without a code, which whoever sends it would send; the number."""
    number = phone()
    db.execute(
        "insert into public.whatsapp_contacts (user_id, phone, verified_at, opted_in_at) values (%s, %s, now(), now())",
        (who, number),
    )
    return number


def travelling(db: psycopg.Connection, *others: uuid.UUID, owner: uuid.UUID) -> uuid.UUID:
    """A trip of the owner's that others are on."""
    trip = trip_of(db, owner)
    for other in others:
        db.execute("insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')", (trip, other))
    return trip


def contact_of(db: psycopg.Connection, who: uuid.UUID) -> dict[str, Any]:
    """What is known of how somebody is reached; empty for nothing."""
    found = db.execute("select to_jsonb(c) from public.whatsapp_contacts as c where user_id = %s", (who,)).fetchone()
    return dict(found[0]) if found else {}


def wants_messages(db: psycopg.Connection, who: uuid.UUID) -> bool:
    """Whether somebody may be sent anything."""
    (answer,) = db.execute("select private.whatsapp_opted_in(%s)", (who,)).fetchone() or (None,)
    return bool(answer)


def reminder(who: uuid.UUID, **more: Any) -> dict[str, Any]:
    """A message that nobody had sent."""
    return {
        "dedupe_key": f"reminder:{uuid.uuid4()}", "sender": None, "recipient": str(who), "trip": None,
        "topic": "reminder", "template": "trip_reminder", "parameters": {"text": "Pack!"}, "text": "Pack!", **more,
    }  # fmt: skip


def begin(db: psycopg.Connection, message: dict[str, Any], token: int | None = None) -> dict[str, Any]:
    """Begin to send, under a token that is larger than those before."""
    return dict(
        call(
            db,
            "select public.begin_whatsapp_message(%s, %s, %s)",
            Jsonb(message), uuid.uuid4(), next(_TOKENS) if token is None else token,
        )
    )  # fmt: skip


def end(
    db: psycopg.Connection,
    message: str,
    outcome: str,
    wamid: str | None = None,
    code: str | None = None,
    token: int | None = None,
) -> str:
    """Say what WhatsApp answered, as whoever is at it; the status that the message has by then."""
    if token is None:
        (token,) = db.execute(
            "select token from private.whatsapp_sends where message_id = %s", (message,)
        ).fetchone() or (0,)
    said = call(db, "select public.end_whatsapp_send(%s, %s, %s, %s, %s)", message, outcome, token, wamid, code)
    return str(said["status"])


def told(
    db: psycopg.Connection, wamid: str, message: str | None, status: str, at: datetime, **more: Any
) -> dict[str, Any]:
    """What WhatsApp tells of a message."""
    pricing = more.get("pricing")
    return dict(
        call(
            db,
            "select public.record_whatsapp_status(%s, %s, %s, %s, %s, %s)",
            wamid, message, status, at, more.get("error_code"), None if pricing is None else Jsonb(pricing),
        )
    )  # fmt: skip


def writes(db: psycopg.Connection, number: str | None, body: str, at: datetime, **more: Any) -> dict[str, Any]:
    """What somebody writes."""
    return dict(
        call(
            db,
            "select public.record_whatsapp_inbound(%s, %s, %s, %s, %s, %s, %s)",
            more.get("wamid", f"wamid.{uuid.uuid4()}"), number, more.get("bsuid"), "Somebody", body, at,
            more.get("answers"),
        )
    )  # fmt: skip


def message_of(db: psycopg.Connection, message: str) -> dict[str, Any]:
    """The row of a message."""
    found = db.execute("select to_jsonb(m) from public.whatsapp_messages as m where id = %s", (message,)).fetchone()
    assert found is not None
    return dict(found[0])


def read_by(db: psycopg.Connection, who: uuid.UUID, message: str) -> dict[str, Any] | None:
    """A message as a person reads it, all that they may."""
    with role(db, "authenticated", {"role": "authenticated", "sub": str(who)}):
        found = db.execute(
            "select jsonb_build_object('status', status, 'body', body, 'sender_id', sender_id)::text"
            " from public.whatsapp_messages where id = %s",
            (message,),
        ).fetchone()
    return json.loads(found[0]) if found else None
