"""What people pay for is written by functions of the database alone, and read by its person without the payload."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import psycopg

    from tests.database.callers import World

TABLES = ["stripe_customers", "subscriptions", "usage_limits", "billing_events", "invoices"]


@pytest.mark.parametrize("table", TABLES)
def test_nobody_may_write_but_functions(db: psycopg.Connection, table: str) -> None:
    held = db.execute(
        """
        select client, privilege
        from unnest(array['anon', 'authenticated', 'service_role', 'authenticator', 'public']) as client,
            unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
        where has_table_privilege(client, %(table)s::regclass, privilege)
            or privilege in ('insert', 'update', 'references')
            and has_any_column_privilege(client, %(table)s::regclass, privilege)
        """,
        {"table": f"public.{table}"},
    )
    assert held.fetchall() == []


@pytest.mark.parametrize("table", TABLES)
def test_no_policy_is_about_writing(db: psycopg.Connection, table: str) -> None:
    found = db.execute(
        "select cmd from pg_policies where schemaname = 'public' and tablename = %s", (table,)
    ).fetchall()
    assert found == [("SELECT",)]


@pytest.mark.parametrize("client", ["anon", "authenticated"])
def test_no_client_reads_what_stripe_sent(db: psycopg.Connection, client: str) -> None:
    held = db.execute(
        "select has_column_privilege(%s, 'public.billing_events'::regclass, 'payload', 'select')", (client,)
    )
    assert held.fetchone() == (False,)


def test_the_payload_is_told_on_no_topic(db: psycopg.Connection, world: World) -> None:
    db.execute("update public.billing_events set status = 'done' where id = %s", (world.owner.billing_events,))
    told = db.execute("select payload::text from realtime.messages where payload::text like '%billing_events%'")
    texts = [text for (text,) in told.fetchall()]
    assert texts
    assert [text for text in texts if "secret" in text] == []


def test_invoices_stay_without_whoever_leaves_and_events_forget_what_they_said(
    db: psycopg.Connection, world: World
) -> None:
    db.execute("delete from auth.users where id = %s", (world.owner.profiles,))
    invoice = db.execute("select user_id, amount_due from public.invoices where id = %s", (world.owner.invoices,))
    (person, due) = invoice.fetchone() or (None, None)
    assert (person, str(due)) == (None, "9.00")
    event = db.execute(
        "select user_id, type, payload from public.billing_events where id = %s", (world.owner.billing_events,)
    )
    assert event.fetchone() == (None, "invoice.paid", {})
