"""axe-core, which knows the rules of WCAG that a program can check, run on a page."""

import functools
from pathlib import Path

from tests.browser.page import Page
from tripgate.local.npm_packages import made_from_packages

LOCKED = Path(__file__).with_name("axe")
_STILL = """(() => {
  const still = new CSSStyleSheet();
  still.replaceSync('*, *::before, *::after { animation: none !important; transition: none !important; }');
  document.adoptedStyleSheets.push(still);
})()"""


@functools.cache
def _script() -> str:
    def copy(packages: Path, made: Path) -> None:
        (found,) = packages.glob("axe-core/*/axe.min.js")
        (made / found.name).write_bytes(found.read_bytes())

    return (made_from_packages("axe", LOCKED, copy, print) / "axe.min.js").read_text()


async def violations(page: Page, within: str = "document") -> list[str]:
    """What is wrong, with the elements.

    Args:
        within: What is looked at, in JavaScript.
    """
    await page.run(f"{_script()}; 0")
    # At the end of every animation, and with none of what arrives meanwhile: half-seen text has no contrast.
    await page.run("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
    await page.run(_STILL)
    each = "violations.flatMap(({id, nodes}) => nodes.map(({html}) => `${id}: ${html}`))"
    found: list[str] = await page.run(f"axe.run({within}).then(({{violations}}) => {each})")
    await page.run("document.adoptedStyleSheets.pop(); 0")
    return found
