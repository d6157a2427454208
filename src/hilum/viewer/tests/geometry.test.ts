import { describe, expect, it } from "vitest";
import type { Box, Point } from "../src/contract";
import { affineThrough, applyAffine, boxOnDisplay, cornersOf, invertAffine, nudgeBox, spanBox } from "../src/geometry";

const close = (got: Point, want: Point) => {
  expect(got[0]).toBeCloseTo(want[0], 6);
  expect(got[1]).toBeCloseTo(want[1], 6);
};

// zoomed and moved; mirrored; a quarter turn with pixels that are not square
const MAPS = [
  affineThrough([10, 20], [12, 20], [10, 22]),
  affineThrough([500, 0], [499.5, 0], [500, 0.5]),
  affineThrough([0, 300], [0, 299.2], [0.6, 300]),
];

describe("source pixels and display", () => {
  it.each(MAPS)("a point survives the way there and back", (...map) => {
    const there = map as (typeof MAPS)[number];
    for (const point of [[0, 0], [123.4, 7], [1840, 1954]] as Point[]) {
      close(applyAffine(invertAffine(there), applyAffine(there, point)), point);
    }
  });

  it("maps the three points it was made of", () => {
    const map = affineThrough([1, 2], [3, 5], [-1, 4]);
    close(applyAffine(map, [0, 0]), [1, 2]);
    close(applyAffine(map, [1, 0]), [3, 5]);
    close(applyAffine(map, [0, 1]), [-1, 4]);
  });

  it("refuses a map without an inverse", () => {
    expect(() => invertAffine([1, 1, 2, 2, 0, 0])).toThrow("no inverse");
  });

  it("turns a box with the image", () => {
    const quarter = affineThrough([0, 100], [0, 99], [1, 100]);
    expect(boxOnDisplay(quarter, [10, 20, 30, 40])).toEqual([[20, 90], [20, 60], [60, 60], [60, 90]]);
  });
});

describe("drawn boxes", () => {
  it("span any two corners and stay inside the image", () => {
    expect(spanBox([50, 60], [10, 20], 100, 100)).toEqual([10, 20, 40, 40]);
    expect(spanBox([-5, -5], [500, 40], 100, 80)).toEqual([0, 0, 100, 40]);
    expect(spanBox([30, 30], [30, 30], 100, 100)).toEqual([30, 30, 1, 1]);
  });

  it("move and grow inside the image", () => {
    const box: Box = [90, 10, 10, 10];
    expect(nudgeBox(box, [20, -20], [0, 0], 100, 100)).toEqual([90, 0, 10, 10]);
    expect(nudgeBox(box, [0, 0], [5, 5], 100, 100)).toEqual([85, 10, 15, 15]);
    expect(nudgeBox(box, [0, 0], [-50, -50], 100, 100)).toEqual([90, 10, 1, 1]);
  });

  it("are sent as corners", () => {
    expect(cornersOf([1.04, 2, 10.01, 20])).toEqual({ x0: 1, y0: 2, x1: 11.1, y1: 22 });
  });
});
