from builder.results.evaluate.comparison.annotations import Judgement, Judgements
from builder.results.evaluate.comparison.report import describe_report, report_of


def judged(scores: list[float | None], digest: str = "d") -> Judgements:
    rows = [
        Judgement(str(at), score, (10, 20 if at % 2 else 5), source="one" if at < 3 else "two")
        for at, score in enumerate(scores)
    ]
    return Judgements(rows, digest)


def test_each_later_model_is_held_against_the_first_with_holms_values() -> None:
    first, second, third = [1.0] * 12, [0.0] * 12, [1.0] * 11 + [0.0]
    report = report_of({"a": judged(first), "b": judged(second), "c": judged(third)})
    assert report["paired"].keys() == {"b", "c"}
    assert report["paired"]["b"]["value"] == -1.0
    assert report["paired"]["b"]["against"] == "a"
    assert report["paired"]["b"]["q"] == 2 * report["paired"]["b"]["p"]
    assert report["paired"]["c"]["q"] == 1.0


def test_figures_stand_by_source_and_by_length() -> None:
    of = report_of({"a": judged([1.0, 1.0, 0.0, 0.0, None])})["models"]["a"]
    assert {name: part["n"] for name, part in of["by_source"].items()} == {"one": 3, "two": 1}
    assert {name: part["n"] for name, part in of["by_length"].items()} == {"model shorter": 2, "model longer": 2}
    assert of["input"] == "d"


def test_the_text_has_every_model_in_percent() -> None:
    text = describe_report(report_of({"a": judged([1.0, 0.0, 1.0]), "b": judged([0.0, 0.0, 1.0])}))
    assert "66.7" in text
    assert "-33.3" in text
    assert text.splitlines()[0].split()[:2] == ["win", "rate"]
