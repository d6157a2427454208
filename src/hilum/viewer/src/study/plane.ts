// The image plane as the reading knows it. A spacing that Hilum found implausible, or none at all,
// makes lengths come out in pixels: no millimetre is shown that is not known.

import { metaData } from "@cornerstonejs/core";

export interface Plane {
  rows: number;
  columns: number;
  /** [down, across], or null where it is unknown. */
  spacing_mm: [number, number] | null;
}

const planes = new Map<string, Plane>();

/** What Cornerstone calls an image plane module; a radiograph has no place in the patient. */
export function describePlane({ rows, columns, spacing_mm }: Plane) {
  const [down, across] = spacing_mm ?? [1, 1];
  return {
    rows,
    columns,
    rowPixelSpacing: down,
    columnPixelSpacing: across,
    rowCosines: [1, 0, 0],
    columnCosines: [0, 1, 0],
    imagePositionPatient: [0, 0, 0],
    imageOrientationPatient: [1, 0, 0, 0, 1, 0],
    usingDefaultValues: spacing_mm === null,
  };
}

function provide(type: string, imageId: unknown): ReturnType<typeof describePlane> | undefined {
  const plane = type === "imagePlaneModule" ? planes.get(String(imageId)) : undefined;
  return plane && describePlane(plane);
}

/** What Cornerstone calls the DICOM file at an address. */
export const imageIdOf = (url: string): string => `wadouri:${url}`;

/** State the plane of the image at an address before it is loaded. */
export function setPlane(url: string, plane: Plane): void {
  metaData.addProvider(provide, 100_000);
  planes.set(imageIdOf(url), plane);
}
