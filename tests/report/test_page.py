"""Pages: they load nothing, state everything, and take no text for more than text."""

import numpy as np
import pytest

from hwsim import formatting
from hwsim.report import learning_curves
from hwsim.report.page import render, write_page
from hwsim.report.run_files import Confusion
from hwsim.report.section import Gallery, PageListing, PageSection, PageTable
from support.report_pages import Page, assert_complete

EVIL = '<script>alert("1")</script> & $x$ </style> {{ 7 * 7 }} ${1}'


@pytest.fixture(scope="module")
def sections() -> list[PageSection]:
    """Make two sections in which every text means harm."""
    names = (EVIL, "]]>", "&amp;")
    rows = [
        {"epoch": k, "loss": 0.1 / k, "train_error": 0.5 / k, "test_error": 0.6 / k, "pulses": 10, "programming_J": 1e-9} for k in (1, 2)
    ]
    pictures = [
        *learning_curves.learning(rows, "a", "test"),
        *learning_curves.programming(rows, 5, "a"),
        learning_curves.confusion(Confusion(counts=np.diag([3, 2, 1]) + 1, class_names=names), "a", "test"),
    ]
    table = PageTable(caption=EVIL, header=(EVIL, "n"), rows=[(EVIL, "1"), ("b", "2")], links=("two", "one"))
    one = PageSection(
        anchor="one", title=EVIL, about=EVIL, facts=[(EVIL, EVIL)], notes=[EVIL], tables=[table], listings=[PageListing(EVIL, EVIL)]
    )
    two = PageSection(anchor="two", title="b", galleries=[Gallery(EVIL, EVIL, pictures)], listings=[PageListing("x", EVIL, folded=True)])
    return [one, two]


def test_text_stays_text(sections: list[PageSection]) -> None:
    """Whatever stands in names, class names or notes is shown as it is; none of it becomes an element, and nothing is loaded."""
    page = assert_complete(render(EVIL, EVIL, sections))
    assert page.text.count(EVIL) >= 12
    assert page.by_id["a-confusion-alt"].count(EVIL) >= 1


def test_pictures_follow_the_page_s_colours(sections: list[PageSection]) -> None:
    """Within a page pictures have no colour of their own but that of maps; their text is the page's font; no two share an id."""
    html = render("t", "c", sections)
    page = Page(html)
    styles = " ".join(given.get("style", "") for tag, given in page.elements if tag in {"path", "text", "use", "rect"})
    assert "var(--s1)" in styles
    assert "#" not in styles
    assert "font:" not in styles
    assert "font-family" not in styles


def test_the_same_sections_make_the_same_bytes(sections: list[PageSection], tmp_path) -> None:
    """The page and its PNG files lie where they are stated to; the files are pictures."""
    written = [write_page(tmp_path / "a.html", "t", "c", sections) for _ in range(2)][1]
    assert written.page.read_text(encoding="utf-8") == render("t", "c", sections)
    assert written.size == written.page.stat().st_size
    assert {file.name for file in (tmp_path / "a-figures").iterdir()} == {file.name for file in written.pictures}
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in written.pictures)
    assert len(written.pictures) == 5


@pytest.mark.parametrize(
    ("value", "message"), [(2.2e-5, "22 µS"), (1e-6, "1 µS"), (0.0, "0 S"), (-3e-9, "-3 nS"), (999.6, "1e+03 S"), (1e-21, "0.001 aS")]
)
def test_quantities_have_prefixes(value: float, message: str) -> None:
    """The prefix is the largest that is not above the value."""
    assert formatting.quantity(value, "S") == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1e-3, "10⁻³"),
        (1e-1, "0.1"),
        (10.0, "10"),
        (1e5, "10⁵"),
        (1e10, "10¹⁰"),
        (0.2, "0.2"),
        (2e-4, "2·10⁻⁴"),
        (9.9999999999e-4, "10⁻³"),
        (5e4, "5·10⁴"),
        (0.0, "0"),
    ],
)
def test_powers_of_ten_are_raised(value: float, message: str) -> None:
    """Ticks on logarithmic axes are short."""
    assert formatting.power(value) == message


def test_flips_are_drawn_as_pulses_are() -> None:
    """Of devices of few levels, with their energy; of devices that are not written there is no picture."""
    rows = [{"epoch": k, "flips": 30 // k, "programming_J": 1e-9} for k in (1, 2)]
    flips, energy = learning_curves.programming(rows, 5, "a")
    assert (flips.title, energy.title) == ("Flips", "Programming energy")
    assert "6 in the first, 3 in the last" in flips.alt
    assert learning_curves.programming([{"epoch": 1}], 5, "a") == []
