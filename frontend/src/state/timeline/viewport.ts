/** What part of the run a strip of pixels shows, and where things land on it. */

export interface Viewport {
  readonly from: number;
  readonly to: number;
  readonly width: number;
}

export function xOf(viewport: Viewport, moment: number): number {
  const span = Math.max(viewport.to - viewport.from, 1);
  return ((moment - viewport.from) / span) * viewport.width;
}

export function momentAt(viewport: Viewport, x: number): number {
  const span = viewport.to - viewport.from;
  const moment = Math.round(viewport.from + (x / Math.max(viewport.width, 1)) * span);
  return Math.min(Math.max(moment, viewport.from), viewport.to);
}
