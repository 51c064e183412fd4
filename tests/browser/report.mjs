// Reports of audits as files, in light and dark, narrow, wide and printed: axe finds nothing, nothing runs, nothing scrolls sideways.

import { at, axe_source, check, equal, ids, open, run, truth } from "./harness.mjs";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const axe = (page) => page.evaluate((tags) => globalThis.axe.run(document, { runOnly: tags }), TAGS)
  .then(({ violations }) => violations.map((v) => [v.id, v.nodes.map((n) => [n.html.slice(0, 160), n.failureSummary.slice(0, 200)])]));
const over = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

await run(async () => {
  for (const [name, file] of Object.entries(ids)) {
    for (const [width, colorScheme, media] of [[390, "dark", "screen"], [390, "light", "screen"], [1280, "light", "screen"], [1280, "dark", "screen"], [800, "light", "print"]]) {
      await check(`${name}, ${width} px, ${colorScheme}, ${media}`, async () => {
        const { context, page, seen } = await open({ width, colorScheme });
        const asked = [];
        page.on("request", (request) => asked.push(request.url()));
        await page.goto(at(file));
        await page.emulateMedia({ media });
        await page.evaluate(() => document.querySelectorAll("details").forEach((e) => { e.open = true; }));
        await page.evaluate(axe_source);
        equal(await axe(page), [], "axe");
        truth(await over(page) <= 0, `scrolls sideways by ${await over(page)} px`);
        const lost = await page.evaluate(() => [...document.querySelectorAll("a")].map((e) => e.getAttribute("href")).filter((to) => !document.getElementById(decodeURIComponent(to.slice(1)))));
        equal(lost, [], "links that lead nowhere");
        const out = await page.evaluate(() => [...document.querySelectorAll("svg.figure")].flatMap((svg) => { // letters that leave their figure, or cover each other
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].filter((e) => { const box = e.getBoundingClientRect(); return box.left < frame.left - 1 || box.right > frame.right + 1; }).map((e) => e.textContent);
        }));
        equal(out, [], "letters outside of their figure");
        equal(await page.evaluate(() => document.querySelectorAll("script, iframe, img, link, form, object").length), 0, "foreign elements");
        equal(asked, [at(file)], "requests");
        equal(seen, []);
        await context.close();
      });
    }
  }
  await check("control: axe finds what is wrong", async () => {
    const { context, page } = await open();
    await page.goto(at(Object.values(ids)[0]));
    await page.evaluate(() => document.querySelector("main").append(document.createElement("button")));
    await page.evaluate(axe_source);
    equal((await axe(page)).map(([id]) => id), ["button-name"]);
    await context.close();
  });
});
