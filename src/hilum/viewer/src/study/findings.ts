// The list of findings: status, probability with its interval, operating point, judgement.

import type { Finding, RadiographReading, Reading, Status } from "../contract";
import { fill, h, svg } from "../dom";
import { nameOf, t } from "../language";
import { formatMeasurement, formatPercent } from "../words";

const ORDER: Status[] = ["present", "uncertain", "absent", "not_assessed"];

export interface FindingActions {
  onLight(id: string | null): void;
  onPick(id: string): void;
  onPoint(name: string, point: number): void;
  onAgree(finding: Finding): void;
  onReject(finding: Finding): void;
  onCorrect(finding: Finding): void;
}

/** Present first, then the likelier first. */
export function orderFindings(findings: readonly Finding[]): Finding[] {
  return [...findings].sort(
    (a, b) =>
      ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || (b.probability ?? 0) - (a.probability ?? 0),
  );
}

export function makeFindingsPanel(actions: FindingActions) {
  const list = h("ul", { class: "findings" });
  const rest = h("div");
  const panel = h("section", { class: "panel findings-panel", "aria-labelledby": "findings-title" },
    h("h2", { id: "findings-title" }, t("findings")), list, rest);

  function draw(radiograph: RadiographReading | null, reading: Reading): void {
    const findings = orderFindings(radiograph?.findings ?? []);
    const seen = findings.filter((finding) => finding.status !== "not_assessed");
    const unseen = findings.filter((finding) => finding.status === "not_assessed");
    fill(list, ...seen.map((finding) => makeRow(finding, actions)));
    fill(
      rest,
      seen.length === 0 && h("p", { class: "quiet" }, t("findings.none")),
      unseen.length > 0 && makeUnseen(unseen),
      radiograph && makeWarnings(radiograph),
      radiograph && radiograph.measurements.length > 0 && makeMeasurements(radiograph, actions),
      reading.changes.length > 0 && makeChanges(reading),
    );
  }

  /** New statuses from the server without rebuilding, so that a slider keeps its grip. */
  function update(radiograph: RadiographReading): void {
    for (const finding of radiograph.findings) {
      const row = list.querySelector<HTMLElement>(`li[data-id="${CSS.escape(finding.id)}"]`);
      if (!row) continue;
      row.dataset.status = finding.status;
      const tag = row.querySelector(".tag");
      if (tag) {
        tag.className = `tag ${finding.status}`;
        tag.textContent = nameOf("status", finding.status);
      }
    }
  }

  function light(lit: ReadonlySet<string>, picked: string | null): void {
    for (const item of panel.querySelectorAll<HTMLElement>("[data-id]")) {
      item.classList.toggle("lit", lit.has(item.dataset.id ?? ""));
      item.querySelector(".pick")?.setAttribute("aria-pressed", String(item.dataset.id === picked));
    }
  }
  return { panel, draw, update, light };
}

function makeRow(finding: Finding, actions: FindingActions): HTMLElement {
  const name = nameOf("finding", finding.name);
  const action = (text: string, sign: string, run: (finding: Finding) => void) =>
    h("button", { type: "button", class: "icon", title: `${text}: ${name}`, "aria-label": `${text}: ${name}`, onclick: () => run(finding) }, sign);
  const pick = h("button", { type: "button", class: "pick", "aria-pressed": "false", onclick: () => actions.onPick(finding.id), onfocus: () => actions.onLight(finding.id), onblur: () => actions.onLight(null) }, name);
  return h(
    "li",
    { "data-id": finding.id, "data-status": finding.status, onmouseenter: () => actions.onLight(finding.id), onmouseleave: () => actions.onLight(null) },
    h("div", { class: "line" }, pick, h("span", { class: `tag ${finding.status}` }, nameOf("status", finding.status)),
      h("span", { class: "prob" }, finding.probability === null ? "–" : formatPercent(finding.probability)),
      action(t("feedback.agree"), "✓", actions.onAgree),
      action(t("feedback.reject"), "✗", actions.onReject),
      action(t("feedback.correct"), "▢", actions.onCorrect)),
    finding.probability !== null && makeBar(finding, name, actions),
    finding.problem && h("p", { class: "quiet" }, finding.problem),
  );
}

/** Interval as a band, probability as a dot, operating point as the thumb of a slider. */
function makeBar(finding: Finding, name: string, actions: FindingActions): HTMLElement {
  const prob = 100 * (finding.probability ?? 0);
  const [low, high] = (finding.interval ?? [prob / 100, prob / 100]).map((limit) => 100 * limit) as [number, number];
  const interval = t("findings.interval", { low: Math.round(low), high: Math.round(high) });
  const picture = svg(
    "svg",
    { class: "track", viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": interval },
    svg("title", {}, interval),
    svg("rect", { class: "ground", x: 0, y: 4, width: 100, height: 2 }),
    svg("rect", { class: "band", x: low, y: 2.5, width: Math.max(high - low, 0.5), height: 5 }),
    svg("rect", { class: "dot", x: Math.max(prob - 0.5, 0), y: 0.5, width: 1, height: 9 }),
  );
  if (finding.operating_point === null) return h("div", { class: "prob-bar" }, picture);
  const value = h("output", {}, formatPercent(finding.operating_point));
  const slider = h("input", {
    type: "range", min: 1, max: 99, step: 1, value: Math.round(100 * finding.operating_point),
    "aria-label": t("findings.point", { finding: name }), title: t("findings.point", { finding: name }),
    oninput: () => {
      value.textContent = formatPercent(Number(slider.value) / 100);
      actions.onPoint(finding.name, Number(slider.value) / 100);
    },
  });
  return h("div", { class: "prob-bar" }, h("div", { class: "slide" }, picture, slider), h("span", { class: "point", "aria-hidden": "true" }, "≥"), value);
}

function makeUnseen(unseen: Finding[]): HTMLElement {
  const list = h("ul", { class: "plain" });
  for (const finding of unseen) {
    list.append(h("li", { "data-id": finding.id }, nameOf("finding", finding.name), h("small", { class: "quiet" }, ` ${finding.problem ?? ""}`)));
  }
  return h("details", {}, h("summary", {}, `${t("status.not_assessed")} (${unseen.length})`), list);
}

function makeWarnings(radiograph: RadiographReading): Node | null {
  const issues = [...radiograph.quality.reasons, ...radiograph.quality.warnings, ...radiograph.notes];
  if (issues.length === 0) return null;
  const list = h("ul", { class: "plain warnings" });
  for (const issue of issues) list.append(h("li", { "data-id": issue.id }, issue.message));
  return h("div", {}, h("h3", {}, t("warnings")), list);
}

function makeMeasurements(radiograph: RadiographReading, actions: FindingActions): HTMLElement {
  const list = h("dl", { class: "measures" });
  for (const measurement of radiograph.measurements) {
    if (measurement.name.startsWith("opacity_")) continue;
    list.append(h("div", { "data-id": measurement.id, onmouseenter: () => actions.onLight(measurement.id), onmouseleave: () => actions.onLight(null) },
      h("dt", {}, nameOf("measure", measurement.name)), h("dd", {}, formatMeasurement(measurement))));
  }
  return h("details", { open: true }, h("summary", {}, t("measurements")), list);
}

function makeChanges(reading: Reading): HTMLElement {
  const list = h("ul", { class: "plain" });
  for (const change of reading.changes) {
    list.append(h("li", { "data-id": change.id }, `${nameOf("finding", change.finding)}: ${nameOf("change", change.kind)}`));
  }
  return h("div", {}, h("h3", {}, t("changes")), list);
}
