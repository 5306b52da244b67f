import copy
import json
import pickle
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.data.address import Address, hidden_places, put_back
from builder.errors import StageError
from builder.recipe.sections.corpus import CorpusSource, Segments

WHOLE = "https://CANUSER:CANPASS@host:8443/a/b.warc.gz?X-Amz-Signature=CANSIGN&file=1#CANFRAG"
SHOWN = "https://host:8443/a/b.warc.gz"


def config(*paths: str) -> Segments:
    return Segments.model_validate({"sources": [{"path": path, "format": "warc"} for path in paths]})


@pytest.mark.parametrize(
    ("whole", "shown"),
    [
        (WHOLE, SHOWN),
        ("https://CAN@host", "https://host"),
        ("ftp://CAN:CAN@host/x", "ftp://host/x"),
        ("s3://CANKEY:CAN@bucket/key", "s3://bucket/key"),
        ("https://[::1]:80/x?CAN", "https://[::1]:80/x"),
        ("zip://a.warc::https://CAN:CAN@host/x.zip?sig=CAN", "zip://a.warc::https://host/x.zip"),
        ("zip://a.warc?CAN::simplecache::https://host/x.zip#CAN", "zip://a.warc::simplecache::https://host/x.zip"),
        ("https://CAN%40CAN:p%2FCAN@host/x", "https://host/x"),
        ("hf://datasets/owner/name@main/x.parquet", "hf://datasets/owner/name@main/x.parquet"),
        ("s3://bucket/a", "s3://bucket/a"),
        ("abfs://box@account.dfs.core.windows.net/a", "abfs://box@account.dfs.core.windows.net/a"),
        ("abfss://box:CAN@account/a?CAN", "abfss://box@account/a"),
        ("abfs://box@CAN@account/a", "abfs://account/a"),
        ("zip://a.warc::wasbs://box@account/x.zip?CAN", "zip://a.warc::wasbs://box@account/x.zip"),
        ("github://org:repo@main/a.jsonl", "github://org:repo@main/a.jsonl"),
        ("github://org:repo@/a.jsonl", "github://org:repo@/a.jsonl"),
        ("github://org:repo:CAN@main/a", "github://main/a"),
        ("github://org:ghp_CAN@main/a", "github://main/a"),
    ],
)
def test_an_address_is_shown_without_its_secrets(whole: str, shown: str) -> None:
    address = Address(whole)
    assert address.full() == whole
    assert address.hides == (whole != shown)
    said = [
        str(address), f"{address}", f"{address!r}", f"{address:>200}", "{}".format(address), "%s" % address,  # noqa: UP031,UP032
        address + "", address[:], address.lower(), json.dumps({"a": [address]}), repr({address}), repr(vars(address)),
        repr(pickle.dumps(address)), repr(address.__reduce__()), address.encode().decode(), str(CorpusSource),
    ]  # fmt: skip
    assert not [text for text in said if "CAN" in text]
    assert str(address) == shown


@pytest.mark.parametrize(
    "whole",
    [
        "s3://CANKEY:CAN/CAN@bucket/key",
        "https://user:CAN#CAN@host/x",
        "https://user:CAN?CAN@host/x",
        "https://user:123?CAN@host/x",
        "https://user:CAN",
    ],
)
def test_an_address_whose_password_has_no_clear_end_is_refused_and_not_repeated(whole: str) -> None:
    with pytest.raises(ValueError, match="write %40 for @") as caught:
        Address(whole)
    assert "CAN" not in str(caught.value)
    with pytest.raises(ValueError, match="path") as caught:
        config(whole)
    assert "CAN" not in str(caught.value)


def test_an_address_goes_whole_through_copies_and_forks_and_not_into_another_process() -> None:
    address = Address(WHOLE)
    assert copy.deepcopy(address).full() == pickle.loads(pickle.dumps(address)).full() == WHOLE
    code = (
        "import pickle, sys\naddress = pickle.loads(sys.stdin.buffer.read())\nprint(address)\n"
        "try: print(address.full())\nexcept Exception as error: print(type(error).__name__, error)"
    )
    seen = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(address), capture_output=True, check=True)
    assert seen.stdout.decode().splitlines()[0] == SHOWN
    assert StageError.__name__ in seen.stdout.decode()
    assert "CAN" not in seen.stdout.decode() + seen.stderr.decode()


@pytest.mark.parametrize(
    "whole",
    [
        " https://u:CAN@h/x",
        "x https://u:CAN@h/x",
        "https://h/to=https://u:CAN@h/x",
        "\nhttps://CAN@h",
        "://u:CAN@h",
        "https:///u:CAN@h",
    ],
)
def test_an_address_that_is_not_in_its_usual_form_is_refused_and_not_repeated(whole: str) -> None:
    with pytest.raises(ValueError, match=r"with a login in its path|does not begin with a protocol") as caught:
        Address(whole)
    assert "CAN" not in str(caught.value)
    assert Address("https://web.archive.org/web/2020id_/http://h/x").hides is False
    assert not Address("sftp:///of:two/parts").hides


def test_addresses_are_equal_only_if_they_are_so_as_a_whole() -> None:
    one, other = Address("https://host/get?file=a"), Address("https://host/get?file=b")
    assert one != other
    assert one == Address("https://host/get?file=a")
    assert one != "https://host/get"
    assert "https://host/get" != one  # noqa: SIM300 - a text on the left asks first
    assert Address("https://host/get") == "https://host/get"
    assert len({one, other, Address("https://host/get?file=b")}) == 2
    with pytest.raises(AttributeError):
        one.key = "x"  # type: ignore[attr-defined]


def test_a_configuration_is_dumped_without_secrets_and_gets_them_back() -> None:
    given = config("s3://bucket/x", WHOLE, "https://host:8443/a/b.warc.gz?CANother")
    for text in (
        repr(given),
        str(given.model_dump()),
        given.model_dump_json(),
        json.dumps(given.model_dump(mode="json")),
    ):
        assert "CAN" not in text
        assert SHOWN in text
    plain = json.loads(given.model_dump_json())
    put_back(plain, json.loads(json.dumps(hidden_places(given))))
    assert Segments.model_validate(plain) == given
    assert [source.path.full() for source in Segments.model_validate(plain).sources] == [  # type: ignore[union-attr]
        source.path.full()
        for source in given.sources  # type: ignore[union-attr]
    ]


@settings(max_examples=40)
@given(
    st.text("abc019-._~!$&'()*+,;=%", min_size=1), st.text("abc019-._~:!$&=%", min_size=1), st.text(min_size=1),
    st.text("abc/@-._", max_size=9),
)  # fmt: skip
def test_nothing_before_the_host_and_after_the_path_is_ever_shown(user: str, word: str, tail: str, path: str) -> None:
    address = Address(f"https://{user}:{word}@host/{path}?{tail}")
    assert str(address) == f"https://host/{path}"
    assert address.full() == f"https://{user}:{word}@host/{path}?{tail}"


@pytest.mark.parametrize("text", ["https://CAN:CAN@host/x", "https:/CAN:CAN@host/x", "s3://bucket/x?CAN"])
@pytest.mark.parametrize("key", ["path", "model"])
def test_an_address_where_none_belongs_is_refused_and_not_repeated(text: str, key: str) -> None:
    from builder.recipe.sections.models import Origin

    with pytest.raises(ValueError, match=re.compile("is an address|no name of a repository")) as caught:
        Origin.model_validate({key: text})
    assert "CAN" not in str(caught.value)
