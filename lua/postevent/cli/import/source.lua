-- A file to import, or stdin, as blocks of bytes: from its beginning, and as often as is needed. Owns what stands
-- between the file and its text: a pipe from gzip or zstd, and the copy of what cannot be read twice, a temporary file
-- without a name.

local exit = require("postevent.cli.exit")
local input = require("postevent.cli.input")
local system = require("postevent.native")("postevent.core").command

local source = {}

local Source = {}
Source.__index = Source

local BLOCK = 65536
local PACKED = { { "^\31\139", "gzip" }, { "^%(\181/\253", "zstd" } } -- by the first bytes (RFC 1952, RFC 8878)
local STATUS_SIZE = 4 -- of what the shell writes behind the text: NUL and three digits
local NOT_FOUND = 127 -- the shell's status where there is no such tool

local function refuse(name, why)
  exit.usage(("FILE: %s: %s"):format(name, why))
end

-- "gzip" or "zstd" where the file begins as theirs do.
local function find_tool(path)
  local file = io.open(path, "rb")
  local beginning = file and file:read(4) or ""
  if file then
    file:close()
  end
  for _, packed in ipairs(PACKED) do
    if beginning:find(packed[1]) then
      return packed[2]
    end
  end
end

-- What `path` names, "-" being stdin. Ends the command where nothing can be read there.
function source.open(path)
  local self = setmetatable({ path = path, name = input.name(path), kind = "stream" }, Source)
  if path == "-" then
    return self
  end
  local kind, size = system.kind(path)
  if not kind then
    refuse(path, size)
  elseif kind == "directory" then
    refuse(path, "is a directory")
  elseif kind == "file" then
    self.tool = find_tool(path)
    self.kind = self.tool and "packed" or "file"
    self.size = not self.tool and size or nil
  end
  self.is_file = kind == "file"
  return self
end

-- ---- what blocks come from ----

-- Reads a file; the second result closes it.
local function from_file(file)
  return function()
    return file:read(BLOCK)
  end, function()
    if file ~= io.stdin then
      file:close()
    end
  end
end

local function quote(path)
  return "'" .. path:gsub("'", "'\\''") .. "'"
end

local function explain_status(tool, status)
  if status == NOT_FOUND then
    return ("it is compressed, and there is no %s here"):format(tool)
  end
  return ("%s cannot unpack all of it: the file is damaged, or cut off"):format(tool)
end

-- Reads what the tool makes of the file. Behind it stands the tool's status: not every Lua tells that of a pipe. The
-- last bytes that have come are held back, as they may be it.
local function from_pipe(self)
  local command = ("%s -dc <%s 2>/dev/null; printf '\\000%%03d' $?"):format(self.tool, quote(self.path))
  local pipe = io.popen(command, "r")
  local held = ""
  return function()
    local block = pipe:read(BLOCK)
    if block then
      local all = held .. block
      held = all:sub(-STATUS_SIZE)
      return all:sub(1, -STATUS_SIZE - 1)
    end
    local status = tonumber(held:match("^%z(%d%d%d)$"))
    if status ~= 0 then
      return nil, status and explain_status(self.tool, status) or "the pipe broke"
    end
  end, function()
    pipe:close()
  end
end

-- Reads what a pass before has kept. Where that did not come to the end, this does not either.
local function from_copy(self)
  self.copy:seek("set")
  local read = from_file(self.copy)
  return function()
    local block = read()
    return block, not block and self.cut or nil
  end, function() end
end

local function open_again(self)
  if self.kind == "packed" then
    return from_pipe(self)
  elseif self.copy then
    return from_copy(self)
  end
  local file, why = io.stdin, nil
  if self.path ~= "-" then
    file, why = io.open(self.path, "rb")
  end
  if not file and system.signals() > 0 then -- it is a FIFO, and nobody came
    exit.with(exit.TRY_AGAIN, "interrupted; nothing was sent")
  elseif not file then
    refuse(self.name, (why:gsub("^.*: ", "")))
  end
  return from_file(file)
end

-- ---- a pass ----

local Pass = {}
Pass.__index = Pass

-- Adds to the copy, where one is made.
local function keep(pass, block)
  if pass.copying then
    local written, why = pass.copying:write(block)
    if not written then
      return nil, "it cannot be kept to be read again: " .. why
    end
  end
  return block
end

-- Nothing more is to be read: all has come that there was when it was counted before.
local function is_complete(pass)
  return pass.limit and pass.size >= pass.limit
end

local function next_block(pass)
  local block, why = pass.read_block()
  if block and pass.limit then
    block = block:sub(1, pass.limit - pass.size)
  end
  if block then
    return keep(pass, block)
  elseif not why and pass.limit and pass.size < pass.limit then
    why = "it has become shorter while it was read"
  end
  return nil, why
end

-- The next block; nil at the end. What went wrong is in `trouble` afterwards; `interrupted`: a signal came.
function Pass:read()
  if system.signals() > 0 then
    self.interrupted = true
  end
  if self.interrupted or self.trouble or is_complete(self) then
    return nil
  end
  local block, why = next_block(self)
  self.interrupted = system.signals() > 0
  if not block then
    self.trouble = not self.interrupted and why or nil
    self.is_whole = not self.interrupted and not why
    return nil
  end
  self.size = self.size + #block
  self.digest:add(block)
  return block
end

-- The text that was read so far: its size, and its hash.
function Pass:fingerprint()
  return { size = self.size, hash = self.digest:hex() }
end

function Pass:close()
  self.close_file()
  if self.copying and not self.is_whole then
    self.source.cut = self.trouble or "it was not read to its end"
  end
end

-- Begins at the beginning. `again`: whether there is to be another pass after this one. `limit`: how many bytes there
-- are, where that is known from a pass before: what has been added since is not read.
function Source:pass(again, limit)
  local pass = setmetatable({ source = self, size = 0, digest = system.digest(), limit = limit }, Pass)
  if again and self.kind == "stream" and not self.copy then
    local copy, why = io.tmpfile()
    pass.copying = copy or exit.with(exit.FAILED, ("%s: it cannot be kept to be read again: %s"):format(self.name, why))
  end
  self.stamp = self.stamp or system.stamp(self.path)
  pass.read_block, pass.close_file = open_again(self)
  self.copy = self.copy or pass.copying
  return pass
end

-- Why a file has not the bytes any more that the fingerprint is of; nil: it has. It is read again only where something
-- was done to it since the first pass.
function Source:find_change(fingerprint)
  local stamp = system.stamp(self.path)
  if not self.is_file or (stamp and stamp == self.stamp) then
    return nil
  end
  local pass = self:pass(false, fingerprint.size)
  repeat until not pass:read()
  pass:close()
  if pass.interrupted then
    return "interrupted"
  elseif pass.trouble then
    return ("%s: %s"):format(self.name, pass.trouble)
  elseif pass:fingerprint().hash ~= fingerprint.hash then
    return ("%s: it has changed since it was checked"):format(self.name)
  end
  self.stamp = stamp
end

-- Whether a file has more than these bytes now.
function Source:has_grown(size)
  local kind, now = system.kind(self.path)
  return self.kind == "file" and kind == "file" and now > size
end

return source
