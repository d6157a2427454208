// Small parts of the study page: the state of a study without a reading, exports, unsaved work.

import { locate } from "../api";
import type { StudyDetail } from "../contract";
import { h } from "../dom";
import { t } from "../language";

/** Let the browser ask before a page with unsaved sentences is closed; returns stops it. */
export function guardUnsaved(isDirty: () => boolean): () => void {
  const listener = (event: BeforeUnloadEvent): void => {
    if (isDirty()) event.preventDefault();
  };
  window.addEventListener("beforeunload", listener);
  return () => window.removeEventListener("beforeunload", listener);
}

export function makeStateNotice(study: StudyDetail): Node | null {
  if (study.state === "read") return null;
  const reason = study.reason ?? "";
  const text =
    study.state === "refused" ? t("study.refused", { reason })
    : study.state === "failed" ? t("study.failed", { reason })
    : t("study.waiting");
  return h("p", { class: "state-notice", role: "status" }, text);
}

export function makeExports(id: string): Node {
  const link = (file: string, name: string) => h("a", { href: locate("studies", id, file), target: "_blank", rel: "noopener" }, name);
  return h("nav", { class: "exports", "aria-label": t("exports") },
    link("report.html", t("export.html")), link("fhir", t("export.fhir")), link("objects.zip", t("export.objects")));
}
