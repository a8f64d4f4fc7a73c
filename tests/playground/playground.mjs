// The built playground in Chromium: served from its folder, with what it complains about collected. For tests.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const { CHROMIUM = '/usr/bin/chromium', PLAYGROUND } = process.env;
assert.ok(PLAYGROUND, 'PLAYGROUND is not set: run this with `cargo xtask test --only playground`');

/** Longer than anything here takes; what has not ended by then hangs. */
export const PATIENCE = { timeout: 120_000 };

/** The lessons, and the runs each of them has, as links name them. */
const PAIR = ['after', 'before', 'both'];
export const LESSONS = [
  { id: 1 },
  { id: 2, variants: PAIR, rule: 'I1' },
  { id: 3, variants: PAIR, rule: 'I3' },
  { id: 4 },
  { id: 5, variants: PAIR, rule: 'I4', options: 4 },
  { id: 6 },
  { id: 7 },
  { id: 8, variants: PAIR, rule: 'I9' },
  { id: 9 },
  { id: 10, variants: PAIR, rule: 'I6' },
  { id: 11 },
];

/** Every lesson with every run it has, and one lesson in each way in which it can be had. */
export const RUNS = LESSONS.flatMap(({ id, variants = ['after'], options = 1 }) => [
  ...variants.map((variant) => ({ id, variant })),
  ...Array.from({ length: options - 1 }, (_, place) => ({ id, variant: 'after', option: place + 2 })),
]);

export const link = ({ id, variant = 'after', option = 1, event = 0 }) =>
  `#v=1&l=${id}&c=${variant}&o=${option}&e=${event}`;

/** A run's name in the title of a test. */
export const named = ({ id, variant, option }) => `lesson ${id}, ${variant}${option ? `, choice ${option}` : ''}`;

export const launch = () => chromium.launch({ executablePath: CHROMIUM });

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

/** Serves the playground's folder on a free port of this machine. */
export async function serve() {
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, 'http://localhost');
    const path = join(PLAYGROUND, normalize(pathname === '/' ? '/index.html' : pathname));
    try {
      const bytes = await readFile(path);
      response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
      response.end(bytes);
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, stop };
}

/** Runs a function with a page; what the page complains about fails the test. `prepare` comes before the page is loaded. */
export async function withPage(browser, url, options, run, prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
  const complaints = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack ?? error}`));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await prepare(page);
    await page.goto(url);
    await page.locator('[data-testid=question], [data-testid=link-error], [data-testid=live]').first().waitFor();
    const result = await run(page, (name) => page.getByTestId(name));
    assert.deepEqual(complaints, [], 'the page complained');
    return result;
  } finally {
    await context.close();
  }
}

/** What the page says about where it stands. */
export const look = (page) =>
  page.evaluate(() => {
    const hook = (name) => document.querySelector(`[data-testid="${name}"]`);
    const scrub = hook('scrub');
    return {
      position: Number(scrub.value),
      last: Number(scrub.max),
      label: hook('position').innerText.split('\n')[0],
      digest: hook('digest').textContent,
      announced: hook('announcer').textContent,
    };
  });

/** Waits until the page stands at a position. */
export const arrive = (page, position) =>
  page.waitForFunction(
    (position) => document.querySelector('[data-testid="scrub"]')?.value === String(position),
    position,
  );

/** Moves the timeline as a drag would. */
export async function scrub(page, position) {
  await page.getByTestId('scrub').evaluate((range, position) => {
    range.value = String(position);
    range.dispatchEvent(new InputEvent('input', { bubbles: true }));
  }, position);
  await arrive(page, position);
}

/** Opens a place by changing the link of an open page. */
export async function follow(page, link, position) {
  await page.evaluate((link) => (location.hash = link), link);
  await arrive(page, position);
}

/**
 * The digests at some positions, reached one after the other by a button or by the timeline. In the page itself: a
 * round trip for each of some hundred steps would take longer than the steps.
 */
export const digests = (page, positions, by) =>
  page.evaluate(
    async ({ positions, by }) => {
      const hook = (name) => document.querySelector(`[data-testid="${name}"]`);
      const range = hook('scrub');
      const move = (position) => {
        if (by !== 'scrub') return hook(by).click();
        range.value = String(position);
        range.dispatchEvent(new InputEvent('input', { bubbles: true }));
      };
      const found = [];
      for (const position of positions) {
        const label = `event ${position} of ${range.max}`;
        const isThere = () => hook('position').innerText.startsWith(label);
        if (!isThere()) move(position);
        for (let turn = 0; !isThere(); turn += 1) {
          if (turn > 2_000) throw new Error(`${by} did not come to ${position}: ${hook('position').innerText}`);
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
        found.push(hook('digest').textContent);
      }
      return found;
    },
    { positions, by },
  );
