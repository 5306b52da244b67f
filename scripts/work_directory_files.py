"""What `docs/work-directory.md` says of files, their keys and counts; `describe_work_directory.py` puts it together.

A name in `<...>` stands for any one name. Texts are Markdown, a short sentence or two each.
"""

COUNTS = {
    "in": "How many rows came in.",
    "kept": "How many go on.",
    "dropped": "How many were left out on purpose, by reason.",
    "failed": "How many could not be processed, by reason.",
}
TRAINED = {
    "rows": "Rows trained on.",
    "steps": "Steps of the optimizer.",
    "epochs": "Passes over the rows.",
    "rows_a_step": "Rows of a step, over all devices.",
    "mean_loss": "Mean loss of all steps, in nats a trained token.",
    "last_loss": "Loss of the last logged window.",
    "held_out": "By source the loss on held-out rows, `before` the first step and `after` the last.",
}
DETAILS = {
    "seed": {
        "sources": "Of each source: pairs, those kept, those left out by reason, messages of its trees.",
        "instruction_chars": "Mean and standard deviation of the lengths of the instructions, in characters.",
        "output_chars": "The same of the outputs.",
        "escaped": "Pairs in which a control token was made harmless.",
        "unseen": "Pairs in which unseen characters were taken out.",
        "unseen_chars": "How many.",
    },
    "seed-clean": {"evaluation_prompts": "Prompts in each set."},
    "segments": {
        "files": "Files of the corpus.",
        "chars_mean": "Mean length of the texts, in characters.",
        "chars_sd": "Their standard deviation.",
        "masked_emails": "E-mail addresses that were replaced.",
        "masked_ips": "IP addresses that were replaced.",
        "escaped": "Segments in which a control token was made harmless.",
        "unseen": "Segments found in whose header, text or headings above unseen characters were taken out.",
        "unseen_chars": "How many, those of titles included.",
        "unread": "How many files of the sources are not read, by their ending, `hidden` or `no ending`.",
        "unread_files": "The first of them by name.",
        "trimmed": "Segments found from which furniture was taken away, at their ends or between paragraphs.",
        "trimmed_chars": "How many characters.",
        "trimmed_byline": "How many blocks before a text: who wrote it and when.",
        "trimmed_aside": "Blocks between paragraphs that point to other pages or call to something.",
        "trimmed_heading": "Headings at the end, under which nothing was left.",
        "trimmed_section": "Blocks of short last sections about the site or its navigation.",
        "trimmed_ornament": "Blocks at the end without a letter or a digit.",
        "trimmed_link": "Blocks at the end that are links.",
        "trimmed_announcement": "Blocks at the end that announce what does not follow.",
        "trimmed_bio": "Blocks at the end on who wrote the text.",
        "trimmed_promotion": "Blocks at the end with calls, credits, tags, dates or notices.",
        "trimmed_stray": "Short lines at the end that are no sentence.",
        "lost_records": "The first places where records were lost, with the reason.",
    },
    "dedup": {
        "distinct_texts": "Texts left when equal ones are gone.",
        "near_clusters": "Groups of near duplicates.",
    },
    "augment": {"openings": "The most frequent first words of the instructions, with their shares."},
    "score": {
        "scores": "Minimum, deciles and maximum of the scores.",
        "mean_mass": "Mean of `mass`.",
        "mean_spread": "Mean of `spread`.",
        "fallback": "Pairs that `verdict` has scored instead.",
        "replies": "Replies of the judge.",
        "without_verdict": "Replies without a rating.",
        "verdicts": "How often each rating was given.",
        "unfinished": "Replies that were cut before they came to a score.",
        "unfinished_share": "Their share.",
        "read_again": "Replies for which the model was asked a second time, for want of a digit of its own.",
    },
    "curate": {
        "lowest_score": "The lowest score that is selected.",
        "test_rows": "Selected rows of withheld pages.",
        "evaluation_prompts": "Prompts in each set of `decontaminate`.",
    },
    "model": {
        "seed_rows": "Rows of the seed that were trained on.",
        "seed_held_out": "Rows of the seed that its loss is measured on.",
        "curated_rows": "Curated rows that were trained on.",
        "curated_held_out": "Curated rows that its loss is measured on.",
        **TRAINED,
    },
    "answers-model": {},
}
"""Keys of `details` in `stage.json`, by kind of stage; `model` stands for `model-backward` too."""

OF_BUILD = {
    ".lock": "Holds the process id of the build that uses the folder.",
    "inputs.jsonl": "What inputs held when they were read, and in what state each file was then.",
    "rates.json": "What `humpback plan --calibrate` has measured, and on which machine. It is used on no other.",
    ".calibrate/": "Where it works, only while it does.",
    ".preview/": "Where `humpback preview` works, only while it does; of one that failed it stays, for its log. What "
    "either has left, the next build, preview or calibration removes.",
    "overrides.json": "The `--set` values that the last build was run with. Commands that follow use them too, unless "
    "they are given others or `--as-written`.",
}
"""What lies beside the folders of the stages."""

KEYS = {
    "overrides.json": {
        "overrides": "A list, in the order in which they are applied. Of each: `set`, the `key=value` without secrets; "
        "`recipe_said`, what the file had at the key then, as JSON, or null; `without_secret`, whether it had one.",
    },
    "stage.json": {
        "stage": "Name of the stage.",
        "version": "`VERSION` of the module that runs it.",
        "config": "Its sections of the recipe. Files stand as their digests or listings.",
        "inputs": "Fingerprints of the stages it reads.",
        "fingerprint": "12 hex digits of the sha256 of these four: the name of the folder.",
        "status": "`running`, `done` or `failed`.",
        "versions": "Versions of the libraries. Recorded, and no part of the fingerprint.",
        "warnings": "What to know before going on.",
        "counts": "By kind of row (`pages`, `segments`, `pairs`, ...): `in`, `kept`, `dropped`, `failed`.",
        "details": "Further figures of the stage, see below.",
        "seconds": "How long it took.",
        "restarts": "How often its process was started again, if it was.",
        "error": "What went wrong, if it failed.",
        "files": "When it was done: `size` and `sha256` of every file but logs, which are compared later.",
        "digest": "The sha256 of all else in this file, less its layout.",
    },
    "logs/request.json": {
        "function": "Module and function of the stage.",
        "config_type": "Module and class of its configuration.",
        "config": "The configuration, with paths.",
        "inputs": "Folders of the stages it reads.",
        "runtime": "The section `runtime` of the recipe.",
    },
    "logs/result.json": {
        "counts": "As in `stage.json`.",
        "details": "As in `stage.json`.",
        "warnings": "As in `stage.json`.",
        "versions": "As in `stage.json`.",
        "files": "As in `stage.json`.",
        "error": "Instead of these, what went wrong.",
        "exit_code": "1, or 2 where the recipe or an input is wrong, or 75 where the time was over.",
    },
    "logs/progress.json": {
        "done": "Units done.",
        "total": "Units in all. Null where nobody knows.",
        "unit": "What is counted: `rows`, `pages`, `steps`, ...",
        "before": "Of the units done, those of earlier runs.",
        "phase": "What goes on where it is no unit, such as `loading the model`; empty while units pass.",
        "doing": "Units beyond these that are done and not written yet.",
        "kept": "Rows or pairs of this run that go on; left out until known, as the two below.",
        "failed": "Rows or pairs of this run that could not be done.",
        "judged": "Rows or pairs of this run of which it is known what becomes of them.",
        "note": "What else there is to say, such as a loss.",
    },
    "logs/stop_at.json": {
        "at": "The time, in seconds since 1970.",
        "by_itself": "Whether the stage looks at it. One that does not is ended then.",
        "finish": "Whether a training is saved as a model then, and not as a checkpoint. In a calibration only.",
    },
    "logs/checkpoint.json": {
        "step": "The step of its last whole checkpoint; 0 without one.",
        "every": "When it writes one, as the TRL recipe says it.",
    },
    "logs/chunks.json": {"chunk_rows": "Rows of a chunk. It stays for as long as a chunk stands."},
    "logs/chunks/part-<chunk>.json": {
        "data": "Size and sha256 of the file of the chunk. It is done again where these differ.",
        "rejected": "Those of its rejected rows.",
    },
    "logs/engines/<engine>/ended.json": {
        "error": "What ended the engine.",
        "died": "How its process died.",
    },
    "logs/tasks/<task>.json": {
        "mark": "Fingerprint of settings and input that the files of the task belong to.",
        "counts": "Counts of records, pages and segments of the task.",
        "details": "Sums that add up over the tasks.",
        "files": "Size and sha256 of its two files. They are run again where these differ.",
    },
    "logs/metrics.json": {
        **TRAINED,
        "resumed_from": "The checkpoint it went on from. Null where it was not stopped.",
        "seconds": "Time of the training since it was last started.",
        "processes": "How many processes trained.",
        "tokens_per_second": "Tokens of rows in a second, prompts included.",
        "history": "The log of the trainer: step, loss, learning rate, gradient, tokens.",
    },
    "logs/training_error.json": {
        "error": "What ended a training under a launcher.",
        "exit_code": "As in `logs/result.json`.",
    },
    "model/training.json": TRAINED,
    "training/checkpoint-<step>/complete.json": {
        "settings": "Digest of the resolved recipe, and the number of processes.",
        "files": "Every file of the checkpoint with its size.",
    },
    "chat_contract.json": {
        "version": "Of this form.",
        "role": "`forward` (x to y) or `backward` (y to x).",
        "template": "The chat template.",
        "system_seed": "The tag S_a.",
        "system_web": "The tag S_w.",
        "system_backward": "The system prompt of M_yx.",
        "end_token": "Ends an answer.",
        "loss": "What is trained: the completion.",
        "date": "The day that the template names, where it asks for the time.",
    },
}
"""Keys of the JSON files that hold an object, by path."""

FILES: list[tuple[tuple[str, ...], dict[str, str]]] = [
    (
        (),
        {
            "stage.json": "What the stage is and what came of it. Written first and last.",
            "logs/request.json": "What the child process was asked to run.",
            "logs/result.json": "What it answered.",
            "logs/child.log": "What it said, libraries included.",
            "logs/writer.lock": "Locked for as long as a process of the stage is there; names the last one.",
            "logs/progress.json": "How far it is.",
            "logs/notices.json": "Warnings that were told while it ran, as a list.",
            "logs/stop_at.json": "When it has to stop. Only with `runtime.max_hours`, or once interrupted.",
        },
    ),
    (
        ("seed", "seed-clean"),
        {"data/seed.parquet": "The pairs that stay, sorted by id.", "rejected/seed.parquet": "The others."},
    ),
    (
        ("segments",),
        {
            "data/<task>.parquet": "Segments of a task.",
            "rejected/<task>.parquet": "Records, pages and segments that the task left out.",
            "logs/tasks/<task>.json": "Counts of the task. Written last: with it the task is whole.",
            "logs/inputs.jsonl": "States and digests of files that were read whole, as `inputs.jsonl` takes them over.",
            "logs/tasks/<task>.pages": "How many pages the task has done; segments that stay, of how many; pages that "
            "could not be read.",
            "logs/datatrove/": "Which tasks are done, and while it runs which worker has one.",
        },
    ),
    (
        ("dedup",),
        {
            "data/<part>.parquet": "Segments that stay, sorted by id.",
            "rejected/<part>.parquet": "Those that go, sorted by reason and id.",
            "minhash/": "Signatures, buckets and clusters. Only while it runs.",
            "against/<set>.parquet": "The texts of a set of `dedup.against`. Only while it runs.",
        },
    ),
    (
        ("segments", "dedup"),
        {
            "logs/workers/": "What datatrove says of the workers on this machine.",
        },
    ),
    (
        ("segments", "dedup", "augment", "score"),
        {
            "logs/engines/<engine>/progress.json": "How far an engine, or a worker of a cluster, is.",
            "logs/engines/<engine>/ended.json": "How one ended that did not finish. Ray and Slurm only.",
            "logs/engines/failed": "Is there once one has said that the stage cannot go on. Ray and Slurm only.",
            "logs/cluster/": "What Ray and Slurm are given, and what they say.",
        },
    ),
    (
        ("augment", "score"),
        {
            "data/part-<chunk>.parquet": "Rows of a chunk that go on. Written last: with it the chunk is whole.",
            "rejected/part-<chunk>.parquet": "Rows of the chunk that do not. None in a score stage.",
            "logs/chunks.json": "Size of a chunk.",
            "logs/chunks/part-<chunk>.json": "What the two files of a chunk were when it was written.",
            "logs/taken/<chunk>": "The number of the engine that has the chunk. Only while it runs.",
            "logs/in_hand/<engine>.json": "Chunk, row or part, and process id of what an engine has in hand: a list.",
            "logs/deaths.json": "Chunk, and row or part, as a list, of each death of an engine.",
            "logs/datatrove/": "What datatrove says.",
        },
    ),
    (("score",), {"data/scores.parquet": "Instead of the chunks, where two halves are put together."}),
    (
        ("curate",),
        {"data/curated.parquet": "The selected pairs, sorted by id.", "rejected/curated.parquet": "The others."},
    ),
    (
        ("model-backward", "model"),
        {
            "rows/<source>.parquet": "Rows trained on: `seed`, and from M_1 on `curated`.",
            "held_out/<source>.parquet": "Rows that the loss is measured on, and none is trained on.",
            "rejected/rows.parquet": "Rows that are too long or forge a turn, and those held out of the seed.",
            "sft.yaml": "The resolved TRL recipe.",
            "chat_contract.json": "Template, tags and end token of the model; see `llm/contract.py`.",
            "chat_template.jinja": "Its chat template alone.",
            "training/checkpoint-<step>/complete.json": "Marks a checkpoint as whole. Only while it trains.",
            "training/": "Checkpoints, and then the finished model. Only while it trains.",
            "model/training.json": "What the training came to. Written last.",
            "model/chat_contract.json": "The contract again.",
            "model/": "Weights or an adapter, tokenizer and configuration, as `from_pretrained` takes them.",
            "logs/metrics.json": "Losses and speed.",
            "logs/checkpoint.json": "From where it goes on if it is ended now.",
            "logs/preflight.txt": "Which tokens of a few rows are trained.",
            "logs/training_error.json": "What ended a training under a launcher.",
        },
    ),
    (("answers-model",), {"data/answers.parquet": "The answers."}),
]
"""The files of some kinds of stages; those of every stage first, without a kind. A folder stands for all below it."""
