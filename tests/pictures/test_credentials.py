"""Results signed by C2PA: the manifest read back, the pixels as without, and what cannot sign."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from colorify import batch, pictures
from colorify.batch import BatchOptions
from colorify.cli import app
from colorify.inputs import Job
from colorify.knobs import Knobs
from colorify.models import checkpoint as checkpoints
from colorify.pictures import FORMATS, TABLE, PictureError
from colorify.pictures.credentials import SETTINGS, CredentialError, Credentials, Made, unsigned
from colorify.pictures.provenance import SOURCE_TYPE
from colorify.version import __version__
from conftest import photo

c2pa, x509, hashes, serialization, ec, ed25519, rsa = (
    pytest.importorskip(name, reason="needs the extra [sign]")
    for name in (
        "c2pa",
        "cryptography.x509",
        "cryptography.hazmat.primitives.hashes",
        "cryptography.hazmat.primitives.serialization",
        "cryptography.hazmat.primitives.asymmetric.ec",
        "cryptography.hazmat.primitives.asymmetric.ed25519",
        "cryptography.hazmat.primitives.asymmetric.rsa",
    )
)

MAKERS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}
SIGNED = [row.suffixes[0] for row in TABLE if row.depths and not unsigned(row.suffixes[0])]
USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


def named(name: str):
    return x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "An archive"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
        ]
    )


def certificate(
    name: str, key, issuer: str, by, days: int = 30, purpose=x509.ExtendedKeyUsageOID.EMAIL_PROTECTION
) -> bytes:
    """A certificate in PEM, of a CA where ``key`` signs itself; over since ``-days``."""
    is_ca, now = key is by, datetime.now(UTC)
    use = dict.fromkeys(USES, False) | {"key_cert_sign" if is_ca else "digital_signature": True}
    builder = (
        x509.CertificateBuilder(named(issuer), named(name), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(60))
        .not_valid_after(now + timedelta(days))
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(x509.KeyUsage(**use), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not is_ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem(key, password: bytes | None = None) -> bytes:
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


AUTHORITY = MAKERS["es256"]()
ROOT = certificate("A CA", AUTHORITY, "A CA", AUTHORITY)
OWNER = MAKERS["es256"]()
OWNED = certificate("owner", OWNER, "A CA", AUTHORITY)


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    """A key and its chain."""
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    key.write_bytes(pem(OWNER))
    chain.write_bytes(OWNED + ROOT)
    return key, chain


@pytest.fixture
def options(files) -> BatchOptions:
    return BatchOptions(Knobs(saturation=1.5), credentials=Credentials.load(*files))


@pytest.fixture
def model(checkpoint, tmp_path) -> Path:
    checkpoints.save(checkpoint, path := tmp_path / "tiny.safetensors")
    return path


def invoke(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def checked(path: Path) -> dict:
    """The manifest of a file; valid, and by nobody that the library knows."""
    with (
        path.open("rb") as file,
        c2pa.Context(c2pa.Settings.from_dict(SETTINGS)) as context,
        c2pa.Reader(path.suffix[1:], file, context=context) as reader,
    ):
        found = json.loads(reader.json())
    assert found["validation_state"] == "Valid"
    faults = [fault["code"] for fault in found["validation_results"]["activeManifest"]["failure"]]
    assert faults == ["signingCredential.untrusted"]
    return found["manifests"][found["active_manifest"]]


def has_manifest(path: Path) -> bool:
    with path.open("rb") as file:
        return c2pa.Reader.try_create(path.suffix[1:], file) is not None


def actions(manifest: dict) -> list[dict]:
    (found,) = [each for each in manifest["assertions"] if each["label"] == "c2pa.actions.v2"]
    assert found["created"]  # not gathered: the signer answers for it
    return found["data"]["actions"]


def gray(path: Path) -> Path:
    pictures.write(pictures.from_array(np.asarray(photo(0).convert("L"))), path)
    return path


@pytest.mark.parametrize("suffix", SIGNED)
def test_a_result_says_what_it_was_made_of_and_keeps_its_pixels(colorizer, options, tmp_path, suffix):
    source = gray(tmp_path / f"old{suffix}")
    new, plain = tmp_path / "out" / f"new{suffix}", tmp_path / f"plain{suffix}"
    batch.colorize_file(colorizer, Job(source, new), options)
    batch.colorize_file(colorizer, Job(source, plain), replace(options, credentials=None))
    manifest = checked(new)
    assert manifest["title"] == f"new{suffix}"
    maker = manifest["claim_generator_info"][0]
    assert (maker["name"], maker["version"]) == ("colorify", __version__)
    (parent,) = manifest["ingredients"]
    assert (parent["title"], parent["relationship"]) == (f"old{suffix}", "parentOf")
    opened, colored = actions(manifest)
    assert opened["action"] == "c2pa.opened" and len(opened["parameters"]["ingredients"]) == 1
    assert colored["action"] == "c2pa.edited" and colored["digitalSourceType"] == SOURCE_TYPE
    assert colored["softwareAgent"] == {"name": f"colorify {colorizer.signature}", "version": __version__}
    assert colored["parameters"]["colorify.knobs"] == "saturation=1.5"
    after, before = pictures.read(new), pictures.read(plain)
    assert np.array_equal(after.pixels, before.pixels) and after.metadata.xmp == before.metadata.xmp
    assert [path.name for path in new.parent.iterdir()] == [new.name]


def test_the_formats_that_are_asked_for_hold_it():
    assert {".jpg", ".png", ".webp", ".tif", ".avif"} <= set(SIGNED) and ".bmp" not in SIGNED
    assert all(not unsigned(suffix) for suffix in (".mp4", ".mov", ".MP4", ".jfif", ".tiff"))
    assert all(unsigned(suffix) for suffix in (".mkv", ".webm", ".ora", ".bmp"))


@pytest.mark.parametrize("suffix", [suffix for suffix, row in FORMATS.items() if row.depths])
def test_a_source_of_any_format_is_the_parent(colorizer, options, tmp_path, suffix):
    batch.colorize_file(colorizer, Job(gray(tmp_path / f"old{suffix}"), new := tmp_path / "new.png"), options)
    assert checked(new)["ingredients"][0]["title"] == f"old{suffix}"


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_depth_and_alpha_stay(colorizer, options, tmp_path, suffix, kind):
    pixels = np.random.default_rng(0).integers(0, np.iinfo(kind).max, (20, 30, 4), kind)
    pictures.write(pictures.from_array(pixels), old := tmp_path / f"old{suffix}")
    batch.colorize_file(colorizer, Job(old, new := tmp_path / f"new{suffix}"), options)
    batch.colorize_file(colorizer, Job(old, plain := tmp_path / f"b{suffix}"), replace(options, credentials=None))
    checked(new)
    after, before = pictures.read(new), pictures.read(plain)
    assert after.pixels.dtype == kind and np.array_equal(after.pixels, before.pixels)
    assert np.array_equal(after.alpha, before.alpha)


def test_several_pages_are_refused_and_read(colorizer, options, tmp_path):
    """The page that the library adds for the manifest is none of ours; others' programs stumble over it."""
    pages = [pictures.from_array(np.full((20, 30), 9000 * (n + 1), np.uint16)) for n in range(3)]
    pictures.write_pages(pages, path := tmp_path / "old.tif", count=3)
    with pytest.raises(PictureError, match=r"old\.tif: 3 pages: content credentials are for files of one"):
        batch.colorize_file(colorizer, Job(path, tmp_path / "new.tif"), options)
    assert not (tmp_path / "new.tif").exists()
    with gray(tmp_path / "a.png").open("rb") as file:
        options.credentials.sign(path, path.name, Made("a.png", ".png", file, "m"))
    checked(path)
    for after, before in zip(pictures.pages(path), pages, strict=True):
        assert np.array_equal(after.pixels, before.pixels)


def test_layers_are_not_signed(files, tmp_path):
    signs = ("--sign-key", files[0], "--sign-certificate", files[1])
    result = invoke("image", gray(tmp_path / "a.png"), "-o", tmp_path / "b.tif", "--layers", *signs)
    assert result.exit_code == 1 and "choose --layers or --sign-key" in result.stderr


def test_a_source_that_is_cut_off_is_the_parent(options, tmp_path):
    gray(tmp_path / "a.png"), gray(tmp_path / "b.png")
    cut = io.BytesIO((tmp_path / "a.png").read_bytes()[:60])
    options.credentials.sign(tmp_path / "b.png", "b.png", Made("a.png", ".png", cut, "m"))
    assert checked(tmp_path / "b.png")["ingredients"][0]["title"] == "a.png"


def test_a_parent_with_credentials_keeps_them(colorizer, options, tmp_path):
    batch.colorize_file(colorizer, Job(gray(tmp_path / "a.tif"), tmp_path / "b.tif"), options)
    batch.colorize_file(colorizer, Job(tmp_path / "b.tif", tmp_path / "c.tif"), options)
    with (tmp_path / "c.tif").open("rb") as file, c2pa.Reader("tif", file) as reader:
        found = json.loads(reader.json())
    manifest = checked(tmp_path / "c.tif")
    assert len(found["manifests"]) == 2 and manifest["ingredients"][0]["active_manifest"] in found["manifests"]


def test_luma_kept_to_the_bit_is_signed(colorizer, options, tmp_path):
    pytest.importorskip("jpeglib")
    source = gray(tmp_path / "a.jpg")
    batch.colorize_file(colorizer, Job(source, tmp_path / "b.jpg"), replace(options, keep_luma=True))
    batch.colorize_file(colorizer, Job(source, tmp_path / "c.jpg"), replace(options, keep_luma=True, credentials=None))
    checked(tmp_path / "b.jpg")
    assert np.array_equal(*(pictures.read(tmp_path / name).pixels for name in ("b.jpg", "c.jpg")))


@pytest.mark.parametrize("algorithm", MAKERS)
@pytest.mark.parametrize("purpose", ["1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1"])
def test_the_algorithm_is_that_of_the_key(colorizer, files, tmp_path, algorithm, purpose):
    key = MAKERS[algorithm]()
    files[0].write_bytes(pem(key))
    files[1].write_bytes(certificate("owner", key, "A CA", AUTHORITY, purpose=x509.ObjectIdentifier(purpose)) + ROOT)
    credentials = Credentials.load(*files)
    assert credentials.algorithm == algorithm and "PRIVATE" not in repr(credentials)
    batch.colorize_file(
        colorizer, Job(gray(tmp_path / "a.png"), tmp_path / "b.png"), BatchOptions(credentials=credentials)
    )
    assert checked(tmp_path / "b.png")["signature_info"]["alg"].lower() == algorithm


def test_a_changed_byte_is_found(colorizer, options, tmp_path):
    batch.colorize_file(colorizer, Job(gray(tmp_path / "a.png"), new := tmp_path / "b.png"), options)
    content = bytearray(new.read_bytes())
    content[-20] ^= 1
    with c2pa.Reader("png", io.BytesIO(bytes(content))) as reader:
        assert reader.get_validation_state() == "Invalid"


LOCKED = pem(OWNER, b"secret")
OTHER = MAKERS["es256"]()
SELF = certificate("me", OWNER, "me", OWNER)
SERVER = certificate("owner", OWNER, "A CA", AUTHORITY, purpose=x509.ExtendedKeyUsageOID.SERVER_AUTH)
OVER = certificate("owner", OWNER, "A CA", AUTHORITY, days=-1)
FILES = {"image": "b.png", "bulk": "folder", "video": "b.mp4"}
BAD = {
    "other": (pem(OTHER), OWNED + ROOT, "not the certificate of this key"),
    "order": (pem(OWNER), ROOT + OWNED, "not the certificate of this key, which has to come first"),
    "gap": (pem(OWNER), OWNED + certificate("B", OTHER, "B", OTHER), "its issuer does not follow it"),
    "over": (pem(OWNER), OVER + ROOT, "not now"),
    "text": (pem(OWNER), b"hello", "not certificates in PEM"),
    "none": (pem(OWNER), None, "cannot be read: No such file"),
    "self": (pem(OWNER), SELF, "C2PA asks for one by a CA"),
    "server": (pem(OWNER), SERVER + ROOT, "C2PA asks for one by a CA"),
    "locked": (LOCKED, OWNED + ROOT, "the key has a password"),
    "no key": (OWNED, OWNED + ROOT, "not a private key in PEM"),
    "gone": (None, OWNED + ROOT, "cannot be read: No such file"),
    "short": (pem(rsa.generate_private_key(65537, 1024)), OWNED + ROOT, "choose P-256"),
    "curve": (pem(ec.generate_private_key(ec.SECP256K1())), OWNED + ROOT, "choose P-256"),
}


@pytest.mark.parametrize("command", ["image", "bulk", "video"])
@pytest.mark.parametrize("case", BAD)
def test_what_cannot_sign_is_one_line_before_the_work(tmp_path, case, command):
    source, target = gray(tmp_path / "a.png"), tmp_path / "out" / FILES[command]
    key, chain, said = BAD[case]
    for path, content in (("key.pem", key), ("chain.pem", chain)):
        if content is not None:
            (tmp_path / path).write_bytes(content)
    signs = ("--sign-key", tmp_path / "key.pem", "--sign-certificate", tmp_path / "chain.pem")
    result = invoke(command, source, "-o", target, *signs, "--model", "never asked")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1 and said in result.stderr, result.stderr
    assert str(tmp_path) in result.stderr and "PRIVATE" not in result.stderr and not target.exists()


@pytest.mark.parametrize("command", ["image", "bulk", "video"])
def test_one_option_without_the_other(files, tmp_path, command):
    source = gray(tmp_path / "a.png")
    for number, name in enumerate(("--sign-key", "--sign-certificate")):
        result = invoke(command, source, "-o", tmp_path / FILES[command], name, files[number])
        assert result.exit_code == 2 and "go together" in result.stderr


@pytest.mark.parametrize("command", ["image", "bulk", "video"])
def test_nothing_said_and_signed_exclude_each_other(files, tmp_path, command):
    signs = ("--sign-key", files[0], "--sign-certificate", files[1], "--no-provenance")
    source = film(tmp_path / "a.mp4") if command == "video" else gray(tmp_path / "a.png")
    result = invoke(command, source, "-o", tmp_path / FILES[command], *signs)
    assert result.exit_code == 1 and "choose --sign-key or --no-provenance" in result.stderr


def test_a_missing_extra_is_named(files, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    with pytest.raises(CredentialError, match=r"colorify-photo\[sign\]"):
        Credentials.load(*files)


@pytest.mark.parametrize("command", ["image", "bulk"])
def test_a_format_without_is_named_and_the_others_go_on(files, model, tmp_path, command):
    (folder := tmp_path / "in").mkdir()
    gray(folder / "a.bmp"), gray(folder / "b.png")
    signs = ("--sign-key", files[0], "--sign-certificate", files[1])
    result = invoke(command, folder, "-o", tmp_path / "out", *signs, "--model", model)
    assert result.exit_code == 1 and "BMP holds no content credentials" in result.stderr.splitlines()[0]
    assert not (tmp_path / "out" / "a.bmp").exists()
    checked(tmp_path / "out" / "b.png")


def test_what_is_left_as_it_was_is_not_signed(colorizer, options, tmp_path):
    photo(1).save(tmp_path / "a.png")
    kept = replace(options, keep_color=True)
    notes = batch.colorize_file(colorizer, Job(tmp_path / "a.png", tmp_path / "b.png"), kept)
    assert notes == [batch._COPIED, "not signed"]
    assert "not signed" in batch.colorize_file(colorizer, Job(tmp_path / "a.png", tmp_path / "b.tif"), kept)
    assert not has_manifest(tmp_path / "b.png") and not has_manifest(tmp_path / "b.tif")


def test_what_fails_leaves_nothing_and_names_the_result(colorizer, options, tmp_path, monkeypatch):
    pictures.write(pictures.from_array(np.zeros((8, 8, 4), np.uint8)), tmp_path / "a.png")
    (out := tmp_path / "out").mkdir()
    with pytest.raises(PictureError, match=r"b\.jpg: JPEG holds no transparency") as caught:
        batch.colorize_file(colorizer, Job(tmp_path / "a.png", out / "b.jpg"), options)
    assert ".part" not in str(caught.value) and not list(out.iterdir())

    def refuse(*arguments: object) -> None:
        raise c2pa.C2paError("Other: no")

    (out / "c.png").write_bytes(b"old")
    monkeypatch.setattr(Credentials, "_sign", refuse)
    with pytest.raises(CredentialError, match=r"c\.png: cannot be signed: no"):
        batch.colorize_file(colorizer, Job(tmp_path / "a.png", out / "c.png"), replace(options, overwrite=True))
    assert [path.read_bytes() for path in out.iterdir()] == [b"old"]


def film(path: Path) -> Path:
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(5):
            frame = np.roll(np.asarray(photo(0).convert("L")), number, 1)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "gray")))
        out.mux(stream.encode(None))
    return path


def frames(path: Path) -> np.ndarray:
    import av

    with av.open(str(path)) as opened:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)])


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".gif"])
def test_a_film_is_signed_and_keeps_its_frames(files, model, tmp_path, suffix):
    source, new, plain = film(tmp_path / "old.mp4"), tmp_path / f"new{suffix}", tmp_path / f"plain{suffix}"
    signs = ("--sign-key", files[0], "--sign-certificate", files[1])
    assert invoke("video", source, "-o", plain, "--model", model).exit_code == 0
    result = invoke("video", source, "-o", new, *signs, "--model", model)
    assert result.exit_code == 0, result.stderr
    manifest = checked(new)
    assert manifest["title"] == new.name and manifest["ingredients"][0]["title"] == "old.mp4"
    assert actions(manifest)[1]["digitalSourceType"] == SOURCE_TYPE
    assert np.array_equal(frames(new), frames(plain))
    assert not list(tmp_path.glob(".*"))


def test_films_that_cannot_be_signed_are_named_before_the_work(files, tmp_path):
    source = film(tmp_path / "old.mp4")
    signs = ("--sign-key", files[0], "--sign-certificate", files[1], "--model", "never asked")
    result = invoke("video", source, "-o", tmp_path / "new.mkv", *signs)
    assert result.exit_code == 1 and ".mkv holds no content credentials" in result.stderr
    for more in (("-o", tmp_path / "f%03d.png"), ("-o", "-"), ("--preview", tmp_path / "a.png")):
        assert invoke("video", source, *more, *signs).exit_code == 2


def test_bulk_signs_films_too_and_keeps_the_key_here(files, model, tmp_path):
    film(tmp_path / "old.mp4")
    signs = ("--sign-key", files[0], "--sign-certificate", files[1], "--model", model)
    result = invoke("bulk", tmp_path / "old.mp4", "-o", tmp_path / "out", *signs)
    assert result.exit_code == 0, result.stderr
    checked(tmp_path / "out" / "old.mp4")
    assert invoke("bulk", tmp_path / "old.mp4", "-o", tmp_path / "ray", "--engine", "ray", *signs).exit_code == 2
