// The tasks of a visitor: find and play, keep the queue, share, see the licence, come back to the same place.

import { at, check, equal, ids, open, page_of, run, truth } from "./harness.mjs";

const playing = (page) => page.waitForFunction(() => {
  const sound = document.querySelector("#player audio");
  return !sound.paused && sound.currentTime > 0.2;
});
const current = (page) => page.locator("[data-part=title]").textContent();
const position = (page) => page.evaluate(() => document.querySelector("#player audio").currentTime);

await run(async () => {
  await check("find and play in at most three taps", async () => {
    const { context, page, seen } = await open({ width: 390, height: 844, hasTouch: true, isMobile: true });
    await page.goto(at("/"));
    let taps = 0;
    const tap = async (locator) => { taps += 1; await locator.tap(); };
    await tap(page.locator("#words"));
    await page.keyboard.type("night tr", { delay: 30 });
    const row = page.locator("main .track", { hasText: "Night Train" }).first();
    await row.waitFor();
    await tap(row.locator("[data-do=play]"));
    await playing(page);
    equal(await current(page), "Night Train");
    truth(taps <= 3, `it took ${taps} taps`);
    equal(seen, []);
    await context.close();
    return { taps };
  });

  await check("a release plays at two taps, and one of them is on its cover", async () => {
    const { context, page, seen } = await open({ width: 390, height: 844, hasTouch: true, isMobile: true });
    await page.goto(at("/"));
    await page.locator(`.covers a[href="${new URL(page_of("release:road")).pathname}"]`).tap();
    await page.locator("[data-do=play-all]").tap();
    await playing(page);
    equal(await current(page), "Departure");
    await page.locator("[data-do=add-all]").tap();
    equal(await page.locator("[data-part=queue]").getAttribute("data-ahead"), "15", "tracks to come");
    equal(seen, []);
    await context.close();
  });

  await check("on a phone a track is played by its cover", async () => {
    const { context, page } = await open({ width: 390, height: 844, hasTouch: true, isMobile: true });
    await page.goto(at("/search?q=night+train&kind=track"));
    const row = page.locator("main .track").first();
    const [cover, play] = [await row.locator(".thumb").boundingBox(), await row.locator(".play").boundingBox()];
    truth(Math.abs(cover.x - play.x) < 1 && Math.abs(cover.y - play.y) < 1, "the button does not lie on the cover");
    await row.locator(".thumb").tap({ force: true });
    await playing(page);
    await context.close();
  });

  await check("of several formats the one that this browser is surest of is played", async () => {
    for (const [sure, wanted] of [["audio/x-good", 1], ["audio/x-fair", 0]]) {
      const { context, page } = await open();
      await page.addInitScript((best) => {
        HTMLMediaElement.prototype.canPlayType = (type) => (type === best ? "probably" : type === "audio/x-none" ? "" : "maybe");
      }, sure);
      const id = ids["track:road/1"];
      const { files } = await (await fetch(at(`/api/v1/tracks/${id}/files`))).json();
      const offered = ["audio/x-none", "audio/x-fair", "audio/x-good"].map((type, n) => ({ ...files[0], type, url: `${files[0].url}?n=${n - 1}` }));
      await page.route(`**/api/v1/tracks/${id}/files`, (route) => route.fulfill({ json: { files: offered } }));
      await page.goto(page_of("track:road/1"));
      await page.locator("main .thing [data-do=play]").click();
      await playing(page);
      truth((await page.evaluate(() => document.querySelector("#player audio").src)).endsWith(`?n=${wanted}`), `${sure} was not taken`);
      await context.close();
    }
  });

  await check("a small copy is played where no original is, or where the browser saves data", async () => {
    for (const [sure, saving, wanted] of [["audio/x-good", false, 0], ["audio/x-none", false, 1], ["audio/x-good", true, 1]]) {
      const { context, page } = await open();
      await page.addInitScript(([best, saveData]) => {
        HTMLMediaElement.prototype.canPlayType = (type) => (type === "audio/x-none" ? "" : type === best ? "maybe" : "probably");
        Object.defineProperty(navigator, "connection", { value: { saveData } });
      }, [sure, saving]);
      const id = ids["track:road/1"];
      const { files } = await (await fetch(at(`/api/v1/tracks/${id}/files`))).json();
      const offered = [sure, "audio/x-copy"].map((type, n) => ({ ...files[0], type, copy: n === 1, url: `${files[0].url}?n=${n}` }));
      await page.route(`**/api/v1/tracks/${id}/files`, (route) => route.fulfill({ json: { files: offered } }));
      await page.goto(page_of("track:road/1"));
      await page.locator("main .thing [data-do=play]").click();
      await playing(page);
      truth((await page.evaluate(() => document.querySelector("#player audio").src)).endsWith(`?n=${wanted}`), `${sure}, ${saving}: the wrong one`);
      await context.close();
    }
  });

  await check("the queue and the sound survive five pages", async () => {
    const { context, page, seen } = await open();
    await page.goto(page_of("release:road"));
    await page.locator("[data-do=play-all]").click();
    await playing(page);
    const element = await page.evaluateHandle(() => document.querySelector("#player audio"));
    const begun = await position(page);
    for (const link of ["a[href^='/artist/']", ".covers a[href^='/release/']", ".track .name", "nav a[href='/about']", "nav a[href='/genres']"]) {
      const before = page.url();
      await page.locator(link.startsWith("nav") ? link : `main ${link}`).first().click();
      await page.waitForFunction((url) => location.href !== url && !document.querySelector("main.busy"), before);
    }
    truth(await page.evaluate((kept) => kept === document.querySelector("#player audio") && !kept.paused, element), "another or a silent audio element");
    truth((await position(page)) > begun, "the sound did not go on");
    equal(await current(page), "Departure");
    await page.locator("[data-part=queue]").click();
    equal(await page.locator("#queue li").count(), 8, "length of the queue");
    await page.reload();
    equal(await current(page), "Departure", "after a reload");
    truth(await page.evaluate(() => document.querySelector("#player audio").paused), "a reload must not start sound by itself");
    equal(seen, []);
    await context.close();
  });

  await check("a shared link opens the same thing", async () => {
    const { context, page, seen } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.goto(page_of("track:road/2"));
    await page.locator("main [data-link]").click();
    const link = await page.evaluate(() => navigator.clipboard.readText());
    equal(link, page_of("track:road/2"));
    const other = await open({ script: false });
    await other.page.goto(link);
    equal(await other.page.locator("h1").textContent(), "Love on the Line");
    truth(await other.page.locator("audio[controls]").isVisible(), "without script the browser's own player is there");
    equal([...seen, ...other.seen], []);
    await other.context.close();
    await context.close();
  });

  await check("the licence and the credit are seen and copied", async () => {
    const { context, page, seen } = await open({ permissions: ["clipboard-read", "clipboard-write"] });
    await page.goto(page_of("release:road"));
    const rows = page.locator(".track");
    for (let i = 0; i < (await rows.count()); i++) truth(/CC BY 4\.0/.test(await rows.nth(i).locator(".terms").textContent()), `row ${i} has no licence`);
    await rows.nth(1).locator(".name").click();
    await page.locator("h1", { hasText: "Love on the Line" }).waitFor(); // the release's own page has a licence to copy as well
    equal(await page.locator(".licence-name a").getAttribute("href"), "https://creativecommons.org/licenses/by/4.0/");
    await page.locator("#licence [data-do=copy]").click();
    const credit = await page.evaluate(() => navigator.clipboard.readText());
    truth(credit.includes("Love on the Line") && credit.includes("The Quiet Machines") && credit.includes("creativecommons.org/licenses/by/4.0"), `credit: ${credit}`);
    equal(seen, []);
    await context.close();
  });

  await check("back keeps the place in a list", async () => {
    for (const script of [true, false]) {
      const { context, page } = await open({ script, height: 500 });
      await page.goto(at("/search?q=love&kind=track"));
      await page.evaluate(() => scrollTo(0, 160));
      await page.waitForTimeout(200);
      const place = await page.evaluate(() => scrollY);
      truth(place > 100, "the list is too short to test with");
      await page.locator("main .track .name").nth(2).click();
      await page.locator("#licence").waitFor();
      await page.goBack();
      await page.locator("main .track .name").nth(2).waitFor();
      await page.waitForTimeout(150);
      truth(Math.abs((await page.evaluate(() => scrollY)) - place) <= 2, `script ${script}: ${await page.evaluate(() => scrollY)} instead of ${place}`);
      await context.close();
    }
  });

  await check("the keyboard alone is enough", async () => {
    const { context, page, seen } = await open();
    await page.goto(at("/"));
    await page.keyboard.press("Tab");
    equal(await page.evaluate(() => document.activeElement.className), "skip");
    truth(await page.locator(".skip").isVisible(), "the skip link shows itself");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    equal(await page.evaluate(() => document.activeElement.id), "words");
    await page.keyboard.type("departure");
    await page.keyboard.press("Enter");
    await page.locator("main .track").first().waitFor();
    await page.locator("main h1:focus").waitFor();
    for (let i = 0; i < 30 && (await page.evaluate(() => document.activeElement.dataset.do)) !== "play"; i++) await page.keyboard.press("Tab");
    const outline = await page.evaluate(() => { const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]; });
    truth(outline[0] === "solid" && outline[1] >= 2, `focus is not visible: ${outline}`);
    await page.keyboard.press("Enter");
    await playing(page);
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("Space");
    truth(await page.evaluate(() => document.querySelector("#player audio").paused), "space pauses");
    await page.keyboard.press("Space");
    await playing(page);
    const before = await position(page);
    await page.keyboard.press("ArrowRight");
    truth((await position(page)) > before + 8, "the right arrow seeks");
    await page.locator("[data-part=queue]").focus();
    await page.keyboard.press("Enter");
    equal(await page.evaluate(() => document.activeElement.dataset.act), "close", "focus goes into the panel");
    await page.keyboard.press("Escape");
    equal(await page.evaluate(() => document.activeElement.dataset.part), "queue", "and comes back");
    equal(seen, []);
    await context.close();
  });

  await check("every stop of the keyboard is seen, under no bar", async () => {
    for (const [width, height] of [[1280, 800], [390, 800]]) {
      const { context, page } = await open({ width, height });
      await page.goto(page_of("release:road"));
      await page.locator("[data-do=play-all]").click();
      await playing(page);
      await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
      const stops = new Set();
      for (let i = 0; i < 150; i++) {
        await page.keyboard.press("Tab");
        const stop = await page.evaluate(() => {
          const e = document.activeElement;
          if (e === document.body) return null;
          const box = e.getBoundingClientRect();
          const style = getComputedStyle(e);
          const [x, y] = [box.x + box.width / 2, box.y + Math.min(box.height / 2, 20)];
          const top = document.elementFromPoint(x, y);
          return { html: e.outerHTML.slice(0, 120), ring: style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2, free: Boolean(top) && (e.contains(top) || top.contains(e)) };
        });
        if (!stop) break;
        truth(stop.ring, `no ring around ${stop.html}`);
        truth(stop.free, `covered, or out of sight: ${stop.html}`);
        stops.add(stop.html);
      }
      truth(stops.size > 40, `only ${stops.size} stops`);
      await context.close();
    }
  });

  await check("who wants less motion gets none", async () => {
    const { context, page } = await open({ reducedMotion: "reduce" });
    await page.goto(at("/"));
    const moving = await page.evaluate(() => {
      document.querySelector("main").classList.add("busy");
      return [...document.querySelectorAll("*")].filter((e) => { const s = getComputedStyle(e); return parseFloat(s.transitionDuration) || s.animationName !== "none" || s.scrollBehavior === "smooth"; }).length;
    });
    equal(moving, 0, "elements that move");
    await context.close();
  });

  await check("lock screen and headset have title, artist, cover and actions", async () => {
    const { context, page } = await open();
    await page.addInitScript(() => {
      globalThis.actions = {};
      const set = navigator.mediaSession.setActionHandler.bind(navigator.mediaSession);
      navigator.mediaSession.setActionHandler = (name, does) => { globalThis.actions[name] = does; set(name, does); };
    });
    await page.goto(page_of("release:road"));
    await page.locator("[data-do=play-all]").click();
    await playing(page);
    const told = await page.evaluate(() => ({ title: navigator.mediaSession.metadata.title, artist: navigator.mediaSession.metadata.artist, album: navigator.mediaSession.metadata.album, art: navigator.mediaSession.metadata.artwork.length, state: navigator.mediaSession.playbackState }));
    equal(told, { title: "Departure", artist: "The Quiet Machines", album: "The Long Road", art: 3, state: "playing" });
    equal(await page.evaluate(() => Object.keys(globalThis.actions).sort()), ["nexttrack", "pause", "play", "previoustrack", "seekbackward", "seekforward", "seekto", "stop"]);
    await page.evaluate(() => globalThis.actions.seekto({ seekTime: 12 }));
    truth((await position(page)) >= 12, "seeking from the lock screen");
    await page.evaluate(() => globalThis.actions.seekbackward({ seekOffset: 5 }));
    truth((await position(page)) < 9, "seeking back from the headset");
    await page.evaluate(() => globalThis.actions.nexttrack());
    await page.waitForFunction(() => document.querySelector("[data-part=title]").textContent === "Love on the Line");
    await page.evaluate(() => globalThis.actions.pause());
    truth(await page.evaluate(() => document.querySelector("#player audio").paused), "pause from the headset");
    await page.evaluate(() => globalThis.actions.play());
    await playing(page);
    await page.evaluate(() => globalThis.actions.previoustrack());
    await page.waitForFunction(() => document.querySelector("[data-part=title]").textContent === "Departure");
    await context.close();
  });

  await check("a pause counts while the next track is still being fetched", async () => {
    const { context, page } = await open();
    await page.goto(page_of("release:road"));
    await page.locator("[data-do=play-all]").click();
    await playing(page);
    let release, asked;
    const held = new Promise((go) => { release = go; });
    const waiting = new Promise((go) => { asked = go; });
    await page.route("**/files", async (route) => { asked(); await held; await route.continue(); });
    await page.locator("[data-part=next]").click();
    await waiting;
    await page.locator("[data-part=toggle]").click();
    release();
    await page.waitForFunction(() => document.querySelector("#player audio").hasAttribute("src"));
    truth(await page.evaluate(() => document.querySelector("#player audio").paused), "it plays although it was paused");
    await page.locator("[data-part=toggle]").click();
    await playing(page);
    await context.close();
  });

  await check("the queue can be changed by hand", async () => {
    const { context, page, seen } = await open();
    await page.goto(page_of("release:road"));
    await page.locator("[data-do=play-all]").click();
    await playing(page);
    await page.locator("[data-part=queue]").click();
    const titles = () => page.locator("#queue li > button:first-child > span:first-child").allTextContents();
    await page.locator("#queue [data-act=up][data-at='2']").click();
    equal((await titles()).slice(0, 3), ["Departure", "Signal Box", "Love on the Line"]);
    await page.locator("#queue [data-act=remove][data-at='0']").click();
    await page.waitForFunction(() => document.querySelector("[data-part=title]").textContent === "Signal Box");
    await playing(page);
    await page.locator("#queue [data-act=clear]").click();
    truth(await page.locator("#player").isHidden(), "an empty queue shows no player");
    equal(seen, []);
    await context.close();
  });

  await check("shuffle everything plays at one press", async () => {
    const { context, page, seen } = await open();
    await page.goto(at("/"));
    await page.locator(".hero [data-do=shuffle-everything]").click();
    await playing(page);
    truth(/\/shuffle\?/.test(page.url()), page.url());
    equal(seen, []);
    await context.close();
  });

  await check("a file that may no longer be played is told and passed over", async () => {
    const { context, page } = await open();
    await page.route(`**/api/v1/tracks/${ids["track:road/1"]}/files`, (route) => route.fulfill({ json: { files: [] } }));
    await page.goto(page_of("release:road"));
    await page.locator("[data-do=play-all]").click();
    await page.waitForFunction(() => document.querySelector("[data-part=title]").textContent === "Love on the Line");
    await page.waitForFunction(() => /Departure/.test(document.querySelector("[data-part=problem]").textContent));
    await context.close();
  });

  await check("the installed shell opens without the network", async () => {
    const { context, page } = await open();
    await page.goto(at("/"));
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.waitForFunction(async () => (await caches.keys()).length > 0 && (await caches.match("/offline")));
    const { installabilityErrors } = await (await context.newCDPSession(page)).send("Page.getInstallabilityErrors");
    equal(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito"), [], "reasons not to install it");
    await page.reload();
    await context.setOffline(true);
    await page.goto(page_of("release:road")).catch(() => {});
    truth((await page.locator("h1").textContent()).includes("Not connected"), "the offline page");
    const manifest = await (await fetch(at("/manifest.webmanifest"))).json();
    truth(manifest.icons.some((icon) => icon.sizes === "512x512") && manifest.start_url && manifest.display === "standalone", "installable");
    await context.close();
  });

  await check("a waveform shows how far the track is, and leaves the slider to the keyboard", async () => {
    for (const [width, colorScheme] of [[390, "dark"], [1280, "light"]]) {
      const { context, page, seen } = await open({ width, height: 844, colorScheme });
      await page.goto(page_of("track:road/1"));
      const bars = (where, what) => page.evaluate(([where, what]) => (document.querySelector(`${where} .wave-${what}`).getAttribute("d") ?? "").split("z").length - 1, [where, what]);
      await page.locator("main .wave path.wave-rest[d]").waitFor({ state: "attached" });
      const all = await bars("main", "rest");
      truth(all > 40 && all <= 1000, `${all} bars`);
      equal(await bars("main", "heard"), 0, "heard before it is played");
      const tall = await page.evaluate(() => document.querySelector("main .wave-rest").getAttribute("d").match(/v[\d.]+/g).map((one) => Number(one.slice(1))));
      truth(tall[0] < 5 && tall.at(-1) > 95 && tall.every((one, at) => !at || one >= tall[at - 1]), "the bars do not grow as the sound does");

      await page.locator("main .wave").click({ position: { x: (await page.locator("main .wave").boundingBox()).width / 2, y: 20 } });
      await playing(page);
      truth(Math.abs((await position(page)) - 10) < 3, `a press in the middle went to ${await position(page)} of 20 s`);
      await page.waitForFunction(() => ["main", "#player"].every((where) => (document.querySelector(`${where} .wave-heard`).getAttribute("d") ?? "").length > 0));
      truth(Math.abs((await bars("main", "heard")) / all - 0.5) < 0.2, "what was heard is not half");
      await page.locator("[data-part=toggle]").click();

      const slider = page.getByRole("slider", { name: "Position in the track" });
      const [drawing, along] = [await page.locator("#player .wave svg").boundingBox(), await slider.boundingBox()];
      truth(drawing && Math.abs(drawing.width - along.width) < 2 && drawing.height > 20, `the player's drawing is ${JSON.stringify(drawing)}, its slider ${JSON.stringify(along)}`);
      await slider.focus();
      const before = await position(page);
      await page.keyboard.press("ArrowRight");
      truth((await position(page)) > before, "the arrow keys on the slider");
      truth(/^0:\d\d of 0:20$/.test(await slider.getAttribute("aria-valuetext")), await slider.getAttribute("aria-valuetext"));
      equal(await page.evaluate(() => [...document.querySelectorAll(".wave svg")].filter((one) => one.getAttribute("aria-hidden") !== "true").length), 0, "drawings that are read out");
      const thumb = await page.evaluate(() => getComputedStyle(document.querySelector("[data-part=seek]")).appearance);
      equal(thumb, "none", "the slider lies over the drawing");

      await page.locator("nav a[href='/about']").click();
      await page.waitForFunction(() => location.pathname === "/about" && !document.querySelector("main.busy"));
      await page.goBack();
      await page.locator("main .wave path.wave-heard[d]").waitFor({ state: "attached" });
      equal(seen, []);
      await context.close();
    }
  });

  await check("without a waveform, or when it is withdrawn, there is the slider as before", async () => {
    const { context, page } = await open();
    await page.goto(page_of("release:road"));
    await page.locator("[data-do=play-all]").click();
    await playing(page);
    await page.locator("#player .wave path.wave-rest[d]").waitFor({ state: "attached" });
    await page.locator("[data-part=next]").click();
    await page.waitForFunction(() => document.querySelector("[data-part=title]").textContent === "Love on the Line");
    await playing(page);
    truth(await page.locator("#player .wave").isHidden(), "the waveform of the track before");
    truth((await page.evaluate(() => getComputedStyle(document.querySelector("[data-part=seek]")).appearance)) !== "none", "another slider");
    await page.route("**/waveform", (route) => route.fulfill({ status: 451 }));
    await page.locator("[data-part=previous]").click();
    await page.waitForFunction(() => document.querySelector("[data-part=title]").textContent === "Departure");
    await playing(page);
    truth(await page.locator("#player .wave").isHidden(), "a waveform that was withdrawn");
    await context.close();
  });

  await check("the first page is at most 100 KB", async () => {
    const { context, page } = await open();
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    let bytes = 0;
    session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
    await page.goto(at("/"), { waitUntil: "networkidle" });
    truth(bytes <= 100_000, `${bytes} bytes`);
    await context.close();
    return { bytes };
  });
});
