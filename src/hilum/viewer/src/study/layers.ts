// Which overlays are on, and the panel that switches them.

import type { RadiographReading } from "../contract";
import { fill, h } from "../dom";
import { nameOf, t } from "../language";
import { colourOf, cssColour } from "./tint";

export interface Layers {
  isOn: boolean;
  masks: Set<string>;
  /** Finding whose heat map is shown, or null. */
  heat: string | null;
  boxes: boolean;
  landmarks: boolean;
  opacity: number;
}

export type LayerKind = "masks" | "heat" | "boxes" | "landmarks";

export const startLayers = (): Layers => ({
  isOn: true,
  masks: new Set(),
  heat: null,
  boxes: true,
  landmarks: false,
  opacity: 0.6,
});

/** Findings that may have a heat map: those that were looked for and not ruled out, likeliest first. */
export function listHeated(reading: RadiographReading | null): string[] {
  return (reading?.findings ?? [])
    .filter((f) => f.probability !== null && f.regions.length > 0)
    .sort((a, b) => (b.probability ?? 0) - (a.probability ?? 0))
    .map((f) => f.name);
}

/** Switch one kind on or off, as the number keys do. */
export function toggleLayer(layers: Layers, kind: LayerKind, reading: RadiographReading | null): void {
  if (kind === "boxes" || kind === "landmarks") layers[kind] = !layers[kind];
  else if (kind === "heat") layers.heat = layers.heat ? null : (listHeated(reading)[0] ?? null);
  else if (layers.masks.size > 0) layers.masks.clear();
  else layers.masks = new Set(listMasks(reading));
}

function listMasks(reading: RadiographReading | null): string[] {
  return Object.entries(reading?.anatomy ?? {}).flatMap(([name, s]) => (s.mask ? [name] : []));
}

/** The panel; `onChange` is called after each switch. Call `draw` when the image changes. */
export function makeLayerPanel(layers: Layers, onChange: () => void) {
  const content = h("div", { class: "layer-list" });
  const panel = h("details", { class: "layers" }, h("summary", { title: "O" }, t("layers")), content);
  let shown: RadiographReading | null = null;

  const check = (text: string, isOn: boolean, set: (on: boolean) => void, swatch?: Element) => {
    const box = h("input", { type: "checkbox", checked: isOn, onchange: () => {
      set(box.checked);
      onChange();
    } });
    return h("label", {}, box, swatch, text);
  };

  function draw(reading: RadiographReading | null): void {
    shown = reading;
    const heat = h("select", { onchange: () => {
      layers.heat = heat.value || null;
      onChange();
    } }, h("option", { value: "" }, t("layers.none")));
    for (const name of listHeated(reading)) {
      heat.append(h("option", { value: name, selected: name === layers.heat }, nameOf("finding", name)));
    }
    const slider = h("input", { type: "range", min: 0, max: 100, value: Math.round(100 * layers.opacity), oninput: () => {
      layers.opacity = Number(slider.value) / 100;
      onChange();
    } });
    const structures = Object.keys(reading?.anatomy ?? {});
    const masks = listMasks(reading).map((name) =>
      check(nameOf("structure", name), layers.masks.has(name), (on) => {
        if (on) layers.masks.add(name);
        else layers.masks.delete(name);
      }, makeSwatch(structures.indexOf(name))));
    fill(
      content,
      check(t("layers.all"), layers.isOn, (on) => (layers.isOn = on)),
      check(t("layers.boxes"), layers.boxes, (on) => (layers.boxes = on)),
      check(t("layers.landmarks"), layers.landmarks, (on) => (layers.landmarks = on)),
      h("label", {}, t("layers.heat"), heat),
      h("label", {}, t("layers.opacity"), slider),
      masks.length > 0 && h("fieldset", {}, h("legend", {}, t("layers.masks")), ...masks),
    );
  }

  return { panel, draw, refresh: () => draw(shown) };
}

function makeSwatch(index: number): Element {
  const canvas = h("canvas", { width: 12, height: 12, class: "swatch", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  if (context) {
    context.fillStyle = cssColour(colourOf(index));
    context.fillRect(0, 0, 12, 12);
  }
  return canvas;
}
