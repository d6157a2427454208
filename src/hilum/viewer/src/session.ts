// Who uses the page: how one signs in, what the server lets them do, and the end of a session.

import { endSession, loadMe, loadSession, openSession, ProblemError } from "./api";
import type { Me, Session } from "./contract";

/** What a page may offer; the server decides by the same roles. */
export type Right = "read" | "submit" | "judge" | "retry";

const ROLES: Record<Right, string[]> = {
  read: ["reader", "admin"],
  submit: ["submitter", "admin"],
  judge: ["reader", "admin"],
  retry: ["reader", "submitter", "admin"],
};

/** The event on `window` that a request was refused because nobody is signed in. */
export const SIGNED_OUT = "hilum:signed-out";

let session: Session | null = null;
let me: Me | null = null;

/** Whether these roles are enough for `right`. */
export function allows(roles: readonly string[], right: Right): boolean {
  return ROLES[right].some((role) => roles.includes(role));
}

export const can = (right: Right): boolean => me !== null && allows(me.roles, right);
export const currentUser = (): Me | null => me;
export const currentSession = (): Session | null => session;

/** Ask the server who this is; null when one must sign in first. */
export async function findUser(): Promise<Me | null> {
  session = await loadSession();
  me = null;
  if (!session.is_signed_in) return null;
  try {
    me = await loadMe();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 403) throw error;
    me = NOBODY; // known, but without a role on this server
  }
  return me;
}

const NOBODY: Me = {
  user: "", roles: [], is_loopback: false, is_deidentified: false, version: "", disclaimer: "",
  languages: [], signed_in_by: "cookie", expires_at: null,
};

export async function signIn(token: string): Promise<void> {
  session = await openSession(token);
}

export async function signOut(): Promise<void> {
  await endSession();
  me = null;
}

/** Say that the session is over; the frame shows the sign-in page, once. */
export function reportSignedOut(): void {
  if (me === null) return;
  me = null;
  window.dispatchEvent(new Event(SIGNED_OUT));
}
