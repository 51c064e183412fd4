// Every page in light and dark, narrow and wide: axe finds nothing, nothing scrolls sideways, targets are large enough.

import { at, axe_source, check, equal, ids, open, page_of, run, truth } from "./harness.mjs";

const PAGES = {
  front: "/", search: "/search?q=love", filtered: "/search?q=love&kind=track&from=1990&to=2020&held=1", none: "/search?q=zzzzqqqq", releases: "/search?kind=release",
  artists: "/search?kind=artist&q=quiet", track: "track:road/2", waved: "track:road/1", absent: "track:quartets/1", disputed: "track:disputed/1",
  arabic: "track:shark/1", release: "release:road", tokyo: "release:tokyo", hostile: "release:hostile", artist: "artist:quiet",
  lonely: "artist:lonely", label: "label:north", described: "label:hungaria", group: "thing:road", work: "thing:quartet", area: "thing:budapest", genre: "/genre/ambient", year: "/year/2004", genres: "/genres", years: "/years",
  labels: "/labels", shuffle: "/shuffle?seed=7", about: "/about", coverage: "/coverage", risk: "/at-risk", changes: "/changes", told: "/changes?collection=folder&what=stricter", published: "/releases", bundle: "/releases/sample-one-by-top-small-001", having: "with:release:road", missing: "/nothing/here", offline: "/offline",
};
const NOTICES = Object.fromEntries(Object.entries(ids).filter(([name]) => name.startsWith("/notices") || name.startsWith("/door")));
const ADAPTED = [
  ["320 px", 320, ""], ["zoom of 200 %", 640, ""], ["text of 200 %", null, "html { font-size: 200% !important }"],
  ["wide text", null, "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }"],
];
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const axe = (page, options) => page.evaluate((asked) => globalThis.axe.run(document, asked), options)
  .then(({ violations }) => violations.map((v) => [v.id, v.nodes.map((n) => [n.html.slice(0, 160), n.failureSummary.slice(0, 200)])]));

await run(async () => {
  for (const [width, colorScheme] of [[390, "dark"], [1280, "light"]]) {
    const { context, page, seen } = await open({ width, height: 844, colorScheme });
    for (const [name, path] of Object.entries({ ...PAGES, ...NOTICES })) {
      await check(`${name}, ${width} px`, async () => {
        seen.length = 0;
        await page.goto(path.startsWith("/") ? at(path) : path.startsWith("with:") ? at(`/releases/with/${ids[path.slice(5)]}`) : page_of(path));
        if (name === "release") { // with the player and the queue open
          await page.locator("[data-do=play-all]").click();
          await page.locator("[data-part=queue]").click();
          await page.locator("#queue li").first().waitFor();
        }
        if (name === "waved") await page.locator("main .wave path.wave-rest[d]").waitFor({ state: "attached" });
        await page.evaluate(() => document.querySelectorAll("main details").forEach((e) => { e.open = true; }));
        await page.evaluate(axe_source);
        equal(await axe(page, { runOnly: TAGS }), [], `axe, ${colorScheme}`);
        await page.emulateMedia({ colorScheme: colorScheme === "dark" ? "light" : "dark" });
        equal(await axe(page, { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } }), [], "axe, the other colours");
        await page.emulateMedia({ colorScheme });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        truth(wide <= 0, `scrolls sideways by ${wide} px`);
        for (const [how, narrow, adapt] of ADAPTED) { // WCAG 1.4.4, 1.4.10 and 1.4.12
          await page.setViewportSize({ width: narrow ?? width, height: 844 });
          await page.evaluate((css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css); document.adoptedStyleSheets = [sheet]; }, adapt);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
          truth(over <= 0, `${how}: scrolls sideways by ${over} px`);
        }
        await page.evaluate(() => { document.adoptedStyleSheets = []; });
        await page.setViewportSize({ width, height: 844 });
        const small = await page.evaluate(() => [...document.querySelectorAll("button, .ways a, .button, input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select, summary")]
          .filter((e) => e.checkVisibility() && !e.closest(".player")).map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
          .filter(([, box]) => box.height < 44 || box.width < 44).map(([html, box]) => `${html} ${box.width}x${box.height}`));
        equal(small, [], "targets under 44 px");
        const tiny = await page.evaluate(() => [...document.querySelectorAll(".player button, .player input, main a, .foot a")]
          .filter((e) => e.checkVisibility() && getComputedStyle(e).display !== "inline").map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
          .filter(([, box]) => box.height < 24 || box.width < 24).map(([html, box]) => `${html} ${box.width}x${box.height}`));
        equal(tiny, [], "targets under 24 px");
        equal(seen.filter((line) => name !== "missing" || !/404/.test(line)), []);
      });
    }
    await context.close();
  }
  await check("control: axe finds what is wrong", async () => {
    const { context, page } = await open();
    await page.goto(at("/about"));
    await page.evaluate(() => { for (const tag of ["button", "img"]) document.querySelector("main").append(document.createElement(tag)); });
    await page.evaluate(axe_source);
    equal((await axe(page, { runOnly: TAGS })).map(([id]) => id).sort(), ["button-name", "image-alt"]);
    await context.close();
  });
});
