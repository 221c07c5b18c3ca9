"""A trip's pictures as they come and go, told to whoever follows the trip."""

import uuid

from tests.live.clients import Live, live
from tests.live.conftest import Party

CHANGES = """subscription ($trip: UUID!) { tripImageChanges(tripId: $trip) { operation id storedFile {
    path bucket size uploader { id } } } }"""
ADD = (
    "insert into storage.objects (bucket_id, name, owner_id, metadata)"
    ' values (\'trip-images\', %s, %s, \'{"size": 5, "mimetype": "image/png"}\')'
)


def picture(trip: str) -> str:
    return f"{trip}/{uuid.uuid4()}.png"


async def following(connection: Live, party: Party) -> str:
    """A subscription that is heard to have begun."""
    id_ = await connection.subscribe(CHANGES, trip=party.trip)
    for _ in range(100):
        path = picture(party.trip)
        party.sql(ADD, path, party.owner.id)
        try:
            while (await connection.event(id_, 0.3))["tripImageChanges"]["storedFile"]["path"] != path:
                pass
        except TimeoutError:
            continue
        return id_
    raise AssertionError("the subscription never began")


async def test_pictures_that_come_move_and_go(party: Party) -> None:
    async with live(party.editor) as connection:
        id_ = await following(connection, party)
        path, moved = picture(party.trip), picture(party.trip)
        party.sql(ADD, path, party.owner.id)
        came = (await connection.event(id_))["tripImageChanges"]
        file = {"path": path, "bucket": "TRIP_IMAGES", "size": "5", "uploader": {"id": party.owner.id}}
        assert came == {"operation": "INSERT", "id": came["id"], "storedFile": file}
        # Of looking at it nothing is told.
        party.sql("update storage.objects set last_accessed_at = now() where name = %s", path)
        party.sql("update storage.objects set name = %s where name = %s", moved, path)
        told = (await connection.event(id_))["tripImageChanges"]
        assert told == {"operation": "UPDATE", "id": came["id"], "storedFile": {**file, "path": moved}}
        party.sql(
            "begin; set local storage.allow_delete_query = 'true';"
            f" delete from storage.objects where name = '{moved}'; commit"
        )
        gone = (await connection.event(id_))["tripImageChanges"]
        assert gone == {"operation": "DELETE", "id": came["id"], "storedFile": None}


async def test_strangers_hear_nothing(party: Party) -> None:
    async with live(party.stranger) as connection:
        code, _ = await connection.failure(await connection.subscribe(CHANGES, trip=party.trip))
    assert code == "FORBIDDEN"
