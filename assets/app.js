// Optional comfort. Every page works without this file.
(() => {
  const $ = (s, f) => document.querySelectorAll(s).forEach(f);
  const code = document.querySelector('[data-auto]');

  // Show or hide the password
  $('[data-peek]', b => {
    const f = document.getElementById(b.dataset.peek), show = b.textContent, name = b.getAttribute('aria-label');
    const set = on => { f.type = on ? 'text' : 'password'; b.textContent = on ? b.dataset.hide : show; b.setAttribute('aria-label', on ? name.replace(show, b.dataset.hide) : name); };
    b.hidden = false;
    b.onclick = () => { set(f.type === 'password'); f.focus(); };
    f.form.addEventListener('submit', () => set(false));
  });

  // Copy, print
  $('[data-copy]', b => {
    const src = document.getElementById(b.dataset.copy);
    if (!navigator.clipboard) return;
    b.hidden = false;
    b.onclick = async () => {
      const text = src.value || [...(src.children.length ? src.children : [src])].map(e => e.textContent.trim()).join('\n');
      await navigator.clipboard.writeText(b.dataset.copy === 'key' ? text.replace(/\s/g, '') : text);
      b.closest('.actions').querySelector('[role=status]').textContent = b.dataset.done;
    };
  });
  $('[data-print]', b => { b.hidden = false; b.onclick = () => print(); });

  // One submit only
  $('form', f => f.addEventListener('submit', e => {
    if (f.dataset.sent) return e.preventDefault();
    const b = e.submitter;
    if (!b || !b.dataset.busy) return;
    f.dataset.sent = 1;
    b.setAttribute('aria-disabled', 'true');
    b.textContent = b.dataset.busy;
  }));
  addEventListener('pageshow', e => { if (e.persisted) location.reload(); });

  // Send a complete code that was pasted or filled in; never after an error, never while typing
  if (code && !code.hasAttribute('aria-invalid')) code.addEventListener('input', e => {
    const filled = !e.inputType || /^insert(FromPaste|ReplacementText)$/.test(e.inputType);
    if (filled && code.value.replace(/[\s-]/g, '').length === 6) code.form.requestSubmit();
  });
})();
