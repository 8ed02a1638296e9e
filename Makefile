# postevent: `make help` lists what can be made.
#
# One set of objects for the core (no Lua in it), one set per Lua for the boundary, one core.so per Lua:
#   build/obj/*.o, build/<lua>/obj/lua_*.o, build/<lua>/postevent/core.so

LUAS  ?= lua5.1 lua5.2 lua5.3 lua5.4 luajit
LUA   ?= lua5.4
BUILD ?= $(if $(CURL),build/$(CURL),build)
PREFIX ?= /usr/local
PKG_CONFIG ?= pkg-config
LUACHECK ?= luacheck
CLANG ?= clang
CLANG_FORMAT ?= clang-format

CFLAGS ?= -O3 -g
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion
# nodelete: libcurl may leave a thread in the resolver when a look-up is given up, so the code must never be unmapped.
LIBFLAG ?= -shared
SHARED = $(LIBFLAG) -Wl,-z,nodelete
ifeq ($(shell uname -s),Darwin)
SHARED = -bundle -undefined dynamic_lookup
LOCALIZE ?= : # its linker has done it
endif
OBJCOPY ?= objcopy
LOCALIZE ?= $(OBJCOPY) --localize-hidden
# no-plt: an event takes a hundred small calls of Lua's interface; straight ones save a tenth of track.
PE_CFLAGS = -Icsrc -std=gnu11 -fPIC -fno-plt -fvisibility=hidden -pthread $(WARNINGS) $(SANITIZE) $(CFLAGS)
CORE_CFLAGS = $(PE_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(PCRE2_CFLAGS)
CORE_LIBS = $(CURL_LIBS) $(JANSSON_LIBS) $(PCRE2_LIBS) -pthread

# pkg-config where there is one; the variables can be given by hand (luarocks does).
pkg = $(shell $(PKG_CONFIG) $(1) 2>/dev/null)
CURL_CFLAGS ?= $(call pkg,--cflags libcurl)
# CURL=gnutls: libcurl's other flavour in Debian, whose OpenSSL is nobody's business; in a tree of its own. The headers
# are the same.
CURL ?=
ifeq ($(CURL),gnutls)
CURL_LIBS ?= -l:libcurl-gnutls.so.4
endif
CURL_LIBS ?= $(or $(call pkg,--libs libcurl),-lcurl)
JANSSON_CFLAGS ?= $(call pkg,--cflags jansson)
JANSSON_LIBS ?= $(or $(call pkg,--libs jansson),-ljansson)
# Optional, for the regexes of definitions.
ifneq ($(call pkg,--modversion libpcre2-8),)
PCRE2_CFLAGS ?= -DPE_HAVE_PCRE2 $(call pkg,--cflags libpcre2-8)
PCRE2_LIBS ?= $(call pkg,--libs libpcre2-8)
endif
MICROHTTPD_CFLAGS ?= $(call pkg,--cflags libmicrohttpd)
MICROHTTPD_LIBS ?= $(or $(call pkg,--libs libmicrohttpd),-lmicrohttpd)

# The include path of one Lua: luajit, or lua5.4 under the names that distributions give its .pc file.
lua_version = $(patsubst lua%,%,$(1))
lua_names = $(if $(filter luajit%,$(1)),luajit,$(1) lua-$(lua_version) lua$(subst .,,$(lua_version)) lua)
lua_pc = $(firstword $(foreach n,$(call lua_names,$(1)),$(if $(call pkg,--modversion $(n)),$(n))))
lua_cflags = $(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(call pkg,--cflags $(call lua_pc,$(1))))

CORE_OBJS = $(patsubst csrc/%.c,$(BUILD)/obj/%.o,$(filter-out csrc/lua/% csrc/sandbox/%,$(wildcard csrc/*/*.c)))
LUA_SRCS  = $(wildcard csrc/lua/*.c)
HEADERS   = $(wildcard csrc/*/*.h)

.PHONY: all build build-% embed demo demo-nginx test bench bench-nginx nginx-gnutls soak-nginx lint asan valgrind tsan fuzz fuzz-targets install env clean help
.PHONY: for-tests all-c rock-build rock-install sandbox-rock-build sandbox-rock-install
.DEFAULT_GOAL := all

# What is made is named in a word; V=1 shows the commands.
Q = $(if $(V),,@echo "  MAKE $@";)

all: build ## build core.so (and the sandbox) for every Lua in LUAS
build: $(addprefix build-,$(LUAS))
build-%: $(BUILD)/%/postevent/core.so $(BUILD)/%/postevent/sandbox/httpd.so
	@:

embed: $(BUILD)/$(LUA)/examples/embed/host ## build libpostevent.a for LUA, and examples/embed with it
	@echo "$(BUILD)/$(LUA)/libpostevent.a, and the example: $<"

$(BUILD)/obj/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CORE_CFLAGS) -c -o $@ $<

# One rule set per Lua.
define lua_rules
$(BUILD)/$(1)/obj/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(PE_CFLAGS) $(call lua_cflags,$(1)) -c -o $$@ $$<

$(BUILD)/$(1)/postevent/core.so: $(LUA_SRCS:csrc/%.c=$(BUILD)/$(1)/obj/%.o) $(CORE_OBJS)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(SHARED) $(SANITIZE) $(LDFLAGS) -o $$@ $$^ $(CORE_LIBS)

# For programs that embed Lua: the same as one object, in which all names but luaopen_postevent_core are local, so that
# none clashes with the program's.
$(BUILD)/$(1)/libpostevent.a: $(LUA_SRCS:csrc/%.c=$(BUILD)/$(1)/obj/%.o) $(CORE_OBJS)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(CFLAGS) -r -nostdlib -o $(BUILD)/$(1)/postevent.o $$^
	@$(LOCALIZE) $(BUILD)/$(1)/postevent.o && rm -f $$@ && $(AR) rcs $$@ $(BUILD)/$(1)/postevent.o

$(BUILD)/$(1)/examples/embed/host: examples/embed/host.c $(BUILD)/$(1)/libpostevent.a
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(PE_CFLAGS) $(call lua_cflags,$(1)) $(LDFLAGS) -o $$@ $$^ \
	  $(call pkg,--libs $(call lua_pc,$(1))) $(CORE_LIBS) -lm -ldl

$(BUILD)/$(1)/postevent/sandbox/httpd.so: csrc/sandbox/sandbox_httpd.c $(wildcard csrc/sandbox/*.h) csrc/lua/lua_compat.h
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(PE_CFLAGS) $(call lua_cflags,$(1)) $(MICROHTTPD_CFLAGS) $(SHARED) $(LDFLAGS) -o $$@ $$< $(MICROHTTPD_LIBS)

$(BUILD)/$(1)/support/process.so: spec/support/process.c $(wildcard spec/support/*.h) csrc/lua/lua_compat.h
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(PE_CFLAGS) $(call lua_cflags,$(1)) $(SHARED) $(LDFLAGS) -o $$@ $$<

$(BUILD)/$(1)/bench/probe.so: bench/probe.c csrc/lua/lua_compat.h
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(PE_CFLAGS) $(call lua_cflags,$(1)) $(SHARED) $(LDFLAGS) -o $$@ $$<

# A host in which allocations fail; a sanitizer brings an allocator of its own, which cannot be replaced.
$(BUILD)/$(1)/support/failing_host: spec/support/failing_host.c spec/support/failing_malloc.c \
  $(LUA_SRCS:csrc/%.c=$(BUILD)/$(1)/obj/%.o) $(CORE_OBJS)
	@mkdir -p $$(@D)
	$$(Q)$(CC) $(PE_CFLAGS) $(call lua_cflags,$(1)) $(LDFLAGS) -o $$@ $$^ \
	  $(call pkg,--libs $(call lua_pc,$(1))) $(CORE_LIBS) -lm -ldl
endef
$(foreach lua,$(sort $(LUAS) $(LUA)),$(eval $(call lua_rules,$(lua))))

# The C tests, linked with the core's objects: one program per spec/c/*_test.c, and per target of spec/fuzz one that
# replays its corpus.
FUZZ_TARGETS = $(patsubst spec/fuzz/%_fuzz.c,%,$(wildcard spec/fuzz/*_fuzz.c))
C_TESTS = $(patsubst spec/c/%.c,$(BUILD)/c/%,$(filter-out $(if $(SANITIZE),%_memory_test.c),$(wildcard spec/c/*_test.c))) \
  $(FUZZ_TARGETS:%=$(BUILD)/c/%_corpus_test)
CMOCKA_LIBS ?= $(or $(call pkg,--libs cmocka),-lcmocka)
C_TEST_HEADERS = $(HEADERS) $(wildcard spec/c/*.h spec/fuzz/*.h spec/support/*.h)
make_c_test = $(CC) $(CORE_CFLAGS) -Ispec/support $(SANITIZE) $(LDFLAGS) -o $@ $(filter %.c %.o,$^) \
  $(CORE_LIBS) $(CMOCKA_LIBS) -lm

# These talk to a server in a thread.
$(BUILD)/c/client_test $(BUILD)/c/sender_memory_test: spec/c/server.c
$(BUILD)/c/request_test $(BUILD)/c/sender_test $(BUILD)/c/sender_trouble_test: spec/c/server.c spec/c/sending.c

# Allocations fail in it, which a sanitizer does not let one do.
$(BUILD)/c/%_memory_test: spec/c/%_memory_test.c spec/support/failing_malloc.c $(CORE_OBJS) $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(make_c_test)

$(BUILD)/c/%_corpus_test: spec/fuzz/%_fuzz.c spec/fuzz/replay.c $(CORE_OBJS) $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(make_c_test) -Ispec/c -DCORPUS='"spec/fuzz/corpus/$*"'

$(BUILD)/c/%_test: spec/c/%_test.c $(CORE_OBJS) $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	$(Q)$(make_c_test)

# --- Using the built tree. ---

# What is missing is installed first; a second make then sees it (pkg-config tells it where things are).
install_deps = CC="$(CC)" LUAS="$(1)" tools/install-deps
again = $(MAKE) -s $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

# The search paths of this tree, then the user's or, where there are none, Lua's own (;;).
lua_path = $(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$(or $(value LUA_PATH),;)
lua_cpath = $(abspath $(BUILD))/$(LUA)/?.so;$(or $(value LUA_CPATH),;)

env: ## print the lines that make LUA use the built tree: eval "`make -s env`"
	@echo "export LUA_PATH='$(lua_path)'"
	@echo "export LUA_CPATH='$(lua_cpath)'"

demo: ## post the documented event to a sandbox on this machine, with LUA
	@$(call install_deps,$(LUA)) demo
	@echo "Building for $(LUA)"
	@$(again) build-$(LUA)
	@LUA_PATH='$(lua_path)' LUA_CPATH='$(lua_cpath)' LUA='$(LUA)' tools/with-sandbox $(LUA) examples/post_event.lua

demo-nginx: override LUA = luajit# nginx's
demo-nginx: ## nginx with examples/openresty/nginx.conf and a sandbox: an event for each request, a post, the counters
	@$(call install_deps,$(LUA)) demo-nginx
	@echo "Building for $(LUA)"
	@$(again) build-$(LUA)
	@LUA_PATH='$(lua_path)' LUA_CPATH='$(lua_cpath)' LUA='$(LUA)' tools/with-sandbox tools/demo-nginx

# --- Tests and checks. tools/test runs what is built; Debian keeps nginx out of a user's PATH. ---

run_tests = PATH="$$PATH:/usr/sbin:/sbin" tools/test

test: ## every spec on every Lua in LUAS, and the C tests
	@$(call install_deps,$(LUAS)) test
	@$(again) for-tests
	@LUAS="$(LUAS)" BUILD="$(BUILD)" $(run_tests)

# What the specs and the C tests need built.
for-tests: build $(C_TESTS) $(foreach lua,$(LUAS),$(BUILD)/$(lua)/support/process.so \
  $(BUILD)/$(lua)/examples/embed/host $(if $(SANITIZE),,$(BUILD)/$(lua)/support/failing_host))

# What a bench is measured with is the specs' nginx; the numbers are ratios, since machines are noisy.
BENCH_LOOPS = $(BUILD)/bench/post_loop $(BUILD)/bench/multi_loop
$(BENCH_LOOPS): $(BUILD)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CORE_CFLAGS) $(LDFLAGS) -o $@ $< $(CORE_LIBS)

BENCH_LUAS ?= lua5.4 luajit
BENCH ?=
bench: ## what it costs, as ratios against C, lua-cjson and others, on BENCH_LUAS; one part with BENCH=track
	@$(call install_deps,$(BENCH_LUAS)) test
	@$(again) $(foreach lua,$(BENCH_LUAS),build-$(lua) $(BUILD)/$(lua)/support/process.so $(BUILD)/$(lua)/bench/probe.so) \
	  $(BENCH_LOOPS)
	@$(foreach lua,$(BENCH_LUAS),LUA_PATH='$(CURDIR)/?.lua;$(CURDIR)/spec/?.lua;$(lua_path)' \
	  LUA_CPATH='$(abspath $(BUILD))/$(lua)/?.so;;' PATH="$$PATH:/usr/sbin:/sbin" $(lua) bench/run.lua $(BUILD) $(BENCH) &&) true

bench-nginx: override LUA = luajit# nginx's
bench-nginx: ## what postevent costs a worker of nginx, against lua-resty-http where LUA_PATH has it; BENCH=hook for a part
	@$(call install_deps,$(LUA)) bench-nginx
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUA_PATH='$(CURDIR)/?.lua;$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(lua_cpath)' PATH="$$PATH:/usr/sbin:/sbin" \
	  $(LUA) bench/nginx.lua $(BENCH)

# The specs of nginx with the core that CURL=gnutls builds, which must not need OpenSSL.
nginx-gnutls: override LUA = luajit# nginx's
nginx-gnutls: ## the specs of nginx and of TLS, with libcurl's GnuTLS flavour
	@$(call install_deps,$(LUA)) nginx-gnutls
	@$(again) for-tests LUAS="$(LUA)" CURL=gnutls BUILD=build/gnutls
	@LUAS="$(LUA)" BUILD=build/gnutls POSTEVENT_NGINX_BUILD='$(CURDIR)/build/gnutls/$(LUA)' POSTEVENT_NGINX_TLS=GnuTLS \
	  $(run_tests) spec/resty/resty_spec.lua spec/resty/resty_metrics_spec.lua spec/fault/resty_life_spec.lua \
	  spec/fault/tls_spec.lua spec/fault/track_exit_spec.lua

NGINX_SOAK_SECONDS ?= 600
soak-nginx: override LUA = luajit# nginx's
soak-nginx: ## nginx at half load, reloaded every 30 s, for NGINX_SOAK_SECONDS (600): all that was accepted arrives
	@$(call install_deps,$(LUA)) soak-nginx
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUA_PATH='$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(lua_cpath)' PATH="$$PATH:/usr/sbin:/sbin" \
	  $(LUA) spec/support/nginx_soak.lua $(NGINX_SOAK_SECONDS)

SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
asan: ## the specs on LUA and the C tests under AddressSanitizer and UBSan
	@$(call install_deps,$(LUA)) asan
	@$(again) for-tests LUAS="$(LUA)" BUILD=$(BUILD)/asan SANITIZE="$(SANITIZERS)"
	@LUAS="$(LUA)" BUILD="$(BUILD)/asan" POSTEVENT_SLOW=1 ASAN_OPTIONS="quarantine_size_mb=4" \
	  TEST_WRAPPER="env LD_PRELOAD=$$($(CC) -print-file-name=libasan.so)" $(run_tests)

# nouserintercepts: a program that brings its own malloc, in which allocations fail, keeps it.
# fair-sched: without it a busy thread keeps the one processor that valgrind has, and another waits minutes for its turn.
# Left out: what has a second for its end, which valgrind does not manage, and a long soak; asan and tsan run them.
VALGRIND_WITHOUT = client_test queue_soak_test
VALGRIND = valgrind -q --fair-sched=yes --leak-check=full --error-exitcode=99 --child-silent-after-fork=yes \
  --soname-synonyms=somalloc=nouserintercepts
valgrind: ## the specs on LUA and the C tests under valgrind: no error, no leak
	@$(call install_deps,$(LUA)) valgrind
	@$(again) for-tests LUAS="$(LUA)"
	@LUAS="$(LUA)" BUILD="$(BUILD)" POSTEVENT_SLOW=1 TEST_WITHOUT="$(VALGRIND_WITHOUT)" \
	  TEST_WRAPPER="$(VALGRIND)" $(run_tests)

# Where threads meet. Then a soak: LUA itself is not instrumented, its core.so is; the sandbox runs without.
# setarch: a libtsan that is older than the kernel may find its addresses taken.
TSAN_TESTS = $(filter-out %_memory_test,$(patsubst spec/c/%.c,$(BUILD)/tsan/c/%,$(foreach part,client queue request \
  results sender waker worker,$(wildcard spec/c/$(part)_test.c spec/c/$(part)_*_test.c))))
TSAN = $(shell setarch -R true 2>/dev/null && echo setarch -R) env TSAN_OPTIONS="die_after_fork=0"
SOAK_SECONDS ?= 60
tsan: ## the C tests of what threads share, and a soak of SOAK_SECONDS (60) on LUA, under ThreadSanitizer
	@$(call install_deps,$(LUA)) tsan
	@$(again) build-$(LUA)
	@$(again) $(TSAN_TESTS) build-$(LUA) LUAS="$(LUA)" BUILD=$(BUILD)/tsan SANITIZE="-fsanitize=thread"
	@LUAS=" " BUILD="$(BUILD)/tsan" TEST_WRAPPER='$(TSAN)' $(run_tests)
	@LUA_PATH='$(lua_path)' LUA_CPATH='$(lua_cpath)' LUA='$(LUA)' tools/with-sandbox $(TSAN) \
	  LUA_CPATH='$(abspath $(BUILD))/tsan/$(LUA)/?.so;;' LD_PRELOAD="$$($(CC) -print-file-name=libtsan.so)" \
	  $(LUA) spec/support/soak.lua $(SOAK_SECONDS)

# The targets of spec/fuzz as programs of libFuzzer, in a tree of their own.
$(BUILD)/%_fuzz: spec/fuzz/%_fuzz.c spec/fuzz/fuzz.h $(CORE_OBJS) $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CORE_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $< $(CORE_OBJS) $(CORE_LIBS) -lm

fuzz-targets: $(FUZZ_TARGETS:%=$(BUILD)/%_fuzz)

FUZZ_SECONDS ?= 600
fuzz: ## each target of spec/fuzz for FUZZ_SECONDS (600), two at a time
	@$(call install_deps,$(LUA)) fuzz
	@$(again) fuzz-targets BUILD=$(BUILD)/fuzz CC=$(CLANG) SANITIZE="$(SANITIZERS) -fsanitize=fuzzer-no-link"
	@printf '%s\n' $(FUZZ_TARGETS) | BUILD=$(BUILD)/fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) xargs -n 1 -P 2 tools/fuzz

C_FILES = $(wildcard csrc/*/*.[ch] spec/c/*.[ch] spec/fuzz/*.[ch] spec/support/*.[ch] bench/*.[ch] examples/*/*.[ch])
lint: ## luacheck, clang-format, and all C with warnings as errors, by gcc and by clang
	@$(call install_deps,$(LUAS)) lint
	@$(LUACHECK) -q --no-color lua spec examples bin/postevent $(wildcard bench/*.lua)
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)
	@$(again) all-c BUILD=$(BUILD)/lint/gcc CC=gcc CFLAGS="-O2 -g -Werror"
	@$(again) all-c BUILD=$(BUILD)/lint/clang CC=$(CLANG) CFLAGS="-O2 -g -Werror"

all-c: for-tests $(BENCH_LOOPS) $(foreach lua,$(LUAS),$(BUILD)/$(lua)/bench/probe.so)

# --- Installing. ---

ALL_LUA = $(shell find lua -name '*.lua')
SANDBOX_LUA = $(filter lua/postevent/sandbox/% lua/postevent/sandbox.lua,$(ALL_LUA))
CLIENT_LUA = $(filter-out $(SANDBOX_LUA),$(ALL_LUA))

# $(call install_lua,FILES,DIRECTORY): copies lua/postevent/x.lua to DIRECTORY/postevent/x.lua.
define install_lua
@for file in $(1); do \
  directory="$(2)/$$(dirname "$${file#lua/}")"; \
  mkdir -p "$$directory" && install -m 644 "$$file" "$$directory" || exit 1; \
done
endef

# $(call install_file,MODE,FILE,DIRECTORY)
install_file = @mkdir -p "$(3)" && install -m $(1) "$(2)" "$(3)"

lua_abi = $(shell $(LUA) -e 'io.write(_VERSION:match("%d%.%d"))')
share_dir = $(DESTDIR)$(PREFIX)/share/lua/$(lua_abi)
lib_dir = $(DESTDIR)$(PREFIX)/lib/lua/$(lua_abi)
bin_dir = $(DESTDIR)$(PREFIX)/bin

install: build-$(LUA) ## install for LUA, below PREFIX (/usr/local); DESTDIR is for packagers
	$(call install_lua,$(ALL_LUA),$(share_dir))
	$(call install_file,755,$(BUILD)/$(LUA)/postevent/core.so,$(lib_dir)/postevent)
	$(call install_file,755,$(BUILD)/$(LUA)/postevent/sandbox/httpd.so,$(lib_dir)/postevent/sandbox)
	$(call install_file,755,bin/postevent,$(bin_dir))
	@sed '1s|^#!.*|#!/usr/bin/env $(LUA)|' bin/postevent >"$(bin_dir)/postevent"

# The rocks. LuaRocks calls these with its own CC, CFLAGS, LIBFLAG, LUA_INCDIR, <LIBRARY>_INCDIR and _LIBDIR, and
# installs from what LUADIR, LIBDIR and BINDIR then hold. Compiled afresh: another call may have had other flags.
ROCK = $(BUILD)/rock
rock_cflags = $(addprefix -I,$(LUA_INCDIR) $($(1)_INCDIR) $($(2)_INCDIR))
rock_libs = $(foreach dir,$($(1)_LIBDIR),-L$(dir) -Wl,-rpath,$(dir)) -l$(2)

# $(call need_header,HEADER,FLAGS): LuaRocks has found the library itself, maybe without its development files.
need_header = @echo '\#include <$(1)>' | $(CC) $(2) -fsyntax-only -x c - 2>/dev/null || \
  { echo "postevent cannot be built: $(1) is missing. Install the development package of that library."; exit 1; }

rock-build:
	$(call need_header,curl/curl.h,$(call rock_cflags,CURL))
	$(call need_header,jansson.h,$(call rock_cflags,JANSSON))
	@mkdir -p $(ROCK)/postevent
	$(Q)$(CC) $(PE_CFLAGS) $(PCRE2_CFLAGS) $(call rock_cflags,CURL,JANSSON) $(SHARED) $(LDFLAGS) -o $(ROCK)/postevent/core.so \
	  $(filter-out csrc/sandbox/%,$(wildcard csrc/*/*.c)) \
	  $(call rock_libs,CURL,curl) $(call rock_libs,JANSSON,jansson) $(PCRE2_LIBS) -pthread

rock-install:
	$(call install_lua,$(CLIENT_LUA),$(LUADIR))
	$(call install_file,755,$(ROCK)/postevent/core.so,$(LIBDIR)/postevent)
	$(call install_file,755,bin/postevent,$(BINDIR))

sandbox-rock-build:
	$(call need_header,microhttpd.h,$(call rock_cflags,MICROHTTPD))
	@mkdir -p $(ROCK)/postevent/sandbox
	$(Q)$(CC) $(PE_CFLAGS) $(call rock_cflags,MICROHTTPD) $(SHARED) $(LDFLAGS) -o $(ROCK)/postevent/sandbox/httpd.so \
	  $(wildcard csrc/sandbox/*.c) $(call rock_libs,MICROHTTPD,microhttpd)

sandbox-rock-install:
	$(call install_lua,$(SANDBOX_LUA),$(LUADIR))
	$(call install_file,755,$(ROCK)/postevent/sandbox/httpd.so,$(LIBDIR)/postevent/sandbox)

clean: ## remove what was built
	rm -rf $(BUILD)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'
