// A first window for files that state none: the bulk of the grey levels, without collimator and marker.

const BINS = 4096;
const EDGES = [0.005, 0.995] as const;

/** Lower and upper grey level between which 99 % of the pixels lie; null for a constant image. */
export function findWindow(pixels: ArrayLike<number>): { lower: number; upper: number } | null {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < pixels.length; i++) {
    const value = pixels[i] as number;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  if (!(max > min)) return null;
  const counts = new Uint32Array(BINS);
  const width = (max - min) / BINS;
  for (let i = 0; i < pixels.length; i++) {
    const bin = Math.min(Math.floor(((pixels[i] as number) - min) / width), BINS - 1);
    counts[bin] = (counts[bin] as number) + 1;
  }
  const levelAt = (share: number): number => {
    let seen = 0;
    for (let bin = 0; bin < BINS; bin++) {
      seen += counts[bin] as number;
      if (seen >= share * pixels.length) return min + (bin + share) * width;
    }
    return max;
  };
  const [lower, upper] = [levelAt(EDGES[0]), levelAt(EDGES[1])];
  return upper > lower ? { lower, upper } : null;
}
