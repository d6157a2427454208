// The study page before it is asked for: its code is loaded and Cornerstone started while nobody
// waits. Nothing of a patient is fetched: the audit log names only who looked, not who pointed.

let loading: Promise<typeof import("./study/page")> | null = null;

/** The code of the study page; Cornerstone comes with it. */
export function loadStudyCode(): Promise<typeof import("./study/page")> {
  loading ??= import("./study/page").catch((error: unknown) => {
    loading = null; // the next try may reach the server
    throw error;
  });
  return loading;
}

/** Load the code and start Cornerstone; failures are told when a study is opened. */
export function warmUp(): void {
  loadStudyCode().then((page) => page.prepare(), () => {});
}

/** Do so once the page has time. */
export function warmUpWhenIdle(): void {
  if ("requestIdleCallback" in window) requestIdleCallback(() => warmUp(), { timeout: 3000 });
  else setTimeout(warmUp, 1000);
}

const read = new Set<string>();

/** Remember which studies have a reading: it can then be asked for together with the study. */
export function noteRead(ids: Iterable<string>): void {
  for (const id of ids) read.add(id);
}

export const isKnownRead = (id: string): boolean => read.has(id);
