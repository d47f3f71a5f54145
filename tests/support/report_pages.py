"""Pages of HTML: a reader, and what every report must fulfil."""

from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A page, taken apart: its elements, their attributes and all text outside of style."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.by_id: dict[str, str] = {}
        self._open: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        given = dict(attrs)
        assert len(given) == len(attrs), f"{tag} has an attribute twice"
        self.elements.append((tag, given))
        if given.get("id"):
            assert given["id"] not in self.by_id, f"two elements have the id {given['id']}"
            self.by_id[str(given["id"])] = ""
        if tag not in {"meta", "link", "br", "img"}:
            self._open.append((tag, given.get("id")))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that ends at once."""
        self.handle_starttag(tag, attrs)
        if self._open and self._open[-1][0] == tag:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """Leave an element, which must be the last that began."""
        assert self._open, f"</{tag}> ends nothing"
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        """Take up text."""
        if any(tag == "style" for tag, _ in self._open):
            return
        self.text += data
        for _, name in self._open:
            if name:
                self.by_id[name] += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        """Return the attributes of all elements of a kind."""
        return [given for name, given in self.elements if name == tag]


def assert_complete(html: str) -> Page:
    """Check that a page loads nothing, runs nothing, describes every picture, and leads nowhere that is not there."""
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & {tag for tag, _ in page.elements}
    for tag, given in page.elements:
        assert not [name for name in given if name.startswith("on")], tag
        for name in ("src", "href", "srcset", "action", "xlink:href", "data"):
            if name in given:
                assert given[name].startswith(("data:image/png;base64,", "#")), given[name]
                assert not given[name].startswith("#") or given[name][1:] in page.by_id, given[name]
    assert "url(" not in html.replace("url(#", "")
    assert "@import" not in html
    for picture in page.all("svg"):
        assert picture["role"] == "img"
        assert len(page.by_id[picture["aria-labelledby"]]) > 20
    assert len(page.all("svg")) == len(page.all("figure"))
    return page
