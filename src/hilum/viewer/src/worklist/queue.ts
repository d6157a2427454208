// What those see who may bring studies but not read them: the queue, without any patient.

import { loadJobs, retry } from "../api";
import type { Job } from "../contract";
import { debounce, fill, h } from "../dom";
import { followEvents } from "../events";
import { nameOf, t } from "../language";
import { announceError, explain } from "../notice";
import { describePriority } from "./filters";
import { acceptDrops, openUpload } from "./upload";

const SETTLE_MS = 150;
const STATES = ["running", "waiting", "dead"];

/** Show the queue in `main`; returns what to call when it is left. */
export function openQueue(main: HTMLElement): () => void {
  let isLeft = false;
  const body = h("tbody");
  const empty = h("p", { class: "notice", hidden: true, role: "status" });
  const refresh = debounce(() => void load(), SETTLE_MS);

  async function load(): Promise<void> {
    try {
      const jobs = (await Promise.all(STATES.map(loadJobs))).flat();
      if (isLeft) return;
      fill(body, ...jobs.map(makeRow));
      empty.hidden = jobs.length > 0;
      empty.textContent = t("queue.empty");
    } catch (error) {
      if (isLeft) return;
      empty.hidden = false;
      empty.textContent = explain(error);
    }
  }

  function makeRow(job: Job): HTMLElement {
    const state = h("td", {}, h("span", { class: `tag ${job.state}` }, nameOf("state", job.state)));
    if (job.state === "failed") {
      state.append(h("small", {}, job.reason), h("button", { type: "button", onclick: () => {
        retry(job.study_id).then(refresh, (error: unknown) => announceError("error.save", error));
      } }, t("retry")));
    }
    return h("tr", {}, h("td", {}, describePriority(job.priority)), h("td", {}, h("code", {}, job.study_id)), state, h("td", {}, job.attempts));
  }

  const head = ["column.priority", "queue.study", "column.state", "queue.attempts"] as const;
  const upload = (): void => openUpload([], refresh);
  const handleKey = (event: KeyboardEvent): void => {
    const isPlain = !(event.ctrlKey || event.metaKey || event.altKey);
    if (event.key.toLowerCase() === "u" && isPlain && !document.querySelector("dialog[open]")) upload();
  };
  fill(
    main,
    h("div", { class: "worklist" },
      h("div", { class: "head" }, h("h1", {}, t("queue")), h("span", { class: "spacer" }),
        h("button", { type: "button", class: "primary", onclick: upload }, t("upload"))),
      h("div", { class: "scroll", tabindex: "-1" },
        h("table", { "aria-label": t("queue") },
          h("thead", {}, h("tr", {}, ...head.map((key) => h("th", { scope: "col" }, h("span", {}, t(key)))))), body)),
      empty));
  document.title = `${t("queue")} · Hilum`;
  document.addEventListener("keydown", handleKey);
  const stopDrops = acceptDrops((files) => openUpload(files, refresh));
  const stopEvents = followEvents(refresh);
  void load();
  return () => {
    isLeft = true;
    document.removeEventListener("keydown", handleKey);
    stopDrops();
    stopEvents();
  };
}
