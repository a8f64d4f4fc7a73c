// `node check.mjs URL`: what `cargo xtask play --check` does with the page: load it, walk the first lesson
// to its end with the Next button, step back and forward again, and see that the page complained about nothing.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const PATIENCE_MS = 30_000;

const [url] = process.argv.slice(2);
assert.ok(url, 'usage: node check.mjs URL');

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error}`));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} for ${response.url()}`);
  });

  await page.goto(url);
  const hook = (name) => page.getByTestId(name);
  await hook('question').waitFor();
  const question = (await hook('question').innerText()).trim();
  assert.notEqual(question, '', 'the lesson has a question');

  const lesson = hook('lesson');
  const steps = Number(await lesson.getAttribute('data-steps'));
  assert.ok(steps > 0, 'the lesson has steps');
  for (let step = 1; step <= steps; step += 1) {
    await hook('next').click();
    await page.locator(`[data-testid="lesson"][data-step="${step}"]`).waitFor();
  }
  await page.locator('[data-testid="next"]:disabled').waitFor();

  const position = () => hook('position').innerText();
  await hook('last').isEnabled().then((enabled) => enabled && hook('last').click());
  await page.locator('[data-testid="last"]:disabled').waitFor();
  const end = await position();
  await hook('back').click();
  await page.waitForFunction(
    (end) => document.querySelector('[data-testid="position"]').innerText !== end,
    end,
    { timeout: PATIENCE_MS },
  );
  await hook('forward').click();
  await page.waitForFunction(
    (end) => document.querySelector('[data-testid="position"]').innerText === end,
    end,
    { timeout: PATIENCE_MS },
  );

  assert.deepEqual(complaints, [], 'the page complained');
  console.log(`"${question}": ${steps} steps, ${end.replaceAll('\n', ', ')}, no complaints`);
} finally {
  await browser.close();
}
