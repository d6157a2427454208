// The prior's report beside the current one: to be read, its sentences light the prior's image.

import type { Reading } from "../contract";
import { fill, h } from "../dom";
import { formatDate, t } from "../language";
import { SECTIONS, type Section } from "./draft";
import { evidenceOf } from "./links";

export interface PriorReport {
  id: string;
  date: string | null;
  /** Null where the prior was not read. */
  reading: Reading | null;
}

export interface PriorActions {
  onLight(ids: ReadonlySet<string> | null): void;
  onPick(ids: ReadonlySet<string>): void;
}

export function makePriorPanel(actions: PriorActions) {
  const title = h("summary", {});
  const body = h("div", { class: "prior-body" });
  const panel = h("details", { class: "panel prior-report", open: true, hidden: true }, title, body);
  let shown: PriorReport | null = null;
  let rows: { item: HTMLElement; ids: ReadonlySet<string> }[] = [];

  /** Show another prior's report; none hides the panel. */
  function draw(prior: PriorReport | null): void {
    if (prior?.id === shown?.id) return;
    shown = prior;
    rows = [];
    panel.hidden = prior === null;
    if (!prior) return;
    fill(title, t("report.prior", { date: formatDate(prior.date, false) }));
    const reading = prior.reading;
    if (!reading) fill(body, h("p", { class: "quiet" }, t("report.no_prior")));
    else fill(body, ...SECTIONS.filter((section) => reading.report[section].length > 0).flatMap((section) => drawSection(section, reading)));
  }

  function drawSection(section: Section, reading: Reading): Node[] {
    const list = h("ol", { class: "sentences", "aria-label": `${t("prior")}: ${t(`report.${section}`)}` });
    for (const statement of reading.report[section]) {
      const ids = evidenceOf(statement, reading);
      const item = h("li", {}, h("button", {
        type: "button", class: "sentence read-only", "aria-pressed": "false",
        onclick: () => actions.onPick(ids),
        onfocus: () => actions.onLight(ids), onblur: () => actions.onLight(null),
        onmouseenter: () => actions.onLight(ids), onmouseleave: () => actions.onLight(null),
      }, statement.text));
      rows.push({ item, ids });
      list.append(item);
    }
    return [h("h3", {}, t(`report.${section}`)), list];
  }

  function light(lit: ReadonlySet<string>, picked: ReadonlySet<string>): void {
    for (const { item, ids } of rows) {
      item.classList.toggle("lit", [...ids].some((id) => lit.has(id)));
      const isPicked = ids.size > 0 && [...ids].every((id) => picked.has(id));
      item.firstElementChild?.setAttribute("aria-pressed", String(isPicked));
    }
  }
  return { panel, draw, light, shown: () => shown?.id };
}
