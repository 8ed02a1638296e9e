rockspec_format = "3.0"
package = "postevent-sandbox"
version = "scm-1"

source = {
  url = "git+https://github.com/postevent/postevent.git",
}

description = {
  summary = "A local webhook to try and test postevent against",
  detailed = [[
    Adds the command `postevent sandbox`: a server on your own machine that takes events as the platform does,
    answers as documented and shows what it received.]],
  homepage = "https://github.com/postevent/postevent",
  license = "MIT",
}

dependencies = {
  "lua >= 5.1, < 5.5",
  "postevent",
}

-- The library, not its header: LuaRocks finds no header below /usr/include/<triplet>.
external_dependencies = {
  MICROHTTPD = { library = "microhttpd" },
}

build = {
  type = "make",
  build_target = "sandbox-rock-build",
  install_target = "sandbox-rock-install",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    MICROHTTPD_INCDIR = "$(MICROHTTPD_INCDIR)",
    MICROHTTPD_LIBDIR = "$(MICROHTTPD_LIBDIR)",
  },
  install_variables = {
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
    BINDIR = "$(BINDIR)",
    CONFDIR = "$(CONFDIR)",
  },
}
