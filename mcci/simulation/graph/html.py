"""One HTML page that needs nothing else: the drawing with zoom, drag, search, and a job's story on a click."""

from __future__ import annotations

from html import escape

from mcci.simulation.graph.model import Drawing
from mcci.simulation.graph.svg import svg

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>@TITLE@</title>
<style>
html,body{margin:0;height:100%;font-family:system-ui,sans-serif}
body{display:flex;flex-direction:column}
header{display:flex;gap:.6rem;align-items:center;padding:.5rem 1rem;border-bottom:1px solid #ccc;flex-wrap:wrap}
h1{font-size:1rem;margin:0 auto 0 0}
#view{flex:1;overflow:hidden;cursor:grab;touch-action:none;background:#fff}
#view.dragged{cursor:grabbing}
#story{white-space:pre-wrap;margin:0;padding:.6rem 1rem;border-top:1px solid #ccc}
#story{max-height:8rem;overflow:auto;min-height:1.2rem}
.box{cursor:pointer}.dim{opacity:.2}.line.near{stroke:#d9534f;stroke-width:2}
</style>
<header>
<h1>@TITLE@</h1>
<label>Search <input id="search" type="search" placeholder="job"></label> <output id="count" for="search"></output>
<button id="in" aria-label="Zoom in">+</button><button id="out" aria-label="Zoom out">−</button>
<button id="fit">Fit</button>
</header>
<div id="view">@SVG@</div>
<pre id="story" aria-live="polite">Click a job to see why it is here.</pre>
<script>
"use strict";
const view = document.getElementById("view"), drawing = view.querySelector("svg");
const whole = drawing.viewBox.baseVal, full = {x: 0, y: 0, w: whole.width, h: whole.height};
let box = {...full};
drawing.removeAttribute("width"); drawing.removeAttribute("height");
drawing.style.width = "100%"; drawing.style.height = "100%";
drawing.setAttribute("preserveAspectRatio", "xMinYMin meet");
const show = () => drawing.setAttribute("viewBox", `${box.x} ${box.y} ${box.w} ${box.h}`);
const scale = () => Math.max(box.w / view.clientWidth, box.h / view.clientHeight);
function zoom(factor, x, y) {
  const px = box.x + x * scale(), py = box.y + y * scale();
  box.w *= factor; box.h *= factor;
  box.x = px - x * scale(); box.y = py - y * scale();
  show();
}
const middle = factor => zoom(factor, view.clientWidth / 2, view.clientHeight / 2);
document.getElementById("in").onclick = () => middle(0.8);
document.getElementById("out").onclick = () => middle(1.25);
document.getElementById("fit").onclick = () => { box = {...full}; show(); };
view.addEventListener("wheel", event => {
  event.preventDefault();
  const area = view.getBoundingClientRect();
  zoom(event.deltaY > 0 ? 1.1 : 1 / 1.1, event.clientX - area.left, event.clientY - area.top);
}, {passive: false});
let from = null;
view.onpointerdown = event => { from = {x: event.clientX, y: event.clientY}; view.classList.add("dragged"); };
window.onpointermove = event => {
  if (!from) return;
  box.x -= (event.clientX - from.x) * scale(); box.y -= (event.clientY - from.y) * scale();
  from = {x: event.clientX, y: event.clientY};
  show();
};
window.onpointerup = () => { from = null; view.classList.remove("dragged"); };
const boxes = [...drawing.querySelectorAll(".box")], lines = [...drawing.querySelectorAll(".line")];
document.getElementById("search").oninput = event => {
  const wanted = event.target.value.trim().toLowerCase();
  let count = 0;
  for (const one of boxes) {
    const found = wanted !== "" && one.dataset.name.toLowerCase().includes(wanted);
    one.classList.toggle("found", found);
    one.classList.toggle("dim", wanted !== "" && !found);
    count += found;
  }
  document.getElementById("count").textContent = wanted === "" ? "" : `${count} found`;
};
for (const one of boxes) one.addEventListener("click", () => {
  document.getElementById("story").textContent = one.querySelector("title").textContent;
  for (const line of lines) line.classList.toggle("near", line.dataset.from === one.id || line.dataset.to === one.id);
});
</script>
</html>
"""


def html(drawing: Drawing) -> str:
    """Return the page. It loads nothing, and its policy forbids that it ever does."""
    title = drawing.frames[0].title if drawing.frames else "Pipelines"
    parts = {"@TITLE@": escape(title), "@SVG@": svg(drawing)}
    page = _PAGE
    for mark in ("@TITLE@", "@SVG@"):
        page = page.replace(mark, parts[mark])
    return page
