// Start of the page: frame, language, and which of the two pages the address asks for.

import "./style/base.css";
import "./style/worklist.css";
import "./style/study.css";
import "./style/print.css";
import { h, fill } from "./dom";
import { LANGUAGES, language, startLanguage, switchLanguage, t, type Language } from "./language";
import { closeHelp, isHelpOpen, openHelp } from "./help";
import { openWorklist } from "./worklist/page";

/** What a page gives back: called before the next one is shown. */
type Leave = () => void;

let leave: Leave = () => {};
let turn = 0;

/** The study id in an address such as `#/studies/0123…`, or null for the worklist. */
function studyIdOf(hash: string): string | null {
  return /^#\/studies\/([0-9a-zA-Z_-]+)$/.exec(hash)?.[1] ?? null;
}

async function show(): Promise<void> {
  leave();
  leave = () => {};
  const mine = ++turn;
  const main = h("main", { id: "main", tabindex: "-1" });
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
  const id = studyIdOf(location.hash);
  document.body.classList.toggle("is-study", id !== null);
  if (id === null) {
    leave = openWorklist(main);
    return;
  }
  fill(main, h("p", { class: "notice", role: "status" }, t("loading")));
  const { openStudy } = await import("./study/page"); // Cornerstone comes with the study page only
  if (mine !== turn) return;
  leave = openStudy(main, id);
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
    choice,
    h("button", { type: "button", class: "icon", "aria-label": t("help"), title: `${t("help")} (?)`, onclick: () => openHelp() }, "?"),
  );
}

function handleKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (target.matches("input:not([type=checkbox]):not([type=range]), textarea, select")) return;
  if (event.key === "?") {
    event.preventDefault();
    if (isHelpOpen()) closeHelp();
    else openHelp();
  }
}

startLanguage();
window.addEventListener("hashchange", () => void show());
window.addEventListener("keydown", handleKey);
void show();
