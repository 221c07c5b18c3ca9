"""What the README tells a newcomer to paste, pasted."""

import asyncio
import json
import re
import subprocess
from pathlib import Path

from bench.report import share
from tests.support import Person

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = [
    "\n".join(line.removeprefix("$ ") for line in block.splitlines())
    for block in re.findall(r"^```console\n(\$ .*?)^```$", README, re.DOTALL | re.MULTILINE)
]
(SIGN_IN,) = [each for each in COMMANDS if each.startswith("TOKEN=$(")]
QUERY, FOLLOW = (each for each in COMMANDS if "$TOKEN" in each)


async def pasted(url: str, *commands: str, seconds: float = 30) -> str:
    """What a shell prints of these, asked of a gateway at this address."""
    text = "\n".join(commands).replace("http://127.0.0.1:8000/graphql", url)

    def run() -> str:
        try:
            return subprocess.run(
                ["/bin/sh", "-c", text], capture_output=True, text=True, timeout=seconds, check=True
            ).stdout
        except subprocess.TimeoutExpired as over:
            return (over.stdout or b"").decode()

    return await asyncio.to_thread(run)


async def test_the_first_query_answers_as_it_is_shown(anonymous: Person) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert json.loads(await pasted(anonymous.url, SIGN_IN, QUERY)) == json.loads(shown)


async def test_without_a_token_or_as_somebody_else(anonymous: Person, ben: Person) -> None:
    assert json.loads(await pasted(anonymous.url, QUERY))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    answer = json.loads(await pasted(anonymous.url, f"TOKEN={ben.token}", QUERY))
    titles = [trip["title"] for trip in answer["data"]["trips"]["nodes"]]
    assert titles == ["Utah: three parks in eight days", "Tokyo and Kyoto under the maples"]


async def test_following_goes_on_without_an_error(anonymous: Person) -> None:
    said = await pasted(anonymous.url, SIGN_IN, FOLLOW, seconds=4)
    assert "errors" not in said
    assert "event: complete" not in said


def test_its_figures_are_those_of_the_last_benchmark() -> None:
    performance = (Path(__file__).parents[2] / "docs" / "performance.md").read_text()
    (over,) = re.findall(
        r"10 trips with 10 items each: Tripgate, gateway CPU over [^|]*\|[^|]*\| ([\d.]+) ms", performance
    )
    assert f"take {over} ms of CPU more than an aiohttp server" in README
    (times,) = re.findall(
        r"\| 10 trips with 10 items each: Tripgate, requests/s to hand-written \|[^|]*\| ([\d.]+) ", performance
    )
    assert f"a hand-written Strawberry gateway answers {share(float(times))} as often" in README
    # How long a start takes is for each machine to say.
    assert not re.search(r"\bin (two|three|a few|\d+) seconds\b", README)
