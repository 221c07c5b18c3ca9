"""The guide's three pages: type-checked, bundled as Vite does, and opened in a real browser over a real gateway."""

import asyncio
import json
import re
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.browser.chromium import chromium
from tests.browser.page import Page, browser_page
from tests.conftest import ROOT
from tests.support import Person, listening, serving
from tests.tooling.deno import run_deno
from tripgate.gateway.schema import schema
from tripgate.local.keys import Signer, load_or_create
from tripgate.local.stack import StackInfo

EXAMPLE = ROOT / "examples/frontend"
CLIENTS = ("apollo", "urql", "relay")
# Before anything else of the page: keeps what it sends and which live queries have answered; can hold a request back,
# or have it fail.
HOOKS = """<script>
  globalThis.sent = [];
  globalThis.answered = [];
  globalThis.sockets = [];
  const send = fetch;
  globalThis.fetch = async (url, options) => {
    const name = /"operationName":"(\\w+)"/.exec(options.body ?? "")?.[1] ?? new URL(url).search;
    sent.push([name, options.headers?.authorization ?? options.headers?.Authorization ?? ""]);
    if (name.includes(globalThis.held)) await new Promise((go) => globalThis.letGo = go);
    const answer = await send(globalThis.cut ? "http://127.0.0.1:2/" : url, options);
    answered.push(name);
    return answer;
  };
  globalThis.live = new Set();
  globalThis.WebSocket = class extends WebSocket {
    sent = [];
    constructor(...given) {
      super(...given);
      sockets.push(this);
      this.addEventListener("message", ({ data }) => {
        const { id, type } = JSON.parse(data);
        const { query } = this.sent.find((one) => one.type === "subscribe" && one.id === id)?.payload ?? {};
        const name = /subscription (\\w*Live\\w*)/.exec(query)?.[1];
        if (type === "next" && name) live.add(name);
      });
    }
    send(text) {
      this.sent.push(JSON.parse(text));
      super.send(text);
    }
  };
</script>"""


@pytest.fixture(scope="module")
async def address(seeded: StackInfo) -> AsyncIterator[str]:
    """A gateway that pages of this machine may ask."""
    async with serving(seeded, development=True) as url:
        yield url


@pytest.fixture(scope="module")
def example(address: str, seeded: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, with its addresses and its generated code."""
    folder = tmp_path_factory.mktemp("example") / "frontend"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("generated", "node_modules"))
    (folder / "schema.graphql").write_text(str(schema()))
    addresses = {
        "GRAPHQL_URL": address,
        "SUPABASE_URL": seeded.api_url,
        "PUBLISHABLE_KEY": seeded.publishable_key,
    }
    config = (folder / "config.ts").read_text()
    for name, value in addresses.items():
        config = re.sub(f'{name} = ".*"', f'{name} = "{value}"', config)
    (folder / "config.ts").write_text(config)
    run_deno(folder, "task", "--quiet", "codegen")
    run_deno(folder, "task", "--quiet", "relay")
    return folder


@pytest.fixture(scope="module")
async def site(example: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """The address of the pages `/apollo`, `/urql` and `/relay`, and of an empty one."""
    source = shutil.copytree(example, tmp_path_factory.mktemp("site") / "frontend")
    (source / "transform.js").write_text(Path(__file__).with_name("transform.js").read_text())
    read = ("--allow-read", "--allow-env", "--allow-sys", f"--allow-write={source / 'relay'}")
    run_deno(source, "run", "--frozen", "--no-prompt", *read, "transform.js")
    entries = [f"{client}/main.tsx" for client in CLIENTS]
    run_deno(source, "bundle", "--frozen", "--quiet", "--platform=browser", "--outdir=bundled", *entries)

    async def page(request: web.Request) -> web.Response:
        name = request.match_info["client"]
        if name not in CLIENTS:
            return web.Response(text="<title>Nothing</title>", content_type="text/html")
        text = (source / ("index.html" if name == "apollo" else f"{name}.html")).read_text()
        assert f'"/{name}/main.tsx"' in text
        return web.Response(
            text=HOOKS + text.replace(f'"/{name}/main.tsx"', f'"/bundled/{name}/main.js"'), content_type="text/html"
        )

    app = web.Application()
    app.router.add_static("/bundled", source / "bundled")
    app.router.add_get("/{client}", page)
    async with listening(app) as url:
        yield url


@pytest.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """One browser for all tests here."""
    async with browser_page(chromium(), tmp_path_factory.mktemp("profile")) as page:
        yield page


@dataclass
class Visit:
    """A page of the example, and who has opened it."""

    page: Page
    url: str
    person: Person
    signer: Signer

    async def open(self, shown: str = "1 trips", *, seconds: int = 3600) -> None:
        """Open the page as somebody who signed in before, with a token that ends sooner than the page knows."""
        claims = self.signer.verify(str(self.person.token))
        await self.remember(self.signer.sign({**claims, "exp": int(time.time()) + seconds}))
        await self.page.open(self.url)
        await self.shows(shown)

    async def remember(self, token: str, seconds: int = 3600) -> None:
        """Put a session into the page's storage, as Auth's library keeps it."""
        session = {
            "access_token": token,
            "refresh_token": self.person.refresh_token,
            "expires_at": int(time.time()) + seconds,
            "expires_in": 3600,
            "token_type": "bearer",
            "user": {"id": self.person.id, "email": self.person.email},
        }
        kept = json.dumps(json.dumps(session))
        await self.page.run(f"localStorage.setItem('supabase.auth.token', {kept})")

    async def shows(self, text: str) -> None:
        """Wait until a person can read it."""
        await self.page.until(f"document.body.innerText.includes({json.dumps(text)})")

    async def click(self, text: str) -> None:
        """Click the button with this text, the first of them."""
        await self.page.run("document.querySelectorAll('[data-this]').forEach((it) => delete it.dataset.this)")
        await self.page.until(
            f"""[...document.querySelectorAll('button')].some((button) =>
              button.innerText === {json.dumps(text)} && (button.dataset.this = 'yes'))"""
        )
        await self.page.click("[data-this]")

    async def fill(self, name: str, value: str) -> None:
        """Write into the input of this name."""
        await self.page.run(f"document.querySelector('[name={name}]').value = {json.dumps(value)}")

    async def asked(self) -> list[str]:
        """The names of the operations that went to the gateway by HTTP."""
        return [name for name, _ in await self.page.run("sent") if name and not name.startswith("?")]

    async def sockets(self) -> int:
        """How many WebSockets were opened."""
        return int(await self.page.run("sockets.length"))

    async def is_live(self, queries: int) -> None:
        """Wait until so many live queries have answered."""
        await self.page.until(f"live.size === {queries}")

    async def hears(self, text: str, write: Callable[[], Awaitable[Any]]) -> None:
        """Write until a person can read it: nothing tells when a subscription to changes begins to hear."""
        shown = f"document.body.innerText.includes({json.dumps(text)})"
        for _ in range(40):
            await write()
            for _ in range(20):
                if await self.page.run(shown):
                    return
                await asyncio.sleep(0.02)
        raise AssertionError(f"{text} was never heard")


@pytest.fixture(scope="module")
def signer(seeded: StackInfo, seeded_data_dir: Path) -> Signer:
    """Signs tokens as the stack's Auth does."""
    secrets = load_or_create(seeded_data_dir / "keys.json")
    return Signer(algorithm="ES256", private_jwk=secrets.private_jwk, jwt_secret=secrets.jwt_secret)


@pytest.fixture(params=CLIENTS)
async def visit(request: pytest.FixtureRequest, browser: Page, site: str, newcomer: Person, signer: Signer) -> Visit:
    """The page of one client, of somebody with nothing stored."""
    await browser.open(f"{site}/nothing")
    await browser.until("document.title === 'Nothing'")
    await browser.run("localStorage.clear()")
    browser.complaints.clear()
    return Visit(browser, f"{site}/{request.param}", newcomer, signer)


@pytest.fixture
async def trip(newcomer: Person) -> dict[str, Any]:
    """A trip of the newcomer's with one item."""
    made = await newcomer.ask(
        """mutation { createTrip(input: { title: "Rome", items: [{ title: "Museum" }] }) {
             id items { nodes { id } } } }"""
    )
    return {"id": made["createTrip"]["id"], "item": made["createTrip"]["items"]["nodes"][0]["id"]}
