// What the pages do beyond links and forms. All of them are right without this file.
"use strict";
(() => {
  const root = document.documentElement;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const kept = {
    get: name => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* Private windows keep nothing. */ } },
  };
  root.dataset.js = "";

  // The scheme: the system's, unless one was chosen.
  const chosen = kept.get("theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  const ready = () => {
    for (const button of all("[data-theme-toggle]")) {
      button.addEventListener("click", () => {
        const dark = root.dataset.theme
          ? root.dataset.theme === "dark"
          : matchMedia("(prefers-color-scheme: dark)").matches;
        root.dataset.theme = dark ? "light" : "dark";
        kept.set("theme", root.dataset.theme);
      });
    }
    tips();
    kinds();
    steps();
    live();
    tabs();
    lights();
    for (const button of all("[data-copy]")) copies(button);
    for (const form of all("form[data-submit]")) {
      form.addEventListener("change", () => form.requestSubmit());
    }
    keys();
  };

  const line = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  // Hints of charts, for the pointer and for the keyboard: `head|line|line`.
  const tips = () => {
    const tip = Object.assign(document.createElement("div"), { className: "tip", hidden: true });
    document.body.append(tip);
    const hide = () => { tip.hidden = true; };
    for (const mark of all("[data-tip]")) {
      const show = () => {
        const [head, ...lines] = mark.dataset.tip.split("|");
        tip.replaceChildren(line("b", head), ...lines.map(text => line("div", text)));
        tip.hidden = false;
        const box = mark.getBoundingClientRect();
        tip.style.left = `${Math.max(4, Math.min(innerWidth - tip.offsetWidth - 4, box.left))}px`;
        tip.style.top = `${Math.max(4, box.top - tip.offsetHeight + 20)}px`;
      };
      mark.addEventListener("pointerenter", show);
      mark.addEventListener("focus", show);
      mark.addEventListener("pointerleave", hide);
      mark.addEventListener("blur", hide);
    }
    addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  };

  // Kinds of activity of a person, switched off without asking the server.
  const kinds = () => {
    const form = one("[data-kinds]");
    if (!form) return;
    form.addEventListener("change", () => {
      for (const box of all("[data-kind]", form)) {
        for (const item of all(`[data-k="${box.dataset.kind}"]`)) item.hidden = !box.checked;
      }
      history.replaceState(null, "", `?${new URLSearchParams(new FormData(form))}`);
    });
  };

  // A session's steps: fetched one at a time, so that none of the others' bodies has to be here.
  const steps = () => {
    const detail = one("[data-detail]");
    if (!detail) return;
    const show = async (address, remember) => {
      let answer;
      try { answer = await fetch(address, { headers: { "X-Usage-Step": "1" } }); } catch { /* Below. */ }
      if (!answer || !answer.ok) { location.href = address; return; }
      const there = new DOMParser().parseFromString(await answer.text(), "text/html");
      const shown = one("[data-detail]", there);
      if (!shown) { location.href = address; return; }
      detail.replaceChildren(...shown.childNodes);
      const current = one(".step[aria-current]", there);
      for (const step of all(".step")) {
        if (current && step.getAttribute("href") === current.getAttribute("href")) step.setAttribute("aria-current", "step");
        else step.removeAttribute("aria-current");
      }
      if (remember) history.pushState(null, "", address);
      const focused = one(".stepd", detail);
      if (focused) focused.focus({ preventScroll: innerWidth > 1100 });
    };
    document.addEventListener("click", event => {
      const link = event.target.closest("a[data-step]");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      show(link.href, true);
    });
    addEventListener("popstate", () => show(location.href, false));
  };

  // Live: rows come as HTML from the server that wrote the page, each with its id; after a break the browser says the
  // last it has had. Paused, they wait.
  const live = () => {
    const body = one("tbody[data-live], [data-live] tbody");
    if (!body) return;
    const source = body.closest("[data-live]").dataset.live;
    const pause = one("[data-pause]");
    const newer = one("[data-newer]");
    const state = one("[data-conn]");
    const most = 200;
    const waiting = [];
    let paused = new URL(location.href).searchParams.get("paused") === "1";
    const add = row => {
      const nothing = one("[data-none]");
      if (nothing) nothing.hidden = true;
      body.prepend(row);
      row.classList.add("fresh-row");
      setTimeout(() => row.classList.remove("fresh-row"), 900);
      while (body.children.length > most) body.lastElementChild.remove();
    };
    const set = now => {
      paused = now;
      const address = new URL(location.href);
      if (paused) address.searchParams.set("paused", "1"); else address.searchParams.delete("paused");
      history.replaceState(null, "", address);
      if (pause) {
        pause.setAttribute("aria-pressed", String(paused));
        const word = one("span", pause);
        if (word) word.textContent = paused ? "Go on" : "Pause";
      }
      if (!paused) {
        waiting.splice(0).forEach(add);
        if (newer) newer.hidden = true;
      }
    };
    if (pause) pause.addEventListener("click", () => set(!paused));
    if (newer) newer.addEventListener("click", () => set(false));
    set(paused);
    const events = new EventSource(source);
    const say = (class_, text) => {
      if (!state) return;
      state.className = class_;
      const words = one("[data-words]", state);
      if (words) words.textContent = text;
    };
    events.addEventListener("open", () => say("fresh", "Connected"));
    events.addEventListener("error", () => say("fresh lost", events.readyState === EventSource.CLOSED
      ? "Not connected. Load the page again."
      : "Not connected. Trying again; what was missed comes with the next connection."));
    events.addEventListener("message", event => {
      const holder = document.createElement("template");
      holder.innerHTML = event.data;
      for (const row of [...holder.content.children]) {
        if (!paused) { add(row); continue; }
        waiting.push(row);
        if (waiting.length > most) waiting.shift();
        if (newer) {
          newer.hidden = false;
          newer.textContent = `${waiting.length} new, show`;
        }
      }
    });
    addEventListener("pagehide", () => events.close());
  };

  // The lights of a project without events: the server says which have come on, and what it saw.
  const lights = () => {
    const list = one("[data-lights]");
    if (!list) return;
    const events = new EventSource(list.dataset.lights);
    events.addEventListener("message", event => {
      const { light, said, done } = JSON.parse(event.data);
      const item = light && one(`[data-light="${light}"]`, list);
      if (item) {
        item.classList.add("on");
        const words = one("div > span", item);
        if (words && said) words.textContent = said;
      }
      const next = one("[data-light]:not(.on)", list);
      for (const other of all("[data-light]", list)) other.classList.toggle("next", other === next);
      if (done) {
        events.close();
        for (const hidden of all("[data-done]")) hidden.hidden = false;
      }
    });
    addEventListener("pagehide", () => events.close());
  };

  // Tabs, by arrows too. Without script all panels are there.
  const tabs = () => {
    for (const list of all("[role=tablist]")) {
      const buttons = all("[role=tab]", list);
      const open = chosen => {
        for (const button of buttons) {
          const mine = button === chosen;
          button.setAttribute("aria-selected", String(mine));
          button.tabIndex = mine ? 0 : -1;
          const panel = document.getElementById(button.getAttribute("aria-controls"));
          if (panel) panel.hidden = !mine;
        }
      };
      buttons.forEach((button, place) => {
        button.addEventListener("click", () => open(button));
        button.addEventListener("keydown", event => {
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (!step) return;
          const next = buttons[(place + step + buttons.length) % buttons.length];
          open(next);
          next.focus();
        });
      });
      if (buttons.length) open(buttons.find(button => button.getAttribute("aria-selected") === "true") || buttons[0]);
    }
  };

  const copies = button => button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy);
    if (!text) return;
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      // A page over plain http may not write there: the text is selected instead.
      getSelection().selectAllChildren(text);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });

  // Single keys, which can be switched off.
  const keys = () => {
    const help = one("#help");
    const off = one("#keys-off");
    if (off) {
      off.checked = kept.get("keys") === "off";
      off.addEventListener("change", () => kept.set("keys", off.checked ? "off" : "on"));
    }
    for (const button of all("[data-help]")) button.addEventListener("click", () => help && help.showModal());
    addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey || (off && off.checked)) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || (help && help.open)) return;
      const press = selector => { const target = one(selector); if (target) target.click(); };
      if (event.key === "/") {
        const field = one("main input[type=search]") || one("#find");
        if (field) { event.preventDefault(); field.focus(); }
      } else if (event.key === "?" && help) help.showModal();
      else if (event.key === "p") press("[data-pause]");
      else if (event.key === "j") press("a[data-step=next]");
      else if (event.key === "k") press("a[data-step=previous]");
    });
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
