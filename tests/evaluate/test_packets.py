"""Packets for people: no model's name in what they see, sides drawn, answers read back."""

import json
from pathlib import Path
from typing import Any

import pytest

from builder.errors import RecipeError
from builder.results.evaluate.packets import key_file, packet_report, read_key, read_packet_answers, write_packet

NAMES = ("humpback-final", "humpback-seed", "somebody-else")
SCREENING = [{"instruction": f"s{at}", "first": "yes", "second": "no", "better": "first"} for at in range(12)]


def answers(count: int = 40) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            {"id": f"p{at}", "instruction": f"question {at}", "output": f"text {number} {at}"} for at in range(count)
        ]
        for number, name in enumerate(NAMES)
    }


@pytest.fixture
def packet(tmp_path: Path) -> Path:
    folder = tmp_path / "packet"
    assert write_packet(folder, answers(), "humpback-seed", SCREENING) == 90
    return folder


def test_no_file_that_is_handed_out_names_a_model(packet: Path) -> None:
    files = [path for path in packet.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"items.jsonl", "form.html", "label_studio.json", "label_studio.xml"}
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not any(name in text for name in (*NAMES, "screening"))
    assert not key_file(packet).is_relative_to(packet)


def test_the_key_knows_every_item_and_both_sides_are_used(packet: Path) -> None:
    key = read_key(key_file(packet))
    items = [json.loads(line) for line in (packet / "items.jsonl").read_text().splitlines()]
    assert {item["id"] for item in items} == key.keys()
    sides = [row["model_is"] for row in key.values() if row["model"] == "humpback-final"]
    assert 10 < sides.count("first") < 30
    for item in items:
        row = key[item["id"]]
        if row["model"]:
            number = NAMES.index(row["model"])
            assert item[row["model_is"]].startswith(f"text {number} ")


def test_the_same_seed_gives_the_same_packet(packet: Path, tmp_path: Path) -> None:
    write_packet(tmp_path / "again", answers(), "humpback-seed", SCREENING)
    for name in ("items.jsonl", "form.html"):
        assert (tmp_path / "again" / name).read_bytes() == (packet / name).read_bytes()


def test_an_answer_that_names_a_model_is_refused(tmp_path: Path) -> None:
    given = answers(2)
    given["humpback-final"][0]["output"] = "I am humpback-final, at your service"
    with pytest.raises(RecipeError, match="'humpback-final', the name of a model"):
        write_packet(tmp_path / "packet", given, "humpback-seed")


def rater(key: dict[str, Any], *, good: bool = True, model: str = "model") -> dict[str, str]:
    """Says that the first model is better, the other worse; of the screening items the truth, or the contrary."""
    said = {}
    for item, row in key.items():
        other = {"first": "second", "second": "first"}[row["model_is"]]
        wins = good if not row["model"] else row["model"] == "humpback-final"
        said[item] = row["model_is"] if wins else other
    return said


def test_raters_who_do_not_pass_the_screening_stand_apart(packet: Path) -> None:
    key = read_key(key_file(packet))
    report = packet_report(key, {"ann": rater(key), "bob": rater(key), "eve": rater(key, good=False)})
    assert {name: of["passed"] for name, of in report["raters"].items()} == {"ann": True, "bob": True, "eve": False}
    assert report["models"]["humpback-final"]["win_rate"]["value"] == 1.0
    assert report["models"]["humpback-final"]["answers"] == {"win": 80, "tie": 0, "lose": 0}
    assert report["models"]["somebody-else"]["win_rate"]["value"] == 0.0
    assert report["models"]["somebody-else"]["against_first"]["value"] == -1.0
    assert report["apart"]["humpback-final"]["answers"]["win"] == 40
    assert report["agreement"]["value"] == 1.0


def test_neither_is_half_an_agreement_and_half_a_win(packet: Path) -> None:
    key = read_key(key_file(packet))
    said = dict.fromkeys(key, "neither")
    report = packet_report(key, {"ann": said})
    assert report["raters"]["ann"] == {"screening": 0.5, "items": 10, "passed": False}
    assert report["apart"]["humpback-final"]["win_rate"]["value"] == 0.5


def test_answers_are_read_from_the_form_and_from_label_studio(tmp_path: Path) -> None:
    form, studio = tmp_path / "form.json", tmp_path / "studio.json"
    form.write_text(json.dumps({"answers": [{"id": "x", "answer": "neither"}]}))
    studio.write_text(
        json.dumps([{"data": {"id": "x"}, "annotations": [{"result": [{"value": {"choices": ["first"]}}]}]}])
    )
    assert read_packet_answers(form) == {"x": "neither"}
    assert read_packet_answers(studio) == {"x": "first"}


@pytest.mark.parametrize("text", ["", "[1]", '{"answers": [{"id": "x", "answer": "both"}]}'])
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(RecipeError, match=r"a\.json"):
        read_packet_answers(tmp_path / "a.json")
