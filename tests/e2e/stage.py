"""The page through its stable handles: accessible names, `data-part` and what hangs on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.async_api import Locator, Page, expect

from tests.e2e.told import Picture

_PICTURE = """() => {
  const value = (element) => parseInt(element.dataset.value, 16);
  const exact = (element) => element.dataset.value;
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  return {
    site: all('[data-part="patch-site"] [data-byte]').map(value),
    frames: all('[data-part="iret-frame"]')
      .sort((one, other) => one.dataset.frame - other.dataset.frame)
      .map((frame) => Object.fromEntries(all("[data-word]", frame).map((word) => [word.dataset.word, exact(word)]))),
    depth: exact(document.querySelector('[data-part="int3-stack"] [data-field="depth"]')),
    slots: all('[data-part="int3-stack"] [data-slot]').map(exact),
  };
}"""

#: Everything that the page says about a moment, to the letter.
_LOOK = """() => [
  [...document.querySelectorAll("[data-value]")].map((e) => e.dataset.value),
  document.querySelector('[data-part="story"]').innerText,
  document.querySelector('[data-part="thread-info"]').innerText,
  document.querySelector('[data-part="code"] [aria-current]')?.innerText ?? "",
]"""


_MOST_FRAMES = 60
_AXE = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Stage:
    """One page of one browser."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    @property
    def main(self) -> Locator:
        """The element that carries session, moment, steps and state."""
        return self.page.locator("main")

    async def visit(self, fragment: str = "", **query: str) -> None:
        """Enter an address, and wait for nothing but the page itself."""
        await self.page.goto(f"{self.url}?{urlencode(query)}{fragment}")

    async def open(self, steps: int, fragment: str = "", **query: str) -> None:
        """Open a run and wait until all its steps, and the code that they ran, are in the browser."""
        await self.visit(fragment, **query)
        await expect(self.main).to_have_attribute("data-steps", str(steps), timeout=30_000)
        await self.page.locator('[data-part="code"] [aria-current]').wait_for()
        await self.page.wait_for_load_state("networkidle")

    async def moment(self) -> int:
        """The moment that the page shows."""
        return int(await self.main.get_attribute("data-moment") or "")

    async def click(self, name: str) -> None:
        """Press a control by its accessible name."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def press(self, key: str, times: int = 1) -> None:
        """Press a key, so many times."""
        for _ in range(times):
            await self.page.keyboard.press(key)

    async def go_to(self, moment: int) -> None:
        """Go to a moment by its number, as a person would."""
        await self.press("g")
        await self.page.keyboard.type(str(moment))
        await self.press("Enter")
        await self.is_at(moment)

    async def is_at(self, moment: int) -> None:
        """Wait until the page shows a moment."""
        await expect(self.main).to_have_attribute("data-moment", str(moment))

    async def settled(self) -> None:
        """Wait until the panes stand where the moment has them: they scroll in the frames behind it."""
        await self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    async def picture(self) -> Picture:
        """What the handles say."""
        seen = await self.page.evaluate(_PICTURE)
        return Picture(
            site=tuple(seen["site"]),
            frames=tuple({name: int(value, 16) for name, value in frame.items()} for frame in seen["frames"]),
            depth=int(seen["depth"], 16),
            slots=tuple(int(value, 16) for value in seen["slots"]),
        )

    async def story(self) -> str:
        """The sentence on what just happened."""
        return await self.page.locator('[data-part="story"]').inner_text()

    async def axe(self) -> list[str]:
        """What axe finds wrong with the page as it is; it must have been opened with `bypass_csp`."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.add_script_tag(path=_AXE)
        result: dict[str, Any] = await self.page.evaluate(f"axe.run({{runOnly: {_RULES}}})")
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:120]}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]

    async def look(self) -> Any:
        """A fingerprint of all that is shown."""
        return await self.page.evaluate(_LOOK)

    async def look_again(self, before: Any) -> Any:
        """The fingerprint once it is what it was, or after so many frames that it never will be.

        A pane that has changed its size finds its rows in the frames behind that.
        """
        for _ in range(_MOST_FRAMES):
            if await self.look() == before:
                break
            await self.page.evaluate("() => new Promise(requestAnimationFrame)")
        return await self.look()
