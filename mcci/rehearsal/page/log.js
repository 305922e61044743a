// A job's log as GitLab draws it: sections that fold, colours, the last word of a line that is rewritten.

const MARK = /section_(start|end):(\d+):([^\r\n[]+)(\[[^\]\r\n]*\])?\r\x1b\[0K/;
const CODE = /\x1b\[([0-9;]*)([A-Za-z])/g;
const STYLES = { 1: "b", 2: "d", 3: "i", 4: "u" };

export class Log {
  constructor(element) {
    this.element = element;
    this.clear();
  }

  clear() {
    this.element.replaceChildren();
    this.open = [];
    this.rest = "";
    this.style = new Set();
    this.decoder = new TextDecoder();
    this.unfinished = null;
  }

  // Take the log's next bytes. Who reads its end stays there.
  add(bytes) {
    const box = this.element;
    const follows = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    this.unfinished?.remove();
    this.unfinished = null;
    const lines = (this.rest + this.decoder.decode(bytes, { stream: true })).split("\n");
    this.rest = lines.pop();
    for (const line of lines) this.line(line);
    if (this.rest) {
      const style = new Set(this.style);
      this.unfinished = this.show(this.rest.replace(MARK, ""));
      this.style = style;
    }
    if (follows) box.scrollTop = box.scrollHeight;
  }

  line(text) {
    let titled = null;
    for (let mark = MARK.exec(text); mark; mark = MARK.exec(text)) {
      if (mark.index) this.show(text.slice(0, mark.index), titled);
      titled = mark[1] === "start" ? this.start(mark) : this.end(mark);
      text = text.slice(mark.index + mark[0].length);
      if (!titled && !text) return;
    }
    this.show(text, titled);
  }

  start([, , at, name, options]) {
    const section = document.createElement("details");
    section.open = !/collapsed=true/.test(options ?? "");
    section.append(document.createElement("summary"));
    this.place().append(section);
    this.open.push({ name, at: Number(at), section });
    return section.firstChild;
  }

  end([, , at, name]) {
    const index = this.open.findLastIndex((each) => each.name === name);
    if (index < 0) return null;
    const { at: begun, section } = this.open[index];
    this.open.length = index;
    const took = document.createElement("span");
    took.className = "took";
    took.textContent = `${Number(at) - begun} s`;
    section.firstChild.append(took);
    return null;
  }

  place() {
    return this.open.at(-1)?.section ?? this.element;
  }

  // Show a line, in a section's title where it is one.
  show(text, title = null) {
    const into = title ?? document.createElement("div");
    if (!title) {
      into.className = "line";
      this.place().append(into);
    }
    const written = text.replace(/\r+$/, "");
    this.paint(written.slice(written.lastIndexOf("\r") + 1), into);
    return into;
  }

  paint(text, into) {
    let from = 0;
    const put = (piece) => {
      if (!piece) return;
      const span = document.createElement("span");
      span.className = [...this.style].join(" ");
      span.textContent = piece;
      into.append(span);
    };
    for (const code of text.matchAll(CODE)) {
      put(text.slice(from, code.index));
      from = code.index + code[0].length;
      if (code[2] === "m") this.colour(code[1]);
    }
    put(text.slice(from));
  }

  colour(codes) {
    for (const code of codes.split(";").map(Number)) {
      if (code === 0) this.style.clear();
      else if (STYLES[code]) this.style.add(STYLES[code]);
      else if ((code >= 30 && code <= 39) || (code >= 90 && code <= 97)) {
        for (const each of [...this.style]) if (/^c\d$/.test(each)) this.style.delete(each);
        if (code !== 39 && code !== 38) this.style.add(`c${code % 10}`);
      }
    }
  }
}
