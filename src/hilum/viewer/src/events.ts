// What happens on the server, live: server-sent events, polling where they cannot be had.

import { locate } from "./api";
import { reportSignedOut } from "./session";

const POLL_MS = 5000;

/** The kinds that the server's event table may hold; unnamed events arrive as "message". */
const KINDS = [
  "message", "received", "receiving", "completed", "queued", "reading", "progress", "read",
  "refused", "failed", "deleted", "retried", "feedback", "study",
];

/**
 * Call `listener` whenever a study changed, with its id where it is known.
 *
 * @returns stops listening.
 */
export function followEvents(
  listener: (studyId: string | null) => void,
  onMode: (isLive: boolean) => void = () => {},
): () => void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const poll = (): void => {
    onMode(false);
    timer ??= setInterval(() => listener(null), POLL_MS);
  };
  if (typeof EventSource === "undefined") {
    poll();
    return () => clearInterval(timer);
  }
  const source = new EventSource(locate("events"));
  source.onopen = () => {
    clearInterval(timer);
    timer = undefined;
    onMode(true);
    listener(null);
  };
  source.onerror = () => {
    poll(); // EventSource reconnects by itself; until then the list is polled
    // refused for good: asking once tells whether nobody is signed in any more
    if (source.readyState === EventSource.CLOSED) listener(null);
  };
  source.addEventListener("signed_out", () => {
    source.close();
    reportSignedOut();
  });
  const handle = (event: Event): void => listener(readStudyId((event as MessageEvent).data));
  for (const kind of KINDS) source.addEventListener(kind, handle);
  return () => {
    source.close();
    clearInterval(timer);
  };
}

/** The study_id in an event's data, or null. */
export function readStudyId(data: unknown): string | null {
  try {
    const id = (JSON.parse(String(data)) as { study_id?: unknown } | null)?.study_id;
    return typeof id === "string" ? id : null;
  } catch {
    return null;
  }
}
