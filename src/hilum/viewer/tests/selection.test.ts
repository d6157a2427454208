import { describe, expect, it, vi } from "vitest";
import { startSelection } from "../src/study/selection";

describe("what is lit", () => {
  it("is what is pointed at, then what was picked", () => {
    const onChange = vi.fn();
    const selection = startSelection(onChange);
    selection.pick(new Set(["r1.edema"]));
    selection.hover(new Set(["r1.pneumonia"]));
    expect([...selection.lit()]).toEqual(["r1.pneumonia"]);
    selection.hover(null);
    expect([...selection.lit()]).toEqual(["r1.edema"]);
    expect(onChange).toHaveBeenCalledTimes(3);
  });

  it("is let go by the same pick, and replaced by another", () => {
    const selection = startSelection(() => {});
    selection.pick(new Set(["a", "b"]));
    selection.pick(new Set(["a"]));
    expect([...selection.picked()]).toEqual(["a"]);
    selection.pick(new Set(["a"]));
    expect(selection.lit().size).toBe(0);
  });

  it("goes out when it is cleared, also while something is pointed at", () => {
    const selection = startSelection(() => {});
    selection.pick(new Set(["a"]));
    selection.hover(new Set(["b"]));
    selection.clear();
    expect(selection.lit().size).toBe(0);
  });
});
