// One radiograph in a Cornerstone stack viewport, with the map from source pixels to the display.

import { Enums, metaData, type Types } from "@cornerstonejs/core";
import type { Point } from "../contract";
import { affineThrough, type Affine } from "../geometry";
import { addViewport, dropManipulation, magnifyAt, openEngine } from "./cornerstone";
import { anchorZoom, followFingers } from "./fingers";
import { imageIdOf, setPlane, type Plane } from "./plane";
import { findWindow } from "./window";

export interface Pose {
  quarter_turns: number;
  is_mirrored: boolean;
  is_inverted: boolean;
}

export const UPRIGHT: Pose = { quarter_turns: 0, is_mirrored: false, is_inverted: false };

export interface ImageViewport {
  readonly element: HTMLDivElement;
  show(url: string, pose: Pose, plane: Plane): Promise<void>;
  readMap(): Affine | null;
  invert(): void;
  reset(): void;
  zoomBy(factor: number): void;
  panBy(right: number, down: number): void;
  windowBy(width: number, level: number): void;
  close(): void;
}

/** How far fingers may zoom, in multiples of the fitted image. */
const ZOOMS = [0.5, 40] as const;

/** Make the viewport in `element`; `onRender` is called whenever the picture has moved. */
export function openViewport(id: string, element: HTMLDivElement, onRender: () => void): ImageViewport {
  const engine = openEngine();
  engine.enableElement({ viewportId: id, element, type: Enums.ViewportType.STACK, defaultOptions: { background: [0, 0, 0] } });
  addViewport(id);
  const viewport = engine.getViewport(id) as Types.IStackViewport;
  element.addEventListener(Enums.Events.IMAGE_RENDERED, onRender);
  element.addEventListener(Enums.Events.CAMERA_MODIFIED, onRender);
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  let pose = UPRIGHT;
  let isShown = false;
  let firstWindow: Types.VOIRange | null = null;

  /** Window of a file that states none; null where the file's own is to be used. */
  function chooseWindow(imageId: string): Types.VOIRange | null {
    const stated = metaData.get("voiLutModule", imageId) as { windowCenter?: number[]; voiLUTSequence?: unknown[] } | undefined;
    if (stated?.windowCenter?.length || stated?.voiLUTSequence?.length) return null;
    const image = viewport.getCornerstoneImage();
    const isPlain = image.slope === 1 && image.intercept === 0;
    if (image.color || !(isPlain || image.preScale?.scaled)) return null;
    return findWindow(image.getPixelData());
  }

  function applyPose(): void {
    if (firstWindow) viewport.setProperties({ voiRange: firstWindow });
    // The reading mirrors first and then turns counter-clockwise; Cornerstone turns clockwise.
    const rotation = (360 - 90 * pose.quarter_turns) % 360;
    viewport.setViewPresentation({ rotation, flipHorizontal: pose.is_mirrored });
    if (pose.is_inverted) viewport.setProperties({ invert: !viewport.getProperties().invert });
    viewport.render();
  }

  function whenShown(action: () => void): void {
    if (!isShown) return;
    action();
    viewport.render();
  }

  function moveBy(right: number, down: number): void {
    const [x, y] = viewport.getPan();
    viewport.setPan([x + right, y + down]);
  }

  const stopFingers = followFingers(element, {
    onPair: () => whenShown(() => dropManipulation(element)),
    onHold: (at) => whenShown(() => magnifyAt(element, at)),
    onPinch: ({ factor, at, by }) =>
      whenShown(() => {
        const zoom = viewport.getZoom();
        const wanted = Math.min(Math.max(zoom * factor, ZOOMS[0]), ZOOMS[1]);
        viewport.setZoom(wanted);
        const [right, down] = anchorZoom(wanted / zoom, at, [element.clientWidth / 2, element.clientHeight / 2]);
        moveBy(right + by[0], down + by[1]);
      }),
  });

  return {
    element,
    close: stopFingers,
    async show(url, next, plane) {
      isShown = false;
      const imageId = imageIdOf(url);
      setPlane(url, plane);
      await viewport.setStack([imageId]);
      pose = next;
      firstWindow = chooseWindow(imageId);
      isShown = true;
      engine.resize(true, false);
      viewport.resetCamera();
      applyPose();
    },
    readMap() {
      if (!isShown) return null;
      const data = viewport.getImageData() as Types.IImageData | undefined;
      if (!data) return null;
      // index (0, 0) is the centre of the first pixel, whose corner is the origin of source pixels
      const place = (x: number, y: number): Point => {
        const world = data.imageData.indexToWorld([x - 0.5, y - 0.5, 0]) as Types.Point3;
        const [right, down] = viewport.worldToCanvas(world);
        return [right, down];
      };
      const map = affineThrough(place(0, 0), place(1, 0), place(0, 1));
      return map.every(Number.isFinite) ? map : null;
    },
    invert: () => whenShown(() => viewport.setProperties({ invert: !viewport.getProperties().invert })),
    reset: () =>
      whenShown(() => {
        viewport.resetProperties();
        viewport.resetCamera();
        applyPose();
      }),
    zoomBy: (factor) => whenShown(() => viewport.setZoom(viewport.getZoom() * factor)),
    panBy: (right, down) => whenShown(() => moveBy(right, down)),
    windowBy: (width, level) =>
      whenShown(() => {
        const range = viewport.getProperties().voiRange;
        if (!range) return;
        const span = range.upper - range.lower;
        const half = (span * (1 + width)) / 2;
        const centre = (range.upper + range.lower) / 2 + span * level;
        viewport.setProperties({ voiRange: { lower: centre - half, upper: centre + half } });
      }),
  };
}
