// The study page: loads a study and puts images, findings, report and judgements beside each other.

import { loadFeedback, loadReading, loadStudy } from "../api";
import type { Reading, StudyDetail } from "../contract";
import { debounce, fill, h } from "../dom";
import { followEvents } from "../events";
import { formatDate, nameOf, t } from "../language";
import { explain } from "../notice";
import { describePerson, formatName } from "../words";
import { openRoom, type Room } from "./room";

const SETTLE_MS = 200;

/** Show study `id` in `main`; returns what to call when it is left. */
export function openStudy(main: HTMLElement, id: string): () => void {
  let room: Room | null = null;
  let seen = "";
  let isLeft = false;

  async function load(): Promise<void> {
    try {
      const study = await loadStudy(id);
      const version = `${study.state} ${study.revision} ${study.read_at}`;
      if (isLeft || version === seen) return;
      const reading = study.state === "read" ? await loadReading(id) : null;
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
  const stopEvents = followEvents((changed) => {
    if (changed === null || changed === id) refresh();
  });
  void load();
  return () => {
    isLeft = true;
    stopEvents();
    room?.close();
  };
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
