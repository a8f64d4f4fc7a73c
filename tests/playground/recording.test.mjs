// Recordings in Chromium, as `cargo xtask soak` writes them: opened by link and by file, shown with what they break, and
// refused with the reason when they were damaged.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { arrive, launch, look, PATIENCE, serve, withPage } from './playground.mjs';

// A client that is broken on purpose: a start that fails leaves its socket behind.
const BROKEN =
  'v=1&s=00000001&w=nodes:1/from:1/topic:orders:1/client:producer:acks=idempotent:linger=0:connect=10000:request=1000' +
  ':defect=no-rollback/net:1000:1000:whole&x=silent:n1@0,T1:start:500@0&k=CHECKSUM';
// The same client without its mistake.
const SOUND = BROKEN.replace(':defect=no-rollback', '');

/** CRC-32 as zip has it. */
function crc32(text) {
  let crc = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

const signed = (text) => text.replace('CHECKSUM', crc32(text.split('&k=')[0]));

describe('recordings', () => {
  let browser;
  let site;
  before(async () => {
    [browser, site] = await Promise.all([launch(), serve()]);
  });
  after(() => Promise.all([browser?.close(), site?.stop()]));

  const file = (text) => ({ name: '17.recording', mimeType: 'text/plain', buffer: Buffer.from(`${text}\n`) });

  test('a link opens a run, and its steps go to what it breaks', PATIENCE, () =>
    withPage(browser, `${site.url}#${signed(BROKEN)}`, {}, async (page, hook) => {
      assert.match(await hook('lesson').innerText(), /Recording[\s\S]*1 broker, 1 client and 2 choices/i);
      const steps = Number(await hook('lesson').getAttribute('data-steps'));
      assert.ok(steps >= 2, `${steps} steps`);
      for (let step = 1; step <= steps; step += 1) {
        await hook('next').click();
        await page.locator(`[data-testid="lesson"][data-step="${step}"]`).waitFor();
      }
      assert.match(await hook('steps').innerText(), /I3: /);
      const { position, last, digest } = await look(page);
      assert.equal(position, last);
      await page.keyboard.press('Home');
      await arrive(page, 0);
      await page.keyboard.press('End');
      await arrive(page, last);
      assert.equal((await look(page)).digest, digest, 'the same however it is reached');
      assert.ok(page.url().endsWith(signed(BROKEN)), 'the address still names the run');
      await hook('lesson-1').click();
      await page.locator('h1', { hasText: 'What does start() really do?' }).waitFor();
      assert.match(page.url(), /#v=1&k=[0-9a-f]{8}&l=1$/);
    }));

  test('a file opens, becomes a link, and another one follows it', PATIENCE, () =>
    withPage(browser, site.url, {}, async (page, hook) => {
      await hook('recording-file').setInputFiles(file(signed(SOUND)));
      await page.locator('h1', { hasText: 'What happened here?' }).waitFor();
      assert.equal(await hook('lesson').getAttribute('data-steps'), '1', 'it breaks nothing');
      await page.waitForURL((url) => url.hash === `#${signed(SOUND)}`);
      await hook('recording-file').setInputFiles(file(signed(BROKEN)));
      await page.locator('[data-testid="lesson"]:not([data-steps="1"])').waitFor();
      await page.goBack();
      await page.locator('[data-testid="lesson"][data-steps="1"]').waitFor();
    }));

  test('a damaged recording says so, and nothing else is opened in its place', PATIENCE, () =>
    withPage(browser, site.url, {}, async (page, hook) => {
      await hook('recording-file').setInputFiles(file(signed(BROKEN).replace('T1', 'T2')));
      await page.locator('[data-testid="recording-error"]', { hasText: 'checksum' }).waitFor();
      assert.equal(await hook('lesson').count(), 0);
      await page.getByRole('button', { name: 'Start lesson 1' }).click();
      await hook('lesson').waitFor();
    }));
});
