// Where every vehicle is at any moment: the two latest frames, and what lies between them.
// Flat arrays: a thousand vehicles at sixty frames a second make no garbage.

const METRES = 111320; // a degree of latitude
const LONGEST = 1500; // ms between frames above which vehicles jump instead of gliding
const TURN = 2; // metres a vehicle moves before its heading is told anew

export class Traffic {
  // `origin` is the longitude and latitude of 0, 0; all else is metres east and south of it.
  constructor(origin) {
    this.origin = origin;
    this.squeeze = Math.cos(origin[1] * Math.PI / 180);
    this.glide = true;
    this.spacing = 100;
    this.begin = 0;
    this.rename([]);
  }

  rename(names) {
    this.names = names;
    this.index = new Map(names.map((name, number) => [name, number]));
    this.count = names.length;
    for (const key of ["fromX", "fromY", "toX", "toY", "x", "y", "turnX", "turnY", "heading"]) {
      this[key] = new Float32Array(this.count);
    }
    this.fresh = true;
  }

  east(lon) { return (lon - this.origin[0]) * METRES * this.squeeze; }
  south(lat) { return (this.origin[1] - lat) * METRES; }

  // One frame: `positions` are whole micro-degrees, longitude and latitude of each vehicle in turn.
  take(names, positions, now) {
    if (names !== this.names) this.rename(names);
    if (positions.length !== 2 * this.count) return;
    this.move(now);
    const { fromX, fromY, toX, toY, x, y, turnX, turnY, heading, fresh } = this;
    for (let i = 0; i < this.count; i++) {
      const nextX = this.east(positions[2 * i] / 1e6), nextY = this.south(positions[2 * i + 1] / 1e6);
      fromX[i] = fresh ? nextX : x[i];
      fromY[i] = fresh ? nextY : y[i];
      toX[i] = nextX;
      toY[i] = nextY;
      const turnedX = nextX - turnX[i], turnedY = nextY - turnY[i];
      if (turnedX * turnedX + turnedY * turnedY > TURN * TURN) {
        if (!fresh) heading[i] = Math.atan2(turnedX, -turnedY);
        turnX[i] = nextX;
        turnY[i] = nextY;
      }
    }
    this.fresh = false;
    if (now - this.begin < LONGEST) this.spacing += (now - this.begin - this.spacing) * 0.2;
    this.begin = now;
  }

  // Sets `x` and `y` to where vehicles are at `now`; whether any still moves.
  move(now) {
    const { fromX, fromY, toX, toY, x, y } = this;
    const share = this.glide ? Math.min(1, (now - this.begin) / this.spacing) : 1;
    for (let i = 0; i < this.count; i++) {
      x[i] = fromX[i] + (toX[i] - fromX[i]) * share;
      y[i] = fromY[i] + (toY[i] - fromY[i]) * share;
    }
    return share < 1;
  }

  // The vehicle nearest to a place within `reach` metres, or -1.
  near(placeX, placeY, reach) {
    let best = -1, closest = reach * reach;
    for (let i = 0; i < this.count; i++) {
      const dx = this.x[i] - placeX, dy = this.y[i] - placeY, far = dx * dx + dy * dy;
      if (far < closest) { closest = far; best = i; }
    }
    return best;
  }
}
