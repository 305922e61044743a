// The services behind the map: which answer, in which version and cloud; a loss is said aloud once.

const NAMES = ["position-simulator", "position-tracker", "vehicle-telemetry", "staff-service"];

export class Services {
  constructor(list, say) {
    this.list = list;
    this.say = say;
    this.link = null;
    this.known = {};
    this.states = new Map();
    this.draw();
  }

  update(known) { this.known = known; this.draw(); }
  linked(up) { this.link = up; this.draw(); }
  isLost(name) { return this.states.get(name) === "lost"; }

  draw() {
    const gateway = { name: "api-gateway", state: this.link === null ? "wait" : this.link ? "up" : "lost", text: this.link === false ? "lost" : "" };
    const rows = NAMES.map((name) => {
      const state = this.known[name];
      if (!this.link || !state) return { name, state: "wait", text: "unknown" };
      return state.up ? { name, state: "up", text: [state.version, state.cloud].filter(Boolean).join(" · ") } : { name, state: "lost", text: "lost" };
    });
    this.list.replaceChildren(...[gateway, ...rows].map((row) => this.row(row)));
  }

  row({ name, state, text }) {
    const before = this.states.get(name);
    if (state === "lost" && before !== "lost") this.say(`${name} is lost`);
    if (state === "up" && before === "lost") this.say(`${name} is back`);
    if (state !== "wait") this.states.set(name, state);
    const item = document.createElement("li");
    item.dataset.state = state;
    item.dataset.name = name;
    const note = document.createElement("span");
    note.textContent = text || { up: "up", wait: "connecting" }[state];
    item.append(name, note);
    return item;
  }
}
