// Sentences that a reader has not saved, kept in memory while the page shows something else:
// a session that ends over a study, or a look at the worklist, loses none of them.

import type { Sentence } from "./draft";

interface Kept {
  user: string;
  revision: number;
  draft: Sentence[];
}

const kept = new Map<string, Kept>();

export function keepDraft(studyId: string, user: string, revision: number, draft: Sentence[]): void {
  kept.set(studyId, { user, revision, draft });
}

/** What this user left of this revision, once; what others left is forgotten. */
export function takeDraft(studyId: string, user: string, revision: number): Sentence[] | null {
  const found = kept.get(studyId);
  kept.delete(studyId);
  return found && found.user === user && found.revision === revision ? found.draft : null;
}

/** Whoever signs out leaves nothing behind. */
export function forgetDrafts(): void {
  kept.clear();
}
