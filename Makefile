# Needs cargo, a C compiler and make; on Debian and Ubuntu `test` and `rehearse` install the rest.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: build test prove tried test-fast floors test-machine soak rehearse bench lint fuzz mutants tools clean-bed

CARGO_TARGET_DIR ?= target
BED ?= /var/tmp/odoo-deploy-bed
REPOSITORIES ?= /var/tmp/odoo-deploy-repositories
export CARGO_TARGET_DIR

host := $(shell rustc -vV | sed -n 's/^host: //p')
made := $(CARGO_TARGET_DIR)/$(host)/release/odoo-deploy
binary := $(CARGO_TARGET_DIR)/odoo-deploy
# the same flags as the release, so that most crates are built only once
benching := RUSTFLAGS="-C target-feature=+crt-static" cargo bench --quiet --locked --package benches --target $(host)
# the folder in which each test stores how many cases it tried
counts := $(CARGO_TARGET_DIR)/tmp/counts

# One static binary, for any Debian or Ubuntu of this architecture.
build:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --quiet --release --locked --target $(host)
	install -m 0755 $(made) $(binary)
	@echo $(binary)

# Any word. It seeds the sample of the large matrices that `test` tries; the same word draws the same sample.
SAMPLE := $(or $(SAMPLE),$(shell git rev-parse --short HEAD 2>/dev/null || date +%F))
export SAMPLE

# A sample of each kind of case, and all scenarios of the real machine except the longest.
test:
	@$(MAKE) --no-print-directory tried TIER=commit

# Every case and every scenario.
prove:
	@$(MAKE) --no-print-directory tried TIER=prove

# The fast tests first, so that a simple mistake shows within minutes.
tried: tools
	@rm -rf $(counts)
	@echo "TIER=$(TIER) SAMPLE=$(SAMPLE)"
	$(MAKE) --no-print-directory test-fast
	$(MAKE) --no-print-directory --jobs=2 $(if $(filter prove,$(TIER)),fuzz) test-machine
	@tests/counts.sh $(counts) $(TIER)

test-fast: lint
	cargo test --quiet --locked --workspace

# The smallest allowed number of crash cases, drifts and wrong inputs; a result within minutes.
floored := --test model --test host
floors:
	@rm -rf $(counts)
	cargo test --quiet --locked --no-run $(floored)
	@began=$$(date +%s); TIER=floors cargo test --quiet --locked $(floored) -- \
		crash:: drift:: bad_sites:: injections:: --skip asked_to_stop && \
		tests/counts.sh $(counts) floors && echo "in $$(($$(date +%s) - began)) s on $$(nproc) cores"

# Boots throwaway machines: needs root, systemd-nspawn and a Debian mirror. Three at a time, because they often wait.
test-machine: tools
	ODOO_DEPLOY_BED=$(BED) ODOO_DEPLOY_REPOSITORIES=$(REPOSITORIES) \
		cargo test --locked --test machine -- --test-threads=3

# Kills odoo-deploy N times at random moments of whole installs. Every soak draws other moments; SEED=7 repeats the
# moments of an earlier soak.
N ?= 300
soak: tools
	@rm -rf $(counts)
	ODOO_DEPLOY_BED=$(BED) ODOO_DEPLOY_REPOSITORIES=$(REPOSITORIES) KILLS=$(N) KILL_SEED=$(or $(SEED),$$RANDOM) \
		cargo test --locked --test machine -- --test-threads=3 random_kills
	@tests/counts.sh $(counts) soak $(N)

lint:
	@tests/toolchain.sh
	@tests/mutants.sh check
	cargo fmt --all --check
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	cargo clippy --quiet --locked --workspace --test machine --bench beside -- -D warnings

# Fuzzes all input from people and disks, SECONDS for each target, at low priority.
SECONDS ?= 10
fuzz: tools
	@nice -n 19 tests/fuzz.sh $(SECONDS)

# Plants bugs in a copy of the tree, and checks that tests notice each of them; takes half an hour.
mutants:
	@tests/mutants.sh

tools:
	@tests/tools.sh

# Installs a real Odoo in a throwaway machine. If GitHub cannot be reached, LITE=1 takes a smaller Odoo.
rehearse: tools build
	@BED=$(BED) REPOSITORIES=$(REPOSITORIES) LITE=$(LITE) tests/rehearse.sh $(binary) $(CARGO_TARGET_DIR)/rehearse

# Installs Odoo with odoo-deploy, Ansible, pyinfra and a script; writes docs/benchmarks.md, and every sample to
# target/bench/benchmarks.json. FIRST rounds of installs, AGAIN rounds of runs that change nothing, QUICK rounds of
# odoo-deploy's other commands. STORAGE=disk if the host has less than 20 GiB of memory.
bench: tools build
	@mkdir -p $(CARGO_TARGET_DIR)/bench
	SITES_FIGURES=$(abspath $(CARGO_TARGET_DIR)/bench/sites.json) cargo test --quiet --locked --test many fifty_sites
	set -o pipefail; $(benching) --bench steps | tee $(CARGO_TARGET_DIR)/bench/steps.txt
	ODOO_DEPLOY_BED=$(BED) ODOO_DEPLOY_REPOSITORIES=$(REPOSITORIES) ODOO_DEPLOY_BINARY=$(abspath $(binary)) \
		BENCH_WORK=$(abspath $(CARGO_TARGET_DIR)/bench) BENCH_ODOO=$(if $(LITE),lite,full) \
		FIRST=$(FIRST) AGAIN=$(AGAIN) QUICK=$(QUICK) STORAGE=$(STORAGE) ONLY=$(ONLY) $(benching) --bench beside

# Removes what is left of machines, and all bases and repositories.
clean-bed:
	@tests/clean-bed.sh $(BED) $(REPOSITORIES)
