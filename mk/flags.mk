# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags of every mode.

PKGS     := yaml-0.1 libxxhash
CPPFLAGS := -Isrc -D_GNU_SOURCE -DLIMELOAD_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS     := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough -Werror
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
CFLAGS   := -std=c17 -g -fno-strict-aliasing -fno-omit-frame-pointer -ffile-prefix-map=$(CURDIR)=. \
            $(WARNINGS) $(HARDEN) $(EXTRA_CFLAGS)
LDFLAGS  := -pie -Wl,-z,relro,-z,now -Wl,--as-needed

# Pure code computes the same on every compiler: no fused multiply-add behind the source's back.
PURE_CFLAGS := -ffp-contract=off

ifeq ($(MODE),release)
CPPFLAGS += -D_FORTIFY_SOURCE=2
ifneq ($(findstring clang,$(notdir $(CC))),)
CFLAGS   += -O2 -flto=thin
LDFLAGS  += -fuse-ld=lld
AR       := llvm-ar
else
# Fat objects, so that the archives can also be linked plainly by tests and read by nm.
CFLAGS   += -O2 -flto=auto -ffat-lto-objects
NO_LTO   := -fno-lto
endif
else ifeq ($(MODE),asan)
CFLAGS   += -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
else ifeq ($(MODE),tsan)
CFLAGS   += -O1 -fsanitize=thread
else ifeq ($(MODE),fuzz)
CFLAGS   += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else ifeq ($(MODE),cov)
CFLAGS   += -O0 --coverage
else
$(error MODE=$(MODE) is not known; use release, asan, tsan, cov or fuzz)
endif
