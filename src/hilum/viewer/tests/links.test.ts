import { describe, expect, it } from "vitest";
import type { Finding, RadiographReading, Reading, Statement } from "../src/contract";
import { evidenceOf, groupRegions, isSeen, landmarksOf, radiographOf, sentencesOn } from "../src/study/links";

const reading = {
  changes: [{ id: "c1", finding: "edema", kind: "larger", evidence: ["r1.edema"], prior_date: null }],
} as unknown as Reading;
const sentences: Statement[] = [
  { text: "Edema, larger.", evidence: ["c1"] },
  { text: "Left effusion.", evidence: ["r1.pleural_effusion"] },
  { text: "Edema and effusion.", evidence: ["r1.edema", "r1.pleural_effusion"] },
];

function find(name: string, status: string, probability: number, boxes: number[][]): Finding {
  const regions = boxes.map((box) => ({ box, score: 0.5 }));
  return { id: `r1.${name}`, name, status, probability, regions } as unknown as Finding;
}

describe("sentences and regions", () => {
  it("a region finds its sentences, also through a change", () => {
    expect(sentencesOn("r1.pleural_effusion", sentences, reading)).toEqual([1, 2]);
    expect(sentencesOn("r1.edema", sentences, reading)).toEqual([0, 2]);
    expect(sentencesOn("r1.edem", sentences, reading)).toEqual([]);
  });

  it("a sentence finds what it rests on", () => {
    expect([...evidenceOf(sentences[0] as Statement, reading)]).toEqual(["c1", "r1.edema"]);
  });

  it("an id names its radiograph", () => {
    expect(radiographOf("r12.edema")).toBe("r12");
    expect(radiographOf("c1")).toBe("");
  });

  it("a measurement lights the landmarks it was taken between", () => {
    const radiograph = { measurements: [{ id: "r1.heart_width", name: "heart_width" }] } as unknown as RadiographReading;
    expect([...landmarksOf(new Set(["r1.heart_width"]), radiograph)]).toEqual(["heart_left", "heart_right"]);
    expect(landmarksOf(new Set(["r1.edema"]), radiograph).size).toBe(0);
  });

  it("findings that share a box share its outline, what was ruled out has none", () => {
    const all = [
      find("consolidation", "uncertain", 0.1, [[1, 2, 3, 4]]),
      find("pneumonia", "present", 0.9, [[1, 2, 3, 4], [9, 9, 1, 1]]),
      find("edema", "absent", 0.01, [[1, 2, 3, 4]]),
    ];
    const groups = groupRegions(all, isSeen).map((group) => group.findings.map((finding) => finding.name));
    expect(groups).toEqual([["pneumonia", "consolidation"], ["pneumonia"]]);
  });
});
