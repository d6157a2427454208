// Small services of the Cornerstone display: lines drawn by the reader, and the size of the panes.

import { annotation } from "@cornerstonejs/tools";
import { openEngine } from "./cornerstone";

/** Remove all lengths and angles. */
export function clearLines(): void {
  annotation.state.removeAllAnnotations();
  openEngine().render();
}

/** Fit the pictures to their panes. */
export function fitPanes(): void {
  openEngine().resize(true, true);
}

/** Keep the pictures the size of their panes; returns stops it. */
export function watchSize(frame: HTMLElement, onResize: () => void): () => void {
  let request = 0;
  const observer = new ResizeObserver(() => {
    cancelAnimationFrame(request);
    request = requestAnimationFrame(() => {
      fitPanes();
      onResize();
    });
  });
  observer.observe(frame);
  return () => {
    cancelAnimationFrame(request);
    observer.disconnect();
  };
}
