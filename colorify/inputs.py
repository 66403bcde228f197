"""What is coloured and what is not: files, folders, globs, tar shards and URLs, each with its target or the reason."""

from __future__ import annotations

import errno
import glob
import os
import stat
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from colorify import pictures
from colorify.containers import CONTAINERS, is_film
from colorify.files import no_name
from colorify.pictures import FORMATS, Pages, PictureError

UNREAD = {
    ".gif", ".apng", ".hif", ".jp2", ".j2k", ".jpx", ".jpf", ".psd", ".psb", ".xcf", ".exr", ".hdr", ".tga", ".pcx",
    ".ppm", ".pgm", ".pbm", ".pnm", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".orf", ".rw2", ".raf", ".pef",
    ".srw", ".3fr", ".erf", ".iiq", ".raw",
}  # fmt: skip
"""Suffixes of pictures that are not read: named as failures."""
_ARCHIVES = {".zip", ".7z", ".rar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".tar"}
_LINES = 20  # said about one reason
_RESULT = "lies inside -o: results are no input"


class UsageError(ValueError):
    """Why ``-o`` cannot be what it is asked to be."""


@dataclass(frozen=True)
class Job:
    """One picture, or film, to colour, and the file to write."""

    source: Path | str  # a file, inside a tar shard SHARD.tar/MEMBER, or a URL that fsspec can open
    target: Path
    shard: Path | None = None  # the tar file, and where in it the picture lies
    offset: int = 0
    size: int = -1

    @property
    def is_film(self) -> bool:
        """Whether it is one, by its name."""
        return isinstance(self.source, Path) and not self.shard and is_film(self.source)

    def read(self, max_megapixels: float) -> Pages:
        """The picture, or the pages of a TIFF; `PictureError` says why not."""
        local = isinstance(self.source, Path) and not self.shard
        return pictures.pages(Path(self.source) if local else self.content(), self.source, max_megapixels)

    def content(self) -> bytes:
        """The bytes of the picture's file; `PictureError` says why they cannot be read."""
        try:
            if self.shard or isinstance(self.source, Path):
                with open(self.shard or self.source, "rb") as file:
                    file.seek(self.offset)
                    return file.read(self.size)
            import fsspec

            with fsspec.open(self.source, "rb") as file:
                return file.read()
        except OSError as error:
            raise PictureError(f"{self.source}: cannot be read: {error.strerror or error}") from None


@dataclass(frozen=True)
class Passed:
    """A file, or a whole input, that is not coloured; ``failed``: it is, or may hold, a picture that was wanted."""

    source: Path | str
    reason: str  # up to a colon the same for all of its kind
    failed: bool = False

    def __str__(self) -> str:
        return f"{self.source}: {self.reason}"

    @property
    def kind(self) -> str:
        """The reason without its details."""
        return self.reason.partition(":")[0]


def plan(inputs: Iterable[str], out: Path | str, films: bool = False) -> tuple[list[Job], list[Passed]]:
    """Files, folders (their tree is kept), globs, tar shards and URLs -> jobs, and what is passed over.

    ``out`` is a file when it has a picture's suffix and the one input is a file, else a folder. What is in a tar shard
    goes into a folder of its name. With ``films`` also the films among the files, and ``out`` is always a folder; films
    of a container that cannot be written become ``.mkv``. Every file is in one of the two lists: hidden files and what
    is no picture by its suffix are passed over, what is one and cannot be read is a failure. Raises `UsageError` when
    ``out`` can be neither file nor folder.
    """
    inputs = list(inputs)
    jobs: list[Job] = []
    passed: list[Passed] = []
    one = _names_a_file(inputs, str(out), films)
    for text in inputs:
        try:
            found = list(_found(text, Path(out).parent if one else Path(out), films, one))
        except (OSError, ValueError, ImportError) as error:  # a URL that nothing can open
            found = [Passed(text, " ".join(str(error).split()), failed=True)]
        jobs += (thing for thing in found if isinstance(thing, Job))
        passed += (thing for thing in found if isinstance(thing, Passed))
        if not any(isinstance(thing, Job) or thing.failed for thing in found):
            passed.append(Passed(text, f"no pictures found: looked for {', '.join(FORMATS)}", failed=True))
    if one and len(jobs) == 1:
        return [replace(jobs[0], target=Path(out))], passed
    taken: dict[Path, Path | str] = {}
    for job in jobs:
        other = taken.setdefault(job.target, job.source)
        if other != job.source:
            passed.append(Passed(job.source, f"a result of that name: {job.target} is that of {other}", failed=True))
    return [job for job in dict.fromkeys(jobs) if taken[job.target] == job.source], list(dict.fromkeys(passed))


def beside(inputs: Sequence[str]) -> str:
    """Where results go when nobody says: NAME-colorized, beside the one input; `UsageError` for several."""
    if len(inputs) != 1 or not Path(inputs[0]).exists():
        raise UsageError("several inputs, or none that is there: name a folder for the results")
    path = Path(inputs[0])
    path = path if path.name else path.resolve()  # of .
    if path.is_dir() or path.suffix.lower() not in FORMATS:
        return f"{path.with_name(path.name.removesuffix('.tar'))}-colorized"
    suffix = FORMATS[path.suffix.lower()].written_as or path.suffix
    return str(path.with_name(f"{path.stem}-colorized{suffix}"))


def say(passed: Iterable[Passed], tell: Callable[[str], None]) -> None:
    """Tell a line for each of those passed over, at most `_LINES` for each kind of reason."""
    for kind, group in groupby(sorted(passed, key=lambda one: one.kind), lambda one: one.kind):
        lines = list(map(str, group))
        for line in lines[:_LINES]:
            tell(line)
        if len(lines) > _LINES:
            tell(f"and {len(lines) - _LINES:,} more: {kind}")


def summary(done: Mapping[str, int], failed: int, passed: Sequence[Passed]) -> str:
    """How many there are of each; ``failed`` are those among ``passed`` and others, which only the work told."""
    kinds = {which: Counter(one.kind for one in passed if one.failed == which) for which in (True, False)}
    parts = [f"{count:,} {what}" for what, count in done.items()]
    parts.append(f"{failed:,} failed{_listed(kinds[True])}")
    if kinds[False]:
        parts.append(f"{kinds[False].total():,} passed over{_listed(kinds[False])}")
    return ", ".join(parts)


def _listed(kinds: Counter[str]) -> str:
    return f" ({', '.join(f'{count:,} {kind}' for kind, count in kinds.most_common())})" if kinds else ""


def _names_a_file(inputs: Sequence[str], out: str, films: bool) -> bool:
    """Whether ``out`` is the name of a file, not of a folder."""
    path, suffix = Path(out), Path(out).suffix.lower()
    if out.endswith(("/", os.sep)) or path.is_dir():
        return False
    single = not films and len(inputs) == 1 and _is_file(inputs[0])
    if suffix and single and suffix not in FORMATS and suffix != pictures.layers.OPEN_RASTER:
        known = ", ".join(FORMATS)
        raise UsageError(f"{out}: unknown format {suffix!r}: choose one of {known}, or end it with / for a folder")
    if single and suffix:
        return True
    if suffix in FORMATS or suffix == pictures.layers.OPEN_RASTER or is_film(path) or path.exists():
        raise UsageError(f"{out}: a file's name, where a folder is wanted: choose another, or end it with /")
    return False


def _is_file(text: str) -> bool:
    """Whether an input is a single picture, as far as its name tells."""
    if _is_url(text):
        return Path(urlsplit(text).path).suffix.lower() in FORMATS
    return not (Path(text).is_dir() or _is_pattern(text) or _is_shard(Path(text)))


def _found(text: str, out: Path, films: bool, one: bool) -> Iterator[Job | Passed]:
    path = Path(text)
    if _is_url(text):
        yield from _in_url(text, out)
    elif path.is_dir():
        yield from _in_folder(path, out, out, films)
    elif _is_pattern(text):
        yield from _matching(text, out, films)
    elif _is_shard(path):
        yield from _in_shard(path, out / path.name)
    elif one or path.suffix.lower() in FORMATS or (films and is_film(path)):
        yield Job(path, _named(out / path.name))
    else:
        cure = f"choose -o FILE with one of {', '.join(FORMATS)}" if not films else "not among what is colored"
        yield Passed(path, f"its suffix names no format to write: {path.suffix!r}: {cure}", failed=True)


def _in_folder(folder: Path, target: Path, out: Path, films: bool) -> Iterator[Job | Passed]:
    """What lies in a folder, for the same places in ``target``; neither links nor hidden folders are entered."""
    if _within(folder, out):
        yield Passed(folder, f"{_RESULT}, choose another -o", failed=True)
        return
    errors: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=errors.append):
        here, inside = Path(place), target / Path(place).relative_to(folder)
        closed = {name: passed for name in sorted(folders) if (passed := _closed(here / name, folder, out))}
        folders[:] = sorted(set(folders) - set(closed))
        yield from closed.values()
        for name in sorted(names):
            yield from _from(here / name, inside / name, out, films)
    for error in errors:
        yield Passed(error.filename, f"a folder that cannot be read: {error.strerror}", failed=True)


def _closed(place: Path, top: Path, out: Path) -> Passed | None:
    """Why a folder is not entered."""
    if place.name.startswith("."):
        return Passed(place, "hidden")
    if _within(place, out):
        return Passed(place, _RESULT)
    if place.is_symlink():
        seen = _within(place, top)  # a circle too
        return Passed(place, f"a link to a folder{'' if seen else ': not followed, name it as an input'}", not seen)
    return None


def _matching(pattern: str, out: Path, films: bool) -> Iterator[Job | Passed]:
    """What a glob matches; a folder that it does is taken whole, as by a shell."""
    parts = Path(pattern).parts
    fixed = Path(*parts[: next(n for n, part in enumerate(parts) if any(sign in part for sign in "*?["))])
    whole: set[Path] = set()
    for source in sorted(map(Path, glob.glob(pattern, recursive=True))):
        if whole.intersection(source.parents):
            continue
        target = out / source.relative_to(fixed)
        if not source.is_dir():
            result = _within(source.parent, out)
            yield from [Passed(source, _RESULT)] if result else _from(source, target, out, films)
        elif passed := _closed(source, fixed, out):
            whole.add(source)
            yield passed
        else:
            whole.add(source)
            yield from _in_folder(source, target, out, films)


def _from(source: Path, target: Path, out: Path, films: bool) -> Iterator[Job | Passed]:
    """A file that was found, not named."""
    if passed := _by_name(source, source.name, films, shards=True):
        yield passed
    elif reason := _no_file(source):
        yield Passed(source, reason, failed=True)
    elif source.is_symlink() and _within(source, out):
        yield Passed(source, _RESULT)
    elif _is_shard(source):
        yield from _in_shard(source, target)
    else:
        yield Job(source, _named(target))


def _by_name(source: Path | str, inside: str, films: bool = False, shards: bool = False) -> Passed | None:
    """Why a file is passed over, as far as its name tells; ``inside`` is that within what is looked through."""
    path = PurePath(inside)
    suffix = path.suffix.lower()
    if any(part.startswith(".") for part in path.parts):
        return Passed(source, "hidden")
    if suffix in FORMATS or (films and is_film(path)) or (shards and suffix == ".tar"):
        return None
    if suffix in UNREAD:
        return Passed(source, f"a format that is not read: {suffix}", failed=True)
    if is_film(path):
        return Passed(source, "a film: colorify bulk and colorify video color films")
    if suffix in _ARCHIVES:
        return Passed(source, "an archive: unpack it first, only a .tar file among the inputs is read")
    return Passed(source, "no picture")


def _no_file(path: Path) -> str:
    """Why something with a picture's name cannot be opened; empty when it can."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        links = {errno.ENOENT: "a link that leads nowhere", errno.ELOOP: "a link in a circle"}
        return links.get(error.errno or 0, f"cannot be read: {error.strerror}")
    if stat.S_ISREG(mode):
        return ""
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    return f"no file: {kinds.get(stat.S_IFMT(mode), 'a device')}"


def _within(path: Path, folder: Path) -> bool:
    """Whether it is, or lies in, that folder, links followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _named(target: Path) -> Path:
    """The target, with the suffix of a format or container that can be written."""
    target = pictures.written_as(target)
    return target.with_suffix(".mkv") if is_film(target) and target.suffix.lower() not in CONTAINERS else target


def _in_shard(shard: Path, target: Path) -> Iterator[Job | Passed]:
    """The members of a tar file; of several with one name the last counts, as in tar."""
    members: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(shard, "r:") as tar:
            members.extend(member for member in tar if not member.isdir())
    except (tarfile.TarError, OSError, ValueError, OverflowError) as error:  # the last two: of hostile headers
        yield Passed(shard, f"not a whole tar file: {error}", failed=True)
    last, length = {member.name: member for member in members}, shard.stat().st_size if members else 0
    for member in members:
        source, inside = f"{shard}/{member.name}", os.path.normpath(member.name.lstrip("/"))
        if reason := no_name(inside):
            yield Passed(source.replace("\0", "?"), reason, failed=True)
        elif passed := _by_name(source, inside):
            yield passed
        elif last[member.name] is not member:
            yield Passed(source, "replaced: the tar file has a later one of that name")
        elif not 0 <= member.size <= length - member.offset_data:
            yield Passed(source, "cut short: the tar file ends before it", failed=True)
        elif not member.isreg() or member.issparse():
            yield Passed(source, "no plain file inside a tar file: unpack it first", failed=True)
        else:
            yield Job(source, target.with_suffix("") / inside, shard, member.offset_data, member.size)


def _in_url(url: str, out: Path) -> Iterator[Job | Passed]:
    """What fsspec finds there: a file, or all below a folder."""
    import fsspec

    system, root = fsspec.core.url_to_fs(url)
    for name in sorted(system.find(root)):
        source = system.unstrip_protocol(name)
        inside = os.path.normpath(name[len(root) :].strip("/") or Path(name).name)
        if reason := no_name(inside):
            yield Passed(source, reason, failed=True)
        else:
            yield _by_name(source, inside) or Job(source, out / inside)


def _is_url(text: str) -> bool:
    return "://" in text


def _is_shard(path: Path) -> bool:
    return path.suffix.lower() == ".tar"


def _is_pattern(text: str) -> bool:
    return any(sign in text for sign in "*?[") and not Path(text).exists()
