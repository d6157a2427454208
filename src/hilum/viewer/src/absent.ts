// Stands in for xmlbuilder2, which Cornerstone's mesh reader would use: no mesh is read here, and
// the real one needs Node's modules.

export function create(): never {
  throw new Error("XML meshes are not read by this viewer");
}
