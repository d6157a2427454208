// The worklist: what came in, how urgent it is and how far it has got; live.

import { loadStudies, retry, type WorklistQuery } from "../api";
import type { StudyPage, StudySummary } from "../contract";
import { debounce, fill, h } from "../dom";
import { followEvents } from "../events";
import { t } from "../language";
import { announceError, explain } from "../notice";
import { can } from "../session";
import { noteRead, warmUp, warmUpWhenIdle } from "../warm";
import { makeFilters } from "./filters";
import { makeHead, makeRow } from "./table";
import { acceptDrops, openUpload } from "./upload";

const PAGE_SIZE = 100;
const SETTLE_MS = 150;

/** Show the worklist in `main`; returns what to call when it is left. */
export function openWorklist(main: HTMLElement): () => void {
  const query: WorklistQuery = { state: "", priority: "", finding: "", q: "", sort: "priority" };
  let items: StudySummary[] = [];
  let cursor: string | null = null;
  let total = 0;
  let turn = 0;

  const body = h("tbody");
  const table = h("table", { "aria-label": t("worklist") });
  const count = h("span", { class: "quiet", role: "status" });
  const live = h("span", { class: "live quiet" });
  const empty = h("p", { class: "notice", hidden: true });
  const more = h("button", { type: "button", hidden: true, onclick: () => void load(true) }, t("worklist.more"));
  const refresh = debounce(() => void load(), SETTLE_MS);
  const filters = makeFilters(query, refresh);

  function setSort(sort: string): void {
    query.sort = sort;
    drawHead();
    void load();
  }

  function drawHead(): void {
    table.querySelector("thead")?.remove();
    table.prepend(makeHead(query.sort, setSort));
  }

  async function load(isMore = false): Promise<void> {
    const mine = ++turn;
    try {
      const asked = { ...query, limit: isMore ? PAGE_SIZE : Math.max(PAGE_SIZE, items.length) };
      const page: StudyPage = await loadStudies(isMore && cursor ? { ...asked, cursor } : asked);
      if (mine !== turn) return;
      items = isMore ? [...items, ...page.items] : page.items;
      cursor = page.next_cursor;
      total = page.total;
      noteRead(items.filter((study) => study.state === "read").map((study) => study.id));
      draw();
    } catch (error) {
      if (mine !== turn) return;
      empty.hidden = false;
      empty.textContent = explain(error);
    }
  }

  function draw(): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset.study;
    fill(body, ...items.map((study) => makeRow(study, { onRetry })));
    count.textContent = t("worklist.count", { shown: items.length, total });
    more.hidden = cursor === null;
    empty.hidden = items.length > 0;
    const isFiltered = Boolean(query.q || query.state || query.finding || query.priority);
    empty.textContent = t(isFiltered || !canSubmit ? "worklist.empty" : "worklist.first");
    if (focused) body.querySelector<HTMLElement>(`[data-study="${CSS.escape(focused)}"]`)?.focus();
  }

  function onRetry(id: string): void {
    retry(id).then(refresh, (error: unknown) => announceError("error.save", error));
  }

  const canSubmit = can("submit");
  const upload = () => {
    if (canSubmit) openUpload([], refresh);
  };
  const handleKey = (event: KeyboardEvent) => handleWorklistKey(event, body, filters.search, upload);
  document.addEventListener("keydown", handleKey);
  const stopDrops = canSubmit ? acceptDrops((files) => openUpload(files, refresh)) : () => {};
  const stopEvents = followEvents(refresh, (isLive) => {
    live.classList.toggle("on", isLive);
    live.textContent = t(isLive ? "worklist.live" : "worklist.polling");
  });

  const add = canSubmit && h("button", { type: "button", class: "primary", onclick: upload }, t("upload"));
  table.append(body);
  drawHead();
  fill(
    main,
    h(
      "div",
      { class: "worklist" },
      h("div", { class: "head" }, h("h1", {}, t("worklist")), filters.search, ...filters.choices, h("span", { class: "spacer" }), live, count, add),
      h("div", { class: "scroll", tabindex: "-1" }, table),
      empty,
      more,
    ),
  );
  document.title = `${t("worklist")} · Hilum`;
  for (const kind of ["pointerover", "focusin"]) body.addEventListener(kind, warmUp, { once: true });
  void load().then(warmUpWhenIdle);
  return () => {
    turn += 1;
    document.removeEventListener("keydown", handleKey);
    stopDrops();
    stopEvents();
  };
}

/** Move between rows with the arrow keys or J and K; `/` searches, U adds a study. */
function handleWorklistKey(
  event: KeyboardEvent,
  body: HTMLElement,
  search: HTMLInputElement,
  upload: () => void,
): void {
  const target = event.target as HTMLElement;
  if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (target.matches("select, textarea") || (target.matches("input") && event.key !== "ArrowDown")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const links = [...body.querySelectorAll<HTMLElement>("a[data-study]")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "j" || key === "ArrowDown") links[Math.min(at + 1, links.length - 1)]?.focus();
  else if (key === "k" || key === "ArrowUp") links[Math.max(at - 1, 0)]?.focus();
  else if (key === "/") search.focus();
  else if (key === "u") upload();
  else return;
  event.preventDefault();
}
