import { describe, expect, it } from "vitest";
import type { Point } from "../src/contract";
import { anchorZoom, comparePairs } from "../src/study/fingers";

describe("two fingers", () => {
  it("zoom by their distance and move with their middle", () => {
    const pinch = comparePairs([[100, 200], [200, 200]], [[60, 230], [260, 230]]);
    expect(pinch).toEqual({ factor: 2, at: [150, 200], by: [10, 30] });
  });

  it("only move where their distance stays", () => {
    const pinch = comparePairs([[0, 0], [0, 50]], [[7, 3], [7, 53]]);
    expect(pinch).toEqual({ factor: 1, at: [0, 25], by: [7, 3] });
  });

  it("tell nothing on one spot", () => {
    expect(comparePairs([[5, 5], [5, 5]], [[5, 5], [9, 5]])).toBeNull();
  });

  it("keep the pixel between them in its place", () => {
    const centre: Point = [300, 400];
    const at: Point = [120, 700];
    const [right, down] = anchorZoom(1.5, at, centre);
    // the picture grows around the centre, then moves
    expect(centre[0] + (at[0] - centre[0]) * 1.5 + right).toBeCloseTo(at[0]);
    expect(centre[1] + (at[1] - centre[1]) * 1.5 + down).toBeCloseTo(at[1]);
  });
});
