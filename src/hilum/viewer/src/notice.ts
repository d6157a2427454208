// Short messages at the lower edge, read out by screen readers.

import { ProblemError } from "./api";
import { h } from "./dom";
import { t, type Key } from "./language";

const SHOWN_MS = 5000;

/** Show `text` for a few seconds. */
export function announce(text: string, kind: "info" | "error" = "info"): void {
  let place = document.getElementById("notices");
  if (!place) {
    place = h("div", { id: "notices", "aria-live": "polite", role: "status" });
    document.body.append(place);
  }
  const note = h("p", { class: `toast ${kind}` }, text);
  place.append(note);
  setTimeout(() => note.remove(), SHOWN_MS);
}

/** The reason of a failure in words. */
export function explain(error: unknown): string {
  if (error instanceof ProblemError && error.status === 0) return t("error.offline");
  return error instanceof Error ? error.message : String(error);
}

export function announceError(key: Key, error: unknown): void {
  announce(t(key, { reason: explain(error) }), "error");
}
