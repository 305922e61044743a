// The list of vehicles beside the map: the same choice by typing, arrow keys or a tap (the ARIA combobox pattern).

const MOST = 60;

export class List extends EventTarget {
  // Event "choose" {name}.
  constructor(input, list, more) {
    super();
    Object.assign(this, { input, list, more, names: [], chosen: null, active: -1 });
    input.addEventListener("input", () => { this.active = -1; this.fill(); });
    input.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("click", (event) => {
      const item = event.target.closest("li");
      if (item) this.emit(item.dataset.name);
    });
  }

  show(names) { this.names = names; this.fill(); }

  mark(name) {
    this.chosen = name;
    this.fill();
  }

  fill() {
    const wanted = this.input.value.trim().toLowerCase();
    const found = this.names.filter((name) => name.includes(wanted));
    // The one chosen is always in the list.
    const from = Math.max(0, Math.min(found.indexOf(this.chosen) - 20, found.length - MOST));
    const shown = found.slice(from, from + MOST);
    if (shown.join() === this.shown) this.remark();
    else this.list.replaceChildren(...shown.map((name, number) => this.item(name, number)));
    this.shown = shown.join();
    const hidden = found.length - shown.length;
    this.more.textContent = hidden ? `${hidden} more: type a part of the name` : found.length ? "" : this.names.length ? "none" : "no vehicle yet";
    this.point();
  }

  remark() {
    for (const item of this.list.children) item.setAttribute("aria-selected", String(item.dataset.name === this.chosen));
  }

  item(name, number) {
    const item = document.createElement("li");
    Object.assign(item, { id: `option-${number}`, role: "option", textContent: name });
    item.dataset.name = name;
    item.setAttribute("aria-selected", String(name === this.chosen));
    return item;
  }

  point() {
    const items = [...this.list.children];
    items.forEach((item, number) => item.classList.toggle("active", number === this.active));
    const item = items[this.active];
    if (item) {
      this.input.setAttribute("aria-activedescendant", item.id);
      item.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  key(event) {
    const last = this.list.children.length - 1;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      this.active = Math.max(0, Math.min(last, this.active + step));
      this.point();
    } else if (event.key === "Enter") {
      const item = this.list.children[Math.max(0, this.active)];
      if (item) this.emit(item.dataset.name);
    }
  }

  emit(name) { this.dispatchEvent(new CustomEvent("choose", { detail: name })); }
}
