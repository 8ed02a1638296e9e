-- The files of a spool's directory, for the sub-commands of `postevent spool`: which there are, who holds them, what
-- cannot be read. Ends the command where the directory will not do.

local core = require("postevent.native")("postevent.core").spool
local exit = require("postevent.cli.exit")
local output = require("postevent.cli.output")

local files = {}

local WORDS = {
  damaged = "it is damaged", newer = "a newer release has written it", foreign = "it is no spool's file",
  taken = "a running program holds it",
}

-- The files, in the order of their making: { { name = , damaged = }, ... }.
function files.list(directory)
  local list, why = core.files(directory)
  return list or exit.usage(("DIR: %s: %s"):format(directory, why))
end

-- The same, of a directory in which this user may change something: what another user makes there, the programs of its
-- owner cannot open.
function files.list_own(directory)
  local list = files.list(directory)
  local own, why = core.writable(directory)
  if not own then
    exit.with(exit.FAILED, ("%s: %s"):format(directory, why))
  end
  return list
end

-- Why a file cannot be used, with its name. `kind` and `why` are those of files.open.
function files.explain(directory, name, kind, why)
  local words = WORDS[kind]
  if kind == "failed" or not words then
    words = why
  end
  return ("%s/%s: %s"):format(directory, name, words)
end

-- Opens one to look into it ("look"), to change it ("write"), or so that nobody takes it meanwhile ("claim"): the file;
-- or nil, a kind and why. One that was removed meanwhile, or into
-- which nothing was ever written, is of the kind "gone".
function files.open(directory, name, how)
  local file, kind, why = core.open(directory, name, how or "look")
  if kind == "nothing" or (not file and why == "No such file or directory") then
    kind = "gone"
  end
  return file, kind, why
end

-- Removes a file that was set aside, with the log that went with it. Returns true; or nil and why.
function files.remove_damaged(directory, name)
  local path = directory .. "/" .. name
  os.remove(path .. "-wal") -- there may be none
  local removed, why = os.remove(path)
  return removed, why and why:gsub("^.*: ", "")
end

-- Calls `visit(file, name)` for every file that can be used. Names the others on stderr; returns whether there are any.
function files.each(directory, list, how, visit)
  local all_read = true
  for _, entry in ipairs(list) do
    local file, kind, why = nil, "damaged", nil
    if not entry.damaged then
      file, kind, why = files.open(directory, entry.name, how)
    end
    if file then
      visit(file, entry.name)
      file:close()
    elseif kind ~= "gone" then
      output.warn(files.explain(directory, entry.name, kind, why))
      all_read = false
    end
  end
  return all_read
end

-- Ends the command for what a file said of its content.
function files.fail(directory, name, why)
  exit.with(exit.FAILED, ("%s/%s: %s"):format(directory, name, why))
end

-- `for event in files.events(file, dead, fail)`: the pending events of a file, or the dead, oldest first; of one id
-- alone, where it is given. `fail` is called with the words where the file cannot be read on.
function files.events(file, dead, fail, id)
  local row = 0
  return function()
    local event, why = file:next(dead, row, id)
    if event then
      row = event.row
    elseif why then
      fail(why)
    end
    return event
  end
end

-- Who holds the file: nil where nobody does; else { pid = , name = }, each where it is known.
function files.holder(directory, name)
  local pid = core.owner(directory, name)
  if not pid then
    return nil
  elseif pid < 0 then
    return {}
  end
  local file = io.open(("/proc/%d/comm"):format(pid)) -- Linux alone has it
  local program = file and file:read("*l")
  if file then
    file:close()
  end
  return { pid = pid, name = program }
end

-- "lua5.4 (process 12)"
function files.describe_holder(holder)
  if not holder then
    return "nobody"
  elseif not holder.pid then
    return "a process that is not known here"
  end
  return holder.name and ("%s (process %d)"):format(holder.name, holder.pid) or ("process %d"):format(holder.pid)
end

-- Makes a file for events of that endpoint, which nobody takes until it is closed.
function files.create(directory, endpoint)
  local file, why = core.create(directory, endpoint)
  return file or exit.with(exit.FAILED, ("%s: %s"):format(directory, why))
end

-- How an event without an id is called: the end of its file's name, whether it is dead, its row.
function files.reference(name, dead, row)
  return ("%s:%s%d"):format(name:match("(%w+)%.spool$") or name, dead and "d" or "p", row)
end

-- The event without an id that `id` is the reference of, in this file; or nil.
function files.refer(file, name, dead, id)
  local row = tonumber(id:match("(%d+)$"))
  if not row or files.reference(name, dead, row) ~= id then
    return nil
  end
  local event = file:next(dead, row - 1)
  return event and event.row == row and event or nil
end

files.asks = core.asks

return files
