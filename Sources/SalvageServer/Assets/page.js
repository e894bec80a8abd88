// Improves pages that work without it: local times, copied commands, filters that apply themselves, live figures, live search.
"use strict";
(() => {
  const base = document.body.dataset.base;
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  // Times in the reader's zone; the title keeps UTC.
  const two = (n) => String(n).padStart(2, "0");
  const localTimes = (root) => {
    for (const element of all("time[datetime]", root)) {
      const at = new Date(element.dateTime);
      if (isNaN(at) || element.title) continue;
      element.title = element.textContent;
      element.textContent = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ` +
        `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
    }
  };
  const zone = document.getElementById("zone");
  const say = () => {
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone || "your zone";
    if (zone) zone.textContent = `Times are local (${name}); point at one for UTC.`;
  };
  localTimes(document);
  say();

  // Commands.
  if (navigator.clipboard) {
    for (const button of all("[data-copy]")) {
      button.hidden = false;
      const word = button.firstChild;
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(button.previousElementSibling.textContent);
          word.textContent = "Copied";
        } catch {
          word.textContent = "Not copied";
        }
        setTimeout(() => { word.textContent = "Copy"; }, 2000);
      });
    }
  }

  // Filters: a choice applies itself, and empty fields stay out of the address.
  const bare = (form) => {
    const items = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "") items.append(name, value);
    return items;
  };
  for (const form of all("form[data-auto]")) {
    const go = () => {
      const items = String(bare(form));
      location.assign(form.getAttribute("action") + (items ? "?" + items : ""));
    };
    form.addEventListener("submit", (event) => { event.preventDefault(); go(); });
    form.addEventListener("change", (event) => { if (event.target.matches("select,[type=checkbox]")) go(); });
  }

  // Live figures: the page is asked for again when something happened, and at least every minute.
  const live = document.querySelector("[data-live]");
  if (live) {
    let waiting = null;
    const refresh = async () => {
      waiting = null;
      if (document.hidden) return;
      try {
        const response = await fetch(location.href, { headers: { Accept: "text/html" } });
        if (!response.ok) return;
        const page = new DOMParser().parseFromString(await response.text(), "text/html");
        const fresh = page.querySelector("[data-live]");
        if (!fresh) return;
        const open = [...all("details", live)].map((element) => element.open);
        const focused = live.contains(document.activeElement);
        if (focused) return;
        localTimes(fresh);
        live.replaceChildren(...fresh.childNodes);
        all("details", live).forEach((element, index) => { element.open = open[index] === true; });
        word();
      } catch { /* The next refresh tries again. */ }
    };
    const word = () => {
      const element = live.querySelector("[data-live-word]");
      if (element) element.textContent = "Updates itself.";
    };
    const soon = (after) => { if (waiting === null) waiting = setTimeout(refresh, after); };
    word();
    setInterval(() => soon(0), 60000);
    if (window.EventSource) {
      const events = new EventSource(base + "/api/v1/events");
      events.onmessage = () => soon(1000);
      for (const kind of ["new", "returned", "crash", "session", "spike", "lost", "absent", "deadline"]) {
        events.addEventListener(kind, () => soon(1000));
      }
    }
  }

  // Uploads: a PUT of the file itself.
  for (const form of all("form[data-upload]")) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      const file = form.elements.file.files[0];
      if (!file) return;
      event.preventDefault();
      const status = form.querySelector("[data-status]");
      status.textContent = "Uploading…";
      try {
        const headers = { "X-Salvage-Token": form.elements.form_token.value, "Content-Type": "application/octet-stream" };
        const response = await fetch(form.dataset.upload, { method: "PUT", headers, body: file });
        const answer = await response.json().catch(() => ({}));
        if (!response.ok) throw new Error(answer.message || response.statusText);
        status.textContent = "Added. Reload to see what is still missing.";
      } catch (error) {
        status.textContent = "Not added: " + error.message;
      }
    });
  }

  // Live search: the API's lines as they are found. Without this script the server renders the first results.
  const search = document.querySelector("form[data-search]");
  if (!search) return;
  const hits = document.getElementById("hits");
  const status = document.getElementById("search-status");
  const most = 500;
  let running = null;
  // The text, and the bytes that its escapes stand for, arrive as ripgrep's messages have them.
  const bytes = (data) => data.text !== undefined ? data.text
    : new TextDecoder().decode(Uint8Array.from(atob(data.bytes || ""), (c) => c.charCodeAt(0)));
  // What hides or reorders text is shown as an escape, as on all pages.
  const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;
  const plain = (text) => text.replace(/\r?\n$/, "").replace(hidden, (c) => {
    const code = c.codePointAt(0).toString(16);
    return c < "\u0080" ? "\\x" + code.padStart(2, "0") : `\\u{${code}}`;
  });
  const segment = (id) => (id === "." || id === ".." || id.startsWith("~") ? "~" : "") + encodeURIComponent(id);
  const marked = (text, spans) => {
    const span = make("span");
    const encoded = new TextEncoder().encode(text);
    const decode = (from, to) => plain(new TextDecoder().decode(encoded.slice(from, to)));
    let at = 0;
    for (const { start, end } of spans) {
      if (start < at || end > encoded.length) continue;
      span.append(decode(at, start), make("mark", decode(start, end)));
      at = end;
    }
    span.append(decode(at, encoded.length));
    return span;
  };
  const run = async (items) => {
    if (running) running.abort();
    const mine = running = new AbortController();
    hits.replaceChildren();
    for (const element of all("[data-server-result]")) element.remove();
    status.textContent = "Searching…";
    let lines = 0, sessions = 0, last = null, group = null, list = null, summary = null, problem = null;
    const show = (message) => {
      const { type, data } = message;
      if (type === "begin") {
        list = null;
        const session = data.session || "";
        if (session !== last) {
          last = session;
          sessions += 1;
          group = make("div", undefined, "hit");
          const heading = make("h2"), link = make("a", plain(session));
          link.href = base + "/sessions/" + segment(session);
          const note = [data.tag, data.location].filter(Boolean).map(plain).join(", ");
          heading.append(link, " ", make("span", note, "muted"));
          group.append(heading);
          hits.append(group);
        }
        const path = make("p", undefined, "muted");
        const name = plain(bytes(data.path || {}));
        path.append(make("code", name));
        list = make("ol", undefined, "log");
        list.tabIndex = 0;
        list.setAttribute("aria-label", name);
        group.append(path, list);
      } else if ((type === "match" || type === "context") && list) {
        const item = make("li");
        if (type === "match") { lines += 1; item.className = "at"; }
        const text = bytes(data.lines || {});
        const spans = data.lines && data.lines.text !== undefined ? (data.submatches || []) : [];
        item.append(make("span", data.line_number === undefined ? "" : String(data.line_number), "no"), marked(text, spans));
        list.append(item);
      } else if (type === "summary") {
        summary = data;
      } else if (message.error === true || type === "error") {
        problem = message.message || (data && data.message) || "the search failed";
      }
    };
    try {
      const response = await fetch(search.dataset.search + "?" + items, { signal: mine.signal });
      if (!response.ok) throw new Error((await response.json().catch(() => ({}))).message || response.statusText);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "", cut = false;
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const parts = (rest + value).split("\n");
        rest = parts.pop();
        for (const part of parts) if (part) show(JSON.parse(part));
        status.textContent = `${lines} lines in ${sessions} sessions so far…`;
        if (lines >= most) { cut = true; mine.abort(); break; }
      }
      status.textContent = problem ? "Stopped: " + problem
        : `${lines} ${lines === 1 ? "line" : "lines"} in ${sessions} ${sessions === 1 ? "session" : "sessions"}` +
          (cut ? `; the first ${most} are shown, the command below finds all.` : ".");
    } catch (error) {
      if (mine === running && error.name !== "AbortError") status.textContent = "Not searched: " + error.message;
    }
  };
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    const items = bare(search);
    // Lines of all sessions by time: the server sorts them.
    if (items.get("sort") === "time") { location.assign(search.getAttribute("action") + "?" + items); return; }
    history.pushState(null, "", search.getAttribute("action") + "?" + items);
    asked = location.search;
    run(items);
  });
  // The link to the content changes the address, too, but not the search.
  let asked = location.search;
  addEventListener("popstate", () => { if (location.search !== asked) location.reload(); });
})();
