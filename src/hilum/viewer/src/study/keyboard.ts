// Keys of the study page; help.ts lists them.

import type { Tool } from "./cornerstone";
import type { LayerKind } from "./layers";

export interface StudyKeys {
  tool(tool: Tool): void;
  invert(): void;
  reset(): void;
  clear(): void;
  zoom(factor: number): void;
  pan(right: number, down: number): void;
  levels(width: number, level: number): void;
  nextImage(): void;
  nextViewport(): void;
  togglePrior(): void;
  toggleAll(): void;
  toggleLayer(kind: LayerKind): void;
  stepFinding(step: 1 | -1): void;
  judge(kind: "agree" | "reject" | "correct"): void;
  comment(): void;
  save(): void;
  escape(): void;
}

const PAN = 40;
const LEVEL = 0.04;
const ZOOM = 1.2;

/** What a key does, by `event.key` in lower case; arrows and Shift are handled below. */
function listKeys(keys: StudyKeys): Record<string, () => void> {
  return {
    w: () => keys.tool("window"),
    z: () => keys.tool("zoom"),
    p: () => keys.tool("pan"),
    m: () => keys.tool("magnify"),
    l: () => keys.tool("length"),
    a: () => keys.tool("angle"),
    t: () => keys.tool("ratio"),
    i: () => keys.invert(),
    "0": () => keys.reset(),
    x: () => keys.clear(),
    "+": () => keys.zoom(ZOOM),
    "=": () => keys.zoom(ZOOM),
    "-": () => keys.zoom(1 / ZOOM),
    n: () => keys.nextImage(),
    v: () => keys.nextViewport(),
    b: () => keys.togglePrior(),
    o: () => keys.toggleAll(),
    "1": () => keys.toggleLayer("masks"),
    "2": () => keys.toggleLayer("heat"),
    "3": () => keys.toggleLayer("boxes"),
    "4": () => keys.toggleLayer("landmarks"),
    j: () => keys.stepFinding(1),
    k: () => keys.stepFinding(-1),
    y: () => keys.judge("agree"),
    r: () => keys.judge("reject"),
    d: () => keys.judge("correct"),
    c: () => keys.comment(),
    s: () => keys.save(),
    escape: () => keys.escape(),
  };
}

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Listen on the document; returns stops it. Fields, sliders and dialogs keep their keys. */
export function listenToKeys(keys: StudyKeys): () => void {
  const actions = listKeys(keys);
  const listener = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const target = event.target as HTMLElement;
    if (target.closest("textarea, select, input:not([type=range]):not([type=checkbox])")) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      // sliders and the scrolled panel use the arrows themselves
      if (target.closest("input, .side")) return;
      if (event.shiftKey) keys.levels(arrow[0] * LEVEL, arrow[1] * LEVEL);
      else keys.pan(arrow[0] * PAN, arrow[1] * PAN);
      event.preventDefault();
      return;
    }
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}
