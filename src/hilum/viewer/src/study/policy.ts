// Cornerstone writes one style attribute (on the text of a measurement), which a strict content
// policy blocks. Through the style object the same text is allowed, so 'unsafe-inline' is not needed.

let isDone = false;

/** Send the style attributes of SVG elements through their style object. */
export function routeStyles(): void {
  if (isDone) return;
  isDone = true;
  const setAttribute = SVGElement.prototype.setAttribute;
  SVGElement.prototype.setAttribute = function (name: string, value: string): void {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}
