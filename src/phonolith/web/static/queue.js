// The panel that shows what comes next and lets a person change it, by pointer or by keyboard.

const ICONS = {
  up: "M12 19V6m-6 6 6-6 6 6",
  down: "M12 5v13m-6-6 6 6 6-6",
  remove: "M6 6l12 12M18 6 6 18",
};
const SVG = "http://www.w3.org/2000/svg";

export class QueuePanel {
  constructor(panel, player, say) {
    this.panel = panel;
    this.player = player;
    this.say = say;
    this.list = panel.querySelector("ol");
    this.opener = document.querySelector("[data-part=queue]");
    this.opener.addEventListener("click", () => this.#open(this.panel.hidden));
    panel.addEventListener("click", (event) => this.#act(event));
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { this.#open(false); this.opener.focus(); }
    });
  }

  draw() {
    const { items, index } = this.player;
    this.opener.setAttribute("aria-label", `Queue, ${items.length} ${items.length === 1 ? "track" : "tracks"}`);
    const ahead = items.length - index - 1;
    ahead > 0 ? (this.opener.dataset.ahead = ahead) : delete this.opener.dataset.ahead;
    this.panel.querySelector("[data-part=place]").textContent = `${index + 1} of ${items.length}`;
    if (!this.player.items.length) this.#open(false);
    if (this.panel.hidden) return;
    const focused = document.activeElement?.closest?.("#queue [data-act]");
    const place = focused && [focused.dataset.act, focused.dataset.at];
    this.list.replaceChildren(...this.player.items.map((item, at) => this.#row(item, at)));
    if (place) this.list.querySelector(`[data-act="${place[0]}"][data-at="${place[1]}"]`)?.focus();
  }

  #open(open) {
    this.panel.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
    if (!open) return;
    this.draw();
    this.list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    this.panel.querySelector("[data-act=close]").focus();
  }

  #act(event) {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const at = Number(button.dataset.at);
    const does = {
      play: () => this.player.start(at),
      up: () => this.#move(at, at - 1),
      down: () => this.#move(at, at + 1),
      remove: () => { this.player.remove(at); this.say("Removed from the queue"); },
      clear: () => { this.player.clear(); this.say("The queue is empty"); },
      shuffle: () => { this.player.shuffleRest(); this.say("What comes next is shuffled"); },
      close: () => { this.#open(false); this.opener.focus(); },
    };
    does[button.dataset.act]();
  }

  #move(from, to) {
    const act = to < from ? "up" : "down";
    this.player.move(from, to);
    this.list.querySelector(`[data-act=${act}][data-at="${to}"]`)?.focus();
    this.say(`Now at place ${to + 1}`);
  }

  #row(item, at) {
    const row = document.createElement("li");
    if (at === this.player.index) row.setAttribute("aria-current", "true");
    const play = document.createElement("button");
    play.type = "button";
    Object.assign(play.dataset, { act: "play", at });
    const title = document.createElement("span");
    title.textContent = item.title;
    title.dir = "auto";
    const by = document.createElement("span");
    by.textContent = item.artist;
    by.dir = "auto";
    by.className = "quiet";
    play.append(title, by);
    row.append(play, this.#icon("up", at, item, at === 0), this.#icon("down", at, item, at === this.player.items.length - 1), this.#icon("remove", at, item, false));
    return row;
  }

  #icon(act, at, item, disabled) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "icon";
    button.disabled = disabled;
    Object.assign(button.dataset, { act, at });
    const words = { up: "Move up", down: "Move down", remove: "Remove" }[act];
    button.setAttribute("aria-label", `${words}: ${item.title}`);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    for (const [name, value] of Object.entries({ d: ICONS[act], fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round" })) path.setAttribute(name, value);
    svg.append(path);
    button.append(svg);
    return button;
  }
}
