"""What is read from a page: the largest version of a picture, what is said of it, its license, and who opts out."""

import pytest
from parsel import Selector

from colorify.collect import links

BASE = "https://example.org/dir/page.html"


def found(html: str, rule: str = "") -> list:
    return list(links.pictures(Selector(html), BASE, rule))


@pytest.mark.parametrize(
    ("html", "name"),
    [
        ('<img src="a.jpg">', "a.jpg"),
        ('<img src="a.jpg" srcset="b.jpg 400w, c.jpg 1600w, d.jpg 800w">', "c.jpg"),
        ('<img src="a.jpg" srcset="b.jpg, c.jpg 2x">', "c.jpg"),
        ('<img src="a.jpg" srcset="b,1.jpg 1x,c.jpg 1.5x">', "c.jpg"),
        ('<img src="blank.gif" data-src="a.jpg">', "a.jpg"),
        ('<img src="blank.gif" data-srcset="a.jpg 100w, b.jpg 900w">', "b.jpg"),
        ('<picture><source srcset="a.webp 2000w"><img src="a.jpg"></picture>', "a.webp"),
        ('<a href="full.JPG"><img src="thumb.jpg"></a>', "full.JPG"),
        ('<a href="other.html"><img src="thumb.jpg"></a>', "thumb.jpg"),
        ('<a href="full.png">a picture</a>', "full.png"),
    ],
)
def test_the_largest_version(html, name):
    (picture,) = found(html)
    assert picture.url == f"https://example.org/dir/{name}" and picture.host == "example.org"


@pytest.mark.parametrize("source", ["data:image/png;base64,AA", "", "  ", "mailto:a@b.c", "http://[", "x" * 3000])
def test_what_is_no_web_address_is_no_picture(source):
    assert not found(f'<img src="{source}">')


def test_what_is_said_of_a_picture():
    (picture,) = found(
        '<div>around <figure><img src="a.jpg" alt=" a  cat " title="Tom">'
        "<figcaption>asleep</figcaption></figure> it</div>"
    )
    said = picture.alt, picture.title, picture.caption, picture.text
    assert said == ("a cat", "Tom", "asleep", "around asleep it")


@pytest.mark.parametrize(
    "html",
    [
        '<a rel="license" href="//example.org/mine">license</a>',
        '<link rel="license" href="/mine">',
        '<meta itemprop="license" content="https://example.org/mine">',
        '<script type="application/ld+json">{"@graph": [1, {"license": "/mine"}]}</script>',
    ],
)
def test_licenses(html):
    (picture,) = found(f'{html}<img src="a.jpg">')
    assert picture.license == "https://example.org/mine"


def test_a_license_of_a_figure_goes_before_that_of_the_page():
    mine, other = "https://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/licenses/by-sa/4.0/"
    figure = f'<figure><img src="a.jpg"><a href="{mine}">CC</a></figure>'
    first, second = found(f'{figure}<img src="b.jpg"><a rel="license" href="{other}">CC</a>')
    assert (first.license, second.license) == (mine, other)
    (plain,) = found('<script type="application/ld+json">{"license": </script><img src="a.jpg">')
    assert plain.license == ""


def test_rules_choose_links_and_pictures():
    html = '<nav><a href="n"><img src="n.jpg"></a></nav><main><a href="m#x"><img src="m.jpg"></a></main>'
    for rule in ("main", "//main", "main a"):
        assert [picture.url for picture in found(html, rule)] == ["https://example.org/dir/m.jpg"]
        assert list(links.follow(Selector(html), BASE, rule)) == ["https://example.org/dir/m"]
    assert len(list(links.follow(Selector(html), BASE))) == 2
    assert not list(links.follow(Selector('<a href="x" rel="nofollow">x</a><a href="y.jpg">y</a>'), BASE))


def test_directives():
    assert links.opts_out("index, NoAI") and links.opts_out("otherbot: noimageai")
    assert not links.opts_out("noindex, nofollow, max-image-preview:large")
    page = Selector('<meta name="Robots" content="noai"><meta name="robots" content="noindex">')
    assert links.page_directives(page) == "noai, noindex"
