// The open study: state of the page, and what a change of it redraws.

import { postFeedback, reword } from "../api";
import type { Feedback, Finding, RadiographReading, Reading, StoredFeedback, StudyDetail } from "../contract";
import { debounce, fill, h } from "../dom";
import { cornersOf } from "../geometry";
import { t } from "../language";
import { announce, announceError } from "../notice";
import { currentUser } from "../session";
import { activateTool, closeEngine, type Tool } from "./cornerstone";
import { clearLines, watchSize } from "./display";
import { mergeReworded, startDraft, writeText, type Sentence } from "./draft";
import { makeFeedbackPanel } from "./feedback";
import { makeFindingsPanel, orderFindings } from "./findings";
import { keepDraft, takeDraft } from "./kept";
import { listenToKeys } from "./keyboard";
import { makeLayerPanel, startLayers, toggleLayer } from "./layers";
import { guardUnsaved, makeExports, makeStateNotice } from "./parts";
import { makePriorPanel } from "./prior";
import { followRatio } from "./ratio";
import { makeReportPanel } from "./report";
import { startSelection } from "./selection";
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
  const user = currentUser()?.user ?? "";
  const kept = takeDraft(study.id, user, study.revision);
  let draft: Sentence[] = kept ?? (reading ? startDraft(reading.report) : []);
  let picked: string | null = null;
  let hovered: ReadonlySet<string> | null = null;
  let tool: Tool = "window";
  let isDirty = kept !== null;
  let turn = 0;

  const lit = (): ReadonlySet<string> => hovered ?? new Set(picked ? [picked] : []);
  const priorSelection = startSelection(() => relight());
  const shownReading = (): RadiographReading | null => stage.current.hung?.reading ?? null;

  function relight(): void {
    findings.light(lit(), picked);
    report.light(lit());
    priorReport.light(priorSelection.lit(), priorSelection.picked());
    stage.draw();
  }
  function pickPrior(ids: ReadonlySet<string>): void {
    priorSelection.pick(ids);
    priorReport.panel.querySelector(".lit")?.scrollIntoView({ block: "nearest" });
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
    const before = stage.prior();
    if (priorReport.shown() !== before?.id) priorSelection.clear();
    priorReport.draw(before);
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
      { kind: "report", sentences: draft },
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
  const priorReport = makePriorPanel({ onLight: priorSelection.hover, onPick: pickPrior });
  const judgements = makeFeedbackPanel((text) => void send({ kind: "comment", text }));
  judgements.draw(feedback);

  const stageFrame = h("div", { class: "stage" });
  const side = h("div", { class: "side" },
    h("div", { class: "upper", tabindex: "-1" }, makeStateNotice(study), reading && findings.panel),
    h("div", { class: "lower", tabindex: "-1" }, reading && report.panel, priorReport.panel, judgements.panel, reading && makeExports(study.id)));
  fill(main, h("div", { class: "study" }, h("div", { class: "images" }, toolbar.bar, stageFrame), side));
  const stage = openStage(
    stageFrame,
    loaded,
    { layers, lit: (kind) => (kind === "current" ? lit() : priorSelection.lit()) },
    (id, kind) => (kind === "current" ? pick(id) : pickPrior(new Set([id]))),
    drawImageParts,
  );
  drawReport();
  if (kept) announce(t("report.restored"));

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
        else if (priorSelection.picked().size > 0) priorSelection.clear();
        else if (!isDirty) location.hash = "#/";
        else announce(t("report.unsaved"), "error");
      },
    }),
  ];
  return {
    close() {
      if (isDirty) keepDraft(study.id, user, study.revision, draft);
      for (const stop of stops) stop();
      stage.close();
      closeEngine();
    },
  };
}
