// Puts the page together: the feed moves the traffic, the map and the list choose, the details show.

import { Details } from "./details.js";
import { Feed } from "./feed.js";
import { List } from "./list.js";
import { MapView } from "./map.js";
import { Services } from "./services.js";
import { Traffic } from "./traffic.js";

const STALE = 3000;
const byId = (id) => document.getElementById(id);
const say = (text) => { byId("said").textContent = text; };
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function roads() {
  for (;;) {
    try {
      const answer = await fetch("api/roads");
      if (answer.ok) return await answer.json();
    } catch { /* asked again below */ }
    byId("notice").textContent = "The map is lost; asking again";
    byId("notice").hidden = false;
    await pause(1000);
  }
}

function themes(changed) {
  const root = document.documentElement, button = byId("theme"), system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tell = () => { button.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); changed(); };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this page only */ }
    tell();
  });
  system.addEventListener("change", tell);
  tell();
}

function start(feed, services, map) {
  const [west, south, east, north] = map.bounds;
  const traffic = new Traffic([(west + east) / 2, (south + north) / 2]);
  const view = new MapView(byId("map"), traffic);
  const list = new List(byId("search"), byId("vehicles"), byId("more"));
  const details = new Details();
  let chosen = null, frames = 0, latest = 0;
  view.show(map);

  const choose = (name, { told = true } = {}) => {
    chosen = name;
    view.choose(name ? traffic.index.get(name) ?? -1 : -1);
    list.mark(name);
    details.show(name);
    follow(view.following && Boolean(name));
    addressSoon();
    if (told) say(name ? `${name} chosen` : "no vehicle chosen");
  };
  // The address follows a moment later: browsers make it costly, and refuse many changes a second.
  let address = 0;
  const addressSoon = () => {
    clearTimeout(address);
    address = setTimeout(() => history.replaceState(null, "", chosen ? `#${chosen}` : location.pathname + location.search), 150);
  };
  const step = (by) => {
    const names = traffic.names, here = traffic.index.get(chosen);
    if (names.length) choose(names[here === undefined ? (by > 0 ? 0 : names.length - 1) : (here + by + names.length) % names.length]);
  };
  const follow = (on) => {
    view.following = on && view.chosen >= 0;
    byId("follow").setAttribute("aria-pressed", String(view.following));
    if (view.following && view.view.scale < 0.8) view.zoom(0.9 / view.view.scale);
  };

  feed.addEventListener("fleet", ({ detail }) => list.show(detail.names));
  feed.addEventListener("frame", ({ detail }) => {
    const renamed = detail.names !== traffic.names;
    latest = performance.now();
    frames += 1;
    traffic.take(detail.names, detail.positions, latest);
    if (renamed) {
      view.choose(chosen ? traffic.index.get(chosen) ?? -1 : -1, view.trail);
      byId("count").textContent = traffic.count;
    }
  });
  details.addEventListener("trail", ({ detail }) => {
    view.trail = detail.map(([lon, lat]) => [traffic.east(lon), traffic.south(lat)]);
  });
  view.addEventListener("choose", ({ detail }) => choose(detail < 0 ? null : traffic.names[detail]));
  view.addEventListener("step", ({ detail }) => step(detail));
  view.addEventListener("follow", ({ detail }) => follow(detail));
  list.addEventListener("choose", ({ detail }) => choose(detail));
  byId("close").addEventListener("click", () => { choose(null); byId("map").focus(); });
  byId("follow").addEventListener("click", () => follow(!view.following));
  byId("nearer").addEventListener("click", () => view.zoom(1.5));
  byId("farther").addEventListener("click", () => view.zoom(1 / 1.5));
  byId("fit").addEventListener("click", () => view.fit());
  addEventListener("hashchange", () => choose(location.hash.slice(1) || null));
  themes(() => { view.recolour(); details.name && details.sparkSoon(); });

  setInterval(() => {
    byId("rate").textContent = `${frames} /s`;
    frames = 0;
    notice(performance.now() - latest);
  }, 1000);

  function notice(age) {
    view.stale = age > STALE;
    const lost = feed.up === false ? "The connection is lost; trying again"
      : view.stale && services.isLost("position-tracker") ? "position-tracker is lost: vehicles stand where they were last seen"
        : view.stale && traffic.count ? `No positions for ${Math.round(age / 1000)} s` : "";
    byId("notice").hidden = !lost;
    byId("notice").textContent = lost;
  }

  list.show(feed.names);
  if (location.hash.length > 1) choose(location.hash.slice(1), { told: false });
  globalThis.fleet = { traffic, view, choose };  // for the tests and the console
}

const services = new Services(byId("services"), say);
const feed = new Feed();
feed.addEventListener("services", ({ detail }) => services.update(detail));
feed.addEventListener("link", ({ detail }) => {
  services.linked(detail.up);
  byId("link").dataset.state = detail.up ? "up" : "lost";
  byId("link").textContent = detail.up ? "live" : "lost";
});
const summary = async () => {
  try {
    const answer = document.hidden ? null : await fetch("api/summary");
    if (answer) byId("mean").textContent = answer.ok ? `${(await answer.json()).mean_speed_kmh} km/h` : "–";
  } catch { byId("mean").textContent = "–"; }
  setTimeout(summary, 2000);
};
summary();
roads().then((map) => start(feed, services, map));
