// The map under the traffic: river, parks, streets, avenues and their names, as shapes in metres.
// Drawn only when the view or the theme changes.

const AVENUE = 15, STREET = 9; // metres

export class Ground {
  constructor(map, traffic) {
    this.river = line(map.river, traffic);
    this.parks = new Path2D();
    for (const park of map.parks) {
      const path = line(park, traffic);
      path.closePath();
      this.parks.addPath(path);
    }
    this.buildings = new Path2D();
    map.blocks.forEach((block, number) => build(this.buildings, block, number, traffic));
    this.streets = new Path2D();
    this.avenues = new Path2D();
    for (const road of map.roads) {
      (road.kind === "avenue" ? this.avenues : this.streets).addPath(line(road.points, traffic));
    }
    this.labels = labels(map.roads, traffic);
    const [west, south, east, north] = map.bounds;
    this.bounds = [traffic.east(west), traffic.south(north), traffic.east(east), traffic.south(south)];
  }

  draw(context, view, colours) {
    const { width, height, ratio } = view;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colours.ground;
    context.fillRect(0, 0, width, height);
    view.apply(context);
    context.lineCap = context.lineJoin = "round";
    context.fillStyle = colours.park;
    context.strokeStyle = colours.park;
    context.lineWidth = 26;
    context.fill(this.parks);
    context.stroke(this.parks);
    context.fillStyle = colours.block;
    context.fill(this.buildings);
    stroke(context, this.river, colours.river, 74);
    // Roads never get thinner than a hair on the screen, nor as wide as blocks.
    const least = 1 / view.scale;
    const casing = Math.max(2.5, 1.6 * least);
    const street = Math.max(STREET, 2 * least), avenue = Math.max(AVENUE, 3.2 * least);
    stroke(context, this.streets, colours.casing, street + casing);
    stroke(context, this.avenues, colours.casing, avenue + casing);
    stroke(context, this.streets, colours.street, street);
    stroke(context, this.avenues, colours.avenue, avenue);
    this.name(context, view, colours);
  }

  name(context, view, colours) {
    if (view.scale < 0.42) return;
    context.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 4;
    for (const label of this.labels) {
      if (label.kind !== "avenue" && view.scale < 0.9) continue;
      const [x, y] = view.toScreen(label.x, label.y);
      if (x < -90 || y < -90 || x > view.width + 90 || y > view.height + 90) continue;
      context.save();
      context.translate(x, y);
      context.rotate(label.angle);
      context.font = label.kind === "avenue" ? "600 11.5px system-ui, sans-serif" : "11px system-ui, sans-serif";
      context.strokeStyle = label.kind === "avenue" ? colours.avenue : colours.street;
      context.strokeText(label.name, 0, 0);
      context.fillStyle = colours.label;
      context.fillText(label.name, 0, 0);
      context.restore();
    }
  }
}

function line(flat, traffic) {
  const path = new Path2D();
  for (let i = 0; i < flat.length; i += 2) path.lineTo(traffic.east(flat[i]), traffic.south(flat[i + 1]));
  return path;
}

// Houses on a block: a grid of plots across its four corners, some left free; the same each time.
function build(path, corners, number, traffic) {
  const [a, b, c, d] = [0, 2, 4, 6].map((i) => [traffic.east(corners[i]), traffic.south(corners[i + 1])]);
  const at = (u, v) => [0, 1].map((axis) => (a[axis] * (1 - u) + b[axis] * u) * (1 - v) + (d[axis] * (1 - u) + c[axis] * u) * v);
  const across = 3 + number % 2, down = 2 + number % 3;
  for (let column = 0; column < across; column++) {
    for (let row = 0; row < down; row++) {
      if ((number * 7 + column * 5 + row * 3) % 11 < 2) continue;
      const [left, right] = [(column + 0.07) / across, (column + 0.93) / across];
      const [top, bottom] = [(row + 0.07) / down, (row + 0.93) / down];
      path.moveTo(...at(left, top));
      for (const corner of [[right, top], [right, bottom], [left, bottom]]) path.lineTo(...at(...corner));
      path.closePath();
    }
  }
}

function stroke(context, path, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke(path);
}

// One name for every third stretch of a street, along its middle, never upside down.
function labels(roads, traffic) {
  const seen = new Map(), found = [];
  for (const { name, kind, points } of roads) {
    const turn = seen.get(name) ?? 0;
    seen.set(name, turn + 1);
    if (turn % 3 !== 1) continue;
    const middle = 2 * Math.floor(points.length / 4);
    const x = traffic.east(points[middle]), y = traffic.south(points[middle + 1]);
    const dx = traffic.east(points[middle + 2]) - traffic.east(points[middle - 2]);
    const dy = traffic.south(points[middle + 3]) - traffic.south(points[middle - 1]);
    let angle = Math.atan2(dy, dx);
    if (angle > Math.PI / 2) angle -= Math.PI;
    if (angle < -Math.PI / 2) angle += Math.PI;
    found.push({ name, kind, x, y, angle });
  }
  return found;
}
