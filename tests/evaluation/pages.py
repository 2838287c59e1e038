"""Reads a page as a browser and a screen reader do."""

import re
from html.parser import HTMLParser


class ParsedReport(HTMLParser):
    """What a reader and a screen reader find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.pictures: list[str] = []
        self.captions = 0
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._skips = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skips += tag == "style"
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "svg":
            self.pictures.append(dict(attrs).get("aria-label") or "")
        self.captions += tag in ("figcaption", "caption")

    def handle_endtag(self, tag: str) -> None:
        self._skips -= tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._skips:
            self.words.append(data)


def text_of(page: str) -> str:
    return " ".join(" ".join(ParsedReport(page).words).split())


def assert_loads_nothing(page: str) -> None:
    for tag, attributes in ParsedReport(page).tags:
        assert tag not in {"script", "link", "img", "iframe"}
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in page
    assert "@import" not in page
