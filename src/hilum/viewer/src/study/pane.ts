// One hung image: caption, viewport, overlay, and boxing over it.

import type { Box, RadiographReading, StudyImage } from "../contract";
import { h } from "../dom";
import { formatDate, nameOf, t } from "../language";
import { explain } from "../notice";
import { startBoxing, type Boxing } from "./boxing";
import type { Layers } from "./layers";
import { openOverlay } from "./overlay";
import { openViewport, UPRIGHT } from "./viewport";

export interface Hung {
  studyId: string;
  image: StudyImage;
  date: string | null;
  reading: RadiographReading | null;
}

export interface Pane {
  readonly frame: HTMLElement;
  readonly viewport: ReturnType<typeof openViewport>;
  hung: Hung | null;
  hang(hung: Hung): Promise<void>;
  draw(): void;
  box(start: Box | null, onDone: (box: Box | null) => void): void;
  close(): void;
}

/** Make a pane inside `frame`, which must be in the page already. */
export function openPane(
  kind: "current" | "prior",
  frame: HTMLElement,
  state: { layers: Layers; lit(kind: "current" | "prior"): ReadonlySet<string> },
  onPick: (id: string) => void,
): Pane {
  const caption = h("div", { class: "caption" });
  const message = h("p", { class: "message", role: "alert" });
  const element = h("div", { class: "viewport" });
  frame.append(element, caption, message);
  const viewport = openViewport(kind, element, () => pane.draw());
  const overlay = openOverlay(element, onPick);
  let boxing: Boxing | null = null;

  const pane: Pane = {
    frame,
    viewport,
    hung: null,
    async hang(hung) {
      boxing?.cancel();
      pane.hung = hung;
      message.textContent = "";
      const view = nameOf("view", hung.reading?.view ?? hung.image.view ?? "UNKNOWN");
      caption.textContent = `${t(kind)} · ${view} · ${formatDate(hung.date)}`;
      overlay.setReading(hung.studyId, hung.image.number, hung.reading);
      const reading = hung.reading;
      const pose = reading ? { ...reading.orientation, is_inverted: reading.is_inverted } : UPRIGHT;
      try {
        const { rows, columns } = hung.image;
        await viewport.show(hung.image.wado_uri, pose, { rows, columns, spacing_mm: reading?.spacing_mm ?? null });
      } catch (error) {
        message.textContent = t("error.image", { reason: explain(error) });
      }
      pane.draw();
    },
    draw() {
      const map = viewport.readMap();
      // ids name the evidence of one study, so each pane has those of its own
      overlay.draw(map, state.layers, state.lit(kind));
      boxing?.redraw(map);
    },
    box(start, onDone) {
      boxing?.cancel();
      const size = pane.hung?.image;
      if (!size) return;
      boxing = startBoxing(element, size, start, (box) => {
        boxing = null;
        onDone(box);
      });
      boxing.redraw(viewport.readMap());
    },
    close() {
      boxing?.cancel();
      overlay.close();
      viewport.close();
    },
  };
  return pane;
}
