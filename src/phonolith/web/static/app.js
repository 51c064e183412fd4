// Starts the parts that make the pages better with script: player, queue panel, pages without reload, search as you type.

import { Player } from "./player.js";
import { QueuePanel } from "./queue.js";
import { Pages } from "./pages.js";
import { trusted } from "./trusted.js";
import { Wave, peaksAt } from "./wave.js";

document.documentElement.classList.add("js");

const say = (text) => {
  const live = document.getElementById("live");
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
};
const player = new Player(document.getElementById("player"), say);
const panel = new QueuePanel(document.getElementById("queue"), player, say);
const pages = new Pages(player, say);

/** What the buttons do, by their data-do attribute. */
const DOES = {
  play: (button) => player.playFrom(itemsAround(button), itemOf(button)),
  "play-all": () => player.playFrom(itemsIn(document.querySelector("main"))),
  "play-shuffled": () => player.playFrom(player.shuffled(itemsIn(document.querySelector("main")))),
  add: (button) => { player.add([itemOf(button)]); button.querySelector("[data-label]") ? said(button, "Added") : say("Added to the queue"); },
  "add-all": () => { const items = itemsIn(document.querySelector("main")); player.add(items); say(`${items.length} added to the queue`); },
  copy: (button) => copy(button),
  "shuffle-everything": (link) => pages.go(link.href, { push: true }).then(() => player.playFrom(itemsIn(document.querySelector("main")), null, true)),
};

const itemOf = (element) => JSON.parse(element.closest("[data-track]").dataset.track);
const itemsIn = (element) => [...element.querySelectorAll("[data-track]")].map((row) => JSON.parse(row.dataset.track));
const itemsAround = (element) => itemsIn(element.closest(".tracks") ?? document.querySelector("main"));

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-do]");
  if (!target || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  DOES[target.dataset.do](target);
});

async function copy(button) {
  const { link, from } = button.dataset;
  const text = link ? new URL(link, location.href).href : document.getElementById(from).textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    said(button, "Copied");
  } catch {
    said(button, text); // no permission, or not a secure address: show it to be copied by hand
  }
}

function said(button, text) {
  const label = button.querySelector("[data-label]");
  label.dataset.label ||= label.textContent; // its own words, also when it is pressed twice
  label.textContent = text;
  say(text);
  setTimeout(() => { label.textContent = label.dataset.label; }, 2500);
}

/** Space plays and pauses, arrows seek, with Shift they change the track; never where the key has a meaning of its own. */
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || !player.current) return;
  if (event.target.closest("input, select, textarea, audio, [contenteditable], .wide")) return;
  if (event.key === " " && !event.target.closest("button, a, summary, [role=button]")) player.toggle();
  else if (event.key === "ArrowRight") event.shiftKey ? player.next() : player.seekBy(10);
  else if (event.key === "ArrowLeft") event.shiftKey ? player.previous() : player.seekBy(-10);
  else return;
  event.preventDefault();
});

player.onchange = () => { panel.draw(); mark(); };
player.onprogress = follow;
pages.onchange = () => { mark(); unroll(); };

const waves = new WeakMap(); // drawn once for each page that is kept

/** Draw the waveforms of the page. A press on one goes on from there, as the player's slider does for everybody else. */
function unroll() {
  for (const place of document.querySelectorAll("main [data-waveform]")) {
    if (waves.has(place)) continue;
    const wave = new Wave(place);
    waves.set(place, wave);
    peaksAt(place.dataset.waveform).then((peaks) => { wave.show(peaks); follow(); });
    place.addEventListener("click", (event) => {
      const { left, width } = place.getBoundingClientRect();
      const item = itemOf(place);
      if (item.id !== player.current?.id) player.playFrom([item]);
      player.seekTo((event.clientX - left) / width);
    });
  }
  follow();
}

/** Show on the page how far the player is. */
function follow() {
  for (const place of document.querySelectorAll("main [data-waveform]")) {
    waves.get(place)?.progress(itemOf(place).id === player.current?.id ? player.part : 0);
  }
}

/** Show in the lists of the page which track is on. */
function mark() {
  for (const row of document.querySelectorAll("main [data-track]")) {
    const item = JSON.parse(row.dataset.track);
    const current = item.id === player.current?.id;
    row.classList.toggle("current", current);
    row.toggleAttribute("aria-current", current);
    const button = row.querySelector("[data-do=play]");
    if (!button) continue;
    const playing = current && player.playing;
    button.classList.toggle("is-playing", playing);
    const label = button.querySelector("[data-label]");
    if (label) label.textContent = playing ? "Pause" : "Play";
    else button.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${item.title}`);
  }
}

player.restore();
mark();
unroll();
if ("serviceWorker" in navigator) navigator.serviceWorker.register(trusted.scriptURL("/sw.js")).catch(() => {});
