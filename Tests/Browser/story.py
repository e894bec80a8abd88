#!/usr/bin/env python3
"""Drives headless Chromium through the pages of a running `salvage serve`. Starts no server.

    story.py story   BASE FOLDER FACTS   what a team does, from a new crash to its ticket
    story.py hostile BASE FOLDER FACTS   every page that can be reached: hostile text stays text
    story.py shots   BASE FOLDER [FACTS] small pictures of each screen, light, dark and 390 pixels wide

BASE is the server's address, FOLDER takes the pictures. FACTS is a JSON file:
    player      a text in the logs, once or more in each of `players` sessions
    players     the number of these sessions
    fixed_in    the build in which the story's new crash is marked as fixed
    builds      two builds to compare
    texts       hostile texts, each of which some page must show
Ends with 0 if all is as it should be, else prints what is not and ends with 1. Needs chromium, chromedriver and selenium.
"""
import json
import os
import re
import sys
import time
import unicodedata
from urllib.parse import quote, urljoin, urlsplit

from palette import shrink
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

VARIANTS = {"light": (1280, "light"), "dark": (1280, "dark"), "phone": (390, "light")}
SCREENS = {
    "now": "/", "crashes": "/crashes", "builds": "/builds", "sessions": "/sessions", "search": "/search",
    "collection": "/collection", "symbols": "/symbols", "missing": "/sessions/no-such-session",
}
WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.__violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""
# What a page must keep so that people who do not see it, or do not use a mouse, can use it: a list of what is wrong.
AUDIT = r"""
const faults = [];
const all = (selector) => [...document.querySelectorAll(selector)];
const isShown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
const about = (e) => e.outerHTML.replace(/\s+/g, " ").slice(0, 120);
if (document.documentElement.lang !== "en") faults.push("the page names no language");
if (!document.title.trim()) faults.push("the page has no title");
const ids = all("[id]").map((e) => e.id);
for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push("the id " + id + " occurs twice");
let level = 0;
for (const heading of all("h1,h2,h3,h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) faults.push("a heading skips a level: " + about(heading));
    if (!heading.textContent.trim()) faults.push("an empty heading: " + about(heading));
    level = own;
}
for (const e of all("a[href],button,summary")) {
    if (isShown(e) && !(e.textContent.trim() || e.getAttribute("aria-label"))) faults.push("no name: " + about(e));
}
for (const e of all("nav,form[role]")) {
    if (!e.getAttribute("aria-label") && all(e.tagName).length > 1 && e.tagName === "NAV") faults.push("no name: " + about(e));
}
for (const e of all("svg[role=img]")) if (!e.querySelector("title")?.textContent.trim()) faults.push("no name: " + about(e));
for (const e of all("[tabindex]")) if (e.tabIndex > 0) faults.push("the order of focus is changed: " + about(e));
for (const e of all("table")) {
    if (!e.caption?.textContent.trim()) faults.push("a table without a caption");
    if ([...e.querySelectorAll("th")].some((th) => !th.scope)) faults.push("a heading cell without a scope: " + about(e));
}
for (const e of all("ul,ol")) if ([...e.children].some((c) => c.tagName !== "LI")) faults.push("a list holds " + about(e));
for (const e of all("[aria-describedby],[aria-labelledby]")) faults.push("a reference to check by hand: " + about(e));
// Contrast of all text that is shown, and of the hints of empty fields.
const color = (text) => {
    const m = text.match(/rgba?\(([^)]+)\)/);
    const n = m ? m[1].split(/[ ,/]+/).filter(Boolean).map(Number) : [0, 0, 0, 0];
    return { rgb: n.slice(0, 3), alpha: n.length > 3 ? n[3] : 1 };
};
const over = (top, bottom) => top.rgb.map((c, i) => c * top.alpha + bottom[i] * (1 - top.alpha));
const behind = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) {
        const layer = color(getComputedStyle(e).backgroundColor);
        if (layer.alpha > 0) layers.push(layer);
        if (layer.alpha === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
};
const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (e, style) => {
    const ground = behind(e);
    const ink = color(style.color);
    ink.alpha *= Number(style.opacity);
    const [a, b] = [luminance(over(ink, ground)), luminance(ground)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
};
const seen = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(e) || ["SCRIPT", "NOSCRIPT", "TITLE", "OPTION"].includes(e.tagName)) continue;
    seen.add(e);
    if (!isShown(e) || e.closest(".sr,.skip")) continue;
    const ratio = contrast(e, getComputedStyle(e));
    if (ratio < 4.5) faults.push("contrast " + ratio.toFixed(2) + ": " + about(e));
}
for (const e of all("input[placeholder]")) {
    const ratio = contrast(e, getComputedStyle(e, "::placeholder"));
    if (isShown(e) && ratio < 4.5) faults.push("contrast " + ratio.toFixed(2) + " of the hint: " + about(e));
}
return [...new Set(faults)].slice(0, 10);
"""
PATIENCE = 30


class Browser:
    """A browser that checks each page that it opens."""

    def __init__(self, base, folder, script=True):
        self.base = base.rstrip("/")
        self.folder = folder
        self.faults = []
        options = webdriver.ChromeOptions()
        for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"]:
            options.add_argument(flag)
        options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.set_capability("unhandledPromptBehavior", "ignore")
        if not script:
            options.add_experimental_option(
                "prefs", {"profile.managed_default_content_settings.javascript": 2})
        self.has_script = script
        self.driver = webdriver.Chrome(
            options=options, service=Service(os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver")))
        self.driver.set_page_load_timeout(60)
        if script:
            self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        self.show("light")

    def fault(self, text):
        """Notes what is not as it should be."""
        place = urlsplit(self.driver.current_url)
        line = f"{place.path}{'?' + place.query if place.query else ''}: {text}"
        print("fault:", line, flush=True)
        self.faults.append(line)

    def expect(self, condition, text):
        if not condition:
            self.fault(text)
        return bool(condition)

    def show(self, variant):
        width, scheme = VARIANTS[variant]
        self.variant = variant
        self.size(width, 900)
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": self.variant == "phone"})

    def open(self, path, status=200):
        """Opens a page of the server and checks it."""
        self.driver.get(path if path.startswith("http") else self.base + path)
        self.check(status)

    def check(self, status=200):
        """What holds for every page."""
        run = self.driver.execute_script
        if not self.has_script:
            return
        facts = run("""
            const names = ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "STYLE"];
            const on = [...document.querySelectorAll("*")].filter((element) =>
                [...element.attributes].some((a) => a.name.startsWith("on") || a.name === "style"));
            return {
                hacked: window.__hacked, violations: window.__violations || [],
                count: Object.fromEntries(names.map((n) => [n, document.getElementsByTagName(n).length])),
                source: document.scripts.length ? document.scripts[0].getAttribute("src") : "",
                handlers: on.map((element) => element.outerHTML.slice(0, 200)),
                links: [...document.querySelectorAll("a[href]")].map((a) => a.protocol)
                    .filter((p) => p !== "http:" && p !== "https:"),
                wide: document.documentElement.scrollWidth - window.innerWidth,
                headings: document.querySelectorAll("h1").length,
                status: performance.getEntriesByType("navigation")[0].responseStatus,
                unlabelled: [...document.querySelectorAll("input:not([type=hidden]),select,textarea")]
                    .filter((c) => !c.hidden && !(c.labels && c.labels.length) && !c.getAttribute("aria-label"))
                    .map((c) => c.name),
                untitled: [...document.querySelectorAll("table")].filter((t) => !t.caption).length,
            };""")
        self.expect(facts["hacked"] is None, "a script of the content ran")
        self.expect(not facts["violations"], f"the content security policy was violated: {facts['violations']}")
        self.expect(facts["count"]["SCRIPT"] == 1 and "page.js" in facts["source"], f"scripts: {facts['count']['SCRIPT']}")
        for name in ["IFRAME", "OBJECT", "EMBED", "STYLE"]:
            self.expect(facts["count"][name] == 0, f"the page has a {name.lower()}")
        self.expect(not facts["handlers"], f"attributes that are forbidden: {facts['handlers']}")
        self.expect(not facts["links"], f"links that lead elsewhere: {facts['links']}")
        self.expect(facts["wide"] <= 0, f"{facts['wide']} pixels too wide in {self.variant}")
        self.expect(facts["headings"] == 1, f"{facts['headings']} main headings")
        self.expect(facts["status"] == status, f"status {facts['status']} instead of {status}")
        self.expect(not facts["unlabelled"], f"controls without a label: {facts['unlabelled']}")
        self.expect(facts["untitled"] == 0, "a table without a caption")
        for fault in run(AUDIT):
            self.fault(f"{fault} ({self.variant})")
        for entry in self.driver.get_log("browser"):
            # A page that is about a failure is itself logged as one.
            if status == 200 or "Failed to load resource" not in entry["message"]:
                self.fault(f"the console says: {entry['message'][:300]}")

    def picture(self, name, most=4000):
        """Takes a picture of the whole page, at most so many pixels high."""
        width = VARIANTS[self.variant][0]
        height = min(most, self.driver.execute_script("return document.documentElement.scrollHeight"))
        path = os.path.join(self.folder, f"{name}-{self.variant}.png")
        self.size(width, height)
        self.driver.save_screenshot(path)
        self.size(width, 900)
        return path

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        found = self.all(selector)
        if not found:
            raise AssertionError(f"{self.driver.current_url} has nothing at {selector}")
        return found[0]

    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def press(self, element):
        """Presses a button or follows a link, and waits for the next page."""
        old = self.driver.find_element(By.TAG_NAME, "html")
        self.driver.execute_script("arguments[0].scrollIntoView({block:'center',behavior:'instant'})", element)
        element.click()
        self.wait(lambda: old.id != self.driver.find_element(By.TAG_NAME, "html").id, "the next page did not come")
        self.check()

    def wait(self, condition, text):
        try:
            WebDriverWait(self.driver, PATIENCE, 0.1).until(lambda _: condition())
        except TimeoutException:
            self.fault(text)

    def close(self):
        self.driver.quit()


def keyboard(browser, path):
    """Walks through a page with the tab key: each stop is shown and marked, in the order of the page."""
    browser.open(path)
    where = """
        const e = document.activeElement;
        if (!e || e === document.body) return null;
        const style = getComputedStyle(e), box = e.getBoundingClientRect();
        window.__order = window.__order || [...document.querySelectorAll("*")];
        return { place: window.__order.indexOf(e), html: e.outerHTML.slice(0, 120),
            marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
            shown: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight };"""
    chain = ActionChains(browser.driver)
    chain.send_keys(Keys.TAB).perform()
    first = browser.driver.execute_script(where)
    browser.expect(first and "skip" in first["html"], f"the first stop is not the link to the content: {first}")
    chain.send_keys(Keys.ENTER).perform()
    browser.expect(
        browser.driver.execute_script("return document.activeElement.id") == "main", "the skip link does not lead to the content")
    browser.driver.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
    browser.open(path)
    places = []
    for _ in range(300):
        chain.send_keys(Keys.TAB).perform()
        stop = browser.driver.execute_script(where)
        if stop is None or stop["place"] in places:
            break
        # The page scrolls to it gently.
        late = time.monotonic() + 2
        while not stop["shown"] and time.monotonic() < late:
            time.sleep(0.1)
            stop = browser.driver.execute_script(where)
        places.append(stop["place"])
        browser.expect(stop["marked"], f"the focus is not marked: {stop['html']}")
        browser.expect(stop["shown"], f"the focus is out of sight: {stop['html']}")
    browser.expect(places == sorted(places), "the focus jumps")
    browser.expect(len(places) > 8, f"only {len(places)} stops")
    return len(places)


def shots(browser, paths):
    """Pictures of each screen in each variant."""
    for variant in VARIANTS:
        browser.show(variant)
        for name, path in paths.items():
            browser.open(path, 404 if name == "missing" else 200)
            browser.picture(name)
    browser.show("light")


def documented(browser, facts):
    """The pictures of the documentation: the upper part of each screen, with few colors."""
    paths = {name: path for name, path in SCREENS.items() if name != "missing"}
    browser.open("/crashes")
    paths["signature"] = browser.one("tbody th a").get_attribute("href")
    browser.open(paths["signature"])
    paths["crash"] = browser.one("a[href*='/crashes/']").get_attribute("href")
    browser.open("/sessions?crashed=true")
    paths["session"] = browser.one("tbody th a").get_attribute("href")
    browser.open("/builds")
    paths["diff"] = browser.one("a[href*='/builds/diff']").get_attribute("href")
    paths["search"] = "/search?sort=time&per_session=1&q=" + quote(facts.get("player", "Fatal|Warning"))
    for variant in VARIANTS:
        browser.show(variant)
        for name, path in paths.items():
            browser.open(path)
            shrink(browser.picture(name, 844 if variant == "phone" else 800))


def story(browser, facts):
    """What a team does with a new crash."""
    # It is on the first page, as new.
    browser.open("/")
    rows = [row for row in browser.all("tr") if row.find_elements(By.CSS_SELECTOR, ".state.new")]
    browser.expect(rows, "the first page shows no new signature")
    browser.expect("Crashed share per hour" in browser.text(), "no crashed share")

    # It is in the list; a filter is in the address.
    browser.open("/crashes?state=new")
    links = browser.all("tbody th a")
    if not browser.expect(links, "the list shows no new signature"):
        return
    signature = links[0].text
    browser.press(links[0])
    address = urlsplit(browser.driver.current_url).path
    browser.expect(signature.rstrip("…") in browser.one("h1").text, "the page is about another signature")
    browser.expect(browser.all("ol.stack li"), "no stack")
    browser.expect(browser.all("ol.log li"), "no log lines before the crash")
    browser.expect(browser.all("table.heat"), "no table of builds and days")
    browser.picture("signature")

    # It is resolved with a ticket.
    form = browser.one("input[name=action][value=resolve]").find_element(By.XPATH, "./..")
    form.find_element(By.NAME, "fixed_in").send_keys(facts["fixed_in"])
    form.find_element(By.NAME, "ticket").send_keys("https://tracker.example/GAME-7")
    form.find_element(By.NAME, "note").send_keys("The weapon outlived its owner.")
    browser.press(form.find_element(By.TAG_NAME, "button"))
    browser.expect(urlsplit(browser.driver.current_url).path == address, "a decision leads to another page")
    text = browser.text()
    browser.expect(f"marked it as fixed in {facts['fixed_in']}" in text, "the decision is not in the history")
    browser.expect("The weapon outlived its owner." in text, "the note is not shown")
    ticket = browser.all("a[href='https://tracker.example/GAME-7']")
    browser.expect(ticket and "noopener" in ticket[0].get_attribute("rel"), "the ticket is not a safe link")
    browser.open("/crashes?state=fixed&state=returned")
    browser.expect(signature.rstrip("…") in browser.text(), "the list does not show the state")

    # One of its crashes, and its own stack.
    browser.open(address)
    crashes = browser.all("a[href*='/crashes/']")
    if browser.expect(crashes, "no crash is linked"):
        browser.press(crashes[0])
        browser.expect(browser.all("ol.stack li"), "the crash has no stack")
        browser.picture("crash")

    # The player, once per session.
    browser.open("/search")
    browser.one("main input[name=q]").send_keys(facts["player"])
    browser.driver.execute_script("arguments[0].value='1'", browser.one("main select[name=per_session]"))
    browser.one("main form button").click()
    browser.wait(
        lambda: re.match(r"\d+ lines? in", browser.one("#search-status").text) and "so far" not in browser.one("#search-status").text,
        "the search did not end")
    browser.check()
    browser.expect(len(browser.all(".hit")) == facts["players"], f"{len(browser.all('.hit'))} sessions instead of {facts['players']}")
    browser.expect(len(browser.all(".hit mark")) == facts["players"], "not one hit for each session")
    browser.picture("search-live")
    browser.open(browser.driver.current_url)
    browser.expect(len(browser.all(".hit")) == facts["players"], "the address of a search does not find the same")

    # One session.
    browser.press(browser.one(".hit h2 a"))
    browser.expect(browser.all("ol.line li"), "no time line")
    browser.expect(browser.all("ol.log li"), "no log")
    files = browser.all("a[download][href*='/files/']")
    if browser.expect(files, "no file can be downloaded"):
        header = browser.driver.execute_async_script(
            "const done = arguments[1]; fetch(arguments[0]).then((r) => done([r.status, r.headers.get('content-disposition')]))",
            files[0].get_attribute("href"))
        browser.expect(header[0] == 200 and (header[1] or "").startswith("attachment"), f"a download answers {header}")
    browser.picture("session")

    # The builds, compared.
    browser.open("/builds")
    browser.expect(len(browser.all("tbody tr")) >= 2, "not two builds")
    a, b = (quote(tag, safe="") for tag in facts["builds"])
    browser.open(f"/builds/diff?a={a}&b={b}")
    browser.expect("crashed" in browser.text(), "no comparison")
    browser.picture("diff")

    # By keyboard alone.
    stops = {path: keyboard(browser, path) for path in ["/", "/crashes", address, "/search"]}
    print(f"stops of the tab key: {stops}", flush=True)

    # Lines of all sessions by time.
    browser.open("/search?sort=time&q=" + quote(facts["player"]))
    times = [element.get_attribute("datetime") for element in browser.all("ol.merged li.at time")]
    browser.expect(len(times) >= facts["players"], f"{len(times)} merged lines")
    browser.expect(times == sorted(times), "merged lines are not in the order of time")
    browser.picture("search-merged")

    paths = dict(SCREENS)
    paths["signature"] = address
    paths["diff"] = f"/builds/diff?a={a}&b={b}"
    paths["search"] = "/search?q=" + quote(facts["player"])
    browser.open("/sessions")
    sessions = browser.all("tbody th a")
    if sessions:
        paths["session"] = sessions[0].get_attribute("href")
    shots(browser, paths)


def without_script(base, folder, facts):
    """The pages without JavaScript."""
    browser = Browser(base, folder, script=False)
    try:
        browser.open("/search?per_session=1&q=" + quote(facts["player"]))
        browser.expect(len(browser.all(".hit")) == facts["players"], "without a script a search finds something else")
        browser.open("/")
        browser.expect("UTC" in browser.one("#zone").text, "without a script the zone is not said")
        return browser.faults
    finally:
        browser.close()


def shown(text):
    """The form in which a page shows a text: what hides or reorders text as escapes, white space folded."""
    out = []
    for character in text:
        code = ord(character)
        if character in "\n\r\t":
            out.append({"\n": "\\n", "\r": "\\r", "\t": "\\t"}[character])
        elif code < 0x20 or code == 0x7F:
            out.append(f"\\x{code:02x}")
        elif (0x80 <= code <= 0x9F or code in (0x061C, 0xFEFF) or 0x200B <= code <= 0x200F or 0x2028 <= code <= 0x202E
              or 0x2060 <= code <= 0x206F or 0xFFF9 <= code <= 0xFFFB or 0xE0000 <= code <= 0xE007F):
            out.append(f"\\u{{{code:x}}}")
        else:
            out.append(character)
    return " ".join(unicodedata.normalize("NFC", "".join(out)).split())


def hostile(browser, facts):
    """Opens every page that can be reached, twice as wide as a phone and as wide as one."""
    waiting = [browser.base + path for path in SCREENS.values() if "no-such" not in path]
    waiting += [browser.base + "/search?q=" + quote(text, safe="") + "&F=true" for text in facts["texts"]]
    waiting += [browser.base + "/crashes?text=" + quote(text, safe="") for text in facts["texts"]]
    seen = set(waiting)
    read = []
    opened = {}
    while waiting and sum(opened.values()) < 400:
        address = waiting.pop(0)
        path = urlsplit(address).path
        kind = "/".join(path.split("/")[:2])
        # A few hundred lists with other filters show nothing new.
        limit = 120 if len(path.split("/")) > 2 else 60
        if opened.get(kind, 0) >= limit:
            continue
        opened[kind] = opened.get(kind, 0) + 1
        browser.show("phone" if sum(opened.values()) % 2 else "light")
        browser.driver.get(address)
        status = browser.driver.execute_script("return performance.getEntriesByType('navigation')[0].responseStatus")
        browser.expect(status in (200, 400, 404, 409), f"status {status}")
        browser.check(status)
        for element in browser.all("details"):
            browser.driver.execute_script("arguments[0].open = true", element)
        read.append(" ".join(unicodedata.normalize("NFC", browser.text()).split()))
        for link in browser.driver.execute_script(
                "return [...document.querySelectorAll('a[href]')].filter((a) => !a.download).map((a) => a.href)"):
            link = urljoin(address, link).split("#")[0]
            inner = urlsplit(link).path
            if link.startswith(browser.base + "/") and link not in seen and not inner.startswith(("/api/", "/assets/")):
                seen.add(link)
                waiting.append(link)
    print("| text | pages that show it |\n|---|--:|")
    for hostile_text in facts["texts"]:
        count = sum(1 for text in read if shown(hostile_text) in text)
        browser.expect(count, f"no page shows {shown(hostile_text)}")
        cell = shown(hostile_text).replace("|", "\\|")
        print(f"| `` {cell} `` | {count} |" if "`" in cell else f"| `{cell}` | {count} |")
    print(f"{sum(opened.values())} pages opened: {opened}")
    for path in ["/", "/sessions", "/crashes"]:
        browser.show("phone")
        browser.open(path)
        browser.picture("hostile" + path.replace("/", "-").rstrip("-"))


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("story", "hostile", "shots"):
        sys.exit(__doc__)
    mode, base, folder = sys.argv[1:4]
    facts = {}
    if len(sys.argv) > 4:
        with open(sys.argv[4], encoding="utf-8") as file:
            facts = json.load(file)
    os.makedirs(folder, exist_ok=True)
    start = time.monotonic()
    browser = Browser(base, folder)
    try:
        if mode == "story":
            story(browser, facts)
        elif mode == "hostile":
            hostile(browser, facts)
        else:
            documented(browser, facts)
        faults = browser.faults
    finally:
        browser.close()
    if mode == "story":
        faults += without_script(base, folder, facts)
    print(f"{mode}: {len(faults)} faults in {time.monotonic() - start:.0f} s")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
