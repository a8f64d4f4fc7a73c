// Before the first paint: the theme, by the same rule as src/platform/theme.rs. Afterwards: says why when the client
// cannot be loaded, instead of waiting for ever.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('playground.theme');
  } catch {
    // A browser that does not want to remember follows the system.
  }
  const dark = chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';

  const explain = (reason) => {
    const status = document.getElementById('loading-status');
    if (status) status.textContent = `The client could not be loaded: ${reason}`;
  };
  addEventListener('DOMContentLoaded', () => {
    if (typeof WebAssembly !== 'object') explain('this browser has no WebAssembly, or it is switched off.');
  });
  addEventListener('error', (event) => explain(event.message || 'a file is missing. Reload the page.'), true);
  addEventListener('unhandledrejection', (event) => explain(String(event.reason)));
})();
