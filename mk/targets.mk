# SPDX-License-Identifier: Apache-2.0
# What people type, besides `make` itself.

.PHONY: help
help:
	@sed -n 's/^#   //p' Makefile mk/targets.mk

# Quick when nothing is missing; says what it installs otherwise.
.PHONY: need-build need-test need-lint need-bench
need-build:
	@tools/packages.sh build
need-test:
	@tools/packages.sh build test
need-lint:
	@tools/packages.sh build test lint
need-bench:
	@tools/packages.sh build bench

#   make demo       a working load balancer to look at
.PHONY: demo
demo: need-build
	@$(MAKE) --no-print-directory all
	@$(BIN)/limeload demo $(ARGS)

#   make test       unit and end-to-end tests in the chosen MODE
.PHONY: test
test: need-test
	@$(MAKE) --no-print-directory test-run

.PHONY: test-run
test-run: all $(UNITS)
	@$(PYTHON) tools/test.py --bin $(BIN)/limeload --units "$(UNITS)" $(ARGS)

#   make unit       unit and property tests only
.PHONY: unit
unit: need-test
	@$(MAKE) --no-print-directory unit-run

.PHONY: unit-run
unit-run: $(UNITS)
	@$(PYTHON) tools/test.py --units "$(UNITS)"

#   make coverage   line coverage of the unit tests, per file and folder
.PHONY: coverage
coverage: need-test
	@find build/obj/cov-$(notdir $(CC)) -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) --no-print-directory MODE=cov unit-run
	@$(PYTHON) tools/coverage.py build/obj/cov-$(notdir $(CC))

#   make lint       formatting, clang-tidy, layer table, purity of the pure archives
.PHONY: lint
lint: need-lint
	@$(MAKE) --no-print-directory lint-run

SOURCES := $(shell find src tests bench tools -name '*.[ch]' 2>/dev/null)
.PHONY: lint-run
lint-run: $(foreach layer,$(PURE),$(OBJ)/lib$(layer).a)
	@echo "  LINT  format"; clang-format --dry-run -Werror $(SOURCES)
	@echo "  LINT  layers"; $(PYTHON) tools/lint_layers.py mk/layers.txt src
	@echo "  LINT  purity"; $(PYTHON) tools/lint_purity.py mk/pure-symbols.txt $(OBJ) $(PURE)
	@echo "  LINT  tidy"; printf '%s\n' $(filter src/%.c,$(SOURCES)) | \
		xargs -P $$(nproc) -I{} clang-tidy --quiet --warnings-as-errors='*' {} -- $(filter-out -f% -W%,$(CPPFLAGS) $(CFLAGS))

#   make fmt        formats all sources
.PHONY: fmt
fmt:
	@clang-format -i $(SOURCES)

#   make bench      limeload beside haproxy and nginx on this machine; QUICK=1 takes a minute
BENCH := $(patsubst bench/%.c,$(OBJ)/bench/%,$(filter-out bench/bench.c,$(wildcard bench/*.c)))
# The floor and the load know nothing of the network code that they measure.
BENCH_ARCHIVES := $(foreach layer,balance model base,$(OBJ)/lib$(layer).a)
.PHONY: bench
bench: need-bench
	@$(MAKE) --no-print-directory bench-run

.PHONY: bench-run
bench-run: all bench-build
	@$(PYTHON) bench/run.py --programs $(OBJ)/bench --limeload $(BIN)/limeload $(if $(QUICK),--quick) $(ARGS)

.PHONY: bench-build
bench-build: $(BENCH)

#   make bench-pick nanoseconds per balancing decision; ARGS="ALGORITHM ..." for some only
.PHONY: bench-pick
bench-pick: $(OBJ)/bench/pick
	@$< $(ARGS)

$(OBJ)/bench/%: bench/%.c bench/bench.c $(BENCH_ARCHIVES) $(OBJ)/flags
	@mkdir -p $(@D)
	@echo "  BENCH $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< bench/bench.c $(BENCH_ARCHIVES) $(LIBS)

#   make fuzz       feeds made-up input to parsers, FUZZ_SECONDS (30) each; ARGS="-runs=0" only replays
FUZZERS      := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 30
# Half a second for a small input is a bug, and so is a gigabyte.
FUZZ_LIMITS  := -timeout=5 -rss_limit_mb=1024 -max_len=65536
.PHONY: fuzz
fuzz: need-lint
	@$(MAKE) --no-print-directory MODE=fuzz CC=clang fuzz-run

.PHONY: fuzz-run
fuzz-run: $(FUZZERS:tests/fuzz/fuzz_%.c=fuzz-run-%)

# What is new goes to build/fuzz/, crashes too; corpus and dictionary are those of the same name.
fuzz-run-%: $(OBJ)/tests/fuzz/fuzz_%
	@mkdir -p build/fuzz/$*
	@echo "  FUZZ  $*"
	@$< -max_total_time=$(FUZZ_SECONDS) $(FUZZ_LIMITS) -artifact_prefix=build/fuzz/$*- -print_final_stats=1 \
		$(addprefix -dict=,$(wildcard tests/fuzz/$*.dict)) $(ARGS) build/fuzz/$* tests/fuzz/corpus/$* \
		> build/fuzz/$*.log 2>&1 || { tail -50 build/fuzz/$*.log; exit 1; }
	@sed -n 's/^stat::/    /p' build/fuzz/$*.log

.SECONDARY: $(FUZZERS:tests/%.c=$(OBJ)/tests/%)
$(OBJ)/tests/fuzz/%: tests/fuzz/%.c $(ARCHIVES) $(OBJ)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(ARCHIVES) $(LIBS)

#   make docs       writes docs/config.md from the table of knobs
.PHONY: docs
docs: $(OBJ)/tools/config_docs
	@mkdir -p docs
	@$< > docs/config.md.new && mv docs/config.md.new docs/config.md

$(OBJ)/tools/%: tools/%.c $(ARCHIVES) $(OBJ)/flags
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< $(ARCHIVES) $(LIBS)

#   make install    into $(DESTDIR)$(PREFIX)
.PHONY: install
install: all
	install -D -m 755 $(BIN)/limeload $(DESTDIR)$(PREFIX)/bin/limeload
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/limeload/README.md
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/limeload/LICENSE

#   make clean      removes build/
.PHONY: clean
clean:
	rm -rf build
