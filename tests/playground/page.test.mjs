// The playground as a page in Chromium: links, keys, live region, widths, themes, motion.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { arrive, follow, launch, link, look, PATIENCE, RUNS, serve, withPage } from './playground.mjs';

describe('the page', () => {
  let browser;
  let site;
  before(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
  });
  after(() => Promise.all([browser?.close(), site?.stop()]));

  const open = (fragment, body, options = {}) => withPage(browser, site.url + fragment, options, body);

  test('the first visit is calm: one question, at rest', PATIENCE, () =>
    open('', async (page, hook) => {
      assert.match(await hook('question').innerText(), /start\(\)/);
      assert.equal((await look(page)).position, 0);
      assert.equal(await hook('next').innerText(), 'Begin');
      assert.equal(await hook('rail').count(), 0, 'no pane is open');
      await page.waitForTimeout(600);
      assert.equal((await look(page)).position, 0, 'nothing plays by itself');
      assert.equal(await page.evaluate(() => location.hash), '', 'the address stays as it was');
    }));

  test('a bad link shows what is wrong, and no lesson before a choice', PATIENCE, async () => {
    const whole = '#v=1&k=00000000&l=10&c=both&e=42';
    // One page for all of them: each link is opened as if it had been typed.
    const pages = [];
    const visit = (fragment, body) => pages.push([fragment, body]);
    for (const [fragment, reason] of [
      [whole, /edited or cut/],
      ['#v=1', /names no lesson/],
      ['#v=2&l=1', /version/],
      ['#v=1&l=77', /no lesson 77/],
      ['#v=1&l=1&c=both', /no run with a defect/],
      ['#v=1&l=1&e=99999', /ends after event/],
      ['#v=1&l=1&what=4', /has no meaning/],
      ['#nonsense', /does not begin/],
    ]) {
      visit(fragment, async (page, hook) => {
        await hook('link-error').waitFor();
        assert.match(await hook('link-error').innerText(), reason, fragment);
        assert.equal(await hook('lesson').count(), 0, `${fragment} shows a lesson`);
        assert.equal(await hook('stage').count(), 0, `${fragment} shows a stage`);
        assert.equal(await page.evaluate(() => location.hash), fragment, 'the link is left as it was');
        assert.ok(await hook('open-readable').isVisible());
        await hook('start-lesson').click();
        await hook('question').waitFor();
        await hook('lesson').waitFor();
        assert.equal((await look(page)).position, 0);
      });
    }
    visit(whole, async (page, hook) => {
      await hook('open-readable').click();
      await arrive(page, 42);
      assert.equal(await page.locator('.pane').count(), 2, 'side by side, as the rest of the link says');
    });
    await open('', (page, hook) => inTurn(page, hook, pages));
  });

  test('cut links are noticed, and a whole one opens its place', PATIENCE, async () => {
    const shared = await open(link({ id: 10, variant: 'before', event: 20 }), async (page, hook) => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
      await hook('share').click();
      await page.waitForFunction(() => document.querySelector('[data-testid="share"]').innerText.includes('copied'));
      return page.evaluate(() => navigator.clipboard.readText());
    });
    const fragment = new URL(shared).hash;
    assert.match(fragment, /^#v=1&k=[0-9a-f]{8}&l=10&c=before&e=20$/);
    await open(fragment, async (page) => assert.equal((await look(page)).position, 20));
    const cuts = [];
    for (let cut = 2; cut < fragment.length; cut += 3) {
      cuts.push([fragment.slice(0, cut), async (page, hook) => hook('link-error').waitFor()]);
    }
    await open('', (page, hook) => inTurn(page, hook, cuts));
  });

  test('changing the link in place opens the new place, and Back leaves the lesson, not the step', PATIENCE, () =>
    open('', async (page, hook) => {
      await hook('lesson-2').click();
      await page.waitForFunction(() => location.hash.includes('l=2'));
      await hook('forward').click();
      await hook('forward').click();
      await page.waitForFunction(() => location.hash.includes('e=2'));
      await hook('lesson-10').click();
      await page.waitForFunction(() => location.hash.includes('l=10'));
      await page.goBack();
      await page.locator('[data-testid="lesson-2"][aria-pressed="true"]').waitFor();
      await arrive(page, 2);
      await page.goBack();
      await page.locator('[data-testid="lesson-1"][aria-pressed="true"]').waitFor();
      await follow(page, link({ id: 10, event: 5 }), 5);
      assert.match(await hook('question').innerText(), /message/);
    }));

  test('keys step, seek, play and switch, and leave inputs alone', PATIENCE, () =>
    open(link({ id: 1 }), async (page, hook) => {
      const { last } = await look(page);
      const press = async (key, position) => {
        await page.keyboard.press(key);
        await arrive(page, position);
      };
      await press('ArrowRight', 1);
      await press('ArrowRight', 2);
      await press('ArrowLeft', 1);
      await press('PageDown', 11);
      await press('PageUp', 1);
      await press('End', last);
      await press('Home', 0);
      await press('Shift+ArrowRight', 2);
      await page.keyboard.press('t');
      await page.locator('[data-testid="view-list"][aria-pressed="true"]').waitFor();
      await page.keyboard.press('t');
      await page.locator('[data-testid="view-diagram"][aria-pressed="true"]').waitFor();
      await page.keyboard.press('5');
      await page.locator('[data-testid="rail"][data-tab="rules"]').waitFor();
      await page.keyboard.press('Escape');
      await hook('rail').waitFor({ state: 'detached' });
      await page.keyboard.press('Home');
      await page.keyboard.press('Space');
      await arrive(page, 2);
      await page.keyboard.press('Space');
      const { position } = await look(page);
      await page.waitForTimeout(900);
      assert.equal((await look(page)).position, position, 'paused');
      // On a button, Space presses the button.
      await hook('forward').focus();
      await page.keyboard.press('Space');
      await arrive(page, position + 1);
      // The timeline is a native range: its own keys move it by one.
      await hook('scrub').focus();
      await press('ArrowRight', position + 2);
    }));

  test('a lesson can be done by keyboard alone', PATIENCE, () =>
    open(link({ id: 2 }), async (page, hook) => {
      const steps = Number(await hook('lesson').getAttribute('data-steps'));
      await hook('next').focus();
      for (let step = 1; step <= steps; step += 1) {
        const outline = await hook('next').evaluate((button) => getComputedStyle(button).outlineStyle);
        assert.equal(outline, 'solid', 'the focus can be seen');
        await page.keyboard.press('Enter');
        await page.locator(`[data-testid="lesson"][data-step="${step}"]`).waitFor();
      }
      await hook('key-points').waitFor();
    }));

  test('single keys can be switched off, and arrows still work', PATIENCE, () =>
    open(link({ id: 1 }), async (page, hook) => {
      await hook('help').click();
      await hook('keys-on').uncheck();
      await page.keyboard.press('Escape');
      await hook('stage-scroll').focus();
      await page.keyboard.press('t');
      assert.equal(await hook('view-diagram').getAttribute('aria-pressed'), 'true');
      await page.keyboard.press('ArrowRight');
      await arrive(page, 1);
    }));

  test('each step is announced with the sentence of the list', PATIENCE, () =>
    open(link({ id: 10 }), async (page) => {
      for (let position = 1; position <= 20; position += 1) {
        await page.keyboard.press('ArrowRight');
        await arrive(page, position);
        const sentence = (
          await page.locator('[data-testid="event-list"] [aria-current="step"] .row-words').textContent()
        ).trim();
        await page.waitForFunction(
          (sentence) => document.querySelector('[data-testid="announcer"]').textContent === sentence,
          sentence,
        );
      }
    }));

  for (const width of [320, 360, 900, 1280]) {
    test(`${width} px: no page scrolls sideways, and the timeline stays in sight`, PATIENCE, async () => {
      const places = [...RUNS.map(link), '#v=1&m=live', '#v=1'];
      await open('', async (page, hook) => {
        for (const place of places) {
          await page.evaluate((place) => (location.hash = place), place);
          const shown = place.includes('m=live') ? 'live' : place === '#v=1' ? 'link-error' : 'lesson';
          await hook(shown).waitFor();
          if (shown === 'lesson') {
            await page.keyboard.press('End');
            for (const view of ['view-diagram', 'view-list']) {
              await hook(view).click();
              assert.equal(await sideways(page), 0, `${place}, ${view}`);
            }
            const box = await hook('scrub').boundingBox();
            assert.ok(box.y + box.height <= 800 && box.x >= 0 && box.x + box.width <= width, 'the timeline is in sight');
          }
          assert.equal(await sideways(page), 0, place);
        }
      }, { viewport: { width, height: 800 } });
    });
  }

  /** Opens one link after the other in the same page. */
  async function inTurn(page, hook, visits) {
    for (const [fragment, body] of visits) {
      await page.goto('about:blank');
      await page.goto(site.url + fragment);
      await body(page, hook);
    }
  }

  const sideways = (page) =>
    page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));

  test('the theme follows the system until one is chosen, and the choice is remembered', PATIENCE, () =>
    open('', async (page, hook) => {
      const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
      assert.equal(await theme(), 'dark');
      await page.emulateMedia({ colorScheme: 'light' });
      await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
      await hook('theme').click();
      await hook('theme').click();
      assert.equal(await theme(), 'dark');
      await page.reload();
      await hook('question').waitFor();
      assert.equal(await theme(), 'dark');
      assert.equal(await hook('theme').getAttribute('aria-label'), 'Theme: dark');
    }, { colorScheme: 'dark' }));

  test('with reduced motion nothing moves', PATIENCE, () =>
    open(link({ id: 10 }), async (page, hook) => {
      for (let step = 0; step < 3; step += 1) {
        await hook('next').click();
        await page.locator(`[data-testid="lesson"][data-step="${step + 1}"]`).waitFor();
        assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
      }
    }));

  test('a paused page does nothing', PATIENCE, () =>
    open(link({ id: 1, event: 10 }), async (page) => {
      await page.waitForTimeout(1_500);
      await page.evaluate(() => {
        window.calls = 0;
        for (const name of ['setTimeout', 'setInterval', 'requestAnimationFrame']) {
          const real = window[name];
          window[name] = (...args) => {
            window.calls += 1;
            return real.apply(window, args);
          };
        }
      });
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      assert.equal(await page.evaluate(() => window.calls), 0);
    }));
});
