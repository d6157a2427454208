// Fingers on an image. Two move and zoom it and stay on the pixels that they touch; one held still
// brings the magnifier. What one moving finger does is up to the tool, and to Cornerstone.

import type { Point } from "../contract";

/** A step of two fingers: zoom by `factor` around `at`, then move by `by`. */
export interface Pinch {
  factor: number;
  at: Point;
  by: Point;
}

export interface FingerActions {
  /** The tool of the one finger is given up: a second has come. */
  onPair(): void;
  onPinch(pinch: Pinch): void;
  /** One finger rested at this point of the element. */
  onHold(at: Point): void;
}

const HOLD_MS = 500;
const HOLD_PX = 8;

/** How two fingers moved, from `before` to `now`; null where they do not tell a distance. */
export function comparePairs(before: [Point, Point], now: [Point, Point]): Pinch | null {
  const spread = ([a, b]: [Point, Point]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const middle = ([a, b]: [Point, Point]): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  if (spread(before) < 1 || spread(now) < 1) return null;
  const [from, to] = [middle(before), middle(now)];
  return { factor: spread(now) / spread(before), at: from, by: [to[0] - from[0], to[1] - from[1]] };
}

/** How far to move a picture that was zoomed around `centre`, so that `at` stays where it was. */
export function anchorZoom(factor: number, at: Point, centre: Point): Point {
  return [(at[0] - centre[0]) * (1 - factor), (at[1] - centre[1]) * (1 - factor)];
}

/** Listen to the fingers on `element`; returns stops it. */
export function followFingers(element: HTMLElement, actions: FingerActions): () => void {
  let pair: [Point, Point] | null = null;
  let isPaired = false; // until the last finger has left
  let timer: ReturnType<typeof setTimeout> | undefined;
  let rest: Point | null = null;

  const pointOf = (touch: Touch): Point => {
    const frame = element.getBoundingClientRect();
    return [touch.clientX - frame.left, touch.clientY - frame.top];
  };
  const isInside = (target: EventTarget | null) => target instanceof Node && element.contains(target);
  /** Fingers on the element or on anything in it: `targetTouches` splits a region's from the image's. */
  const touchesOf = (event: TouchEvent) => [...event.touches].filter((touch) => isInside(touch.target));
  const pairOf = (event: TouchEvent): [Point, Point] | null => {
    const [first, second] = touchesOf(event).map(pointOf);
    return first && second ? [first, second] : null;
  };

  function start(event: TouchEvent): void {
    clearTimeout(timer);
    pair = pairOf(event);
    if (!pair) {
      const only = touchesOf(event)[0];
      if (!only || isPaired) return;
      const at = pointOf(only);
      rest = at;
      timer = setTimeout(() => actions.onHold(at), HOLD_MS);
      return;
    }
    if (!isPaired) actions.onPair();
    isPaired = true;
    event.stopPropagation();
    event.preventDefault();
  }

  function move(event: TouchEvent): void {
    const only = touchesOf(event)[0];
    if (rest && only) {
      const at = pointOf(only);
      if (Math.hypot(at[0] - rest[0], at[1] - rest[1]) > HOLD_PX) clearTimeout(timer);
    }
    if (!isPaired) return;
    // Cornerstone listens on the document and would go on with the tool of the first finger
    event.stopImmediatePropagation();
    event.preventDefault();
    const now = pairOf(event);
    const pinch = pair && now && comparePairs(pair, now);
    pair = now;
    if (pinch) actions.onPinch(pinch);
  }

  function end(event: TouchEvent): void {
    clearTimeout(timer);
    rest = null;
    pair = pairOf(event);
    if (event.touches.length === 0) isPaired = false;
  }

  /** Cornerstone knows no cancelled touch and would wait for its end for ever. */
  function cancel(event: TouchEvent): void {
    end(event);
    document.dispatchEvent(new TouchEvent("touchend", { changedTouches: [...event.changedTouches] }));
  }

  const options = { capture: true, passive: false };
  const moved = (event: TouchEvent): void => {
    if (isInside(event.target)) move(event);
  };
  element.addEventListener("touchstart", start, options);
  window.addEventListener("touchmove", moved, options);
  element.addEventListener("touchend", end, options);
  element.addEventListener("touchcancel", cancel, options);
  return () => {
    clearTimeout(timer);
    window.removeEventListener("touchmove", moved, options);
  };
}
