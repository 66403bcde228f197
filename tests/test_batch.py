"""What goes where, for files, folders and globs."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from colorify import batch
from colorify.inputs import Job, Passed, plan
from conftest import photo


def tree(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        photo(0).save(folder / name)


def targets(jobs: list[Job], out: Path) -> list[str]:
    return [str(job.target.relative_to(out)) for job in jobs]


def test_file_to_file_and_file_to_folder(tmp_path):
    assert plan(["a.jpg"], Path("b.png"))[0] == [Job(Path("a.jpg"), Path("b.png"))]
    assert plan(["x/a.jpg"], Path("out"))[0] == [Job(Path("x/a.jpg"), Path("out/a.jpg"))]


def test_folders_keep_their_tree_and_skip_other_files(tmp_path):
    tree(tmp_path / "in", "a.jpg", "deep/b.PNG", "deep/er/c.webp")
    (tmp_path / "in" / "notes.txt").write_text("x")
    jobs, errors = plan([str(tmp_path / "in")], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.jpg", "deep/b.PNG", "deep/er/c.webp"]
    assert errors == [Passed(tmp_path / "in" / "notes.txt", "no picture")]


def test_results_inside_the_input_folder_are_no_input(tmp_path):
    tree(tmp_path, "a.jpg", "out/a.jpg")
    assert targets(plan([str(tmp_path)], tmp_path / "out")[0], tmp_path / "out") == ["a.jpg"]


def test_globs_keep_what_varies(tmp_path):
    tree(tmp_path, "x/1/a.jpg", "x/2/a.jpg", "x/2/b.png")
    jobs, _ = plan([str(tmp_path / "x" / "**" / "*.jpg")], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["1/a.jpg", "2/a.jpg"]


def test_a_name_that_looks_like_a_glob_is_a_file_first(tmp_path):
    tree(tmp_path, "a[1].jpg")
    jobs, errors = plan([str(tmp_path / "a[1].jpg")], tmp_path / "b.png")
    assert jobs == [Job(tmp_path / "a[1].jpg", tmp_path / "b.png")] and not errors


def test_nothing_found_and_two_for_one_target(tmp_path):
    tree(tmp_path, "x/a.jpg", "y/a.jpg")
    (tmp_path / "empty").mkdir()
    inputs = [str(tmp_path / name) for name in ("empty", "*.gif", "x/a.jpg", "y/a.jpg")]
    jobs, errors = plan(inputs, tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.jpg"]
    words = ("empty: no pictures", "*.gif: no pictures", f"is that of {inputs[2]}")
    assert all(word in str(error) for word, error in zip(words, errors, strict=True))


def folder_of(folder: Path, count: int) -> list[Job]:
    tree(folder / "in", *(f"{number:02d}.png" for number in range(count)))
    (folder / "in" / "03.png").write_text("no picture")
    return plan([str(folder / "in")], folder / "out")[0]


def test_workers_give_the_same_files_and_name_failures_in_order(colorizer, tmp_path):
    jobs, said = folder_of(tmp_path, 9), []
    assert batch.run(colorizer, jobs, batch.BatchOptions(), said.append, workers=3) == 1
    (tmp_path / "out").rename(tmp_path / "side by side")
    assert batch.run(colorizer, jobs, batch.BatchOptions(), said.append) == 1
    assert len(said) == 2 and said[0] == said[1] and "03.png: not a picture" in said[0]
    made = sorted((tmp_path / "out").iterdir())
    assert len(made) == 8
    assert all(file.read_bytes() == (tmp_path / "side by side" / file.name).read_bytes() for file in made)


def test_only_so_many_are_under_way():
    started = []
    with ThreadPoolExecutor(2) as pool:
        results = batch.in_order(pool, lambda number: started.append(number) or number, range(50), ahead=2)
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        assert len(started) <= 6
        assert list(results) == list(range(3, 50))


def test_as_many_workers_as_there_is_work():
    assert batch.workers([]) == 1
    assert 1 <= batch.workers([Job(Path("a"), Path("b"))] * 100) <= 4
