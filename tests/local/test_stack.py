"""The stack as a whole: what is kept, what is refused, two at once, both signing algorithms."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import jwt
import psycopg
import pytest

from tests.local.conftest import WEB, auth_client
from tripgate.local import binaries, keys, system_state
from tripgate.local.stack import LocalStackError, Stack, StackInfo, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def started(stack: Stack) -> StackInfo:
    assert stack.info is not None
    return stack.info


def vault(info: StackInfo) -> list[tuple[str, str]]:
    """The secrets in the database, as its owner sees them."""
    with psycopg.connect(info.db_url) as connection:
        return connection.execute("select name, decrypted_secret from vault.decrypted_secrets order by name").fetchall()


DAMAGE: dict[str, bytes] = {
    "empty": b"",
    "cut short": b'{"postgres_port": 54',
    "no text": b"\xff\xfe\x00",
    "a list": b"[]",
    "a port that is none": b'{"postgres_port": "five"}',
    "made from nothing known": b'{"made_from": {"schemas": 1}}',
}


def refused_when_damaged(project: Path, data_dir: Path) -> None:
    """Each file that the database needs is damaged, removed and put back; each start names it and what to do."""
    for name in ("state.json", "keys.json"):
        file = data_dir / name
        whole = file.read_bytes()
        for damage in DAMAGE.values():
            file.write_bytes(damage)
            with pytest.raises(
                LocalStackError, match=rf"/{name} is damaged\. Put a copy of it back, or start with --fresh"
            ):
                Stack(StackOptions(project, data_dir, api_port=0)).start()
        file.unlink()
        with pytest.raises(LocalStackError, match=rf"/{name} is missing, without which the database cannot be used"):
            Stack(StackOptions(project, data_dir, api_port=0)).start()
        file.write_bytes(whole)


def test_data_and_keys_outlast_damaged_files_and_a_restart_whatever_the_signing_algorithm(
    project: Path, data_dir: Path, credentials: Callable[[], Any]
) -> None:
    who = credentials()
    with Stack(StackOptions(project, data_dir, api_port=0)) as stack:
        first = started(stack)
        assert first.jwt_secret is None
        kept = vault(first)
        cron_secret = keys.load_or_create(data_dir / "keys.json").cron_secret
        assert kept == [("cron_secret", cron_secret), ("project_url", first.api_url)]
        with auth_client(first) as client:
            client.sign_up(who)
    refused_when_damaged(project, data_dir)

    begun = time.monotonic()
    messages: list[str] = []
    with Stack(StackOptions(project, data_dir, api_port=0, jwt_algorithm="HS256"), messages.append) as stack:
        assert time.monotonic() - begun < 30
        assert not [message for message in messages if "--fresh" in message]
        second = started(stack)
        assert (second.publishable_key, second.secret_key) == (first.publishable_key, first.secret_key)
        # The address is another one; whatever calls functions by it is told.
        assert vault(second) == [kept[0], ("project_url", second.api_url)]
        with auth_client(second) as client:
            session = client.sign_in_with_password(who).session
            assert session is not None
        # The secret verifies the token, PostgREST takes it, and the public key set stays empty.
        assert second.jwt_secret is not None
        claims = jwt.decode(session.access_token, second.jwt_secret, algorithms=["HS256"], audience="authenticated")
        assert claims["sub"] == session.user.id
        bearer = {"apikey": second.publishable_key, "Authorization": f"Bearer {session.access_token}"}
        assert WEB.get(f"{second.api_url}/rest/v1/rpc/who", headers=bearer).json() == "authenticated"
        assert WEB.get(f"{second.api_url}/auth/v1/.well-known/jwks.json").json() == {"keys": []}
        for key, role in ((second.publishable_key, "anon"), (second.secret_key, "service_role")):
            assert WEB.get(f"{second.api_url}/rest/v1/rpc/who", headers={"apikey": key}).json() == role


def test_keys_of_an_older_version_get_what_they_lack(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    made = keys.load_or_create(file)
    older = made.model_dump(exclude={"cron_secret", "vault_key"})
    file.write_text(json.dumps(older))
    first = keys.load_or_create(file)
    assert first.model_dump(exclude={"cron_secret", "vault_key"}) == older
    assert keys.load_or_create(file) == first
    assert len({made.vault_key, first.vault_key, made.cron_secret, first.cron_secret}) == 4


def test_two_stacks_side_by_side_share_nothing(
    project: Path, data_dir: Path, running: StackInfo, credentials: Callable[[], Any]
) -> None:
    # A path that is too long for a Unix socket is fine.
    with Stack(StackOptions(project, data_dir / ("long" * 20), api_port=0, seed=False)) as stack:
        other = started(stack)
        assert {other.api_url, other.rest_url, other.db_url}.isdisjoint({running.api_url, running.rest_url})
        with auth_client(running) as client:
            session = client.sign_up(credentials()).session
            assert session is not None
        headers = {"apikey": other.publishable_key}
        assert WEB.get(f"{other.api_url}/rest/v1/announcements", headers=headers).json() == []
        answer = WEB.get(
            f"{other.api_url}/rest/v1/announcements",
            headers={**headers, "Authorization": f"Bearer {session.access_token}"},
        )
        assert answer.status_code == 401
        assert WEB.get(f"{running.api_url}/rest/v1/rpc/who", headers=headers).status_code == 401


def test_a_data_directory_serves_one_stack_at_a_time(project: Path, running: StackInfo, running_data_dir: Path) -> None:
    with pytest.raises(LocalStackError, match=f"in use by another Tripgate \\(process {os.getpid()}\\)"):
        Stack(StackOptions(project, running_data_dir, api_port=0, fresh=True)).start()
    # The other one has lost nothing.
    assert WEB.get(f"{running.api_url}/health").status_code == 200


def test_a_taken_port_is_named(project: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalStackError, match=rf"Port {port} is in use .* --api-port"):
            Stack(StackOptions(project, tmp_path / "data", api_port=port)).start()


def test_a_directory_with_other_files_is_left_alone(project: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("three years of work")
    for fresh in (False, True):
        with pytest.raises(LocalStackError, match="holds files that Tripgate did not make"):
            Stack(StackOptions(project, tmp_path, api_port=0, fresh=fresh)).start()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_directory_without_schemas_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match=r"no SQL files in .*supabase/schemas"):
        Stack(StackOptions(tmp_path, tmp_path / "data", api_port=0)).start()


def test_changed_schemas_are_reported_and_wait_for_a_fresh_start(project: Path, data_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(project, copy)
    with Stack(StackOptions(copy, data_dir, api_port=0)) as stack:
        old_key = started(stack).secret_key
    schema = copy / "supabase" / "schemas" / "001_notes.sql"
    schema.write_text(schema.read_text() + "\ncreate table public.later (id int);\n")

    def has_later(info: StackInfo) -> bool:
        with psycopg.connect(info.db_url) as connection:
            return connection.execute("select to_regclass('public.later')").fetchone() != (None,)

    messages: list[str] = []
    with Stack(StackOptions(copy, data_dir, api_port=0), messages.append) as stack:
        assert not has_later(started(stack))
    (note,) = [message for message in messages if "--fresh" in message]
    assert "001_notes.sql" in note

    stranger = data_dir / "notes-to-self.txt"
    stranger.write_text("not Tripgate's")
    # A fresh start needs nothing of what was there, damaged or not.
    for name in ("state.json", "keys.json"):
        (data_dir / name).write_bytes(b"{")
    with Stack(StackOptions(copy, data_dir, api_port=0, fresh=True)) as stack:
        assert has_later(started(stack))
        assert started(stack).secret_key != old_key
    # Only what a stack made is thrown away.
    assert stranger.exists()


def test_secrets_are_for_the_owner_only(running: StackInfo, running_data_dir: Path) -> None:
    assert running.secret_key in (running_data_dir / "keys.json").read_text()
    for name in ("keys.json", "config/front_door.json", "config/jwks.json", "config/postgrest.conf", "postgres"):
        assert stat.S_IMODE((running_data_dir / name).stat().st_mode) & 0o077 == 0, name


def test_a_password_guards_the_tcp_port(running: StackInfo) -> None:
    with psycopg.connect(running.db_url) as connection:
        row = connection.execute("select rolname, rolsuper from pg_roles where rolname = current_user").fetchone()
    assert row == ("postgres", False)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(running.db_url, password="wrong")


def test_code_and_data_may_lie_in_private_folders(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "root"
    private.mkdir(mode=0o700)
    package = binaries.postgres_bin(None).parents[1]
    shutil.copytree(package / "pginstall18", private / package.name / "pginstall18")
    (private / package.name / "__init__.py").touch()
    shutil.copytree(package.with_name(f"{package.name}.libs"), private / f"{package.name}.libs")
    # A process of its own, which finds Postgres in the private folder first.
    code = f"""
import sys
sys.path.insert(0, {str(private)!r})
from pathlib import Path
from tripgate.local.stack import Stack, StackOptions
with Stack(StackOptions(Path({str(project)!r}), Path({str(private / "data")!r}), api_port=0)) as stack:
    print(stack.info.api_url)
"""
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert output.startswith("http://127.0.0.1:")
    if os.geteuid() != 0:
        return  # only root hands Postgres over to another user, who cannot look into root's folders
    # Of that process, which does not know where these tests keep theirs.
    clusters = system_state.SYSTEM_STATE / "clusters"
    monkeypatch.setattr(system_state, "CLUSTERS", clusters)
    cluster = next(note.with_suffix("") for note in clusters.glob("*.of") if str(private) in note.read_text())
    assert (cluster / "PG_VERSION").exists()
    # Each start clears away what belongs to a data directory that is gone.
    system_state.remove_orphans()
    assert cluster.exists()
    shutil.rmtree(private / "data")
    system_state.remove_orphans()
    assert not cluster.exists()
