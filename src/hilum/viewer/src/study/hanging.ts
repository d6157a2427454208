// Which image hangs where: frontal before lateral, the prior's same view beside the current one.

import type { PriorStudy, RadiographReading, Reading, StudyImage } from "../contract";

const ORDER = ["PA", "AP", "FRONTAL", "LATERAL", "UNKNOWN"];

export const isFrontal = (view: string | null): boolean =>
  view === "PA" || view === "AP" || view === "FRONTAL";

/** Images in the order in which they are hung; refused ones last. */
export function hangImages<T extends StudyImage>(images: readonly T[]): T[] {
  const rank = (image: T) => {
    const place = ORDER.indexOf(image.view ?? "UNKNOWN");
    return (image.is_refused ? 100 : 0) + (place < 0 ? ORDER.length : place);
  };
  return [...images].sort((a, b) => rank(a) - rank(b) || a.number - b.number);
}

/** Priors, newest first; those without a date last. */
export function orderPriors(priors: readonly PriorStudy[]): PriorStudy[] {
  return [...priors].sort((a, b) => (b.study_date ?? "").localeCompare(a.study_date ?? ""));
}

/** The prior's image to hang beside `current`: the same view, else the same kind of view. */
export function matchImage(current: StudyImage, prior: readonly StudyImage[]): StudyImage | null {
  const hung = hangImages(prior);
  return (
    hung.find((image) => image.view === current.view) ??
    hung.find((image) => isFrontal(image.view) === isFrontal(current.view)) ??
    null
  );
}

/** The reading of one image, found by its SOP Instance UID. */
export function findReading(reading: Reading | undefined | null, image: StudyImage): RadiographReading | null {
  return reading?.radiographs.find((r) => r.sop_instance_uid === image.sop_uid) ?? null;
}
