// Masks, heat map, boxes and landmarks over one viewport, all in source pixels.

import { locate } from "../api";
import type { RadiographReading } from "../contract";
import { svg } from "../dom";
import { applyAffine, boxOnDisplay, type Affine } from "../geometry";
import { nameOf, t } from "../language";
import { announce } from "../notice";
import { groupRegions, isSeen, landmarksOf } from "./links";
import { colourOf, loadTinted, paintHeat, paintMask } from "./tint";
import { listHeated, type Layers } from "./layers";

export interface Overlay {
  readonly root: SVGSVGElement;
  /** What to draw over the image; null for an image without a reading. */
  setReading(studyId: string, number: number, reading: RadiographReading | null): void;
  /** Redraw for a new map, other layers or other lit ids. */
  draw(map: Affine | null, layers: Layers, lit: ReadonlySet<string>): void;
  close(): void;
}

const CROSS = 6;

/** Make the layer inside a viewport's element; `onPick` gets the id of a clicked region. */
export function openOverlay(element: HTMLElement, onPick: (id: string) => void): Overlay {
  const pictures = svg("g");
  const boxLayer = svg("g");
  const landmarkLayer = svg("g");
  const root = svg("svg", { class: "overlay", "aria-hidden": "true" }, pictures, boxLayer, landmarkLayer);
  /** By the box: kept while they are shown, for a finger on a line that is replaced would be lost. */
  const boxes = new Map<string, { shape: SVGPolygonElement; name: SVGTextElement }>();
  element.append(root);
  let reading: RadiographReading | null = null;
  let source = { studyId: "", number: 0 };
  let cache = new Map<string, SVGImageElement | "loading" | "missing">();
  let again = () => {};

  function picture(key: string, load: () => Promise<string>): SVGImageElement | null {
    const known = cache.get(key);
    if (known) return known instanceof SVGImageElement ? known : null;
    cache.set(key, "loading");
    const mine = cache;
    load().then(
      (href) => {
        if (mine !== cache || !reading) return URL.revokeObjectURL(href);
        const { columns, rows } = reading;
        mine.set(key, svg("image", { href, x: 0, y: 0, width: columns, height: rows, preserveAspectRatio: "none" }));
        again();
      },
      () => {
        mine.set(key, "missing");
        announce(t("layers.missing"), "error");
      },
    );
    return null;
  }

  function drawPictures(map: Affine, layers: Layers): void {
    const shown: SVGImageElement[] = [];
    Object.entries(reading?.anatomy ?? {}).forEach(([name, structure], index) => {
      if (!layers.isOn || !layers.masks.has(name) || !structure.mask) return;
      const file = structure.mask.split("/").pop() ?? "";
      const url = locate("studies", source.studyId, "masks", file);
      const image = picture(`mask ${name}`, () =>
        loadTinted(url, (grey, columns, rows) => paintMask(grey, columns, rows, colourOf(index))));
      if (image) shown.push(image);
    });
    if (layers.isOn && layers.heat && listHeated(reading).includes(layers.heat)) {
      const url = locate("studies", source.studyId, "heatmaps", source.number, `${layers.heat}.png`);
      const image = picture(`heat ${layers.heat}`, () => loadTinted(url, paintHeat));
      if (image) shown.push(image);
    }
    pictures.setAttribute("transform", `matrix(${map.join(" ")})`);
    pictures.setAttribute("opacity", String(layers.opacity));
    pictures.replaceChildren(...shown);
  }

  function drawBoxes(map: Affine, layers: Layers, lit: ReadonlySet<string>): void {
    const areOn = layers.isOn && layers.boxes;
    const groups = groupRegions(reading?.findings ?? [], (finding) => lit.has(finding.id) || (areOn && isSeen(finding)));
    const shown = new Set(groups.map(({ box }) => box.join()));
    for (const [key, { shape, name }] of boxes) {
      if (shown.has(key)) continue;
      shape.remove();
      name.remove();
      boxes.delete(key);
    }
    for (const { box, findings } of groups) {
      const litHere = findings.filter((finding) => lit.has(finding.id));
      const first = litHere[0] ?? findings[0];
      if (!first) continue;
      const corners = boxOnDisplay(map, box);
      const left = Math.min(...corners.map((corner) => corner[0]));
      const top = Math.min(...corners.map((corner) => corner[1]));
      const names = (litHere.length > 0 ? litHere : findings).map((finding) => nameOf("finding", finding.name));
      const { shape, name } = boxes.get(box.join()) ?? addBox(box.join());
      shape.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
      shape.setAttribute("class", `region ${first.status}${litHere.length > 0 ? " lit" : ""}`);
      shape.dataset.id = first.id;
      name.setAttribute("x", String(left + 2));
      name.setAttribute("y", String(top - 5));
      name.textContent = names.join(", ");
    }
  }

  function addBox(key: string) {
    const shape = svg("polygon", { onclick: () => onPick(shape.dataset.id ?? "") });
    const made = { shape, name: svg("text", { class: "name" }) };
    boxes.set(key, made);
    boxLayer.append(made.shape, made.name);
    return made;
  }

  function drawLandmarks(map: Affine, layers: Layers, lit: ReadonlySet<string>): void {
    landmarkLayer.replaceChildren();
    if (!reading) return;
    const measured = landmarksOf(lit, reading);
    for (const [name, point] of Object.entries(reading.landmarks)) {
      if (!(layers.isOn && layers.landmarks) && !measured.has(name)) continue;
      const [x, y] = applyAffine(map, point);
      const d = `M${x - CROSS},${y}h${2 * CROSS}M${x},${y - CROSS}v${2 * CROSS}`;
      landmarkLayer.append(svg("path", { d, class: `landmark${measured.has(name) ? " lit" : ""}` }, svg("title", {}, nameOf("landmark", name))));
    }
  }

  function clear(): void {
    for (const image of cache.values()) {
      if (image instanceof SVGImageElement) URL.revokeObjectURL(image.getAttribute("href") ?? "");
    }
    cache = new Map();
    pictures.replaceChildren();
    boxes.clear();
    boxLayer.replaceChildren();
    landmarkLayer.replaceChildren();
  }

  return {
    root,
    setReading(studyId, number, next) {
      clear();
      source = { studyId, number };
      reading = next;
    },
    draw(map, layers, lit) {
      again = () => this.draw(map, layers, lit);
      root.classList.toggle("empty", map === null);
      if (!map) return;
      drawPictures(map, layers);
      drawBoxes(map, layers, lit);
      drawLandmarks(map, layers, lit);
    },
    close() {
      clear();
      root.remove();
    },
  };
}
