// Drawing or correcting a box on the image, with the mouse, a finger or the keyboard.

import type { Box, Point } from "../contract";
import { h, svg } from "../dom";
import { applyAffine, boxOnDisplay, invertAffine, nudgeBox, spanBox, type Affine } from "../geometry";
import { t } from "../language";

export interface Boxing {
  redraw(map: Affine | null): void;
  cancel(): void;
}

const STEP = 0.01;
const STOPPED = ["mousedown", "mousemove", "mouseup", "click", "dblclick", "touchstart", "touchmove", "touchend", "pointerdown"];

/** Let the reader draw over `element`; `onDone` gets the box in source pixels, or null. */
export function startBoxing(
  element: HTMLElement,
  size: { columns: number; rows: number },
  start: Box | null,
  onDone: (box: Box | null) => void,
): Boxing {
  const { columns, rows } = size;
  let box: Box = start ?? [columns * 0.4, rows * 0.4, columns * 0.2, rows * 0.2];
  let map: Affine | null = null;
  let from: Point | null = null;
  let grip: Point | null = null;
  const shape = svg("polygon", { class: "drawn" });
  const surface = svg("svg", { class: "boxing", tabindex: 0, role: "application", "aria-label": t("feedback.drag") }, shape);
  const hint = h("div", { class: "hint" }, h("p", {}, t("feedback.drag")),
    h("button", { type: "button", class: "primary", onclick: () => finish(box) }, t("feedback.save_box")),
    h("button", { type: "button", onclick: () => finish(null) }, t("cancel")));

  const pointAt = (event: PointerEvent): Point | null => {
    if (!map) return null;
    const frame = element.getBoundingClientRect();
    return applyAffine(invertAffine(map), [event.clientX - frame.left, event.clientY - frame.top]);
  };
  const isInside = ([x, y]: Point) => x >= box[0] && x <= box[0] + box[2] && y >= box[1] && y <= box[1] + box[3];

  function draw(): void {
    if (map) shape.setAttribute("points", boxOnDisplay(map, box).map((point) => point.join(",")).join(" "));
  }

  function finish(result: Box | null): void {
    surface.remove();
    hint.remove();
    onDone(result);
  }

  surface.addEventListener("pointerdown", (event) => {
    const at = pointAt(event);
    if (!at) return;
    surface.setPointerCapture(event.pointerId);
    if (isInside(at)) grip = [at[0] - box[0], at[1] - box[1]];
    else from = at;
  });
  surface.addEventListener("pointermove", (event) => {
    const at = pointAt(event);
    if (!at) return;
    if (from) box = spanBox(from, at, columns, rows);
    if (grip) box = nudgeBox(box, [at[0] - grip[0] - box[0], at[1] - grip[1] - box[1]], [0, 0], columns, rows);
    if (from || grip) draw();
  });
  surface.addEventListener("pointerup", () => {
    from = null;
    grip = null;
  });
  surface.addEventListener("keydown", (event) => {
    const moves: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (event.key === "Enter") finish(box);
    else if (event.key === "Escape") finish(null);
    else if (move) {
      const step: Point = [move[0] * STEP * columns, move[1] * STEP * rows];
      box = event.shiftKey ? nudgeBox(box, [0, 0], step, columns, rows) : nudgeBox(box, step, [0, 0], columns, rows);
      draw();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  for (const kind of STOPPED) surface.addEventListener(kind, (event) => event.stopPropagation());
  for (const kind of STOPPED) hint.addEventListener(kind, (event) => event.stopPropagation());
  element.append(surface, hint);
  surface.focus();
  return {
    redraw(next) {
      map = next;
      draw();
    },
    cancel: () => finish(null),
  };
}
