"""What is written down of the settings of a build."""

from pathlib import Path

from builder.data.storage import read_json
from builder.recipe.given.recorded import Recorded, bare, read_record, says_the_same, write_record

SECRET = "https://user:CANARY1@host.example/a.warc.gz?part=CANARY2"
SHOWN = "https://host.example/a.warc.gz"
SOURCE = "segments.sources.0.path"


def test_a_setting_is_shown_without_secrets_and_otherwise_as_it_is() -> None:
    assert bare(f"{SOURCE}={SECRET}") == f"{SOURCE}={SHOWN}"
    assert bare("release.about=https://host.example/a?page=2") == "release.about=https://host.example/a?page=2"


def test_an_address_is_the_same_with_another_login() -> None:
    assert says_the_same(SHOWN, f"{SOURCE}={SECRET}")
    assert not says_the_same(SHOWN, f"{SOURCE}={SECRET.replace('a.warc', 'b.warc')}")
    assert says_the_same(0.3, "curate.share=0.30")
    assert not says_the_same("0.3", "curate.share=0.3")


def test_the_record_says_what_the_recipe_had_in_the_place(tmp_path: Path) -> None:
    (tmp_path / "build.yaml").write_text("curate: {share: 0.5}\n")
    write_record(tmp_path / "work", tmp_path, ("curate.share=0.2", "curate.judge=x", "runtime.work_dir=work"))
    items = read_json(tmp_path / "work" / "overrides.json")["overrides"]
    assert [(item["set"], item["recipe_said"]) for item in items] == [
        ("curate.share=0.2", "0.5"), ("curate.judge=x", None)
    ]  # fmt: skip
    assert read_record(tmp_path / "work") == (Recorded("curate.share=0.2", "0.5"), Recorded("curate.judge=x", None))
