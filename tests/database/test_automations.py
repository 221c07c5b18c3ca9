"""Rules: what they may say, what makes them act, once an event, and how a ring of them ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from tests.database.automations import bell, do_tasks, made_rule, without_rules
from tests.database.callers import AGAINST_POLICY, NOT_GRANTED, World, role

if TYPE_CHECKING:
    import uuid


@pytest.fixture
def people(world: World) -> World:
    return without_rules(world)


def refused(people: World, trigger: str, conditions: object) -> str | None:
    """What a person is told of conditions that they may not make; `None` where they may."""
    when = (3, "08:00") if trigger == "days_before_trip" else (None, None)
    insert = (
        "insert into public.automation_rules (trip_id, trigger, conditions, action, days_before, local_time)"
        """ values (%s, %s, %s, '{"kind": "notify"}', %s, %s)"""
    )
    try:
        with people.acting_as("owner") as db:
            db.execute(insert, (people.owner.trips, trigger, json.dumps(conditions), *when))
    except psycopg.Error as failure:
        told = json.loads(failure.diag.message_primary or "")
    else:
        return None
    assert (told["code"], json.loads(told["hint"])) == ("BAD_USER_INPUT", {"field": "conditions"})
    return str(told["message"])


@pytest.mark.parametrize(
    ("trigger", "conditions"),
    [
        ("trip_status_changed", {"status": {"eq": "BOOKED"}}),
        ("trip_status_changed", {"status": {"in": ["BOOKED", "CANCELLED"]}, "budget": {"gte": "1000.50", "lt": 2000}}),
        ("trip_status_changed", {"startDate": {"gte": "2026-05-01"}, "endDate": {"isNull": False}}),
        ("item_created", {"kind": {"neq": "NOTE"}, "dayNumber": {"lte": 3}, "title": {"icontains": "boat"}}),
        ("item_updated", {"startsAt": {"gt": "2026-05-01T10:00:00Z"}, "notes": {"like": r"100\%%"}}),
        ("item_updated", {"placeId": {"distinctFrom": "5f0c1d1e-0000-4000-8000-000000000000"}}),
        ("collaborator_joined", {"role": {"eq": "EDITOR"}}),
        ("vote_cast", {"value": {"in": ["UP", "DOWN"]}, "comment": {"startsWith": "No"}}),
        ("vote_cast", {"value": {"eq": 1}}),
        ("days_before_trip", {"destination": {"notIn": ["Rome", "Oslo"]}}),
        ("item_created", {"title": {"in": ["a", "b"], "notIn": ["c"], "contains": "a", "endsWith": "b", "eq": "ab"}}),
    ],
)
def test_conditions_are_filters_of_what_it_happens_to(people: World, trigger: str, conditions: object) -> None:
    assert refused(people, trigger, conditions) is None


@pytest.mark.parametrize(
    ("trigger", "conditions", "told"),
    [
        (
            "vote_cast",
            {"status": {"eq": "BOOKED"}},
            "conditions.status: what is compared is one of comment, createdAt,",
        ),
        ("trip_status_changed", {"labels": {"contains": "x"}}, "conditions.labels: what is compared is one of "),
        ("trip_status_changed", {"start_date": {"isNull": True}}, "conditions.start_date: what is compared is one of "),
        ("trip_status_changed", {"or": []}, "conditions.or: what is compared is one of "),
        ("trip_status_changed", {"status": "BOOKED"}, 'conditions.status: say how it is compared, as {"eq": …}.'),
        ("trip_status_changed", {"status": {}}, 'conditions.status: say how it is compared, as {"eq": …}.'),
        ("trip_status_changed", {"status": {"gt": "BOOKED"}}, "conditions.status: there is no operator gt for it."),
        ("trip_status_changed", {"budget": {"like": "1%"}}, "conditions.budget: there is no operator like for it."),
        ("trip_status_changed", {"budget": {"; drop": 1}}, "conditions.budget: there is no operator ; drop for it."),
        (
            "trip_status_changed",
            {"status": {"eq": "booked"}},
            "conditions.status.eq: there is no such choice; they are PLANNING, BOOKED, COMPLETED, CANCELLED.",
        ),
        ("trip_status_changed", {"status": {"in": "BOOKED"}}, "conditions.status.in is a list."),
        ("trip_status_changed", {"budget": {"eq": "a lot"}}, "conditions.budget.eq: this is not a number."),
        ("trip_status_changed", {"budget": {"eq": "NaN"}}, "conditions.budget.eq: this is not a number."),
        ("trip_status_changed", {"budget": {"eq": [1]}}, "conditions.budget.eq: this is not a number."),
        ("trip_status_changed", {"startDate": {"eq": "today"}}, "conditions.startDate.eq: this is not a date, as"),
        ("trip_status_changed", {"startDate": {"eq": "2026-02-30"}}, "conditions.startDate.eq: this is not a date, as"),
        ("item_created", {"startsAt": {"lt": "now"}}, "conditions.startsAt.lt: this is not a moment, as"),
        ("item_created", {"placeId": {"eq": "here"}}, "conditions.placeId.eq: this is not an id."),
        ("item_created", {"title": {"eq": 7}}, "conditions.title.eq: this is not a text of at most 1,000 characters."),
        (
            "item_created",
            {"title": {"eq": None}},
            "conditions.title.eq: this is not a text of at most 1,000 characters.",
        ),
        ("item_created", {"title": {"eq": "x" * 1001}}, "conditions.title.eq: this is not a text of at most"),
        ("item_created", {"title": {"isNull": "yes"}}, "conditions.title.isNull is true or false."),
        (
            "item_created",
            {"title": {"like": "100\\"}},
            "conditions.title.like: a pattern does not end with a single \\.",
        ),
        ("item_created", {"title": {"in": ["x"] * 101}}, "conditions.title.in: a list has at most 100 values."),
        (
            "item_created",
            {"title": {"in": ["x"] * 50}, "notes": {"in": ["x"] * 51}},
            "A rule compares with at most 100 values.",
        ),
        ("vote_cast", {"value": {"eq": "SIDEWAYS"}}, "conditions.value.eq: this is not a number."),
        (
            "item_created",
            {
                "dayNumber": {"gt": 1, "lt": 9, "neq": 2, "gte": 0, "lte": 8, "eq": 3},
                "cost": {"gt": 1, "lt": 9, "neq": 2},
            }
            | {"orderIndex": {"gt": 1, "lt": 9}},
            "A rule makes at most 10 comparisons.",
        ),
    ],
)
def test_other_conditions_are_refused_with_what_is_wrong(
    people: World, trigger: str, conditions: object, told: str
) -> None:
    assert (refused(people, trigger, conditions) or "").startswith(told)


def test_conditions_are_checked_again_with_another_trigger(people: World) -> None:
    rule = made_rule(people, "vote_cast", conditions={"value": {"eq": "UP"}})
    statement = "update public.automation_rules set trigger = 'item_created' where id = %s"
    assert people.attempt("owner", statement, rule) == "BAD_USER_INPUT"


def test_rules_are_made_for_trips_that_one_is_on_and_for_oneself(people: World) -> None:
    insert = (
        "insert into public.automation_rules (user_id, trip_id, trigger, action)"
        """ values (%s, %s, 'vote_cast', '{"kind": "notify"}')"""
    )
    assert people.attempt("viewer", insert, people.viewer.profiles, people.owner.trips) == 1
    assert people.attempt("stranger", insert, people.stranger.profiles, people.owner.trips) == AGAINST_POLICY
    assert people.attempt("viewer", insert, people.owner.profiles, people.owner.trips) == AGAINST_POLICY
    assert people.attempt("anonymous", insert, people.owner.profiles, people.owner.trips) == NOT_GRANTED


def test_a_person_has_a_hundred_rules(people: World) -> None:
    people.db.execute(
        "insert into public.automation_rules (user_id, trip_id, trigger, action)"
        """ select %s, %s, 'vote_cast', '{"kind": "notify"}' from generate_series(1, 99)""",
        (people.viewer.profiles, people.owner.trips),
    )
    insert = (
        "insert into public.automation_rules (trip_id, trigger, action)"
        """ values (%s, 'vote_cast', '{"kind": "notify"}')"""
    )
    assert people.attempt("viewer", insert, people.owner.trips) == 1
    assert people.attempt("viewer", insert, people.owner.trips) == "RATE_LIMITED"
    assert people.attempt("editor", insert, people.owner.trips) == 1


EVENTS: list[tuple[str, LiteralString, str]] = [
    ("trip_status_changed", "update public.trips set status = 'booked' where id = %s", "“Lofoten” is booked now"),
    (
        "item_created",
        "insert into public.trip_items (trip_id, title) values (%s, 'Boat')",
        "“Boat” was added to “Lofoten”",
    ),
    (
        "item_updated",
        "update public.trip_items set title = 'Train' where trip_id = %s",
        "“Train” of “Lofoten” was changed",
    ),
]


@pytest.fixture
def lofoten(people: World) -> World:
    people.db.execute(
        "update public.trips set title = 'Lofoten', status = 'planning' where id = %s", (people.owner.trips,)
    )
    return people


@pytest.mark.parametrize(("trigger", "statement", "title"), EVENTS)
def test_what_happens_on_a_trip_is_told_once_to_whoever_has_a_rule(
    lofoten: World, trigger: str, statement: LiteralString, title: str
) -> None:
    made_rule(lofoten, trigger, lofoten.viewer.profiles, action={"kind": "notify", "text": "Look!"})
    lofoten.db.execute(statement, (lofoten.owner.trips,))
    assert [each["done"] for each in do_tasks(lofoten)] == [True]
    assert do_tasks(lofoten) == []
    assert bell(lofoten, lofoten.viewer.profiles) == [(title, "Look!")]
    assert bell(lofoten, lofoten.owner.profiles) == []
    (link,) = lofoten.db.execute(
        "select link from public.notifications where user_id = %s and kind = 'automation'", (lofoten.viewer.profiles,)
    ).fetchone() or ("",)
    assert link == f"/trips/{lofoten.owner.trips}"


def test_who_joins_and_who_votes_is_told_by_name(lofoten: World) -> None:
    made_rule(lofoten, "collaborator_joined")
    made_rule(lofoten, "vote_cast", conditions={"value": {"eq": "UP"}})
    lofoten.db.execute(
        "insert into public.collaborators (trip_id, user_id, role) values (%s, %s, 'viewer')",
        (lofoten.owner.trips, lofoten.stranger.profiles),
    )
    lofoten.db.execute("update public.trip_items set title = 'Boat' where id = %s", (lofoten.owner.trip_items,))
    for value in (-1, 1):
        lofoten.db.execute(
            "insert into public.votes (trip_item_id, user_id, value) values (%s, %s, %s)"
            " on conflict (trip_item_id, user_id) do update set value = excluded.value",
            (lofoten.owner.trip_items, lofoten.stranger.profiles, value),
        )
    do_tasks(lofoten)
    assert sorted(title for title, _ in bell(lofoten, lofoten.owner.profiles)) == [
        "Stan Stranger joined “Lofoten”",
        "Stan Stranger voted on “Boat” of “Lofoten”",
    ]


def test_conditions_that_do_not_hold_make_no_task(lofoten: World) -> None:
    made_rule(lofoten, "trip_status_changed", conditions={"status": {"eq": "CANCELLED"}})
    made_rule(lofoten, "trip_status_changed", is_enabled=False)
    lofoten.db.execute("update public.trips set status = 'booked' where id = %s", (lofoten.owner.trips,))
    lofoten.db.execute("update public.trips set status = 'booked' where id = %s", (lofoten.owner.trips,))
    lofoten.db.execute("update public.trips set title = 'Loppa' where id = %s", (lofoten.owner.trips,))
    assert lofoten.db.execute("select count(*) from private.tasks").fetchone() == (0,)


def test_rows_of_one_transaction_are_one_event(lofoten: World) -> None:
    made_rule(lofoten, "item_created", conditions={"title": {"neq": "Stop 1"}})
    lofoten.db.execute(
        "insert into public.trip_items (trip_id, title) select %s, 'Stop ' || n from generate_series(1, 50) as n",
        (lofoten.owner.trips,),
    )
    do_tasks(lofoten)
    assert bell(lofoten, lofoten.owner.profiles) == [("“Stop 2” was added to “Lofoten”", None)]


def test_an_item_that_makes_room_for_another_has_not_changed(lofoten: World) -> None:
    made_rule(lofoten, "item_updated")
    lofoten.db.execute("update public.trip_items set order_index = order_index + 1, title = title")
    assert lofoten.db.execute("select count(*) from private.tasks").fetchone() == (0,)


@pytest.mark.parametrize(
    "leave",
    [
        "delete from public.collaborators where user_id = %(person)s",
        "update public.trips set user_id = %(other)s where id = %(trip)s",
    ],
)
def test_who_has_left_is_told_nothing_and_has_no_rule_any_more(lofoten: World, leave: LiteralString) -> None:
    person = lofoten.viewer.profiles if "collaborators" in leave else lofoten.owner.profiles
    made_rule(lofoten, "item_created", person)
    lofoten.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", (lofoten.owner.trips,))
    lofoten.db.execute(leave, {"person": person, "other": lofoten.stranger.profiles, "trip": lofoten.owner.trips})
    assert do_tasks(lofoten) == [{"done": False, "reason": "rule_gone"}]
    assert bell(lofoten, person) == []


def test_the_right_to_the_trip_is_asked_when_it_acts(lofoten: World) -> None:
    """Whatever became of the rule: here it stays, as where somebody joins again."""
    made_rule(lofoten, "item_created", lofoten.viewer.profiles)
    lofoten.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", (lofoten.owner.trips,))
    lofoten.db.execute("alter table public.collaborators disable trigger withdraw_collaborators_rules")
    lofoten.db.execute("delete from public.collaborators where user_id = %s", (lofoten.viewer.profiles,))
    assert [(each["done"], each["reason"]) for each in do_tasks(lofoten)] == [(False, "left_trip")]
    assert bell(lofoten, lofoten.viewer.profiles) == []


def test_who_wants_to_be_told_nothing_of_trips_is_not(lofoten: World) -> None:
    made_rule(lofoten, "item_created")
    lofoten.db.execute(
        "insert into public.notification_preferences (user_id, topic, channel, is_enabled)"
        " values (%s, 'trip_changes', 'bell', false)",
        (lofoten.owner.profiles,),
    )
    lofoten.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", (lofoten.owner.trips,))
    assert [each["reason"] for each in do_tasks(lofoten)] == ["not_wanted"]


def test_a_task_said_to_be_done_again_does_nothing_more(lofoten: World) -> None:
    made_rule(lofoten, "item_created")
    lofoten.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", (lofoten.owner.trips,))
    with role(lofoten.db, "service_role"):
        task, token = (
            lofoten.db.execute("select id, token from public.claim_tasks('{run_automation}')").fetchone() or ()
        )
        run = "select public.run_automation_task(%s, %s) ->> 'done'"
        assert lofoten.db.execute(run, (task, token)).fetchone() == ("true",)
        lofoten.db.execute("delete from public.notifications")
        assert lofoten.db.execute(run, (task, token)).fetchone() == ("false",)
    assert bell(lofoten, lofoten.owner.profiles) == []
    assert lofoten.attempt("service", run, task, token + 1) == "CONFLICT"
    assert lofoten.attempt("owner", run, task, token) == NOT_GRANTED


def told_by_hand(people: World, rule: uuid.UUID, actor: Any = "owner", **given: bool) -> Any:
    with people.acting_as(actor) as db:
        call = f"select public.trigger_automation(%s{', %s' if given else ''})"
        return (db.execute(call, (rule, *given.values())).fetchone() or (None,))[0]  # type: ignore[arg-type]


def test_by_hand_it_is_said_what_would_be_done_and_done_where_that_is_said(lofoten: World) -> None:
    rule = made_rule(lofoten, "item_created", action={"kind": "notify", "text": "Look!"}, is_enabled=False)
    lofoten.db.execute("update public.trip_items set title = 'Boat' where id = %s", (lofoten.owner.trip_items,))
    would = {
        "done": False,
        "reason": None,
        "channel": "bell",
        "title": "“Boat” was added to “Lofoten”",
        "text": "Look!",
    }
    assert told_by_hand(lofoten, rule) == would
    assert told_by_hand(lofoten, rule, dry_run=False)["reason"] == "disabled"
    lofoten.db.execute("update public.automation_rules set is_enabled = true")
    assert bell(lofoten, lofoten.owner.profiles) == []
    assert told_by_hand(lofoten, rule, dry_run=False) == {**would, "done": True}
    assert bell(lofoten, lofoten.owner.profiles) == [("“Boat” was added to “Lofoten”", "Look!")]


def test_by_hand_it_is_said_why_nothing_is_done(lofoten: World) -> None:
    of_kind = made_rule(lofoten, "item_created", conditions={"kind": {"eq": "NOTE"}})
    by_whatsapp = made_rule(lofoten, "item_created", action={"kind": "send_whatsapp"})
    of_votes = made_rule(lofoten, "vote_cast")
    lofoten.db.execute("update public.trip_items set kind = 'food'")
    lofoten.db.execute("delete from public.votes")
    lofoten.db.execute("delete from public.whatsapp_contacts")
    assert told_by_hand(lofoten, of_kind)["reason"] == "conditions"
    assert told_by_hand(lofoten, by_whatsapp)["reason"] == "opted_out"
    assert told_by_hand(lofoten, of_votes)["reason"] == "no_row"


def test_nobody_triggers_the_rule_of_another(lofoten: World) -> None:
    rule = made_rule(lofoten, "item_created")
    assert lofoten.attempt("editor", "select public.trigger_automation(%s)", rule) == "NOT_FOUND"
    assert lofoten.attempt("service", "select public.trigger_automation(%s)", rule) == NOT_GRANTED


def test_a_write_that_no_rule_is_about_reads_an_index_and_no_rule(people: World) -> None:
    """However many rules there are of other trips."""
    people.db.execute(
        "insert into public.trips (id, user_id, title) select gen_random_uuid(), %s, 'T' from generate_series(1, 99)",
        (people.stranger.profiles,),
    )
    people.db.execute(
        "insert into public.automation_rules (user_id, trip_id, trigger, action)"
        """ select user_id, id, 'item_created', '{"kind": "notify"}' from public.trips where title = 'T'""",
    )
    people.db.execute("set local enable_seqscan = off")
    plan = people.db.execute(
        "explain (format json) select from public.automation_rules"
        " where trip_id = %s and trigger = 'item_created' and is_enabled",
        (people.owner.trips,),
    ).fetchone()
    assert plan is not None
    assert plan[0][0]["Plan"]["Index Name"] == "idx_automation_rules_trip_id_trigger"
    people.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", (people.owner.trips,))
    assert people.db.execute("select count(*) from private.tasks where kind = 'run_automation'").fetchone() == (0,)


def test_a_rule_costs_those_who_write_next_to_nothing(people: World) -> None:
    """What it compares is looked up when it is made, and of many rows no rule is asked behind the one that it tells."""
    for compared in ({"title": {"eq": "Boat"}}, {"dayNumber": {"in": list(range(100, 200))}}, {}):
        made_rule(people, "item_created", conditions=compared)
    people.db.execute("set local track_functions = 'all'")
    people.db.execute(
        "insert into public.trip_items (trip_id, title) select %s, 'Boat' from generate_series(1, 50)",
        (people.owner.trips,),
    )
    called_for = dict(
        people.db.execute(
            "select funcname, calls from pg_stat_xact_user_functions where schemaname = 'private'"
            " and funcname in ('parsed_conditions', 'automation_columns', 'condition_value', 'compares', 'enqueue')"
        ).fetchall()
    )
    # The second compares a day that no row has, of each row; the first and the third have told of the first row.
    assert called_for == {"compares": 51, "enqueue": 2}


def test_what_is_compared_follows_the_rule(people: World) -> None:
    rule = made_rule(people, "item_created", conditions={"title": {"eq": "Boat"}})
    people.db.execute(
        "update public.automation_rules set trigger = 'trip_status_changed', conditions = %s where id = %s",
        (json.dumps({"status": {"eq": "BOOKED"}}), rule),
    )
    people.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", (people.owner.trips,))
    assert people.db.execute("select count(*) from private.tasks").fetchone() == (0,)
    people.db.execute("update public.trips set status = 'booked' where id = %s", (people.owner.trips,))
    assert people.db.execute("select count(*) from private.tasks").fetchone() == (1,)
    people.db.execute("update public.automation_rules set conditions = '{}' where id = %s", (rule,))
    assert people.db.execute("select count(*) from private.rule_comparisons").fetchone() == (0,)


def test_whoever_has_much_done_has_others_wait_for_little_of_it(people: World) -> None:
    people.db.execute(
        "insert into private.tasks (kind, subject)"
        " select 'run_automation', 'user:' || %s::uuid from generate_series(1, 150)",
        (people.owner.profiles,),
    )
    mine, others = (made_rule(people, "item_created", person) for person in (None, people.editor.profiles))
    people.db.execute("insert into public.trip_items (trip_id, title) values (%s, 'Boat')", (people.owner.trips,))
    due = people.db.execute(
        "select payload ->> 'rule', extract(epoch from run_at - now())::float8"
        " from private.tasks where payload ? 'rule'"
    ).fetchall()
    # A hundred are due at once, and ten a second from then on.
    assert dict(due) == {str(mine): pytest.approx(5.1), str(others): 0}


def test_of_one_persons_rules_a_thousand_things_wait_and_they_are_told_what_is_passed_over(people: World) -> None:
    people.db.execute(
        "insert into private.tasks (kind, subject)"
        " select 'run_automation', 'user:' || %s::uuid from generate_series(1, 999)",
        (people.owner.profiles,),
    )
    for name in ("item_created", "item_updated"):
        made_rule(people, name)
    others = made_rule(people, "item_created", people.editor.profiles)
    insert = "insert into public.trip_items (trip_id, title) values (%s, 'Boat') returning id"
    row = people.db.execute(insert, (people.owner.trips,)).fetchone()
    assert row
    people.db.execute("update public.trip_items set title = 'Ship' where id = %s", row)
    people.db.execute("update public.trip_items set title = 'Raft' where id = %s", row)
    of_rules = "select payload ->> 'rule' from private.tasks where payload ? 'rule'"
    assert {rule for (rule,) in people.db.execute(of_rules)} > {str(others)}
    assert len(people.db.execute(of_rules).fetchall()) == 2
    told = people.db.execute("select user_id from public.notifications where kind = 'rules_passed_over'").fetchall()
    assert told == [(people.owner.profiles,)]
