"""The store takes turns among hosts and remembers."""

from colorify.collect.store import Fetched, Found, Page, Store, Wanted, downloaded


def test_the_store_takes_turns_and_remembers(tmp_path):
    store = Store(tmp_path / "a" / "s.sqlite")
    urls = [("a", 1), ("a", 2), ("a", 3), ("b", 1)]
    store.add([Page(f"http://{h}/{n}", h, 0) for h, n in urls], [Found(f"http://{h}/{n}.jpg", h, "p") for h, n in urls])
    store.add([Page("http://a/1", "a", 7)])
    assert {page.url for page in store.next_pages(2)} == {"http://a/1", "http://b/1"}
    assert len(store.next_pages(9)) == 4 and store.next_pages(1)[0].depth == 0
    store.fetched("http://a/1.jpg", Fetched("image/jpeg", 10, 2, 3, "abc", "f.jpg"))
    store.refuse(Wanted("http://b/1.jpg", "b"), "too large")
    store.add([], visited="http://a/2")
    store.close()
    store = Store(tmp_path / "a" / "s.sqlite")
    assert store.counts() == {"pages": 1, "pictures": 1, "pending": 5, "refused": 1, "bytes": 10}
    assert store.refusals() == {"too large": 1}
    assert [picture.url for picture in store.next_pictures(9)] == ["http://a/2.jpg", "http://a/3.jpg"]
    store.close()


def test_a_crawl_of_an_older_version_goes_on(tmp_path):
    path = tmp_path / "s.sqlite"
    store = Store(path)
    store.add([], [Found("http://a/1.jpg", "a", "p", license="CC0")])
    store._db.execute("ALTER TABLE pictures RENAME COLUMN license TO licence")
    store.close()
    store = Store(path)
    store.refuse(Wanted("http://a/1.jpg", "a"), "too large")
    store.close()
    assert [row["license"] for row in downloaded(path)] == ["CC0"]
