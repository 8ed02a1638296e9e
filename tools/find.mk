# Where things are: the tools that belong to CC, the libraries, the headers of each Lua. All of it can be given by hand.

# CC=aarch64-linux-gnu-gcc builds for another machine: the other tools follow, where there are any of that name.
triplet := $(shell echo '$(CC)' | sed -nE 's/^(.* )?([^ ]+-[^ ]+-)(gcc|cc|clang)(-[0-9.]+)?( .*)?$$/\2/p')
tool = $(or $(if $(triplet),$(shell command -v $(triplet)$(1))),$(1))
ifeq ($(origin AR),default)
AR := $(call tool,ar)
endif
OBJCOPY ?= $(call tool,objcopy)
# This machine's pkg-config knows nothing of another machine's libraries, unless it was told where they are.
ifeq ($(origin PKG_CONFIG),undefined)
told = $(PKG_CONFIG_LIBDIR)$(PKG_CONFIG_SYSROOT_DIR)$(filter $(shell uname -m)-%,$(notdir $(triplet)))
PKG_CONFIG := $(if $(triplet),$(if $(told),$(call tool,pkg-config),$(triplet)pkg-config),pkg-config)
PKG_CONFIG_MUST_RUN := $(triplet)
else
PKG_CONFIG_MUST_RUN := yes
endif
ifneq ($(PKG_CONFIG_MUST_RUN),)
ifeq ($(shell $(PKG_CONFIG) --version 2>/dev/null),)
$(error PKG_CONFIG=$(PKG_CONFIG) does not run)
endif
endif

# pkg-config where there is one; what it would say can be given by hand (luarocks does).
# What is given to make as a variable is not in $(shell)'s environment.
pkg_where = $(foreach name,PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR,$(if $($(name)),$(name)='$($(name))'))
pkg_in = $(shell PKG_CONFIG_PATH='$(1)$(PKG_CONFIG_PATH)' $(pkg_where) $(PKG_CONFIG) $(2) 2>/dev/null)
pkg = $(call pkg_in,,$(1))
once = $(eval $(1) := $(2))$($(1))# asks when it is first needed, and not for each object
CURL_CFLAGS ?= $(call once,CURL_CFLAGS,$(call pkg,--cflags libcurl))
# CURL=gnutls: libcurl's other flavour in Debian, whose OpenSSL is nobody's business; in a tree of its own. The headers
# are the same.
ifeq ($(CURL),gnutls)
CURL_LIBS ?= -l:libcurl-gnutls.so.4
endif
CURL_LIBS ?= $(call once,CURL_LIBS,$(or $(call pkg,--libs libcurl),-lcurl))
JANSSON_CFLAGS ?= $(call once,JANSSON_CFLAGS,$(call pkg,--cflags jansson))
JANSSON_LIBS ?= $(call once,JANSSON_LIBS,$(or $(call pkg,--libs jansson),-ljansson))
# Optional, for the regexes of definitions.
ifneq ($(call pkg,--modversion libpcre2-8),)
PCRE2_CFLAGS ?= -DPE_HAVE_PCRE2 $(call pkg,--cflags libpcre2-8)
PCRE2_LIBS ?= $(call pkg,--libs libpcre2-8)
endif
# Optional, for the spool.
ifneq ($(call pkg,--modversion sqlite3),)
SQLITE_CFLAGS ?= -DPE_HAVE_SQLITE $(call pkg,--cflags sqlite3)
SQLITE_LIBS ?= $(call pkg,--libs sqlite3)
endif
# Optional, for a fleet on Redis.
ifneq ($(call pkg,--modversion hiredis),)
# And by rediss:// where this hiredis has TLS, 1.0 and newer; our own is OpenSSL's, which another flavour of libcurl is to
# be without.
ifneq ($(CURL),gnutls)
hiredis_tls := $(and $(call pkg,--modversion hiredis_ssl),$(call pkg,--modversion openssl))
endif
HIREDIS_CFLAGS ?= -DPE_HAVE_HIREDIS $(call pkg,--cflags-only-I hiredis) \
  $(if $(hiredis_tls),-DPE_HAVE_REDIS_TLS $(call pkg,--cflags openssl))
HIREDIS_LIBS ?= $(call pkg,--libs hiredis) $(if $(hiredis_tls),$(call pkg,--libs openssl))
endif
MICROHTTPD_CFLAGS ?= $(call once,MICROHTTPD_CFLAGS,$(call pkg,--cflags libmicrohttpd))
MICROHTTPD_LIBS ?= $(call once,MICROHTTPD_LIBS,$(or $(call pkg,--libs libmicrohttpd),-lmicrohttpd))

# The .pc file of a Lua: luajit, or lua5.4 under the names that distributions give it. Of a path, the one that was
# installed with it: another's headers would compile, and crash.
lua_home = $(if $(findstring /,$(1)),$(realpath $(dir $(1))..))
lua_pkg = $(call pkg_in,$(addsuffix /lib/pkgconfig:,$(call lua_home,$(1))),$(2))
lua_version = $(patsubst lua%,%,$(notdir $(1)))
lua_names = $(if $(filter luajit%,$(notdir $(1))),luajit,$(addprefix lua,$(lua_version) -$(lua_version) \
  $(subst .,,$(lua_version))) lua)
lua_prefix = $(realpath $(call lua_pkg,$(1),--variable=prefix $(2)))
lua_has = $(if $(findstring /,$(1)),$(filter $(call lua_home,$(1)),$(call lua_prefix,$(1),$(2))),\
  $(call lua_pkg,$(1),--modversion $(2)))
lua_pc = $(firstword $(foreach name,$(call lua_names,$(1)),$(if $(call lua_has,$(1),$(name)),$(name))))
lua_asked = $(if $(call lua_pc,$(1)),$(call lua_pkg,$(1),$(2) $(call lua_pc,$(1))),$(if $(findstring /,$(1)),$(error \
  No .pc file belongs to $(1): say with LUA_INCDIR where its lua.h is)))
lua_cflags = $(call once,lua_cflags_$(call key,$(1)),$(if $(LUA_INCDIR),-I$(LUA_INCDIR),$(call lua_asked,$(1),--cflags)))
lua_libs = $(or $(LUA_LIBS),$(call lua_asked,$(1),--libs))
