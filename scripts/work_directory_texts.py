"""What `docs/work-directory.md` says of stages and columns; `describe_work_directory.py` puts it together.

A name in `<...>` stands for any one name. Texts are Markdown, a short sentence or two each.
"""

STAGES = {
    "seed": ("`seed`", "3.1", "Human-written pairs, as they were selected."),
    "seed-clean": (
        "`seed-clean`",
        "",
        "The same without those that hold a prompt of an evaluation. Only where the recipe has `decontaminate`.",
    ),
    "segments": ("`segments`", "2.1", "Header and text, cut from the pages."),
    "dedup": ("`dedup`", "3.1", "The distinct ones, or a sample of them: the candidate outputs y."),
    "model-backward": ("`model-backward`", "2.2", "M_yx, the model that writes x for y."),
    "augment": ("`augment`", "2.2", "Candidate pairs: M_yx has written an instruction x for each y."),
    "model": (
        "`model-<t>`",
        "2.3",
        "M_t. With `training.cross_fit` also `model-<t>-a` and `model-<t>-b`, each trained on one half of the pages; "
        "with `training.seeds` also `model-<t>-seed-<n>`.",
    ),
    "score": (
        "`score-<t>-<judge>`",
        "2.3",
        "What a judge gives every candidate in iteration t. `score-<judge>` where no iteration changes it. With "
        "`training.cross_fit` also `score-<t>-<judge>-a` and `-b`; the folder without a letter holds both.",
    ),
    "curate": ("`curate-<t>`", "2.3", "A_t: the pairs that are selected in iteration t."),
    "answers-model": ("`answers-model-<t>`", "3.4", "Answers to questions of the sample. `humpback quickstart` only."),
}
"""By kind of stage: its folder without the fingerprint, the section of the paper, what it holds."""

TABLES = {
    "seed": "Human-written pairs",
    "segments": "Segments",
    "candidates": "Candidate pairs",
    "scores": "Scores",
    "curated": "Selected pairs",
    "training": "Training rows",
    "rejected": "Rejected rows",
    "answers": "Answers",
}

PAIR = {
    "segment_id": "Id of the segment.",
    "page_id": "Id of its page.",
    "url": "Address of the page.",
    "header": "The heading above the segment.",
    "instruction": "x, as M_yx wrote it.",
    "output": "y, the text of the segment.",
    "logprob": "log p(x given y) under the model that wrote x, end token included. Null where a server gives none.",
    "tokens": "How many tokens that is. Null where a server does not count.",
}
COLUMNS = {
    "seed": {
        "id": "Id of the message in its source, else a hash of both texts.",
        "instruction": "What a person asked.",
        "output": "What a person answered.",
        "source": "Name of the source in the recipe (`seed.sources`).",
        "license": "Licence of that source.",
    },
    "segments": {
        "id": "Hash of page, heading and text. Rules, order and number of tasks do not change it.",
        "page_id": "Id of the page as the corpus has it, else its file and place.",
        "url": "Address of the page. Empty where neither corpus nor page says it.",
        "source_file": "File the page was read from.",
        "record_offset": "Byte of its record in that file, for Parquet the number of its row. -1 in a folder of HTML.",
        "title": "Title of the page.",
        "header": "The heading above the text.",
        "header_level": "1 to 6, for `h1` to `h6`.",
        "header_path": "The headings above that one, outermost first.",
        "position": "Number of the heading among all headings of the page, from 0.",
        "text": "y, the text under the heading.",
        "language": "Two-letter code of the page's language. Empty if nothing tells it.",
        "kept_blocks": "Numbers of the blocks of the page that make up the text.",
        "walk": "Version of the rules by which blocks are numbered.",
        "payload_digest": "blake2b-128 of the raw page.",
    },
    "candidates": {"id": "`<segment_id>-<n>`; n is the sample, from 0.", **PAIR},
    "curated": {
        "id": "Id of the candidate.",
        **PAIR,
        "score": "What it was selected by: the judge's score, of several judges the combined rank from 0 to 1.",
        "split": "`train`, or `test` for a pair of a withheld page, which no model trains on.",
    },
    "training": {
        "id": "Id of the seed pair or of the candidate.",
        "prompt": "System prompt, which holds the tag, and the turn of the user.",
        "completion": "The turn of the assistant, which is what is trained.",
    },
    "rejected": {
        "id": "Id of the row. Of a record that cannot be read, file and place.",
        "reason": "Why it does not go on. `stage.json` counts each reason.",
        "page_id": "Id of its page. Empty for rows without one.",
        "header": "Its heading. Empty for rows without one.",
        "text": "What the reason is about, for the first {texts:,} rows of a reason. Null or empty for others.",
        "twin": "Of a duplicate, the id of the row that it repeats.",
        "twin_text": "The text of that row, where `text` is given.",
    },
    "answers": {
        "question": "A question of the sample.",
        "answer": "What the model wrote.",
        "ended": "Whether it ended by itself.",
    },
}
"""By table and column."""

RATING = {
    "probabilities": "Of the ratings 1 to 5, in this order. They add up to 1.",
    "spread": "Standard deviation of the rating under these probabilities.",
    "mass": "Probability of the five digits together. Low where the model would write something else.",
    "fallback": "Whether the score is that of `verdict`, because the engine gives no log-probabilities.",
}
SPOKEN = {
    "verdicts": "The rating in each reply. Null for a reply that holds none.",
    "replies": "What the judge wrote.",
    "unfinished": "How many replies were cut before they came to a score.",
}
SCORES = {
    "": {
        "id": "Id of the candidate.",
        "score": "The higher, the better. Null where the judge gives none.",
        "reason": "Why there is no score. Null where there is one.",
        "message": "Of a pair that failed in the engine, what the engine or the server said.",
    },
    "likelihood": {
        "logp_answer": "log p(y given x) under M_(t-1), without the end token.",
        "logp_end": "log p of the end token after x and y.",
        "logp_prior": "log p(y) after an empty turn of the user.",
        "tokens": "Tokens of y and the end token, which the score is divided by.",
    },
    "expected": {
        **RATING,
        "verdicts": "The rating in each reply, where `verdict` was asked instead.",
        "replies": "What it wrote.",
        "unfinished": "How many of these replies were cut before they came to a score.",
    },
    "verdict": SPOKEN,
    "reasoned": {
        **RATING,
        **SPOKEN,
        "reasonings": "What stands before the score in each reply.",
        "read_again": "How many replies hold no digit of the model's own to read, so that it was asked a second time.",
    },
    "reverse": {
        "logp_instruction": "log p(x given y) under M_yx, without the end token.",
        "logp_end": "log p of the end token after y and x.",
        "logp_prior": "log p(x) after the prompt of an empty text.",
        "tokens": "Tokens of x, which the score is divided by.",
    },
}
"""Columns of the scores, by judge; those of all judges under the empty name."""
