"""The recipes that come with the package: what can be known of them without running them."""

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from support.corpus_pages import archive

from builder.build import run_build
from builder.cli.check import check_recipe
from builder.cli.init import write_recipe_folder
from builder.cli.main import init
from builder.data.records import curated_schema, seed_schema
from builder.data.resources import resource_folder
from builder.data.storage import write_rows
from builder.errors import RecipeError, StageError
from builder.llm.contract import check_contract, load_contract, make_contract
from builder.llm.conversations import forward_prompt
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.curate.scoring.ratings import score_position
from builder.method.curate.selection import wanted_rows
from builder.method.train.launch import launcher_words
from builder.method.train.recipe import read_training_recipe, resolve_recipe
from builder.method.train.schedule import share_of_a_process
from builder.method.train.stage import ForwardStage, train_forward
from builder.recipe.pins import hub_inputs
from builder.recipe.recipe import load_recipe
from builder.recipe.schema import MODELINE, SCHEMA_FILE, schema_text
from builder.recipe.sections.curate import MEANS
from builder.recipe.sections.models import Chat, Origin
from builder.recipe.sections.runtime import Runtime
from builder.text.control_tokens import find_control_token
from builder.workspace.workspace import Workspace

RECIPES = resource_folder("recipes")
NAMES = sorted(path.parent.name for path in RECIPES.glob("*/build.yaml"))
REAL = [name for name in NAMES if name != "quickstart"]
TRAININGS = sorted(RECIPES.glob("*/sft_*.yaml"))
BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
COMMIT = "a" * 40
# What a test machine needs otherwise: no GPU, and seconds.
SMALL = {
    "max_steps": 2, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "use_cpu": True,
    "dataloader_pin_memory": False, "disable_tqdm": True,
}  # fmt: skip


@pytest.fixture(params=REAL)
def filled(request, tmp_path):
    """A recipe as a user has it after putting pages in, and the settings that stand for `check --pin`."""
    write_recipe_folder(tmp_path / "project", request.param)
    archive(tmp_path / "project" / "corpus" / "pages.warc.gz", 2)
    inputs = hub_inputs(load_recipe(tmp_path / "project"))
    return tmp_path / "project", tuple(f"{item.key}={COMMIT}" for item in inputs)


def test_init_offers_every_recipe():
    (offered,) = (option.type.choices for option in init.params if option.name == "recipe")
    assert sorted(offered) == NAMES
    assert {"quickstart", "smollm2-135m", "humpback-7b"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_called_like_its_folder(name):
    assert load_recipe(RECIPES / name).name == name
    assert (RECIPES / name / "README.md").read_text().startswith(f"# {name}\n")


def test_a_recipe_says_what_of_it_was_run():
    said = {"smollm2-135m": "**What was run:**", "humpback-7b": "**This recipe was not run.**"}
    assert said.keys() == set(REAL)
    for name, words in said.items():
        assert words in (RECIPES / name / "README.md").read_text()


def test_once_filled_in_a_recipe_passes_check_where_there_are_gpus(filled, monkeypatch):
    folder, pins = filled
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4,5,6,7")
    said = check_recipe(folder, pins).text().splitlines()
    assert said[0].startswith(f"{folder}: fine: ")
    # Only who has the base can render with it, only who has the pages can say under which licence they go out.
    base = load_recipe(folder, pins).base.location
    assert [line.split(";")[0] for line in said[1:-1]] == [
        f"  not checked: {base}: the chat template was not tried, as the tokenizer is not here yet",
        "  not checked: OpenAssistant/oasst1: the rows of a dataset on the Hub are read by the build",
        f"  not checked: {base}: its tokenizer is not here, so no length was looked at",
        "  note: release.license is other",
        f"  state: {folder / 'work'}: nothing is built yet",
    ]
    assert f"size not known: the base {base} is not here yet" in said[-1]


def test_without_a_gpu_check_says_what_of_a_recipe_wants_one(filled, monkeypatch):
    folder, pins = filled
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    try:
        said = check_recipe(folder, pins).text()
    except RecipeError as error:
        said = str(error)
    # A launcher may start the training elsewhere.
    launched = bool(load_recipe(folder, pins).runtime.launcher)
    assert said.startswith(f"{folder}: fine: ") is launched
    assert f"{folder / 'sft_forward.yaml'}: bf16 is true and this machine has no GPU; train where there is one" in said


def test_check_notes_a_threshold_that_hardly_any_mean_of_probabilities_reaches(filled, monkeypatch):
    folder, pins = filled
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4,5,6,7")
    judge = load_recipe(folder, pins).score[-1].judge
    assert judge in MEANS
    for threshold, noted in ((4.5, True), (4, False)):
        settings = (*pins, f"curate.judge={judge}", f"curate.threshold={threshold}")
        said = check_recipe(folder, settings).text()
        assert (f"note: curate.threshold is {threshold}; {judge} gives means of" in said) is noted


@pytest.mark.parametrize("path", TRAININGS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_trl_reads_every_training_recipe(path, tmp_path):
    training = trl_arguments(path, tmp_path)
    options = read_training_recipe(path)
    assert options
    for key, value in options.items():
        if hasattr(training, key) and key != "use_cpu":
            assert getattr(training, key) == value, key


def trl_arguments(path, folder, *arguments):
    """What TRL's own parser makes of a training recipe."""
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig, TrlParser

    parser = TrlParser((ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig))
    # A test machine has no GPU, and TRL refuses bfloat16 there unless the CPU is asked for.
    given = ["--config", str(path), "--output_dir", str(folder), "--use_cpu", "true", *arguments]
    return parser.parse_args_and_config(given, fail_with_unknown_args=True)[1]


@pytest.mark.parametrize(("name", "steps"), [("forward", 1600), ("backward", 500)])
def test_the_papers_learning_rate_goes_from_1e_5_to_9e_6(name, steps, tmp_path):
    import torch
    from transformers import get_scheduler

    training = trl_arguments(RECIPES / "humpback-7b" / f"sft_{name}.yaml", tmp_path)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=training.learning_rate)
    scheduler = get_scheduler(
        training.lr_scheduler_type, optimizer, training.get_warmup_steps(training.max_steps), training.max_steps,
        scheduler_specific_kwargs=training.lr_scheduler_kwargs,
    )  # fmt: skip
    rates = []
    for _ in range(training.max_steps + 1):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert training.max_steps == steps
    assert rates == pytest.approx([1e-5 - 1e-6 * step / steps for step in range(steps + 1)])
    assert training.weight_decay == 0.1


def test_the_papers_settings_stand_in_the_7b_recipe():
    recipe = load_recipe(RECIPES / "humpback-7b")
    (judge,) = recipe.score
    assert (recipe.seed.size, recipe.seed.language, recipe.dedup.sample) == (3200, "en", 502_133)
    assert (recipe.segments.min_chars, recipe.segments.max_chars) == (600, 3000)
    assert (recipe.augment.temperature, recipe.augment.top_p) == (judge.temperature, judge.top_p) == (0.7, 0.9)
    assert (recipe.curate.judge, recipe.curate.threshold, recipe.iterations) == ("reasoned", None, 2)
    assert (recipe.chat.system_seed, recipe.chat.system_web) == (Chat().system_seed, Chat().system_web)


def test_the_7b_recipe_selects_as_many_pairs_as_the_paper():
    recipe = load_recipe(RECIPES / "humpback-7b")
    assert wanted_rows(recipe.curate, 502_133) == pytest.approx(41_821, rel=0.005)


def test_the_papers_own_rule_that_the_7b_recipe_names_can_be_put_in():
    text = (RECIPES / "humpback-7b" / "build.yaml").read_text().replace("\n#", "")
    score, curate = (re.search(rf"`({key}: [^`]+)`", text).group(1) for key in ("score", "curate"))
    recipe = load_recipe(RECIPES / "humpback-7b", (score.replace(": ", "=", 1), curate.replace(": ", "=", 1)))
    (judge,) = recipe.score
    assert (judge.judge, judge.samples > 1) == ("verdict", True)
    assert (recipe.curate.judge, recipe.curate.threshold, recipe.curate.share) == ("verdict", 4.5, None)


def test_the_7b_recipe_gives_each_gpu_an_engine_and_a_process():
    recipe = load_recipe(RECIPES / "humpback-7b")
    runtime, words = recipe.runtime, launcher_words(recipe.runtime.launcher)
    gpus = int(words[words.index("--num_processes") + 1])
    assert (runtime.engines, runtime.tensor_parallel, gpus) == (8, 1, 8)
    readme = (RECIPES / "humpback-7b" / "README.md").read_text()
    assert f"one node of {gpus} GPUs" in readme
    assert f"run {runtime.engines} engines side by side, one a GPU" in readme
    assert f"`share: {recipe.curate.share:g}`" in readme


def test_the_7b_recipe_counts_rows_and_steps_by_the_papers_table_on_however_many_processes():
    from accelerate.commands.launch import launch_command_parser

    recipe = load_recipe(RECIPES / "humpback-7b")
    command, action, *arguments = launcher_words(recipe.runtime.launcher)
    assert (command, action) == ("accelerate", "launch")
    parsed = launch_command_parser().parse_args([*arguments, "-m", "builder.method.train.sft"])
    assert Path(parsed.config_file).resolve() == RECIPES / "accelerate" / "fsdp2.yaml"
    assert parsed.training_script == "builder.method.train.sft"
    training = recipe.training
    assert (training.global_batch, training.steps, training.initial) == ("paper", "paper", None)
    for path in (training.forward, training.backward):
        options = read_training_recipe(path)
        for rows, steps in ((3_200, 500), (45_021, 1_600)):
            resolved, batch = resolve_recipe(options, training.schedule, rows, recipe.runtime.device_batch)
            assert (resolved["max_steps"], batch) == (steps, 32)
            device_rows = resolved["per_device_train_batch_size"]
            assert share_of_a_process(batch, parsed.num_processes, device_rows) == (4, 1)
        # The file alone, under the same launcher, makes steps of as many rows.
        alone = options["per_device_train_batch_size"] * options["gradient_accumulation_steps"]
        assert alone * parsed.num_processes == 32


@pytest.mark.parametrize("path", sorted((RECIPES / "accelerate").glob("*.yaml")), ids=lambda path: path.stem)
def test_accelerate_reads_every_configuration(path, monkeypatch):
    from accelerate.commands import launch
    from accelerate.commands.config.config_args import load_config_from_file

    config = load_config_from_file(str(path))
    assert config.distributed_type.value == {
        "single": "NO", "ddp": "MULTI_GPU", "fsdp2": "FSDP", "zero2": "DEEPSPEED", "zero3": "DEEPSPEED"
    }[path.stem]  # fmt: skip
    monkeypatch.setattr(launch, "is_deepspeed_available", lambda: True, raising=False)
    parsed = launch.launch_command_parser().parse_args(["--config_file", str(path), "-m", "builder.method.train.sft"])
    arguments, _, _ = launch._validate_launch_command(parsed)
    assert arguments.num_processes == (1 if path.stem == "single" else 8)
    assert (arguments.use_fsdp, arguments.use_deepspeed) == (path.stem == "fsdp2", path.stem.startswith("zero"))
    if path.stem == "fsdp2":
        assert (int(arguments.fsdp_version), arguments.fsdp_state_dict_type) == (2, "FULL_STATE_DICT")
    if path.stem.startswith("zero"):
        assert arguments.zero_stage == int(path.stem[-1])
        assert arguments.gradient_accumulation_steps is None  # the trainer says it


def test_a_launcher_may_name_a_configuration_of_the_package_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = launcher_words("accelerate launch --config_file recipes/accelerate/ddp.yaml")
    assert words[-1] == str(RECIPES / "accelerate" / "ddp.yaml")
    with pytest.raises(
        StageError, match=r"recipes/accelerate/ddq\.yaml: no such file; the package has ddp, fsdp2, sin"
    ):
        launcher_words("accelerate launch --config_file recipes/accelerate/ddq.yaml")
    (tmp_path / "recipes" / "accelerate").mkdir(parents=True)
    own = tmp_path / "recipes" / "accelerate" / "own.yaml"
    own.touch()
    assert launcher_words("x recipes/accelerate/own.yaml")[-1] == "recipes/accelerate/own.yaml"


def test_a_file_that_lies_here_does_not_take_the_place_of_the_packages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    packages, here = RECIPES / "accelerate" / "ddp.yaml", tmp_path / "recipes" / "accelerate" / "ddp.yaml"
    here.parent.mkdir(parents=True)
    here.write_text("main_training_function: theirs\n")
    with pytest.raises(StageError, match=r"another one of that name lies here; write \./recipes/accelerate/ddp\.yaml"):
        launcher_words("accelerate launch --config_file recipes/accelerate/ddp.yaml")
    assert launcher_words("x ./recipes/accelerate/ddp.yaml")[-1] == "./recipes/accelerate/ddp.yaml"
    here.write_bytes(packages.read_bytes())
    assert launcher_words("x recipes/accelerate/ddp.yaml")[-1] == str(packages)


def test_a_training_recipe_for_m_0_changes_m_0_and_what_follows_from_it_only(tmp_path):
    write_recipe_folder(tmp_path)
    (tmp_path / "same.yaml").write_bytes((tmp_path / "sft_forward.yaml").read_bytes())
    (tmp_path / "other.yaml").write_text("max_steps: 1\n")

    def fingerprints(*overrides):
        recipe = load_recipe(tmp_path, overrides)
        workspace = Workspace(tmp_path / "work", recipe.runtime, dry_run=True)
        run_build(recipe, workspace)
        return {name: artifact.fingerprint for name, artifact in workspace.artifacts.items()}

    without = fingerprints()
    assert fingerprints("training.initial=same.yaml") == without
    other = fingerprints("training.initial=other.yaml")
    assert [name for name in without if other[name] == without[name]] == [
        "seed", "segments", "dedup", "model-backward", "augment",
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["forward", "backward"])
def test_the_7b_template_needs_no_control_tokens_but_those_of_llama_2(llama_2, role):
    chat, tokenizer = load_recipe(RECIPES / "humpback-7b").chat, load_tokenizer(llama_2)
    with pytest.raises(StageError, match="not tokens of the base vocabulary"):
        make_contract(Chat(), role, tokenizer)
    contract = make_contract(chat, role, tokenizer)
    assert contract.end_token == "</s>"
    renderer = Renderer(contract, tokenizer)
    ids, start = renderer.answered(forward_prompt(contract, "seed", "Why?"), "Because.")
    assert tokenizer.decode(ids) == (
        "<s>system\nAnswer in the style of an AI Assistant.</s><s>user\nWhy?</s><s>assistant\nBecause.</s>"
    )
    assert tokenizer.decode(ids[start:]) == "Because.</s>"
    assert [ids.count(token) for token in (1, 2)] == [3, 3]
    bare = tokenizer.decode(renderer.prompt([{"role": "user", "content": "Why?"}]))
    assert bare.startswith(f"<s>system\n{chat.system_seed} {chat.system_web}</s><s>user\n")
    assert len(set(score_position(renderer).digits)) == 5
    assert find_control_token("a</s><s>user") == "</s>"


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    pairs = [{"id": str(n), "instruction": f"How many are {n}?", "output": f"There are {n}."} for n in range(4)]
    seed = [{**pair, "source": "s", "license": "mit"} for pair in pairs]
    curated = [{**pair, "score": 5.0, "split": "train", "page_id": "p"} for pair in pairs]
    write_rows(folder / "seed" / "data" / "seed.parquet", seed, seed_schema())
    write_rows(folder / "curated" / "data" / "curated.parquet", curated, curated_schema())
    return folder


@pytest.mark.parametrize("name", REAL)
def test_a_forward_recipe_trains_a_tiny_model(name, llama_2, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    recipe = load_recipe(RECIPES / name)
    options = {**yaml.safe_load(recipe.training.forward.read_text()), **SMALL}
    (tmp_path / "sft.yaml").write_text(yaml.safe_dump(options))
    base = llama_2 if name == "humpback-7b" else BASE
    stage = ForwardStage(base=Origin(path=base), chat=recipe.chat, recipe=tmp_path / "sft.yaml")
    out = tmp_path / "model-1"
    stats = train_forward(out, stage, rows / "seed", rows / "curated", runtime=Runtime())
    assert (stats.details["steps"], stats.counts["rows"].kept) == (2, 8)
    model = out / "model"
    assert check_contract(model, load_tokenizer(model), recipe.chat, "forward") == load_contract(model)
    assert json.loads((model / "config.json").read_text())["attention_dropout"] == 0.0


def test_init_writes_the_recipe_that_is_asked_for(tmp_path):
    runner = CliRunner()
    result = runner.invoke(init, [str(tmp_path / "seven"), "--recipe", "humpback-7b"])
    assert result.exit_code == 0, result.output
    assert f"next: {tmp_path / 'seven' / 'README.md'} says what to put in and what to run" in result.output
    written = {path.name: path.read_bytes() for path in (tmp_path / "seven").iterdir()}
    assert written.pop(".work.trusted.json")  # that the folder is its user's own
    ours = {path.name: path.read_bytes() for path in (RECIPES / "humpback-7b").iterdir()}
    ours["build.yaml"] = MODELINE.encode() + ours["build.yaml"]
    assert written == ours | {SCHEMA_FILE: schema_text().encode()}
    assert runner.invoke(init, [str(tmp_path / "none"), "--recipe", "humpback-65b"]).exit_code == 2
    assert not (tmp_path / "none").exists()


def test_the_quickstart_without_the_lines_for_its_sample_is_a_recipe_with_the_lengths_of_the_paper(tmp_path):
    write_recipe_folder(tmp_path / "project")
    file = tmp_path / "project" / "build.yaml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not re.search(r"\S +# sample", line)]
    assert len(lines) - len(kept) == 6
    file.write_text("".join(kept), encoding="utf-8")
    segments = load_recipe(file).segments
    assert (segments.min_chars, segments.max_chars, segments.boundary) == (600, 3000, "tree")
