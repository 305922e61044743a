// The stream from the gateway: positions of all vehicles, and which services are lost.
// It is opened again whenever it ends, and counts as lost when it falls silent.

const SILENCE = 6000;
const RETRY = 1000;

export class Feed extends EventTarget {
  // Events: "frame" {names, positions, at}, "services" {…}, "link" {up}.
  constructor() {
    super();
    this.names = [];
    this.fleet = null;
    this.asking = null;
    this.up = null;
    this.last = performance.now();
    this.open();
    setInterval(() => { if (performance.now() - this.last > SILENCE) this.reopen(); }, 1000);
  }

  open() {
    this.last = performance.now();
    const source = this.source = new EventSource("api/stream");
    source.addEventListener("positions", (event) => { this.heard(); this.frame(JSON.parse(event.data)); });
    source.addEventListener("services", (event) => { this.heard(); this.emit("services", JSON.parse(event.data)); });
    source.addEventListener("beat", () => this.heard());
    source.addEventListener("error", () => {
      this.link(false);
      // The browser gives up on an answer that is no stream (502 from a lost gateway); we do not.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { if (this.source === source) this.open(); }, RETRY);
    });
  }

  reopen() {
    this.link(false);
    this.source.close();
    this.open();
  }

  heard() {
    this.last = performance.now();
    this.link(true);
  }

  link(up) {
    if (up === this.up) return;
    this.up = up;
    this.emit("link", { up });
  }

  frame(frame) {
    if (frame.fleet !== this.fleet) { this.ask(); return; }
    this.emit("frame", { names: this.names, positions: frame.positions, at: frame.at });
  }

  // Names are asked for once a fleet; frames of a fleet that is not known yet are left out.
  ask() {
    this.asking ??= fetch("api/vehicles")
      .then((answer) => answer.ok ? answer.json() : Promise.reject(new Error(answer.status)))
      .then(({ fleet, vehicles }) => { this.fleet = fleet; this.names = vehicles; this.emit("fleet", { names: vehicles }); })
      .catch(() => new Promise((resolve) => { setTimeout(resolve, RETRY); }))
      .finally(() => { this.asking = null; });
  }

  emit(type, detail) { this.dispatchEvent(new CustomEvent(type, { detail })); }
}
