// The tools above the images.

import { fill, h } from "../dom";
import { t, type Key } from "../language";
import { TOOLS, type Tool } from "./cornerstone";

const KEYS: Record<Tool, string> = { window: "W", zoom: "Z", pan: "P", magnify: "M", length: "L", angle: "A", ratio: "T" };

export interface ToolbarActions {
  onTool(tool: Tool): void;
  onInvert(): void;
  onReset(): void;
  onClear(): void;
}

export function makeToolbar(actions: ToolbarActions, ...extra: Node[]) {
  const buttons = TOOLS.map((tool) =>
    h("button", { type: "button", "aria-pressed": tool === "window", "data-tool": tool, title: `${t(`tool.${tool}`)} (${KEYS[tool]})`, onclick: () => actions.onTool(tool) }, t(`tool.${tool}`)));
  const act = (key: Key, letter: string, run: () => void) =>
    h("button", { type: "button", title: `${t(key)} (${letter})`, onclick: run }, t(key));
  const readout = h("output", { class: "readout", "aria-live": "polite" });
  const bar = h("div", { class: "toolbar", role: "toolbar", "aria-label": t("tools") }, ...buttons,
    h("span", { class: "gap" }), act("tool.invert", "I", actions.onInvert), act("tool.reset", "0", actions.onReset),
    act("tool.clear", "X", actions.onClear), readout, h("span", { class: "spacer" }), ...extra);
  return {
    bar,
    mark(tool: Tool): void {
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    },
    say: (text: string): void => fill(readout, text),
  };
}
