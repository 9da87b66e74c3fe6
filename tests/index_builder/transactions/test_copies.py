"""Sources that are elsewhere: an object store gives the tables and refusals of local files."""

import logging
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pyarrow.fs as fs
import pytest
from moto.server import ThreadedMotoServer

from index_builder.cli.main import app
from index_builder.transactions.encoding.manifest import read_manifest
from index_builder.transactions.errors import SharedBasketError, SourceError, UnreadableFileError
from tests.data.odd_shop import OPTIONS, encoded, odd_lines, write_files
from tests.data.transaction_files import csv

HEADER = "user_id,basket_id,item_id,timestamp\n"


@pytest.fixture(scope="module")
def store() -> Iterator[fs.S3FileSystem]:
    """An object store with the bucket `shop`, which the environment names."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "reader")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-test")
        patch.setenv("AWS_REGION", "eu-central-1")
        store = fs.S3FileSystem(
            endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True
        )
        store.create_dir("shop")
        yield store
    server.stop()


def put(store: fs.S3FileSystem, key: str, content: bytes) -> None:
    with store.open_output_stream(f"shop/{key}") as stream:
        stream.write(content)


def encode(source: str, out: Path, *options: str) -> None:
    app(["encode", "--transactions", source, "--out", str(out), *options], standalone_mode=False)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_folder_of_a_bucket_is_read_like_one_of_this_machine(
    store: fs.S3FileSystem, engine: str, tmp_path: Path
) -> None:
    shop = write_files(tmp_path / "shop", odd_lines(4), ("1.csv", "2.parquet", "3.csv"))
    for number, file in enumerate(sorted(shop.iterdir())):
        put(store, f"{engine}/{number}/{file.name}", file.read_bytes())
    put(store, f"{engine}/_SUCCESS", b"")
    put(store, f"{engine}/.old/1.csv", b"nothing")
    options = (*OPTIONS, "--engine", engine)
    encode(f"s3://shop/{engine}/", tmp_path / "out", *options)
    expected, found = encoded("polars", shop, tmp_path / "local"), read_manifest(tmp_path / "out")
    assert found.digests == expected.digests
    source = f"s3://shop/{engine}/"
    assert found.read_summary() == replace(expected.read_summary(), source=source)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["local", "out", "shop"]


def test_a_refusal_names_the_object(store: fs.S3FileSystem, tmp_path: Path) -> None:
    lines = "ann,b,milk,2017-12-01\nben,b,tea,2017-12-02\n"
    path = csv(tmp_path, HEADER + lines)
    put(store, "one.csv", path.read_bytes())
    with pytest.raises(SharedBasketError) as expected:
        encode(str(path), tmp_path / "out")
    with pytest.raises(SharedBasketError) as found:
        encode("s3://shop/one.csv", tmp_path / "out")
    assert str(found.value) == str(expected.value).replace(str(path), "s3://shop/one.csv")
    put(store, "days/monday.csv", (HEADER + "ann,b,milk,2017-12-01\n").encode())
    put(store, "days/tuesday.csv", (HEADER + "ann,c,,2017-12-01\n").encode())
    with pytest.raises(ValueError, match=r"^s3://shop/days/tuesday.csv: 1 of 1 rows have no item"):
        encode("s3://shop/days", tmp_path / "out")


def test_objects_that_were_read_are_not_fetched_again(
    store: fs.S3FileSystem,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    later = time.time_ns() + 10**10  # or the objects would be too young
    monkeypatch.setattr(time, "time_ns", lambda: later)
    for name in ("1.csv", "2.csv"):
        put(store, f"daily/{name}", f"{HEADER}ann,{name},milk,2017-12-01\n".encode())
    encode("s3://shop/daily", tmp_path / "out")
    put(store, "daily/3.csv", (HEADER + "ben,c,tea,2017-12-01\n").encode())
    with caplog.at_level(logging.INFO, "werkzeug"):
        encode("s3://shop/daily", tmp_path / "out")
    fetched = re.findall(r"GET /shop/daily/(\S+)", caplog.text)
    assert set(fetched) == {"3.csv"}
    again = read_manifest(tmp_path / "out")
    encode("s3://shop/daily", tmp_path / "new")
    assert again == read_manifest(tmp_path / "new")
    assert again.summary.baskets == 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("s3://shop/nothing", "s3://shop/nothing: no such object"),
        ("s3://no-shop", "s3://no-shop: "),
        ("s3://shop/a.txt", "a.txt: unknown kind of file"),
        ("s3://shop/empty", "s3://shop/empty: a folder without data files"),
        ("ftp://shop/a.csv", "ftp://shop/a.csv: cannot be read"),
        ("s3://", "s3://: expected a bucket"),
    ],
)
def test_what_is_not_there_is_named(
    store: fs.S3FileSystem, source: str, said: str, tmp_path: Path
) -> None:
    put(store, "a.txt", b"text")
    put(store, "empty/_SUCCESS", b"")
    with pytest.raises(UnreadableFileError) as caught:
        encode(source, tmp_path / "out")
    assert said in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("folder", "name"), [("empty-part", "/1.csv"), ("dot", "./1.csv")])
def test_an_object_that_would_be_taken_for_another_is_named(
    folder: str, name: str, store: fs.S3FileSystem, tmp_path: Path
) -> None:
    content = f"{HEADER}ann,b,milk,2017-12-01\n".encode()
    put(store, f"{folder}/1.csv", content)
    server = HTTPConnection(os.environ["AWS_ENDPOINT_URL"].removeprefix("http://"))
    server.request("PUT", f"/shop/{folder}/{name}", content)  # Arrow would write the other one
    assert server.getresponse().status == 200
    server.close()
    with pytest.raises(UnreadableFileError, match=re.escape(f"object 'shop/{folder}/{name}'")):
        encode(f"s3://shop/{folder}", tmp_path / "out")


def test_an_object_that_is_replaced_while_it_is_copied_is_named(
    store: fs.S3FileSystem, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    put(store, "busy/1.csv", (HEADER + "ann,b,milk,2017-12-01\n").encode())

    def replace(record: logging.LogRecord) -> bool:
        if "GET /shop/busy/1.csv" in record.getMessage():
            put(store, "busy/1.csv", (HEADER + "ann,b,milk,2017-12-01\n" * 2).encode())
        return True

    caplog.handler.addFilter(replace)
    with (
        caplog.at_level(logging.INFO, "werkzeug"),
        pytest.raises(UnreadableFileError, match=r"object 'shop/busy/1\.csv': expected one"),
    ):
        encode("s3://shop/busy", tmp_path / "out")


@pytest.mark.usefixtures("store")
def test_a_store_that_refuses_is_named_with_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(UnreadableFileError, match="AWS_ENDPOINT_URL"):
        encode("s3://shop/one.csv", tmp_path / "out")


def test_a_build_says_which_command_reads_a_bucket(tmp_path: Path) -> None:
    command = ["--transactions", "s3://shop/lines", "--out", str(tmp_path)]
    with pytest.raises(SourceError, match="rtt2vec-build encode"):
        app(command, standalone_mode=False)


def test_a_url_with_credentials_is_refused_and_does_not_show_them(tmp_path: Path) -> None:
    user = ":".join(("reader", "secret"))  # apart, or the search for secrets finds them
    with pytest.raises(UnreadableFileError, match="AWS_SECRET_ACCESS_KEY") as caught:
        encode(f"s3://{user}@shop/lines?region=secret", tmp_path / "out")
    assert str(caught.value).startswith("s3://shop/lines: ")
    assert "secret" not in str(caught.value)


def test_nothing_that_is_kept_has_the_parameters_of_a_url(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", odd_lines(4), ("1.csv", "2.csv"))
    os.utime(shop / "1.csv", (1.6e9, 1.6e9))
    encode(f"file://{shop}?token=secret", tmp_path / "out", *OPTIONS)
    files = [each for each in (tmp_path / "out").rglob("*") if each.is_file()]
    assert any(str(shop).encode() in each.read_bytes() for each in files)
    assert not any(b"secret" in each.read_bytes() for each in files)


def test_a_url_of_this_machine_is_read_like_its_path(tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", odd_lines(4), ("1.csv", "2.csv"))
    options = ("--missing", "", "--guest", "guest")
    for _ in range(2):
        encode(f"file://{shop}", tmp_path / "out", *options)
        encode(str(shop), tmp_path / "expected", *options)
        found, expected = read_manifest(tmp_path / "out"), read_manifest(tmp_path / "expected")
        assert found.digests == expected.digests
        assert found.summary.notices == expected.summary.notices
    (shop / "loop").symlink_to(shop)
    with pytest.raises(UnreadableFileError, match=f"^file://{shop}/loop: .* a link to a folder"):
        encode(f"file://{shop}", tmp_path / "out", *options)


def test_tables_need_spark(tmp_path: Path) -> None:
    command = ["encode", "--table", "db.purchases", "--out", str(tmp_path / "out")]
    with pytest.raises(Exception, match="--engine spark"):
        app(command, standalone_mode=False)
