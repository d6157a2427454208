// The overlay that lists every key, opened with `?`.

import { h } from "./dom";
import { t, type Key } from "./language";
import { can } from "./session";

/** Keys by page; the handlers are in worklist/page.ts and study/keyboard.ts. */
export const KEYS: Record<"worklist" | "study", [string, Key][]> = {
  worklist: [
    ["↓ · J", "key.next"],
    ["↑ · K", "key.previous"],
    ["Enter", "key.open"],
    ["/", "key.search"],
    ["U", "upload"],
    ["Esc", "key.escape"],
    ["?", "help"],
  ],
  study: [
    ["W", "tool.window"],
    ["Z", "tool.zoom"],
    ["P", "tool.pan"],
    ["M", "tool.magnify"],
    ["L", "tool.length"],
    ["A", "tool.angle"],
    ["T", "tool.ratio"],
    ["I", "tool.invert"],
    ["0", "tool.reset"],
    ["X", "tool.clear"],
    ["+ · −", "key.zoom"],
    ["← ↑ ↓ →", "key.arrows"],
    ["Shift ← ↑ ↓ →", "key.levels"],
    ["N", "key.image"],
    ["V", "key.viewport"],
    ["B", "study.hide_prior"],
    ["O", "layers.all"],
    ["1", "layers.masks"],
    ["2", "layers.heat"],
    ["3", "layers.boxes"],
    ["4", "layers.landmarks"],
    ["J", "key.next"],
    ["K", "key.previous"],
    ["Y", "feedback.agree"],
    ["R", "feedback.reject"],
    ["D", "feedback.correct"],
    ["C", "feedback.comment"],
    ["S", "report.save"],
    ["Esc", "key.escape"],
    ["?", "help"],
  ],
};

let dialog: HTMLDialogElement | null = null;

export const isHelpOpen = (): boolean => dialog !== null;

export function openHelp(): void {
  closeHelp();
  const page = document.body.classList.contains("is-study") ? "study" : "worklist";
  const list = h("dl", { class: "keys" });
  for (const [keys, meaning] of KEYS[page]) {
    if (meaning === "upload" && !can("submit")) continue;
    list.append(h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, t(meaning))));
  }
  dialog = h(
    "dialog",
    { class: "help", "aria-labelledby": "help-title", onclose: closeHelp },
    h("h2", { id: "help-title" }, t("help")),
    list,
    h("button", { type: "button", onclick: closeHelp }, t("close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}

export function closeHelp(): void {
  const open = dialog;
  dialog = null;
  open?.remove();
}
