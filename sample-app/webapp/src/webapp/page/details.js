// The vehicle that is chosen: asked for once a second, shown with what is missing said to be missing.

const EVERY = 1000;
const STEPPING = 60;
const ANSWERS = 30;
const KINDS = ["a", "b", "c", "d"];
const POINTS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];
const byId = (id) => document.getElementById(id);

export class Details extends EventTarget {
  // Event "trail" {points}: longitude, latitude and time, oldest first.
  constructor() {
    super();
    this.name = null;
    this.answers = []; // of the driver: { kind, label }, the newest last
    this.kinds = new Map();
    this.timer = 0;
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.ask(); });
  }

  show(name) {
    this.name = name;
    this.speeds = [];
    clearTimeout(this.timer);
    this.asking?.abort();
    byId("vehicle").hidden = !name;
    if (!name) return;
    byId("name").textContent = name;
    for (const id of ["driver", "speed", "heading", "distance"]) byId(id).textContent = "–";
    byId("licence").textContent = "";
    byId("photo").replaceChildren();
    this.photo = null;
    this.sparkSoon();
    this.timer = setTimeout(() => this.ask(), STEPPING); // who holds a key down passes many by
  }

  async ask() {
    clearTimeout(this.timer);
    if (!this.name || document.hidden) return;
    const name = this.name, asking = this.asking = new AbortController();
    try {
      const late = setTimeout(() => asking.abort(), 5000);
      const answer = await fetch(`api/vehicles/${encodeURIComponent(name)}`, { signal: asking.signal });
      const body = await answer.json().catch(() => ({}));
      clearTimeout(late);
      if (name === this.name) this.fill(answer.ok ? body : { unavailable: body.unavailable ?? { "api-gateway": "" }, gone: answer.status === 404 });
    } catch {
      if (name === this.name && asking === this.asking) this.fill({ unavailable: { "api-gateway": "cannot be reached" } });
    }
    if (name === this.name && asking === this.asking) this.timer = setTimeout(() => this.ask(), EVERY);
  }

  fill({ driver, telemetry, trail, unavailable, gone }) {
    const lost = Object.keys(unavailable ?? {});
    this.fillDriver(driver, gone, lost);
    this.fillTelemetry(telemetry);
    if (trail) this.dispatchEvent(new CustomEvent("trail", { detail: trail }));
  }

  fillDriver(driver, gone, lost) {
    const missing = lost.find((name) => name === "staff-service" || name === "api-gateway");
    byId("driver").textContent = driver ? driver.name : gone ? "No such vehicle" : missing ? "Driver unknown" : "No driver";
    byId("driver").classList.toggle("lost", Boolean(missing));
    byId("licence").textContent = driver ? driver.licence : "";
    this.picture(driver);
    const strong = byId("answer");
    strong.dataset.state = missing ? "lost" : "up";
    strong.textContent = driver ? `staff-service ${driver.version} in ${driver.cloud}` : missing ? `${missing} is lost` : "–";
    if (driver) this.count(`${driver.version} ${driver.cloud}`);
    else if (missing) this.count(null);
  }

  picture(driver) {
    const photo = driver?.photo ?? null;
    const initials = driver ? driver.name.split(" ").map((word) => word[0]).join("") : "?";
    if (photo === this.photo && (photo || byId("photo").textContent === initials)) return;
    this.photo = photo;
    const image = photo?.startsWith("data:image/") ? Object.assign(new Image(), { src: photo, alt: "" }) : initials;
    byId("photo").replaceChildren(image);
  }

  // The strip of the latest answers: which version in which cloud each came from.
  count(label) {
    if (label && !this.kinds.has(label)) this.kinds.set(label, KINDS[this.kinds.size % KINDS.length]);
    this.answers.push({ label, kind: label ? this.kinds.get(label) : "lost" });
    this.answers = this.answers.slice(-ANSWERS);
    byId("strip").replaceChildren(...this.answers.map(({ kind }) => {
      const item = document.createElement("li");
      item.dataset.kind = kind;
      return item;
    }));
    const tally = new Map();
    for (const answer of this.answers) tally.set(answer.label ?? "none", (tally.get(answer.label ?? "none") ?? 0) + 1);
    const said = [...tally].sort((a, b) => b[1] - a[1]).map(([name, times]) => `${name} ${Math.round(100 * times / this.answers.length)} %`);
    byId("tally").textContent = `last ${this.answers.length} answers: ${said.join(", ")}`;
  }

  fillTelemetry(telemetry) {
    byId("speed").textContent = telemetry ? Math.round(telemetry.speed_kmh) : "–";
    byId("distance").textContent = telemetry ? telemetry.distance_km.toFixed(2) : "–";
    byId("heading").textContent = telemetry ? `${telemetry.heading_degrees}°` : "–";
    byId("heading").title = telemetry ? POINTS[Math.round(telemetry.heading_degrees / 45) % 8] : "";
    byId("needle").style.rotate = `${telemetry?.heading_degrees ?? 0}deg`;
    if (telemetry) this.speeds.push(telemetry.speed_kmh);
    this.speeds = this.speeds.slice(-60);
    this.sparkSoon();
  }

  // Measuring the page in the middle of a change makes the browser lay it out at once: wait for the frame.
  sparkSoon() {
    this.drawing ??= requestAnimationFrame(() => { this.drawing = null; if (this.name) this.spark(); });
  }

  spark() {
    const canvas = byId("spark"), context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    const ratio = Math.min(2, devicePixelRatio || 1), width = canvas.clientWidth || 300, height = canvas.clientHeight || 38;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    context.scale(ratio, ratio);
    const top = Math.max(60, ...this.speeds);
    context.strokeStyle = style.getPropertyValue("--line");
    context.beginPath();
    context.moveTo(0, height - 1);
    context.lineTo(width, height - 1);
    context.stroke();
    if (this.speeds.length < 2) return;
    const place = (speed, index) => [width - (this.speeds.length - 1 - index) * width / 59 - 2, height - 3 - speed / top * (height - 8)];
    context.beginPath();
    this.speeds.forEach((speed, index) => context.lineTo(...place(speed, index)));
    context.strokeStyle = style.getPropertyValue("--chosen");
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
    const [x, y] = place(this.speeds.at(-1), this.speeds.length - 1);
    context.fillStyle = style.getPropertyValue("--chosen");
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.fill();
  }
}
