// The open study: state of the page, and what a change of it redraws.

import { locate, postFeedback, reword } from "../api";
import type { Feedback, Finding, RadiographReading, Reading, StoredFeedback, StudyDetail } from "../contract";
import { debounce, fill, h } from "../dom";
import { cornersOf } from "../geometry";
import { t } from "../language";
import { announce, announceError } from "../notice";
import { activateTool, closeEngine, type Tool } from "./cornerstone";
import { clearLines, watchSize } from "./display";
import { mergeReworded, startDraft, writeText, type Sentence } from "./draft";
import { makeFeedbackPanel } from "./feedback";
import { makeFindingsPanel, orderFindings } from "./findings";
import { listenToKeys } from "./keyboard";
import { makeLayerPanel, startLayers, toggleLayer } from "./layers";
import { followRatio } from "./ratio";
import { makeReportPanel } from "./report";
import { openStage } from "./stage";
import { makeToolbar } from "./toolbar";

export interface Room {
  close(): void;
}

export interface Loaded {
  study: StudyDetail;
  reading: Reading | null;
  feedback: StoredFeedback[];
  priors: Map<string, Reading>;
}

const REWORD_MS = 250;

export function openRoom(main: HTMLElement, loaded: Loaded): Room {
  const { study, reading } = loaded;
  const layers = startLayers();
  const points: Record<string, number> = {};
  const feedback = [...loaded.feedback];
  let draft: Sentence[] = reading ? startDraft(reading.report) : [];
  let picked: string | null = null;
  let hovered: ReadonlySet<string> | null = null;
  let tool: Tool = "window";
  let isDirty = false;
  let turn = 0;

  const lit = (): ReadonlySet<string> => hovered ?? new Set(picked ? [picked] : []);
  const shownReading = (): RadiographReading | null => stage.current.hung?.reading ?? null;

  function relight(): void {
    findings.light(lit(), picked);
    report.light(lit());
    stage.draw();
  }
  function light(ids: ReadonlySet<string> | null): void {
    hovered = ids;
    relight();
  }
  function pick(id: string): void {
    picked = picked === id ? null : id;
    hovered = null;
    relight();
    if (picked) findings.panel.querySelector(`[data-id="${CSS.escape(picked)}"]`)?.scrollIntoView({ block: "nearest" });
    report.panel.querySelector(".lit")?.scrollIntoView({ block: "nearest" });
  }
  function drawReport(): void {
    if (!reading) return;
    report.draw(draft, reading);
    report.light(lit());
  }
  function drawImageParts(): void {
    const shown = shownReading();
    if (reading) findings.draw(shown, reading);
    layerPanel.draw(shown);
    relight();
  }

  async function send(sent: Feedback, message = t("feedback.saved")): Promise<void> {
    try {
      const stored = await postFeedback(study.id, sent);
      if (sent.kind === "report") isDirty = false;
      feedback.push({ ...sent, ...stored });
      judgements.draw(feedback);
      announce(message);
    } catch (error) {
      announceError("error.save", error);
    }
  }

  const askReword = debounce(() => void applyPoints(), REWORD_MS);
  async function applyPoints(): Promise<void> {
    if (!reading) return;
    const mine = ++turn;
    try {
      const answer = await reword(study.id, points);
      if (mine !== turn) return;
      const byId = new Map(answer.findings.map((finding) => [finding.id, finding]));
      for (const radiograph of reading.radiographs) {
        for (const finding of radiograph.findings) finding.status = byId.get(finding.id)?.status ?? finding.status;
      }
      draft = mergeReworded(draft, answer.report);
      const shown = shownReading();
      if (shown) findings.update(shown);
      drawReport();
      relight();
    } catch (error) {
      announceError("error.load", error);
    }
  }

  function correct(finding: Finding): void {
    stage.current.box(finding.regions[0]?.box ?? null, (box) => {
      if (box) void send({ kind: "correct", finding: finding.id, box: cornersOf(box) });
    });
  }
  const agree = (finding: Finding) => void send({ kind: "agree", finding: finding.id, status: finding.status });
  const reject = (finding: Finding) => void send({ kind: "reject", finding: finding.id, status: finding.status });
  const saveReport = () =>
    void send(
      { kind: "report", sentences: draft.map(({ text, evidence, is_edited }) => ({ text, evidence, is_edited })) },
      t("report.saved"),
    );

  async function copyReport(): Promise<void> {
    if (!reading) return;
    const titles = {
      indication: t("report.indication"), technique: t("report.technique"), comparison: t("report.comparison"),
      findings: t("report.findings"), impression: t("report.impression"),
    };
    try {
      await navigator.clipboard.writeText(writeText(reading.report, draft, titles, t("disclaimer")));
      announce(t("report.copied"));
    } catch (error) {
      announceError("error.save", error);
    }
  }

  function setTool(next: Tool): void {
    tool = next;
    activateTool(next);
    toolbar.mark(next);
    toolbar.say(next === "ratio" ? t("ratio.first") : "");
  }
  function clear(): void {
    clearLines();
    toolbar.say(tool === "ratio" ? t("ratio.first") : "");
  }
  function redrawLayers(): void {
    layerPanel.refresh();
    stage.draw();
  }

  const layerPanel = makeLayerPanel(layers, () => stage.draw());
  const toolbar = makeToolbar({ onTool: setTool, onInvert: () => stage.active().viewport.invert(), onReset: () => stage.active().viewport.reset(), onClear: clear }, layerPanel.panel);
  const findings = makeFindingsPanel({
    onLight: (id) => light(id ? new Set([id]) : null),
    onPick: pick,
    onPoint: (name, point) => {
      points[name] = point;
      askReword();
    },
    onAgree: agree,
    onReject: reject,
    onCorrect: correct,
  });
  const report = makeReportPanel({
    onLight: light,
    onEdit: (next) => {
      draft = next;
      isDirty = true;
      drawReport();
    },
    onSave: saveReport,
    onCopy: () => void copyReport(),
  });
  const judgements = makeFeedbackPanel((text) => void send({ kind: "comment", text }));
  judgements.draw(feedback);

  const stageFrame = h("div", { class: "stage" });
  const side = h("div", { class: "side" },
    h("div", { class: "upper", tabindex: "-1" }, makeStateNotice(study), reading && findings.panel),
    h("div", { class: "lower", tabindex: "-1" }, reading && report.panel, judgements.panel, reading && makeExports(study.id)));
  fill(main, h("div", { class: "study" }, h("div", { class: "images" }, toolbar.bar, stageFrame), side));
  const stage = openStage(stageFrame, loaded, { layers, lit }, pick, drawImageParts);
  drawReport();

  const step = (by: 1 | -1): void => {
    const ids = orderFindings(shownReading()?.findings ?? []).filter((f) => f.status !== "not_assessed").map((f) => f.id);
    const at = picked ? ids.indexOf(picked) : by > 0 ? -1 : ids.length;
    const id = ids[(at + by + ids.length) % ids.length];
    if (id && id !== picked) pick(id);
  };
  const judge = (kind: "agree" | "reject" | "correct"): void => {
    const finding = shownReading()?.findings.find((f) => f.id === picked);
    if (finding) ({ agree, reject, correct })[kind](finding);
  };
  const stops = [
    followRatio(() => tool === "ratio", toolbar.say),
    watchSize(stageFrame, () => stage.draw()),
    guardUnsaved(() => isDirty),
    listenToKeys({
      tool: setTool,
      invert: () => stage.active().viewport.invert(),
      reset: () => stage.active().viewport.reset(),
      clear,
      zoom: (factor) => stage.active().viewport.zoomBy(factor),
      pan: (right, down) => stage.active().viewport.panBy(right, down),
      levels: (width, level) => stage.active().viewport.windowBy(width, level),
      nextImage: stage.nextImage,
      nextViewport: stage.nextPane,
      togglePrior: stage.togglePrior,
      toggleAll: () => {
        layers.isOn = !layers.isOn;
        redrawLayers();
      },
      toggleLayer: (kind) => {
        layers.isOn = true;
        toggleLayer(layers, kind, shownReading());
        redrawLayers();
      },
      stepFinding: step,
      judge,
      comment: judgements.focus,
      save: saveReport,
      escape: () => {
        if (picked) pick(picked);
        else if (!isDirty) location.hash = "#/";
        else announce(t("report.unsaved"), "error");
      },
    }),
  ];
  return {
    close() {
      for (const stop of stops) stop();
      stage.close();
      closeEngine();
    },
  };
}

/** Let the browser ask before a page with unsaved sentences is closed; returns stops it. */
function guardUnsaved(isDirty: () => boolean): () => void {
  const listener = (event: BeforeUnloadEvent): void => {
    if (isDirty()) event.preventDefault();
  };
  window.addEventListener("beforeunload", listener);
  return () => window.removeEventListener("beforeunload", listener);
}

function makeStateNotice(study: StudyDetail): Node | null {
  if (study.state === "read") return null;
  const reason = study.reason ?? "";
  const text =
    study.state === "refused" ? t("study.refused", { reason })
    : study.state === "failed" ? t("study.failed", { reason })
    : t("study.waiting");
  return h("p", { class: "state-notice", role: "status" }, text);
}

function makeExports(id: string): Node {
  const link = (file: string, name: string) => h("a", { href: locate("studies", id, file), target: "_blank", rel: "noopener" }, name);
  return h("nav", { class: "exports", "aria-label": t("exports") },
    link("report.html", t("export.html")), link("fhir", t("export.fhir")), link("objects.zip", t("export.objects")));
}
