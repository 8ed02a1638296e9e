-- What the command reads: files, and stdin under the name "-".

local ascii = require("postevent.ascii")
local exit = require("postevent.cli.exit")
local window = require("postevent.cli.window")

local input = {}

local MAX_BYTES = 1024 * 1024 -- far more than an event may have, and less than a wrong file name can cost
local BLOCK = 65536

-- The name of a file in messages.
function input.name(path)
  return path == "-" and "stdin" or path
end

-- Ends the command where two of the options and arguments of these names would both read stdin.
function input.check_stdin(args, names)
  local first
  for _, name in ipairs(names) do
    local field = ascii.lower(name:gsub("^%-%-", ""):gsub("%-", "_"))
    if args[field] == "-" then
      if first then
        exit.usage(("%s and %s cannot both read stdin"):format(first, name))
      end
      first = name
    end
  end
end

-- Ends the command. The message names the file, but not with `secret`: whoever mistakes the option gives a credential
-- in its place.
local function fail(option, path, message, secret)
  if message:sub(1, #path + 2) == path .. ": " then
    message = message:sub(#path + 3)
  end
  exit.usage(("%s: cannot read %s: %s"):format(option, secret and "the file" or input.name(path), message))
end

local function open(option, path, secret)
  if path == "-" then
    return io.stdin
  end
  local file, message = io.open(path, "rb")
  return file or fail(option, path, message, secret)
end

local function close(file)
  if file ~= io.stdin then
    file:close()
  end
end

-- What is there, up to a block beyond `most` bytes; or nil and a message. Block by block: asked for so many at once,
-- Lua takes the memory for all of them, though the file be short.
local function read_blocks(file, most)
  local blocks, size = {}, 0
  while size <= most do
    local block, message = file:read(BLOCK)
    if message then
      return nil, message
    elseif not block then
      break
    end
    blocks[#blocks + 1], size = block, size + #block
  end
  return table.concat(blocks)
end

-- The whole text of the file that `option` names. Ends the command when it cannot be read, or has more than `most`
-- bytes (1 MiB).
function input.read(option, path, secret, most)
  most = most or MAX_BYTES
  local file = open(option, path, secret)
  local text, message = read_blocks(file, most)
  close(file)
  if message then
    fail(option, path, message, secret)
  end
  if #text > most then
    exit.usage(("%s: %s: longer than %d bytes"):format(option, secret and "the file" or input.name(path), most))
  end
  return text
end

-- A function that returns the next block of the file, or nil at its end.
local function block_reader(option, path)
  local file = open(option, path)
  return function()
    local block, message = file:read(BLOCK)
    if message then
      fail(option, path, message)
    end
    if not block then
      close(file)
    end
    return block
  end
end

-- `for number, line, is_cut, text in input.lines(option, path)`: the lines of a file of any size, without their "\n".
-- Of a line of more than 1 MiB only the beginning is there; then `is_cut` is true. `text`: the window (window.lua) on
-- what is behind it. Ends the command when the file cannot be read. `look`: a function that is called with the
-- beginning of the text before, where there is one.
function input.lines(option, path, look)
  local text = window.open(block_reader(option, path))
  local number, beginning = 0, text:ahead()
  if beginning ~= "" then
    look(beginning)
  end
  return function()
    local line, is_cut = text:line()
    number = number + 1
    if line then
      return number, line, is_cut, text
    end
  end
end

return input
