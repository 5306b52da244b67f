"""What holds in a command of what the last build was run with."""

from pathlib import Path

import pytest
import yaml

from builder.data.storage import write_json
from builder.errors import RecipeError
from builder.recipe.given.recorded import write_record
from builder.recipe.given.settings import Settings, named_work_dir, settle

SECRET = "https://user:CANARY1@host.example/a.warc.gz?part=CANARY2"
SHOWN = "https://host.example/a.warc.gz"
SOURCE = "segments.sources.0.path"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    values = {
        "name": "small",
        "segments": {
            "sources": [{"path": SECRET.replace("CANARY", "CANARIES").replace("a.warc", "own.warc"), "format": "warc"}]
        },
        "curate": {"share": 0.5},
    }
    (tmp_path / "build.yaml").write_text(yaml.safe_dump(values))
    return tmp_path


def recorded(recipe: Path, *given: str) -> Settings:
    """What holds after a build with these settings, in a command that gives none."""
    settings = settle(recipe, recipe / "work", given)
    write_record(recipe / "work", recipe, settings.all, settings.without_secret)
    return settle(recipe, recipe / "work")


def test_several_settings_hold_in_the_order_in_which_they_were_given(recipe: Path) -> None:
    given = ("curate.share=0.2", "name=b", "curate.top=9", "name=c")
    assert recorded(recipe, *given).all == ("curate.top=9", "name=c")
    assert settle(recipe, recipe / "work", ("curate={share: 1}",)).all == ("name=c", "curate={share: 1}")
    assert settle(recipe, recipe / "work", ("curate.judge=x",)).all == ("curate.top=9", "name=c", "curate.judge=x")
    assert settle(recipe, recipe / "work", ("name=d",), as_written=True).all == ("name=d",)


@pytest.mark.parametrize("given", [f"{SOURCE}={SECRET}", f"segments.sources=[{{path: '{SECRET}', format: warc}}]"])
def test_no_login_and_no_query_of_an_address_is_recorded(recipe: Path, given: str) -> None:
    settings = recorded(recipe, given)
    text = (recipe / "work" / "overrides.json").read_text()
    assert "CANAR" not in text
    assert SHOWN in text
    assert settings.all == (given.replace(SECRET, SHOWN),)
    assert any("login and signature of its address are not kept" in note for note in settings.notes)
    assert "CANAR" not in str(settings)
    again = recorded(recipe)
    assert again.without_secret == settings.without_secret == settings.all
    assert settle(recipe, recipe / "work", (given,)).notes == ()


def test_where_the_record_lies_is_no_part_of_it(recipe: Path) -> None:
    assert recorded(recipe, "runtime.work_dir=else", "name=b").all == ("name=b",)
    assert named_work_dir(recipe, ("runtime.work_dir=else",)) == recipe / "else"
    assert named_work_dir(recipe, ("runtime.work_dir=/else",)) == Path("/else")
    for odd in ("3", "[a]", "null", "''", '"a\\0b"'):
        assert named_work_dir(recipe / "build.yaml", (f"runtime.work_dir={odd}",)) is None


def test_no_record_is_none_and_an_empty_one_is_one(recipe: Path) -> None:
    assert settle(recipe, recipe / "work").last is None
    (recipe / "file").write_text("")
    assert settle(recipe, recipe / "file").last is None
    assert settle(recipe, recipe / ("long" * 99)).last is None
    assert recorded(recipe).last == ()


def test_a_value_that_was_a_secret_is_asked_for_until_it_is_given(recipe: Path) -> None:
    item = {"set": "name='***'", "recipe_said": None, "without_secret": True}
    write_json(recipe / "work" / "overrides.json", {"overrides": [item]})
    with pytest.raises(RecipeError, match=r"give --set name=\.\.\. again, or --as-written"):
        settle(recipe, recipe / "work")
    assert settle(recipe, recipe / "work", ("name=b",)).all == ("name=b",)
    item["without_secret"] = False
    write_json(recipe / "work" / "overrides.json", {"overrides": [item]})
    assert settle(recipe, recipe / "work").all == ("name='***'",)
