// Pictures of a vehicle in every direction, drawn once and stamped a thousand times: stamping costs a tenth of drawing.

const TURNS = 72;

export class Arrows {
  constructor() { this.key = ""; }

  // Makes the pictures for this size (pixels), screen and colours, unless they are the ones at hand.
  prepare(size, ratio, fill, edge) {
    const key = `${size} ${ratio} ${fill} ${edge}`;
    if (key === this.key) return;
    this.key = key;
    this.cell = Math.ceil(size * 1.5 + 2) * 2; // pixels on the page, with room for the edge
    this.grain = Math.ceil(this.cell * ratio); // pixels of the screen
    const canvas = new OffscreenCanvas(this.grain * TURNS, this.grain), context = canvas.getContext("2d");
    for (let turn = 0; turn < TURNS; turn++) {
      context.setTransform(ratio, 0, 0, ratio, turn * this.grain, 0);
      arrow(context, this.cell / 2, this.cell / 2, turn / TURNS * 2 * Math.PI, size, fill, edge);
    }
    this.picture?.close();
    this.picture = canvas.transferToImageBitmap();
  }

  stamp(context, x, y, heading) {
    const turn = ((Math.round(heading / (2 * Math.PI) * TURNS) % TURNS) + TURNS) % TURNS;
    const { cell, grain } = this;
    context.drawImage(this.picture, turn * grain, 0, grain, grain, x - cell / 2, y - cell / 2, cell, cell);
  }
}

// One kite that points along `heading` (0 up, clockwise).
export function arrow(context, x, y, heading, size, fill, edge) {
  const east = Math.sin(heading) * size, south = -Math.cos(heading) * size;
  context.beginPath();
  context.moveTo(x + east * 1.25, y + south * 1.25);
  context.lineTo(x - east * 0.9 - south * 0.75, y - south * 0.9 + east * 0.75);
  context.lineTo(x - east * 0.45, y - south * 0.45);
  context.lineTo(x - east * 0.9 + south * 0.75, y - south * 0.9 - east * 0.75);
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = Math.max(2, size / 2.5);
  context.strokeStyle = edge;
  context.stroke();
  context.fillStyle = fill;
  context.fill();
}
