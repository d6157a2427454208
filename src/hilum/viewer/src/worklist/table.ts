// Head and rows of the worklist.

import type { StudySummary } from "../contract";
import { h } from "../dom";
import { formatDate, nameOf, t, type Key } from "../language";
import { describePerson, formatName, formatPercent } from "../words";
import { describePriority, rankPriority } from "./filters";

const SORTABLE = new Set(["priority", "patient_name", "study_date", "received_at", "state"]);
const COLUMNS = [
  "priority", "patient_name", "study_date", "received_at", "state", "findings", "indication", "feedback",
];
const SHOWN_FINDINGS = 4;

/** The sort after a click on `column`: ascending, then descending. */
export function nextSort(sort: string, column: string): string {
  return sort === column ? `-${column}` : column;
}

export function makeHead(sort: string, onSort: (sort: string) => void): HTMLElement {
  const row = h("tr");
  for (const column of COLUMNS) {
    const name = t(`column.${column}` as Key);
    if (!SORTABLE.has(column)) {
      row.append(h("th", { scope: "col" }, h("span", {}, name)));
      continue;
    }
    const order = sort === column ? "ascending" : sort === `-${column}` ? "descending" : "none";
    const arrow = order === "ascending" ? " ▲" : order === "descending" ? " ▼" : "";
    const title = order === "none" ? null : t(`sort.${order}` as Key);
    const button = h("button", { type: "button", title, onclick: () => onSort(nextSort(sort, column)) }, name + arrow);
    row.append(h("th", { scope: "col", "aria-sort": order }, button));
  }
  return h("thead", {}, row);
}

export function makeRow(study: StudySummary, actions: { onRetry: (id: string) => void }): HTMLElement {
  const link = h("a", { href: `#/studies/${encodeURIComponent(study.id)}`, "data-study": study.id }, formatName(study.patient_name));
  const state = h("td", {}, h("span", { class: `tag ${study.state}` }, nameOf("state", study.state)));
  if (study.reason && study.state !== "read") state.append(h("small", {}, study.reason));
  if (study.state === "failed") {
    state.append(h("button", { type: "button", onclick: (event: Event) => {
      event.stopPropagation();
      actions.onRetry(study.id);
    } }, t("retry")));
  }
  return h(
    "tr",
    { onclick: (event: Event) => {
      if (!(event.target as Element).closest("a, button")) link.click();
    } },
    h("td", {}, h("span", { class: `tag ${rankPriority(study.priority)}` }, describePriority(study.priority)),
      study.suspicion && h("small", {}, `${t("asked")}: ${study.suspicion.replaceAll("_", " ")}`)),
    h("td", {}, link, h("small", {}, [describePerson(study), study.patient_id, study.accession].filter(Boolean).join(" · "))),
    h("td", { class: "date" }, formatDate(study.study_date), study.has_prior && h("small", {}, `+ ${t("prior")}`)),
    h("td", { class: "date" }, formatDate(study.received_at)),
    state,
    h("td", {}, ...makeFindings(study)),
    h("td", { class: "why" }, study.indication || study.description || ""),
    h("td", {}, study.feedback ? nameOf("kind", study.feedback) : ""),
  );
}

function makeFindings(study: StudySummary): Node[] {
  const found = study.findings.filter((f) => f.name !== "no_finding" || study.findings.length === 1);
  const shown = found.slice(0, SHOWN_FINDINGS).map((item) => {
    const prob = item.probability === null ? "" : ` ${formatPercent(item.probability)}`;
    return h("span", { class: `tag ${item.status}` }, nameOf("finding", item.name) + prob);
  });
  const rest = found.length - shown.length;
  if (rest > 0) shown.push(h("span", { class: "quiet" }, `+${rest}`));
  return shown;
}
