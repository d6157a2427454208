// The draft report as the reader edits it. Pure: no page, no server.

import type { EditedSentence, Report, Reworded, Statement } from "../contract";

export type Section = "findings" | "impression";
export const SECTIONS: Section[] = ["findings", "impression"];

export type Sentence = EditedSentence;

export function startDraft(report: Pick<Report, Section>): Sentence[] {
  return SECTIONS.flatMap((section) =>
    report[section].map((statement) => ({ ...statement, section, is_edited: false })),
  );
}

/** The reader's text for one sentence; an empty text removes it. */
export function editSentence(draft: readonly Sentence[], index: number, text: string): Sentence[] {
  const clean = text.replace(/\s+/g, " ").trim();
  return draft.flatMap((sentence, i) => {
    if (i !== index || clean === sentence.text) return [sentence];
    return clean ? [{ ...sentence, text: clean, is_edited: true }] : [];
  });
}

/** A sentence of the reader's own at the end of a section; it cites nothing. */
export function addSentence(draft: readonly Sentence[], section: Section, text: string): Sentence[] {
  const clean = text.replace(/\s+/g, " ").trim();
  if (!clean) return [...draft];
  const added: Sentence = { section, text: clean, evidence: [], is_edited: true };
  const last = draft.findLastIndex((sentence) => sentence.section === section);
  const at = last < 0 ? (section === "findings" ? 0 : draft.length) : last + 1;
  return [...draft.slice(0, at), added, ...draft.slice(at)];
}

/**
 * New wording from the server under the reader's own sentences.
 *
 * An edited sentence stands in for the new one with the same evidence, else it stays at the end of
 * its section: what the reader wrote is never lost.
 */
export function mergeReworded(draft: readonly Sentence[], report: Reworded["report"]): Sentence[] {
  const keyOf = (statement: Statement) => [...statement.evidence].sort().join(" ");
  return SECTIONS.flatMap((section) => {
    const mine = draft.filter((sentence) => sentence.section === section && sentence.is_edited);
    const used = new Set<Sentence>();
    const merged = report[section].map((statement): Sentence => {
      const own = mine.find((s) => !used.has(s) && s.evidence.length > 0 && keyOf(s) === keyOf(statement));
      if (own) used.add(own);
      return own ?? { ...statement, section, is_edited: false };
    });
    return [...merged, ...mine.filter((sentence) => !used.has(sentence))];
  });
}

/** Plain text for the clipboard; `titles` name the sections. */
export function writeText(
  report: Report,
  draft: readonly Sentence[],
  titles: Record<keyof Report, string>,
  disclaimer: string,
): string {
  const blocks = (["indication", "technique", "comparison"] as const)
    .filter((section) => report[section])
    .map((section) => `${titles[section]}: ${report[section]}`);
  for (const section of SECTIONS) {
    const lines = draft.filter((sentence) => sentence.section === section).map((s) => s.text);
    if (lines.length > 0) blocks.push([`${titles[section]}:`, ...lines].join("\n"));
  }
  return [...blocks, disclaimer].join("\n\n") + "\n";
}
