"""Sections of ``params.yaml`` as frozen dataclasses; a key that is not a field is an error naming the nearest one."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml

_EXPONENT = re.compile(r"[+-]?[0-9]+[eE][+-]?[0-9]+")
"""5e-05: a number in YAML 1.2, which dvc writes, and text in YAML 1.1, which PyYAML reads."""

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Config = TypeVar("Config", bound=DataclassInstance)


class ParamsError(ValueError):
    """What is wrong in the params, where, and what to write instead."""


PACKAGED = Path(__file__).with_name("params.yaml")
"""The numbers that come with the package, for those who train without its repository."""


def find(start: Path | None = None) -> Path:
    """The nearest ``params.yaml`` at or above ``start`` (default: the working folder), else the package's."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "params.yaml").is_file():
            return folder / "params.yaml"
    return PACKAGED


def root(path: Path | None = None) -> Path:
    """The folder that relative paths start from: that of ``params.yaml``; of the package's, the working folder."""
    path = Path(path or find())
    return Path.cwd() if path == PACKAGED else path.resolve().parent


def load(section: str, into: type[Config], profile: str | None = None, path: Path | None = None) -> Config:
    """Read ``section`` of ``profile`` (default: the one that the file names) into the dataclass ``into``."""
    path = Path(path or find())
    document = _read(path)
    profile = profile or pick(document, "profile", path.name)
    return build(into, pick(pick(document, profile, path.name), section, f"{path.name}: {profile}"), section)


def profile(path: Path | None = None) -> str:
    """The profile that ``params.yaml`` names."""
    path = Path(path or find())
    return pick(_read(path), "profile", path.name)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ParamsError(f"{path.name}: nested too deeply") from None
    except yaml.YAMLError as error:
        raise ParamsError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from None
    except UnicodeDecodeError as error:
        raise ParamsError(f"{path.name} is not UTF-8 text: {error.reason}") from None
    except OSError as error:
        raise ParamsError(f"{path}: cannot be read: {error.strerror}") from None
    if not isinstance(document, Mapping):
        raise ParamsError(f"{path.name}: expected `profile: NAME` and a section for each profile")
    return document


def pick(mapping: Mapping[str, Any], key: str, where: str) -> Any:
    """``mapping[key]``, or an error that names the nearest key."""
    if not isinstance(mapping, Mapping) or not isinstance(key, str):
        raise ParamsError(f"{where}: expected a section of names, found {mapping!r}, and a name, found {key!r}")
    if key in mapping:
        return mapping[key]
    raise ParamsError(f"{where}: no {key!r}{nearest(key, mapping)}")


def nearest(key: str, known: Iterable[object]) -> str:
    """A hint for an unknown key: the nearest known one, or all of them."""
    names = [str(name) for name in known]
    close = difflib.get_close_matches(str(key), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(names))}"


def build(into: type[Config], values: Mapping[str, Any], where: str = "") -> Config:
    """Make the dataclass ``into`` of a mapping; unknown, missing and mistyped keys are errors that name them."""
    where = where or into.__name__
    if not isinstance(values, Mapping):
        raise ParamsError(f"{where}: expected a section of keys, found {values!r}")
    known = {field.name: field for field in fields(into)}
    for key in values:
        if key not in known:
            raise ParamsError(f"{where}: unknown key {key!r}{nearest(key, known)}")
    for name, field in known.items():
        if name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise ParamsError(f"{where}: {name!r} is missing")
    hints = typing.get_type_hints(into)
    return into(**{key: _convert(value, hints[key], f"{where}.{key}") for key, value in values.items()})


def _convert(value: Any, hint: Any, where: str) -> Any:
    """``value`` as the annotated type: a nested section, a tuple, or a plain value of the right kind."""
    if isinstance(hint, type) and is_dataclass(hint):
        return build(hint, value, where)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _convert(value, next(kind for kind in inner if kind is not type(None)), where)
    if origin is typing.Literal:
        if value not in inner:
            raise ParamsError(f"{where}: {value!r}{nearest(value, inner)}")
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise ParamsError(f"{where}: expected a list, found {value!r}")
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) != len(value):
            raise ParamsError(f"{where}: expected {len(kinds)} values, found {len(value)}: {value!r}")
        return tuple(_convert(item, kind, where) for item, kind in zip(value, kinds, strict=True))
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ParamsError(f"{where}: expected {hint.__name__}, found {value!r}")
    return value
