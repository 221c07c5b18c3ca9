"""The inbox: what programs and people see of it, what it takes, and what it keeps."""

from __future__ import annotations

import datetime
import stat
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from tests.local.conftest import WEB
from tripgate.cli import _stack_options
from tripgate.local import inbox as inbox_module
from tripgate.local.inbox import Inbox, Mail

if TYPE_CHECKING:
    from pathlib import Path

    from tripgate.local.stack import StackInfo

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def mail(number: int, text: str = "") -> Mail:
    return Mail(to=f"person{number}@example.com", subject=f"Mail {number}", text=text)


def test_programs_get_json_newest_first(running: StackInfo) -> None:
    sent = [{"to": "Ada@example.com", "subject": f"Mail {number}", "text": "Hello"} for number in range(2)]
    for one in sent:
        assert WEB.post(running.inbox_url, json=one).status_code == 201
    for headers in ({}, {"Accept": "application/json"}, {"Accept": "*/*"}):
        found = WEB.get(running.inbox_url, params={"to": "ada@example.COM"}, headers=headers).json()
        assert [one["subject"] for one in found] == ["Mail 1", "Mail 0"]
        assert found[0].keys() == {"to", "subject", "text", "html", "sentAt"}
        sent_at = datetime.datetime.fromisoformat(found[0]["sentAt"])
        assert abs((datetime.datetime.now(datetime.UTC) - sent_at).total_seconds()) < 60
    assert WEB.get(running.inbox_url, params={"to": "nobody@example.com"}).json() == []


def test_people_get_a_page_on_which_mail_does_no_harm(running: StackInfo) -> None:
    hostile = {
        "to": '"><script>alert(1)</script>@example.com',
        "subject": "<script>alert(2)</script>",
        "text": 'See http://example.com/?a=1&b=2"onclick=alert(3) <script>alert(4)</script>',
        "html": '"><script>alert(5)</script><p>Hello</p>',
    }
    assert WEB.post(running.inbox_url, json=hostile).status_code == 201
    page = WEB.get(running.inbox_url, params={"to": hostile["to"]}, headers=BROWSER)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert '<a href="http://example.com/?a=1&amp;b=2" rel="noreferrer">' in page.text
    assert "&lt;p&gt;Hello&lt;/p&gt;" in page.text
    assert "allow-scripts" not in page.text
    assert "No mail yet" in WEB.get(running.inbox_url, params={"to": "nobody@example.com"}, headers=BROWSER).text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"to": "a@example.com", "subject": "x"}', 201),
        ('{"to": "a@example.com"}', 400),
        ('{"to": "", "subject": "x"}', 400),
        ('{"to": ["a@example.com"], "subject": "x"}', 400),
        ("nonsense", 400),
        ("[]", 400),
    ],
)
def test_only_mail_is_taken(running: StackInfo, body: str, status: int) -> None:
    answer = WEB.post(running.inbox_url, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["message"]


def test_other_origins_neither_read_nor_write(running: StackInfo) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    assert "Access-Control-Allow-Origin" not in WEB.get(running.inbox_url, headers=origin).headers
    asked = {**origin, "Access-Control-Request-Method": "DELETE"}
    assert "Access-Control-Allow-Origin" not in WEB.options(running.inbox_url, headers=asked).headers
    # What a form of another page can send without asking.
    plain = {**origin, "Content-Type": "text/plain"}
    body = '{"to": "a@example.com", "subject": "x"}'
    assert WEB.post(running.inbox_url, content=body, headers=plain).status_code == 415


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_no_other_name_is_answered(running: StackInfo, method: str) -> None:
    """A page's own name may lead here (DNS rebinding), and nothing says that it is of another origin then."""
    body = {"to": "a@example.com", "subject": "Kept"}
    assert WEB.post(running.inbox_url, json=body).status_code == 201
    answer = WEB.request(method, running.inbox_url, json=body, headers={**BROWSER, "Host": "evil.example:54321"})
    assert answer.status_code == 421
    assert answer.json() == {
        "message": "The inbox is shown at localhost or an IP address. This is another name: add it to "
        "TRIPGATE_DEVELOPMENT_HOSTS."
    }
    for host in ("localhost:54321", "mail.localhost", "[::1]"):
        assert WEB.get(running.inbox_url, headers={"Host": host}).json()[0]["subject"] == "Kept"


def test_more_names_are_answered_where_the_gateways_setting_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRIPGATE_DEVELOPMENT_HOSTS", "Gateway, trips.internal,")
    options = _stack_options(0, tmp_path, tmp_path, env_file=None, fresh=False, jwt_algorithm="ES256")
    assert options.hosts == ("gateway", "trips.internal")
    monkeypatch.delenv("TRIPGATE_DEVELOPMENT_HOSTS")
    assert _stack_options(0, tmp_path, tmp_path, env_file=None, fresh=False, jwt_algorithm="ES256").hosts == ()


def test_what_else_the_front_door_serves_takes_any_name_since_it_takes_a_key(running: StackInfo) -> None:
    for key, status in ((running.publishable_key, 200), ("", 401)):
        headers = {"apikey": key, "Host": "supabase.internal"}
        assert WEB.get(f"{running.api_url}/auth/v1/settings", headers=headers).status_code == status


def test_a_page_tells_nobody_where_one_was(running: StackInfo) -> None:
    for answer in (
        WEB.get(running.inbox_url, headers=BROWSER),
        WEB.get(running.inbox_url),
        WEB.get(running.inbox_url, headers={"Host": "evil.example"}),
    ):
        found = {name: answer.headers[name] for name in ("X-Content-Type-Options", "Referrer-Policy")}
        assert found == {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def test_deleting_empties_it(running: StackInfo) -> None:
    WEB.post(running.inbox_url, json={"to": "a@example.com", "subject": "x"})
    assert WEB.delete(running.inbox_url).status_code == 204
    assert WEB.get(running.inbox_url).json() == []


def test_mail_outlasts_a_restart_in_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "inbox.jsonl"
    Inbox(file).deliver(mail(1, "ünïcödé\u2028 and\nlines"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = Inbox(file)
    again.deliver(mail(2))
    assert [one.subject for one in Inbox(file).mails()] == ["Mail 2", "Mail 1"]
    assert Inbox(file).mails("PERSON1@example.com")[0].text == "ünïcödé\u2028 and\nlines"
    # The last line of a process that was killed while it wrote.
    file.write_text(file.read_text() + '{"to": "half')
    assert len(Inbox(file).mails()) == 2
    again.empty()
    assert Inbox(file).mails() == []


def test_old_mail_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "MAX_MAILS", 3)
    file = tmp_path / "inbox.jsonl"
    kept = Inbox(file)
    for number in range(2 * inbox_module.MAX_MAILS + 1000):
        kept.deliver(mail(number))
    assert [one.subject for one in kept.mails()] == ["Mail 1005", "Mail 1004", "Mail 1003"]
    assert len(file.read_text().splitlines()) < 1006
    monkeypatch.setattr(inbox_module, "MAX_CHARACTERS", 100)
    kept.deliver(mail(1, "x" * 99))
    assert [one.subject for one in kept.mails()] == ["Mail 1"]


def test_a_mail_needs_an_address_and_a_subject() -> None:
    with pytest.raises(ValidationError):
        Mail(to="", subject="x")
