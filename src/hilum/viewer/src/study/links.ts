// What belongs together: sentences cite evidence ids, findings and measurements carry them.

import type { Box, Finding, RadiographReading, Reading, Statement } from "../contract";

/** `r2` of `r2.edema`; empty where an id names no radiograph. */
export function radiographOf(id: string): string {
  return /^(r\d+)\./.exec(id)?.[1] ?? "";
}

/** The ids of a sentence's evidence; a change stands for what it was concluded from as well. */
export function evidenceOf(statement: Statement, reading: Reading): Set<string> {
  const ids = new Set(statement.evidence);
  for (const change of reading.changes) {
    if (ids.has(change.id)) for (const id of change.evidence) ids.add(id);
  }
  return ids;
}

/** Indexes of the sentences that rest on `id`. */
export function sentencesOn(id: string, statements: readonly Statement[], reading: Reading): number[] {
  return statements.flatMap((statement, index) => (evidenceOf(statement, reading).has(id) ? [index] : []));
}

const MEASURED: Record<string, string[]> = {
  cardiothoracic_ratio: ["heart_left", "heart_right", "chest_left", "chest_right"],
  heart_width: ["heart_left", "heart_right"],
  chest_width: ["chest_left", "chest_right"],
  carina_angle: ["carina"],
};

/** Landmarks that a measurement in `ids` was taken between. */
export function landmarksOf(ids: ReadonlySet<string>, radiograph: RadiographReading): Set<string> {
  const names = new Set<string>();
  for (const measurement of radiograph.measurements) {
    if (ids.has(measurement.id)) for (const name of MEASURED[measurement.name] ?? []) names.add(name);
  }
  return names;
}

export const isSeen = (finding: Finding): boolean =>
  finding.status === "present" || finding.status === "uncertain";

/** One entry for each box, with all findings that `isShown` and that share it, likeliest first. */
export function groupRegions(
  findings: readonly Finding[],
  isShown: (finding: Finding) => boolean,
): { box: Box; findings: Finding[] }[] {
  const groups = new Map<string, { box: Box; findings: Finding[] }>();
  const shown = findings.filter(isShown).sort((a, b) => (b.probability ?? 0) - (a.probability ?? 0));
  for (const finding of shown) {
    for (const { box } of finding.regions) {
      const group = groups.get(box.join()) ?? { box, findings: [] };
      group.findings.push(finding);
      groups.set(box.join(), group);
    }
  }
  return [...groups.values()];
}
