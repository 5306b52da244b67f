# The two commands: `make quickstart` and `make test`. Both install into .venv when it is not there yet.
.PHONY: help evaluate-demo conformance bench-report notebook screenshots install quickstart test test-full test-cluster lint pin-versions method-check real-build real-speed real-check threshold-check calibration-check kill-check kill-check-engines bench-segments train-mask bench-dedup bench-engine bench-scale bench-train injection-check release-demo bench-push bench-release bench-check trainers-check docs wheel clean
python := .venv/bin/python
# Tests run one OpenMP thread each; two run side by side.
export OMP_NUM_THREADS := 1

help:
	@echo "make quickstart    install into .venv and build the embedded sample end to end"
	@echo "make test          the whole suite, offline"
	@echo "make test-cluster  builds on Slurm, Ray and S3 of this machine, killed in every part; says what is not installed"
	@echo "make test-full     the suite and what takes minutes: the built wheel, the whole quickstart from it"
	@echo "make lint          ruff, mypy, that no room imports upward, and that no code is dead"
	@echo "make pin-versions  accept the code that the stages' results depend on as it is now"
	@echo "make kill-check    30 random kills over one quickstart, compared with an undisturbed one (about 15 minutes)"
	@echo "make kill-check-engines  the same over augment and score with more than 5,000 rows"
	@echo "make bench-segments CORPUS=FOLDER [CHECK=SCRIPT]  speed of the segmenter beside the stock block, and its score"
	@echo "make train-mask CORPUS=FOLDERS [MANUALS=FILE] [CHECK=SCRIPT]  fit the learned mask of main content on pages with truth"
	@echo "make method-check  the controlled study on five fresh worlds, with intervals (three quarters of an hour on 2 cores)"
	@echo "make evaluate-demo labels, answers, a judge of pairs, tables and a card on the quickstart (MODEL=FOLDER: a real one too)"
	@echo "make conformance   docs/conformance.md: the paper's tables beside what the quickstart gives"
	@echo "make bench-report [ROWS=500000]  the page of large builds: size, readiness, answers, time and memory to write it"
	@echo "make notebook [DIR=quickstart]  run docs/example.ipynb anew"
	@echo "make screenshots [DIR=quickstart]  the pictures of docs/images, by an installed Chromium"
	@echo "make real-check BUILD=FOLDER [WRITE=docs/method.md]  planted truth on the texts of a build with a real model, for every judge"
	@echo "make calibration-check [ROUNDS=3]  what plan --calibrate says of the quickstart beside its time (10 minutes a round)"
	@echo "make threshold-check  what 4.5 on a mean of probabilities selects, simulated"
	@echo "make injection-check  what plain text that speaks to the judge does to its scores (minutes)"
	@echo "make bench-engine  augment and score beside the bare engine, prefix cache, judges, a server; two engines of unequal speed"
	@echo "make bench-scale [ROWS='10000 100000'] [BASE=COMMIT]  time and memory by rows, up to a million; workers, small tasks, 10,000 files (half an hour)"
	@echo "make bench-train   tokens per second and memory of a training beside TRL's own script (minutes)"
	@echo "make release-demo [DIR=quickstart]  two releases from build to user, on a Hub on this machine (minutes)"
	@echo "make bench-push [GB=1]  a push beside upload_folder: the same files, the same server"
	@echo "make bench-release [BASE=COMMIT]  a release of 300,000 pairs beside the program of a commit (10 minutes)"
	@echo "make bench-check   time and memory of check on a million seed rows and 10,000 archives (minutes)"
	@echo "make trainers-check [DIR=.venv-trainers]  Axolotl and LLaMA-Factory, installed apart, read a release (minutes)"
	@echo "make real-build MODEL=FOLDER CORPUS='FILE ...' SEED='FILE ...' [DIR=real]  the whole loop on real text, on two cores or a GPU"
	@echo "make real-speed BUILD=FOLDER [WRITE=PAGE]  where the time of such a build goes, by setting (20 minutes)"
	@echo "make docs          write the pages of docs/ that come from the code, and the schema of a recipe"
	@echo "make bench-dedup   100,000 segments with planted near duplicates: time, recall, precision"

install:
	@scripts/install.sh

quickstart: install
	$(python) -m builder quickstart quickstart

test: install
	$(python) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q -m "not full"

test-full: install
	$(python) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

test-cluster: install
	$(python) -m pytest -q -m cluster -rs

lint: install
	$(python) -m ruff format --check builder tests scripts
	$(python) -m ruff check builder tests scripts
	$(python) -m mypy --strict builder
	.venv/bin/lint-imports --no-logo
	$(python) -m vulture

pin-versions: install
	$(python) scripts/pin_versions.py

evaluate-demo: install
	$(python) scripts/evaluate_demo.py $(if $(or $(MODEL),$(HUMPBACK_TEST_MODEL)),--model $(or $(MODEL),$(HUMPBACK_TEST_MODEL))) $(or $(DIR),quickstart)

conformance: evaluate-demo
	$(python) -m builder ablate $(or $(DIR),quickstart) $(or $(DIR),quickstart)/ablations.yaml
	$(python) -m builder scale $(or $(DIR),quickstart) --sizes 50 --sizes 100 --sizes 200 --sizes 300
	$(python) -m builder evaluate $(or $(DIR),quickstart) --conformance docs/conformance.md

bench-report: install
	$(python) scripts/bench_report.py $(if $(ROWS),--rows $(ROWS))

notebook: install
	$(python) scripts/notebook.py $(or $(DIR),quickstart)

screenshots: install
	$(python) scripts/screenshots.py $(or $(DIR),quickstart)

method-check: install
	$(python) scripts/method_check.py

real-build: install
	$(python) scripts/real_build.py --model $(MODEL) --corpus $(CORPUS) --seed $(SEED) $(if $(SEGMENTS),--segments $(SEGMENTS)) \
		$(if $(WRITE),--write $(WRITE)) -- $(or $(DIR),real)

real-speed: install
	$(python) scripts/real_speed.py $(BUILD) $(if $(WRITE),--write $(WRITE))

real-check: install
	$(python) scripts/real_check.py $(BUILD) $(if $(WRITE),--write $(WRITE))

threshold-check: install
	$(python) scripts/threshold_check.py

calibration-check: install
	$(python) scripts/calibration_check.py --rounds $(or $(ROUNDS),3)

kill-check: install
	$(python) scripts/kill_check.py --kills 30

kill-check-engines: install
	$(python) scripts/kill_check.py --kills 30 --engines

bench-dedup: install
	$(python) scripts/bench_dedup.py 2>/dev/null

injection-check: install
	$(python) scripts/injection_check.py

bench-engine: install
	$(python) scripts/bench_engine.py 2>/dev/null
	$(python) scripts/bench_lag.py 2>/dev/null

bench-scale: install
	$(python) scripts/bench_tasks.py
	$(python) scripts/bench_listing.py
	$(python) scripts/bench_scale.py $(if $(ROWS),--rows $(ROWS)) $(if $(BASE),--base $(BASE))

bench-train: install
	$(python) scripts/bench_train.py 2>/dev/null

release-demo: install
	$(python) scripts/release_demo.py $(or $(DIR),quickstart)

bench-push: install
	$(python) scripts/bench_push.py --gb $(or $(GB),1)

bench-release: install
	$(python) scripts/bench_release.py $(if $(BASE),--base $(BASE))

bench-check: install
	$(python) scripts/bench_check.py

trainers-check: install
	@scripts/trainers_check.sh $(DIR)

docs: install
	$(python) scripts/describe_work_directory.py
	$(python) scripts/describe_recipe.py
	$(python) scripts/describe_reasons.py

bench-segments: install
	$(python) scripts/bench_segments.py $(CORPUS) $(if $(CHECK),--check $(CHECK))

# Fits the learned mask of main content and writes its model; a few minutes on one core.
train-mask: install
	$(python) -c "import lightgbm" 2>/dev/null || $(python) -m pip install --quiet "lightgbm>=4.5,<5"
	$(python) scripts/train_mask.py $(CORPUS) $(if $(MANUALS),--manuals $(MANUALS)) $(if $(CHECK),--check $(CHECK)) $(if $(FIT),--fit $(FIT))

wheel: install
	$(python) -m hatchling build -t wheel

clean:
	rm -rf dist quickstart .mypy_cache .ruff_cache .pytest_cache
