// Which part of the map is seen: its middle in metres, and pixels a metre. Moves are smooth where motion is welcome.

const NEAREST = 6, FARTHEST = 0.06;

export class View {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.scale = 0.3;
    this.width = this.height = 1;
    this.ratio = 1;
    this.goal = null;
  }

  size(width, height, ratio) { Object.assign(this, { width, height, ratio }); }

  fit([west, north, east, south], smooth = false) {
    const scale = Math.min((this.width - 56) / (east - west), (this.height - 56) / (south - north));
    this.go((west + east) / 2, (north + south) / 2, scale, smooth);
  }

  go(x, y, scale = this.scale, smooth = true) {
    const goal = { x, y, scale: Math.min(NEAREST, Math.max(FARTHEST, scale)) };
    if (smooth) { this.goal = goal; return; }
    Object.assign(this, goal);
    this.goal = null;
  }

  // One step towards the goal; whether anything changed.
  step(seconds) {
    if (!this.goal) return false;
    const share = 1 - Math.exp(-seconds * 9);
    for (const key of ["x", "y", "scale"]) this[key] += (this.goal[key] - this[key]) * share;
    const left = Math.hypot(this.goal.x - this.x, this.goal.y - this.y) * this.scale;
    if (left < 0.4 && Math.abs(this.goal.scale / this.scale - 1) < 0.002) {
      Object.assign(this, this.goal);
      this.goal = null;
    }
    return true;
  }

  pan(dx, dy) { this.go(this.x - dx / this.scale, this.y - dy / this.scale, this.scale, false); }

  // Zoom by a factor about a place on the screen, which stays where it is.
  zoom(factor, screenX = this.width / 2, screenY = this.height / 2, smooth = false) {
    const [x, y] = this.toMap(screenX, screenY);
    const scale = Math.min(NEAREST, Math.max(FARTHEST, (this.goal?.scale ?? this.scale) * factor));
    this.go(x - (screenX - this.width / 2) / scale, y - (screenY - this.height / 2) / scale, scale, smooth);
  }

  toScreen(x, y) { return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2]; }
  toMap(x, y) { return [(x - this.width / 2) / this.scale + this.x, (y - this.height / 2) / this.scale + this.y]; }

  apply(context) {
    const scale = this.scale * this.ratio;
    const left = this.ratio * this.width / 2 - this.x * scale, top = this.ratio * this.height / 2 - this.y * scale;
    context.setTransform(scale, 0, 0, scale, left, top);
  }
}
