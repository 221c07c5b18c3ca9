"""Mailed codes, changes of an account and administration, judged by the unmodified `supabase` package of Python."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt
import psycopg
import pytest
from supabase_auth.errors import AuthApiError

from supabase import Client, ClientOptions, create_client
from tests.local.conftest import WEB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tripgate.local.stack import StackInfo

# supabase-py itself still passes them on.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")

NEW_PASSWORD = "battery staple"


@pytest.fixture
def connect(running: StackInfo) -> Callable[..., Client]:
    """Makes clients, with the publishable key unless another is given."""

    def one(key: str = running.publishable_key, flow_type: Any = "implicit") -> Client:
        return create_client(
            running.api_url, key, ClientOptions(auto_refresh_token=False, httpx_client=WEB, flow_type=flow_type)
        )

    return one


@pytest.fixture
def admin(running: StackInfo, connect: Callable[..., Client]) -> Client:
    """A client with the secret key."""
    return connect(running.secret_key)


def mails(running: StackInfo, to: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = WEB.get(running.inbox_url, params={"to": to}).json()
    return found


def code(running: StackInfo, to: str) -> str:
    """The code of the newest mail."""
    found = re.search(r"Your code: (\d{6})\n", mails(running, to)[0]["text"])
    assert found is not None
    return found[1]


def link(running: StackInfo, to: str) -> str:
    """The link of the newest mail."""
    found = re.search(r"http\S+", mails(running, to)[0]["text"])
    assert found is not None
    return found[0]


def refused(call: Callable[[], Any]) -> tuple[int, str | None]:
    """Status and code of a call that must fail."""
    with pytest.raises(AuthApiError) as error:
        call()
    return error.value.status, error.value.code


def methods(client: Client) -> list[str]:
    """How the client's session was begun."""
    session = client.auth.get_session()
    assert session is not None
    claims = jwt.decode(session.access_token, options={"verify_signature": False})
    return [entry["method"] for entry in claims["amr"]]


# codes and links -----------------------------------------------------------------------------------------------------


def test_a_forgotten_password(
    running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    who = credentials()
    old, visitor = connect(), connect()
    old.auth.sign_up(who)
    visitor.auth.reset_password_for_email(who["email"])
    token = code(running, who["email"])
    proof = {"email": who["email"], "token": token, "type": "recovery"}
    assert refused(lambda: visitor.auth.verify_otp({**proof, "token": "nonsense"})) == (403, "otp_expired")
    visitor.auth.verify_otp(proof)
    assert methods(visitor) == ["otp"]
    visitor.auth.update_user({"password": NEW_PASSWORD})
    assert refused(lambda: visitor.auth.verify_otp(proof)) == (403, "otp_expired")
    assert refused(old.auth.refresh_session)[1] == "refresh_token_not_found"
    assert visitor.auth.refresh_session().session is not None
    assert refused(lambda: connect().auth.sign_in_with_password(who)) == (400, "invalid_credentials")
    assert connect().auth.sign_in_with_password({**who, "password": NEW_PASSWORD}).session is not None


def test_codes_and_links_grow_old(
    running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    email = credentials()["email"]
    client = connect()
    client.auth.sign_in_with_otp({"email": email})
    with psycopg.connect(running.admin_db_url) as connection:
        connection.execute(
            "update auth.users set recovery_sent_at = recovery_sent_at - interval '61 minutes' where email = %s",
            (email,),
        )
    old = {"email": email, "token": code(running, email), "type": "email"}
    assert refused(lambda: client.auth.verify_otp(old)) == (403, "otp_expired")
    answer = WEB.get(link(running, email), headers={"apikey": running.publishable_key})
    assert answer.status_code == 303
    target = urlsplit(answer.headers["Location"])
    assert target.netloc == "127.0.0.1:3000"
    assert parse_qs(target.fragment)["error_code"] == ["otp_expired"]
    assert parse_qs(target.fragment)["error"] == ["access_denied"]


def test_the_database_holds_no_code_and_no_mail_twice(
    running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    email = credentials()["email"]
    connect().auth.sign_in_with_otp({"email": email})
    assert len(mails(running, email)) == 1
    with psycopg.connect(running.admin_db_url) as connection:
        row = connection.execute(
            "select recovery_token, token_hash, token_type::text, relates_to from auth.users u"
            " join auth.one_time_tokens t on t.user_id = u.id where email = %s",
            (email,),
        ).fetchone()
    assert row is not None
    assert row[0] == row[1]
    assert re.fullmatch(r"[0-9a-f]{56}", row[0])
    assert row[2:] == ("recovery_token", email)


def test_of_many_who_use_a_code_at_once_one_succeeds(
    running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    email = credentials()["email"]
    connect().auth.sign_in_with_otp({"email": email})
    body = {"email": email, "token": code(running, email), "type": "email"}

    def use(_: int) -> int:
        answer = WEB.post(f"{running.api_url}/auth/v1/verify", json=body, headers={"apikey": running.publishable_key})
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(8))) == [200] + [403] * 7


def test_a_link_is_followed_once_and_looking_does_not_use_it_up(
    running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    email = credentials()["email"]
    options = {"email_redirect_to": "https://elsewhere.example/steal"}
    connect().auth.sign_in_with_otp({"email": email, "options": options})
    assert WEB.head(link(running, email)).status_code == 405
    first = WEB.get(link(running, email)).headers["Location"]
    # An address that the project does not list is replaced by the site's.
    assert first.startswith("http://127.0.0.1:3000#access_token=")
    assert "error_code=otp_expired" in WEB.get(link(running, email)).headers["Location"]


def test_the_pkce_flow(running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]) -> None:
    who = credentials()
    connect().auth.sign_up(who)
    client = connect(flow_type="pkce")
    client.auth.reset_password_for_email(who["email"])
    target = urlsplit(WEB.get(link(running, who["email"])).headers["Location"])
    assert target.fragment == ""
    (auth_code,) = parse_qs(target.query)["code"]
    wrong = {"auth_code": auth_code, "code_verifier": "x" * 43, "redirect_to": ""}
    assert refused(lambda: connect().auth.exchange_code_for_session(wrong)) == (400, "bad_code_verifier")
    right = {"auth_code": auth_code, "code_verifier": "", "redirect_to": ""}
    client.auth.exchange_code_for_session(right)
    assert methods(client) == ["recovery"]
    spent = {"auth_code": auth_code, "code_verifier": "x" * 43, "redirect_to": ""}
    assert refused(lambda: client.auth.exchange_code_for_session(spent)) == (404, "flow_state_not_found")


# changes of an account -----------------------------------------------------------------------------------------------


def test_a_new_address_counts_once_it_is_confirmed(
    running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    who, new = credentials(), credentials()["email"]
    client = connect()
    client.auth.sign_up(who)
    changed = client.auth.update_user({"email": new}).user
    assert (changed.email, changed.new_email) == (who["email"], new)
    assert mails(running, who["email"])[0]["subject"] == "Confirm the change of your e-mail address"
    client.auth.verify_otp({"email": new, "token": code(running, new), "type": "email_change"})
    confirmed = client.auth.get_user()
    assert confirmed is not None
    assert (confirmed.user.email, confirmed.user.new_email) == (new, None)
    assert confirmed.user.identities is not None
    assert confirmed.user.identities[0].identity_data["email"] == new
    assert refused(lambda: connect().auth.sign_in_with_password(who)) == (400, "invalid_credentials")
    assert connect().auth.sign_in_with_password({**who, "email": new}).session is not None


def test_somebody_elses_address_cannot_be_taken(connect: Callable[..., Client], credentials: Callable[[], Any]) -> None:
    ada, ben = connect(), connect()
    who = credentials()
    ada.auth.sign_up(who)
    ben.auth.sign_up(credentials())
    assert refused(lambda: ben.auth.update_user({"email": who["email"]})) == (422, "email_exists")
    assert refused(lambda: ben.auth.update_user({"data": {}, "app_metadata": {}})) == (403, "not_admin")  # type: ignore[typeddict-unknown-key]


def test_signing_in_anonymously_and_staying(connect: Callable[..., Client], credentials: Callable[[], Any]) -> None:
    who = credentials()
    client = connect()
    signed_in = client.auth.sign_in_anonymously({"options": {"data": {"display_name": "Guest"}}})
    assert signed_in.user is not None
    assert signed_in.user.is_anonymous
    assert signed_in.user.identities == []
    assert signed_in.user.user_metadata == {"display_name": "Guest"}
    assert methods(client) == ["anonymous"]
    assert client.table("notes").insert({"body": "a guest's"}).execute().data[0]["user_id"] == signed_in.user.id
    assert refused(lambda: client.auth.update_user({"password": NEW_PASSWORD})) == (422, "validation_failed")
    stays = client.auth.update_user(who).user
    assert (stays.is_anonymous, stays.email, stays.app_metadata["provider"]) == (False, who["email"], "email")
    assert [note["body"] for note in client.table("notes").select("body").execute().data] == ["a guest's"]


# administration ------------------------------------------------------------------------------------------------------


def test_an_administrator_manages_accounts(
    running: StackInfo, admin: Client, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    who = credentials()
    api = admin.auth.admin
    made = api.create_user({**who, "email_confirm": True, "user_metadata": {"name": "Ada"}}).user
    assert made.email_confirmed_at is not None
    assert made.user_metadata["name"] == "Ada"
    assert refused(lambda: api.create_user(who)) == (422, "email_exists")
    client = connect()
    client.auth.sign_in_with_password(who)

    assert api.get_user_by_id(made.id).user.email == who["email"]
    changed = api.update_user_by_id(made.id, {"password": NEW_PASSWORD, "app_metadata": {"plan": "pro"}}).user
    assert changed.app_metadata == {"provider": "email", "providers": ["email"], "plan": "pro"}
    # A password that somebody else has set ends every session.
    assert refused(client.auth.refresh_session)[1] == "refresh_token_not_found"
    client.auth.sign_in_with_password({**who, "password": NEW_PASSWORD})
    session = client.auth.get_session()
    assert session is not None
    api.update_user_by_id(made.id, {"ban_duration": "1h30m"})
    assert refused(lambda: client.auth.get_user(session.access_token)) == (403, "user_banned")
    api.update_user_by_id(made.id, {"ban_duration": "none"})
    assert client.auth.get_user(session.access_token) is not None
    api.sign_out(session.access_token)
    assert refused(lambda: client.auth.get_user(session.access_token)) == (403, "session_not_found")

    api.delete_user(made.id, should_soft_delete=True)
    with psycopg.connect(running.admin_db_url) as connection:
        row = connection.execute(
            "select email, deleted_at is null from auth.users where id = %s", (made.id,)
        ).fetchone()
    assert row is not None
    assert who["email"] not in row[0]
    assert row[1] is False
    api.delete_user(made.id)
    assert refused(lambda: api.get_user_by_id(made.id)) == (404, "user_not_found")


def test_the_list_of_accounts_has_pages(
    running: StackInfo, admin: Client, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    emails = [credentials()["email"] for _ in range(3)]
    for email in emails:
        admin.auth.admin.create_user({"email": email})
    found = [user.email for page in (1, 2) for user in admin.auth.admin.list_users(page=page, per_page=2)]
    assert found[:3] == emails[::-1]
    url = f"{running.api_url}/auth/v1/admin/users"
    secret = {"apikey": running.secret_key}
    answer = WEB.get(url, params={"per_page": 2}, headers=secret)
    total = int(answer.headers["X-Total-Count"])
    last = -(-total // 2)
    assert answer.headers["Link"] == (
        f'</admin/users?per_page=2&page=2>; rel="next", </admin/users?per_page=2&page={last}>; rel="last"'
    )
    assert [user["email"] for user in WEB.get(url, params={"filter": emails[1]}, headers=secret).json()["users"]] == [
        emails[1]
    ]
    for wrong in ({"page": "x"}, {"per_page": "many"}, {"sort": "email"}):
        assert WEB.get(url, params=wrong, headers=secret).status_code == 400


def test_links_for_a_mailer_of_ones_own(
    running: StackInfo, admin: Client, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    who = credentials()
    api = admin.auth.admin
    made = api.generate_link({"type": "signup", **who})
    assert made.properties.verification_type == "signup"
    assert made.user.email_confirmed_at is None
    assert mails(running, who["email"]) == []
    assert refused(lambda: connect().auth.sign_in_with_password(who)) == (400, "email_not_confirmed")
    client = connect()
    client.auth.verify_otp({"email": who["email"], "token": made.properties.email_otp, "type": "signup"})
    recovery = api.generate_link({"type": "recovery", "email": who["email"]})
    assert recovery.properties.hashed_token in recovery.properties.action_link
    client.auth.verify_otp({"token_hash": recovery.properties.hashed_token, "type": "recovery"})
    new = credentials()["email"]
    change = api.generate_link({"type": "email_change_new", "email": who["email"], "new_email": new})
    assert "#access_token=" in WEB.get(change.properties.action_link).headers["Location"]
    assert api.get_user_by_id(made.user.id).user.email == new
    unknown = {"type": "recovery", "email": "unknown@example.com"}
    assert refused(lambda: api.generate_link(unknown)) == (404, "user_not_found")


def test_an_invitation(
    running: StackInfo, admin: Client, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    email = credentials()["email"]
    invited = admin.auth.admin.invite_user_by_email(email, {"data": {"team": "blue"}}).user
    assert invited.invited_at is not None
    client = connect()
    client.auth.verify_otp({"email": email, "token": code(running, email), "type": "invite"})
    client.auth.update_user({"password": NEW_PASSWORD})
    signed_in = connect().auth.sign_in_with_password({"email": email, "password": NEW_PASSWORD})
    assert signed_in.user is not None
    assert signed_in.user.user_metadata["team"] == "blue"
    assert refused(lambda: admin.auth.admin.invite_user_by_email(email)) == (422, "email_exists")


def test_administration_is_for_the_service_role(
    running: StackInfo, connect: Callable[..., Client], credentials: Callable[[], Any]
) -> None:
    client = connect()
    client.auth.sign_up(credentials())
    session = client.auth.get_session()
    assert session is not None
    somebody = session.user.id
    for method, path in (
        ("GET", "/admin/users"),
        ("POST", "/admin/users"),
        ("GET", f"/admin/users/{somebody}"),
        ("PUT", f"/admin/users/{somebody}"),
        ("DELETE", f"/admin/users/{somebody}"),
        ("POST", "/admin/generate_link"),
        ("POST", "/invite"),
    ):
        for token in (running.publishable_key, session.access_token):
            headers = {"apikey": running.publishable_key, "Authorization": f"Bearer {token}"}
            answer = WEB.request(method, f"{running.api_url}/auth/v1{path}", headers=headers)
            assert (answer.status_code, answer.json()["error_code"]) == (403, "not_admin"), (method, path)
    assert client.auth.get_user() is not None
