"""The commands that gather pictures to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from colorify.cli.common import Json, Values, console, emit, plainly, say

app = typer.Typer(help="Gather colour pictures to learn from.", no_args_is_help=True)

Contact = Annotated[str, typer.Option(help="URL or address that site owners can complain to.")]
AllowPrivate = Annotated[bool, typer.Option("--allow-private", help="The hosts may be in a private network.")]
MinSide = Annotated[int, typer.Option(min=1, help="Refuse pictures with a shorter short side, px.")]
Longest = Annotated[int, typer.Option(min=16, help="Shrink pictures with a longer long side, px.")]


@app.command()
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
    json: Json = False,
) -> None:
    """Crawl web sites for pictures: robots.txt, throttled, resumable. Ctrl-C stops; the same command goes on."""
    from colorify.collect import normalize, spider
    from colorify.collect.sources import counted

    limits: dict[str, Any] = {
        "depth": depth,
        "max_pages": max_pages,
        "max_pictures": max_pictures,
        "max_minutes": max_minutes,
    }
    manners: dict[str, Any] = {"delay": delay, "per_host": per_host, "timeout": timeout, "obey_noai": obey_noai}
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
    facts = {"target": out} if json else None
    with plainly(facts), console().status("") as line:
        crawled, refused = spider.crawl(config, lambda counts: line.update(counted(counts))), spider.refused(config)
        if not json:
            print(counted(crawled))
        for url, reason in refused.items() if not json else ():
            say(f"{url}: cannot be visited: {reason}")
        counts = normalize.normalize(
            spider.harvest(out), out, shape, lambda done: line.update(f"{done:,} pictures examined")
        )
    _told(facts, _kept(counts, out), crawled=crawled, refused=refused, pictures=counts)
    raise typer.Exit(1 if refused else 0)


@app.command()
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
    json: Json = False,
) -> None:
    """Bring pictures into shape for training: one manifest, copies of the large ones; nothing else is touched."""
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
    facts = {"target": out} if json else None
    with plainly(facts), console().status("") as line:
        counts = gather(config, out, line.update)
    _told(facts, _kept(counts, out), pictures=counts)


@app.command("shard")
def shards(
    source: Annotated[Path, typer.Argument(help="A harvest, a manifest, a folder of pictures, or shards.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A new folder.")],
    megabytes: Annotated[int, typer.Option(min=1, help="Size of a shard, MiB.")] = 256,
    json: Json = False,
) -> None:
    """Pack pictures into tar shards with a manifest as their index: few large files, to store, to send, to read."""
    from colorify.collect.shards import shard

    facts = {"source": source, "target": out} if json else None
    with plainly(facts), console().status("") as line:
        pictures, count = shard(source, out, megabytes << 20, lambda done: line.update(f"{done:,} pictures packed"))
    _told(facts, f"{out}: {pictures:,} pictures in {count:,} shards", pictures=pictures, shards=count)


@app.command()
def profile(
    name: Annotated[str | None, typer.Argument(help="A profile of params.yaml; default: the one it names.")] = None,
    params: Annotated[Path | None, typer.Option(help="Another params.yaml.")] = None,
    json: Json = False,
) -> None:
    """Gather what params.yaml names, as the stage `collect` of the chain does: what `train --profile` reads."""
    from colorify.collect import sources

    facts = {"profile": name} if json else None
    with plainly(facts):
        home = sources.stage(name, params, say if json else print)
        _told(facts, str(home), target=home)


def _told(facts: Values | None, text: str, **more: object) -> None:
    """Say what was gathered, as a sentence, or with facts as JSON."""
    if facts is None:
        print(text)
    else:
        emit(**facts, state="done", reason="", **more)


def _kept(counts: dict[str, int], out: Path) -> str:
    """What became of the pictures."""
    return f"{out}: " + (", ".join(f"{count:,} {reason}" for reason, count in counts.items()) or "no pictures")
