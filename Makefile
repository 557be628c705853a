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
# as the release is built, so that most of it is built once
benching := RUSTFLAGS="-C target-feature=+crt-static" cargo bench --quiet --locked --package benches --target $(host)
# where each test leaves how often it tried what
counts := $(CARGO_TARGET_DIR)/tmp/counts

# One static binary, for any Debian or Ubuntu of this architecture.
build:
	RUSTFLAGS="-C target-feature=+crt-static" cargo build --quiet --release --locked --target $(host)
	install -m 0755 $(made) $(binary)
	@echo $(binary)

# Any word: it draws the part of the large matrices that `test` tries, and the same word draws the same.
SAMPLE := $(or $(SAMPLE),$(shell git rev-parse --short HEAD 2>/dev/null || date +%F))
export SAMPLE

# What a change can break: of each kind of case its share, and all scenarios of the real machine but the longest.
test:
	@$(MAKE) --no-print-directory tried TIER=commit

# Everything there is.
prove:
	@$(MAKE) --no-print-directory tried TIER=prove

# The fast tests first, so that a simple mistake is told within minutes.
tried: tools
	@rm -rf $(counts)
	@echo "TIER=$(TIER) SAMPLE=$(SAMPLE)"
	$(MAKE) --no-print-directory test-fast
	$(MAKE) --no-print-directory --jobs=2 $(if $(filter prove,$(TIER)),fuzz) test-machine
	@tests/counts.sh $(counts) $(TIER)

test-fast: lint
	cargo test --quiet --locked --workspace

# What the crash matrix, the drifts and the wrong inputs must have tried at the least: for a look within minutes.
floored := --test model --test host
floors:
	@rm -rf $(counts)
	cargo test --quiet --locked --no-run $(floored)
	@began=$$(date +%s); TIER=floors cargo test --quiet --locked $(floored) -- \
		crash:: drift:: bad_sites:: injections:: --skip asked_to_stop && \
		tests/counts.sh $(counts) floors && echo "in $$(($$(date +%s) - began)) s on $$(nproc) cores"

# Boots throwaway machines: root, systemd-nspawn, an archive of Debian. Three at a time, as half of it is waiting.
test-machine: tools
	ODOO_DEPLOY_BED=$(BED) ODOO_DEPLOY_REPOSITORIES=$(REPOSITORIES) \
		cargo test --locked --test machine -- --test-threads=3

# Kills the agent N times at random in whole installs, each time at others; SEED=7 repeats the times of an earlier one.
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

# What people and disks hand us, SECONDS for each target; in nobody's way.
SECONDS ?= 10
fuzz: tools
	@nice -n 19 tests/fuzz.sh $(SECONDS)

# Plants bugs in a copy of the tree, and sees that each is noticed; takes half an hour.
mutants:
	@tests/mutants.sh

tools:
	@tests/tools.sh

# Installs a real Odoo in a throwaway machine. LITE=1 takes a smaller Odoo where GitHub is out of reach.
rehearse: tools build
	@BED=$(BED) REPOSITORIES=$(REPOSITORIES) LITE=$(LITE) tests/rehearse.sh $(binary) $(CARGO_TARGET_DIR)/rehearse

# The same job by ours, Ansible, pyinfra and a script, beside each other: writes docs/benchmarks.md, and every sample to
# target/bench/benchmarks.json. FIRST rounds of installs, AGAIN of no-ops, QUICK of our own commands; STORAGE=disk if there
# are less than 20 GiB of memory.
bench: tools build
	@mkdir -p $(CARGO_TARGET_DIR)/bench
	SITES_FIGURES=$(abspath $(CARGO_TARGET_DIR)/bench/sites.json) cargo test --quiet --locked --test many fifty_sites
	set -o pipefail; $(benching) --bench steps | tee $(CARGO_TARGET_DIR)/bench/steps.txt
	ODOO_DEPLOY_BED=$(BED) ODOO_DEPLOY_REPOSITORIES=$(REPOSITORIES) ODOO_DEPLOY_BINARY=$(abspath $(binary)) \
		BENCH_WORK=$(abspath $(CARGO_TARGET_DIR)/bench) BENCH_ODOO=$(if $(LITE),lite,full) \
		FIRST=$(FIRST) AGAIN=$(AGAIN) QUICK=$(QUICK) STORAGE=$(STORAGE) ONLY=$(ONLY) $(benching) --bench beside

# Takes down what is left of machines, and all that they are made of.
clean-bed:
	@tests/clean-bed.sh $(BED) $(REPOSITORIES)
