"""Guides as pages: complete, linked with one another, and without anything that a browser would have to load."""

from pathlib import Path

import pytest

from hwsim.docs.guide_pages import render, write_pages
from hwsim.docs.guides import TOPICS, Guide, guide
from support.report_pages import Page

GUIDES = [guide(topic) for topic in TOPICS]


def assert_self_contained(html: str) -> Page:
    """Check that a page loads and runs nothing, and that its own anchors exist."""
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    assert not {"script", "iframe", "object", "embed", "link", "base", "form", "img"} & {tag for tag, _ in page.elements}
    assert "@import" not in html
    assert "url(" not in html.replace("url(#", "")
    for link in page.all("a"):
        assert link["href"].startswith(("https://", "#")) or link["href"].partition("#")[0].endswith(".html"), link
        assert not link["href"].startswith("#") or link["href"][1:] in page.by_id, link
    return page


def test_a_folder_has_a_page_a_topic(tmp_path: Path) -> None:
    """Every page links to every other, links between guides lead to pages and headings that are there, and index.html lists all."""
    files = write_pages(GUIDES, tmp_path / "pages")
    assert sorted(path.name for path in files) == sorted([f"{topic}.html" for topic in TOPICS] + ["index.html"])
    pages = {path.name: assert_self_contained(path.read_text(encoding="utf-8")) for path in files}
    for page in pages.values():
        targets = [link["href"].partition("#") for link in page.all("a") if not link["href"].startswith(("https://", "#"))]
        assert {file for file, _, _ in targets} >= {f"{topic}.html" for topic in TOPICS}
        assert all(not anchor or anchor in pages[file].by_id for file, _, anchor in targets)
    assert all(about in pages["index.html"].text for about in TOPICS.values())


def test_one_file_has_all_topics(tmp_path: Path) -> None:
    """Links between guides stay on the page, and no two headings share an anchor."""
    (file,) = write_pages(GUIDES, tmp_path / "all.html")
    page = assert_self_contained(file.read_text(encoding="utf-8"))
    assert set(TOPICS) <= set(page.by_id)
    assert not [link for link in page.all("a") if ".html" in link["href"] and not link["href"].startswith("https://")]


def test_one_guide_alone_links_to_no_other(tmp_path: Path) -> None:
    """Its page has the commands that print the others instead."""
    (file,) = write_pages([guide("physics")], tmp_path / "physics.html")
    page = assert_self_contained(file.read_text(encoding="utf-8"))
    assert all(link["href"].startswith(("https://", "#")) for link in page.all("a"))
    assert "hwsim docs variation" in page.text


def test_text_is_escaped() -> None:
    """Markup in a guide's text is text; a block shows its file's name."""
    text = "# A <b>title</b>\n\n<script>alert(1)</script> and `a < b`\n\n```toml my.toml\nx = '<i>'\n```\n"
    html = render([Guide("one", "About.", text)], [Guide("one", "About.", text)], single=True)
    page = assert_self_contained(html)
    assert not {"b", "i", "script"} & {tag for tag, _ in page.elements}
    assert "alert(1)" in page.text
    assert "my.toml" in page.text


@pytest.mark.parametrize("topic", TOPICS)
def test_nothing_of_a_guide_is_lost(topic: str) -> None:
    """A page shows every line of its guide's code."""
    page = Page(render(GUIDES, [guide(topic)], single=False))
    for line in guide(topic).text.split("```")[1::2]:
        assert line.partition("\n")[2].strip() in page.text
