"""The commands; each parses, calls one function below, and turns errors into one line and an exit status."""

from __future__ import annotations

import inspect
import io
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from colorify.knobs import Knobs
from colorify.methods import registry

if TYPE_CHECKING:
    from colorify.hints import Hint
    from colorify.inference import Colorizer
    from colorify.inputs import Job, Passed
    from colorify.video import film


class _App(typer.Typer):
    """The commands, on any console: what its encoding lacks is written as an escape, a name of bytes as those bytes."""

    def __call__(self, *args: object, **knobs: object) -> object:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                whole = stream.encoding.lower().replace("-", "") == "utf8"
                stream.reconfigure(errors="surrogateescape" if whole else "backslashreplace")
        return super().__call__(*args, **knobs)


app = _App(
    help="Colorize gray photographs and films; train the models that do it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
train_app = typer.Typer(help="Train a model; the same command goes on after a stop or a kill.", no_args_is_help=True)
app.add_typer(train_app, name="train")
collect_app = typer.Typer(help="Gather colour pictures to learn from.", no_args_is_help=True)
app.add_typer(collect_app, name="collect")
backbone_app = typer.Typer(help="Move the trained U-Net between methods.", no_args_is_help=True)
app.add_typer(backbone_app, name="backbone")
export_app = typer.Typer(help="Write a model for other programs to run.", no_args_is_help=True)
app.add_typer(export_app, name="export")

Model = Annotated[str, typer.Option(help="A released model, or the path of a checkpoint.")]
Contact = Annotated[str, typer.Option(help="URL or address that site owners can complain to.")]
AllowPrivate = Annotated[bool, typer.Option("--allow-private", help="The hosts may be in a private network.")]
MinSide = Annotated[int, typer.Option(min=1, help="Refuse pictures with a shorter short side, px.")]
Longest = Annotated[int, typer.Option(min=16, help="Shrink pictures with a longer long side, px.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Values = dict[str, object]
"""Those of the knobs, by name; see `_knobbed`."""


@app.callback()
def _begin() -> None:
    """What libraries think of a stranger's file is not said."""
    import warnings

    warnings.filterwarnings("ignore", module=r"PIL\.")


def _say(message: str) -> None:
    print(f"colorify: {message}", file=sys.stderr)


@contextmanager
def _plainly() -> Iterator[None]:
    """Errors of the user's making end as one line and status 1."""
    try:
        yield
    except (ValueError, OSError) as error:  # every error of the package is a ValueError
        _say(str(error))
        raise typer.Exit(1) from None


def _knobbed(without: Collection[str] = ()) -> Callable[[Callable], Callable]:
    """Give a command an option for each field of `Knobs`; it gets their values as ``knobs``."""

    def decorate(command: Callable) -> Callable:
        signature, types = inspect.signature(command, eval_str=True), get_type_hints(Knobs, localns={"Hint": object})
        named = {knob.name: knob for knob in fields(Knobs) if knob.metadata and knob.name not in without}

        @wraps(command)
        def wrapper(**values: object) -> None:
            knobs = {name: values.pop(name) for name in named}
            command(**values, knobs=knobs)

        own = [parameter for parameter in signature.parameters.values() if parameter.name != "knobs"]
        options = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=knob.default,
                annotation=Annotated[types[name], typer.Option(**knob.metadata)],
            )
            for name, knob in named.items()
        ]
        wrapper.__signature__ = signature.replace(parameters=[*own, *options])
        return wrapper

    return decorate


def _knobs(values: Values, hints: Path | None = None) -> Knobs:
    return Knobs(**values, hints=_hints(hints) if hints else ())


@app.command()
@_knobbed()
def image(
    inputs: Annotated[list[str], typer.Argument(help="Files, folders (their tree is kept), or quoted globs.")],
    out: Annotated[str, typer.Option("-o", "--out", help="A file for one picture, else a folder; FOLDER/ is one.")],
    model: Model = "highres",
    hints: Annotated[Path | None, typer.Option(help="A CSV file of x,y,color: places that you chose.")] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Write gray and colour in a row.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")] = False,
    max_megapixels: Annotated[float, typer.Option(min=0, help="Refuse larger pictures.")] = 200.0,
    keep_times: Annotated[bool, typer.Option("--keep-times", help="Give results the times of their sources.")] = False,
    device: Device = "auto",
    *,
    knobs: Values,
) -> None:
    """Colour pictures: jpg, png, webp, tiff, bmp, avif; heic, jxl and dng by an extra.

    Luminance, size, depth, alpha, pages, profiles and metadata are kept; what a format cannot hold is named.
    """
    from colorify import bulk
    from colorify.inputs import summary

    with _plainly():
        options = bulk.Options(_knobs(knobs, hints), side_by_side, overwrite, max_megapixels, keep_times)
        planned, passed = _planned(inputs, out)
        jobs, blocked = bulk.ready(planned, options)
        passed += blocked
        failures, broken = _told(passed), 0
        if jobs:
            from colorify.inference import Colorizer

            together = bulk.workers(jobs)
            broken = bulk.run(Colorizer.load(model, device, together), _progress(jobs), options, _say, together)
        if len(planned) + len(passed) > 1 + len(blocked):
            print(f"{summary({'done': len(jobs) - broken}, failures + broken, passed)}: {out}")
        elif jobs and not broken:
            print(jobs[0].target)
    raise typer.Exit(1 if failures + broken else 0)


def _planned(inputs: list[str], out: str, films: bool = False) -> tuple[list[Job], list[Passed]]:
    """What is to be done and what is not; an ``out`` that cannot be is wrong usage."""
    from colorify.inputs import UsageError, plan

    try:
        return plan(inputs, out, films)
    except UsageError as error:
        raise typer.BadParameter(str(error), param_hint="-o") from None


def _told(passed: list[Passed]) -> int:
    """Say what is passed over; returns how many of it are failures."""
    from colorify.inputs import say

    say(passed, _say)
    return sum(one.failed for one in passed)


@app.command("bulk")
@_knobbed()
def archive(
    inputs: Annotated[list[str], typer.Argument(help="Folders, tar shards, files, films, globs, or URLs for fsspec.")],
    out: Annotated[str, typer.Option("-o", "--out", help="A folder; the same one goes on.")],
    engine: Annotated[str, typer.Option(help="local: this machine; ray: a cluster, or this machine.")] = "local",
    model: Model = "highres",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Begin anew, and replace results that exist.")] = False,
    max_megapixels: Annotated[float, typer.Option(min=0, help="Refuse larger pictures.")] = 200.0,
    device: Device = "auto",
    *,
    knobs: Values,
) -> None:
    """Colour an archive of pictures and films: colorify.csv in the output folder lists what is done and what failed.

    After a stop or a kill the same command goes on, and tries again what failed.
    """
    from colorify import archive, bulk
    from colorify.inputs import summary

    if engine not in archive.ENGINES:
        raise typer.BadParameter(f"{engine!r} is no engine: choose {' or '.join(archive.ENGINES)}")
    with _plainly():
        jobs, passed = _planned(inputs, out, films=True)
        options = bulk.Options(_knobs(knobs), overwrite=overwrite, max_megapixels=max_megapixels)
        counts = Counter(failed=_told(passed))
        bar = _progress([None] * len(jobs))
        for outcome in archive.color([*jobs, *passed], Path(out), model, options, engine, device, _say):
            next(bar, None)
            counts[outcome.state] += 1
            if outcome.reason:
                _say(outcome.reason)
        next(bar, None)
        done = {"done": counts["done"], "done before": counts["before"]}
        print(f"{summary(done, counts['failed'], passed)}: {Path(out) / archive.LIST}")
    raise typer.Exit(1 if counts["failed"] else 0)


def _hints(path: Path) -> list[Hint]:
    from colorify.hints import read

    return read(path)


@app.command()
@_knobbed(without={"tta"})
def video(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A film.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="A .mkv, .mp4 or .mov file.")] = None,
    model: Model = "highres",
    steady: Annotated[float, typer.Option(min=0, max=1, help="0: each frame for itself; 1: no flicker.")] = 1.0,
    every: Annotated[int, typer.Option(min=1, help="The network looks at every so-many-th frame.")] = 1,
    keyframes: Annotated[Path | None, typer.Option(help="Folder of frames coloured by you: 120.png, 4.8s.png.")] = None,
    export_keyframes: Annotated[Path | None, typer.Option(help="Write frames to correct there, and stop.")] = None,
    preview: Annotated[Path | None, typer.Option(help="Write a picture of six moments there, and stop.")] = None,
    keep_color: Annotated[bool, typer.Option("--keep-color", help="Leave alone what is in colour.")] = False,
    codec: Annotated[str, typer.Option(help="libx264, libx265, libsvtav1 or ffv1.")] = "libx264",
    quality: Annotated[str, typer.Option(help="high, small or lossless.")] = "high",
    deinterlace: Annotated[bool, typer.Option("--deinterlace", help="Make fields into progressive frames.")] = False,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Gray and colour in a row.")] = False,
    start: Annotated[float, typer.Option(min=0, help="Seconds: where to begin.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="Seconds: where to stop.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")] = False,
    device: Device = "auto",
    *,
    knobs: Values,
) -> None:
    """Colour a film: its luma, timing, sound and subtitles stay as they are, its colours hold still.

    Ctrl-C stops; the same command goes on.
    """
    if sum(place is not None for place in (out, export_keyframes, preview)) != 1:
        raise typer.BadParameter("name one of --out, --preview and --export-keyframes")
    with _plainly():
        from colorify.inference import Colorizer
        from colorify.video import film, stills

        options = film.Options(
            knobs=_knobs(knobs),
            side_by_side=side_by_side,
            steady=steady,
            every=every,
            keyframes=keyframes,
            keep_color=keep_color,
            codec=codec,
            quality=quality,
            deinterlace=deinterlace,
            start=start,
            end=end,
            overwrite=overwrite,
        )
        if out:
            for note in film.check(source, out, options):
                _say(note)
        colorizer = Colorizer.load(model, device)
        if preview:
            stills.preview(source, colorizer, options).save(preview)
            print(preview)
        elif export_keyframes:
            print(*stills.export_keyframes(source, export_keyframes, colorizer, options), sep="\n")
        else:
            done = _film(source, out, colorizer, options)
            print(f"{out}: {done.frames:,} frames; the network looked at {done.looked:,}")
            for fault in done.faults():
                _say(f"{source}: {fault}")
            if done.damaged or done.lacks:
                raise typer.Exit(1)


def _film(source: Path, out: Path, colorizer: Colorizer, options: film.Options) -> film.Progress:
    """Colour a film, with a bar on stderr."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from colorify.video import film

    speed = TextColumn("frames, {task.fields[fps]:.1f} a second, left:")
    columns = (BarColumn(), MofNCompleteColumn(), speed, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, fps=0.0)

        def report(now: film.Progress) -> None:
            bar.update(task, completed=now.frames, total=now.total or None, fps=bar.tasks[task].speed or 0.0)

        return film.colorize(source, out, colorizer, options, report)


def _progress(items: list, what: str = "coloring") -> Iterator:
    """The items, with a bar on stderr when there are several."""
    if len(items) < 2:
        return iter(items)
    from rich.console import Console
    from rich.progress import track

    return iter(track(items, what, console=Console(stderr=True)))


@app.command()
def models(table: Annotated[bool, typer.Option("--table", help="Print what they reached.")] = False) -> None:
    """List the released models, or, with --table, what they reached on held-out photos."""
    from colorify.models import checkpoint, released

    with _plainly():
        if table:
            from colorify.releasing import released_results

            print(released_results())
            return
        for name, path in released.models().items():
            model = checkpoint.load(path)
            seen, megabytes = model.training.get("samples", 0), path.stat().st_size / 1e6
            print(f"{name}: {model.method}, {model.network.encoder}, {seen:,} samples seen, {megabytes:.0f} MB")


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder.")] = Path("reports/demo"), model: Model = "highres"
) -> None:
    """Colour the free sample pictures and write them side by side."""
    from colorify.demo import demo
    from colorify.inference import Colorizer

    with _plainly():
        paths = demo(Colorizer.load(model), out)
    print(f"{len(paths)} pictures in {out}: see {paths[-1]} first")


@collect_app.command()
def spider(
    starts: Annotated[list[str], typer.Argument(metavar="URL...", help="Pages to start from.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder; the same one goes on with a crawl.")],
    contact: Contact = "",
    host: Annotated[list[str] | None, typer.Option(help="Hosts to visit; default: those of the starts.")] = None,
    follow: Annotated[str, typer.Option(help="CSS selector or XPath of the links to follow.")] = "a",
    take: Annotated[str, typer.Option(help="CSS selector or XPath of the elements whose pictures to take.")] = "",
    depth: Annotated[int, typer.Option(min=0, help="Links from a start.")] = 5,
    max_pages: Annotated[int, typer.Option(min=1)] = 10_000,
    max_pictures: Annotated[int | None, typer.Option(min=1)] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0)] = None,
    delay: Annotated[float, typer.Option(min=0, help="Seconds between requests to a host, at least.")] = 0.5,
    per_host: Annotated[int, typer.Option(min=1, help="Requests to one host at a time.")] = 2,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds for one answer.")] = 30,
    obey_noai: Annotated[bool, typer.Option(help="Leave pictures whose owners say noai or noimageai.")] = True,
    allow_private: AllowPrivate = False,
    min_side: MinSide = 200,
    longest: Longest = 1280,
) -> None:
    """Crawl web sites for pictures: robots.txt, throttled, resumable. Ctrl-C stops; the same command goes on."""
    from rich.console import Console

    from colorify.collect import normalize, spider
    from colorify.collect.sources import counted

    limits = {"depth": depth, "max_pages": max_pages, "max_pictures": max_pictures, "max_minutes": max_minutes}
    manners = {"delay": delay, "per_host": per_host, "timeout": timeout, "obey_noai": obey_noai}
    config = spider.SpiderConfig(
        tuple(starts),
        str(out),
        contact,
        tuple(host or ()),
        follow,
        take,
        **limits,
        **manners,
        allow_private=allow_private,
    )
    shape = normalize.NormalConfig(min_side, longest)
    with _plainly(), Console(stderr=True).status("") as line:
        print(counted(spider.crawl(config, lambda counts: line.update(counted(counts)))))
        refused = spider.refused(config)
        for url, reason in refused.items():
            _say(f"{url}: cannot be visited: {reason}")
        counts = normalize.normalize(
            spider.harvest(out), out, shape, lambda done: line.update(f"{done:,} pictures examined")
        )
    print(_kept(counts, out))
    raise typer.Exit(1 if refused else 0)


@collect_app.command()
def dataset(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            help="Pictures, folders, tar shards, manifests, lists of URLs (.txt; .csv or .parquet with a column url), "
            "datasets of fastai such as IMAGENETTE_320, or sample: free pictures of installed packages.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="A folder; the same one goes on.")],
    valid: Annotated[list[str] | None, typer.Option(help="The same for validation; default: a share of all.")] = None,
    valid_share: Annotated[float, typer.Option(min=0, max=1)] = 0.1,
    min_side: MinSide = 200,
    longest: Longest = 1024,
    contact: Contact = "",
    delay: Annotated[float, typer.Option(min=0, help="Seconds between requests to a host, at least.")] = 0.5,
    max_pictures: Annotated[int | None, typer.Option(min=1, help="Of a list of URLs.")] = None,
    allow_private: AllowPrivate = False,
) -> None:
    """Bring pictures into shape for training: one manifest, copies of the large ones; nothing else is touched."""
    from rich.console import Console

    from colorify.collect.sources import CollectConfig, gather

    config = CollectConfig(
        tuple(sources),
        tuple(valid or ()),
        valid_share,
        min_side,
        longest,
        contact,
        max_pictures=max_pictures,
        delay=delay,
        allow_private=allow_private,
    )
    with _plainly(), Console(stderr=True).status("") as line:
        counts = gather(config, out, line.update)
    print(_kept(counts, out))


@collect_app.command("shard")
def shards(
    source: Annotated[Path, typer.Argument(help="A harvest, a manifest, a folder of pictures, or shards.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A new folder.")],
    megabytes: Annotated[int, typer.Option(min=1, help="Size of a shard, MiB.")] = 256,
) -> None:
    """Pack pictures into tar shards with a manifest as their index: few large files, to store, to send, to read."""
    from rich.console import Console

    from colorify.collect.shards import shard

    with _plainly(), Console(stderr=True).status("") as line:
        pictures, count = shard(source, out, megabytes << 20, lambda done: line.update(f"{done:,} pictures packed"))
    print(f"{out}: {pictures:,} pictures in {count:,} shards")


@collect_app.command()
def profile(
    name: Annotated[str | None, typer.Argument(help="A profile of params.yaml; default: the one it names.")] = None,
    params: Annotated[Path | None, typer.Option(help="Another params.yaml.")] = None,
) -> None:
    """Gather what params.yaml names, as the stage `collect` of the chain does: what `train --profile` reads."""
    from colorify.collect import sources

    with _plainly():
        print(sources.stage(name, params))


def _kept(counts: dict[str, int], out: Path) -> str:
    """What became of the pictures."""
    return f"{out}: " + (", ".join(f"{count:,} {reason}" for reason, count in counts.items()) or "no pictures")


Profile = Annotated[str | None, typer.Option(help="A profile of params.yaml; default: the one it names.")]
Params = Annotated[Path | None, typer.Option(help="Another params.yaml.")]
Data = Annotated[list[str] | None, typer.Option(help="Folders or tar shards instead of the profile's.")]
Valid = Annotated[list[str] | None, typer.Option(help="The same for validation; default: a share of the data.")]
Out = Annotated[Path | None, typer.Option(help="A folder; default: checkpoints/PROFILE/METHOD.")]
From = Annotated[str | None, typer.Option("--from", help="A model whose weights to start from.")]
Backbone = Annotated[str | None, typer.Option("--import-backbone", help="A model whose backbone to start from.")]
Minutes = Annotated[float | None, typer.Option(help="Stop after so long; the same command goes on.")]
Restart = Annotated[bool, typer.Option("--restart", help="Forget the checkpoint.")]
Compile = Annotated[bool, typer.Option("--compile", help="Compile the network first: pays on a GPU.")]


def _train_command(name: str, text: str) -> None:
    """Add ``colorify train NAME``."""

    def command(
        profile: Profile = None,
        data: Data = None,
        valid: Valid = None,
        out: Out = None,
        params: Params = None,
        begin: From = None,
        backbone: Backbone = None,
        minutes: Minutes = None,
        restart: Restart = False,
        compile: Compile = False,
        device: Device = "auto",
    ) -> None:
        with _plainly():
            from colorify.inference import find_device
            from colorify.models import released
            from colorify.training import processes
            from colorify.training.stage import pictures, train_stage

            begin, backbone = (released.find(name) if name else None for name in (begin, backbone))
            with processes.joined(str(find_device(device))) as mine:
                with processes.in_turn():
                    sets = pictures(profile, params, data or (), valid or ())
                run = {"device": mine, "stop_minutes": minutes, "restart": restart, "compile": compile}
                written = train_stage(registry.method(name), profile, params, sets, out, begin, backbone, **run)
                if processes.first():
                    print(written)

    train_app.command(name, help=text)(command)


for _name, _text in registry.METHODS.items():
    _train_command(_name, _text)


@backbone_app.command("export")
def export_backbone(
    model: Annotated[str, typer.Argument(help="A released model, or the path of a checkpoint.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A .safetensors file.")],
) -> None:
    """Write the backbone of a model: the whole U-Net but its head."""
    with _plainly():
        from colorify.models import released
        from colorify.training.transfer import export_backbone

        export_backbone(released.find(model), out)
    print(out)


@backbone_app.command("import")
def import_backbone(
    backbone: Annotated[str, typer.Argument(help="An exported backbone, or a model to take it from.")],
    model: Annotated[str, typer.Argument(help="The model of any method that gets it, and keeps its own head.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A .safetensors file, to fine-tune with train --from.")],
) -> None:
    """Put a backbone into a model. To train from a backbone, `colorify train METHOD --import-backbone` is enough."""
    with _plainly():
        from colorify.models import released
        from colorify.training.transfer import insert_backbone

        insert_backbone(released.find(backbone), released.find(model), out)
    print(out)


@export_app.command("onnx")
def export_onnx(
    model: Annotated[str, typer.Argument(help="A released model, or the path of a checkpoint.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="An .onnx file; default: small, beside MODEL.")
    ] = None,
) -> None:
    """Write a model as an ONNX file, for pictures of any size; it is checked against torch.

    A .safetensors file with its .onnx file of the same name beside it runs by that on the CPU: faster. Without -o that
    file is written: it takes the weights out of the .safetensors file, so the two stay together and keep their names.
    """
    with _plainly():
        from colorify.models import onnx, released

        out = onnx.export(released.find(model), out)
    print(out)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Option(help="A folder or tar of colour pictures, held out from training.")],
    model: Annotated[list[str] | None, typer.Option(help="MODEL or NAME=MODEL; default: all released ones.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder for metrics.json and table.md.")] = None,
    size: Annotated[list[int] | None, typer.Option(help="Network sizes to compare; default: each model's own.")] = None,
    hints: Annotated[list[int] | None, typer.Option(help="Also with so many true colours told, at random.")] = None,
    temperature: Annotated[
        list[float] | None,
        typer.Option(min=0, max=1, help="Also with classifiers read so: 1 the mean of the likely, 0 the likeliest."),
    ] = None,
    without_tta: Annotated[bool, typer.Option("--without-tta", help="Also without test-time augmentation.")] = False,
    once: Annotated[bool, typer.Option("--once", hidden=True, help="Old name of --without-tta.")] = False,
    side: Annotated[int, typer.Option(help="Short side at which pictures are evaluated, px.")] = 256,
    limit: Annotated[int | None, typer.Option(help="Evaluate only the first so many pictures.")] = None,
    groups: Annotated[Path | None, typer.Option(help="CSV with columns name and group: a table of them too.")] = None,
    device: Device = "auto",
) -> None:
    """Measure models beside gray and the mean colour, with 95 % intervals; all metrics go to metrics.json."""
    from colorify import evaluation, metrics, report
    from colorify.inference import Colorizer
    from colorify.models import released

    with _plainly():
        named = [text.rpartition("=") for text in model or released.models()]
        loaded = {name or path: Colorizer.load(path, device) for name, _, path in named}
        found = dict(evaluation.photos(data, side, limit))
        if not found:
            raise ValueError(f"{data}: no colour pictures to evaluate on")
        truths, members = list(found.values()), evaluation.read_groups(groups, found) if groups else None
        bar = _progress([None] * len(truths), "judging")
        if once:
            _say("--once is now --without-tta")
        extra = (size or (None,), hints or (), temperature or (), without_tta or once)
        scores = evaluation.evaluate(loaded, truths, *extra, lambda: next(bar, None))
        result = evaluation.summary(scores)
        tables = {"table": evaluation.as_table(result, metrics.HEADLINES)}
        if members:
            tables["groups"] = evaluation.by_group(scores, members)
        print(f"{len(truths)} pictures, short side {side} px; mean and 95 % interval")
        for name, table in tables.items():
            print(f"\n{table}" + (f"\n\n{report.write_table(table, out, name)}" if out else ""))
        if out:
            print(report.write_metrics(result, out))


@app.command()
def release(
    model: Annotated[Path, typer.Argument(help="A trained model.")],
    data: Annotated[Path, typer.Option(help="Held-out colour pictures: the network size is chosen on them.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="For example colorify/weights/highres.safetensors.")],
    size: Annotated[list[int] | None, typer.Option(help="Network sizes to try.")] = None,
    note: Annotated[str, typer.Option(help="Data and hardware, for the model card.")] = "",
    logit_adjustment: Annotated[
        float, typer.Option(min=0, max=1, help="Share of a classifier's class rebalancing to undo (Menon 2021).")
    ] = 0,
    calm: Annotated[float | None, typer.Option(hidden=True, help="Old name of --logit-adjustment.")] = None,
    saturation: Annotated[float, typer.Option(min=0, max=10, help="Multiplies the chroma, for good.")] = 1,
) -> None:
    """Store a trained model for release, with its best network size, its metrics and its card."""
    from colorify import evaluation, releasing
    from colorify.models import checkpoint

    if calm is not None:
        _say("--calm is now --logit-adjustment")
        logit_adjustment = calm

    with _plainly():
        truths, sizes = list(dict(evaluation.photos(data)).values()), size or (96, 112, 128, 144, 160)
        result = releasing.release(model, out, truths, sizes, note, logit_adjustment, saturation)
        out.with_suffix(".md").write_text(releasing.card(checkpoint.load(out), out.stem))
    print(evaluation.as_table(result))
