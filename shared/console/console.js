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

  // What an operator signs. The app gives the digest, the passkey signs it, and the form is sent with the signature.
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), one => one.charCodeAt(0));
  const text = made => btoa(String.fromCharCode(...new Uint8Array(made))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
  const sign = async form => {
    const body = new URLSearchParams(new FormData(form));
    body.set('step', 'text');
    const answer = await fetch(form.action, {method: 'POST', body});
    if (!(answer.headers.get('Content-Type') || '').startsWith('application/json') || !answer.ok) return; // the page says why
    const asked = await answer.json();
    const own = asked.passkeys.filter(each => each.host === location.hostname);
    if (!own.length) return;
    const made = await navigator.credentials.get({publicKey: {
      rpId: location.hostname, challenge: bytes(asked.challenge), userVerification: 'required',
      allowCredentials: own.map(each => ({type: 'public-key', id: bytes(each.id)})),
    }});
    form.elements.at.value = asked.at;
    form.elements.credential.value = text(made.rawId);
    form.elements.signature.value =
      [made.response.clientDataJSON, made.response.authenticatorData, made.response.signature].map(text).join('.');
  };
  const make = async (form, {make: challenge, user, name}) => {
    const made = await navigator.credentials.create({publicKey: {
      rp: {id: location.hostname, name: 'Entra Responder'}, user: {id: bytes(user), name, displayName: name},
      challenge: bytes(challenge), pubKeyCredParams: [-7, -8, -257].map(alg => ({type: 'public-key', alg})),
      authenticatorSelection: {userVerification: 'required', residentKey: 'preferred'}, attestation: 'none',
    }});
    form.elements.credential.value = text(made.rawId);
    form.elements.client.value = text(made.response.clientDataJSON);
    form.elements.attestation.value = text(made.response.attestationObject);
  };
  addEventListener('submit', event => {
    const form = event.target, signed = form.querySelector('[data-sign]'), made = form.querySelector('[data-make]');
    if ((!signed && !made) || form.dataset.sent) return;
    event.preventDefault();
    const pressed = event.submitter, refused = document.querySelector('[data-refused]');
    refused.hidden = true;
    if (pressed && pressed.name) {
      const chosen = all('[data-pressed]', form)[0] || form.appendChild(document.createElement('input'));
      Object.assign(chosen, {type: 'hidden', name: pressed.name, value: pressed.value}).dataset.pressed = '';
    }
    form.dataset.sent = '1';
    (signed ? sign(form) : make(form, made.dataset)).then(() => form.submit(), () => {
      delete form.dataset.sent;
      refused.hidden = false;
      refused.scrollIntoView({block: 'center'});
    });
  });

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
