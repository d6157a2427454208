import { describe, expect, it } from "vitest";
import { describeQuery, locate } from "../src/api";
import type { PriorStudy, StudyImage } from "../src/contract";
import { readStudyId } from "../src/events";
import { hangImages, matchImage, orderPriors } from "../src/study/hanging";
import { describePlane } from "../src/study/plane";
import { heatColour, paintMask } from "../src/study/tint";
import { formatMeasurement, formatName, formatPercent } from "../src/words";
import { nextSort } from "../src/worklist/table";

const image = (number: number, view: string | null, is_refused = false) =>
  ({ number, view, is_refused }) as StudyImage;

describe("hanging", () => {
  it("frontal first, lateral next, refused last", () => {
    const hung = hangImages([image(1, "LATERAL"), image(2, "PA", true), image(3, null), image(4, "AP")]);
    expect(hung.map((i) => i.number)).toEqual([4, 1, 3, 2]);
  });

  it("hangs the prior's same view, else its same kind, else nothing", () => {
    const prior = [image(1, "LATERAL"), image(2, "AP")];
    expect(matchImage(image(9, "AP"), prior)?.number).toBe(2);
    expect(matchImage(image(9, "PA"), prior)?.number).toBe(2);
    expect(matchImage(image(9, "LATERAL"), prior)?.number).toBe(1);
    expect(matchImage(image(9, "PA"), [image(1, "LATERAL")])).toBeNull();
  });

  it("newest prior first", () => {
    const priors = [{ study_date: null }, { study_date: "2024-01-01" }, { study_date: "2025-01-01" }] as PriorStudy[];
    expect(orderPriors(priors).map((p) => p.study_date)).toEqual(["2025-01-01", "2024-01-01", null]);
  });

  it("knows no millimetre without a spacing", () => {
    expect(describePlane({ rows: 2, columns: 3, spacing_mm: null })).toMatchObject({ usingDefaultValues: true, rowPixelSpacing: 1 });
    expect(describePlane({ rows: 2, columns: 3, spacing_mm: [0.2, 0.1] })).toMatchObject({ usingDefaultValues: false, rowPixelSpacing: 0.2, columnPixelSpacing: 0.1 });
  });
});

describe("words and addresses", () => {
  it("escapes what goes into an address", () => {
    expect(locate("studies", "a/../b", "masks", "x.png")).toBe("/api/v1/studies/a%2F..%2Fb/masks/x.png");
    expect(describeQuery({ state: "", priority: "", finding: "edema", q: "a&b", sort: "-state" })).toBe("finding=edema&q=a%26b&sort=-state");
  });

  it("reads the study of an event and bears nonsense", () => {
    expect(readStudyId('{"study_id": "ab"}')).toBe("ab");
    for (const data of ["", "null", "{", '{"study_id": 3}']) expect(readStudyId(data)).toBeNull();
  });

  it("prints figures as the reports do", () => {
    expect([0.002, 0.873, 0.9999].map(formatPercent)).toEqual(["<1 %", "87 %", ">99 %"]);
    const area = { id: "", name: "left_lung_area", value: 22377.6, unit: "mm2", uncertainty: 1182.7, problem: null };
    expect(formatMeasurement(area)).toBe("224 ± 12 cm²");
    expect(formatMeasurement({ ...area, value: null, problem: "cut off" })).toBe("cut off");
  });

  it("reads DICOM names", () => {
    expect(formatName("Doe^Jane^Q^Dr")).toBe("Doe, Jane Q");
    expect(formatName("Doe^Jane=ideographic")).toBe("Doe, Jane");
    expect(formatName(null)).toBe("Name withheld");
  });

  it("sorts up, then down", () => {
    expect(nextSort("state", "priority")).toBe("priority");
    expect(nextSort("priority", "priority")).toBe("-priority");
  });
});

describe("tint", () => {
  it("fills a mask softly inside and strongly at its edge", () => {
    const grey = new Uint8ClampedArray(25).fill(255);
    grey[0] = 0;
    const painted = paintMask(grey, 5, 5, [1, 2, 3]);
    expect([...painted.slice(0, 4)]).toEqual([0, 0, 0, 0]);
    expect([...painted.slice(12 * 4, 13 * 4)]).toEqual([1, 2, 3, 70]);
    expect(painted[4 * 4 + 3]).toBe(255);
  });

  it("is clearer where it is hotter", () => {
    const alphas = [0, 0.25, 0.5, 0.75].map((value) => heatColour(value)[3]);
    expect([...alphas].sort((a, b) => a - b)).toEqual(alphas);
    expect(alphas[0]).toBe(0);
  });
});
