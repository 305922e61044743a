// The page of a rehearsal: the server says what is, this draws it, in place, so that focus and folds stay.
import { Log } from "/-/page/log.js";

const SIGNS = { success: "✓", failed: "✕", canceled: "⊘", skipped: "»", manual: "▶", running: "●", scheduled: "◷" };
const VERBS = { play: ["▶", "Start"], retry: ["↻", "Retry"], cancel: ["⊘", "Cancel"] };
const EVERY = 400; // milliseconds between two looks at a log
const $ = (selector, root = document) => root.querySelector(selector);

let state = { pipelines: [], environments: [] };
let ahead = 0; // seconds that the server's clock is ahead

// Drawing

function make(tag, name = "", text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Make the children of `parent` those of `items`, each drawn once and then updated.
function keep(parent, items, key, create, update) {
  const old = new Map([...parent.children].map((each) => [each.dataset.key, each]));
  items.forEach((item, at) => {
    const name = String(key(item));
    const element = old.get(name) ?? create(item);
    element.dataset.key = name;
    old.delete(name);
    if (parent.children[at] !== element) parent.insertBefore(element, parent.children[at] ?? null);
    update(element, item);
  });
  for (const each of old.values()) each.remove();
}

function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
}

const now = () => Date.now() / 1000 + ahead;
const took = (found) => (found.started ? span(Math.max(0, (found.finished ?? now()) - found.started)) : "");

function drawPipelines(parent, pipelines, level) {
  keep(parent, pipelines, (each) => each.id, () => newPipeline(level), drawPipeline);
}

function newPipeline(level) {
  const box = make("article", "pipeline");
  const title = make("div", "title");
  title.append(make("span", "sign"), make(`h${level}`), make("span", "status"), make("p", "actions"));
  title.children[0].ariaHidden = "true";
  const children = make("div", "children");
  children.dataset.level = Math.min(6, level + 1);
  box.append(title, make("p", "soft"), make("ol", "stages"), children);
  return box;
}

function drawPipeline(box, found) {
  const [title, facts, stages, children] = box.children;
  box.id = `pipeline-${found.id}`;
  title.className = `title ${found.status}`;
  put($(".sign", title), SIGNS[found.status] ?? "○");
  put(title.children[1], `#${found.id} ${found.name || found.ref}`);
  put($(".status", title), [found.status, took(found)].filter(Boolean).join(", "));
  put(facts, `${found.ref} at ${found.sha}, ${found.source.replaceAll("_", " ")}, by ${found.by}`);
  drawActions($(".actions", title), found.can, `pipeline #${found.id}`, (action) => act("pipelines", found.id, action, `pipeline #${found.id}`));
  keep(stages, found.stages, (each) => each.name, newStage, drawStage);
  drawPipelines(children, found.children, Number(children.dataset.level));
}

function newStage() {
  const item = make("li");
  item.append(make("p", "stage"), make("ul"));
  return item;
}

function drawStage(item, stage) {
  put(item.firstChild, stage.name);
  keep(item.lastChild, stage.jobs, (each) => each.name, newJob, drawJob);
}

function newJob() {
  const item = make("li", "job");
  const link = make("a");
  link.append(make("span", "sign"), make("span", "name"), make("span", "took"));
  link.children[0].ariaHidden = "true";
  item.append(link, make("span", "actions"));
  return item;
}

function drawJob(item, job) {
  const link = item.firstChild;
  const href = job.bridge && job.child ? `#pipeline-${job.child}` : `#job-${job.id}`;
  if (link.getAttribute("href") !== href) link.href = href;
  const allowed = job.status === "failed" && job.allow_failure ? " allowed" : "";
  item.className = `job ${job.status}${allowed}${location.hash === `#job-${job.id}` ? " selected" : ""}`;
  put(link.children[0], SIGNS[job.status] ?? "○");
  put(link.children[1], job.name);
  put(link.children[2], took(job));
  link.ariaLabel = `${job.name}: ${job.status}${allowed ? ", which is allowed" : ""}`;
  drawActions(item.lastChild, job.can, job.name, (action) => actOn(job, action), true);
}

function drawActions(parent, able, name, then, short = false) {
  keep(parent, able, (each) => each, (action) => make("button", action), (button, action) => {
    const [sign, verb] = VERBS[action];
    button.type = "button";
    put(button, short ? sign : `${sign} ${verb}`);
    button.ariaLabel = button.title = `${verb} ${name}`;
    button.onclick = () => then(action);
  });
}

function drawEnvironments() {
  const section = $("#environments");
  const found = [...state.environments].sort((one, other) => one.name.localeCompare(other.name));
  $(".none", section).hidden = found.length > 0;
  keep($(".list", section), found, (each) => each.name, newEnvironment, drawEnvironment);
}

function newEnvironment() {
  const item = make("li");
  const title = make("div", "title");
  title.append(make("span", "sign"), make("h3"), make("span", "status"));
  title.children[0].ariaHidden = "true";
  const link = make("a");
  link.target = "_blank";
  link.rel = "noreferrer";
  const line = make("p", "soft");
  line.append(link);
  item.append(title, make("p"), make("p", "soft"), line);
  return item;
}

function drawEnvironment(item, found) {
  const [title, what, who, line] = item.children;
  title.className = `title ${found.status}`;
  put(title.children[0], SIGNS[found.status] ?? "○");
  put(title.children[1], found.name);
  put(title.children[2], [found.tier, found.status, found.state === "stopped" ? "stopped" : ""].filter(Boolean).join(", "));
  const there = found.deployed;
  put(what, there ? there.name || there.sha : "nothing yet");
  put(who, there ? `${there.job}, #${there.pipeline}, by ${there.by}, ${new Date(there.at * 1000).toLocaleTimeString()}` : "");
  line.hidden = !found.url;
  put(line.firstChild, found.url);
  if (found.url) line.firstChild.href = found.url;
}

function drawCanaries() {
  const found = state.canaries ?? [];
  $("#canaries").hidden = $('a[href="#canaries"]').hidden = !found.length;
  keep($("#canaries .list"), found, (each) => each.service, () => make("article", "canary"), drawCanary);
}

function drawCanary(box, found) {
  const parts = [make("h3", "", found.service), curve(found)];
  for (const cluster of found.clusters) {
    parts.push(make("p", "soft", cluster.problem ? `${cluster.name}: ${cluster.problem}` : cluster.name));
    if (!cluster.problem) parts.push(bar(cluster.versions), figures(cluster.versions, cluster.name));
  }
  box.replaceChildren(...parts);
}

function bar(versions) {
  const box = make("div", "weights");
  for (const { version, weight, track } of versions) {
    const part = make("span", `${track}${weight ? "" : " nothing"}`, weight ? `${version} ${weight} %` : "");
    part.style.flex = `${weight} 0 0`;
    box.append(part);
  }
  return box;
}

function figures(versions, name) {
  const table = make("table");
  table.createCaption().textContent = `Requests in ${name}`;
  table.caption.hidden = true;
  const head = table.createTHead().insertRow();
  for (const title of ["version", "weight", "requests/s", "errors", "p95"]) {
    const cell = make("th", "", title);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  const number = (value, digits, unit) => (value === null ? "–" : `${value.toFixed(digits)}${unit}`);
  for (const each of versions) {
    const row = body.insertRow();
    const cells = [each.version, `${each.weight} %`, number(each.rate, 1, ""), number(each.errors, 2, " %"), number(each.p95, 0, " ms")];
    for (const text of cells) row.insertCell().textContent = text;
  }
  return table;
}

// The canary's weight (full line) and errors (dashed) over the last minutes.
function curve({ service, history }) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const last = history.at(-1);
  svg.setAttribute("aria-label", `${service}: the canary's weight (full line) is ${last?.weight ?? 0} %, its errors (dashed) ${last?.errors?.toFixed(2) ?? "unknown"} %`);
  const begun = history[0]?.at ?? 0;
  const length = Math.max(1, (last?.at ?? 1) - begun);
  for (const [name, pick] of [["weight", (each) => each.weight], ["errors", (each) => each.errors]]) {
    const spots = history.filter((each) => pick(each) !== null);
    const path = document.createElementNS(space, "path");
    path.setAttribute("class", name);
    path.setAttribute("d", spots.map((each, at) => `${at ? "L" : "M"}${((100 * (each.at - begun)) / length).toFixed(2)} ${(100 - pick(each)).toFixed(2)}`).join(""));
    svg.append(path);
  }
  return svg;
}

function drawApplication() {
  const { url, service } = state.application ?? {};
  $("#application").hidden = $('a[href="#application"]').hidden = !url;
  if (!url || $("#application iframe")?.src === new URL(url).href) return;
  $("#application iframe")?.remove();
  $("#application a").href = url;
  const frame = make("iframe");
  frame.title = service;
  frame.src = url;
  frame.referrerPolicy = "no-referrer";
  $("#application").append(frame);
}

function draw() {
  $("#pipelines .none").hidden = state.pipelines.length > 0;
  const line = (item, { ref, why }) => put(item, `✕ The last push to ${ref} made no pipeline: ${why}`);
  keep($("#pipelines .refused"), state.refused ?? [], (each) => each.ref, () => make("li"), line);
  drawPipelines($("#pipelines .list"), state.pipelines, 3);
  drawEnvironments();
  drawJobPanel();
}

// What people do

function problem(text) {
  put($("#problem"), text);
  if (text) setTimeout(() => put($("#problem"), ""), 8000);
}

async function act(kind, id, action, name) {
  const reply = await fetch(`/-/page/${kind}/${id}/${action}`, { method: "POST", headers: { "X-MCCI-Page": "1" } }).catch(() => null);
  if (!reply) return problem("The rehearsal does not answer.");
  const body = await reply.json().catch(() => ({}));
  if (!reply.ok) return problem(body.message ?? `${VERBS[action][1]} ${name}: HTTP ${reply.status}`);
  problem("");
  if (body.job && location.hash === `#job-${id}` && body.job !== id) location.hash = `#job-${body.job}`;
}

function actOn(job, action) {
  const go = () => act("jobs", job.id, action, job.name);
  if (action === "play" && job.confirmation) ask(job.confirmation, `▶ Start ${job.name}`, go);
  else go();
}

function ask(question, yes, then) {
  const dialog = $("#confirm");
  put($("#confirm-text"), question);
  put($(".yes", dialog), yes);
  $(".yes", dialog).onclick = () => (dialog.close(), then());
  $(".no", dialog).onclick = () => dialog.close();
  dialog.showModal();
}

// The job that is looked at

const log = new Log($("#job .log"));
let shown = { id: 0, at: null, timer: 0 };

function* allJobs(pipelines = state.pipelines) {
  for (const each of pipelines) {
    for (const stage of each.stages) for (const job of stage.jobs) yield { ...job, stage: stage.name, pipeline: each.id };
    yield* allJobs(each.children);
  }
}

function jobOf(id) {
  for (const job of allJobs()) if (job.id === id) return job;
  return null;
}

function drawJobPanel() {
  const panel = $("#job");
  const job = shown.id ? jobOf(shown.id) : null;
  panel.hidden = !shown.id;
  if (!shown.id) return;
  put($("h2", panel), job ? `${SIGNS[job.status] ?? "○"} ${job.name}` : `Job ${shown.id}`);
  const why = [job?.reason?.replaceAll("_", " "), job?.exit_code ? `exit code ${job.exit_code}` : ""].filter(Boolean).join(", ");
  put($(".facts", panel), job ? [job.status, why, job.stage, `#${job.pipeline}`, job.by, took(job)].filter(Boolean).join(" · ") : "an earlier attempt");
  drawActions($(".actions", panel), job?.can ?? [], job?.name ?? "", (action) => actOn(job, action));
  const files = (job?.artifacts ?? []).map((each, at) => ({ ...each, href: `/-/page/jobs/${job.id}/artifacts/${at}` }));
  keep($(".artifacts", panel), files, (each) => each.href, () => make("a"), (link, each) => {
    link.href = each.href;
    put(link, `↓ ${each.name} (${Math.ceil(each.size / 1024)} KB)`);
  });
}

async function readLog(id) {
  if (shown.id !== id) return;
  const from = shown.at === null ? "" : `?from=${shown.at}`;
  const reply = await fetch(`/-/page/jobs/${id}/log${from}`).catch(() => null);
  if (shown.id !== id) return;
  let over = false;
  if (reply?.ok) {
    const begun = Number(reply.headers.get("X-Log-From"));
    if (shown.at === null) {
      $("#job .cut").hidden = !begun;
      put($("#job .cut"), `The log's end; ${Math.round(begun / 1024)} KB before it are not shown.`);
    }
    const bytes = await reply.arrayBuffer();
    if (shown.id !== id) return;
    log.add(bytes);
    shown.at = Number(reply.headers.get("X-Log-To"));
    over = reply.headers.get("X-Log-Over") === "true" && !bytes.byteLength;
  }
  shown.timer = over || reply?.status === 404 ? 0 : setTimeout(() => readLog(id), EVERY);
}

function turn() {
  const id = Number(/^#job-(\d+)$/.exec(location.hash)?.[1] ?? 0);
  if (id === shown.id) return;
  clearTimeout(shown.timer);
  const before = shown.id;
  shown = { id, at: null, timer: 0 };
  log.clear();
  draw();
  if (id) {
    readLog(id);
    $("#job-title").focus();
  } else if (before) {
    $(`.job a[href="#job-${before}"]`)?.focus();
  }
}

function close() {
  history.pushState(null, "", "#pipelines");
  turn();
}

$("#job .close").onclick = close;
addEventListener("hashchange", turn);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && shown.id && !$("#confirm").open) close();
});

// What the server says

const events = new EventSource("/-/page/events");
events.addEventListener("now", (event) => (ahead = Number(event.data) - Date.now() / 1000));
events.onmessage = (event) => {
  const first = !$(".pipeline");
  state = JSON.parse(event.data);
  put($("#project"), state.project);
  document.title = `${state.pipelines[0] ? `${SIGNS[state.pipelines[0].status] ?? "○"} ` : ""}${state.project}`;
  put($("#connection"), "live");
  draw();
  drawCanaries();
  drawApplication();
  if (first && location.hash.startsWith("#pipeline-")) $(location.hash)?.scrollIntoView();
};
events.onerror = () => put($("#connection"), events.readyState === EventSource.CLOSED ? "the rehearsal is over, or this browser is signed out" : "connecting…");
setInterval(draw, 1000);
turn();
