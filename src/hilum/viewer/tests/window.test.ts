import { describe, expect, it } from "vitest";
import { findWindow } from "../src/study/window";

describe("first window", () => {
  it("leaves out the few brightest and darkest pixels", () => {
    const pixels = new Uint16Array(10_000).map((_, i) => 1000 + (i % 1000));
    pixels[0] = 0;
    pixels[1] = 65_535;
    const found = findWindow(pixels);
    expect(found?.lower).toBeGreaterThan(900);
    expect(found?.lower).toBeLessThan(1100);
    expect(found?.upper).toBeGreaterThan(1900);
    expect(found?.upper).toBeLessThan(2100);
  });

  it("has none for a constant or empty image", () => {
    expect(findWindow(new Uint8Array(100).fill(7))).toBeNull();
    expect(findWindow([])).toBeNull();
  });
});
