"""What is in a token is taken or refused alike by PostgREST, by a gateway over it, and by one that reads Postgres."""

import base64
import time
from collections.abc import AsyncIterator

import aiohttp
import jwt
import orjson
import pytest

from tests.postgres.conftest import ADA, Own
from tests.support import Person, serving
from tripgate.local import keys


@pytest.fixture(scope="module")
def key(own: Own) -> jwt.PyJWK:
    """The key by which the project signs."""
    assert own.stack._data_dir is not None
    return jwt.PyJWK(keys.load_or_create(own.stack._data_dir.keys).private_jwk)


@pytest.fixture(scope="module")
async def gateways(own: Own, http: aiohttp.ClientSession) -> AsyncIterator[tuple[Person, Person]]:
    """One over PostgREST, one that reads Postgres."""
    async with serving(own.info) as one, serving(own.info, database_url=own.url) as other:
        yield Person(http, one), Person(http, other)


def token(own: Own, key: jwt.PyJWK, more: bytes) -> str:
    """Ada's, with this behind her claims, as it is."""
    now = int(time.time())
    claims = {
        "iss": f"{own.info.api_url}/auth/v1",
        "sub": ADA,
        "aud": "authenticated",
        "role": "authenticated",
        "exp": now + 600,
    }
    payload = orjson.dumps(claims)[:-1] + more + b"}"
    return jwt.PyJWS().encode(payload, key.key, "ES256", {"kid": key.key_id})


async def by_postgrest(own: Own, http: aiohttp.ClientSession, given: str) -> int:
    headers = {"Authorization": f"Bearer {given}"}
    async with http.get(f"{own.info.rest_url}/trips?select=id&limit=1", headers=headers) as response:
        return response.status


async def by_gateway(person: Person, given: str) -> int:
    status, body = await Person(person.http, person.url, given).post("{ trips { nodes { id } } }")
    assert (status, "errors" in body) in {(200, False), (401, True)}, body
    return status


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b',"app_metadata":{"n":1e400,"m":0.1000000000000000055511151231257827,"k":12345678901234567890123}',
        b' , "x" : [ null , true , "\\u00e9\\n" ] \n',
        ',"x":"Zoë"'.encode(),
        b',"x":"\\ud83d\\ude00"',
    ],
)
async def test_json_is_taken(
    own: Own, http: aiohttp.ClientSession, key: jwt.PyJWK, gateways: tuple[Person, Person], more: bytes
) -> None:
    given = token(own, key, more)
    assert await by_postgrest(own, http, given) == 200
    assert [await by_gateway(each, given) for each in gateways] == [200, 200]


@pytest.mark.parametrize(
    "more",
    [
        b',"x":NaN',
        b',"x":[Infinity]',
        b',"x":{"y":-Infinity}',
        b',"x":1,',
        b",x:1",
        b",'x':1",
        b',"x":01',
        b',"x":.5',
        b',"x":"\n"',
        b',"x":"\xff"',
        b',"x":"' + "é".encode("latin-1") + b'"',
        b',"x":"\\ud800"',
        b',"x":["\\ude00\\ud83d"]',
        b',"\\ud800":1',
    ],
)
async def test_what_is_no_json_is_refused(
    own: Own, http: aiohttp.ClientSession, key: jwt.PyJWK, gateways: tuple[Person, Person], more: bytes
) -> None:
    given = token(own, key, more)
    assert await by_postgrest(own, http, given) == 401
    assert [await by_gateway(each, given) for each in gateways] == [401, 401]


@pytest.mark.parametrize(
    "more", [b',"sub":"be400000-0000-4000-8000-000000000002"', b',"x":{"y":1,"y":2}', b',"exp":1e400', b',"nbf":1e400']
)
async def test_what_may_be_read_in_two_ways_is_refused_by_the_gateways_alone(
    own: Own, http: aiohttp.ClientSession, key: jwt.PyJWK, gateways: tuple[Person, Person], more: bytes
) -> None:
    given = token(own, key, more)
    assert [await by_gateway(each, given) for each in gateways] == [401, 401]


async def test_other_encodings_than_utf_8_are_refused(
    own: Own, http: aiohttp.ClientSession, key: jwt.PyJWK, gateways: tuple[Person, Person]
) -> None:
    payload = base64.urlsafe_b64decode(token(own, key, b"").split(".")[1] + "==").decode()
    for encoding in ("utf-16", "utf-16-le", "utf-32", "utf-8-sig"):
        given = jwt.PyJWS().encode(payload.encode(encoding), key.key, "ES256", {"kid": key.key_id})
        assert await by_postgrest(own, http, given) == 401
        assert [await by_gateway(each, given) for each in gateways] == [401, 401]
