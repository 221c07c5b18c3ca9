"""What `[storage]` of `supabase/config.toml` says, and what it can not say here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.local.storage.conftest import PROJECT
from tests.support import stack_options
from tripgate.local.errors import LocalStackError
from tripgate.local.keys import load_or_create
from tripgate.local.stack import Stack
from tripgate.local.storage.config import StorageSettings, of_project

if TYPE_CHECKING:
    from pathlib import Path


def project(folder: Path, text: str) -> Path:
    """A project with this configuration."""
    (folder / "supabase").mkdir()
    (folder / "supabase" / "config.toml").write_text(text)
    return folder


def test_a_project_that_says_nothing(tmp_path: Path) -> None:
    assert of_project(tmp_path) == StorageSettings(
        enabled=True, file_size_limit=50 * 1024**2, image_transformation=True
    )
    assert of_project(project(tmp_path, "[auth]")) == StorageSettings()


@pytest.mark.parametrize(
    ("text", "size"), [("5MB", 5 * 1024**2), ("5MiB", 5 * 1024**2), ("1.5 KiB", 1536), ("100", 100), ("1GiB", 1024**3)]
)
def test_sizes(tmp_path: Path, text: str, size: int) -> None:
    assert of_project(project(tmp_path, f'[storage]\nfile_size_limit = "{text}"')).file_size_limit == size


def test_parts_are_switched_off(tmp_path: Path) -> None:
    text = (
        "[storage]\nenabled = false\n[storage.image_transformation]\nenabled = false\n[storage.vector]\nenabled = false"
    )
    assert of_project(project(tmp_path, text)) == StorageSettings(enabled=False, image_transformation=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[storage]\nfile_size_limit = "much"', r'\[storage\] file_size_limit: write a size such as "50MiB"'),
        ("[storage]\nfile_size_limit = 5", r'\[storage\] file_size_limit: write a size such as "50MiB"'),
        ('[storage]\nenabled = "yes"', r"\[storage\] enabled: say true or false"),
        ("[storage.s3_protocol]\nenabled = true", r"\[storage.s3_protocol\]: the S3 protocol is not there"),
        ("[storage.vector]\nenabled = true", r"\[storage.vector\]: vector buckets are not there"),
        ("[storage.buckets.images]\npublic = true", r"\[storage.buckets\]: make buckets in the project's SQL"),
        ("[storage]\nfile_size = 5", r"\[storage\] file_size: is no setting of Storage"),
        ("storage = 5", r"\[storage\]: has to be a table"),
        ("[storage", "is not TOML"),
    ],
)
def test_what_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LocalStackError, match=message):
        of_project(project(tmp_path, text))


async def test_settings_are_obeyed(storage_data_dir: Path) -> None:
    settings = StorageSettings(image_transformation=False, file_size_limit=10)
    data = storage_data_dir.with_name("other")
    with Stack(stack_options(PROJECT, data, storage=settings)) as stack:
        assert stack.info is not None
        url, key = f"{stack.info.api_url}/storage/v1", stack.info.secret_key
        assert load_or_create(data / "keys.json").secret_key == key
        async with aiohttp.ClientSession(headers={"apikey": key}) as http:
            async with http.put(f"{url}/object/faces/a", data=b"x" * 11) as answer:
                assert (await answer.json())["code"] == "EntityTooLarge"
            async with http.put(f"{url}/object/faces/a", data=b"x" * 10) as answer:
                assert answer.status == 200
            async with http.get(f"{url}/render/image/public/faces/a?width=10") as answer:
                assert (answer.status, (await answer.json())["error"]) == (403, "FeatureNotEnabled")
            body = {"expiresIn": 60, "transform": {"width": 10}}
            async with http.post(f"{url}/object/sign/faces/a", json=body) as answer:
                assert (await answer.json())["signedURL"].startswith("/object/sign/faces/a?token=")
        assert any((data / "storage" / "objects").glob("*/*"))
    # Kept from one start to the next, and gone with the rest.
    with Stack(stack_options(PROJECT, data, fresh=True, storage=StorageSettings(enabled=False))) as stack:
        assert stack.info is not None
        assert not (data / "storage").exists()
        headers = {"apikey": stack.info.secret_key}
        async with aiohttp.request("GET", f"{stack.info.api_url}/storage/v1/bucket", headers=headers) as answer:
            assert answer.status == 501
