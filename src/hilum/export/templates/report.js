"use strict";
// Sentences, findings, measurements and regions share evidence ids (data-evidence); to light
// one is to light all that share an id with it. Hover and focus light, a click pins.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const linked = all("[data-evidence]").filter((element) => element.dataset.evidence);
  const figures = all("figure.image");
  const announcement = document.getElementById("announcement");
  const ids = (element) => element.dataset.evidence.split(" ");
  const share = (element, wanted) => ids(element).some((id) => wanted.includes(id));
  let pinned = null;
  let hovered = null;

  const owner = (target) => {
    const element = target instanceof Element ? target.closest("[data-evidence]") : null;
    return element && element.dataset.evidence ? element : null;
  };

  function light() {
    const source = hovered || pinned;
    const wanted = source ? ids(source) : [];
    linked.forEach((element) => element.classList.toggle("lit", share(element, wanted)));
    linked.forEach((element) => element.classList.toggle("pinned", element === pinned));
    all("[role=button][aria-pressed]").forEach((element) =>
      element.setAttribute("aria-pressed", String(pinned !== null && owner(element) === pinned)));
    figures.forEach((figure) => {
      const own = figure.dataset.ids.split(" ").some((id) => id && wanted.includes(id));
      figure.classList.toggle("has-lit", all(".shape.lit", figure).length > 0);
      const tab = document.querySelector(`.tab[data-image="${figure.dataset.number}"]`);
      if (tab) tab.classList.toggle("lit", own);
    });
  }

  function show(number) {
    figures.forEach((figure) => figure.classList.toggle("off", figure.dataset.number !== number));
    all(".tab").forEach((tab) =>
      tab.setAttribute("aria-pressed", String(tab.dataset.image === number)));
  }

  // Bring the image of an element's evidence to the front, unless it is there already.
  function reveal(element) {
    const wanted = ids(element);
    const holds = (figure) => figure.dataset.ids.split(" ").some((id) => wanted.includes(id));
    const current = figures.find((figure) => !figure.classList.contains("off"));
    const better = figures.find(holds);
    if (better && current && !holds(current)) show(better.dataset.number);
  }

  function pin(element) {
    pinned = pinned === element ? null : element;
    hovered = null;
    if (pinned) reveal(pinned);
    light();
    const names = all(".shape.lit").map((shape) => shape.getAttribute("aria-label"));
    announcement.textContent = !pinned ? "Nothing is lit."
      : names.length ? `Lit on the image: ${names.join("; ")}.`
      : "Nothing to light on the image.";
    const isShape = pinned && pinned.classList.contains("shape");
    const text = isShape && linked.find((e) => e.matches(".report .lit"));
    if (text) text.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("pointerover", (event) => {
    hovered = owner(event.target);
    light();
  });
  document.addEventListener("pointerleave", () => { hovered = null; light(); });
  document.addEventListener("focusin", (event) => {
    if (!event.target.matches(":focus-visible")) return;
    hovered = owner(event.target);
    if (hovered) reveal(hovered);
    light();
  });
  document.addEventListener("focusout", () => { hovered = null; light(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      pinned = hovered = null;
      light();
    } else if ((event.key === "Enter" || event.key === " ") && event.target.matches("[role=button]")) {
      event.preventDefault();
      pin(owner(event.target));
    }
  });

  function toggleHeat(button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    all(".heat-toggle").forEach((other) =>
      other.setAttribute("aria-pressed", String(on && other === button)));
    all(".heat").forEach((heat) =>
      heat.classList.toggle("shown", on && heat.dataset.heat === button.dataset.heat));
    if (on) reveal(button.closest("[data-evidence]"));
  }

  let dragged = false;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) {
      if (button.dataset.image) show(button.dataset.image);
      else if (button.dataset.heat) toggleHeat(button);
      else if (button.dataset.zoom) step(button.dataset.zoom);
      else if ("invert" in button.dataset) {
        const on = document.body.classList.toggle("inverted");
        button.setAttribute("aria-pressed", String(on));
      }
      return;
    }
    const element = owner(event.target);
    if (element && !dragged) pin(element);
  });
  all("input[data-layer]").forEach((box) => {
    const apply = () => all(`g[data-layer="${box.dataset.layer}"]`).forEach((group) =>
      group.classList.toggle("shown", box.checked));
    box.addEventListener("change", apply);
    apply();
  });

  // Zoom and pan move the viewBox, so that outlines stay thin.
  const views = new Map(figures.map((figure) => {
    const svg = figure.querySelector("svg");
    const { width, height } = svg.viewBox.baseVal;
    return [svg, { width, height, x: 0, y: 0, scale: 1 }];
  }));

  function apply(svg) {
    const view = views.get(svg);
    const width = view.width / view.scale;
    const height = view.height / view.scale;
    view.x = Math.min(Math.max(view.x, 0), view.width - width);
    view.y = Math.min(Math.max(view.y, 0), view.height - height);
    svg.setAttribute("viewBox", `${view.x} ${view.y} ${width} ${height}`);
  }

  // Scale about the point (x, y), which stays where it is on the screen.
  function scale(svg, factor, x, y) {
    const view = views.get(svg);
    const next = Math.min(Math.max(view.scale * factor, 1), 8);
    view.x = x - (x - view.x) * view.scale / next;
    view.y = y - (y - view.y) * view.scale / next;
    view.scale = next;
    apply(svg);
  }

  function step(direction) {
    const svg = document.querySelector("figure.image:not(.off) svg");
    const view = views.get(svg);
    if (direction === "fit") view.scale = 1;
    const factor = direction === "in" ? 1.4 : direction === "out" ? 1 / 1.4 : 1;
    scale(svg, factor, view.x + view.width / view.scale / 2, view.y + view.height / view.scale / 2);
  }

  const place = (svg, event) =>
    new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());

  views.forEach((view, svg) => {
    let start = null;
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const point = place(svg, event);
      scale(svg, event.deltaY < 0 ? 1.15 : 1 / 1.15, point.x, point.y);
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => {
      dragged = false;
      if (view.scale > 1) start = { x: event.clientX, y: event.clientY };
    });
    svg.addEventListener("pointermove", (event) => {
      if (!start || !event.buttons) return;
      const ratio = 1 / svg.getScreenCTM().a;
      if (Math.hypot(event.clientX - start.x, event.clientY - start.y) < 4 && !dragged) return;
      dragged = true;
      view.x -= (event.clientX - start.x) * ratio;
      view.y -= (event.clientY - start.y) * ratio;
      start = { x: event.clientX, y: event.clientY };
      apply(svg);
    });
    svg.addEventListener("pointerup", () => { start = null; });
  });
})();
