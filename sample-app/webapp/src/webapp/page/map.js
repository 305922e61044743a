// The map on the screen: draws ground and traffic, and turns pointer and keys into moves and choices.

import { Arrows, arrow } from "./arrows.js";
import { Ground } from "./ground.js";
import { View } from "./view.js";

const COLOURS = ["ground", "block", "street", "avenue", "casing", "river", "park", "label", "vehicle", "vehicle-edge", "stale", "chosen", "trail"];
const LANE = 3; // metres right of the middle of the road
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class MapView extends EventTarget {
  // Events: "choose" {index} (-1: none), "step" {by}, "follow".
  constructor(element, traffic) {
    super();
    this.element = element;
    this.traffic = traffic;
    this.view = new View();
    this.arrows = new Arrows();
    this.chosen = -1;
    this.hover = -1;
    this.following = false;
    this.stale = false;
    this.trail = [];
    this.drawn = 0;
    this.slowest = 0;
    this.ground = null;
    this.dirty = true;
    this.canvases = ["ground", "traffic"].map((id) => element.querySelector(`#${id}`));
    this.contexts = this.canvases.map((canvas, layer) => canvas.getContext("2d", { alpha: layer > 0 }));
    this.recolour();
    new ResizeObserver(() => this.resize()).observe(element);
    this.resize();
    this.listen();
    requestAnimationFrame((now) => this.frame(now));
  }

  show(map) {
    this.ground = new Ground(map, this.traffic);
    this.view.fit(this.ground.bounds);
    this.dirty = true;
  }

  recolour() {
    const style = getComputedStyle(document.documentElement);
    this.colours = Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.dirty = true;
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const first = this.view.width === 1;
    this.view.size(width, height, ratio);
    for (const canvas of this.canvases) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    if (first && this.ground) this.view.fit(this.ground.bounds);
    this.dirty = true;
  }

  choose(index, trail = []) {
    this.chosen = index;
    this.trail = trail;
    if (index < 0) this.following = false;
  }

  fit() {
    this.following = false;
    if (this.ground) this.view.fit(this.ground.bounds, !still.matches);
  }

  zoom(factor) { this.view.zoom(factor, undefined, undefined, !still.matches); this.dirty = true; }

  frame(now) {
    requestAnimationFrame((next) => this.frame(next));
    const seconds = Math.min(0.1, (now - (this.before ?? now)) / 1000);
    this.slowest = Math.max(this.slowest, seconds * 1000);
    this.before = now;
    this.drawn += 1;
    const { traffic, view } = this;
    traffic.glide = !still.matches;
    traffic.move(now);
    if (this.following && this.chosen >= 0) {
      view.go(traffic.x[this.chosen], traffic.y[this.chosen], (view.goal ?? view).scale, !still.matches);
    }
    if (view.step(seconds) || this.following) this.dirty = true;
    if (this.dirty && this.ground) {
      this.ground.draw(this.contexts[0], view, this.colours);
      this.dirty = false;
    }
    this.draw(this.contexts[1], now);
  }

  draw(context, now) {
    const { view, traffic, colours, chosen } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.canvases[1].width, this.canvases[1].height);
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.lineJoin = context.lineCap = "round";
    if (chosen >= 0) this.drawTrail(context);
    // In half pixels, so that a smooth zoom needs few sets of pictures.
    const size = Math.round(2 * Math.min(13, Math.max(traffic.count > 400 ? 4.5 : 5.5, view.scale * 9))) / 2;
    this.arrows.prepare(size, view.ratio, this.stale ? colours.stale : colours.vehicle, colours["vehicle-edge"]);
    for (let i = 0; i < traffic.count; i++) {
      if (i === chosen) continue;
      const [x, y] = this.inLane(i);
      if (x > -20 && y > -20 && x < view.width + 20 && y < view.height + 20) this.arrows.stamp(context, x, y, traffic.heading[i]);
    }
    if (chosen >= 0) this.drawChosen(context, now, size);
    if (this.hover >= 0 && this.hover !== chosen && this.hover < traffic.count) this.caption(context, this.hover, size);
  }

  // Where a vehicle is on the screen, a little to the right of the middle of its road.
  inLane(i) {
    const { view, traffic } = this;
    const lane = Math.min(3.5, LANE * view.scale), heading = traffic.heading[i];
    return [
      (traffic.x[i] - view.x) * view.scale + view.width / 2 + Math.cos(heading) * lane,
      (traffic.y[i] - view.y) * view.scale + view.height / 2 + Math.sin(heading) * lane,
    ];
  }

  drawTrail(context) {
    const { view, traffic, chosen, trail, colours } = this;
    const points = [...trail, [traffic.x[chosen], traffic.y[chosen]]].map(([x, y]) => view.toScreen(x, y));
    context.lineCap = "butt";
    context.strokeStyle = colours.trail;
    context.lineWidth = Math.min(7, Math.max(3, view.scale * 5));
    for (let i = 1; i < points.length; i++) {
      context.globalAlpha = 0.08 + 0.72 * (i / points.length) ** 1.6;
      context.beginPath();
      context.moveTo(...points[i - 1]);
      context.lineTo(...points[i]);
      context.stroke();
    }
    context.globalAlpha = 1;
    context.lineCap = "round";
  }

  drawChosen(context, now, size) {
    const { view, traffic, chosen, colours } = this;
    const [x, y] = view.toScreen(traffic.x[chosen], traffic.y[chosen]);
    const wave = still.matches || this.stale ? 0.35 : (now % 1800) / 1800;
    context.strokeStyle = colours.chosen;
    context.globalAlpha = 0.55 * (1 - wave);
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(x, y, size + 5 + wave * 16, 0, 2 * Math.PI);
    context.stroke();
    context.globalAlpha = 1;
    const [left, top] = this.inLane(chosen);
    arrow(context, left, top, traffic.heading[chosen], Math.max(9, size * 1.35), colours.chosen, colours["vehicle-edge"]);
    this.caption(context, chosen, size + 6);
  }

  caption(context, index, size) {
    const { view, traffic, colours } = this;
    const [x, y] = view.toScreen(traffic.x[index], traffic.y[index]);
    const name = traffic.names[index];
    context.font = "600 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    const wide = context.measureText(name).width + 14;
    context.fillStyle = index === this.chosen ? colours.chosen : colours.label;
    context.beginPath();
    context.roundRect(x - wide / 2, y - size - 27, wide, 20, 10);
    context.fill();
    context.fillStyle = colours.ground;
    context.fillText(name, x, y - size - 16.5);
  }

  // Pointer and keys ------------------------------------------------------------------------------------------------
  listen() {
    const { element } = this;
    const down = new Map();
    let moved = 0;
    element.addEventListener("pointerdown", (event) => {
      if (event.target.closest("button")) return;
      element.setPointerCapture(event.pointerId);
      down.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (down.size === 1) moved = 0;
    });
    element.addEventListener("pointermove", (event) => {
      const before = down.get(event.pointerId);
      if (!before) { this.pointAt(event); return; }
      const here = [event.offsetX, event.offsetY];
      moved += Math.hypot(here[0] - before[0], here[1] - before[1]);
      if (moved < 5) return;
      element.classList.add("grabbing");
      if (down.size === 1) this.drag(here[0] - before[0], here[1] - before[1]);
      else this.pinch([...down.entries()], event.pointerId, before, here);
      down.set(event.pointerId, here);
    });
    const up = (event) => {
      if (!down.delete(event.pointerId)) return;
      element.classList.remove("grabbing");
      if (event.type === "pointerup" && moved < 5 && down.size === 0) this.pick(event, event.pointerType === "mouse" ? 18 : 28);
    };
    element.addEventListener("pointerup", up);
    element.addEventListener("pointercancel", up);
    element.addEventListener("pointerleave", () => { this.hover = -1; });
    element.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.following = this.following && !event.shiftKey;
      this.view.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), event.offsetX, event.offsetY);
      this.dirty = true;
    }, { passive: false });
    element.addEventListener("keydown", (event) => this.key(event));
  }

  drag(dx, dy) {
    if (this.following) { this.following = false; this.emit("follow", false); }
    this.view.pan(dx, dy);
    this.dirty = true;
  }

  pinch(entries, moving, before, here) {
    const other = entries.find(([id]) => id !== moving)[1];
    const factor = Math.hypot(here[0] - other[0], here[1] - other[1]) / Math.hypot(before[0] - other[0], before[1] - other[1]);
    if (Number.isFinite(factor) && factor > 0) this.view.zoom(factor, other[0], other[1]);
    this.dirty = true;
  }

  at(event, reach) {
    const [x, y] = this.view.toMap(event.offsetX, event.offsetY);
    return this.traffic.near(x, y, reach / this.view.scale);
  }

  pointAt(event) {
    this.hover = this.at(event, 14);
    this.element.classList.toggle("pointing", this.hover >= 0);
  }

  pick(event, reach) { this.emit("choose", this.at(event, reach)); }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
    const act = {
      "+": () => this.zoom(1.4), "=": () => this.zoom(1.4), "-": () => this.zoom(1 / 1.4), "0": () => this.fit(),
      ArrowLeft: () => this.drag(60, 0), ArrowRight: () => this.drag(-60, 0),
      ArrowUp: () => this.drag(0, 60), ArrowDown: () => this.drag(0, -60),
      n: () => this.emit("step", 1), p: () => this.emit("step", -1),
      f: () => this.emit("follow", !this.following), Escape: () => this.emit("choose", -1),
      Enter: () => this.emit("choose", this.traffic.near(this.view.x, this.view.y, Infinity)),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
