// The playground's lessons in Chromium, step by step: each run goes to its end by the Next button alone, and each position is the same
// however it is reached.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { digests, follow, launch, link, look, named, PATIENCE, RUNS, scrub, serve, withPage } from './playground.mjs';

/** Runs of which each position is reached in every way. Natively that is compared for every run of every lesson. */
const THOROUGHLY = RUNS.filter(({ id, variant }) => id === 7 || (variant === 'both' && (id === 2 || id === 10)));

describe('steps of lessons', () => {
  let browser;
  let site;
  before(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
  });
  after(() => Promise.all([browser?.close(), site?.stop()]));

  const open = (run, body, options = {}) => withPage(browser, site.url + link(run), options, body);

  for (const run of RUNS) {
    test(`${named(run)}: Next alone ends it, and never moves`, PATIENCE, () =>
      open(run, async (page, hook) => {
        assert.equal(await page.locator('[aria-pressed="true"][data-testid^="lesson-"]').innerText(), String(run.id));
        const steps = Number(await hook('lesson').getAttribute('data-steps'));
        assert.ok(steps > 2, 'the lesson has steps');
        const box = await hook('next').boundingBox();
        for (let step = 1; step <= steps; step += 1) {
          await hook('next').click();
          await page.locator(`[data-testid="lesson"][data-step="${step}"]`).waitFor();
          const now = await hook('next').boundingBox();
          for (const side of ['x', 'y', 'width', 'height']) {
            assert.ok(Math.abs(now[side] - box[side]) <= 1, `step ${step} moved the button: ${side}`);
          }
        }
        await page.locator('[data-testid="next"]:disabled').waitFor();
        await hook('key-points').waitFor();
        const { position, last } = await look(page);
        assert.equal(position, last, 'the lesson ends with its run');
        assert.equal(await page.locator('[data-testid="steps"] > li').count(), steps);
      }));
  }

  for (const run of THOROUGHLY) {
    test(`${named(run)}: each position is the same however it is reached`, PATIENCE, () =>
      open(run, async (page) => {
        const { last } = await look(page);
        const every = Array.from({ length: last + 1 }, (_, position) => position);
        const forward = await digests(page, every, 'forward');
        assert.equal(new Set(forward).size, last + 1, 'no two positions are the same');
        assert.deepEqual((await digests(page, every.toReversed(), 'back')).toReversed(), forward);
        const jumps = every.filter((position) => position % 3 === 1).toReversed();
        assert.deepEqual(await digests(page, jumps, 'scrub'), jumps.map((position) => forward[position]), 'scrubbed');
        for (const position of [3, last, last >> 1]) {
          await follow(page, link({ ...run, event: position }), position);
          assert.equal((await look(page)).digest, forward[position], `linked to ${position}`);
        }
      }));
  }

  test('label, list, diagram and timeline stand at the same place', PATIENCE, () =>
    open({ id: 1 }, async (page, hook) => {
      for (const position of [1, 7, 30, 12]) {
        await scrub(page, position);
        const { label, last } = await look(page);
        assert.equal(label, `event ${position} of ${last}`);
        assert.equal(await hook('diagram').getAttribute('data-cursor'), String(position));
        const current = page.locator('[data-testid="event-list"] [aria-current="step"]');
        assert.equal(await current.getAttribute('aria-posinset'), String(position));
        const list = page.locator('[data-testid="event-list"] > li');
        assert.equal(await list.count(), position, 'the list holds what has happened');
      }
    }));
});
