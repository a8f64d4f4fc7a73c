// The playground's lessons in Chromium: before and after show what the lesson says, questions take answers, and the panes beside agree.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch, LESSONS, link, look, named, PATIENCE, RUNS, serve, withPage } from './playground.mjs';

describe('lessons', () => {
  let browser;
  let site;
  before(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
  });
  after(() => Promise.all([browser?.close(), site?.stop()]));

  const open = (run, body, options = {}) => withPage(browser, site.url + link(run), options, body);

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

  for (const { id, rule } of LESSONS.filter(({ rule }) => rule)) {
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

  for (const run of RUNS.filter(({ variant, option }) => variant === 'after' && !option)) {
    test(`${named(run)}: every question takes one answer, and the run says whether it is right`, PATIENCE, async () => {
      // What was right, and what was chosen, by step. The second time each question gets the other kind of answer.
      const first = new Map();
      for (const time of [1, 2]) {
        await open(run, async (page, hook) => {
          const steps = Number(await hook('lesson').getAttribute('data-steps'));
          for (let step = 1; step <= steps; step += 1) {
            const asked = page.locator('[data-testid="predict"][data-state="open"]');
            let chosen;
            if (await asked.count()) {
              const texts = await asked.locator('.option-text').allInnerTexts();
              assert.ok(texts.length > 1, `step ${step} offers ${texts}`);
              const before = first.get(step);
              if (time === 1) chosen = texts.at(-1);
              else if (before.chosen === before.right) chosen = texts.find((text) => text !== before.right);
              else chosen = before.right;
              await asked.locator('.option').nth(texts.indexOf(chosen)).click();
              const answered = page.locator('[data-testid="predict"][data-state="answered"]');
              assert.ok(await answered.locator('.option').nth(texts.indexOf(chosen)).isDisabled(), 'the first answer stands');
            }
            await hook('next').click();
            await page.locator(`[data-testid="lesson"][data-step="${step}"]`).waitFor();
            if (chosen === undefined) continue;
            const revealed = page.locator('[data-testid="predict"][data-state="revealed"]');
            const right = await revealed.locator('[data-right="true"] .option-text').innerText();
            const words = (await revealed.locator('.option').allInnerTexts()).join(' ');
            assert.match(words, chosen === right ? /your answer, right/ : /your answer, not so/, `step ${step}`);
            assert.ok((await hook('why').innerText()).length > 20, 'and says why');
            if (time === 1) first.set(step, { chosen, right });
            else assert.equal(right, first.get(step).right, 'what is right does not depend on what was said');
          }
        });
      }
      assert.ok(first.size > 0, 'the lesson asks something');
    });
  }

  test('lesson 5: another moment to stop keeps the step, and is part of the link', PATIENCE, () =>
    open({ id: 5 }, async (page, hook) => {
      for (let step = 1; step <= 3; step += 1) {
        await hook('next').click();
        await page.locator(`[data-testid="lesson"][data-step="${step}"]`).waitFor();
      }
      const lengths = new Set();
      for (const [place, name] of (await hook('option').locator('option').allInnerTexts()).entries()) {
        await hook('option').selectOption(name);
        await page.waitForFunction((place) => document.querySelector('[data-testid="option"]').selectedIndex === place, place);
        await page.locator('[data-testid="lesson"][data-step="3"]').waitFor();
        assert.match(await page.locator('.step.current').innerText(), /0 sockets, 0 timers/);
        lengths.add((await look(page)).last);
      }
      assert.equal(lengths.size, 4, 'four different runs');
      await page.waitForFunction(() => location.hash.includes('o=4'));
    }));

  test('lesson 7: every move is found by keyboard, and what is illegal is refused and moves nothing', PATIENCE, () =>
    open({ id: 7 }, async (page, hook) => {
      await hook('toggle-rail').click();
      const steps = Number(await hook('lesson').getAttribute('data-steps'));
      for (let step = 1; step <= steps; step += 1) {
        await hook('next').click();
        await page.locator(`[data-testid="lesson"][data-step="${step}"]`).waitFor();
      }
      let done = 0;
      const press = async (name) => {
        await page.getByRole('button', { name, exact: true }).focus();
        await page.keyboard.press('Enter');
        done += 1;
        await page.locator(`[data-testid="hands"][data-done="${done}"]`).waitFor();
      };
      const machine = hook('machine-b1');
      const refused = async () => Number((await machine.innerText()).match(/, (\d+) refused/)?.[1] ?? 0);
      assert.match(await hook('hands-says').innerText(), /^8 of 13/);
      await press('Connected');
      const [before, state] = [await refused(), await machine.getAttribute('data-state')];
      await press('Connected');
      assert.equal(await refused(), before + 1, 'one more refusal');
      assert.equal(await machine.getAttribute('data-state'), state, 'and the same state');
      assert.match(await hook('event-list').locator('li').last().innerText(), /is not a legal move of a connection/);
      const received = (times) => Array.from({ length: times }, () => 'Received');
      for (const name of ['Disconnected', 'TimeoutFired', 'Disconnected', 'stop()', 'start()', 'Connected', 'Received', 'Disconnected']) await press(name);
      for (const name of ['TimeoutFired', 'Connected', ...received(4)]) await press(name);
      assert.match(await hook('hands-says').innerText(), /only one is missing: Ready to Authenticating/i);
      await press('TimeoutFired');
      assert.match(await hook('hands-says').innerText(), /^All 13 moves/);
      // The link names each move by a digit.
      await page.waitForFunction((done) => new RegExp(`[&#]h=[1-7]{${done}}(&|$)`).test(location.hash), done);
      const { digest } = await look(page);
      await page.reload();
      await page.locator(`[data-testid="hands"][data-done="${done}"]`).waitFor();
      assert.equal((await look(page)).digest, digest, 'the link holds what was done');
      await hook('hands-off').click();
      await page.locator('[data-testid="hands"][data-done="0"]').waitFor();
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
