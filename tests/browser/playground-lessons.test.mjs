// The playground's lessons in Chromium: they run to their ends by the Next button alone, forwards and backwards are the
// same, and before and after show what the lesson says.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { digests, follow, launch, link, look, PATIENCE, RUNS, scrub, serve, withPage } from './playground.mjs';

describe('lessons', () => {
  let browser;
  let site;
  before(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
  });
  after(() => Promise.all([browser?.close(), site?.stop()]));

  const open = (run, body, options = {}) => withPage(browser, site.url + link(run), options, body);

  for (const run of RUNS) {
    test(`lesson ${run.id}, ${run.variant}: Next alone ends it, and never moves`, PATIENCE, () =>
      open(run, async (page, hook) => {
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

    test(`lesson ${run.id}, ${run.variant}: each position is the same however it is reached`, PATIENCE, () =>
      open(run, async (page) => {
        const { last } = await look(page);
        const all = Array.from({ length: last + 1 }, (_, position) => position);
        const forward = await digests(page, all, 'forward');
        assert.equal(new Set(forward).size, last + 1, 'no two positions are the same');
        assert.deepEqual((await digests(page, all.toReversed(), 'back')).toReversed(), forward);
        const jumps = all.filter((position) => position % 3 === 1).toReversed();
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

  test('lesson 10: 37 bytes are thrown away after the fix, and parsed before it', PATIENCE, async () => {
    await open({ id: 10 }, async (page, hook) => {
      await hook('last').click();
      const tray = hook('tray');
      assert.equal(await tray.getAttribute('data-count'), '37');
      assert.equal(await tray.getAttribute('data-connection'), 'b1\u00b7g1');
      assert.equal(await hook('misread').count(), 0);
      assert.equal(await page.locator('.cell.foreign').count(), 0);
    });
    await open({ id: 10, variant: 'before' }, async (page, hook) => {
      await hook('last').click();
      assert.equal(await hook('tray').count(), 0);
      await hook('misread').first().waitFor();
      assert.equal(await page.locator('.misread .cell.foreign').count(), 37);
    });
  });

  for (const [id, rule] of [[2, 'I1'], [10, 'I6']]) {
    test(`lesson ${id}, side by side: ${rule} is broken before and holds after, behind the Split`, PATIENCE, () =>
      open({ id, variant: 'both' }, async (page, hook) => {
        await hook('last').click();
        const verdict = (side) =>
          page.locator(`[data-testid="rules-strip"] [data-side="${side}"] [data-rule="${rule}"]`).getAttribute('data-verdict');
        assert.equal(await verdict('before'), 'broken');
        assert.equal(await verdict('after'), 'holds');
        await hook('first').click();
        assert.equal(await verdict('before'), 'not exercised', 'nothing is judged before it happens');
        // The first difference is where the Split is pinned; before it both runs say the same.
        await page.keyboard.press('d');
        const { position } = await look(page);
        assert.ok(position > 1);
        assert.ok((await page.locator('.split').count()) > 0);
        await hook('view-list').click();
        const relations = page.locator('.row-relation');
        assert.ok((await relations.count()) >= 1, 'the row says how the runs differ');
      }));
  }

  test('a prediction is taken once, and the run answers it', PATIENCE, () =>
    open({ id: 1 }, async (page, hook) => {
      await hook('next').click();
      const options = page.locator('[data-testid="predict"][data-state="open"] .option');
      const texts = await options.allInnerTexts();
      const wrong = texts.findIndex((text) => !text.includes('ApiVersions'));
      await options.nth(wrong).click();
      const box = page.locator('[data-testid="predict"]');
      assert.equal(await box.getAttribute('data-state'), 'answered');
      assert.ok(await box.locator('.option').nth(wrong).isDisabled(), 'the first answer stands');
      await hook('next').click();
      await page.locator('[data-testid="lesson"][data-step="2"]').waitFor();
      const revealed = page.locator('[data-testid="predict"][data-state="revealed"]');
      assert.match(await revealed.locator('[data-right="true"]').innerText(), /ApiVersions/);
      assert.match(await revealed.locator('[data-right="false"]').innerText(), /not so/);
      assert.ok((await hook('why').innerText()).length > 20, 'and says why');
    }));

  test('states are drawn from the tables, and walked moves are counted', PATIENCE, () =>
    open({ id: 1 }, async (page, hook) => {
      await hook('toggle-rail').click();
      await hook('last').click();
      assert.equal(await hook('machine-lifecycle').getAttribute('data-state'), 'Started');
      assert.equal(await hook('machine-b1').getAttribute('data-state'), 'Ready');
      await hook('machine-lifecycle').locator('summary').click();
      const matrix = hook('matrix-lifecycle');
      const drawn = await hook('machine-lifecycle').locator('.edge').count();
      assert.equal(await matrix.locator('[data-legal="true"]').count(), drawn, 'the table and the graph agree');
      assert.equal(await matrix.locator('td.walked').count(), 2);
      assert.equal(await hook('machine-lifecycle').locator('.edge.walked').count(), 2);
    }));

  test('a field and its bytes point at each other, and the fields tile the message', PATIENCE, () =>
    open({ id: 1 }, async (page, hook) => {
      await hook('last').click();
      await page.getByTestId('toggle-rail').click();
      await page.locator('#tab-wire').click();
      const fields = page.locator('.field-button[data-start]');
      const count = await hook('hex').locator('.hex-bytes span').count();
      const covered = new Array(count).fill(0);
      for (const field of await fields.all()) {
        const start = Number(await field.getAttribute('data-start'));
        const end = Number(await field.getAttribute('data-end'));
        await field.hover();
        const hit = await page.locator('.hex-bytes .hit').evaluateAll((all) => all.map((one) => Number(one.dataset.byte)));
        assert.deepEqual(hit, Array.from({ length: end - start }, (_, i) => start + i));
        const holdsOthers = (await field.locator('.field-value').innerText()) === '' && end - start > 1;
        if (!holdsOthers) for (let byte = start; byte < end; byte += 1) covered[byte] += 1;
      }
      assert.ok(covered.every((times) => times === 1), `each byte belongs to one field: ${covered}`);
      await page.locator('.hex-bytes [data-byte="2"]').hover();
      assert.match(await page.locator('.field.hit').innerText(), /size/);
    }));
});
