// The study page: loads a study and puts images, findings, report and judgements beside each other.

import { loadFeedback, loadReading, loadStudy } from "../api";
import type { Reading, StudyDetail } from "../contract";
import { debounce, fill, h } from "../dom";
import { followEvents } from "../events";
import { formatDate, nameOf, t } from "../language";
import { explain } from "../notice";
import { isKnownRead } from "../warm";
import { describePerson, formatName } from "../words";
import { preloadImage, warmDisplay } from "./cornerstone";
import { findReading, hangImages } from "./hanging";
import { setPlane } from "./plane";
import { openRoom, type Room } from "./room";

const SETTLE_MS = 200;
const RECHECK_MS = 2000;

/** Start what takes time and knows no patient: the decoder's worker and the display. */
export function prepare(): void {
  void warmDisplay();
}

/** Show study `id` in `main`; returns what to call when it is left. */
export function openStudy(main: HTMLElement, id: string): () => void {
  let room: Room | null = null;
  let seen = "";
  let isLeft = false;
  // the list has said that there is a reading: ask for it together with the study, once
  let early = isKnownRead(id) ? loadReading(id).catch(() => null) : null;

  async function load(): Promise<void> {
    try {
      const study = await loadStudy(id);
      const version = `${study.state} ${study.revision} ${study.read_at}`;
      if (isLeft || version === seen) return;
      const reading = study.state === "read" ? ((await early) ?? (await loadReading(id))) : null;
      early = null; // what comes later may be another
      preload(study, reading);
      const [feedback, priors] = await Promise.all([loadFeedback(id), loadPriorReadings(study)]);
      if (isLeft) return;
      seen = version;
      room?.close();
      showPatient(study);
      room = openRoom(main, { study, reading, feedback, priors });
    } catch (error) {
      if (!isLeft && !room) fill(main, h("p", { class: "notice error", role: "alert" }, t("error.load", { reason: explain(error) })));
    }
  }

  const refresh = debounce(() => void load(), SETTLE_MS);
  // something may have happened before the stream was open; the first image goes before
  const recheck = debounce(() => void load(), RECHECK_MS);
  const stopEvents = followEvents((changed) => {
    if (changed === id) refresh();
    else if (changed === null) recheck();
  });
  void load();
  return () => {
    isLeft = true;
    stopEvents();
    room?.close();
  };
}

/** Ask for the first image while the page is still being built. */
function preload(study: StudyDetail, reading: Reading | null): void {
  const image = hangImages(study.images)[0];
  if (!image) return;
  const { rows, columns } = image;
  setPlane(image.wado_uri, { rows, columns, spacing_mm: findReading(reading, image)?.spacing_mm ?? null });
  preloadImage(image.wado_uri);
}

/** Readings of the priors by study id; a prior without one is left out. */
async function loadPriorReadings(study: StudyDetail): Promise<Map<string, Reading>> {
  const read = study.priors.filter((prior) => prior.state === "read");
  const loaded = await Promise.allSettled(read.map((prior) => loadReading(prior.id)));
  const readings = new Map<string, Reading>();
  loaded.forEach((result, i) => {
    const prior = read[i];
    if (prior && result.status === "fulfilled") readings.set(prior.id, result.value);
  });
  return readings;
}

function showPatient(study: StudyDetail): void {
  const place = document.getElementById("context");
  const name = formatName(study.patient_name);
  document.title = `${name} · Hilum`;
  if (!place) return;
  const details = [describePerson(study), study.patient_id, formatDate(study.study_date)].filter(Boolean).join(" · ");
  fill(
    place,
    h("a", { href: "#/", "aria-label": t("back") }, "←"),
    h("h1", {}, name),
    h("span", {}, details),
    h("span", { class: `tag ${study.state}` }, nameOf("state", study.state)),
    h("span", { class: "quiet indication" }, study.indication ?? ""),
  );
}
