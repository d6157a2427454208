// Search field and the three choices above the worklist.

import type { WorklistQuery } from "../api";
import { h } from "../dom";
import { nameOf, t, TABLES, type Key } from "../language";

const STATES = ["receiving", "queued", "reading", "read", "refused", "failed"];

/** The findings that the shipped reader assesses: those the language table names. */
export const FINDINGS = Object.keys(TABLES.en)
  .filter((key) => key.startsWith("finding."))
  .map((key) => key.slice("finding.".length));

/** Make the controls; each writes into `query` and calls `onChange`. */
export function makeFilters(query: WorklistQuery, onChange: () => void) {
  const search = h("input", {
    type: "search",
    placeholder: t("search"),
    "aria-label": t("search"),
    oninput: () => {
      query.q = search.value.trim();
      onChange();
    },
  });
  const choice = (key: "state" | "priority" | "finding", options: [string, string][]) => {
    const select = h("select", {
      onchange: () => {
        query[key] = select.value;
        onChange();
      },
    });
    select.append(h("option", { value: "" }, t("filter.any")));
    for (const [value, name] of options) select.append(h("option", { value }, name));
    return h("label", { class: "filter" }, t(`filter.${key}` as Key), select);
  };
  const priorities = Array.from({ length: 9 }, (_, i): [string, string] => [String(i + 1), describePriority(i + 1)]);
  return {
    search,
    choices: [
      choice("state", STATES.map((state) => [state, nameOf("state", state)])),
      choice("priority", priorities),
      choice("finding", FINDINGS.map((name) => [name, nameOf("finding", name)])),
    ],
  };
}

/** 1 to 3 urgent, 4 to 6 routine, 7 to 9 low. */
export function rankPriority(priority: number): "urgent" | "routine" | "low" {
  if (priority <= 3) return "urgent";
  return priority <= 6 ? "routine" : "low";
}

export function describePriority(priority: number): string {
  return `${priority} ${t(`priority.${rankPriority(priority)}`)}`;
}
