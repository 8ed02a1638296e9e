rockspec_format = "3.0"
package = "postevent"
version = "scm-1"

source = {
  url = "git+https://github.com/postevent/postevent.git",
}

description = {
  summary = "Posts behavioural events to a webhook and reads the reply",
  detailed = [[
    A Lua module with a C core on libcurl: hand it a table of attributes, and it writes the JSON, posts it over
    HTTPS, tries again where that is safe, and hands back the reply as a table. With the command `postevent`.]],
  homepage = "https://github.com/postevent/postevent",
  license = "MIT",
}

dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson",
  "argparse",
  "lpeg",
}

-- The libraries, not their headers: LuaRocks finds no header below /usr/include/<triplet>. PCRE2, SQLite and hiredis are
-- optional,
-- which LuaRocks has no word for: the Makefile asks pkg-config for them.
external_dependencies = {
  CURL = { library = "curl" },
  JANSSON = { library = "jansson" },
}

build = {
  type = "make",
  build_target = "rock-build",
  install_target = "rock-install",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    CURL_INCDIR = "$(CURL_INCDIR)",
    CURL_LIBDIR = "$(CURL_LIBDIR)",
    JANSSON_INCDIR = "$(JANSSON_INCDIR)",
    JANSSON_LIBDIR = "$(JANSSON_LIBDIR)",
  },
  install_variables = {
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
    BINDIR = "$(BINDIR)",
    CONFDIR = "$(CONFDIR)",
  },
  copy_directories = { "examples", "library", "share" },
}
