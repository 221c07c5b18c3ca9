"""Two people sign up, one plans a trip, and row level security shows it to that one alone."""

from tests.support import Person

PLAN = """
mutation ($input: CreateTripInput!) {
  createTrip(input: $input) { id title status startDate endDate budget currency owner { id displayName } }
}
"""
ITEMS = """
mutation ($inputs: [CreateTripItemInput!]!) {
  createTripItems(inputs: $inputs) { id title kind dayNumber orderIndex cost trip { title } }
}
"""
ROME = {
    "title": "Rome",
    "status": "BOOKED",
    "startDate": "2027-04-01",
    "endDate": "2027-04-03",
    "budget": "900.50",
}


async def plan_rome(person: Person) -> str:
    """A trip with three items; its id."""
    data = await person.ask(PLAN, input=ROME)
    trip_id = data["createTrip"]["id"]
    await person.ask(
        ITEMS,
        inputs=[
            {"tripId": trip_id, "title": "Supper", "kind": "FOOD", "dayNumber": 1, "orderIndex": 2, "cost": "45.00"},
            {"tripId": trip_id, "title": "Forum", "dayNumber": 1, "orderIndex": 1, "cost": "16.00"},
            {"tripId": trip_id, "title": "Ostia", "dayNumber": 2},
        ],
    )
    return trip_id


async def test_the_owner_reads_back_what_was_planned(newcomer: Person) -> None:
    data = await newcomer.ask(PLAN, input=ROME)
    created = data["createTrip"]
    trip_id = created.pop("id")
    profile = (await newcomer.ask("{ viewer { id displayName } }"))["viewer"]
    assert created == {
        "title": "Rome",
        "status": "BOOKED",
        "startDate": "2027-04-01",
        "endDate": "2027-04-03",
        "budget": "900.50",
        "currency": "EUR",
        "owner": profile,
    }
    assert profile["id"] == newcomer.id

    data = await newcomer.ask(
        ITEMS,
        inputs=[
            {"tripId": trip_id, "title": "Supper", "kind": "FOOD", "orderIndex": 2, "cost": "45.00"},
            {"tripId": trip_id, "title": "Forum", "orderIndex": 1},
        ],
    )
    assert [(item["title"], item["kind"], item["cost"], item["trip"]) for item in data["createTripItems"]] == [
        ("Supper", "FOOD", "45.00", {"title": "Rome"}),
        ("Forum", "ACTIVITY", None, {"title": "Rome"}),
    ]

    data = await newcomer.ask("{ trips { nodes { title items { nodes { title } totalCount } } totalCount } }")
    assert data["trips"] == {
        "nodes": [{"title": "Rome", "items": {"nodes": [{"title": "Forum"}, {"title": "Supper"}], "totalCount": 2}}],
        "totalCount": 1,
    }


async def test_nested_lists_are_filtered_ordered_and_paged(newcomer: Person) -> None:
    trip_id = await plan_rome(newcomer)
    data = await newcomer.ask(
        """query ($id: UUID!) {
             trip(id: $id) {
               paid: items(filter: { cost: { gt: "1" } }, orderBy: [{ cost: DESC }]) { nodes { title cost } totalCount }
               lastOne: items(last: 1) { nodes { title } pageInfo { hasPreviousPage hasNextPage } }
             }
           }""",
        id=trip_id,
    )
    assert data["trip"] == {
        "paid": {"nodes": [{"title": "Supper", "cost": "45.00"}, {"title": "Forum", "cost": "16.00"}], "totalCount": 2},
        "lastOne": {"nodes": [{"title": "Ostia"}], "pageInfo": {"hasPreviousPage": True, "hasNextPage": False}},
    }


async def test_somebody_else_sees_and_changes_nothing(newcomer: Person, ben: Person) -> None:
    trip_id = await plan_rome(newcomer)
    item_id = (await newcomer.ask("{ trips { nodes { items(first: 1) { nodes { id } } } } }"))["trips"]["nodes"][0][
        "items"
    ]["nodes"][0]["id"]

    assert await ben.ask("query ($id: UUID!) { trip(id: $id) { title } }", id=trip_id) == {"trip": None}
    seen = await ben.ask(
        "query ($id: UUID!) { trips(filter: { id: { eq: $id } }) { nodes { id } totalCount } }", id=trip_id
    )
    assert seen == {"trips": {"nodes": [], "totalCount": 0}}

    update = 'mutation ($id: UUID!) { updateTrip(id: $id, patch: { title: "Mine" }) { id } }'
    assert await ben.code(update, id=trip_id) == "NOT_FOUND"
    assert await ben.code("mutation ($id: UUID!) { deleteTrip(id: $id) { id } }", id=trip_id) == "NOT_FOUND"
    add = 'mutation ($id: UUID!) { createTripItem(input: { tripId: $id, title: "Mine" }) { id } }'
    assert await ben.code(add, id=trip_id) == "FORBIDDEN"
    change = 'mutation ($id: UUID!) { updateTripItem(id: $id, patch: { title: "Mine" }) { id } }'
    assert await ben.code(change, id=item_id) == "NOT_FOUND"
    assert await ben.code("mutation ($id: UUID!) { deleteTripItem(id: $id) { id } }", id=item_id) == "NOT_FOUND"

    data = await newcomer.ask("query ($id: UUID!) { trip(id: $id) { title items { totalCount } } }", id=trip_id)
    assert data == {"trip": {"title": "Rome", "items": {"totalCount": 3}}}


async def test_nobody_sees_and_changes_nothing(newcomer: Person, anonymous: Person) -> None:
    trip_id = await plan_rome(newcomer)
    assert await anonymous.ask("{ viewer { id } }") == {"viewer": None}
    assert await anonymous.code("query ($id: UUID!) { trip(id: $id) { title } }", id=trip_id) == "UNAUTHENTICATED"
    assert await anonymous.code("{ trips { totalCount } }") == "UNAUTHENTICATED"
    for mutation in (
        'createTrip(input: { title: "Mine" }) { id }',
        f'updateTrip(id: "{trip_id}", patch: {{ title: "Mine" }}) {{ id }}',
        f'deleteTrip(id: "{trip_id}") {{ id }}',
        f'createTripItem(input: {{ tripId: "{trip_id}", title: "Mine" }}) {{ id }}',
        "createTripItems(inputs: []) { id }",
        "signOut",
    ):
        assert await anonymous.code(f"mutation {{ {mutation} }}") == "UNAUTHENTICATED", mutation


async def test_changes_and_deletion_by_the_owner(newcomer: Person) -> None:
    trip_id = await plan_rome(newcomer)
    data = await newcomer.ask(
        """mutation ($id: UUID!) {
             first: updateTrip(id: $id, patch: { title: "Roma", budget: null }) { title budget endDate }
             second: updateTrip(id: $id, patch: { status: COMPLETED }) {
               title status items(first: 1) { nodes { title } }
             }
             deleteTrip(id: $id) { title items { nodes { title } } }
           }""",
        id=trip_id,
    )
    assert data == {
        "first": {"title": "Roma", "budget": None, "endDate": "2027-04-03"},
        "second": {"title": "Roma", "status": "COMPLETED", "items": {"nodes": [{"title": "Forum"}]}},
        "deleteTrip": {
            "title": "Roma",
            "items": {"nodes": [{"title": "Forum"}, {"title": "Supper"}, {"title": "Ostia"}]},
        },
    }
    assert await newcomer.ask("query ($id: UUID!) { trip(id: $id) { id } }", id=trip_id) == {"trip": None}


async def test_items_can_be_changed_one_by_one(newcomer: Person) -> None:
    trip_id = await newcomer.trip()
    data = await newcomer.ask(
        """mutation ($id: UUID!) {
             createTripItem(input: { tripId: $id, title: "Boat", startsAt: "2027-04-01T09:30:00+02:00" }) {
               id tripId startsAt endsAt place { name }
             }
           }""",
        id=trip_id,
    )
    item = data["createTripItem"]
    item_id = item.pop("id")
    assert item == {"tripId": trip_id, "startsAt": "2027-04-01T07:30:00+00:00", "endsAt": None, "place": None}
    data = await newcomer.ask(
        'mutation ($id: UUID!) { updateTripItem(id: $id, patch: { kind: TRANSPORT, notes: "Pier 4" }) { kind notes } }',
        id=item_id,
    )
    assert data == {"updateTripItem": {"kind": "TRANSPORT", "notes": "Pier 4"}}
    data = await newcomer.ask("mutation ($id: UUID!) { deleteTripItem(id: $id) { title trip { id } } }", id=item_id)
    assert data == {"deleteTripItem": {"title": "Boat", "trip": {"id": trip_id}}}
