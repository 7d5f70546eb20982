"""What the browser's frames were like while something was done: the page's own animation frames, written down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from playwright.async_api import CDPSession, Page

_BEGIN = """() => {
  const log = [];
  const next = (at) => {
    if (window.frameLog !== log) return;
    log.push(at);
    requestAnimationFrame(next);
  };
  window.frameLog = log;
  requestAnimationFrame(next);
}"""
_COUNT = """async () => {
  for (let frame = 0; frame < 120; frame++) {
    await new Promise(requestAnimationFrame);
    for (const start = performance.now(); performance.now() - start < 8; );
  }
}"""
_END = "() => { const log = window.frameLog; window.frameLog = null; return log; }"

#: One frame that comes late at 60 Hz: as long as two take, and what the clock's grain adds.
LONGEST_MS = 33.5


@dataclass
class FrameLog:
    """Milliseconds from each frame to the next, sorted; and those that the page's main thread worked, over all."""

    gaps: list[float] = field(default_factory=list)
    worked: float = 0.0

    @property
    def late(self) -> int:
        """How many took longer than two frames take at 60 Hz."""
        return sum(gap > LONGEST_MS for gap in self.gaps)

    @property
    def work(self) -> float:
        """What the page's main thread worked for each, in milliseconds."""
        return self.worked / len(self.gaps)

    def __str__(self) -> str:
        count = len(self.gaps)
        median, p99 = self.gaps[count // 2], self.gaps[count * 99 // 100]
        return (
            f"{count} frames, median {median:.1f} ms, p99 {p99:.1f}, longest {self.gaps[-1]:.1f}, {self.late} over 33;"
            f" {self.work:.1f} ms of work in each"
        )


@asynccontextmanager
async def frames_of(page: Page) -> AsyncIterator[FrameLog]:
    """The frames of the block: filled in at its end."""
    log = FrameLog()
    devtools = await page.context.new_cdp_session(page)
    # By the thread's own clock: what other processes take is not the page's work.
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = await _worked(devtools)
    await page.evaluate(_BEGIN)
    yield log
    at: list[float] = await page.evaluate(_END)
    log.worked = await _worked(devtools) - before
    log.gaps = sorted(after - before for before, after in pairwise(at))
    await devtools.detach()


async def _worked(devtools: CDPSession) -> float:
    """What the main thread has worked since it began: milliseconds."""
    told = await devtools.send("Performance.getMetrics")
    return next(1000 * float(metric["value"]) for metric in told["metrics"] if metric["name"] == "TaskDuration")


async def control(page: Page) -> FrameLog:
    """The frames of a page that does nothing but count for half of each: what this machine has to give just now."""
    async with frames_of(page) as frames:
        await page.evaluate(_COUNT)
    return frames
