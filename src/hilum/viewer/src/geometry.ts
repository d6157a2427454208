// Source pixels to display pixels and back. Source: x right, y down, origin at the top-left corner.

import type { Box, Corners, Point } from "./contract";

/** x' = a x + c y + e, y' = b x + d y + f; the order of SVG's matrix(). */
export type Affine = [a: number, b: number, c: number, d: number, e: number, f: number];

/** The map that takes (0, 0), (1, 0) and (0, 1) to the three given points. */
export function affineThrough(origin: Point, right: Point, down: Point): Affine {
  return [
    right[0] - origin[0],
    right[1] - origin[1],
    down[0] - origin[0],
    down[1] - origin[1],
    origin[0],
    origin[1],
  ];
}

export function applyAffine([a, b, c, d, e, f]: Affine, [x, y]: Point): Point {
  return [a * x + c * y + e, b * x + d * y + f];
}

/** The inverse map; throws for one that folds the plane onto a line. */
export function invertAffine([a, b, c, d, e, f]: Affine): Affine {
  const determinant = a * d - b * c;
  if (Math.abs(determinant) < 1e-12) throw new Error("the map has no inverse");
  return [
    d / determinant,
    -b / determinant,
    -c / determinant,
    a / determinant,
    (c * f - d * e) / determinant,
    (b * e - a * f) / determinant,
  ];
}

/** The four corners of a source box on the display, in order around it. */
export function boxOnDisplay(map: Affine, [x, y, width, height]: Box): Point[] {
  const corners: Point[] = [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
  return corners.map((corner) => applyAffine(map, corner));
}

/** The box spanned by two points, inside the image, at least one pixel each way. */
export function spanBox(from: Point, to: Point, columns: number, rows: number): Box {
  const clamp = (value: number, limit: number) => Math.min(Math.max(value, 0), limit);
  const x0 = clamp(Math.min(from[0], to[0]), columns - 1);
  const y0 = clamp(Math.min(from[1], to[1]), rows - 1);
  const x1 = clamp(Math.max(from[0], to[0]), columns);
  const y1 = clamp(Math.max(from[1], to[1]), rows);
  return [x0, y0, Math.max(x1 - x0, 1), Math.max(y1 - y0, 1)];
}

/** Move or resize a box by whole steps, kept inside the image. */
export function nudgeBox(box: Box, move: Point, grow: Point, columns: number, rows: number): Box {
  const width = Math.min(Math.max(box[2] + grow[0], 1), columns);
  const height = Math.min(Math.max(box[3] + grow[1], 1), rows);
  const x = Math.min(Math.max(box[0] + move[0], 0), columns - width);
  const y = Math.min(Math.max(box[1] + move[1], 0), rows - height);
  return [x, y, width, height];
}

/** As the feedback of the API states it, in whole tenths of a pixel. */
export function cornersOf([x, y, width, height]: Box): Corners {
  const round = (value: number) => Math.round(value * 10) / 10;
  return { x0: round(x), y0: round(y), x1: round(x + width), y1: round(y + height) };
}
