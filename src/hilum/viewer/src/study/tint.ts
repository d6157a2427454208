// Grey PNGs of the server (masks, heat maps) turned into see-through coloured pictures.

type Colour = [red: number, green: number, blue: number];

const PALETTE: Colour[] = [
  [86, 180, 233], [230, 159, 0], [0, 200, 150], [240, 228, 66], [204, 121, 167],
  [213, 94, 0], [120, 160, 255], [160, 220, 120],
];

/** A colour for the n-th structure; neighbours differ, also for colour-blind readers. */
export const colourOf = (index: number): Colour => PALETTE[index % PALETTE.length] as Colour;
export const cssColour = ([red, green, blue]: Colour): string => `rgb(${red}, ${green}, ${blue})`;

/** Amber, which no radiograph holds, stronger where it is hotter; `value` in [0, 1]. */
export function heatColour(value: number): [number, number, number, number] {
  return [255, 160, 64, Math.round(255 * 0.8 * Math.min(Math.max(value, 0), 1))];
}

/** Paint a mask: filled softly, its edge strongly. `grey` is row by row, any value above 127 is in. */
export function paintMask(grey: Uint8ClampedArray, columns: number, rows: number, colour: Colour): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(grey.length * 4);
  const edge = Math.max(1, Math.round(Math.max(columns, rows) / 500));
  const isIn = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < columns && y < rows && (grey[y * columns + x] as number) > 127;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      if (!isIn(x, y)) continue;
      const isEdge = !isIn(x - edge, y) || !isIn(x + edge, y) || !isIn(x, y - edge) || !isIn(x, y + edge);
      out.set([...colour, isEdge ? 255 : 70], (y * columns + x) * 4);
    }
  }
  return out;
}

/** Paint a heat map. */
export function paintHeat(grey: Uint8ClampedArray): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray(grey.length * 4);
  grey.forEach((value, i) => {
    if (value > 12) out.set(heatColour(value / 255), i * 4);
  });
  return out;
}

/** Load a grey PNG, paint it, return a blob address; the caller revokes it. */
export async function loadTinted(
  url: string,
  paint: (grey: Uint8ClampedArray, columns: number, rows: number) => Uint8ClampedArray<ArrayBuffer>,
): Promise<string> {
  const answer = await fetch(url, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const bitmap = await createImageBitmap(await answer.blob());
  const { width, height } = bitmap;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  const grey = new Uint8ClampedArray(width * height);
  for (let i = 0; i < grey.length; i++) grey[i] = pixels.data[i * 4] as number;
  context.putImageData(new ImageData(paint(grey, width, height), width, height), 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve));
  if (!blob) throw new Error("no picture");
  return URL.createObjectURL(blob);
}
