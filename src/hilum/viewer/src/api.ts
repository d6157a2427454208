// The one place that talks to the server. Errors carry the problem's title and detail.

import type {
  Feedback,
  Job,
  Me,
  Reading,
  Reworded,
  Session,
  StoredFeedback,
  StudyDetail,
  StudyPage,
} from "./contract";

const ROOT = "/api/v1";

/** What no page of another origin can add: the server asks for it where there is no Origin. */
const OWN = { "X-Hilum-Request": "1" };

let handleSignedOut = (): void => {};

/** Call `handler` when the server no longer knows who asks. */
export function onSignedOut(handler: () => void): void {
  handleSignedOut = handler;
}

export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }
}

export interface WorklistQuery {
  state: string;
  priority: string;
  finding: string;
  q: string;
  sort: string;
  cursor?: string;
  limit?: number;
}

/** Address below /api/v1; every path segment is escaped. */
export function locate(...segments: (string | number)[]): string {
  return [ROOT, ...segments.map((segment) => encodeURIComponent(segment))].join("/");
}

/** The query string of a worklist; what is empty is left out. */
export function describeQuery(query: WorklistQuery): string {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(key, String(value));
  }
  return parameters.toString();
}

async function request(url: string, options: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    const headers = { ...OWN, ...(options.headers as Record<string, string> | undefined) };
    answer = await fetch(url, { credentials: "same-origin", ...options, headers });
  } catch {
    throw new ProblemError(0, "offline", "");
  }
  if (answer.ok) return answer;
  const problem = (await answer.json().catch(() => ({}))) as { title?: string; detail?: unknown };
  const detail = typeof problem.detail === "string" ? problem.detail : "";
  if (answer.status === 401) handleSignedOut();
  throw new ProblemError(answer.status, problem.title ?? `HTTP ${answer.status}`, detail);
}

async function get<T>(url: string): Promise<T> {
  return (await (await request(url)).json()) as T;
}

async function post<T>(url: string, body: unknown): Promise<T> {
  const options = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  return (await (await request(url, options)).json()) as T;
}

export const loadSession = () => get<Session>(locate("session"));
export const openSession = (token: string) => post<Session>(locate("session"), { token });
export const endSession = () => request(locate("session"), { method: "DELETE" });
export const loadJobs = (state: string) => get<Job[]>(`${locate("jobs")}?state=${state}`);
export const loadMe = () => get<Me>(locate("me"));
export const loadStudies = (query: WorklistQuery) =>
  get<StudyPage>(`${locate("studies")}?${describeQuery(query)}`);
export const loadStudy = (id: string) => get<StudyDetail>(locate("studies", id));
export const loadReading = (id: string) => get<Reading>(locate("studies", id, "reading"));
export const loadFeedback = (id: string) => get<StoredFeedback[]>(locate("studies", id, "feedback"));
export const postFeedback = (id: string, feedback: Feedback) =>
  post<StoredFeedback>(locate("studies", id, "feedback"), feedback);
export const reword = (id: string, operating_points: Record<string, number>) =>
  post<Reworded>(locate("studies", id, "reword"), { operating_points });
export const retry = (id: string) => request(locate("studies", id, "retry"), { method: "POST" });

/** Submit the files of one study. */
export async function submit(
  files: File[],
  fields: Record<string, string>,
): Promise<{ id: string; state: string }> {
  const form = new FormData();
  for (const file of files) form.append("files", file);
  for (const [key, value] of Object.entries(fields)) if (value) form.append(key, value);
  const answer = await request(locate("studies"), { method: "POST", body: form });
  return (await answer.json()) as { id: string; state: string };
}
