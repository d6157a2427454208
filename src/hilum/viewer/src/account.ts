// Who is signed in, with which roles and until when, and the way out.

import { h } from "./dom";
import { formatDate, nameOf, t } from "./language";
import { announceError } from "./notice";
import { currentUser, signOut } from "./session";

/** The menu in the frame's head; null while nobody is known. */
export function makeAccount(onLeft: () => void): HTMLElement | null {
  const me = currentUser();
  if (!me) return null;
  const name = me.user || t("account.unknown");
  const roles = me.roles.map((role) => nameOf("role", role)).join(", ") || t("account.no_role");
  const leave = (): void => {
    signOut().then(onLeft, (error: unknown) => announceError("error.save", error));
  };
  const canLeave = me.signed_in_by === "cookie";
  const menu = h("details", { class: "account", onkeydown: (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary")?.focus();
  } },
    h("summary", { title: t("account") }, h("span", { class: "who" }, name), " ", h("span", { class: "quiet" }, roles)),
    h("div", { class: "sheet" },
      h("p", {}, h("strong", {}, name)),
      h("p", { class: "quiet" }, roles),
      canLeave && me.expires_at && h("p", { class: "quiet" }, t("account.until", { time: formatDate(me.expires_at) })),
      canLeave
        ? h("button", { type: "button", onclick: leave }, t("account.leave"))
        : h("p", { class: "quiet" }, t("account.open"))));
  return menu;
}
