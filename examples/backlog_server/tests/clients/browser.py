"""A person at the pages, by HTTP: signs in, decides, revokes.

browser.py decide URL EMAIL approve|refuse    decides as the page stands, and prints where the browser is sent then
browser.py revoke URL EMAIL                   revokes all that is connected, and prints how many there were
"""

import html.parser
import http.cookiejar
import sys
import urllib.error
import urllib.parse
import urllib.request

PASSWORD = "for-the-demo-only"


class Forms(html.parser.HTMLParser):
    """The forms of a page: where each leads, and what it sends as it stands. And its links."""

    def __init__(self, page):
        super().__init__()
        self.forms, self.links = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append((attributes["action"], []))
        if tag == "a":
            self.links.append(attributes["href"])
        is_left_out = attributes.get("type") == "checkbox" and "checked" not in attributes
        if tag == "input" and not is_left_out:
            self.forms[-1][1].append((attributes["name"], attributes.get("value", "")))


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.origin = f"{parts.scheme}://{parts.netloc}"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(Stay, cookies)

    def go(self, url, form=None):
        """Returns the page and where it leads to."""
        url = urllib.parse.urljoin(self.origin, url)
        data = form and urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data, {"Origin": self.origin} if form else {})
        try:
            answer = self.opener.open(request)
        except urllib.error.HTTPError as error:
            answer = error
        page = answer.read().decode()
        if answer.status >= 400:
            raise RuntimeError(f"{answer.status} at {url}: {page}")
        return page, answer.headers.get("location")

    def submit(self, page, action, **fields):
        sent = next(sent for leads_to, sent in Forms(page).forms if leads_to == action)
        sent = [(name, value) for name, value in sent if name not in fields]
        return self.go(action, sent + list(fields.items()))

    def sign_in(self, email):
        """Goes on to a page that wants somebody signed in."""
        page, _ = self.go(self.wanted)
        _, self.wanted = self.submit(page, "/sign-in", email=email, password=PASSWORD)

    def open(self, url, email):
        page, self.wanted = self.go(url)
        if self.wanted is not None:
            self.sign_in(email)
            page, _ = self.go(self.wanted)
        return page


def decide(url, email, decision):
    browser = Browser(url)
    page = browser.open(url, email)
    return browser.submit(page, "/authorize", decision=decision)[1]


def revoke(url, email):
    browser = Browser(url)
    page, revoked = browser.open("/apps", email), 0
    while questions := [link for link in Forms(page).links if link.startswith("/apps/revoke?")]:
        question, _ = browser.go(questions[0])
        _, there = browser.submit(question, "/apps/revoke")
        page, revoked = browser.go(there)[0], revoked + 1
        assert "cannot use" in page, page
    return revoked


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print({"decide": decide, "revoke": revoke}[what](*arguments))
