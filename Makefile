# SPDX-License-Identifier: Apache-2.0
#
#   make            the release build: build/limeload
#   make test       unit tests and end-to-end tests (installs what is missing)
#   make demo       builds and shows a working load balancer (installs what is missing)
#   make help       everything else
#
# MODE=release|asan|tsan|cov|fuzz and CC=gcc|clang choose what is built; each pair has its own object folder.

MODE   ?= release
# The system's own Python, which has the Debian packages that the tests need.
PYTHON ?= /usr/bin/python3
ifeq ($(origin CC),default)
CC := gcc
endif

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=

include mk/flags.mk

# Layers, lowest first. The linker reads archives from left to right, so users come before what they use.
LAYERS  := base model balance net config proxy cmd
PURE    := balance
# A layer without a source yet has no archive: ar makes none from nothing.
LAYERS  := $(foreach layer,$(LAYERS),$(if $(wildcard src/$(layer)/*.c),$(layer)))
PURE    := $(filter $(LAYERS),$(PURE))

FLAVOUR := $(MODE)-$(notdir $(CC))
OBJ     := build/obj/$(FLAVOUR)
BIN     := $(if $(filter release-gcc,$(FLAVOUR)),build,build/$(FLAVOUR))

layer_sources = $(sort $(wildcard src/$(1)/*.c))
layer_objects = $(patsubst src/%.c,$(OBJ)/%.o,$(call layer_sources,$(1)))
reverse       = $(if $(1),$(call reverse,$(wordlist 2,99,$(1))) $(firstword $(1)))

ARCHIVES := $(foreach layer,$(call reverse,$(LAYERS)),$(OBJ)/lib$(layer).a)
MAIN     := $(OBJ)/cmd/main.o
UNITS    := $(patsubst tests/%.c,$(OBJ)/tests/%,$(sort $(wildcard tests/unit/*/*.c tests/property/*.c)))
SUPPORT  := $(patsubst tests/%.c,$(OBJ)/tests/%.o,$(sort $(wildcard tests/support/*.c)))

.PHONY: all
all: $(BIN)/limeload

$(BIN)/limeload: $(MAIN) $(ARCHIVES)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	@$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(MAIN) $(ARCHIVES) $(LIBS)

define archive_rule
$(OBJ)/lib$(1).a: $(filter-out $(MAIN),$(call layer_objects,$(1)))
	@mkdir -p $$(@D); rm -f $$@
	@$(AR) rcs $$@ $$^
endef
$(foreach layer,$(LAYERS),$(eval $(call archive_rule,$(layer))))

$(OBJ)/%.o: src/%.c $(OBJ)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(filter $(PURE:%=src/%/%),$<),$(PURE_CFLAGS)) -MMD -MP -c -o $@ $<

$(OBJ)/tests/support/%.o: tests/support/%.c $(OBJ)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	@$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(NO_LTO) -MMD -MP -c -o $@ $<

$(OBJ)/libsupport.a: $(SUPPORT)
	@mkdir -p $(@D); rm -f $@
	@$(AR) rcs $@ $^

$(OBJ)/tests/%: tests/%.c $(OBJ)/libsupport.a $(ARCHIVES) $(OBJ)/flags
	@mkdir -p $(@D)
	@echo "  TEST  $<"
	@$(CC) $(CPPFLAGS) -Itests $(CFLAGS) $(NO_LTO) -MMD -MP $(LDFLAGS) -o $@ $< $(OBJ)/libsupport.a $(ARCHIVES) $(LIBS) -lcmocka -lpthread -lm

# Objects are made again when the flags change.
$(OBJ)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' > $@
.PHONY: FORCE
FORCE:

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

include mk/targets.mk
