// A catalogue full of attacks: every page shows them as text; nothing runs, nothing is fetched from elsewhere.

import { at, check, equal, ids, open, page_of, run, truth } from "./harness.mjs";

await run(async () => {
  for (const script of [true, false]) {
    const { context, page, seen } = await open({ script, width: 390, height: 844 });
    const elsewhere = [];
    context.on("request", (request) => { if (new URL(request.url()).origin !== new URL(at("/")).origin) elsewhere.push(request.url()); });
    const paths = [...Object.keys(ids).map(page_of), ...["/", "/search", "/search?kind=release", "/search?kind=artist", "/genres", "/labels", "/about", "/shuffle?seed=1", "/releases"].map(at)];
    await page.goto(at("/releases"));
    paths.push(...await page.evaluate(() => [...document.querySelectorAll(".bundles h3 a")].map((e) => e.href)));
    await check(`every page, ${script ? "with" : "without"} script`, async () => {
      for (const path of paths) {
        await page.goto(path);
        const bad = await page.evaluate(() => [...document.querySelectorAll("main *")].filter((e) =>
          ["SCRIPT", "IFRAME", "OBJECT", "STYLE", "BASE", "META", "PLAINTEXT", "MATH", "TEMPLATE", "LINK"].includes(e.tagName)
          || [...e.attributes].some((a) => /^on|^style$/.test(a.name))
          || (e.tagName === "A" && !/^(https?|magnet):$/.test(new URL(e.href).protocol))
          || (e.tagName === "A" && new URL(e.href).protocol !== "magnet:" && new URL(e.href).origin !== location.origin && !/noopener nofollow ugc/.test(e.rel))).map((e) => e.outerHTML.slice(0, 120)));
        equal(bad, [], path);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        truth(wide <= 0, `${path} scrolls sideways by ${wide} px`);
      }
      equal(seen, []);
      equal(elsewhere, []);
      return { pages: paths.length };
    });
    if (script) await check("hostile words in the address and in the search box", async () => {
      for (const words of ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "\u202eabc", "'\"`\\"]) {
        await page.goto(at(`/search?q=${encodeURIComponent(words)}`));
        await page.locator("#words").fill(words + "x");
        await page.waitForFunction(() => !document.querySelector("main.busy"));
        await page.waitForTimeout(250);
      }
      equal(seen, []);
    });
    if (script) await check("the player and its queue", async () => {
      await page.goto(page_of("release:road"));
      await page.locator("[data-do=play-all]").click();
      await page.waitForFunction(() => !document.querySelector("#player audio").paused);
      await page.locator("[data-part=queue]").click();
      await page.locator("#queue li").first().waitFor();
      const title = await page.locator("main .track .name").first().textContent();
      equal(await page.locator("[data-part=title]").textContent(), title, "the title is text");
      equal(seen, []);
    });
    await context.close();
  }
  await check("control: the watch sees what it should", async () => {
    const { context, page, seen } = await open();
    await page.goto(at("/"));
    await page.evaluate(() => { const s = document.createElement("img"); s.src = "https://evil.example/x.png"; document.body.append(s); alert(1); });
    await page.waitForTimeout(300);
    truth(seen.some((line) => line.startsWith("csp: img-src")), `no breach seen: ${seen}`);
    truth(seen.some((line) => line.startsWith("dialog: 1")), `no dialog seen: ${seen}`);
    await context.close();
  });
});
