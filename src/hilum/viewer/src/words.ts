// Figures and people in words; shared by both pages.

import type { Measurement, StudySummary } from "./contract";
import { t, type Key } from "./language";

/** Whole percent, never 0 or 100: `87 %`, `<1 %`, `>99 %`. */
export function formatPercent(probability: number): string {
  const percent = Math.round(100 * probability);
  if (percent < 1) return "<1 %";
  return percent > 99 ? ">99 %" : `${percent} %`;
}

/** A DICOM person name (`Family^Given^Middle^Prefix^Suffix`) as it is read: `Family, Given Middle`. */
export function formatName(name: string | null): string {
  const [family = "", ...rest] = (name ?? "").split("=")[0]?.split("^").map((part) => part.trim()) ?? [];
  const given = rest.slice(0, 2).filter(Boolean).join(" ");
  return [family, given].filter(Boolean).join(", ") || t("patient.unknown");
}

/** Sex and age, as far as they are known. */
export function describePerson(study: Pick<StudySummary, "sex" | "age_years">): string {
  const parts: string[] = [];
  const sex = study.sex?.toUpperCase() ?? "";
  if (["F", "M", "O"].includes(sex)) parts.push(t(`sex.${sex}` as Key));
  if (study.age_years !== null && study.age_years !== undefined) {
    parts.push(t("patient.years", { age: Math.floor(study.age_years) }));
  }
  return parts.join(" ");
}

const UNITS: Record<string, [name: string, factor: number, decimals: number]> = {
  "1": ["", 1, 2],
  mm: [" mm", 1, 0],
  mm2: [" cm²", 0.01, 0],
  deg: ["°", 1, 0],
  px: [" px", 1, 0],
  px2: [" px²", 1, 0],
};

/** Value ± one standard deviation, as the reports print it; the problem where there is no value. */
export function formatMeasurement(measurement: Measurement): string {
  if (measurement.value === null) return measurement.problem ?? "–";
  const [unit, factor, decimals] = UNITS[measurement.unit] ?? [` ${measurement.unit}`, 1, 0];
  const value = (measurement.value * factor).toFixed(decimals);
  if (measurement.uncertainty === null) return value + unit;
  return `${value} ± ${(measurement.uncertainty * factor).toFixed(decimals)}${unit}`;
}
