import { describe, expect, it } from "vitest";
import type { Report } from "../src/contract";
import { addSentence, editSentence, mergeReworded, startDraft, writeText } from "../src/study/draft";

const report: Report = {
  indication: "Cough.",
  technique: "Frontal.",
  comparison: "None.",
  findings: [
    { text: "Edema.", evidence: ["r1.edema"] },
    { text: "No effusion.", evidence: ["r1.pleural_effusion"] },
  ],
  impression: [{ text: "Edema.", evidence: ["r1.edema"] }],
};

describe("draft report", () => {
  const draft = startDraft(report);

  it("marks what the reader changed, and nothing else", () => {
    const edited = editSentence(draft, 1, "  No  pleural effusion. ");
    expect(edited.map((s) => [s.text, s.is_edited])).toEqual([
      ["Edema.", false], ["No pleural effusion.", true], ["Edema.", false],
    ]);
    expect(editSentence(draft, 1, "No effusion.")[1]?.is_edited).toBe(false);
    expect(draft[1]?.is_edited).toBe(false);
  });

  it("removes an emptied sentence", () => {
    expect(editSentence(draft, 0, " ").map((s) => s.text)).toEqual(["No effusion.", "Edema."]);
  });

  it("adds a sentence at the end of its section, without evidence", () => {
    const longer = addSentence(draft, "findings", "Pacemaker.");
    expect(longer[2]).toEqual({ section: "findings", text: "Pacemaker.", evidence: [], is_edited: true });
    expect(addSentence([], "impression", "Normal.")).toHaveLength(1);
    expect(addSentence(draft, "findings", " ")).toEqual(draft);
  });

  it("takes new wording and keeps the reader's own", () => {
    const edited = addSentence(editSentence(draft, 1, "Dry pleura."), "impression", "Mine.");
    const merged = mergeReworded(edited, {
      findings: [
        { text: "Possible edema.", evidence: ["r1.edema"] },
        { text: "Effusion.", evidence: ["r1.pleural_effusion"] },
      ],
      impression: [],
    });
    expect(merged.map((s) => `${s.section} ${s.text}`)).toEqual([
      "findings Possible edema.", "findings Dry pleura.", "impression Mine.",
    ]);
  });

  it("keeps an edited sentence whose evidence is no longer cited", () => {
    const merged = mergeReworded(editSentence(draft, 0, "My edema."), { findings: [], impression: [] });
    expect(merged.map((s) => s.text)).toEqual(["My edema."]);
  });

  it("is copied with its sections and the disclaimer", () => {
    const titles = { indication: "I", technique: "T", comparison: "C", findings: "F", impression: "M" };
    expect(writeText(report, draft, titles, "D")).toBe(
      "I: Cough.\n\nT: Frontal.\n\nC: None.\n\nF:\nEdema.\nNo effusion.\n\nM:\nEdema.\n\nD\n",
    );
  });
});
