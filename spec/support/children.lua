-- Child processes: programs that a test runs to their end, and servers that it keeps. Every child is stopped at the end
-- of the test that started it, and dies with this process anyway.
local cleanup = require "support.cleanup"
local files = require "support.files"
local process = require "support.process"
local waiting = require "support.waiting"

local children = {}

local Child = {}
Child.__index = Child

-- The interpreter that runs this.
function children.lua()
  local name = os.getenv "POSTEVENT_LUA"
  local index = 0
  if name and name ~= "" then
    return name
  end
  while arg and arg[index - 1] do
    index = index - 1
  end
  return index < 0 and arg[index] or "lua"
end

-- An absolute path for a module path such as "./lua/?.lua;...": a child may run elsewhere.
local function absolute(path)
  local here = process.current_directory()
  return (";" .. path):gsub(";%./", function()
    return ";" .. here .. "/"
  end):sub(2)
end

-- What a child needs to find the same modules, with the changes of `changes`. A sanitizer that is preloaded into the
-- Lua under test is no business of other programs.
local function environment(program, changes)
  local env = { LUA_PATH = absolute(package.path), LUA_CPATH = absolute(package.cpath) }
  if program ~= children.lua() then
    env.LD_PRELOAD = false
  end
  for _, version in ipairs { "5_2", "5_3", "5_4" } do
    env["LUA_PATH_" .. version] = false
    env["LUA_CPATH_" .. version] = false
  end
  env.LUA_INIT = false
  for name, value in pairs(changes or {}) do
    env[name] = value
  end
  return env
end

-- spawn {program, argument..., env =, directory =, stdin = path, stop_signal = "SIGTERM"}: a child whose output goes to
-- files of its own.
function children.spawn(options)
  local self = setmetatable({ name = options[1], stop_signal = options.stop_signal or "SIGTERM" }, Child)
  local launch = { directory = options.directory, stdin = options.stdin or "/dev/null" }
  for i, argument in ipairs(options) do
    launch[i] = argument
  end
  self.stdout = files.new_path "stdout"
  self.stderr = files.new_path "stderr"
  launch.env = environment(options[1], options.env)
  launch.stdout, launch.stderr = self.stdout, self.stderr
  self.pid = assert(process.spawn(launch))
  self.token = cleanup.defer(function()
    self:stop()
  end)
  return self
end

-- "exited" or "signalled", and the number; nil when it still runs after `timeout` seconds.
function Child:wait(timeout)
  if not self.ended then
    local how, number = process.wait(self.pid, timeout)
    if not how then
      return nil
    end
    self.ended, self.number = how, number
    cleanup.forget(self.token)
  end
  return self.ended, self.number
end

function Child:running()
  return self:wait(0) == nil
end

function Child:kill(signal)
  return self.ended or process.kill(self.pid, signal)
end

-- Ends it: with its stop_signal, and when it does not listen within some seconds with SIGKILL.
function Child:stop()
  if self:running() then
    self:kill(self.stop_signal)
    if not self:wait(2 * waiting.SLACK) then
      self:kill "SIGKILL"
      self:wait()
      error(("%s did not stop on %s"):format(self.name, self.stop_signal), 0)
    end
  end
end

function Child:output()
  return files.read_if_there(self.stdout)
end

function Child:errors()
  return files.read_if_there(self.stderr)
end

-- A sanitizer's search for leaks at a program's end stumbles over threads that have just ended, and over what a fork
-- left behind.
local function without_leaks(env)
  local changed = { ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":detect_leaks=0" }
  for name, value in pairs(env or {}) do
    changed[name] = value
  end
  return changed
end

-- Runs a program to its end: exit status (128 and the number for a signal, as a shell has it), stdout, stderr.
-- options: stdin (text), env, directory, timeout (30 s; long after it, it is killed and an error raised), leaks (false:
-- a sanitizer looks for none).
function children.run(argv, options)
  options = options or {}
  local env = options.leaks == false and without_leaks(options.env) or options.env
  local launch = { env = env, directory = options.directory }
  for i, argument in ipairs(argv) do
    launch[i] = argument
  end
  if options.stdin then
    launch.stdin = files.write(files.new_path "stdin", options.stdin)
  end
  local child = children.spawn(launch)
  local how, number = child:wait(waiting.SLACK * (options.timeout or 30))
  if not how then
    child:kill "SIGKILL"
    child:wait()
    error(("%s did not end in time; it wrote:\n%s%s"):format(argv[1], child:output(), child:errors()), 2)
  end
  local output, errors = child:output(), child:errors()
  for _, path in pairs { child.stdout, child.stderr, launch.stdin } do
    os.remove(path)
  end
  return how == "exited" and number or 128 + number, output, errors
end

-- Runs a program that must succeed: its stdout.
function children.must(...)
  local status, output, errors = children.run { ... }
  assert(status == 0, errors)
  return output
end

-- Runs a Lua file, or with {code = text} a piece of Lua, under the Lua of this run.
function children.run_lua(script, arguments, options)
  local argv = { children.lua() }
  if type(script) == "table" then
    script = files.write(files.new_path "script.lua", script.code)
  end
  argv[2] = script
  for i, argument in ipairs(arguments or {}) do
    argv[i + 2] = argument
  end
  return children.run(argv, options)
end

return children
