import { launch, serve, link } from './playground.mjs';
const [,, spec, out='/tmp/shots'] = process.argv;
// spec: lesson:variant:step:width:scheme[:extra],...
const browser = await launch(); const site = await serve();
for (const one of spec.split(',')) {
  const [id, variant, step, width, scheme, option] = one.split(':');
  const context = await browser.newContext({ viewport: { width: +width, height: +width < 600 ? 780 : 860 }, reducedMotion: 'reduce', colorScheme: scheme });
  const page = await context.newPage();
  page.on('pageerror', (e) => console.log('ERR', one, e.message));
  await page.goto(site.url + link({ id: +id, variant }) + (option ? `&o=${option}` : ''));
  await page.getByTestId('question').waitFor();
  const steps = Number(await page.getByTestId('lesson').getAttribute('data-steps'));
  const n = step === 'end' ? steps : +step;
  for (let k = 1; k <= n; k += 1) { await page.getByTestId('next').click(); await page.locator(`[data-testid="lesson"][data-step="${k}"]`).waitFor(); }
  await page.waitForTimeout(150);
  await page.screenshot({ path: `${out}/${one.replaceAll(':', '-')}.png` });
  await context.close();
}
await browser.close(); await site.stop();
