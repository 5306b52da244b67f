"""Nothing outlives a build that is ended, whoever gets the signal, and the same command goes on to the same files."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from kill_compare import contents
from support.attacks import SIGNALS, Attacked, Training
from support.small_project import change_yaml

from builder.cli.init import write_recipe_folder

PLACES = ("local", "launcher")
CODES = {"TERM": 143, "HUP": 129, "INT": 130, "KILL": -9}
WORKER = {("local", 1): "stage"}
"""Who does the work; a single engine is in the process of the stage."""
CASES = [
    (place, engines, target, name)
    for place, engines in product(PLACES, (1, 2))
    for target, name in [
        *product(("command", "child", WORKER.get((place, engines), "worker")), SIGNALS),
        *([("stage", "KILL")] if (place, engines) not in WORKER else []),  # as where memory runs out
    ]
]
QUICK = {
    ("local", 1): "command-HUP child-TERM stage-TERM stage-KILL",
    ("local", 2): "command-INT command-KILL worker-TERM worker-KILL",
    ("launcher", 2): "command-TERM command-KILL child-KILL worker-KILL stage-KILL",
}
"""Every signal to the command, and an end at once and in order of each other process; the rest is `full`."""


def full_unless(quick, *case):
    return pytest.param(*case, marks=[] if quick else pytest.mark.full)


@pytest.fixture(scope="module")
def builds(request, tmp_path_factory):
    """Each build with what came of every signal, its last exit code, and its files; and those of undisturbed ones.

    Only what the tests of this run look at is done.
    """
    folder = tmp_path_factory.mktemp("stops")
    here = [item for item in request.session.items if item.path == request.path and "builds" in item.fixturenames]
    looks = [item.callspec.params for item in here]
    places = sorted({(look["place"], look["engines"]) for look in looks})
    struck = {tuple(look.values()) for look in looks if "target" in look} or set(CASES)
    write_recipe_folder(folder / "recipe")

    def run(given):
        (place, engines), disturbed = given
        attacked = Attacked(
            folder / f"{place}-{engines}-{disturbed}" / "build", folder / "recipe", engines,
            launcher=place == "launcher",
        )  # fmt: skip
        try:
            outcomes = {
                case: attacked.strike(*case[2:])
                for case in CASES
                if disturbed and case in struck and case[:2] == (place, engines)
            }
            return outcomes, attacked.finish(), contents(attacked.folder)
        finally:
            attacked.end()

    asked = [*product(places, [True]), *product(sorted({(place, 1) for place, _ in places}), [False])]
    with ThreadPoolExecutor(3) as pool:
        return dict(zip([(*place, disturbed) for place, disturbed in asked], pool.map(run, asked), strict=True))


@pytest.mark.parametrize(
    ("place", "engines", "target", "name"),
    [full_unless("-".join(case[2:]) in QUICK.get(case[:2], "").split(), *case) for case in CASES],
)
def test_no_process_outlives_what_was_ended(builds, place, engines, target, name):
    outcome = builds[place, engines, True][0][place, engines, target, name]
    assert outcome.left == []
    if target == "command":
        assert outcome.code == CODES[name]
        assert ("interrupted; the same command goes on where it stopped" in outcome.said) == (name != "KILL")
        assert (" --set runtime.chunk_rows=2 --work-dir " in outcome.said) == (name != "KILL")
    else:
        assert outcome.code in (None, 1)
        assert outcome.code is None or "error: answers: " in outcome.said


@pytest.mark.parametrize(
    ("place", "engines"), [full_unless(place in QUICK, *place) for place in product(PLACES, (1, 2))]
)
def test_the_same_command_ends_with_the_files_of_an_undisturbed_build(builds, place, engines):
    _, code, files = builds[place, engines, True]
    assert code == 0
    assert files == builds[place, 1, False][2]
    assert any("/data/" in name for name in files)


TRAINING = {"max_steps": 16, "save_steps": 2, "logging_steps": 2, "per_device_train_batch_size": 2, "max_length": 256}
STRIKES = [("command", "TERM"), ("rank", "KILL"), ("launcher", "TERM"), ("command", "KILL")]


@pytest.mark.full
def test_a_training_of_two_ranks_under_accelerate_leaves_nothing_and_ends_with_the_same_weights(tmp_path):
    write_recipe_folder(tmp_path / "recipe")
    for name in ("sft_forward.yaml", "sft_backward.yaml"):
        change_yaml(tmp_path / "recipe" / name, **TRAINING)
    accelerate = "accelerate launch --cpu --num_processes 2 --num_machines 1 --mixed_precision no --dynamo_backend no"
    files = []
    for name, strikes in (("plain", []), ("struck", STRIKES)):
        training = Training(tmp_path / name / "build", tmp_path / "recipe", accelerate)
        try:
            outcomes = [training.strike(*strike) for strike in strikes]
            assert [outcome.left for outcome in outcomes] == [[] for _ in strikes]
            assert [outcome.code for outcome in outcomes] == [143, 1, 1, -9][: len(strikes)]
            assert training.finish() == 0
            files.append(contents(training.folder))
        finally:
            training.end()
    assert files[0] == files[1]
    assert any(name.endswith(".safetensors") for name in files[0])
