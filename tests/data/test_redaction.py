import io
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.cli.init import write_recipe_folder
from builder.cli.main import main
from builder.data.address import Address
from builder.data.redaction import RedactedStream, redact_task_logs, redacted, without_known

WHOLE = "https://redactuser:red%2Fact-pass@host/a.warc.gz?X-Amz-Signature=redact-sign&n=1#redact-fragment"
SECRETS = ("redactuser", "red/act-pass", "red%2Fact-pass", "redact-sign", "redact-fragment")


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        f"cannot open {WHOLE!r}: 403",
        "BasicAuth(login='redactuser', password='red/act-pass')",
        "url=URL('https://host/a.warc.gz?X-Amz-Signature=redact-sign&n=1')",
        "redact-fragment",
    ],
)
def test_what_an_address_hides_is_taken_out_of_any_text(text: str) -> None:
    assert Address(WHOLE).hides
    for clean in (redacted(text), without_known(text)):
        assert not [secret for secret in SECRETS if secret in clean]


@pytest.mark.parametrize("whole", ["https://u:p@h/x?k=v#f", "https://u@h/x", "https://h/x?ab", "s3://u:p@h/x#f"])
def test_an_address_with_short_secrets_is_taken_out_as_a_whole(whole: str) -> None:
    assert Address(whole).hides
    assert whole not in redacted(f"cannot open {whole}: 403")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("is 'https://u:CAN@h'; it must", "is 'https://h'; it must"),
        ("/p/https:/u:CAN@h/x: no such file", "/p/https:/h/x: no such file"),
        ("/p/https//u:CAN@h/x: no such file", "/p/https//***@h/x: no such file"),
        ("s3://u:C/AN@b/k: no", "s3://b/k: no"),
        ("https://h/a?X-Amz-Signature=CAN: no", "https://h/a: no"),
        ("https://h/a?x=1&token=CAN, and", "https://h/a, and"),
        ("token hf_CANCANCANCANCANCANCANCAN.", "token ***."),
        ("key sk-CANCANCANCANCANCANCAN.", "key ***."),
        ("key sk-or-v1-" + "0a1b2c3d" * 8 + ".", "key ***."),
        ("key sk-" + "0a1b2c3d" * 4 + ".", "key ***."),
        ("key sk-proj-" + "aB3-dE6_gH9j" * 5 + ".", "key ***."),
        ("key sk-ant-api03-" + "aB3-dE6_gH9j" * 8 + ".", "key ***."),
        # What is no secret stays.
        ("seed/sk-instructions-translated.jsonl", "seed/sk-instructions-translated.jsonl"),
        ("org/sk-wikipedia-cleaned-2024", "org/sk-wikipedia-cleaned-2024"),
        ("org/sk-InstructionsTranslated-v2", "org/sk-InstructionsTranslated-v2"),
        ("sk-wikipedia20240101dump", "sk-wikipedia20240101dump"),
        ("https://h:8080/@scope/x?id=3", "https://h:8080/@scope/x?id=3"),
        ("x.warc.gz@50+3: cut", "x.warc.gz@50+3: cut"),
        ("2026-01-01 10:00:00 | a@b", "2026-01-01 10:00:00 | a@b"),
        ("write to jane@example.org: error", "write to jane@example.org: error"),
    ],
)
def test_a_message_loses_logins_signatures_and_tokens_that_nobody_knows(text: str, clean: str) -> None:
    assert redacted(text) == clean


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("HF_TOKEN", "canary-of-the-hub", "canary-of-the-hub"),
        ("OPENAI_API_KEY", "canary-of-a-server", "canary-of-a-server"),
        ("AWS_ACCESS_KEY_ID", "canary-of-amazon", "canary-of-amazon"),
        ("AWS_SECRET_ACCESS_KEY", "canary/of+amazon", "canary%2Fof%2Bamazon"),
        ("AZURE_STORAGE_CONNECTION_STRING", "canary-of-azure", "canary-of-azure"),
        ("FSSPEC_S3", '{"anon": false, "secret": "canary-of-fsspec"}', "canary-of-fsspec"),
        ("HTTPS_PROXY", "http://me:canary-of-proxy@proxy:3128", "canary-of-proxy"),
    ],
    ids=range(7),  # pytest puts the name of a test into the environment
)
def test_secrets_of_the_environment_are_taken_out(
    name: str, value: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert secret in redacted(f"said {secret} here")
    monkeypatch.setenv(name, value)
    assert redacted(f"said {secret} here") == "said *** here"


@pytest.mark.parametrize("value", ["quickstart", "recipesquickstart", "key-no-2"])
def test_a_word_in_a_variable_named_key_does_not_garble_paths(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", value)
    assert redacted(f"recipes/{value}/build.yaml") == f"recipes/{value}/build.yaml"


@settings(max_examples=40)
@given(st.text(st.sampled_from("?:/@&=abx -'\"") | st.characters(), max_size=300))
def test_any_text_can_be_cleaned_twice(text: str) -> None:
    clean = redacted(text)
    assert redacted(clean) == clean or len(redacted(clean)) <= len(clean)


@pytest.mark.parametrize(
    "unit", ["://", "://a:b", "?", "?x-amz", "a:b@", "a:", "hf_", "sk-", "sk-a-a-a-", "sk-aA", "x@", "://u@"]
)
def test_no_text_takes_quadratic_time(unit: str) -> None:
    redacted(unit * 60_000)  # would take hours


def test_output_and_task_logs_are_redacted_with_their_tracebacks() -> None:
    from loguru import logger

    out = io.StringIO()
    stream = RedactedStream(out)
    stream.writelines([WHOLE, "\n"])
    print(WHOLE, file=stream)
    redact_task_logs()
    sink = logger.add(out, format="{message}", diagnose=True, backtrace=True)
    try:
        raise OSError(f"{WHOLE}: 403") from ValueError(Address(WHOLE).full())
    except OSError as error:
        logger.exception(error)
        logger.warning(f"lost {WHOLE}")
    finally:
        logger.remove(sink)
        logger.configure(patcher=None)
    assert out.getvalue().count("https://host/a.warc.gz") >= 5
    assert "OSError" in out.getvalue()
    assert not [secret for secret in SECRETS if secret in out.getvalue()]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    write_recipe_folder(folder / "p")
    return folder / "p"


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "{p}", "--set", "runtime.endpoint=ftp://u:CANARY@h/v1"],
        ["plan", "{p}", "--set", "segments.sources.0.format=https://u:CANARY@h/v1"],
        ["plan", "{p}", "--set", "https://u:CANARY@h/v1"],
        ["plan", "{p}", "--set", "a=[https://u:CANARY@h/v1"],
        ["plan", "{p}", "--set", "seed.sources.0.path=https://u:CANARY@h/v1"],
        ["plan", "{p}", "--set", "decontaminate={{prompts: ['https://u:CANARY@h/p.txt?sig=CANARY']}}"],
        ["plan", "{p}", "--set", "base={{model: 'https://u:CANARY@huggingface.co/o/n', license: mit}}"],
        ["plan", "{p}", "--set", "base.license_link=https://u:CANARY@h/licence"],
        ["plan", "{p}", "--set", "release.title=see https://h/x?X-Amz-Signature=CANARY"],
        ["plan", "{p}", "--set", "runtime.launcher=env HF_TOKEN=hf_CANARYCANARYCANARYCANARY accelerate launch"],
        ["plan", "{p}", "--set", "chat.system_seed=Use sk-CANARYCANARYCANARYCANARY."],
        ["plan", "{p}", "--set", "segments.sources.0.path=https://u:CANARY/x@h/v1"],
        ["plan", "{p}", "--set", "segments.sources.0.path=nonsense://u:CANARY@h/v1?CANARYquery"],
        ["--debug", "plan", "{p}", "--set", "segments.sources.0.path=nonsense://u:CANARY@h/v1?CANARYquery"],
        ["plan", "https://u:CANARY@h/recipe"],
        ["build", "{p}", "--work-dir", "/proc/https://u:CANARY@h/", "--until", "seed"],
        ["hydrate", "https://u:CANARY@h/release", "--corpus", "x"],
        ["hydrate", "{p}", "--corpus", "https://u:CANARY/x@h/crawl"],
        ["hydrate", "{p}", "--corpus", "nonsense://u:CANARY@h/crawl"],
    ],
)
def test_no_message_of_the_command_line_repeats_a_password(
    arguments: list[str], project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["humpback", *(item.format(p=project) for item in arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code
    seen = capsys.readouterr()
    assert seen.err
    assert "CANARY" not in seen.out + seen.err
