// The draft report: sentences that light their evidence and that the reader edits one by one.

import type { Reading } from "../contract";
import { fill, h } from "../dom";
import { nameOf, t, type Key } from "../language";
import { addSentence, editSentence, SECTIONS, type Section, type Sentence } from "./draft";
import { evidenceOf } from "./links";

export interface ReportActions {
  onLight(ids: ReadonlySet<string> | null): void;
  onEdit(draft: Sentence[]): void;
  onSave(): void;
  onCopy(): void;
}

export function makeReportPanel(actions: ReportActions) {
  const body = h("div", { class: "report-body" });
  const button = (key: Key, run: () => void, title = "") =>
    h("button", { type: "button", title, onclick: run }, t(key));
  const save = button("report.save", actions.onSave, "S");
  save.classList.add("primary");
  const panel = h("section", { class: "panel report", "aria-labelledby": "report-title" },
    h("div", { class: "report-head" }, h("h2", { id: "report-title" }, t("report")), save,
      button("report.copy", actions.onCopy), button("report.print", () => window.print())),
    body);
  let draft: readonly Sentence[] = [];
  let reading: Reading | null = null;

  function draw(nextDraft: readonly Sentence[], nextReading: Reading): void {
    draft = nextDraft;
    reading = nextReading;
    const plain = (["indication", "technique", "comparison"] as const)
      .filter((section) => nextReading.report[section])
      .map((section) => h("p", {}, h("strong", {}, `${t(`report.${section}`)}: `), nextReading.report[section]));
    fill(body, ...plain, ...SECTIONS.flatMap(drawSection));
    save.disabled = !draft.some((sentence) => sentence.is_edited);
  }

  function drawSection(section: Section): Node[] {
    const list = h("ol", { class: "sentences", "aria-label": t(`report.${section}`) });
    draft.forEach((sentence, index) => {
      if (sentence.section === section) list.append(drawSentence(sentence, index));
    });
    const add = h("button", { type: "button", class: "add", "aria-label": `${t("report.add")}: ${t(`report.${section}`)}`, title: t("report.add"), onclick: () => {
      const item = h("li");
      list.append(item);
      openEditor(item, "", (text) => actions.onEdit(addSentence(draft, section, text)));
    } }, "+");
    return [h("div", { class: "section-head" }, h("h3", {}, t(`report.${section}`)), add), list];
  }

  function drawSentence(sentence: Sentence, index: number): HTMLElement {
    const ids = reading ? evidenceOf(sentence, reading) : new Set<string>();
    const item = h("li", { class: sentence.is_edited ? "mine" : null, "data-sentence": index });
    let isTouched = false; // a finger cannot hover: its first tap lights, its second edits
    const edit = (event: Event) => {
      const isFirst = (event as PointerEvent).pointerType === "touch" && !isTouched;
      isTouched = true;
      if (!isFirst) openEditor(item, sentence.text, (text) => actions.onEdit(editSentence(draft, index, text)));
    };
    const cited = [...ids].map((id) => nameOf("finding", id.split(".").pop() ?? "")).join(", ");
    const text = h("button", {
      type: "button", class: "sentence", title: `${t("report.edit")}${cited ? ` · ${cited}` : ""}`,
      onclick: edit, onfocus: () => actions.onLight(ids), onblur: () => {
        isTouched = false;
        actions.onLight(null);
      },
      onmouseenter: () => actions.onLight(ids), onmouseleave: () => actions.onLight(null),
    }, sentence.text);
    fill(item, text, sentence.is_edited && h("span", { class: "tag yours" }, t("report.yours")));
    return item;
  }

  /** Enter or leaving the field keeps the text, Escape the old one. */
  function openEditor(item: HTMLElement, text: string, onDone: (text: string) => void): void {
    let isDone = false;
    const finish = (isKept: boolean) => {
      if (isDone) return;
      isDone = true;
      actions.onLight(null);
      if (isKept) onDone(field.value);
      else if (reading) draw(draft, reading);
    };
    const field = h("textarea", {
      rows: Math.max(2, Math.ceil(text.length / 48)), "aria-label": t("report.edit"), value: text,
      onblur: () => finish(true),
      onkeydown: (event: KeyboardEvent) => {
        event.stopPropagation();
        if (event.key === "Escape") finish(false);
        if (event.key === "Enter" && !event.shiftKey) {
          event.preventDefault();
          finish(true);
        }
      },
    });
    fill(item, field);
    field.focus();
  }

  function light(lit: ReadonlySet<string>): void {
    for (const item of body.querySelectorAll<HTMLElement>("[data-sentence]")) {
      const sentence = draft[Number(item.dataset.sentence)];
      const ids = sentence && reading ? evidenceOf(sentence, reading) : new Set<string>();
      item.classList.toggle("lit", [...ids].some((id) => lit.has(id)));
    }
  }
  return { panel, draw, light };
}
