// Cornerstone3D, set up once: rendering engine, image loader, tools.

import { RenderingEngine, init as initCore, getRenderingEngine } from "@cornerstonejs/core";
import { init as initLoader } from "@cornerstonejs/dicom-image-loader";
import {
  AngleTool,
  Enums,
  LengthTool,
  MagnifyTool,
  PanTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
  addTool,
  annotation,
  init as initTools,
} from "@cornerstonejs/tools";

import { routeStyles } from "./policy";

export const ENGINE = "hilum";
const GROUP = "hilum";
const { MouseBindings } = Enums;

export type Tool = "window" | "zoom" | "pan" | "magnify" | "length" | "angle" | "ratio";
export const TOOLS: Tool[] = ["window", "zoom", "pan", "magnify", "length", "angle", "ratio"];

const CLASSES = { window: WindowLevelTool, zoom: ZoomTool, pan: PanTool, magnify: MagnifyTool, length: LengthTool, angle: AngleTool };
const NAMES: Record<Tool, string> = {
  window: WindowLevelTool.toolName,
  zoom: ZoomTool.toolName,
  pan: PanTool.toolName,
  magnify: MagnifyTool.toolName,
  length: LengthTool.toolName,
  angle: AngleTool.toolName,
  ratio: LengthTool.toolName, // the quotient of two lengths
};

let isReady = false;

/** Start the libraries; falls back to rendering on the CPU by itself where WebGL is missing. */
export function startCornerstone(): void {
  if (isReady) return;
  isReady = true;
  routeStyles();
  initCore();
  initLoader({ maxWebWorkers: 1 });
  initTools();
  for (const tool of Object.values(CLASSES)) addTool(tool);
  annotation.config.style.setDefaultToolStyles({
    global: {
      ...annotation.config.style.getDefaultToolStyles().global,
      color: "rgb(255, 220, 90)",
      colorSelected: "rgb(255, 240, 170)",
      colorHighlighted: "rgb(255, 240, 170)",
      lineWidth: "2",
      textBoxFontSize: "15px",
      textBoxColor: "rgb(255, 220, 90)",
      textBoxColorHighlighted: "rgb(255, 240, 170)",
      textBoxColorSelected: "rgb(255, 240, 170)",
      textBoxFontFamily: "system-ui, sans-serif",
    },
  });
}

export function openEngine(): RenderingEngine {
  startCornerstone();
  return (getRenderingEngine(ENGINE) as RenderingEngine | undefined) ?? new RenderingEngine(ENGINE);
}

/** Remove engine, tool group and drawn lines of the study that is left. */
export function closeEngine(): void {
  annotation.state.removeAllAnnotations();
  ToolGroupManager.destroyToolGroup(GROUP);
  getRenderingEngine(ENGINE)?.destroy();
}

/** Bind the tools to a viewport; the first call makes the group. */
export function addViewport(viewportId: string): void {
  let group = ToolGroupManager.getToolGroup(GROUP);
  if (!group) {
    group = ToolGroupManager.createToolGroup(GROUP);
    for (const name of new Set(Object.values(NAMES))) group?.addTool(name);
    activateTool("window");
  }
  group?.addViewport(viewportId, ENGINE);
}

/** Give the left button (or one finger) to `tool`; right zooms, middle pans, the wheel zooms. */
export function activateTool(tool: Tool): void {
  const group = ToolGroupManager.getToolGroup(GROUP);
  if (!group) return;
  for (const name of new Set(Object.values(NAMES))) group.setToolPassive(name, { removeAllBindings: true });
  const primary = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
  const fixed: [Tool, object[]][] = [
    ["zoom", [{ mouseButton: MouseBindings.Secondary }, { mouseButton: MouseBindings.Wheel }, { numTouchPoints: 2 }]],
    ["pan", [{ mouseButton: MouseBindings.Auxiliary }, { numTouchPoints: 3 }]],
  ];
  for (const [name, bindings] of fixed) {
    group.setToolActive(NAMES[name], { bindings: name === tool ? [...primary, ...bindings] : bindings });
  }
  if (tool !== "zoom" && tool !== "pan") group.setToolActive(NAMES[tool], { bindings: primary });
}
