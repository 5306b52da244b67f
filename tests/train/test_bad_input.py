"""Input that no training can work with: a clear error, and nothing half done."""

import shutil

import pytest
from support.training_pairs import BASE, train_here, write_pairs

from builder.data.storage import read_rows
from builder.errors import StageError
from builder.llm.tokenizer import load_tokenizer
from builder.method.train.checkpoints import last_complete
from builder.method.train.stage import role_renderer
from builder.recipe.sections.models import Chat, Origin
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.training import Schedule


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))


def test_more_than_1_percent_of_rows_too_long_is_an_error_unless_allowed(pairs, tmp_path):
    with pytest.raises(StageError) as caught:
        train_here(pairs, tmp_path / "strict", max_length=50)
    assert str(caught.value) == (
        "2 of 15 training rows (13.3%) are longer than max_length: 50 tokens and would be left out; raise max_length "
        "in the TRL recipe, or allow it with runtime.max_too_long (now 0.01)"
    )
    with pytest.raises(StageError, match=r"no seed row fits max_length: 38 .* \(12 longer_than_max_length\)"):
        train_here(pairs, tmp_path / "none", max_length=38, runtime=Runtime(max_too_long=1.0))
    stats = train_here(pairs, tmp_path / "allowed", max_length=50, runtime=Runtime(max_too_long=0.2))
    assert stats.counts["rows"].dropped == {"longer_than_max_length": 2}
    assert stats.details["rows"] == 13


def test_a_selection_that_is_withheld_whole_is_an_error(tmp_path):
    pairs = write_pairs(tmp_path, splits="test test")
    with pytest.raises(StageError, match=r"all 2 curated rows are held out; lower curate\.test_share, or select more"):
        train_here(pairs, tmp_path / "model")


def test_a_loss_that_is_no_number_stops_at_once(pairs, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(BASE, tmp_path / "base")
    weights = load_file(BASE / "model.safetensors")
    weights["model.norm.weight"][...] = float("nan")
    save_file(weights, tmp_path / "base" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(StageError, match=r"the training diverged: at step 1 the loss is nan; lower learning_rate"):
        train_here(pairs, tmp_path / "model", base=tmp_path / "base", save_steps=1)
    assert not list((tmp_path / "model").glob("training/checkpoint-*"))


def test_where_a_gradient_is_no_number_the_last_checkpoint_before_it_stays(pairs, tmp_path):
    with pytest.raises(StageError, match=r"the training diverged: at step 2 .* is nan; lower .* before it stays"):
        train_here(pairs, tmp_path / "model", learning_rate=1e30, max_steps=4, save_steps=1)
    (kept,) = (tmp_path / "model").glob("training/checkpoint-*")
    assert kept.name == "checkpoint-1"
    assert (kept / "complete.json").is_file()
    assert last_complete(kept.parent, "of another recipe") is None


def test_a_tokenizer_with_tokens_that_the_model_has_no_embeddings_for_is_refused(pairs, tmp_path):
    shutil.copytree(BASE, tmp_path / "base")
    tokenizer = load_tokenizer(BASE)
    tokenizer.add_tokens(["<extra>"])
    tokenizer.save_pretrained(tmp_path / "base")
    with pytest.raises(StageError, match="has 2,049 tokens, the model embeddings for 2,048; they do not belong tog"):
        train_here(pairs, tmp_path / "model", base=tmp_path / "base")


def test_a_template_that_ends_no_answer_is_refused(pairs, tmp_path):
    template = tmp_path / "endless.jinja"
    template.write_text(
        "{% for turn in messages %}<|im_start|>{{ turn.role }}\n{{ turn.content }}"
        "{% if turn.role != 'assistant' %}<|im_end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    with pytest.raises(StageError, match="ends an answer with no token, so a model trained with it would never stop"):
        train_here(pairs, tmp_path / "model", chat=Chat(template=template))


def test_a_base_whose_commit_is_gone_is_named(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # else it would be looked for, for a minute
    with pytest.raises(StageError, match=r"some/base: .* \(revision 0{40}\); if that commit is gone, name another one"):
        role_renderer(Origin(model="some/base", revision="0" * 40), Chat(), "forward")


def test_an_evaluation_without_rows_says_what_to_set(pairs, tmp_path):
    with pytest.raises(StageError, match=r"eval_strategy is 'steps' .* no rows are held out; set training\.held_out"):
        train_here(pairs, tmp_path / "model", curated=False, eval_strategy="steps", eval_steps=1)


def test_held_out_rows_are_counted_never_trained_on_and_measured(pairs, tmp_path):
    stats = train_here(pairs, tmp_path / "model", schedule=Schedule(held_out=0.3))
    held_out = {path.stem: [row["id"] for row in read_rows(path)] for path in (tmp_path / "model/held_out").iterdir()}
    trained = {row["id"] for row in read_rows(tmp_path / "model" / "rows")}
    assert held_out["curated"] == ["pair1"]
    assert stats.counts["rows"].dropped == {"held_out": len(held_out["seed"])}
    assert 1 <= len(held_out["seed"]) <= 8
    assert not trained & {*held_out["seed"], *held_out["curated"]}
    for name in ("seed", "curated"):
        losses = stats.details["held_out"][name]
        assert losses["after"] < losses["before"]
    again = train_here(pairs, tmp_path / "other", schedule=Schedule(held_out=0.3), curated=False, max_steps=1)
    assert again.details["seed_held_out"] == len(held_out["seed"])
