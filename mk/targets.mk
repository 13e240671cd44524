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

SOURCES := $(shell find src tests bench -name '*.[ch]' 2>/dev/null)
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

$(OBJ)/bench/%: bench/%.c bench/bench.c $(BENCH_ARCHIVES) $(OBJ)/flags
	@mkdir -p $(@D)
	@echo "  BENCH $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d $(LDFLAGS) -o $@ $< bench/bench.c $(BENCH_ARCHIVES) $(LIBS)

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
