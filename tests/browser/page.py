"""Drives headless Chromium by the Chrome DevTools Protocol: real clicks and keys, and a record of what pages did.

As small as the tests need. Everything goes over one WebSocket to one browser, whose pages know nothing of each other.
"""

import asyncio
import base64
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.browser.chromium import Chromium

# No sandbox: it needs rights that containers lack, and only pages of our own are opened. The rest stops what a browser
# asks of its maker's servers by itself.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
)
_SECONDS = 60
# Keys that a page acts on by itself: the number that the browser knows each by, and what it writes.
_KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Space": (32, " "),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
}


class Browser:
    """A browser that runs, and its connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}

    @asynccontextmanager
    async def page(self) -> AsyncIterator["Page"]:
        """A blank page, with storage and cookies of its own: another person's. It is closed with the block."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = (await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True))["sessionId"]
        page = self._pages[session] = Page(self, session)
        await page.listen()
        try:
            yield page
        finally:
            del self._pages[session]
            await self.call("Target.disposeBrowserContext", browserContextId=context)

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """What a command of the protocol answers, of one page where its session is given."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        of_page = {} if session is None else {"sessionId": session}
        await self._socket.send_json({"id": number, "method": method, "params": params, **of_page})
        said = await asyncio.wait_for(answer, _SECONDS)
        assert "error" not in said, (method, said["error"])
        result: dict[str, Any] = said["result"]
        return result

    async def listen(self) -> None:
        """Take what the browser says until it ends."""
        async for message in self._socket:
            said = message.json()
            if "id" in said:
                self._answers.pop(said["id"]).set_result(said)
            elif (note := _NOTES.get(said["method"])) and (page := self._pages.get(said.get("sessionId", ""))):
                note(page, said["params"])


class Page:
    """One page of a browser, alone in its window."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        #: What the page asked of which address.
        self.requests: list[str] = []
        #: What it sent over WebSockets.
        self.sent: list[str] = []
        #: Errors of the console, failed requests and breaches of the content security policy among them.
        self.complaints: list[str] = []
        self._offered: list[str] = []
        self._choosing: set[asyncio.Task[Any]] = set()

    async def listen(self) -> None:
        """Have all of it recorded."""
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            await self._call(f"{domain}.enable")

    async def size(self, width: int, height: int, scale: float = 1) -> None:
        """Set the window's size."""
        await self._call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )

    async def open(self, url: str) -> None:
        """Go to an address; the page may still be loading afterwards."""
        answer = await self._call("Page.navigate", url=url)
        assert "errorText" not in answer, answer

    async def reload(self) -> None:
        """Load the page again. A mark on the old one tells the two apart."""
        await self.run("globalThis.before = true")
        await self._call("Page.reload")
        await self.until("!globalThis.before && document.readyState === 'complete'")

    async def run(self, script: str) -> Any:
        """The value of a JavaScript expression, of a promise what it fulfils with."""
        answer = await self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait for the expression to be truthy; fails when that takes too long."""
        await self.value(f"Boolean({script})")

    async def value(self, script: str) -> Any:
        """The value of the expression, of those that are JSON, once it is truthy; fails when that takes too long."""
        deadline = time.monotonic() + _SECONDS
        failed = ""
        while time.monotonic() < deadline:
            try:
                if value := await self.run(script):
                    return value
            except AssertionError as error:  # while one page gives way to the next, nothing may be there to answer
                failed = str(error)
            await asyncio.sleep(0.02)
        raise AssertionError("\n".join([f"not so after {_SECONDS} s: {script}", failed, *self.complaints]))

    async def text(self, selector: str) -> str:
        """What a person reads in the element."""
        return str(await self.value(f"document.querySelector({json.dumps(selector)})?.innerText"))

    async def click(self, selector: str) -> None:
        """Click the middle of the element, as a hand would, once it can be clicked."""
        await self.click_found(f"document.querySelector({json.dumps(selector)})")

    async def click_found(self, script: str) -> None:
        """The same with the element that the expression finds, which is brought into view."""
        for _ in range(5):
            x, y = await self.value(
                f"""(() => {{
                  const element = {script};
                  if (!element || element.disabled || element.ariaDisabled === "true") return null;
                  element.scrollIntoView({{block: "nearest", behavior: "instant"}});
                  const box = element.getBoundingClientRect();
                  const point = [box.x + box.width / 2, box.y + box.height / 2];
                  if (!element.contains(document.elementFromPoint(...point))) return null;
                  globalThis.clicked = false;
                  element.addEventListener("click", () => {{ globalThis.clicked = true; }}, {{once: true}});
                  return point;
                }})()"""
            )
            await self._mouse("mouseMoved", x, y)
            await self._mouse("mousePressed", x, y)
            await self._mouse("mouseReleased", x, y)
            # What comes late moves all that is below it, under the hand. The next page knows nothing of it.
            if await self.run("globalThis.clicked ?? true"):
                return
        raise AssertionError(f"it never stands still: {script}")

    async def drag(self, selector: str, target: str, *, finger: bool = False) -> None:
        """Take hold of the element's middle, move it to just below the top of the target, and let go."""
        middle = "(({x, y, width, height}) => [x + width / 2, y + Math.min(5, height / 2)])"
        (from_x, from_y), (x, y) = [
            await self.value(f"{middle}(document.querySelector({json.dumps(one)}).getBoundingClientRect())")
            for one in (selector, target)
        ]
        points = [(from_x + (x - from_x) * step, from_y + (y - from_y) * step) for step in (0, 0.5, 0.9, 1)]
        if finger:
            for kind, (to_x, to_y) in zip(("touchStart", "touchMove", "touchMove", "touchMove"), points, strict=True):
                await self._call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": to_x, "y": to_y}])
            await self._call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            return
        await self._mouse("mouseMoved", from_x, from_y)
        await self._mouse("mousePressed", from_x, from_y)
        for point in points[1:]:
            await self._mouse("mouseMoved", *point)
        await self._mouse("mouseReleased", x, y)

    async def hover(self, x: float, y: float) -> None:
        """Move the pointer."""
        await self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    async def offer_files(self, *paths: Path) -> None:
        """Answer the next dialogs that ask for files with these, as they would be chosen there."""
        self._offered = [str(path) for path in paths]
        await self._call("Page.setInterceptFileChooserDialog", enabled=True)

    async def press(self, key: str) -> None:
        """Press a named key, such as Escape, Tab or Enter."""
        number, text = _KEYS.get(key, (0, ""))
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            await self._call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=" " if key == "Space" else key,
                code=key,
                windowsVirtualKeyCode=number,
                **more,
            )

    async def write(self, text: str) -> None:
        """Write where the focus is."""
        await self._call("Input.insertText", text=text)

    async def prefer(self, scheme: str) -> None:
        """Set what the system prefers, `light` or `dark`."""
        await self._call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    async def picture(self) -> bytes:
        """A screenshot, as PNG."""
        answer = await self._call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    async def _mouse(self, kind: str, x: float, y: float) -> None:
        held = 0 if kind == "mouseReleased" else 1
        await self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=held, clickCount=1)

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **params)

    def _asked(self, params: dict[str, Any]) -> None:
        url = params["request"]["url"]
        if not url.startswith("data:"):
            self.requests.append(url)

    def _sent(self, params: dict[str, Any]) -> None:
        self.sent.append(params["response"]["payloadData"])

    def _logged(self, params: dict[str, Any]) -> None:
        if params["type"] in {"error", "assert"}:
            self.complaints.append(" ".join(str(each.get("value", each.get("description"))) for each in params["args"]))

    def _threw(self, params: dict[str, Any]) -> None:
        self.complaints.append(json.dumps(params["exceptionDetails"]))

    def _entered(self, params: dict[str, Any]) -> None:
        entry = params["entry"]
        if entry["level"] == "error":
            self.complaints.append(f"{entry['text']} {entry.get('url', '')}")

    def _chooses(self, params: dict[str, Any]) -> None:
        chosen = self._call("DOM.setFileInputFiles", files=self._offered, backendNodeId=params["backendNodeId"])
        self._choosing.add(task := asyncio.create_task(chosen))
        task.add_done_callback(self._choosing.discard)

    def _found(self, params: dict[str, Any]) -> None:
        if params["issue"]["code"] == "ContentSecurityPolicyIssue":
            self.complaints.append(json.dumps(params["issue"]))


_NOTES: dict[str, Callable[[Page, dict[str, Any]], None]] = {
    "Network.requestWillBeSent": Page._asked,
    "Network.webSocketFrameSent": Page._sent,
    "Runtime.consoleAPICalled": Page._logged,
    "Runtime.exceptionThrown": Page._threw,
    "Log.entryAdded": Page._entered,
    "Audits.issueAdded": Page._found,
    "Page.fileChooserOpened": Page._chooses,
}


@asynccontextmanager
async def browser_page(chromium: Chromium, profile: Path) -> AsyncIterator[Page]:
    """A page of a browser of its own, which keeps what it writes in `profile` and ends with the block."""
    async with browser(chromium, profile) as running, running.page() as page:
        yield page


@asynccontextmanager
async def browser(chromium: Chromium, profile: Path) -> AsyncIterator[Browser]:
    """A browser without a page, which keeps what it writes in `profile` and ends with the block."""
    process = await asyncio.create_subprocess_exec(
        chromium.program,
        *_FLAGS,
        f"--user-data-dir={profile}",
        env={**os.environ, "HOME": str(profile), **chromium.env},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    tasks: list[asyncio.Task[Any]] = []
    try:
        said = b""
        while not said.startswith(b"DevTools listening on "):
            said = await asyncio.wait_for(process.stderr.readline(), _SECONDS)
            assert said, f"Chromium does not start: {chromium.program} ended with {await process.wait()}"
        # Its further words are read and forgotten: a full pipe would stop it.
        tasks.append(asyncio.create_task(process.stderr.read()))
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(said.split()[-1].decode(), max_msg_size=0) as socket,
        ):
            running = Browser(socket)
            tasks.append(asyncio.create_task(running.listen()))
            yield running
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
