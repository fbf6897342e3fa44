/* Entra Responder console. Everything here is a convenience: without it each page and each act works the same. */
(() => {
  'use strict';
  const all = (what, where = document) => [...where.querySelectorAll(what)];

  // Copy an id. The button is hidden where there is no script; the id itself is selected whole by one tap.
  for (const button of all('[data-copy]')) {
    button.hidden = false;
    const label = button.textContent;
    button.addEventListener('click', async () => {
      try { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = button.dataset.done; }
      catch { getSelection().selectAllChildren(button.closest('.who').querySelector('.id')); }
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }

  // One act, once. The button keeps its place and size, says that it is busy, and comes back if nothing answers.
  addEventListener('submit', event => {
    const form = event.target;
    if (form.method !== 'post') return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = '1';
    const buttons = all('button', form);
    for (const button of buttons) button.setAttribute('aria-disabled', 'true');
    setTimeout(() => {
      delete form.dataset.sent;
      for (const button of buttons) button.removeAttribute('aria-disabled');
    }, 15000);
  });
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); }); // never an old page from the cache

  // Keys move and focus; no key acts by itself.
  addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input,textarea,select')) return;
    const rows = all('.list .w'), at = rows.indexOf(document.activeElement), key = event.key;
    const focus = what => { const found = document.querySelector(what); if (found) { event.preventDefault(); found.focus(); } };
    if (key === 'j' || key === 'k') {
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (key === 'j' ? 1 : -1)))];
      if (next) { event.preventDefault(); next.focus(); }
    } else if (key === '/') focus('input[type=search]');
    else if (key === 'a') focus('.ack button, .ack a');
    else if (key === 'n') focus('.next .btn');
    else if (key === 'u') focus('.up');
  });
})();
