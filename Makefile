# pulldrill: one Makefile. `make help` lists the targets.
#
#   V=1            show the commands           VARIANT=release|debug|asan|clang
#   B=DIR          build somewhere else than build/
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
SHELL := /bin/bash
B ?= build
VARIANT ?= release
O := $(B)/$(VARIANT)
PREFIX ?= /usr/local
DESTDIR ?=
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)';)

# ---- compilers and flags -------------------------------------------------------------------
ifneq (,$(filter clang fuzz,$(VARIANT)))
CC := clang
else
CC := gcc
endif
WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
        -Werror
OPT_release := -O2 -g
OPT_clang := -O1 -g
OPT_debug := -O0 -g3
OPT_mutants := -O0
OPT_asan := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
            -fno-sanitize-recover=undefined
OPT_fuzz := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
            -fno-sanitize-recover=undefined
OPT := $(OPT_$(VARIANT))
LLHTTP := /usr/share/llhttp
JSMN := -DJSMN_STATIC -DJSMN_STRICT -DJSMN_PARENT_LINKS
CPPFLAGS += -I. -isystem /usr/share/include/llhttp -D_GNU_SOURCE
CFLAGS_ALL := -std=c11 $(OPT) $(WARN) -fno-common -fstack-protector-strong -pthread $(CFLAGS)
LDFLAGS_ALL := $(filter -fsanitize%,$(OPT)) -pthread $(LDFLAGS)
LIBS := -luv -lcurl -ljansson -lfiu -lssl -lcrypto -larchive -lresolv -lm

# ---- sources -------------------------------------------------------------------------------
MAIN := harness/main.c
KEEPER_MAIN := harness/keeper_main.c
SRC := $(filter-out $(MAIN) $(KEEPER_MAIN),$(wildcard harness/*.c harness/*/*.c faults/*.c \
       fake-registry/*.c reports/*.c reports/*/*.c))
OBJ := $(SRC:%.c=$(O)/%.o)
LLHTTP_OBJ := $(O)/llhttp/api.o $(O)/llhttp/http.o $(O)/llhttp/llhttp.o
LIB := $(O)/libpulldrill.a
BIN := $(O)/pulldrill
KEEPER := $(O)/pulldrill-keeper
SUBJECT_SRC := $(wildcard scenarios/subjects/*.c)
SUBJECT_LIB_SRC := $(wildcard scenarios/subjects/lib/*.c)
SUBJECT_LIB := $(O)/libsubject.a
SUBJECT_SH := $(wildcard scenarios/subjects/*.sh)
SUBJECTS := $(O)/subjects
SUBJECT_BIN := $(SUBJECT_SRC:scenarios/subjects/%.c=$(SUBJECTS)/%)
SUBJECT_ALL := $(SUBJECT_BIN) $(SUBJECT_SH:scenarios/subjects/%=$(SUBJECTS)/%)
UNIT := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/test_*.c))
INTEGRATION := $(patsubst tests/integration/%.c,$(O)/tests/integration/%,\
               $(wildcard tests/integration/test_*.c))
TEST_LIB := $(patsubst %.c,$(O)/%.o,$(wildcard tests/lib/*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_LIB := $(patsubst %.c,$(O)/%.o,$(filter-out %/replay.c,$(wildcard tests/fuzz/lib/*.c)))
# libFuzzer in its own variant; in any other a main that takes inputs as they are.
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),,$(O)/tests/fuzz/lib/replay.o)
TORTURE_SRC := $(wildcard tests/torture/*.c)
CONFORMANCE := $(patsubst %.c,$(O)/%,$(wildcard tests/conformance/*.c))
BENCH := $(patsubst tests/bench/%.c,$(O)/tests/bench/%,$(wildcard tests/bench/*.c))

.PHONY: all help deps demo check check-fast tests-build asan tidy format bench docs install clean \
        FORCE
all: $(BIN) $(SUBJECT_ALL) link

help:
	@echo "deps all demo check check-fast asan mutants fuzz torture tidy format bench docs install clean"

# build/pulldrill and build/subjects show the variant that `all` was asked for last, built or not.
.PHONY: link
link: $(BIN) $(SUBJECT_ALL)
	$(Q)ln -sfn $(VARIANT)/pulldrill $(B)/pulldrill
	$(Q)ln -sfn $(VARIANT)/subjects $(B)/subjects

# A change of flags rebuilds everything.
STAMP := $(O)/flags
FLAGS_NOW := $(subst ','\'',$(CC) $(CPPFLAGS) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS))
$(STAMP): FORCE
	@mkdir -p $(O)
	@printf '%s\n' '$(FLAGS_NOW)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_NOW)' > $@

$(O)/%.o: %.c $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# The assembler takes the page's style and script into this object; the compiler does not say so.
$(O)/reports/web/assets.o: $(wildcard reports/web/*.css reports/web/*.js)

# llhttp as Debian ships it: compiled here, with relaxed flags, committed nowhere.
$(O)/llhttp/%.o: $(LLHTTP)/%.c $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,llhttp/$*.c)$(CC) -I/usr/share/include/llhttp -std=c11 $(OPT) -w -DLLHTTP_STRICT_MODE=1 -c $< -o $@

$(LIB): $(OBJ) $(LLHTTP_OBJ)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

$(BIN): $(O)/$(MAIN:.c=.o) $(LIB) | $(KEEPER)
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

# Each start executes it: it needs nothing but libc, and loads no library.
$(KEEPER): $(O)/$(KEEPER_MAIN:.c=.o) $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) $(if $(filter -fsanitize%,$(LDFLAGS_ALL)),,-static) $^ -o $@

$(SUBJECT_LIB): $(SUBJECT_LIB_SRC:%.c=$(O)/%.o)
	$(call say,AR,$@)rm -f $@ && ar rcs $@ $^

# The agent goes into images, so it is static and the same in every variant.
$(SUBJECTS)/agent: scenarios/subjects/agent.c $(STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$@)musl-gcc -std=c11 $(WARN) -Os -s -static $< -o $@
$(SUBJECTS)/%: scenarios/subjects/%.c $(SUBJECT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -MF $(O)/$*.d $(LDFLAGS_ALL) \
	    $< $(SUBJECT_LIB) $(LIB) $(LIBS) -o $@
$(SUBJECTS)/%.sh: scenarios/subjects/%.sh
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# ---- tests ---------------------------------------------------------------------------------
$(O)/tests/%: tests/%.c $(TEST_LIB) $(SUBJECT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    $< $(TEST_LIB) $(SUBJECT_LIB) $(LIB) -lcriterion $(LIBS) -o $@

$(FUZZ): $(O)/tests/fuzz/%: tests/fuzz/%.c $(FUZZ_LIB) $(FUZZ_MAIN) $(LIB)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CPPFLAGS) $(CFLAGS_ALL) -MMD -MP -MF $@.d $(LDFLAGS_ALL) \
	    $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) $< $(FUZZ_LIB) $(FUZZ_MAIN) $(LIB) $(LIBS) -o $@

deps:
	$(Q).ci/deps.sh
demo: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q).ci/demo.sh $(B)
check: deps
	$(Q)B=$(B) .ci/check.sh
# The tests of one variant, for the inner loop: make check-fast VARIANT=debug
check-fast: $(BIN) $(SUBJECT_ALL) $(UNIT) $(INTEGRATION) $(CONFORMANCE) $(FUZZ)
	$(Q)O=$(O) .ci/tests.sh
tests-build: $(BIN) $(SUBJECT_ALL) $(UNIT) $(INTEGRATION) $(CONFORMANCE) $(FUZZ) \
    $(if $(filter asan,$(VARIANT)),$(O)/tests/torture/torture)
# Clang's warnings, for `make check`: the program is built, the tests are only looked at.
.PHONY: clang-check clang-look
clang-check:
	$(Q)$(MAKE) --no-print-directory VARIANT=clang clang-look
clang-look: $(BIN) $(SUBJECT_ALL)
	$(Q)printf '%s\n' $(wildcard tests/*/*.c tests/*/lib/*.c) | xargs -P "$$(nproc)" -n 8 \
	    $(CC) $(CPPFLAGS) $(CFLAGS_ALL) -fsyntax-only
asan:
	$(Q)$(MAKE) --no-print-directory check-fast VARIANT=asan
# Breaks the checks, one place at a time: their tests must notice. MUTANTS=PATTERN makes only some.
.PHONY: mutants mutants-build
mutants:
	$(Q)$(MAKE) --no-print-directory mutants-build VARIANT=mutants
	$(Q)O=$(B)/mutants CC='$(CC)' LIBS='$(LIBS)' tests/mutants/run.sh '$(MUTANTS)'
mutants-build: $(LIB) $(TEST_LIB)
# Makes inputs and watches what breaks, a minute a target. TARGETS=PATTERN runs only some,
# SECONDS_EACH=N takes longer.
.PHONY: fuzz fuzz-build
fuzz:
	$(Q)$(MAKE) --no-print-directory fuzz-build VARIANT=fuzz
	$(Q)O=$(B)/fuzz SECONDS_EACH='$(SECONDS_EACH)' tests/fuzz/run.sh '$(TARGETS)'
fuzz-build: $(FUZZ)
tidy:
	$(Q).ci/tidy.sh
	$(Q).ci/clang-tidy.sh
format:
	$(Q)git ls-files '*.c' '*.h' | xargs clang-format -i
# Fails every allocation, file operation and spawn in turn. TORTURE='parse:137' only that one.
.PHONY: torture torture-build
torture:
	$(Q)$(MAKE) --no-print-directory torture-build VARIANT=asan
	$(Q)ASAN_OPTIONS=$(TORTURE_ASAN) $(B)/asan/tests/torture/torture $(abspath $(B))/asan/subjects \
	    --only '$(TORTURE)'
TORTURE_ASAN := detect_leaks=0:exitcode=99
torture-build: $(O)/tests/torture/torture $(SUBJECT_ALL)
# Each wrapper that there is takes the place of what it wraps.
$(O)/tests/torture/torture: $(TORTURE_SRC:%.c=$(O)/%.o) $(O)/$(MAIN:.c=.o) $(LIB)
	$(call say,LD,$@)$(CC) $(LDFLAGS_ALL) -no-pie $$(nm $(filter %.o,$^) | \
	    sed -n 's/.* T __wrap_/-Wl,--wrap=/p') $^ $(LIBS) -o $@
bench: all
	$(Q)$(MAKE) --no-print-directory $(BENCH)
	$(Q)O=$(O) tests/bench/run.sh
docs: all
	$(Q).ci/docs.sh

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pulldrill/subjects \
	    $(DESTDIR)$(PREFIX)/share/pulldrill
	install -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/pulldrill
	install -m 755 $(SUBJECT_ALL) $(DESTDIR)$(PREFIX)/lib/pulldrill/subjects
	install -m 755 $(KEEPER) $(DESTDIR)$(PREFIX)/lib/pulldrill/
	cp -r scenarios $(DESTDIR)$(PREFIX)/share/pulldrill/
	rm -rf $(DESTDIR)$(PREFIX)/share/pulldrill/scenarios/subjects
clean:
	rm -rf $(B)

-include $(OBJ:.o=.d) $(SUBJECT_LIB_SRC:%.c=$(O)/%.d) $(TEST_LIB:.o=.d) $(TORTURE_SRC:%.c=$(O)/%.d) \
    $(O)/harness/main.d $(O)/harness/keeper_main.d $(wildcard $(O)/*.d) \
    $(wildcard $(O)/tests/unit/*.d $(O)/tests/integration/*.d $(O)/tests/bench/*.d) \
    $(wildcard $(O)/tests/fuzz/*.d $(O)/tests/fuzz/lib/*.d)
