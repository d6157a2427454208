// What readers said about this study, and the field for a comment.

import type { Feedback, StoredFeedback } from "../contract";
import { fill, h } from "../dom";
import { formatDate, nameOf, t } from "../language";

export function makeFeedbackPanel(onComment: (text: string) => void) {
  const list = h("ul", { class: "plain judgements" });
  const field = h("textarea", { rows: 2, "aria-label": t("feedback.comment"), placeholder: t("feedback.comment") });
  const form = h("form", { onsubmit: (event: Event) => {
    event.preventDefault();
    const text = field.value.trim();
    if (text) onComment(text);
    field.value = "";
  } }, field, h("button", { type: "submit" }, t("feedback.send")));
  const panel = h("section", { class: "panel feedback", "aria-labelledby": "feedback-title" },
    h("h2", { id: "feedback-title" }, t("feedback")), list, form);

  function draw(entries: readonly StoredFeedback[]): void {
    fill(list, ...entries.map((entry) => h("li", {}, describeFeedback(entry))));
    if (entries.length === 0) fill(list, h("li", { class: "quiet" }, t("feedback.none")));
  }
  return { panel, draw, focus: () => field.focus() };
}

/** One line: who, what about, when. A stored row may keep what was sent under `payload`. */
export function describeFeedback(entry: StoredFeedback): string {
  const sent: Feedback = { ...entry.payload, ...entry };
  const about = sent.finding ? nameOf("finding", sent.finding.split(".").pop() ?? "") : "";
  const parts = [`${entry.user} · ${nameOf("kind", entry.kind)}`, about, sent.kind === "comment" ? sent.text : "", formatDate(entry.created_at)];
  return parts.filter(Boolean).join(" · ");
}
