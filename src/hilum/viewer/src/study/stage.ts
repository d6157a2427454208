// The hung images: the current study, the prior beside it, and the strip that chooses.

import type { Reading, StudyImage } from "../contract";
import { fill, h } from "../dom";
import { formatDate, nameOf, t } from "../language";
import { fitPanes } from "./display";
import { findReading, hangImages, matchImage, orderPriors } from "./hanging";
import type { Layers } from "./layers";
import { openPane, type Hung, type Pane } from "./pane";
import type { PriorReport } from "./prior";
import type { Loaded } from "./room";

export interface Stage {
  readonly current: Pane;
  active(): Pane;
  /** The prior that hangs beside the current study; null where there is none. */
  prior(): PriorReport | null;
  draw(): void;
  nextImage(): void;
  nextPane(): void;
  togglePrior(): void;
  close(): void;
}

export function openStage(
  frame: HTMLElement,
  loaded: Loaded,
  state: { layers: Layers; lit(kind: "current" | "prior"): ReadonlySet<string> },
  onPick: (id: string, kind: "current" | "prior") => void,
  onImage: () => void,
): Stage {
  const { study } = loaded;
  const images = hangImages(study.images);
  const priors = orderPriors(study.priors).filter((prior) => prior.images.length > 0);
  let prior = priors[0] ?? null;
  let shown = 0;
  let isPriorOn = prior !== null;

  const panes = h("div", { class: "panes" });
  const currentFrame = h("div", { class: "pane", tabindex: 0, role: "img", "aria-label": t("current") });
  const priorFrame = h("div", { class: "pane", tabindex: 0, role: "img", "aria-label": t("prior"), hidden: !isPriorOn });
  panes.append(currentFrame, priorFrame);
  const strip = h("div", { class: "strip" });
  fill(frame, panes, strip);

  const current = openPane("current", currentFrame, state, (id) => onPick(id, "current"));
  const beside = prior ? openPane("prior", priorFrame, state, (id) => onPick(id, "prior")) : null;
  let active: Pane = current;

  function activate(pane: Pane): void {
    active = pane;
    currentFrame.classList.toggle("active", pane === current && isPriorOn);
    priorFrame.classList.toggle("active", pane === beside);
  }

  function hung(image: StudyImage, of: { id: string; study_date: string | null }, reading: Reading | null | undefined): Hung {
    return { studyId: of.id, image, date: of.study_date, reading: findReading(reading, image) };
  }

  function hang(): void {
    const image = images[shown];
    if (!image) return;
    void current.hang(hung(image, study, loaded.reading));
    const match = prior && matchImage(image, prior.images);
    if (beside && prior && match) void beside.hang(hung(match, prior, loaded.priors.get(prior.id)));
    drawStrip();
    onImage();
  }

  function drawStrip(): void {
    const tabs = images.map((image, index) =>
      h("button", { type: "button", "aria-pressed": index === shown, onclick: () => {
        shown = index;
        hang();
      } }, `${index + 1} ${nameOf("view", viewOf(image))}`));
    fill(strip, h("span", { class: "quiet" }, t("study.images")), ...tabs, h("span", { class: "spacer" }), ...drawPriorChoice());
  }

  const viewOf = (image: StudyImage) => findReading(loaded.reading, image)?.view ?? image.view ?? "UNKNOWN";

  function drawPriorChoice(): Node[] {
    if (!prior) return [h("span", { class: "quiet" }, t("study.no_prior"))];
    const select = h("select", { "aria-label": t("study.choose_prior"), onchange: () => {
      prior = priors.find((p) => p.id === select.value) ?? prior;
      hang();
    } });
    for (const p of priors) select.append(h("option", { value: p.id, selected: p === prior }, formatDate(p.study_date, false)));
    return [
      select,
      h("button", { type: "button", "aria-pressed": isPriorOn, title: `${t("study.hide_prior")} (B)`, onclick: togglePrior }, t("prior")),
    ];
  }

  function togglePrior(): void {
    if (!prior) return;
    isPriorOn = !isPriorOn;
    priorFrame.hidden = !isPriorOn;
    activate(current);
    drawStrip();
    fitPanes();
    stage.draw();
  }

  for (const pane of [current, beside]) {
    pane?.frame.addEventListener("pointerdown", () => activate(pane), { capture: true });
    pane?.frame.addEventListener("focusin", () => activate(pane));
  }
  const stage: Stage = {
    current,
    active: () => active,
    prior: () => prior && { id: prior.id, date: prior.study_date, reading: loaded.priors.get(prior.id) ?? null },
    draw() {
      current.draw();
      beside?.draw();
    },
    nextImage() {
      shown = (shown + 1) % Math.max(images.length, 1);
      hang();
    },
    nextPane() {
      if (beside && isPriorOn) activate(active === current ? beside : current);
    },
    togglePrior,
    close() {
      current.close();
      beside?.close();
    },
  };
  activate(current);
  queueMicrotask(hang);
  return stage;
}
