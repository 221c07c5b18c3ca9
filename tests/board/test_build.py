"""How the board is built and served: typed, small, from locked packages, and told of when it does not build."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.board.people import Place
from tests.tooling.deno import FRONTEND, run_deno
from tripgate.gateway.app import application
from tripgate.gateway.settings import Settings, SettingsError
from tripgate.local.board_assets import board_assets
from tripgate.local.errors import LocalStackError
from tripgate.local.npm_packages import node_modules

ROOT = Path(__file__).parents[2]
BOARD = ROOT / "examples" / "board"
GENERATED = Path("examples", "board", "src", "api", "generated")
LOCK_FILES = [BOARD / "package.json", BOARD / "deno.lock"]
OURS = {"SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A project that holds a board and the schema alone."""
    board = tmp_path / "examples" / "board"
    shutil.copytree(BOARD, board, ignore=shutil.ignore_patterns("node_modules", "dist"))
    shutil.copy(ROOT / "schema.graphql", tmp_path)
    return tmp_path


def sources() -> Iterator[Path]:
    for pattern in ("*.html", "*.ts", "codegen/*.ts", "src/**/*.ts", "src/**/*.tsx", "src/**/*.css"):
        yield from (path for path in BOARD.glob(pattern) if "generated" not in path.parts)


def test_it_stays_small_enough_to_read() -> None:
    lines = {path.relative_to(BOARD): len(path.read_text().splitlines()) for path in sources()}
    # 1,500 for planning together, 120 for the page on which plans are paid for, 160 for the assistant, 100 for
    # pictures, 20 for where the keyboard's focus goes and 300 for a number and reminders.
    assert sum(lines.values()) <= 2_200, lines


def test_its_types_are_strict_and_hold(copy: Path) -> None:
    board = copy / "examples" / "board"
    (board / "node_modules").symlink_to(node_modules("board", LOCK_FILES, print))
    run_deno(board, "run", "--allow-all", "--cached-only", "node_modules/typescript/bin/tsc")
    assert '"strict": true' in (board / "tsconfig.json").read_text()


def test_its_documents_are_typed_from_the_schema_as_it_is(copy: Path) -> None:
    shutil.rmtree(copy / GENERATED)
    board = copy / "examples" / "board"
    package = json.loads((board / "codegen" / "package.json").read_text())
    # The same packages of the same versions as those of the sample frontend, which are there already.
    for name in ("package.json", "codegen/package.json"):
        (board / name).unlink()
    run_deno(
        board / "codegen",
        *("run", "--frozen", f"--config={FRONTEND}/deno.json", f"--lock={FRONTEND}/deno.lock"),
        *("--allow-env", "--allow-read", "--allow-sys", f"--allow-write={copy}"),
        f"npm:@graphql-codegen/cli@{package['dependencies']['@graphql-codegen/cli']}/graphql-codegen-esm",
        "--config=codegen.ts",
    )
    for made in (copy / GENERATED).iterdir():
        assert made.read_text() == (ROOT / GENERATED / made.name).read_text(), made.name


@pytest.mark.parametrize("folder", [BOARD, BOARD / "codegen"])
def test_the_packages_are_pinned_by_version_and_digest(folder: Path) -> None:
    package = json.loads((folder / "package.json").read_text())
    lock = json.loads((folder / "deno.lock").read_text())
    wanted = package["dependencies"] | package.get("devDependencies", {})
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert all(f"npm:{name}@{version}" in lock["specifiers"] for name, version in wanted.items())
    assert all(found["integrity"].startswith("sha512-") for found in lock["npm"].values())
    # Which registry serves them is the user's choice.
    assert "://" not in (folder / "deno.lock").read_text()


def test_it_is_built_once_until_one_of_its_files_changes(copy: Path) -> None:
    said: list[str] = []
    built = board_assets(ROOT, said.append)
    assert built is not None
    said.clear()
    assert board_assets(copy, said.append) == built
    assert said == []
    (copy / "examples" / "board" / "src" / "app.css").write_text("body { color: teal; }")
    other = board_assets(copy, said.append)
    assert other is not None
    assert other != built
    assert said == ["Building the board"]
    shutil.rmtree(other)


def test_one_that_cannot_be_built_is_told_and_nothing_of_it_is_kept(copy: Path) -> None:
    (copy / "examples" / "board" / "src" / "main.tsx").write_text("import { nothing } from './nowhere';")
    for _ in range(2):
        with pytest.raises(LocalStackError, match=r"^The board could not be built:\n[\s\S]*nowhere"):
            board_assets(copy, print)


def test_a_project_without_one_has_none(tmp_path: Path) -> None:
    assert board_assets(tmp_path, print) is None


def test_another_folder_stops_the_start(tmp_path: Path) -> None:
    settings = Settings.model_validate({**OURS, "board_assets": tmp_path})
    with pytest.raises(SettingsError, match=r"^TRIPGATE_BOARD_ASSETS: .* is no build of the board"):
        application(settings)
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "secrets.env").write_text("KEY=1")
    with pytest.raises(SettingsError, match=r"^TRIPGATE_BOARD_ASSETS: .* is no build of the board"):
        application(settings)


async def test_each_view_is_the_page_which_runs_scripts_of_its_own_alone(
    place: Place, http: aiohttp.ClientSession
) -> None:
    trip = "/trips/ada00000-0000-4000-8002-000000000001"
    for path in ("", "/", "/plan?paid", "/reminders", "/invitations?token=x", trip):
        async with http.get(place.board + path) as response:
            assert (response.status, response.content_type) == (200, "text/html")
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
            text = await response.text()
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src")} == {"'self'"}
    # Pictures come from Storage itself, and go there.
    assert {policy[name] for name in ("connect-src", "img-src")} == {f"'self' {place.supabase}"}
    assert 'content="ada@tripgate.example:tripgate-demo,ben@' in text
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        async with http.get(URL(place.board).with_path(address)) as response:
            assert response.status == 200, address
            assert "immutable" in response.headers["Cache-Control"]


async def test_what_is_no_file_of_the_build_is_not_found(place: Place, http: aiohttp.ClientSession) -> None:
    for name in ("index.js", "..%2findex.html", "%2fetc%2fpasswd", "", "x/index.js"):
        async with http.get(URL(f"{place.board}/assets/{name}", encoded=True)) as response:
            assert response.status == 404, name


def test_without_the_setting_there_is_none() -> None:
    routes = application(Settings.model_validate(OURS)).router.routes()
    assert not any(route.resource and route.resource.canonical.startswith("/board") for route in routes)
