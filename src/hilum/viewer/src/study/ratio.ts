// The quotient of two drawn lengths, as for the cardiothoracic ratio.

import { eventTarget, type Types } from "@cornerstonejs/core";
import { Enums, LengthTool } from "@cornerstonejs/tools";
import { t } from "../language";

/** Ratio of the first length to the second; null where the second is no length. */
export function divideLengths(first: number, second: number): number | null {
  return second > 0 ? first / second : null;
}

/** Follow the lines drawn while `isOn()`; `say` shows what comes next or the ratio. */
export function followRatio(isOn: () => boolean, say: (text: string) => void): () => void {
  let first: number | null = null;
  const listener = (event: Event): void => {
    const { annotation } = (event as CustomEvent).detail as {
      annotation: { metadata: { toolName: string }; data: { handles: { points: Types.Point3[] } } };
    };
    if (!isOn() || annotation.metadata.toolName !== LengthTool.toolName) return;
    const [a, b] = annotation.data.handles.points;
    if (!a || !b) return;
    const length = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    if (first === null) {
      first = length;
      say(t("ratio.second"));
      return;
    }
    const ratio = divideLengths(first, length);
    first = null;
    say(ratio === null ? t("ratio.first") : t("ratio.value", { value: ratio.toFixed(2) }));
  };
  eventTarget.addEventListener(Enums.Events.ANNOTATION_COMPLETED, listener);
  return () => eventTarget.removeEventListener(Enums.Events.ANNOTATION_COMPLETED, listener);
}
