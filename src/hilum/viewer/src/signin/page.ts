// The sign-in page: at the identity provider, or with a token of the server's own.

import { ProblemError } from "../api";
import { h } from "../dom";
import { t, type Key } from "../language";
import { explain } from "../notice";
import { currentSession, signIn } from "../session";

/** Where the browser begins at the identity provider. */
const PROVIDER = "/api/v1/session/provider";

/** What the provider's way back says in the address (`/?sign_in=refused`), as a message. */
export function readProblem(search: string): Key | null {
  const said = new URLSearchParams(search).get("sign_in");
  if (said === "refused") return "signin.refused";
  return said === "away" ? "signin.away" : null;
}

/** What to say of an attempt that failed. */
export function explainAttempt(error: unknown): string {
  if (error instanceof ProblemError && error.status === 401) return t("signin.wrong");
  if (error instanceof ProblemError && error.status === 429) return t("signin.often");
  return explain(error);
}

/** Show the page in `main`; `onDone` is called once somebody is signed in. */
export function openSignIn(main: HTMLElement, message: Key | null, onDone: () => void): void {
  const provider = currentSession()?.provider ?? null;
  const problem = h("p", { class: "error", role: "alert", id: "signin-problem" }, message && t(message));
  const field = h("input", {
    type: "password", id: "signin-token", name: "token", autocomplete: "current-password", required: true,
    spellcheck: "false", autocapitalize: "off", "aria-describedby": "signin-hint signin-problem",
  });
  const send = h("button", { type: "submit", class: provider ? null : "primary" }, t("signin.send"));

  async function handleSubmit(event: Event): Promise<void> {
    event.preventDefault();
    const token = field.value.trim();
    if (!token) return;
    send.disabled = true;
    problem.textContent = "";
    try {
      await signIn(token);
      field.value = "";
      onDone();
    } catch (error) {
      problem.textContent = explainAttempt(error);
      send.disabled = false;
      field.select();
    }
  }

  const form = h("form", { onsubmit: (event: Event) => void handleSubmit(event) },
    h("label", { for: "signin-token" }, t("signin.token")),
    h("div", { class: "field" }, field, send),
    h("p", { class: "quiet", id: "signin-hint" }, t("signin.hint")));
  main.replaceChildren(
    h("div", { class: "signin" },
      h("h1", {}, t("signin")),
      h("p", { class: "quiet" }, t("signin.about")),
      problem,
      ...(provider ? [h("a", { class: "button primary", href: PROVIDER }, t("signin.provider", { provider })),
        h("p", { class: "or" }, t("signin.or"))] : []),
      form));
  document.title = `${t("signin")} · Hilum`;
  if (!provider) field.focus();
}
