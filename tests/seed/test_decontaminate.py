import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.languages import LANGUAGES, Language, composed, decomposed

from builder.build import run_build
from builder.data.records import candidate_schema, score_schema, seed_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError, StageError
from builder.method.curate.curate import select
from builder.method.seed.decontaminate import PromptSets, clean_seed, load_prompts
from builder.recipe.recipe import CleanCurate, Recipe
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Decontaminate
from builder.text.words import normalise, words
from builder.workspace.workspace import Workspace

LONG = "Explain to a child in two or three short paragraphs why the sky is blue and not green or red"


def lines(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def clean(*paths: Path, **keys: Any) -> Decontaminate:
    return Decontaminate(prompts=list(paths), **keys)


def test_equal_instructions_are_found_however_they_are_written(tmp_path: Path) -> None:
    sets = load_prompts(clean(lines(tmp_path / "short.jsonl", [{"prompt": "Who are you?"}])))
    assert sets.why("who ARE  you", "x") == "contaminated:short"
    assert sets.why("Who are you, friend?", "x") is None
    assert sets.why("x", "Who are you?") is None  # too short to mean anything inside a text


def test_shared_words_in_a_row_are_found_in_instruction_and_output(tmp_path: Path) -> None:
    sets = load_prompts(clean(lines(tmp_path / "long.jsonl", [{"instruction": LONG}])))
    words = LONG.split()
    thirteen, twelve = " ".join(words[2:15]), " ".join(words[2:14])
    assert sets.why(f"Please: {thirteen}!", "x") == "contaminated:long"
    assert sets.why("x", f"He was told to: «{thirteen.upper()}», and did.") == "contaminated:long"
    assert sets.why(f"Please: {twelve}, friend", f"{twelve} and {words[14]}") is None
    assert load_prompts(clean(tmp_path / "long.jsonl", ngram=12)).why(twelve, "x") == "contaminated:long"


@pytest.mark.parametrize(
    ("row", "prompts"),
    [
        ({"instruction": "Do this", "input": "with that"}, ["Do this\n\nwith that"]),
        ({"instruction": "Do this", "instances": [{"input": "a"}, {"input": ""}]}, ["Do this\n\na", "Do this"]),
        ({"turns": ["First?", "Second?"]}, ["First?", "Second?"]),
        ({"prompt": [{"role": "user", "content": "Asked?"}]}, ["Asked?"]),
        ({"question": "Why?", "id": 3}, ["Why?"]),
    ],
)
def test_prompts_are_found_in_the_usual_columns(tmp_path: Path, row: dict[str, Any], prompts: list[str]) -> None:
    sets = load_prompts(clean(lines(tmp_path / "a.jsonl", [row])))
    assert sets.details == {"evaluation_prompts": {"a": len(prompts)}}
    assert set(sets.whole) == {normalise(prompt) for prompt in prompts}


def test_any_file_form_and_column_can_be_named(tmp_path: Path) -> None:
    lines(tmp_path / "odd.jsonl", [{"ask": "One two three"}])
    (tmp_path / "list.json").write_text(json.dumps([{"ask": "Four five"}]))
    (tmp_path / "packed.jsonl.gz").write_bytes(gzip.compress(b'{"ask": "Six"}\n'))
    (tmp_path / "plain.txt").write_text("Seven\n\nEight nine\n")
    paths = [tmp_path / name for name in ("odd.jsonl", "list.json", "packed.jsonl.gz", "plain.txt")]
    sets = load_prompts(clean(*paths, column="ask"))
    assert sets.sizes == {"odd": 1, "list": 1, "packed.jsonl": 1, "plain": 2}
    with pytest.raises(RecipeError, match=r"odd.jsonl: holds no prompt \(looked for instruction or prompt.*column"):
        load_prompts(clean(tmp_path / "odd.jsonl"))


def test_hashes_are_those_of_stripped_prompts(tmp_path: Path) -> None:
    value = hashlib.sha256(b"Who are you?").hexdigest()
    path = tmp_path / "test_sha256.tsv"
    path.write_text(f"index\tsha256\tlength\n0\t{value}\t12\n")
    sets = load_prompts(clean(path))
    assert sets.sizes == {"test_sha256": 1}
    assert sets.why(" Who are you?\n", "x") == "contaminated:test_sha256"
    assert sets.why("who are you?", "x") is None
    path.write_text("index\tlength\n0\t12\n")
    with pytest.raises(RecipeError, match="SHA-256"):
        load_prompts(clean(path))


_word = st.sampled_from(["a", "b", "c", "dd", "ee"])
_text = st.lists(_word, max_size=14).map(" ".join)


@given(st.lists(_text, max_size=4), _text, _text)
def test_the_quick_search_finds_what_a_plain_one_does(prompts: list[str], instruction: str, output: str) -> None:
    sets = PromptSets(4)
    for prompt in prompts:
        sets.add("s", prompt)
    grams = {tuple(p.split()[at : at + 4]) for p in prompts for at in range(len(p.split()) - 3)}
    shared = any(
        tuple(text.split()[at : at + 4]) in grams
        for text in (instruction, output)
        for at in range(len(text.split()) - 3)
    )
    expected = bool(prompts) and (shared or instruction in prompts)
    assert (sets.why(instruction, output) is not None) == expected


def seed_pairs(folder: Path, *instructions: str) -> Path:
    rows = [
        {"id": f"{n}", "instruction": text, "output": "An answer.", "source": "s", "license": "mit"}
        for n, text in enumerate(instructions)
    ]
    write_rows(folder / "data" / "seed.parquet", rows, seed_schema())
    return folder


def test_seed_rows_go_with_the_name_of_the_set(tmp_path: Path) -> None:
    seed = seed_pairs(tmp_path / "seed", "Who are you?", LONG, "Something else")
    names = lines(tmp_path / "names.jsonl", [{"prompt": "Who are you?"}])
    other = lines(tmp_path / "sky.jsonl", [{"prompt": LONG}])
    stats = clean_seed(tmp_path / "out", clean(names, other), seed, runtime=Runtime())
    stats.check("seed-clean")
    assert stats.counts["pairs"].dropped == {"contaminated:names": 1, "contaminated:sky": 1}
    assert stats.details["evaluation_prompts"] == {"names": 1, "sky": 1}
    assert [row["instruction"] for row in read_rows(tmp_path / "out" / "data")] == ["Something else"]
    rejected = {row["reason"]: row["text"] for row in read_rows(tmp_path / "out" / "rejected")}
    assert rejected["contaminated:names"] == "Who are you?\n\nAn answer."


def test_a_seed_that_is_all_prompts_is_an_error(tmp_path: Path) -> None:
    prompts = clean(lines(tmp_path / "names.jsonl", [{"prompt": "Who are you?"}]))
    with pytest.raises(StageError, match=r"every seed pair holds an evaluation prompt; see decontaminate\.prompts"):
        clean_seed(tmp_path / "out", prompts, seed_pairs(tmp_path / "seed", "Who are you?"), runtime=Runtime())


def curated(tmp_path: Path, config: Curate) -> tuple[dict[str, Any], list[str], dict[str, Any]]:
    rows = [
        {"id": f"{n}", "segment_id": f"{n}", "page_id": f"p{n}", "url": "", "header": "h", "instruction": text,
         "output": f"Text {n}.", "logprob": -1.0, "tokens": 3}
        for n, text in enumerate(["Who are you?", "b", "c", "d"])
    ]  # fmt: skip
    write_rows(tmp_path / "augment" / "data" / "a.parquet", rows, candidate_schema())
    scores = [{"id": f"{n}", "score": 5.0 - n} for n in range(4)]
    write_rows(tmp_path / "score" / "data" / "a.parquet", scores, score_schema("expected"))
    stats = select(tmp_path / "out", config, tmp_path / "augment", tmp_path / "score", runtime=Runtime())
    stats.check("curate")
    kept = [row["id"] for row in read_rows(tmp_path / "out" / "data")]
    rejected = {row["id"]: row for row in read_rows(tmp_path / "out" / "rejected")}
    return stats.counts["pairs"].as_dict(), kept, rejected


def test_contaminated_pairs_take_no_place_of_a_selection(tmp_path: Path) -> None:
    section = Decontaminate(prompts=[lines(tmp_path / "names.jsonl", [{"prompt": "who are you"}])])
    counts, kept, rejected = curated(tmp_path, CleanCurate(judge="expected", top=2, decontaminate=section))
    assert kept == ["1", "2"]
    assert counts["dropped"] == {"contaminated:names": 1, "not_selected": 1}
    assert rejected["0"]["text"] == "Who are you?\n\nText 0."
    assert curated(tmp_path / "plain", Curate(judge="expected", top=2))[1] == ["0", "1"]


def recipe(tmp_path: Path, **keys: Any) -> Recipe:
    named = tmp_path / "file" if (tmp_path / "file").exists() else lines(tmp_path / "file", [{}])
    return Recipe.model_validate(
        {
            "name": "r", "base": {"path": named, "license": "mit"}, "score": [{"judge": "expected"}],
            "seed": {"sources": [{"name": "s", "path": named, "license": "mit"}]},
            "segments": {"sources": [{"path": named, "format": "html"}]},
            "curate": {"judge": "expected", "share": 0.5}, "training": {"forward": named, "backward": named},
            "release": {"title": "t", "license": "mit"}, **keys,
        }
    )  # fmt: skip


def test_new_prompts_train_and_select_again_but_write_nothing_again(tmp_path: Path) -> None:
    def prints(**keys: Any) -> dict[str, str]:
        workspace = Workspace(tmp_path, Runtime(), dry_run=True)
        run_build(recipe(tmp_path, **keys), workspace)
        return {stage: artifact.fingerprint for stage, artifact in workspace.artifacts.items()}

    plain, prompts = prints(), lines(tmp_path / "p.jsonl", [{"prompt": "Who are you?"}])
    first = prints(decontaminate={"prompts": [prompts]})
    lines(prompts, [{"prompt": "Who am I?"}])
    second = prints(decontaminate={"prompts": [prompts]})
    kept = {"seed", "segments", "dedup", "model-backward", "augment"}
    assert {stage for stage in plain if plain[stage] == first[stage]} == kept
    assert {stage for stage in first if first[stage] == second[stage]} == kept
    assert set(first) - set(plain) == {"seed-clean"}


def test_real_prompt_sets_are_read_whole_and_know_each_other(real_prompts: Path) -> None:
    names = ("alpaca_eval_805", "vicuna_80", "self_instruct_252", "koala_180")
    sets = {name: load_prompts(clean(real_prompts / f"{name}.jsonl")) for name in names}
    assert {name: found.sizes[name] for name, found in sets.items()} == dict(
        zip(names, (805, 80, 252, 180), strict=True)
    )
    rows = [json.loads(line) for line in (real_prompts / "alpaca_eval_805.jsonl").read_text().splitlines()]
    tags = {"vicuna_80": "vicuna", "self_instruct_252": "selfinstruct", "koala_180": "koala"}
    equal = {
        name: sum(normalise(row["instruction"]) in sets[name].whole for row in rows if row["dataset"] == tag)
        for name, tag in tags.items()
    }
    assert (equal["vicuna_80"], equal["self_instruct_252"], equal["koala_180"]) == (80, 252, 144)
    hashed = load_prompts(clean(real_prompts / "lima_test_sha256.tsv"))
    assert hashed.sizes == {"lima_test_sha256": 300}
    assert sum(hashed.why(row["instruction"], "") is not None for row in rows) == 39


@pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)
@pytest.mark.parametrize("form", [composed, decomposed])
def test_prompts_are_found_inside_texts_of_every_language(spoken: Language, form: Callable[[str], str]) -> None:
    sets = PromptSets(8)
    sets.add("set", composed(spoken.sentences[1] + " " + spoken.question))
    inside = form(f"{spoken.names[0]}! {spoken.sentences[1]}{spoken.names[1]} {spoken.question}{spoken.names[2]}")
    assert sets.why(inside, "x") == "contaminated:set"
    assert sets.why("x", form(spoken.text() + spoken.question)) == "contaminated:set"
    assert sets.why(form(" ".join(spoken.sentences[2:])), form(spoken.sentences[0])) is None


@pytest.mark.parametrize("language", ["zh", "ja", "th", "my"])
def test_as_many_letters_as_make_up_the_words_are_needed_without_spaces(language: str) -> None:
    letters = words(LANGUAGES[language].sentences[2])
    sets = PromptSets(8)
    sets.add("set", "".join(letters))
    assert sets.why("".join(letters[3:19]), "x") == "contaminated:set"
    assert sets.why("".join(letters[3:18]), "x") is None


@pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)
def test_equal_prompts_and_their_hashes_are_found_however_they_are_composed(spoken: Language) -> None:
    for one, other in ((composed, decomposed), (decomposed, composed)):
        hashed, whole = PromptSets(99), PromptSets(99)
        hashed.add_hash("set", hashlib.sha256(one(spoken.question).encode()).hexdigest())
        whole.add("set", one(spoken.question))
        assert hashed.why(f" {other(spoken.question)}\n", "x") == "contaminated:set"
        assert whole.why(other(spoken.question).upper(), "x") == "contaminated:set"
        assert hashed.why(spoken.sentences[1], "x") is whole.why(spoken.sentences[1], "x") is None
