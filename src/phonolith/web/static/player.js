// One audio element that outlives the pages, its queue, and what a lock screen, a headset and the keyboard do to it.

import { Wave, peaksAt } from "./wave.js";

const STORE = "phonolith.queue";
const MOST_QUEUED = 1000;
const SEEK = 10; // s

export const clock = (seconds) => {
  if (!Number.isFinite(seconds) || seconds < 0) return "–:––";
  const s = Math.floor(seconds);
  const rest = `${String(Math.floor(s / 60) % 60).padStart(s >= 3600 ? 2 : 1, "0")}:${String(s % 60).padStart(2, "0")}`;
  return s >= 3600 ? `${Math.floor(s / 3600)}:${rest}` : rest;
};

export class Player {
  items = [];
  index = -1;
  endless = false;
  #failures = 0;
  #loading = null; // stands for the fetch of the current item's files that is under way
  #coming = false; // whether to play once they are known
  #wanted = 0; // where to go on in a restored track, s
  #saved = 0;
  onchange = () => {};
  onprogress = () => {};

  constructor(bar, say) {
    this.bar = bar;
    this.say = say;
    const part = (name) => bar.querySelector(`[data-part=${name}]`);
    this.sound = part("sound");
    this.parts = Object.fromEntries(
      ["art", "title", "by", "toggle", "previous", "next", "elapsed", "length", "seek", "volume", "problem"].map((n) => [n, part(n)]),
    );
    this.wave = new Wave(part("wave"));
    this.#wire();
    this.#session();
  }

  get current() { return this.items[this.index]; }
  get playing() { return !this.sound.paused && !this.sound.ended; }
  get part() { return this.#total ? (this.#wanted || this.sound.currentTime) / this.#total : 0; }

  /** Play a list from one of its items on; the item that is on already is paused or goes on instead. */
  playFrom(items, item = items[0], endless = false) {
    if (!items.length) { this.say("Nothing here can be played"); return; }
    if (item && item.id === this.current?.id) { this.toggle(); return; }
    const at = Math.max(0, items.findIndex((other) => other.id === (item ?? items[0]).id));
    this.items = items.slice(0, MOST_QUEUED);
    this.endless = endless;
    this.start(Math.min(at, this.items.length - 1));
  }

  add(items) {
    this.items = this.items.concat(items).slice(0, MOST_QUEUED);
    if (this.index < 0 && this.items.length) this.#load(0);
    this.#changed();
  }

  async start(index) {
    if (this.endless && index >= this.items.length - 2) this.#refill();
    this.#coming = true;
    await this.#load(index);
  }

  play() {
    if (!this.current) return;
    if (this.sound.getAttribute("src")) { this.#play(); return; }
    this.#coming = true;
    if (!this.#loading) this.#load(this.index, this.#wanted);
  }

  pause() {
    this.#coming = false;
    this.sound.pause();
  }

  toggle() { this.#coming || this.playing ? this.pause() : this.play(); }

  #play() { this.#coming = false; this.sound.play().catch((error) => this.#stopped(error)); }

  next() { if (this.index + 1 < this.items.length) this.start(this.index + 1); }

  previous() {
    if (this.sound.currentTime > 4 || this.index <= 0) this.sound.currentTime = 0;
    else this.start(this.index - 1);
  }

  seekBy(seconds) { this.#seek(this.sound.currentTime + seconds); }

  /** Go on from a part of the current track, from 0 to 1; its length may not be known yet. */
  seekTo(part) {
    const item = this.current;
    const go = () => { if (item === this.current) this.#seek(part * this.#total); };
    this.sound.readyState ? go() : this.sound.addEventListener("loadedmetadata", go, { once: true });
    this.play();
  }

  move(from, to) {
    if (to < 0 || to >= this.items.length) return;
    const playing = this.current;
    this.items.splice(to, 0, ...this.items.splice(from, 1));
    this.index = this.items.indexOf(playing);
    this.#changed();
  }

  remove(at) {
    const playing = this.current;
    this.items.splice(at, 1);
    if (at === this.index) {
      const on = this.#coming || this.playing;
      this.index = Math.min(at, this.items.length - 1);
      if (this.index < 0) { this.clear(); return; }
      on ? this.start(this.index) : this.#load(this.index);
    } else this.index = this.items.indexOf(playing);
    this.#changed();
  }

  clear() {
    this.pause();
    this.#loading = null;
    this.wave.show(null);
    this.sound.removeAttribute("src");
    this.sound.load();
    this.items = [];
    this.index = -1;
    this.#changed();
  }

  shuffleRest() {
    this.items = [...this.items.slice(0, this.index + 1), ...this.shuffled(this.items.slice(this.index + 1))];
    this.#changed();
  }

  /** A random order, every order as likely as any other (Fisher and Yates). */
  shuffled(items) {
    const mixed = [...items];
    for (let i = mixed.length - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
    }
    return mixed;
  }

  restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(STORE) ?? "null");
      if (!Array.isArray(kept?.items) || !kept.items.length) return;
      this.items = kept.items;
      this.endless = Boolean(kept.endless);
      this.sound.volume = kept.volume ?? 1;
      this.parts.volume.value = 100 * this.sound.volume;
      this.#load(Math.min(Math.max(0, kept.index | 0), kept.items.length - 1), kept.time);
    } catch { localStorage.removeItem(STORE); }
  }

  /** Make an item the current one: show it at once, then learn its files, take the one this browser plays best, and play it if asked. */
  async #load(index, time = 0) {
    this.index = index;
    const item = this.current;
    this.#problem("");
    this.#wanted = time;
    this.sound.removeAttribute("src");
    this.wave.show(null);
    this.#changed();
    this.#tell(item);
    const mine = (this.#loading = {});
    const files = await this.#filesOf(item);
    if (this.#loading !== mine) return;
    this.#loading = null;
    const file = this.#best(files);
    if (!file) { this.#failed(files.length ? "this browser plays none of its formats" : "none of its files can be had now"); return; }
    this.sound.src = file;
    if (this.#coming) this.#play();
    const waveform = files.find((one) => one.waveform)?.waveform;
    const peaks = waveform ? await peaksAt(waveform) : null;
    if (item === this.current) { this.wave.show(peaks); this.wave.progress(this.part); }
  }

  /** What may be played of a track now; asked anew each time, because a decision may have changed it. */
  async #filesOf(item) {
    try {
      const answer = await fetch(`/api/v1/tracks/${item.id}/files`, { headers: { Accept: "application/json" } });
      return answer.ok ? (await answer.json()).files : [];
    } catch { return []; }
  }

  /** The original, or a small copy where the browser plays no original or wants to save data. */
  #best(files) {
    const [originals, copies] = [false, true].map((copy) => files.filter((file) => file.copy === copy));
    const [first, then] = navigator.connection?.saveData ? [copies, originals] : [originals, copies];
    return this.#surest(first) ?? this.#surest(then);
  }

  /** The address of the file that the browser is surest to play; the server lists the best first. */
  #surest(files) {
    const sure = { probably: 2, maybe: 1, "": 0 };
    const ranked = files.map(({ url, type }) => [sure[this.sound.canPlayType(type)], url]);
    const top = Math.max(0, ...ranked.map(([n]) => n));
    return top ? ranked.find(([n]) => n === top)[1] : null;
  }

  get #total() {
    return Number.isFinite(this.sound.duration) ? this.sound.duration : (this.current?.ms ?? 0) / 1000;
  }

  #seek(seconds) {
    this.sound.currentTime = Math.min(Math.max(0, seconds), Math.max(0, this.#total - 0.1));
    this.#draw();
  }

  #wire() {
    const { toggle, previous, next, seek, volume } = this.parts;
    toggle.addEventListener("click", () => this.toggle());
    previous.addEventListener("click", () => this.previous());
    next.addEventListener("click", () => this.next());
    seek.addEventListener("input", () => this.#seek(Number(seek.value)));
    volume.addEventListener("input", () => { this.sound.volume = volume.value / 100; this.#save(); });
    for (const event of ["play", "pause"]) this.sound.addEventListener(event, () => this.#changed());
    this.sound.addEventListener("playing", () => { this.#failures = 0; });
    this.sound.addEventListener("timeupdate", () => this.#tick());
    this.sound.addEventListener("loadedmetadata", () => {
      if (this.#wanted) this.sound.currentTime = Math.min(this.#wanted, this.sound.duration || this.#wanted);
      this.#wanted = 0;
      this.#draw();
    });
    this.sound.addEventListener("ended", () => (this.index + 1 < this.items.length ? this.next() : this.#changed()));
    this.sound.addEventListener("error", () => { if (this.sound.getAttribute("src")) this.#failed("the file could not be read, or may not be played any more"); });
    addEventListener("pagehide", () => this.#save());
  }

  /** Say what is wrong and try the next one, at most twice in a row. */
  #failed(why) {
    this.#coming = false;
    const words = `“${this.current?.title}” cannot be played: ${why}.`;
    this.#changed();
    if (++this.#failures < 3 && this.index + 1 < this.items.length) this.start(this.index + 1).then(() => this.parts.problem.textContent || this.#problem(words));
    else this.#problem(words);
  }

  #stopped(error) {
    if (error.name === "NotAllowedError") this.#problem("The browser waits for a press on Play.");
    this.#changed();
  }

  #problem(text) {
    this.parts.problem.textContent = text;
    this.parts.problem.hidden = !text;
  }

  #changed() {
    const item = this.current;
    this.bar.hidden = !item;
    document.body.classList.toggle("has-player", Boolean(item));
    if (item) {
      const { art, title, by } = this.parts;
      if (art.getAttribute("src") !== item.art) art.src = item.art;
      title.textContent = item.title;
      title.href = `/track/${item.id}`;
      by.textContent = [item.artist, item.terms].filter(Boolean).join(" · ");
    }
    this.parts.toggle.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    this.parts.toggle.classList.toggle("is-playing", this.playing);
    this.parts.next.disabled = this.index + 1 >= this.items.length;
    if ("mediaSession" in navigator) navigator.mediaSession.playbackState = !item ? "none" : this.playing ? "playing" : "paused";
    this.#draw();
    this.#save();
    this.onchange();
  }

  #draw() {
    const { elapsed, length, seek } = this.parts;
    const total = this.#total;
    const now = this.#wanted || this.sound.currentTime;
    elapsed.textContent = clock(now);
    length.textContent = clock(total ? Math.round(total) : NaN);
    seek.max = Math.max(1, Math.round(total));
    if (document.activeElement !== seek || !seek.matches(":active")) seek.value = Math.round(now);
    seek.setAttribute("aria-valuetext", `${clock(now)} of ${clock(total)}`);
    this.wave.progress(this.part);
    this.onprogress();
  }

  #tick() {
    this.#draw();
    this.#position();
    if (Math.abs(this.sound.currentTime - this.#saved) > 5) this.#save();
  }

  #save() {
    this.#saved = this.sound.currentTime;
    const kept = { items: this.items, index: this.index, time: this.#wanted || this.sound.currentTime, endless: this.endless, volume: this.sound.volume };
    try { localStorage.setItem(STORE, JSON.stringify(kept)); } catch { /* full or forbidden: the queue lives as long as the page */ }
  }

  #tell(item) {
    if (!("mediaSession" in navigator)) return;
    const artwork = [96, 256, 640].map((n) => ({ src: item.art.replace(/\d+$/, n), sizes: `${n}x${n}` }));
    navigator.mediaSession.metadata = new MediaMetadata({ title: item.title, artist: item.artist, album: item.release, artwork });
  }

  #position() {
    const { duration, currentTime, playbackRate } = this.sound;
    if (!Number.isFinite(duration) || !navigator.mediaSession?.setPositionState) return;
    navigator.mediaSession.setPositionState({ duration, playbackRate, position: Math.min(currentTime, duration) });
  }

  #session() {
    const does = {
      play: () => this.play(),
      pause: () => this.pause(),
      stop: () => this.pause(),
      previoustrack: () => this.previous(),
      nexttrack: () => this.next(),
      seekbackward: (details) => this.seekBy(-(details.seekOffset ?? SEEK)),
      seekforward: (details) => this.seekBy(details.seekOffset ?? SEEK),
      seekto: (details) => this.#seek(details.seekTime),
    };
    for (const [action, doing] of Object.entries(does)) {
      try { navigator.mediaSession?.setActionHandler(action, doing); } catch { /* this browser does not know the action */ }
    }
  }

  /** Shuffling everything does not end: fetch the next handful before this one is over. */
  async #refill() {
    try {
      const answer = await fetch("/api/v1/shuffle?playable=true&limit=40", { headers: { Accept: "application/json" } });
      const { queue } = await answer.json();
      this.items = this.items.slice(Math.max(0, this.index - 50)).concat(queue);
      this.index = this.items.findIndex((item) => item.id === this.current?.id);
    } catch { /* the queue simply ends */ }
    this.#changed();
  }
}
