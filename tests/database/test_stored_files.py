"""Who may do what with the objects in the three buckets, as Storage asks it: by writing rows under the caller's claims.

And what is told of them, what they take, and what becomes of them.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

from tests.database.callers import AGAINST_POLICY, ROLES, Actor, World, role, told_by

if TYPE_CHECKING:
    from collections.abc import Sequence

INSERT: LiteralString = """insert into storage.objects (bucket_id, name, owner_id, metadata)
    values (%s, %s, auth.uid()::text, %s) returning id"""
# As Storage writes over what is there.
UPSERT: LiteralString = (
    "insert into storage.objects (bucket_id, name, owner_id) values (%s, %s, auth.uid()::text)"
    " on conflict (bucket_id, name) do update set owner_id = excluded.owner_id, version = 'new' returning id"
)
SELECT: LiteralString = "select id from storage.objects where bucket_id = %s and name = %s"
LIST: LiteralString = "select id from storage.objects where bucket_id = %s"
MOVE: LiteralString = (
    "update storage.objects set name = %s, owner_id = auth.uid()::text where bucket_id = %s and name = %s returning id"
)
DELETE: LiteralString = "delete from storage.objects where bucket_id = %s and name = %s returning id"

BUCKETS = {"trip-images": "trips", "place-photos": "saved_places", "user-avatars": "profiles"}


@pytest.fixture(autouse=True)
def _buckets_are_there(db: psycopg.Connection) -> None:
    # Only the Storage API deletes; here its word is given for it.
    db.execute("select set_config('storage.allow_delete_query', 'true', true)")


def picture(folder: object) -> str:
    return f"{folder}/{uuid.uuid4()}.png"


def uploaded(world: World, bucket: str, name: str, by: object = None, size: int = 1000) -> uuid.UUID:
    """An object that is there, as Storage's own role writes it."""
    (made,) = world.db.execute(
        "insert into storage.objects (bucket_id, name, owner_id, metadata) values (%s, %s, %s, %s) returning id",
        (bucket, name, None if by is None else str(by), json.dumps({"size": size, "mimetype": "image/png"})),
    ).fetchone() or (None,)
    assert made is not None
    return made  # type: ignore[no-any-return]


def outcome(world: World, actor: Actor, bucket: str, command: str, by: Actor = "owner") -> int | str:
    """How many rows the command touches when an actor sends it about the owner's folder, where `by` uploaded one."""
    folder = world.owner[BUCKETS[bucket]]
    name = picture(folder)
    uploaded(world, bucket, name, getattr(world, by)["profiles"])
    match command:
        case "read":
            return world.attempt(actor, SELECT, bucket, name)
        case "list":
            return world.attempt(actor, LIST, bucket)
        case "upload":
            return world.attempt(actor, INSERT, bucket, picture(folder), "{}")
        case "overwrite":
            return world.attempt(actor, UPSERT, bucket, name)
        case "move":
            return world.attempt(actor, MOVE, picture(folder), bucket, name)
        case _:
            return world.attempt(actor, DELETE, bucket, name)


P = AGAINST_POLICY
#                  owner editor viewer stranger
MAY: dict[str, dict[str, Sequence[int | str]]] = {
    "trip-images": {
        "read": (1, 1, 1, 0),
        "list": (1, 1, 1, 0),
        "upload": (1, 1, P, P),
        "overwrite": (1, P, P, P),
        "move": (1, 0, 0, 0),
        "delete": (1, 0, 0, 0),
    },
    # Editor and viewer share the collection that shows the place.
    "place-photos": {
        "read": (1, 1, 1, 0),
        "list": (1, 1, 1, 0),
        "upload": (1, P, P, P),
        "overwrite": (1, P, P, P),
        "move": (1, 0, 0, 0),
        "delete": (1, 0, 0, 0),
    },
    "user-avatars": {
        "read": (1, 0, 0, 0),
        "list": (1, 0, 0, 0),
        "upload": (1, P, P, P),
        "overwrite": (1, P, P, P),
        "move": (1, 0, 0, 0),
        "delete": (1, 0, 0, 0),
    },
}
ACTORS: tuple[Actor, ...] = ("owner", "editor", "viewer", "stranger")
CASES = [
    pytest.param(bucket, command, actor, expected, id=f"{actor}-{command}-{bucket}")
    for bucket, commands in MAY.items()
    for command, row in commands.items()
    for actor, expected in zip(ACTORS, row, strict=True)
]


@pytest.mark.parametrize(("bucket", "command", "actor", "expected"), CASES)
def test_actor_in_the_owners_folder(world: World, bucket: str, command: str, actor: Actor, expected: int | str) -> None:
    assert outcome(world, actor, bucket, command) == expected


@pytest.mark.parametrize("bucket", BUCKETS)
def test_nobody_without_an_account_does_anything(world: World, bucket: str) -> None:
    found = {command: outcome(world, "anonymous", bucket, command) for command in MAY[bucket]}
    # They may ask, and no policy is for them.
    assert found == {"read": 0, "list": 0, "upload": P, "overwrite": P, "move": 0, "delete": 0}


@pytest.mark.parametrize(("command", "expected"), [("overwrite", 1), ("move", 1), ("delete", 1)])
def test_an_editor_does_what_they_like_with_their_own_pictures(world: World, command: str, expected: int) -> None:
    assert outcome(world, "editor", "trip-images", command, by="editor") == expected
    assert outcome(world, "owner", "trip-images", command, by="editor") == expected


@pytest.mark.parametrize("command", ["overwrite", "move", "delete"])
def test_who_may_only_look_takes_their_pictures_back_and_no_more(world: World, command: str) -> None:
    assert (
        outcome(world, "viewer", "trip-images", command, by="viewer")
        == {"overwrite": P, "move": 0, "delete": 1}[command]
    )


@pytest.mark.parametrize("command", MAY["trip-images"])
def test_a_removed_editor_does_nothing_more_with_what_they_uploaded(world: World, command: str) -> None:
    world.db.execute("delete from public.collaborators where user_id = %s", (world.editor.profiles,))
    expected = P if command in ("upload", "overwrite") else 0
    assert outcome(world, "editor", "trip-images", command, by="editor") == expected


def test_pictures_move_to_trips_that_one_may_change_and_no_further(world: World) -> None:
    name = picture(world.owner.trips)
    uploaded(world, "trip-images", name, world.editor.profiles)
    assert world.attempt("editor", MOVE, picture(world.stranger.trips), "trip-images", name) == P
    assert world.attempt("editor", MOVE, picture(world.editor.trips), "trip-images", name) == 1


@pytest.mark.parametrize(
    "name",
    [
        "{trip}/picture.png",
        "{trip}/{uuid}.svg",
        "{trip}/{uuid}.png.html",
        "{trip}/{uuid}.PNG",
        "{trip}/{uuid}",
        "{trip}/a/{uuid}.png",
        "{trip}/../{uuid}.png",
        "{trip}/{uuid}\n.png",
        "/{trip}/{uuid}.png",
        "{trip}{uuid}.png",
        "{uuid}.png",
        "not-a-uuid/{uuid}.png",
        "..",
        "",
    ],
)
def test_names_that_are_none_of_ours(world: World, name: str) -> None:
    named = name.format(trip=world.owner.trips, uuid=uuid.uuid4())
    assert world.attempt("owner", INSERT, "trip-images", named, "{}") == P


def test_nobody_uploads_in_somebody_elses_name(world: World) -> None:
    statement: LiteralString = "insert into storage.objects (bucket_id, name, owner_id) values ('trip-images', %s, %s)"
    name = picture(world.owner.trips)
    assert world.attempt("editor", statement, name, str(world.owner.profiles)) == P
    assert world.attempt("editor", statement, name, None) == P


def test_stray_names_are_nobodys_and_raise_nothing(world: World) -> None:
    for name in ("stray.png", "x/y/z.png", f"{uuid.uuid4()}"):
        uploaded(world, "trip-images", name)
        assert world.attempt("owner", SELECT, "trip-images", name) == 0
    assert world.attempt("service", "select id from public.stored_files where trip_id is null") >= 3  # type: ignore[operator]


def test_a_photo_is_shown_by_the_collection_that_the_keeper_put_the_place_in(world: World) -> None:
    name = picture(world.owner.saved_places)
    uploaded(world, "place-photos", name, world.owner.profiles)
    assert world.attempt("viewer", SELECT, "place-photos", name) == 1
    world.db.execute("delete from public.collection_places where user_id = %s", (world.owner.profiles,))
    assert world.attempt("viewer", SELECT, "place-photos", name) == 0
    assert world.attempt("owner", SELECT, "place-photos", name) == 1


ENTRY_PHOTOS: LiteralString = (
    "select 1 from public.collection_places as entries, lateral public.place_photos(entries) where entries.id = %s"
)


def test_an_entry_of_a_collection_shows_the_photos_of_who_put_the_place_there(world: World) -> None:
    ((entry,),) = world.db.execute(
        "select entries.id from public.collection_places as entries"
        " join public.saved_places as saved on saved.place_id = entries.place_id and saved.user_id = entries.user_id"
        " where saved.id = %s",
        (world.owner.saved_places,),
    ).fetchall()
    uploaded(world, "place-photos", picture(world.owner.saved_places), world.owner.profiles)
    found = {actor: world.attempt(actor, ENTRY_PHOTOS, entry) for actor in ACTORS}
    assert found == {"owner": 1, "editor": 1, "viewer": 1, "stranger": 0}
    # Where the place is no more its own keeper's, the entry stays and shows nothing of what they have saved.
    world.db.execute("update public.saved_places set place_id = null where id = %s", (world.owner.saved_places,))
    assert {world.attempt(actor, ENTRY_PHOTOS, entry) for actor in ACTORS} == {0}


def test_nobody_asks_for_the_photos_of_an_entry_of_their_own_making(world: World) -> None:
    uploaded(world, "place-photos", picture(world.owner.saved_places), world.owner.profiles)
    forged: LiteralString = """select 1 from public.saved_places as saved, lateral public.place_photos(
        jsonb_populate_record(null::public.collection_places, jsonb_build_object(
            'place_id', saved.place_id, 'user_id', saved.user_id))) where saved.id = %s"""
    assert world.attempt("owner", forged, world.owner.saved_places) == 1
    by_ids: LiteralString = """select 1 from public.place_photos(
        jsonb_populate_record(null::public.collection_places,
            jsonb_build_object('place_id', %s::text, 'user_id', %s::text)))"""
    ((place,),) = world.db.execute(
        "select place_id from public.saved_places where id = %s", (world.owner.saved_places,)
    ).fetchall()
    assert world.attempt("stranger", by_ids, str(place), str(world.owner.profiles)) == 0


# As rows of the API ------------------------------------------------------------------------------------------


def test_pictures_are_found_by_what_they_belong_to(world: World) -> None:
    mine, other = picture(world.owner.trips), picture(world.stranger.trips)
    uploaded(world, "trip-images", mine, world.editor.profiles, size=12)
    uploaded(world, "trip-images", other, world.stranger.profiles)
    photo = picture(world.owner.saved_places)
    uploaded(world, "place-photos", photo, world.owner.profiles)
    with role(world.db, ROLES["viewer"], {"sub": str(world.viewer.profiles), "role": "authenticated"}):
        found = world.db.execute(
            "select files.path, files.bucket, files.content_type, files.size, files.uploader_id, files.trip_id,"
            " (public.uploader(files)).display_name"
            " from public.trips, lateral public.images(trips) as files where trips.id = %s",
            (world.owner.trips,),
        ).fetchall()
    assert found == [
        (mine, "trip-images", "image/png", 12, world.editor.profiles, world.owner.trips, "Edda Editor"),
    ]
    photos: LiteralString = (
        "select 1 from public.saved_places, lateral public.photos(saved_places) where saved_places.id = %s"
    )
    assert world.attempt("owner", photos, world.owner.saved_places) == 1


def plan(db: psycopg.Connection, statement: LiteralString) -> str:
    return "\n".join(line for (line,) in db.execute(f"explain {statement}").fetchall())


def test_a_trips_pictures_are_a_range_of_storages_own_index(world: World) -> None:
    world.db.execute(
        "insert into storage.objects (bucket_id, name)"
        " select 'trip-images', gen_random_uuid() || '/' || gen_random_uuid() || '.png' from generate_series(1, 5000)"
    )
    world.db.execute("analyze storage.objects")
    with role(world.db, "authenticated", {"sub": str(world.owner.profiles), "role": "authenticated"}):
        text = plan(world.db, "select files.id from public.trips, lateral public.images(trips) as files")
    assert "idx_objects_bucket_id_name" in text
    assert "Function Scan" not in text


# What is told ------------------------------------------------------------------------------------------------


def told(world: World, trip: uuid.UUID) -> list[tuple[str, str | None]]:
    found = world.db.execute(
        "select payload ->> 'operation', payload #>> '{record,path}' from realtime.messages"
        " where topic = %s and payload ->> 'table' = 'stored_files' order by inserted_at, id",
        (f"trip:{trip}",),
    ).fetchall()
    return list(found)


def test_who_is_on_the_trip_is_told_of_its_pictures(world: World) -> None:
    trip = world.owner.trips
    name, moved = picture(trip), picture(trip)
    made = uploaded(world, "trip-images", name, world.owner.profiles)
    # Nobody hears that somebody looked.
    world.db.execute("update storage.objects set last_accessed_at = now() where id = %s", (made,))
    world.db.execute("update storage.objects set name = %s where id = %s", (moved, made))
    world.db.execute("delete from storage.objects where id = %s", (made,))
    uploaded(world, "place-photos", picture(world.owner.saved_places), world.owner.profiles)
    assert sorted(told(world, trip), key=str) == sorted(
        [("INSERT", name), ("UPDATE", moved), ("DELETE", None)], key=str
    )


# What they take ----------------------------------------------------------------------------------------------


def used(world: World, person: uuid.UUID) -> int:
    found = world.db.execute(
        "select used_amount from public.usage_limits where user_id = %s and metric = 'storage_bytes'", (person,)
    ).fetchone()
    return 0 if found is None else int(found[0])


def test_bytes_count_for_whoever_uploaded_them(world: World) -> None:
    editor, owner = world.editor.profiles, world.owner.profiles
    before = used(world, owner)
    made = uploaded(world, "trip-images", picture(world.owner.trips), editor, size=700)
    assert used(world, editor) == 700
    world.db.execute("update storage.objects set metadata = '{\"size\": 900}' where id = %s", (made,))
    assert used(world, editor) == 900
    # The owner of the trip writes over it.
    world.db.execute(
        "update storage.objects set metadata = '{\"size\": 5}', owner_id = %s where id = %s", (str(owner), made)
    )
    assert (used(world, editor), used(world, owner)) == (0, before + 5)
    world.db.execute("delete from storage.objects where id = %s", (made,))
    assert used(world, owner) == before


def test_what_was_there_before_is_counted(world: World) -> None:
    editor, owner = world.editor.profiles, world.owner.profiles
    world.db.execute("select private.recount_stored_bytes()")
    before = used(world, owner)
    world.db.execute("alter table storage.objects disable trigger count_stored_bytes")
    uploaded(world, "trip-images", picture(world.owner.trips), editor, size=700)
    uploaded(world, "trip-images", picture(world.owner.trips), editor, size=11)
    uploaded(world, "trip-images", picture(world.owner.trips), owner, size=5)
    uploaded(world, "trip-images", picture(world.owner.trips), uuid.uuid4(), size=5)
    uploaded(world, "trip-images", "stray.png", size=5)
    world.db.execute("alter table storage.objects enable trigger count_stored_bytes")
    assert used(world, editor) == 0

    recount: LiteralString = "select private.recount_stored_bytes()"
    assert world.db.execute(recount).fetchall() == [(2,)]
    assert (used(world, editor), used(world, owner)) == (711, before + 5)
    assert world.db.execute(recount).fetchall() == [(0,)]
    # What is counted and is not there, is taken off.
    world.db.execute("alter table storage.objects disable trigger count_stored_bytes")
    world.db.execute("delete from storage.objects where owner_id = %s", (str(editor),))
    world.db.execute("alter table storage.objects enable trigger count_stored_bytes")
    assert world.db.execute(recount).fetchall() == [(1,)]
    assert used(world, editor) == 0
    assert world.attempt("owner", recount) == "not granted"


@pytest.mark.parametrize("metadata", [None, "{}", '{"size": "many"}', '{"size": -5}', '{"size": null}', "[]"])
def test_sizes_that_are_none(world: World, metadata: str | None) -> None:
    world.db.execute(
        "insert into storage.objects (bucket_id, name, owner_id, metadata) values ('trip-images', %s, %s, %s)",
        (picture(world.owner.trips), str(world.editor.profiles), metadata),
    )
    assert used(world, world.editor.profiles) == 0
    assert world.attempt("editor", "select size from public.stored_files") == 1


def test_what_is_really_there_counts_and_not_what_was_declared(world: World) -> None:
    name = picture(world.owner.trips)
    free = 104857600
    uploaded(world, "trip-images", picture(world.owner.trips), world.editor.profiles, size=free + 1)
    assert world.attempt("editor", INSERT, "trip-images", name, "{}") == P
    assert offered(world, "editor", "trip-images", world.owner.trips) == "USAGE_LIMIT_EXCEEDED"
    # Nobody else is kept from anything.
    assert world.attempt("owner", INSERT, "trip-images", name, "{}") == 1


def test_anonymous_accounts_have_no_room(world: World) -> None:
    world.db.execute("update auth.users set is_anonymous = true where id = %s", (world.editor.profiles,))
    assert world.attempt("editor", INSERT, "trip-images", picture(world.owner.trips), "{}") == P
    assert offered(world, "editor", "trip-images", world.owner.trips) == "USAGE_LIMIT_EXCEEDED"


# Tickets -----------------------------------------------------------------------------------------------------

OFFER: LiteralString = "select public.offer_upload(%s, %s, %s, %s)"


def offered(
    world: World, actor: Actor, bucket: str, folder: object, type_: str = "image/png", size: int = 1000
) -> int | str:
    return world.attempt(actor, OFFER, bucket, folder, type_, size)


@pytest.mark.parametrize(
    ("bucket", "outcomes"),
    [
        ("trip-images", (1, 1, "FORBIDDEN", "NOT_FOUND")),
        ("place-photos", (1, "FORBIDDEN", "FORBIDDEN", "NOT_FOUND")),
        ("user-avatars", (1, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN")),
    ],
)
def test_who_is_offered_a_place_for_a_picture(world: World, bucket: str, outcomes: tuple[int | str, ...]) -> None:
    folder = world.owner[BUCKETS[bucket]]
    assert tuple(offered(world, actor, bucket, folder) for actor in ACTORS) == outcomes


@pytest.mark.parametrize(
    ("type_", "size"),
    [("image/svg+xml", 1), ("text/html", 1), ("", 1), ("image/png", 0), ("image/png", -1), ("image/png", 52428801)],
)
def test_types_and_sizes_that_are_not_taken(world: World, type_: str, size: int) -> None:
    assert offered(world, "owner", "trip-images", world.owner.trips, type_, size) == "BAD_USER_INPUT"


def test_what_is_declared_must_fit(world: World) -> None:
    uploaded(world, "trip-images", picture(world.owner.trips), world.editor.profiles, size=104857600 - 10)
    assert offered(world, "editor", "trip-images", world.owner.trips, size=10) == 1
    assert offered(world, "editor", "trip-images", world.owner.trips, size=11) == "USAGE_LIMIT_EXCEEDED"


def test_a_path_that_is_offered_is_let_in(world: World) -> None:
    for bucket, table in BUCKETS.items():
        for type_ in ("image/jpeg", "image/png", "image/webp", "image/avif"):
            with role(world.db, "authenticated", {"sub": str(world.owner.profiles), "role": "authenticated"}):
                (path,) = world.db.execute(
                    "select public.offer_upload(%s, %s, %s, 10) ->> 'path'", (bucket, world.owner[table], type_)
                ).fetchone() or ("",)
            assert world.attempt("owner", INSERT, bucket, path, "{}") == 1


TO_DELETE: LiteralString = (
    "select jsonb_array_elements(public.files_to_delete(array_to_string(%s::uuid[], ',')) -> 'files')"
)


def test_what_may_be_deleted_is_what_policies_let_go(world: World) -> None:
    by = {
        actor: uploaded(world, "trip-images", picture(world.owner.trips), getattr(world, actor).profiles)
        for actor in ("owner", "editor", "viewer")
    }
    everything = list(by.values())
    assert world.attempt("owner", TO_DELETE, everything) == 3
    assert world.attempt("editor", TO_DELETE, [by["editor"]]) == 1
    assert world.attempt("viewer", TO_DELETE, [by["viewer"]]) == 1
    assert world.attempt("editor", TO_DELETE, everything) == "FORBIDDEN"
    assert world.attempt("stranger", TO_DELETE, [by["owner"]]) == "NOT_FOUND"
    assert world.attempt("owner", TO_DELETE, [by["owner"], uuid.uuid4()]) == "NOT_FOUND"


# What becomes of them ----------------------------------------------------------------------------------------


def tasks(world: World) -> set[str]:
    """The names of what is to be removed."""
    found = world.db.execute(
        "select row ->> 'name' from private.tasks, jsonb_array_elements(payload -> 'rows') as row"
        " where kind = 'remove_objects'"
    ).fetchall()
    return {name for (name,) in found}


def test_what_a_trip_a_place_or_a_person_leaves_is_removed(world: World) -> None:
    image, photo, avatar = (picture(world.owner[table]) for table in BUCKETS.values())
    other = picture(world.stranger.trips)
    for bucket, name in zip((*BUCKETS, "trip-images"), (image, photo, avatar, other), strict=True):
        uploaded(world, bucket, name)
    world.db.execute("delete from public.trips where id = %s", (world.owner.trips,))
    assert tasks(world) == {image}
    world.db.execute("delete from public.saved_places where id = %s", (world.owner.saved_places,))
    assert tasks(world) == {image, photo}
    world.db.execute("delete from auth.users where id = %s", (world.owner.profiles,))
    assert tasks(world) == {image, photo, avatar}


def test_who_leaves_takes_what_others_put_on_their_trips_along_and_what_they_put_on_others(world: World) -> None:
    names = [picture(world.owner.trips), picture(world.owner.trips), picture(world.owner.trips)]
    for name, by in zip(names, (world.owner, world.editor, world.viewer), strict=True):
        uploaded(world, "trip-images", name, by.profiles)
    world.db.execute("delete from auth.users where id = %s", (world.viewer.profiles,))
    assert tasks(world) == {names[2]}
    world.db.execute("delete from auth.users where id = %s", (world.owner.profiles,))
    assert tasks(world) == set(names)


def test_many_pictures_are_several_tasks(world: World) -> None:
    world.db.execute(
        "insert into storage.objects (bucket_id, name)"
        " select 'trip-images', %s || '/' || gen_random_uuid() || '.png' from generate_series(1, 1000)",
        (str(world.owner.trips),),
    )
    world.db.execute("delete from public.trips where id = %s", (world.owner.trips,))
    (several,) = world.db.execute("select count(*) from private.tasks where kind = 'remove_objects'").fetchone() or (0,)
    assert several > 1
    assert len(tasks(world)) == 1000


def test_what_comes_too_late_is_removed(world: World) -> None:
    gone = picture(uuid.uuid4())
    for bucket in BUCKETS:
        uploaded(world, bucket, gone)
    assert tasks(world) == {gone}
    by_nobody = picture(world.owner.trips)
    uploaded(world, "trip-images", by_nobody, uuid.uuid4())
    assert tasks(world) == {gone, by_nobody}
    uploaded(world, "trip-images", picture(world.owner.trips), world.owner.profiles)
    assert tasks(world) == {gone, by_nobody}


def test_there_is_no_such_bucket(world: World) -> None:
    with pytest.raises(psycopg.Error) as refusal, world.db.transaction():
        world.db.execute(OFFER, ("drafts", world.owner.trips, "image/png", 1))
    assert told_by(refusal.value) == "NOT_FOUND"
