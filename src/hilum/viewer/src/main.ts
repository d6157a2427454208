// Start of the page: frame, language, and which of the two pages the address asks for.

import "./style/base.css";
import "./style/worklist.css";
import "./style/signin.css";
import "./style/study.css";
import "./style/print.css";
import { makeAccount } from "./account";
import { onSignedOut } from "./api";
import { h, fill } from "./dom";
import { LANGUAGES, language, startLanguage, switchLanguage, t, type Key, type Language } from "./language";
import { closeHelp, isHelpOpen, openHelp } from "./help";
import { explain } from "./notice";
import { can, currentUser, findUser, reportSignedOut, SIGNED_OUT } from "./session";
import { openSignIn, readProblem } from "./signin/page";
import { forgetDrafts } from "./study/kept";
import { loadStudyCode } from "./warm";
import { openQueue } from "./worklist/queue";
import { openWorklist } from "./worklist/page";

/** What a page gives back: called before the next one is shown. */
type Leave = () => void;

let leave: Leave = () => {};
let turn = 0;

/** The study id in an address such as `#/studies/0123…`, or null for the worklist. */
function studyIdOf(hash: string): string | null {
  return /^#\/studies\/([0-9a-zA-Z_-]+)$/.exec(hash)?.[1] ?? null;
}

async function show(message: Key | null = null): Promise<void> {
  leave();
  leave = () => {};
  const mine = ++turn;
  const main = h("main", { id: "main", tabindex: "-1" });
  document.body.classList.remove("is-study");
  if (!currentUser()) {
    drawFrame(main);
    try {
      await findUser();
    } catch (error) {
      if (mine === turn) fill(main, h("p", { class: "notice error", role: "alert" }, t("error.load", { reason: explain(error) })));
      return;
    }
    if (mine !== turn) return;
  }
  drawFrame(main);
  if (!currentUser()) openSignIn(main, message ?? takeProblem(), () => void show());
  else await showPage(main, mine);
}

async function showPage(main: HTMLElement, mine: number): Promise<void> {
  const id = studyIdOf(location.hash);
  if (!can("read")) {
    if (can("submit")) leave = openQueue(main);
    else fill(main, h("p", { class: "notice", role: "alert" }, t("signin.no_role")));
    return;
  }
  document.body.classList.toggle("is-study", id !== null);
  if (id === null) {
    leave = openWorklist(main);
    return;
  }
  fill(main, h("p", { class: "notice", role: "status" }, t("loading")));
  const { openStudy } = await loadStudyCode();
  if (mine !== turn) return;
  leave = openStudy(main, id);
}

function drawFrame(main: HTMLElement): void {
  const app = document.getElementById("app");
  if (!app) return;
  fill(
    app,
    h("a", { class: "skip", href: "#main", onclick: (event: Event) => {
      event.preventDefault();
      main.focus();
    } }, t("skip")),
    makeHeader(),
    main,
    h("footer", { class: "disclaimer" }, t("disclaimer")),
  );
}

/** What the provider said on the way back, out of the address. */
function takeProblem(): Key | null {
  const problem = readProblem(location.search);
  if (problem) history.replaceState(null, "", location.pathname + location.hash);
  return problem;
}

function makeHeader(): HTMLElement {
  const choice = h("select", { "aria-label": t("language"), onchange: (event: Event) => {
    switchLanguage((event.target as HTMLSelectElement).value as Language);
    void show();
  } });
  for (const [code, name] of Object.entries(LANGUAGES)) {
    choice.append(h("option", { value: code, lang: code, selected: code === language() }, name));
  }
  return h(
    "header",
    { class: "bar" },
    h("a", { href: "#/", class: "brand" }, "Hilum"),
    h("div", { id: "context", class: "context" }),
    makeAccount(() => {
      void show("signin.left");
      forgetDrafts(); // after the page was left, which keeps what was not saved
    }),
    choice,
    currentUser() && h("button", { type: "button", class: "icon", "aria-label": t("help"), title: `${t("help")} (?)`, onclick: () => openHelp() }, "?"),
  );
}

function handleKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (target.matches("input:not([type=checkbox]):not([type=range]), textarea, select")) return;
  if (event.key === "?" && currentUser()) {
    event.preventDefault();
    if (isHelpOpen()) closeHelp();
    else openHelp();
  }
}

startLanguage();
onSignedOut(reportSignedOut);
window.addEventListener(SIGNED_OUT, () => {
  document.querySelectorAll("dialog").forEach((dialog) => dialog.remove()); // they may name a patient
  void show("signin.ended");
});
window.addEventListener("hashchange", () => void show());
window.addEventListener("keydown", handleKey);
void show();
