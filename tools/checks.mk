# What uses the built tree: the demo, and all that checks the project, measures it and tortures it. `make help-all` lists
# it. The Makefile includes this; how things are built for a user is there.

LUACHECK ?= luacheck
CLANG ?= clang
CLANG_FORMAT ?= clang-format

.PHONY: env demo sandbox screenshots demo-nginx test test-curl for-tests bench bench-nginx soak-nginx soak-fork soak-spool soak-import soak-fleet test-nginx test-nginx-newer test-rediss test-rediss-newer nginx-gnutls asan tsan valgrind
.PHONY: chaos fuzz fuzz-targets coverage mutants lint all-c

# --- Trying it, from the built tree. ---

# What is missing is installed first; a second make then sees it (pkg-config tells it where things are).
again = $(MAKE) -s $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

# The search paths of this tree, then the user's or, where there are none, Lua's own (;;).
lua_path = $(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;$(or $(value LUA_PATH),;)
lua_cpath = $(abspath $(call tree,$(LUA)))/?.so;$(or $(value LUA_CPATH),;)
with_paths = LUA_PATH='$(lua_path)' LUA_CPATH='$(lua_cpath)' LUA='$(LUA)'

env: ### print the lines that make LUA use the built tree: eval "`make -s env`"
	@echo "export LUA_PATH='$(lua_path)'"
	@echo "export LUA_CPATH='$(lua_cpath)'"

demo: ## install what is missing, build, post an event to a sandbox on this machine: the first thing to try
	@$(call deps,$(LUA)) demo
	@echo "Building for $(LUA)"
	@$(again) build-$(call key,$(LUA)) QUIET=1
	@$(with_paths) tools/with-sandbox $(LUA) examples/post_event.lua
	@LUA='$(LUA)' tools/next-steps

sandbox: ## the sandbox with its page, the example's definitions and an event now and then, until Ctrl-C
	@$(call deps,$(LUA)) demo
	@$(again) build-$(call key,$(LUA)) QUIET=1
	@$(with_paths) tools/show-sandbox

demo-nginx: override LUA = luajit# nginx's
demo-nginx: ### nginx with examples/openresty/nginx.conf and a sandbox: an event for each request, a post, the counters
	@$(call deps,$(LUA)) demo-nginx
	@echo "Building for $(LUA)"
	@$(again) build-$(LUA)
	@$(with_paths) tools/with-sandbox tools/demo-nginx

# --- The C tests, linked with the core: one program per spec/c/*_test.c, and per target of spec/fuzz one that replays
# its corpus. ---

FUZZ_TARGETS = $(patsubst spec/fuzz/%_fuzz.c,%,$(wildcard spec/fuzz/*_fuzz.c))
C_TESTS = $(patsubst spec/c/%.c,$(BUILD)/c/%,$(filter-out $(if $(SANITIZE),%_memory_test.c), \
  $(wildcard spec/c/*_test.c))) $(FUZZ_TARGETS:%=$(BUILD)/c/%_corpus_test)
CMOCKA_LIBS ?= $(call once,CMOCKA_LIBS,$(or $(call pkg,--libs cmocka),-lcmocka))
C_TEST_CFLAGS = $(CORE_CFLAGS) -Ispec/c -Ispec/support
C_TEST_LIBS = $(CORE_LIBS) $(CMOCKA_LIBS) -lm

$(BUILD)/c/obj/%_replay.o: spec/fuzz/replay.c
	$(call compile,$(C_TEST_CFLAGS) -DCORPUS='"spec/fuzz/corpus/$*"')

$(BUILD)/c/obj/%.o: spec/c/%.c
	$(call compile,$(C_TEST_CFLAGS))

$(BUILD)/c/obj/%.o: spec/fuzz/%.c
	$(call compile,$(C_TEST_CFLAGS))

$(BUILD)/c/obj/%.o: spec/support/%.c
	$(call compile,$(C_TEST_CFLAGS))

# These talk to a server in a thread.
$(BUILD)/c/client_test $(BUILD)/c/reader_memory_test $(BUILD)/c/sender_memory_test: $(BUILD)/c/obj/server.o
$(BUILD)/c/submission_test $(BUILD)/c/sender_test $(BUILD)/c/sender_trouble_test: \
  $(BUILD)/c/obj/server.o $(BUILD)/c/obj/sending.o

# Allocations fail in it, which a sanitizer does not let one do.
$(BUILD)/c/%_memory_test: $(BUILD)/c/obj/%_memory_test.o $(BUILD)/c/obj/failing_malloc.o $(CORE_OBJS)
	$(call link,,$(C_TEST_LIBS))

$(BUILD)/c/%_corpus_test: $(BUILD)/c/obj/%_fuzz.o $(BUILD)/c/obj/%_replay.o $(CORE_OBJS)
	$(call link,,$(C_TEST_LIBS))

$(BUILD)/c/%_test: $(BUILD)/c/obj/%_test.o $(CORE_OBJS)
	$(call link,,$(C_TEST_LIBS))

# --- What the specs and benches load into a Lua: $(1) is the Lua, $(2) its tree. ---

define check_rules
$(2)/support/%.o: spec/support/%.c
	$$(call compile,$$(PE_CFLAGS) $$(call lua_cflags,$(1)))

$(2)/bench/%.o: bench/%.c
	$$(call compile,$$(PE_CFLAGS) $$(call lua_cflags,$(1)))

$(2)/support/process.so $(2)/bench/probe.so: %.so: %.o
	$$(call link,$$(SHARED))

# A host in which allocations fail; a sanitizer brings an allocator of its own, which cannot be replaced.
$(2)/support/failing_host: $(2)/support/failing_host.o $(BUILD)/c/obj/failing_malloc.o \
  $(call lua_objs,$(1),lua) $$(CORE_OBJS)
	$$(call link,,$$(call lua_libs,$(1)) $$(CORE_LIBS) -lm -ldl)

# A host of threads that forks; it loads the module as programs do.
$(2)/support/fork_host: $(2)/support/fork_host.o
	$$(call link,,$$(call lua_libs,$(1)) -pthread -lm -ldl)
endef
$(foreach lua,$(sort $(LUAS) $(LUA)),$(eval $(call check_rules,$(lua),$(call tree,$(lua)))))

# --- nginx, as docs/start/server.md shows it. ---

# --- Tests and checks. tools/test runs what is built; Debian keeps nginx out of a user's PATH. ---

run_tests = PATH="$$PATH:/usr/sbin:/sbin" tools/test

test: ## every spec on every Lua in LUAS, and the C tests
	@$(call deps,$(LUAS)) test
	@$(again) for-tests
	@LUAS="$(LUAS)" BUILD="$(BUILD)" $(run_tests)

# What the spec of the sandbox's page is written with, from npm. Without it that spec is skipped, and nothing else.
PAGE_MODULES = build/page/package-lock.json
$(PAGE_MODULES): spec/page/package.json spec/page/package-lock.json
	@mkdir -p $(dir $@)
	@cp spec/page/package.json $(dir $@)
	@! command -v npm >/dev/null || { cp spec/page/package-lock.json $(dir $@) && \
	  npm ci --prefix $(dir $@) --ignore-scripts --no-audit --no-fund --silent; } || \
	  { rm -f $@; echo "npm did not install what spec/page/package.json names: the page's spec is skipped"; }

screenshots: ### the README's pictures of the sandbox's page, made again
	@$(call deps,$(LUA)) test
	@$(again) build-$(call key,$(LUA)) $(PAGE_MODULES)
	@$(with_paths) SANDBOX_OPTIONS='--definitions examples/events.json' CHROMIUM="$$(command -v chromium)" \
	  tools/with-sandbox sh -c 'node spec/page/pictures.mjs "$${POSTEVENT_URL%/eucrm/*}" $(CURDIR)/build/page docs/images'

# What the specs and the C tests need built.
for-tests: build $(C_TESTS) $(foreach lua,$(LUAS),$(BUILD)/$(lua)/support/process.so \
  $(BUILD)/$(lua)/examples/embed/host $(if $(SANITIZE),,$(addprefix $(BUILD)/$(lua)/support/,failing_host fork_host))) \
  $(if $(SANITIZE),,$(if $(filter lua5.4,$(LUAS)),$(PAGE_MODULES)))

# The specs of what libcurl does, with the newest that Debian has, in a tree of its own; or with the one in CURL_TREE.
CURL_TREE = build/curl
CURL_SPECS = spec/client $(patsubst %,spec/fault/%_spec.lua,names proxy sent server tls track_close track_exit \
  track_fork track_gate track_server track_transport)
# What it does where the headers were older: a distribution brings the newer library and not a new core.
OLD_HEADER_SPECS = $(patsubst %,spec/fault/%_spec.lua,names tls track_close words)
newest = BUILD=build/newest PKG_CONFIG_PATH='$(abspath $(CURL_TREE))/lib/pkgconfig'
test-curl: ### the specs of HTTP, TLS, names and the close, with the newest libcurl that a suite of Debian has
	@$(call deps,$(LUA)) test-curl
	@tools/build-curl "$(CURL_TREE)"
	@$(again) for-tests LUAS="$(LUA)" $(newest) LDFLAGS='-Wl,-rpath,$(abspath $(CURL_TREE))/lib'
	@$(MAKE) -s env BUILD=build/newest LUA="$(LUA)" >build/newest/env && . build/newest/env && \
	  $(LUA) -e 'print("libcurl " .. require("postevent").features.curl)'
	@LUAS="$(LUA)" BUILD=build/newest $(run_tests) $(CURL_SPECS)
	@echo "the same libcurl, under a core that was built with this system's headers"
	@$(again) for-tests LUAS="$(LUA)"
	@LUAS="$(LUA)" LD_LIBRARY_PATH='$(abspath $(CURL_TREE))/lib' $(run_tests) $(OLD_HEADER_SPECS)

# What a bench is measured with is the specs' nginx; the numbers are ratios, since machines are noisy.
BENCH_LOOPS = $(addprefix $(BUILD)/bench/,post_loop multi_loop commit_loop)
$(BUILD)/bench/%.o: bench/%.c
	$(call compile,$(CORE_CFLAGS))

$(BENCH_LOOPS): $(BUILD)/bench/%: $(BUILD)/bench/%.o
	$(call link,,$(CORE_LIBS))

BENCH_LUAS ?= lua5.4 luajit
BENCH ?=
bench: ### what it costs, as ratios against C, lua-cjson and others, on BENCH_LUAS; one part with BENCH=track
	@$(call deps,$(BENCH_LUAS)) test
	@$(again) $(foreach lua,$(BENCH_LUAS),build-$(lua) $(BUILD)/$(lua)/support/process.so $(BUILD)/$(lua)/bench/probe.so) \
	  $(BENCH_LOOPS)
	@$(foreach lua,$(BENCH_LUAS),LUA_PATH='$(CURDIR)/?.lua;$(CURDIR)/spec/?.lua;$(lua_path)' \
	  LUA_CPATH='$(abspath $(BUILD))/$(lua)/?.so;;' PATH="$$PATH:/usr/sbin:/sbin" $(lua) bench/run.lua $(BUILD) $(BENCH) &&) true

bench-nginx: override LUA = luajit# nginx's
bench-nginx: ### what postevent costs a worker of nginx, against lua-resty-http where LUA_PATH has it; BENCH=hook for a part
	@$(call deps,$(LUA)) bench-nginx
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUA_PATH='$(CURDIR)/?.lua;$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(lua_cpath)' PATH="$$PATH:/usr/sbin:/sbin" \
	  $(LUA) bench/nginx.lua $(BENCH)

NGINX_SPECS = spec/resty spec/fault/resty_life_spec.lua spec/fault/resty_timers_spec.lua
test-nginx: override LUA = luajit# nginx's
test-nginx: ### the specs of nginx alone; NGINX=openresty for another one
	@$(call deps,$(LUA)) soak-nginx
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUAS="$(LUA)" BUILD="$(BUILD)" $(run_tests) --lua $(LUA) $(NGINX_SPECS)

SUITE ?= trixie
test-nginx-newer: ### the specs of nginx on a newer Debian, SUITE (trixie), in a chroot below build/; needs root
	@$(call deps,$(LUA)) in-suite
	@BUILD='$(BUILD)' tools/in-suite $(SUITE) make -s test-nginx

# A build that cannot speak rediss:// (Debian 12's) tests that it says so.
test-rediss: ### the specs of a relay's producers, and of rediss://
	@$(call deps,$(LUA)) test-rediss
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUAS="$(LUA)" BUILD="$(BUILD)" $(run_tests) --lua $(LUA) spec/relay/rediss_spec.lua spec/relay/producer_spec.lua \
	  spec/relay/relay_options_spec.lua

test-rediss-newer: ### the same on a newer Debian, SUITE (trixie), whose hiredis is one with TLS; needs root
	@$(call deps,$(LUA)) in-suite
	@BUILD='$(BUILD)' tools/in-suite $(SUITE) make -s test-rediss LUA=lua5.4

# The specs of nginx with the core that CURL=gnutls builds, which must not need OpenSSL.
nginx-gnutls: override LUA = luajit# nginx's
nginx-gnutls: ### the specs of nginx and of TLS, with libcurl's GnuTLS flavour
	@$(call deps,$(LUA)) nginx-gnutls
	@$(again) for-tests LUAS="$(LUA)" CURL=gnutls BUILD=build/gnutls
	@LUAS="$(LUA)" BUILD=build/gnutls POSTEVENT_NGINX_BUILD='$(CURDIR)/build/gnutls/$(LUA)' POSTEVENT_NGINX_TLS=GnuTLS \
	  $(run_tests) $(NGINX_SPECS) \
	  spec/fault/tls_spec.lua spec/fault/tls_proxy_spec.lua spec/fault/track_exit_spec.lua

NGINX_SOAK_SECONDS ?= 600
soak-nginx: override LUA = luajit# nginx's
soak-nginx: ### nginx at half load, reloaded, killed, upgraded, for NGINX_SOAK_SECONDS (600): all that was accepted arrives
	@$(call deps,$(LUA)) soak-nginx
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUA_PATH='$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(lua_cpath)' PATH="$$PATH:/usr/sbin:/sbin" \
	  $(LUA) spec/support/nginx_soak.lua $(NGINX_SOAK_SECONDS)

FORKS ?= 2000
soak-fork: ### FORKS (2000) forks in a process's first 30 ms, with threads in the module: no child hangs or fails
	@$(call deps,$(LUA)) test
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so $(BUILD)/$(LUA)/support/fork_host
	@LUA_PATH='$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(lua_cpath)' PATH="$$PATH:/usr/sbin:/sbin" \
	  $(LUA) spec/support/fork_soak.lua $(BUILD)/$(LUA)/support/fork_host $(FORKS) $(SEED)

KILLS ?= 2000
soak-import: KILLS = 200
soak-import: ### KILLS (200) kill -9 of an import of 20,000 lines, on two bad days and a good one: every line arrives
	@$(call deps,$(LUA)) test
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUA_PATH='$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(lua_cpath)' \
	  $(LUA) spec/support/import_kills.lua $(KILLS) $(SEED)

soak-spool: ### KILLS (2000) kill -9 of programs with a spool: all that track has returned for arrives
	@$(call deps,$(LUA)) test
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@LUA_PATH='$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(lua_cpath)' \
	  $(LUA) spec/support/spool_kills.lua $(KILLS) $(SEED)

soak-fleet: ### FLEET_KILLS (100) kill -9 of producers, deliverers and Redis: what was relayed is delivered
	@$(call deps,$(LUA)) test
	@$(again) build-$(LUA) $(BUILD)/$(LUA)/support/process.so
	@FLEET_KILLS=$(or $(FLEET_KILLS),100) BUILD="$(BUILD)" $(run_tests) --lua $(LUA) spec/relay/kills_spec.lua

SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
asan: ### the specs on LUA and the C tests under AddressSanitizer and UBSan
	@$(call deps,$(LUA)) asan
	@$(again) for-tests LUAS="$(LUA)" BUILD=$(BUILD)/asan SANITIZE="$(SANITIZERS)"
	@LUAS="$(LUA)" BUILD="$(BUILD)/asan" POSTEVENT_SLOW=1 ASAN_OPTIONS="quarantine_size_mb=4" \
	  TEST_WRAPPER="env LD_PRELOAD=$$($(CC) -print-file-name=libasan.so)" $(run_tests)

# Leaks are looked for by asan: in a child of a fork, the search for them can hang.
CHAOS_SECONDS ?= 600
chaos: ### programs that do anything at random, under ASan, against a server that misbehaves; CHAOS_SECONDS (600), SEED
	@$(call deps,$(LUA)) asan
	@$(again) for-tests LUAS="$(LUA)" BUILD=$(BUILD)/asan SANITIZE="$(SANITIZERS)"
	@LUA_PATH='$(CURDIR)/spec/?.lua;$(lua_path)' LUA_CPATH='$(abspath $(BUILD))/asan/$(LUA)/?.so;;' \
	  POSTEVENT_LUA="$(LUA)" ASAN_OPTIONS="detect_leaks=0" LD_PRELOAD="$$($(CC) -print-file-name=libasan.so)" \
	  $(LUA) spec/chaos/run.lua $(CHAOS_SECONDS) $(or $(SEED),"") $(CHAOS_PROGRAMS)

# nouserintercepts: a program that brings its own malloc, in which allocations fail, keeps it.
# fair-sched: without it a busy thread keeps the one processor that valgrind has, and another waits minutes for its turn.
# Left out: what has a second for its end, which valgrind does not manage, and a long soak; asan and tsan run them. And
# specs of programs, which valgrind does not follow; asan does.
VALGRIND_WITHOUT = client_test queue_soak_test
VALGRIND_ROOTS = $(addprefix spec/,client event fault queue relay sandbox spool)
VALGRIND = valgrind -q --fair-sched=yes --leak-check=full --error-exitcode=99 --child-silent-after-fork=yes \
  --soname-synonyms=somalloc=nouserintercepts
valgrind: ### the specs on LUA and the C tests under valgrind: no error, no leak
	@$(call deps,$(LUA)) valgrind
	@$(again) for-tests LUAS="$(LUA)"
	@LUAS="$(LUA)" BUILD="$(BUILD)" JOBS=2 POSTEVENT_SLOW=1 TEST_WITHOUT="$(VALGRIND_WITHOUT)" \
	  TEST_ROOTS="$(VALGRIND_ROOTS)" TEST_WRAPPER="$(VALGRIND)" $(run_tests)

# Where threads meet. Then a soak: LUA itself is not instrumented, its core.so is; the sandbox runs without.
# setarch: a libtsan that is older than the kernel may find its addresses taken.
TSAN_TESTS = $(filter-out %_memory_test,$(patsubst spec/c/%.c,$(BUILD)/tsan/c/%,$(foreach part,client http journal last_words queue \
  submission results sender waker worker,$(wildcard spec/c/$(part)_test.c spec/c/$(part)_*_test.c))))
TSAN = $(shell setarch -R true 2>/dev/null && echo setarch -R) env TSAN_OPTIONS="die_after_fork=0"
SOAK_SECONDS ?= 60
tsan: ### the C tests of what threads share, and a soak of SOAK_SECONDS (60) on LUA, under ThreadSanitizer
	@$(call deps,$(LUA)) tsan
	@$(again) build-$(LUA)
	@$(again) $(TSAN_TESTS) build-$(LUA) LUAS="$(LUA)" BUILD=$(BUILD)/tsan SANITIZE="-fsanitize=thread"
	@LUAS=" " BUILD="$(BUILD)/tsan" TEST_WRAPPER='$(TSAN)' $(run_tests)
	@$(with_paths) tools/with-sandbox $(TSAN) \
	  LUA_CPATH='$(abspath $(BUILD))/tsan/$(LUA)/?.so;;' LD_PRELOAD="$$($(CC) -print-file-name=libtsan.so)" \
	  $(LUA) spec/support/soak.lua $(SOAK_SECONDS)

# The targets of spec/fuzz as programs of libFuzzer, in a tree of their own.
$(BUILD)/%_fuzz: $(BUILD)/c/obj/%_fuzz.o $(CORE_OBJS)
	$(call link,-fsanitize=fuzzer,$(CORE_LIBS) -lm)

fuzz-targets: $(FUZZ_TARGETS:%=$(BUILD)/%_fuzz)

FUZZ_SECONDS ?= 600
fuzz: ### each target of spec/fuzz for FUZZ_SECONDS (600), two at a time
	@$(call deps,$(LUA)) fuzz
	@$(again) fuzz-targets BUILD=$(BUILD)/fuzz CC=$(CLANG) SANITIZE="$(SANITIZERS) -fsanitize=fuzzer-no-link"
	@printf '%s\n' $(FUZZ_TARGETS) | BUILD=$(BUILD)/fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) xargs -n 1 -P 2 tools/fuzz

# --- What the tests reach, and what they would notice. ---

# gcov counts, in the code of gcc. SPECS=spec/queue runs those instead of all, and no C test; FOLDERS=queue shows the
# lines of that folder alone. The report comes after a failed test, too.
SPECS ?=
FOLDERS ?=
coverage: ### how much of the core the specs on LUA and the C tests reach, by folder, and each line that they do not
	@$(call deps,$(LUA)) coverage
	@$(again) for-tests LUAS="$(LUA)" BUILD=$(BUILD)/coverage CC=gcc CFLAGS="-O0 -g" QUIET=1 \
	  COVERAGE="--coverage -fprofile-update=atomic"
	@find $(BUILD)/coverage -name '*.gcda' -delete
	@status=0; LUAS="$(LUA)" BUILD="$(BUILD)/coverage" $(run_tests) $(SPECS) || status=1; \
	BUILD="$(BUILD)/coverage" tools/coverage $(FOLDERS) && exit $$status

mutants: ### changes MUTANTS (40) lines of the core, one at a time (SEED draws them), and lists those that no test notices
	@$(call deps,lua5.4) test
	@MAKE="$(MAKE)" lua5.4 tools/mutants $(FILES)

# --- How it is written. ---

C_FILES = $(wildcard csrc/*/*.[ch] spec/c/*.[ch] spec/fuzz/*.[ch] spec/support/*.[ch] bench/*.[ch] examples/*/*.[ch])
lint: ### luacheck, clang-format, the layers of csrc, and all C with warnings as errors, by gcc and by clang
	@$(call deps,$(LUAS)) lint
	@$(LUACHECK) -q --no-color lua spec examples bin/postevent tools/mutants tools/manual.lua $(wildcard bench/*.lua)
	@$(CLANG_FORMAT) --dry-run -Werror $(C_FILES)
	@tools/check-layers
	@$(again) all-c BUILD=$(BUILD)/lint/gcc CC=gcc CFLAGS="-O2 -g -Werror"
	@$(again) all-c BUILD=$(BUILD)/lint/clang CC=$(CLANG) CFLAGS="-O2 -g -Werror"

all-c: for-tests $(BENCH_LOOPS) $(foreach lua,$(LUAS),$(BUILD)/$(lua)/bench/probe.so)
