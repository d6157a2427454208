// Cornerstone3D, set up once: rendering engine, image loader, tools.

import {
  Enums as CoreEnums,
  RenderingEngine,
  getEnabledElement,
  getRenderingEngine,
  getShouldUseCPURendering,
  imageLoader,
  init as initCore,
  type Types,
} from "@cornerstonejs/core";
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
  cancelActiveManipulations,
  init as initTools,
} from "@cornerstonejs/tools";

import type { Point } from "../contract";
import { h } from "../dom";
import { imageIdOf } from "./plane";
import { routeStyles } from "./policy";

export const ENGINE = "hilum";
const GROUP = "hilum";
const WARM_MS = 250;
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

const CONFIGURED: Record<string, object> = {
  [ZoomTool.toolName]: { pinchToZoom: false, pan: false },
  [MagnifyTool.toolName]: { magnifySize: 6 },
};
const DRAWING: Tool[] = ["length", "angle", "ratio"];

let isReady = false;
let active: Tool = "window";

/** Start the libraries; falls back to rendering on the CPU by itself where WebGL is missing. */
export function startCornerstone(): void {
  if (isReady) return;
  isReady = true;
  routeStyles();
  // current, prior and magnifier; each context costs time and memory at the start
  initCore({ rendering: { webGlContextCount: 3 } } as Parameters<typeof initCore>[0]);
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

let isWarm = false;

/** Draw a grey square out of sight: contexts and shaders are then ready for the first radiograph. */
export async function warmDisplay(): Promise<void> {
  const engine = openEngine();
  if (isWarm || getShouldUseCPURendering() || engine.getViewports().length > 0) return;
  isWarm = true;
  const element = h("div", { class: "warm", "aria-hidden": "true" });
  document.body.append(element);
  try {
    const [viewportId, imageId] = ["warm", "warm:square"];
    const scalarData = Uint16Array.from({ length: 256 }, (_, i) => i);
    imageLoader.createAndCacheLocalImage(imageId, { scalarData, dimensions: [16, 16], spacing: [1, 1] });
    engine.enableElement({ viewportId, element, type: CoreEnums.ViewportType.STACK });
    const viewport = engine.getViewport(viewportId) as Types.IStackViewport;
    await viewport.setStack([imageId]);
    viewport.render();
    await new Promise((resolve) => setTimeout(resolve, WARM_MS)); // it is drawn in the next frame
    engine.disableElement(viewportId);
  } catch {
    // what cannot be prepared is done when it is needed, and told then
  } finally {
    element.remove();
  }
}

/** Remove viewports, tool group and drawn lines of the study that is left; the engine stays warm. */
export function closeEngine(): void {
  annotation.state.removeAllAnnotations();
  ToolGroupManager.destroyToolGroup(GROUP);
  const engine = getRenderingEngine(ENGINE);
  for (const { id } of engine?.getViewports() ?? []) engine?.disableElement(id);
}

/** Load and decode the image at an address as a stack viewport would; it finds it in the cache. */
export function preloadImage(url: string): void {
  startCornerstone();
  if (getShouldUseCPURendering()) return; // wants the pixels in another form
  const options = { useRGBA: false, priority: 5, requestType: CoreEnums.RequestType.Interaction };
  // a failure is told by the viewport, which asks again
  imageLoader.loadAndCacheImage(imageIdOf(url), options).catch(() => {});
}

/** Bind the tools to a viewport; the first call makes the group. */
export function addViewport(viewportId: string): void {
  let group = ToolGroupManager.getToolGroup(GROUP);
  if (!group) {
    group = ToolGroupManager.createToolGroup(GROUP);
    // two fingers are followed by fingers.ts, so that one finger of the zoom tool zooms
    for (const name of new Set(Object.values(NAMES))) group?.addTool(name, CONFIGURED[name]);
    activateTool("window");
  }
  group?.addViewport(viewportId, ENGINE);
}

/** Give the left button (or one finger) to `tool`; right zooms, middle pans, the wheel zooms. */
export function activateTool(tool: Tool): void {
  const group = ToolGroupManager.getToolGroup(GROUP);
  if (!group) return;
  active = tool;
  for (const name of new Set(Object.values(NAMES))) group.setToolPassive(name, { removeAllBindings: true });
  const primary = [{ mouseButton: MouseBindings.Primary }, { numTouchPoints: 1 }];
  const fixed: [Tool, object[]][] = [
    ["zoom", [{ mouseButton: MouseBindings.Secondary }, { mouseButton: MouseBindings.Wheel }]],
    ["pan", [{ mouseButton: MouseBindings.Auxiliary }]],
  ];
  for (const [name, bindings] of fixed) {
    group.setToolActive(NAMES[name], { bindings: name === tool ? [...primary, ...bindings] : bindings });
  }
  if (tool !== "zoom" && tool !== "pan") group.setToolActive(NAMES[tool], { bindings: primary });
}

/** Give up what one finger has begun in `element`: a line is taken back, the magnifier put away. */
export function dropManipulation(element: HTMLDivElement): void {
  const uid = cancelActiveManipulations(element);
  if (uid) annotation.state.removeAnnotation(uid);
  if (element.querySelector(".magnifyTool")) findMagnifier()?._dragEndCallback(asEvent({ element }));
}

type MagnifierEvent = Parameters<MagnifyTool["preMouseDownCallback"]>[0];

function findMagnifier(): MagnifyTool | undefined {
  return ToolGroupManager.getToolGroup(GROUP)?.getToolInstance(MagnifyTool.toolName) as MagnifyTool | undefined;
}

/** As much of Cornerstone's event of a finger as its magnifier reads. */
function asEvent(detail: object): MagnifierEvent {
  return { type: Enums.Events.TOUCH_START, detail, preventDefault() {} } as unknown as MagnifierEvent;
}

/** Show the magnifier at a point of `element` until the finger leaves; lines go on being drawn. */
export function magnifyAt(element: HTMLDivElement, canvas: Point): void {
  const tool = findMagnifier();
  const viewport = getEnabledElement(element)?.viewport;
  if (!tool || !viewport || DRAWING.includes(active) || element.querySelector(".magnifyTool")) return;
  tool.preMouseDownCallback(asEvent({ element, currentPoints: { canvas, world: viewport.canvasToWorld(canvas) } }));
}
