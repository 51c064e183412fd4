// Goes from page to page without a reload, so that the music does not stop; the server's pages stay the only source.

import { trusted } from "./trusted.js";

const KEPT_PAGES = 24; // pages kept as they were, so that going back is instant and finds the same place
const TYPING_PAUSE = 140; // ms
const NOT_PAGES = /^\/(api|art|bundle|media|static)\//;

export class Pages {
  #kept = new Map(); // history key -> { main, title }
  #key = history.state?.key ?? crypto.randomUUID?.() ?? String(Math.random());
  #under_way = null;
  #typing = 0;
  onchange = () => {};

  constructor(player, say) {
    this.player = player;
    this.say = say;
    history.scrollRestoration = "manual";
    history.replaceState({ key: this.#key, y: history.state?.y ?? 0 }, "");
    if (history.state.y) scrollTo(0, history.state.y);
    document.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("submit", (event) => this.#submit(event));
    document.addEventListener("input", (event) => this.#type(event));
    document.addEventListener("compositionend", (event) => this.#type(event));
    document.addEventListener("change", (event) => this.#filter(event));
    addEventListener("popstate", (event) => this.#back(event));
    addEventListener("pagehide", () => this.#rememberPlace());
    let timer = 0;
    addEventListener("scroll", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#rememberPlace(), 120);
    }, { passive: true });
  }

  /** Show the page at an address. `push` makes a history entry; `typing` leaves focus and place alone. */
  async go(address, { push = false, typing = false, y = 0 } = {}) {
    const url = new URL(address, location.href);
    this.#under_way?.abort();
    const control = (this.#under_way = new AbortController());
    document.querySelector("main").classList.add("busy");
    let page, final;
    try {
      const answer = await fetch(url, { headers: { Accept: "text/html" }, signal: control.signal });
      if (!answer.headers.get("content-type")?.startsWith("text/html")) { location.assign(url); return; }
      final = answer.redirected ? new URL(answer.url) : url;
      page = trusted.page(await answer.text());
    } catch (error) {
      if (error.name !== "AbortError") this.#unreachable();
      return;
    }
    if (control.signal.aborted) return;
    final.hash = url.hash;
    if (push) {
      this.#leave();
      this.#key = crypto.randomUUID?.() ?? String(Math.random());
      history.pushState({ key: this.#key, y: 0 }, "", final);
    } else history.replaceState({ key: this.#key, y }, "", final);
    this.#show(page.querySelector("main"), page.title, { typing, y });
  }

  #click(event) {
    const link = event.target.closest("a[href]");
    if (event.defaultPrevented || !link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href);
    if (link.target || link.hasAttribute("download") || url.origin !== location.origin || NOT_PAGES.test(url.pathname)) return;
    if (url.hash && url.pathname === location.pathname && url.search === location.search) return;
    event.preventDefault();
    this.go(url, { push: true });
  }

  #submit(event) {
    const form = event.target;
    if (form.method !== "get" || new URL(form.action).origin !== location.origin) return;
    event.preventDefault();
    clearTimeout(this.#typing);
    this.go(this.#addressOf(form), { push: true });
    document.activeElement?.blur?.(); // closes the keyboard of a phone
  }

  #addressOf(form) {
    const url = new URL(form.action);
    url.search = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    return url;
  }

  /** Search as you type: the results page itself follows the words. */
  #type(event) {
    if (!event.target.matches?.(".find input") || event.isComposing) return;
    clearTimeout(this.#typing);
    const words = event.target.value.trim();
    if (!words) return;
    this.#typing = setTimeout(async () => {
      const searching = location.pathname === "/search";
      const url = new URL(searching ? location.href : "/search", location.origin);
      url.searchParams.delete("after");
      url.searchParams.set("q", words);
      await this.go(url, { push: !searching, typing: true });
      const count = document.querySelector("main [data-count]");
      if (count) this.say(count.textContent.trim());
    }, TYPING_PAUSE);
  }

  #filter(event) {
    const form = event.target.closest("form.filters");
    if (form && event.target.matches("select, input[type=checkbox]")) this.go(this.#addressOf(form), { push: true, typing: true });
  }

  async #back(event) {
    this.#leave({ moved: true });
    this.#under_way?.abort();
    this.#key = event.state?.key ?? "first";
    const kept = this.#kept.get(this.#key);
    const y = event.state?.y ?? 0;
    if (kept) this.#show(kept.main, kept.title, { y, back: true });
    else await this.go(location.href, { y });
  }

  /** Keep the page that is being left as it is now. */
  #leave({ moved = false } = {}) {
    if (!moved) this.#rememberPlace();
    this.#kept.set(this.#key, { main: document.querySelector("main"), title: document.title });
    if (this.#kept.size > KEPT_PAGES) this.#kept.delete(this.#kept.keys().next().value);
  }

  #rememberPlace() {
    if (history.state?.key === this.#key) history.replaceState({ ...history.state, y: Math.round(scrollY) }, "");
  }

  #show(main, title, { typing = false, back = false, y = 0 } = {}) {
    main.classList.remove("busy");
    const typed = document.activeElement?.closest?.("form.filters") && document.activeElement.name;
    document.querySelector("main").replaceWith(main);
    document.title = title;
    const words = document.querySelector(".find input");
    if (words !== document.activeElement) words.value = new URLSearchParams(location.search).get("q") ?? "";
    for (const link of document.querySelectorAll(".ways a")) {
      const here = location.pathname === new URL(link.href).pathname;
      here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    }
    if (typing) {
      if (typed) main.querySelector(`form.filters [name="${CSS.escape(typed)}"]`)?.focus({ preventScroll: true });
    } else {
      const anchor = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      (main.querySelector("h1") ?? main).focus({ preventScroll: true });
      if (anchor && !back) anchor.scrollIntoView();
      else scrollTo({ top: y, behavior: "instant" });
      this.say(title);
    }
    this.onchange();
  }

  #unreachable() {
    const main = document.querySelector("main");
    main.classList.remove("busy");
    this.say("This page could not be loaded. The server cannot be reached; what is playing goes on.");
    if (main.querySelector(".told[data-offline]")) return;
    const told = document.createElement("p");
    told.className = "told";
    told.dataset.offline = "";
    told.textContent = "This page could not be loaded: the server cannot be reached. What is playing goes on; try again in a moment.";
    main.prepend(told);
  }
}
