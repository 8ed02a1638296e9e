# postevent: building, installing, and the rocks. `make help` says what to type; what uses the built tree and checks it
# (the demo, tests, sanitizers, benches) is in tools/checks.mk.
#
# One set of objects for the core (no Lua in it), one set per Lua for the boundary, one core.so per Lua:
#   build/obj/*/*.o, build/<lua>/obj/lua/*.o, build/<lua>/postevent/core.so
#
# For packagers: CC, CPPFLAGS, CFLAGS, LDFLAGS are yours, and come after what the project needs; PREFIX, DESTDIR,
# INSTALL_LMOD and INSTALL_CMOD (below PREFIX, where Lua looks for modules), INSTALL_SHARE (for manual pages and the
# completion of shells), INSTALL_UNITS (for that of systemd; empty: none); LUA may be a path; LUA_ABI=5.4 and LUA_INCDIR
# say what cannot be asked (a Lua of another machine); WITH_SANDBOX=no leaves out what needs libmicrohttpd.

LUAS   ?= lua5.1 lua5.2 lua5.3 lua5.4 luajit
LUA    ?= lua5.4
CURL   ?=
BUILD  ?= $(if $(CURL),build/$(CURL),build)
PREFIX ?= /usr/local
WITH_SANDBOX ?= yes
CFLAGS ?= -O3 -g

include tools/find.mk

# nodelete: libcurl may leave a thread in the resolver when a look-up is given up, so the code must never be unmapped.
LIBFLAG ?= -shared
SHARED = $(LIBFLAG) -Wl,-z,nodelete
ifeq ($(shell uname -s),Darwin)
SHARED = -bundle -undefined dynamic_lookup
LOCALIZE ?= : # its linker has done it
endif
LOCALIZE ?= $(OBJCOPY) --localize-hidden
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion
# no-plt: an event takes a hundred small calls of Lua's interface; straight ones save a tenth of track.
PE_CFLAGS = -Icsrc -std=gnu11 -fPIC -fno-plt -fvisibility=hidden -pthread $(WARNINGS) $(SANITIZE) $(COVERAGE)
CORE_CFLAGS = $(PE_CFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS) $(PCRE2_CFLAGS) $(SQLITE_CFLAGS) $(HIREDIS_CFLAGS)
CORE_LIBS = $(CURL_LIBS) $(JANSSON_LIBS) $(PCRE2_LIBS) $(SQLITE_LIBS) $(HIREDIS_LIBS) -pthread

# The packager's flags come last. -MMD: what a source includes lands beside the object, and the last line reads it.
compile = $(Q)mkdir -p $(@D) && $(CC) $(1) $(CPPFLAGS) $(CFLAGS) -MMD -MP -MF $@.d -c -o $@ $<
link = $(Q)mkdir -p $(@D) && $(CC) $(CFLAGS) $(SANITIZE) $(COVERAGE) $(1) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(2)

# Each Lua has a tree of its own: $(call tree,lua5.4) is build/lua5.4, $(call tree,/opt/x/bin/lua) build/opt-x-bin-lua.
key = $(subst /,-,$(patsubst /%,%,$(1)))
tree = $(BUILD)/$(call key,$(1))

CORE_OBJS = $(patsubst csrc/%.c,$(BUILD)/obj/%.o,$(filter-out csrc/lua/% csrc/sandbox/%,$(wildcard csrc/*/*.c)))
lua_objs = $(patsubst csrc/%.c,$(call tree,$(1))/obj/%.o,$(wildcard csrc/$(2)/*.c))

.PHONY: all build embed manual install install-check uninstall clean help help-all
.PHONY: rock-build rock-install sandbox-rock-build sandbox-rock-install
.SECONDARY:
.DEFAULT_GOAL := all

# What is made is named in a word; V=1 shows the commands, QUIET=1 nothing.
Q = $(if $(V),,@$(if $(QUIET),,echo "  MAKE $@";))

# tools/install-deps knows what the project needs. A build that fails names what is missing, and installs nothing.
deps = CC="$(CC)" PKG_CONFIG="$(PKG_CONFIG)" WITH_SANDBOX="$(WITH_SANDBOX)" LUAS="$(1)" tools/install-deps
or_name_packages = || { $(call deps,$(1)) --check $(2); exit 1; }

all: ## build core.so (and the sandbox) for every Lua in LUAS
	@$(MAKE) --no-print-directory build $(call or_name_packages,$(LUAS),build)

build: $(foreach lua,$(LUAS),build-$(call key,$(lua)))
build-%: $(BUILD)/%/postevent/core.so $(if $(filter no,$(WITH_SANDBOX)),,$(BUILD)/%/postevent/sandbox/httpd.so)
	@:

embed: $(call tree,$(LUA))/examples/embed/host ## build libpostevent.a for LUA, and examples/embed with it
	@echo "$(call tree,$(LUA))/libpostevent.a, and the example: $<"

$(BUILD)/obj/%.o: csrc/%.c
	$(call compile,$(CORE_CFLAGS))

# One rule set per Lua: $(1) is the Lua, $(2) its tree.
define lua_rules
$(2)/obj/sandbox/%.o: csrc/sandbox/%.c
	$$(call compile,$$(PE_CFLAGS) $$(call lua_cflags,$(1)) $$(MICROHTTPD_CFLAGS))

$(2)/obj/%.o: csrc/%.c
	$$(call compile,$$(PE_CFLAGS) $$(call lua_cflags,$(1)))

$(2)/postevent/core.so: $(call lua_objs,$(1),lua) $$(CORE_OBJS)
	$$(call link,$$(SHARED),$$(CORE_LIBS))

$(2)/postevent/sandbox/httpd.so: $(call lua_objs,$(1),sandbox)
	$$(call link,$$(SHARED),$$(MICROHTTPD_LIBS))

# For programs that embed Lua: the same as one object, in which all names but luaopen_postevent_core are local, so that
# none clashes with the program's.
$(2)/libpostevent.a: $(call lua_objs,$(1),lua) $$(CORE_OBJS)
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(CFLAGS) -r -nostdlib -o $(2)/postevent.o $$^
	@$$(LOCALIZE) $(2)/postevent.o && rm -f $$@ && $$(AR) rcs $$@ $(2)/postevent.o

$(2)/examples/embed/host.o: examples/embed/host.c
	$$(call compile,$$(PE_CFLAGS) $$(call lua_cflags,$(1)))

$(2)/examples/embed/host: $(2)/examples/embed/host.o $(2)/libpostevent.a
	$$(call link,,$$(call lua_libs,$(1)) $$(CORE_LIBS) -lm -ldl)
endef
$(foreach lua,$(sort $(LUAS) $(LUA)),$(eval $(call lua_rules,$(lua),$(call tree,$(lua)))))

# --- Installing. Below postevent/ everything is this project's: what an older version left there goes. ---

# With the files of the sandbox's page.
SANDBOX_LUA = $(filter lua/postevent/sandbox/% lua/postevent/sandbox.lua,$(ALL_LUA))
CLIENT_LUA = $(filter-out $(SANDBOX_LUA),$(ALL_LUA))
ALL_LUA = $(shell find lua -type f)

# $(call install_lua,FILES,DIRECTORY): copies lua/postevent/x.lua to DIRECTORY/postevent/x.lua.
define install_lua
@for file in $(1); do \
  directory="$(2)/$$(dirname "$${file#lua/}")"; \
  mkdir -p "$$directory" && install -m 644 "$$file" "$$directory" || exit 1; \
done
endef

# $(call install_file,MODE,FILE,DIRECTORY)
install_file = @mkdir -p "$(3)" && install -m $(1) "$(2)" "$(3)"

LUA_ABI ?= $(call once,LUA_ABI,$(shell LUA_INIT= $(LUA) -e 'io.write(_VERSION:match("%d%.%d"))' 2>/dev/null))
INSTALL_LMOD ?= $(PREFIX)/share/lua/$(LUA_ABI)
INSTALL_CMOD ?= $(PREFIX)/lib/lua/$(LUA_ABI)
INSTALL_SHARE ?= $(PREFIX)/share
INSTALL_UNITS ?= $(if $(HIREDIS_LIBS),$(if $(filter Linux,$(shell uname -s)),$(PREFIX)/lib/systemd/system))
lua_dir = $(DESTDIR)$(INSTALL_LMOD)/postevent
lib_dir = $(DESTDIR)$(INSTALL_CMOD)/postevent
share_dir = $(DESTDIR)$(INSTALL_SHARE)
command = $(DESTDIR)$(PREFIX)/bin/postevent
UNIT = postevent-relay@.service
unit = $(if $(INSTALL_UNITS),$(DESTDIR)$(INSTALL_UNITS)/$(UNIT))
# Manual pages, and what makes shells complete the command, as they lie below INSTALL_SHARE.
SHARE_FILES = $(patsubst share/%,%,$(shell find share -type f))
hash := \#
shebang = $(hash)!$(if $(filter /%,$(LUA)),$(LUA),/usr/bin/env $(LUA))

# Which Lua this is for must be known, and be that of the headers.
header_abi = $(shell printf '%s\n' '$(hash)include <lua.h>' 'ABI LUA_VERSION_NUM' | \
  $(CC) $(call lua_cflags,$(LUA)) $(CPPFLAGS) -E -P -x c - 2>/dev/null | sed -n 's/^ABI \([0-9]\)0\([0-9]\)$$/\1.\2/p')
install-check:
	@[ -n "$(LUA_ABI)" ] || { echo "Cannot tell for which Lua to install: LUA=$(LUA) does not run. Name one that does," \
	  "or say LUA_ABI=5.4." >&2; false; } $(call or_name_packages,$(LUA),install)

install: install-check ## install for LUA, below PREFIX (/usr/local); DESTDIR is for packagers
	@$(MAKE) --no-print-directory build-$(call key,$(LUA)) $(call or_name_packages,$(LUA),install)
	@[ "$(header_abi)" = "$(LUA_ABI)" ] || { echo "LUA=$(LUA) is Lua $(LUA_ABI), its lua.h that of Lua $(header_abi):" \
	  "say with LUA_INCDIR where the right one is." >&2; exit 1; }
	@rm -rf "$(lua_dir)" "$(lib_dir)"
	$(call install_lua,$(if $(filter no,$(WITH_SANDBOX)),$(CLIENT_LUA),$(ALL_LUA)),$(DESTDIR)$(INSTALL_LMOD))
	$(call install_file,755,$(call tree,$(LUA))/postevent/core.so,$(lib_dir))
ifneq ($(WITH_SANDBOX),no)
	$(call install_file,755,$(call tree,$(LUA))/postevent/sandbox/httpd.so,$(lib_dir)/sandbox)
endif
	$(call install_file,755,bin/postevent,$(dir $(command)))
	@sed '1s|^#!.*|$(shebang)|' bin/postevent >"$(command)"
	@rm -f "$(share_dir)"/man/man1/postevent.1 "$(share_dir)"/man/man1/postevent-*.1
	@for file in $(SHARE_FILES); do \
	  mkdir -p "$(share_dir)/$${file%/*}" && install -m 644 "share/$$file" "$(share_dir)/$$file" || exit 1; \
	done
ifneq ($(unit),)
	$(call install_file,644,contrib/systemd/$(UNIT),$(dir $(unit)))
	@sed 's|/usr/local/bin/|$(PREFIX)/bin/|' contrib/systemd/$(UNIT) >"$(unit)"
endif
	@printf '%s\n' "Installed for Lua $(LUA_ABI):" "  $(lua_dir)/" "  $(lib_dir)/" "  $(command)" \
	  "  $(share_dir)/ (manual pages, and the completion of shells)" $(if $(unit),"  $(unit)")
	@$(if $(DESTDIR),:,LUA_INIT= $(LUA) tools/looks-in "$(INSTALL_LMOD)" "$(INSTALL_CMOD)" 2>/dev/null || :)

uninstall: install-check ## remove what install put there for LUA
	@rm -rf "$(lua_dir)" "$(lib_dir)"
	@if [ "$$(head -n 1 "$(command)" 2>/dev/null)" = '$(shebang)' ]; then \
	  rm -f "$(command)" $(if $(unit),"$(unit)") $(foreach file,$(SHARE_FILES),"$(share_dir)/$(file)"); fi
	@printf '%s\n' "Removed for Lua $(LUA_ABI):" "  $(lua_dir)/" "  $(lib_dir)/"

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
	$(Q)$(CC) $(PE_CFLAGS) $(PCRE2_CFLAGS) $(SQLITE_CFLAGS) $(HIREDIS_CFLAGS) $(call rock_cflags,CURL,JANSSON) \
	  $(CPPFLAGS) $(CFLAGS) \
	  $(SHARED) $(LDFLAGS) -o $(ROCK)/postevent/core.so \
	  $(filter-out csrc/sandbox/%,$(wildcard csrc/*/*.c)) \
	  $(call rock_libs,CURL,curl) $(call rock_libs,JANSSON,jansson) $(PCRE2_LIBS) \
	  $(SQLITE_LIBS) $(HIREDIS_LIBS) -pthread

rock-install:
	$(call install_lua,$(CLIENT_LUA),$(LUADIR))
	$(call install_file,755,$(ROCK)/postevent/core.so,$(LIBDIR)/postevent)
	$(call install_file,755,bin/postevent,$(BINDIR))

sandbox-rock-build:
	$(call need_header,microhttpd.h,$(call rock_cflags,MICROHTTPD))
	@mkdir -p $(ROCK)/postevent/sandbox
	$(Q)$(CC) $(PE_CFLAGS) $(call rock_cflags,MICROHTTPD) $(CPPFLAGS) $(CFLAGS) \
	  $(SHARED) $(LDFLAGS) -o $(ROCK)/postevent/sandbox/httpd.so \
	  $(wildcard csrc/sandbox/*.c) $(call rock_libs,MICROHTTPD,microhttpd)

sandbox-rock-install:
	$(call install_lua,$(SANDBOX_LUA),$(LUADIR))
	$(call install_file,755,$(ROCK)/postevent/sandbox/httpd.so,$(LIBDIR)/postevent/sandbox)

# --- The rest. ---

manual: build-$(call key,$(LUA)) ### make share/, the manual pages and the completion of shells, of what the help is made of
	@rm -rf share && LUA_PATH='$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;' \
	  LUA_CPATH='$(abspath $(call tree,$(LUA)))/?.so;;' $(LUA) tools/manual.lua .

clean: ## remove what was built
	rm -rf $(BUILD)

# A target's line: `## ` for everyone, `### ` for those who work on the project.
list = @sed -nE 's/^([a-z-]+):.* $(1) (.*)/\1@\2/p' tools/checks.mk Makefile | \
  awk -F@ '{ printf "  make %-13s %s\n", $$1, $$2 }'
help:
	$(call list,\#\#)

help-all: ## the same, and what checks, measures and tortures the project
	$(call list,\#\#\#?)

include tools/checks.mk
-include $(shell find $(BUILD) -name '*.o.d' 2>/dev/null)
