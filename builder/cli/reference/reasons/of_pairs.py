"""Why pairs and training rows do not go on, from the seed to the models."""

from builder.cli.reference.reasons.reason import Reason, listed
from builder.workspace.stage_names import SEED_CLEAN

_SEED = [
    ("not_json", "", "A row is no JSON object, or has more cells than the header.", "a line of plain text"),
    (
        "no_columns",
        ".sources.instruction .sources.output .sources.format",
        "A row lacks the columns.",
        "a row with `question` and no `instruction`",
    ),
    ("malformed", ".sources.format", "A row is no conversation of its format.", "a message without a role"),
    (
        "system_turn",
        ".sources.system",
        "It begins with a system turn, and the key says `reject`.",
        "a conversation whose first message is one of `system`",
    ),
    ("earlier_turns", "", "Its instruction goes on from turns in a column `history`.", "a row with `history`"),
    ("no_prompt", "", "The conversation does not begin with its user.", "a greeting of the assistant"),
    (
        "other_license",
        ".sources.license",
        "A row of a released config `seed` has another licence than the key.",
        "a row of `cc-by-4.0`, with `license: apache-2.0`",
    ),
    ("no_parent", "", "The message that it answers is not in the files.", "a reply in a part of the dump"),
    ("no_reply", "", "Nobody has answered the prompt.", "a prompt alone"),
    ("not_exported", "", "The tree was not ready for export.", "a tree whose state is `growing`"),
    ("prompt_role", "", "The first message is not one of a prompter.", "a tree that begins with an answer"),
    ("prompt_deleted", "", "The prompt was deleted.", "a message with `deleted: true`"),
    ("prompt_review", "", "The prompt did not pass its review.", "a message with `review_result: false`"),
    ("prompt_language", ".language", "The prompt is in another language.", "a prompt in Spanish, with `language: en`"),
    ("reply_role", "", "The reply is not one of an assistant.", "a prompter who answers"),
    ("reply_deleted", "", "The reply was deleted.", "a message with `deleted: true`"),
    ("reply_review", "", "The reply did not pass its review.", "a message with `review_result: false`"),
    ("reply_language", ".language", "The reply is in another language.", "a reply in Spanish, with `language: en`"),
    ("synthetic", ".synthetic", "A model wrote the message.", "a tree marked synthetic, with `synthetic: false`"),
    ("unranked", ".only_children", "The reply was never ranked.", "an only reply"),
    ("lower_rank", "", "Another reply was ranked above it.", "a reply of rank 1"),
    (
        "no_quality",
        ".min_quality",
        "Prompt or reply has no label of quality, and the key asks for one.",
        "a message that nobody labelled",
    ),
    (
        "low_quality",
        ".min_quality",
        "Prompt or reply has a lower quality than the key.",
        "a quality of 0.3, with `min_quality: 0.5`",
    ),
    ("not_text", "", "Instruction or answer is no text.", "a number in the column"),
    ("empty_instruction", "", "The instruction is empty.", "a line of blanks"),
    ("empty_output", "", "The answer is empty.", "a line of blanks"),
    ("not_unicode", "", "A text holds half of a character.", "an emoji that was cut in two"),
    ("control_tokens", ".on_control_tokens", "A text holds a control token of a chat template.", "`<|im_end|>`"),
    ("duplicate", "", "A pair of the same id or the same texts has come before.", "one pair in two files"),
    (
        "not_sampled",
        ".size",
        "As many pairs stay as the key says, and it is not among them.",
        "the others of 9,000, with `size: 3200`",
    ),
]
_CONTAMINATED = (
    "contaminated:<set>",
    "decontaminate.prompts decontaminate.ngram decontaminate.column",
    "It holds a prompt of that set, or as many words of one in a row as the key says.",
    "a question of the evaluation",
)
_AUGMENT = [
    ("control_tokens", "", "The segment, or what M_yx wrote, holds a control token of the model.", "`</s>`"),
    (
        "longer_than_context",
        "engine.max_model_len .max_tokens",
        "Prompt and reply do not fit the context.",
        "a segment of 5,000 tokens, with `max_model_len: 4096`",
    ),
    (
        "unfinished",
        ".max_tokens",
        "The instruction did not end within the tokens that it may have.",
        "a list that goes on for ever",
    ),
    ("empty", "", "The instruction has no word.", "`...`"),
    ("secret", "", "The instruction holds a key or a password of a known shape.", "a token of a service"),
    ("unseen", "", "The instruction holds characters that nobody sees.", "a mark that turns the direction of writing"),
    ("refusal", ".gate.refusal", "The instruction begins as a refusal does.", "`I'm sorry, but I cannot ...`"),
    (
        "echo",
        ".gate.max_echoed_words",
        "It shares more words in a row than the key says with what M_yx was shown.",
        "`Write the instruction that this text answers`",
    ),
    (
        "repeats",
        ".gate.repeats",
        "It has a line twice, or the same words four times in a row.",
        "`Create a snapshot in a database.`, and once more on the next line",
    ),
    (
        "open_block",
        ".gate.open_block",
        "It opens a block of code and does not end it.",
        "a last line that is a fence and the name of a language",
    ),
    ("run_on", ".gate.run_on", "It goes on into an answer or a new turn.", "`How do I bake bread? Answer: ...`"),
    (
        "copy",
        ".gate.max_copied_words",
        "It shares more words in a row than the key says with its segment.",
        "the first sentence of the segment",
    ),
    (
        "gives_answer_away",
        ".gate.answer_share",
        "It holds a larger share of the segment's runs of three words than the key says.",
        "a summary of the text as a question",
    ),
    ("too_long", ".gate.max_chars", "It has more characters than the key.", "an instruction of two pages"),
    (
        "not_self_contained",
        ".gate.self_contained",
        "It points at a text that it does not hold.",
        "`Summarise the passage above`",
    ),
    (
        "no_code",
        ".gate.code",
        "It asks for a program, a function or a query, and its segment has no code, or none of the language it names.",
        "`Write a Python script that ...` for a paragraph on line endings",
    ),
    (
        "other_language",
        ".gate.language",
        "It is surely in another language than its segment.",
        "a question in German on an English text",
    ),
    (
        "not_best",
        ".keep .samples",
        "Another instruction of the segment has the higher log p(x|y) per token.",
        "three of four, with `samples: 4` and `keep: best`",
    ),
]
_SCORE = [
    (
        "longer_than_context",
        "engine.max_model_len score.verdict.max_tokens score.reasoned.max_tokens",
        "The question to the judge does not fit the context.",
        "a pair of 5,000 tokens, with `max_model_len: 4096`",
    ),
    ("not_finite", "", "The score is no finite number.", "a probability of zero"),
    (
        "no_mass",
        "score.expected.min_mass score.reasoned.min_mass",
        "The probabilities of 1 to 5 together are below the key.",
        "a model that would rather write a word",
    ),
    ("no_verdict", "", "None of the replies says a score from 1 to 5.", "`I would rate it highly.`"),
    (
        "unfinished",
        "score.verdict.max_tokens score.reasoned.max_tokens",
        "The replies did not come to a score within the tokens that they may have.",
        "a reasoning without an end",
    ),
]
_CURATE = [
    (
        "not_selected",
        ".threshold .top .share",
        "Its score is below what the rule selects.",
        "a score of 3.2, with `threshold: 4`",
    ),
    ("no_score", ".judge", "A judge gave it no score.", "a pair that was longer than the context"),
    ("not_finite", "", "The score of a judge is no finite number.", "a score from another program"),
    (
        "too_high",
        ".leave_out_top",
        "Its score is in the share that is left out at the upper end.",
        "an instruction that copies its text, for `reverse`",
    ),
    (
        "domain_cap",
        ".per_domain",
        "As many better pairs of its domain are selected as the key says.",
        "the eleventh of a site, with `per_domain: 10`",
    ),
    (
        "withheld",
        ".test_rows .test_share",
        "It is of a withheld page, and as many better ones are selected as the key says.",
        "a test row too many of A_2",
    ),
    (
        "near_duplicate_instruction",
        ".near_duplicates",
        "A better selected pair has nearly the same instruction.",
        "`How do I boil an egg?` twice",
    ),
    _CONTAMINATED,
]
_MODEL = [
    (
        "longer_than_max_length",
        "training.forward training.backward",
        "The row has more tokens than `max_length` of the TRL recipe.",
        "a pair of 2,000 tokens, with `max_length: 1024`",
    ),
    (
        "fully_masked",
        "training.forward training.backward",
        "None of its tokens would be trained on.",
        "an answer that the template leaves out",
    ),
    ("control_tokens", "", "A text holds a control token of the base model.", "`<s>` in an answer"),
    (
        "held_out",
        "training.held_out",
        "It is held out to measure the loss on it.",
        "one seed pair in ten, with `held_out: 0.1`",
    ),
]
_ENGINE = [
    ("engine_error", "", "The engine failed on the row alone.", "a prompt that ends a process on the GPU"),
    ("engine_rejected", "engine.max_model_len", "The server refuses the request.", "a prompt that is too long for it"),
    (
        "engine_status_<code>",
        "runtime.request_tries runtime.concurrency",
        "The server answered with that status at every try.",
        "429, too many requests",
    ),
    (
        "engine_timeout",
        "runtime.request_seconds runtime.request_tries",
        "No reply came in the time that a request may take.",
        "a server under load",
    ),
    (
        "engine_connection",
        "runtime.endpoint runtime.request_tries",
        "The connection failed at every try.",
        "a server that starts again",
    ),
    ("engine_bad_reply", "runtime.request_tries", "The reply is none that the request can have.", "JSON that is cut"),
    (
        "engine_no_logprobs",
        "score.expected.fallback score.reasoned.fallback",
        "The server gives text, and no log-probabilities.",
        "a hosted model as judge `expected`",
    ),
    (
        "engine_no_token_ids",
        "engine.kind",
        "The server does not say which tokens it took.",
        "a server other than vLLM's",
    ),
]
OF_PAIRS: list[Reason] = [
    *listed("seed", "pairs", _SEED),
    *listed(str(SEED_CLEAN), "pairs", [_CONTAMINATED]),
    *listed("augment", "pairs", _AUGMENT),
    *listed("augment", "pairs", _ENGINE),
    *listed("score", "pairs", _SCORE),
    *listed("score", "pairs", _ENGINE),
    *listed("curate", "pairs", _CURATE),
    *listed("model", "rows", _MODEL),
]
