"""Profiles are obeyed: the network sees what the profile shows, and colours laid are right when seen through it.

The independent reader is LittleCMS, which is inside Pillow.
"""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from colorify import pictures
from colorify.color import gray_to_luma, luma_to_gray, rgb_to_lab
from colorify.laying import apply_chroma
from colorify.network_input import small_luma
from colorify.pictures import Metadata, Picture

LIMITS = {"u1": 0.5, "u2": 0.01, "f4": 0.01}
TOPS = {"u1": 255, "u2": 65535, "f4": 1}
D50 = np.array((0.9642, 1.0, 0.8249))
BRADFORD = np.array(((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296)))
D65 = np.array((0.95047, 1.0, 1.08883))
PRIMARIES = {  # x, y of red, green, blue; the white; and a gamma
    "Adobe RGB": (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), (0.3127, 0.329), 563 / 256),
    "ProPhoto": (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 1.8),
    "Display P3": (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), (0.3127, 0.329), "sRGB"),
    "linear": (((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), (0.3127, 0.329), 1.0),
}
GAINS = np.linspace(0, 1, 256)
DOT_GAIN = (1 - np.minimum(1, (1 - GAINS) + 0.8 * (1 - GAINS) * GAINS)) ** 1.0  # 20 % more ink at a half
CURVES = {"gamma 1.8": 1.8, "gamma 2.2": 2.2, "linear": 1.0, "dot gain": DOT_GAIN}


def curve(given: object) -> bytes:
    if isinstance(given, float):
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(given * 256)) + b"\0\0"
    if isinstance(given, str):
        values = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
        return b"para\0\0\0\0" + struct.pack(">HH5i", 3, 0, *(round(v * 65536) for v in values))
    table = np.rint(np.asarray(given) * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", len(table)) + table.tobytes()


def profile(kind: bytes, tags: dict[bytes, bytes], connection: bytes = b"XYZ ") -> bytes:
    """A version 2 profile by the letter of ICC.1."""
    tags = {b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in D50)), **tags}
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, 132 + 12 * len(tags) + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s12s4s4sI", 0, b"", 0x02400000, b"mntr", kind, connection, b"", b"acsp", b"", 0)
    head = head.ljust(68, b"\0") + struct.pack(">3i", *(round(v * 65536) for v in D50))
    whole = head.ljust(128, b"\0") + table + body
    return struct.pack(">I", len(whole)) + whole[4:]


def matrix(primaries, white) -> np.ndarray:
    """Linear RGB to XYZ under the white itself."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    point = np.array((white[0] / white[1], 1, (1 - sum(white)) / white[1]))
    return columns * np.linalg.solve(columns, point)


def adapted(xyz: np.ndarray, target: np.ndarray) -> np.ndarray:
    scale = (BRADFORD @ target) / (BRADFORD @ xyz.sum(1))
    return np.linalg.inv(BRADFORD) @ np.diag(scale) @ BRADFORD @ xyz


def rgb_profile(name: str) -> bytes:
    primaries, white, gamma = PRIMARIES[name]
    columns = adapted(matrix(primaries, white), D50).T
    tags = {n: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in c)) for n, c in
            zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}  # fmt: skip
    return profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(gamma)))


def gray_profile(name: str, connection: bytes = b"XYZ ") -> bytes:
    return profile(b"GRAY", {b"kTRC": curve(CURVES[name])}, connection)


def decoded(coded: np.ndarray, gamma: object) -> np.ndarray:
    if isinstance(gamma, str):
        return np.where(coded > 0.04045, ((coded + 0.055) / 1.055) ** 2.4, coded / 12.92)
    if isinstance(gamma, float):
        return coded ** (round(gamma * 256) / 256)
    return np.interp(coded, np.linspace(0, 1, len(gamma)), gamma)


def lab(pixels: np.ndarray, name: str) -> np.ndarray:
    """Lab of pixels through a profile of `PRIMARIES`, under D65, by textbook."""
    primaries, white, gamma = PRIMARIES[name]
    top = 1 if pixels.dtype.kind == "f" else np.iinfo(pixels.dtype).max
    to_xyz = adapted(matrix(primaries, white), D65) / D65[:, None]
    t = decoded(pixels / top, gamma) @ to_xyz.T
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), -1)


def luma(light: np.ndarray) -> np.ndarray:
    return np.where(light > 0.008856, 116 * np.cbrt(light) - 16, 903.3 * light)


def ramp(kind: str, channels: int) -> np.ndarray:
    values = np.linspace(0, 1, 256).repeat(2) if channels == 1 else np.random.default_rng(0).random((512, 3))
    return (np.stack([values] * 40) * TOPS[kind] + (0.5 if kind != "f4" else 0)).clip(0, TOPS[kind]).astype(kind)


AB = np.random.default_rng(1).normal(0, 20, (8, 16, 2)).astype(np.float32)


@pytest.mark.parametrize("connection", [b"XYZ ", b"Lab "])
@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("name", CURVES)
def test_gray_profiles_are_read_and_written_through_their_curve(name, kind, connection):
    source = Picture(ramp(kind, 1), metadata=Metadata(icc=gray_profile(name, connection)))
    light = decoded(source.pixels / TOPS[kind], CURVES[name])
    if connection == b"Lab ":  # the curve is that of L*
        light = np.where(light > 0.08, ((light * 100 + 16) / 116) ** 3, light * 100 / 903.3)
    result = apply_chroma(source, AB)
    assert result.metadata.icc[16:20] == b"RGB "
    kept = pictures.space_of(result.metadata)
    assert np.abs(kept.luma(result.pixels) - luma(light)).max() <= LIMITS[kind]
    assert (result.pixels.max(-1) != result.pixels.min(-1)).mean() > 0.5  # coloured
    seen = small_luma(source, 40)
    assert np.abs(seen.mean() - luma(light).mean()) < 1


FORMULAS = [  # ICC.1:2022, table 68: the number of a formula, its parameters, and what it says
    (0, (2.2,), lambda x: x**2.2),
    (1, (2.0, 1.25, -0.25), lambda x: np.where(x >= 0.2, (1.25 * x - 0.25).clip(0) ** 2, 0)),
    (2, (2.0, 1.25, -0.5, 0.1), lambda x: np.where(x >= 0.4, (1.25 * x - 0.5).clip(0) ** 2 + 0.1, 0.1)),
    (
        4,
        (2.4, 0.9, 0.1, 0.2, 0.2, 0.01, 0.002),
        lambda x: np.where(x >= 0.2, (0.9 * x + 0.1) ** 2.4 + 0.01, 0.2 * x + 0.002),
    ),
]


@pytest.mark.parametrize(("kind", "given", "formula"), [*FORMULAS, (None, (), lambda x: x)])
def test_every_formula_of_a_curve(kind, given, formula):
    """And a curve without a number, which is linear."""
    data = b"curv\0\0\0\0\0\0\0\0"
    if kind is not None:
        data = b"para\0\0\0\0" + struct.pack(f">HH{len(given)}i", kind, 0, *(round(v * 65536) for v in given))
    space = pictures.space_of(Metadata(icc=profile(b"GRAY", {b"kTRC": data})))
    codes = np.arange(0, 65536, 257, np.uint16).reshape(1, -1)
    assert np.abs(space.luma(codes) - luma(formula(codes / 65535).clip(0, 1))).max() < 0.05


@pytest.mark.parametrize("name", ["gamma 1.8", "linear", "dot gain"])
def test_little_cms_sees_the_same_gray_before_and_after(name):
    source = Picture(ramp("u1", 1), metadata=Metadata(icc=gray_profile(name)))
    result = apply_chroma(source, AB)
    before, after = (by_little_cms(each) for each in (source, result))
    lumas = gray_to_luma(before[..., 0] / 255), rgb_to_lab(after / 255)[..., 0]
    light = lumas[0] > 40  # in the dark its arithmetic of 8 bits has few levels
    assert np.abs(lumas[0] - lumas[1])[light].max() < 1.2  # its sRGB is of 8 bits, twice


def by_little_cms(picture: Picture) -> np.ndarray:
    given = ImageCms.ImageCmsProfile(io.BytesIO(picture.metadata.icc))
    image, srgb = Image.fromarray(picture.pixels), ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image, given, srgb, outputMode="RGB")).astype(np.float64)


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize("name", PRIMARIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_wide_profiles_keep_luminance_and_show_the_predicted_colours(name, kind, channels):
    array = ramp(kind, channels)
    source = Picture(array, metadata=Metadata(icc=rgb_profile(name)))
    flat = np.full((2, 2, 2), (8, 12), np.float32)
    result = apply_chroma(source, flat)
    assert result.metadata.icc == source.metadata.icc
    rgb = array if channels == 3 else np.dstack([array] * 3)
    before, after = lab(rgb, name), lab(result.pixels, name)
    limit = LIMITS[kind]
    if name == "linear" and kind == "u1" and channels == 3:
        limit = 0.8  # 255 steps of light are up to 3.5 L* apart: no code is nearer
    assert np.abs(before[..., 0] - after[..., 0]).max() <= limit
    middle = (before[..., 0] > 40) & (before[..., 0] < 70)
    assert np.abs(after[middle][:, 1:] - (8, 12)).max() < {"u1": 1.5, "u2": 0.05, "f4": 0.05}[kind]


@pytest.mark.parametrize("name", ["Adobe RGB", "ProPhoto", "Display P3"])
def test_little_cms_sees_the_predicted_colours(name):
    source = Picture(np.full((20, 30), 120, np.uint8), metadata=Metadata(icc=rgb_profile(name)))
    result = apply_chroma(source, np.full((2, 2, 2), (8, 12), np.float32))
    seen = rgb_to_lab(by_little_cms(result) / 255)
    assert np.abs(seen[..., 1:] - (8, 12)).max() < 2
    plain = apply_chroma(Picture(source.pixels), np.full((2, 2, 2), (8, 12), np.float32))
    wrong = rgb_to_lab(by_little_cms(Picture(plain.pixels, metadata=source.metadata)) / 255)
    assert np.abs(wrong[..., 1:] - (8, 12)).max() > np.abs(seen[..., 1:] - (8, 12)).max()


@pytest.mark.parametrize("name", PRIMARIES)
def test_the_network_sees_what_the_profile_shows(name):
    source = Picture(ramp("u2", 3), metadata=Metadata(icc=rgb_profile(name)))
    seen = source_space(source).seen(source.pixels)
    assert np.abs(gray_to_luma(seen / 255) - lab(source.pixels, name)[..., 0]).max() < 0.6


def source_space(source: Picture):
    return pictures.space_of(source.metadata)


def test_srgb_profiles_take_the_way_of_pictures_without_one():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ours = profile(b"GRAY", {b"kTRC": curve("sRGB")})
    for icc in (None, srgb, ours, b"a profile"):
        assert pictures.space_of(Metadata(icc=icc)) is None
        plain, with_icc = (
            apply_chroma(Picture(ramp("u1", 1), metadata=Metadata(icc=each)), AB) for each in (None, icc)
        )
        assert np.array_equal(plain.pixels, with_icc.pixels)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(array: np.ndarray, *chunks: bytes) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()[:33] + b"".join(chunks) + buffer.getvalue()[33:]


CHRM = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000))  # Adobe RGB


def test_colour_chunks_of_png(tmp_path):
    array = ramp("u1", 1)
    cases = {
        "untagged": (b"", "sRGB"),
        "sRGB": (chunk(b"sRGB", b"\0") + chunk(b"gAMA", struct.pack(">I", 100000)), "sRGB"),
        "gamma of sRGB": (chunk(b"gAMA", struct.pack(">I", 45455)), "sRGB"),
        "linear": (chunk(b"gAMA", struct.pack(">I", 100000)), 1.0),
        "gamma 1.8": (chunk(b"gAMA", struct.pack(">I", 55556)), 1.8),
        "primaries": (chunk(b"gAMA", struct.pack(">I", 55556)) + CHRM, 1.8),
        "linear cICP": (chunk(b"cICP", bytes((9, 8, 0, 1))), 1.0),
        "cICP of sRGB": (chunk(b"cICP", bytes((1, 13, 0, 1))), "sRGB"),
    }
    for name, (chunks, gamma) in cases.items():
        source = pictures.decode(png(array, chunks), name)
        expected = luma(decoded(array / 255, gamma))
        assert np.abs(small_luma(source, 40).mean() - expected.mean()) < 1, name
        assert not source.metadata.warnings
        result = apply_chroma(source, AB)
        pictures.write(result, tmp_path / "a.png", overwrite=True)
        assert (not chunks) or chunks in (tmp_path / "a.png").read_bytes()
        space = pictures.space_of(pictures.read(tmp_path / "a.png").metadata)
        found = space.luma(result.pixels) if space else rgb_to_lab(result.pixels / 255)[..., 0]
        assert np.abs(found - expected).max() <= 0.5, name


def test_curves_that_are_not_understood_are_kept_and_named():
    hlg = pictures.decode(png(ramp("u1", 1), chunk(b"cICP", bytes((9, 18, 0, 1)))), "a.png")
    assert hlg.metadata.warnings == ("its chunk cICP (primaries 9, transfer 18) is kept, but read as sRGB",)
    odd = profile(b"GRAY", {b"kTRC": curve(np.linspace(1, 0, 256))})
    buffer = io.BytesIO()
    Image.fromarray(ramp("u1", 1)).save(buffer, "PNG", icc_profile=odd)
    assert "kept, but read as sRGB" in pictures.decode(buffer.getvalue(), "a.png").metadata.warnings[0]


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".avif", ".bmp"])
def test_what_a_png_says_of_colours_goes_on_in_formats_without_its_chunks(tmp_path, suffix):
    """As a profile; where there is none either, as sRGB."""
    array = np.dstack([np.full((32, 48), level, np.uint8) for level in (90, 160, 60)])
    source = pictures.decode(png(array, chunk(b"gAMA", struct.pack(">I", 55556)) + CHRM), "a.png")
    expected = pictures.space_of(source.metadata).as_srgb(array).astype(int)
    pictures.write(source, tmp_path / f"a{suffix}")
    got = pictures.read(tmp_path / f"a{suffix}")
    shown = by_little_cms(got) if got.metadata.icc else got.pixels.astype(int)
    assert np.abs(shown - expected).max() <= 3
    assert np.abs(expected - array).max() > 10  # it matters


def tables_profile() -> bytes:
    """RGB through a table (mft1): the identity, but for red and blue changing places; to Lab."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 9)] * 3, indexing="ij"), -1).reshape(-1, 3)
    found = rgb_to_lab(grid[:, ::-1].copy())
    coded = (
        np.stack((found[:, 0] * 2.55, found[:, 1] + 128, found[:, 2] + 128), 1).round().clip(0, 255).astype(np.uint8)
    )
    line = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    data = b"mft1\0\0\0\0" + bytes((3, 3, 9, 0)) + identity + line * 3 + coded.tobytes() + line * 3
    return profile(b"RGB ", {b"A2B0": data}, b"Lab ")


def test_a_profile_of_tables_is_converted_to_srgb_and_says_so():
    array = np.dstack([np.full((32, 48), level, np.uint8) for level in (40, 100, 220)])
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", icc_profile=tables_profile())
    got = pictures.decode(buffer.getvalue(), "a.png")
    assert np.abs(got.pixels.astype(int) - array[..., ::-1]).max() < 40
    assert got.metadata.icc is None and "a table: its colours were converted to sRGB" in got.metadata.warnings[0]


@pytest.mark.parametrize("damage", range(40))
def test_damaged_profiles_are_no_error(damage):
    chance = np.random.default_rng(damage)
    whole = bytearray(rgb_profile("Adobe RGB") if damage % 2 else gray_profile("dot gain"))
    for _ in range(6):
        whole[chance.integers(128, len(whole))] = chance.integers(0, 256)
    icc = bytes(whole[: chance.integers(100, len(whole) + 1)])
    source = Picture(ramp("u1", 1)[:4], metadata=Metadata(icc=icc))
    assert apply_chroma(source, AB).pixels.shape == (4, 512, 3)


def test_luma_to_gray_is_the_inverse_used():
    levels = np.linspace(0, 1, 100)
    assert np.abs(luma_to_gray(gray_to_luma(levels)) - levels).max() < 1e-6


def cmyk_profile() -> bytes:
    """CMYK through a table (mft1) of two steps: what black ink leaves of white, blueish; to Lab."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 2)] * 4, indexing="ij"), -1).reshape(-1, 4)
    luma = 100 * (1 - grid[:, 3]) * (1 - grid[:, :3].mean(1) * 0.8)
    coded = np.stack((luma * 2.55, np.full(16, 128), np.full(16, 118)), 1).round().clip(0, 255).astype(np.uint8)
    line = bytes(range(256))
    identity = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    data = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + identity + line * 4 + coded.tobytes() + line * 3
    return profile(b"CMYK", {b"A2B0": data}, b"Lab ")


@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_cmyk_is_read_through_its_profile_at_any_depth(kind):
    inks = np.zeros((20, 33, 4), kind)
    inks[..., 3] = np.linspace(0, TOPS[kind], 33).round()
    file = io.BytesIO()
    tifffile.imwrite(
        file, inks, photometric="separated", metadata=None, extratags=[(34675, 7, 0, cmyk_profile(), True)]
    )
    got = pictures.decode(file.getvalue(), "a.tif")
    assert got.pixels.dtype == kind and got.metadata.icc is None
    image = Image.fromarray((inks // (257 if kind == "u2" else 1)).astype(np.uint8), "CMYK")
    given, srgb = ImageCms.ImageCmsProfile(io.BytesIO(cmyk_profile())), ImageCms.createProfile("sRGB")
    expected = np.asarray(ImageCms.profileToProfile(image, given, srgb, outputMode="RGB"))
    assert np.abs(got.pixels / TOPS[kind] * 255 - expected).max() < 4
    assert np.abs(expected[0, :, 2] - 255 * (1 - inks[0, :, 3] / TOPS[kind])).max() > 8  # the plain rule is another


def test_a_profile_that_is_not_obeyed_in_a_tiff_is_named():
    file = io.BytesIO()
    tifffile.imwrite(file, ramp("u2", 3), photometric="rgb", metadata=None,
                     extratags=[(34675, 7, 0, tables_profile(), True)])  # fmt: skip
    got = pictures.decode(file.getvalue(), "a.tif")
    assert got.metadata.icc == tables_profile() and "kept, but read as sRGB" in got.metadata.warnings[0]


def test_a_profile_made_here_says_no_time_of_today():
    """Else the same picture would be another file every second."""
    gray = b"\0" * 16 + b"GRAYXYZ " + bytes(104) + struct.pack(">I4sII", 1, b"kTRC", 144, 14)
    made = pictures.profiles.for_rgb(gray + b"curv\0\0\0\0" + struct.pack(">IH", 1, 461))
    assert struct.unpack(">6H", made[24:36]) == (2026, 1, 1, 0, 0, 0)
    assert ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(made)))
