// Files of one study, dropped or chosen, with what is known about the patient.

import { submit } from "../api";
import { fill, h } from "../dom";
import { t } from "../language";
import { announce, explain } from "../notice";
import { describePriority } from "./filters";

/** Let files be dropped anywhere on the page; returns stops it. */
export function acceptDrops(onFiles: (files: File[]) => void): () => void {
  const over = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("is-dragging");
  };
  const leave = (event: DragEvent) => {
    if (event.relatedTarget === null) document.body.classList.remove("is-dragging");
  };
  const drop = (event: DragEvent) => {
    document.body.classList.remove("is-dragging");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (event.defaultPrevented || files.length === 0) return;
    event.preventDefault();
    onFiles(files);
  };
  document.addEventListener("dragover", over);
  document.addEventListener("dragleave", leave);
  document.addEventListener("drop", drop);
  return () => {
    document.removeEventListener("dragover", over);
    document.removeEventListener("dragleave", leave);
    document.removeEventListener("drop", drop);
  };
}

/** Open the form; `onSent` is called after the server took the study. */
export function openUpload(dropped: File[], onSent: () => void): void {
  document.querySelector("dialog.upload")?.remove();
  let files = dropped;
  const list = h("p", { class: "quiet", "aria-live": "polite" });
  const problem = h("p", { class: "error", role: "alert" });
  const send = h("button", { type: "submit", class: "primary" }, t("upload.send"));
  const choose = h("input", { type: "file", multiple: true, onchange: () => take([...(choose.files ?? [])]) });
  const field = (name: string, label: string, control: HTMLElement) => {
    control.setAttribute("name", name);
    return h("label", {}, label, control);
  };
  const sex = h("select", {}, h("option", { value: "" }, "–"), ...["F", "M", "O"].map((s) =>
    h("option", { value: s.toLowerCase() }, t(`sex.${s}` as "sex.F"))));
  const priority = h("select", {}, ...Array.from({ length: 9 }, (_, i) =>
    h("option", { value: i + 1, selected: i + 1 === 5 }, describePriority(i + 1))));

  function take(chosen: File[]): void {
    files = chosen;
    list.textContent = files.map((file) => file.name).join(", ");
  }

  async function handleSubmit(event: Event): Promise<void> {
    event.preventDefault();
    if (files.length === 0) {
      problem.textContent = t("upload.none");
      return;
    }
    send.disabled = true;
    try {
      const fields = Object.fromEntries(new FormData(form)) as Record<string, string>;
      await submit(files, fields);
      dialog.close();
      announce(t("upload.sent"));
      onSent();
    } catch (error) {
      problem.textContent = explain(error);
      send.disabled = false;
    }
  }

  const drop = h("div", {
    class: "drop wide",
    ondragover: (event: DragEvent) => event.preventDefault(),
    ondrop: (event: DragEvent) => {
      event.preventDefault();
      take([...(event.dataTransfer?.files ?? [])]);
    },
  }, h("p", {}, t("upload.drop")), h("label", {}, t("upload.choose"), choose), list);
  const form = h("form", { onsubmit: (event: Event) => void handleSubmit(event) });
  fill(
    form,
    drop,
    h("label", { class: "wide" }, t("upload.indication"), h("input", { name: "indication" })),
    h("label", { class: "wide" }, t("upload.history"), h("input", { name: "history" })),
    field("age_years", t("upload.age"), h("input", { type: "number", min: 0, max: 130, step: "any" })),
    field("sex", t("upload.sex"), sex),
    field("priority", t("filter.priority"), priority),
    h("div", { class: "wide" }, problem),
    h("div", { class: "wide actions" }, h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")), send),
  );
  const dialog = h("dialog", { class: "upload", "aria-labelledby": "upload-title", onclose: () => dialog.remove() },
    h("h2", { id: "upload-title" }, t("upload")), form);
  take(files);
  document.body.append(dialog);
  dialog.showModal();
}
