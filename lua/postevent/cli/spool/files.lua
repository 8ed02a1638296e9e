-- The files of a spool's directory, for the sub-commands of `postevent spool`: which there are, who holds them, what
-- cannot be read. Ends the command where the directory will not do.

local core = require("postevent.native")("postevent.core").spool
local exit = require("postevent.cli.exit")
local output = require("postevent.cli.output")

local files = {}

local NO_LOCK = -2 -- as csrc/spool/claim.h has it

local WORDS = {
  damaged = "it is damaged", foreign = "it is no spool's file",
  newer = "a newer release has written it, and only such a one can use it",
  taken = "a running program holds it",
}

-- The files, in the order of their making: { { name = , damaged = }, ... }.
function files.list(directory)
  local list, why = core.files(directory)
  return list or exit.usage(("DIR: %s: %s"):format(output.printable(directory), why))
end

-- The same, of a directory in which this user may change something: what another user makes there, the programs of its
-- owner cannot open.
function files.list_own(directory)
  local list = files.list(directory)
  local own, why = core.writable(directory)
  if not own then
    exit.with(exit.FAILED, ("%s: %s"):format(output.printable(directory), why))
  end
  return list
end

-- A file's path, to be shown: a name can have lines.
function files.path(directory, name)
  return output.printable(directory .. "/" .. name)
end

-- Why a file cannot be used, with its name. `kind` and `why` are those of files.open.
function files.explain(directory, name, kind, why)
  local words = WORDS[kind]
  if kind == "failed" or not words then
    words = why
  elseif kind == "damaged" and why then
    words = words .. ": " .. why
  end
  return ("%s: %s"):format(files.path(directory, name), words)
end

-- Whether the file is still there: a running program removes one that it has emptied.
function files.is_there(directory, name)
  for _, entry in ipairs(core.files(directory) or {}) do
    if entry.name == name then
      return true
    end
  end
  return false
end

-- Opens one to look into it ("look"), to change it ("write"), so that nobody takes it meanwhile ("claim"; of one that
-- is open, "again"), or to look into what can be read of a damaged one ("salvage"): the file; or nil, a kind and why.
-- One that was removed meanwhile, or into which nothing was ever written, is of the kind "gone".
function files.open(directory, name, how)
  local file, kind, why = core.open(directory, name, how or "look")
  local is_gone = not file and (kind == "nothing" or not files.is_there(directory, name))
  return file, is_gone and "gone" or kind, why
end

-- Removes a file that was set aside, with the log that went with it. Returns true; or nil and why.
function files.remove_damaged(directory, name)
  local path = directory .. "/" .. name
  os.remove(path .. "-wal") -- there may be none
  local removed, why = os.remove(path)
  return removed, why and why:gsub("^.*: ", "")
end

-- Calls `visit(file, name)` for every file that can be used; to look into it, also for what can be read of a damaged
-- one. Names on stderr what cannot be used; returns whether there is nothing of that.
function files.each(directory, list, how, visit)
  local all_read = true
  for _, entry in ipairs(list) do
    local file, kind, why = nil, "damaged", nil
    if not entry.damaged then
      file, kind, why = files.open(directory, entry.name, how)
    end
    if kind == "damaged" and how == "look" and not entry.damaged then
      file = files.open(directory, entry.name, "salvage")
    end
    if file then
      visit(file, entry.name)
      kind = file:about().passed and "damaged" or kind
      file:close()
    end
    if kind and kind ~= "gone" then
      output.warn(files.explain(directory, entry.name, kind, why))
      all_read = false
    end
  end
  return all_read
end

-- What goes behind a word of what is not there, where not all files could be read.
function files.where(all_read)
  return all_read and "" or " in what can be read"
end

-- Ends the command for what a file said of its content, if it is there.
function files.fail(directory, name, why)
  if not files.is_there(directory, name) then
    return
  end
  exit.with(exit.FAILED, ("%s: %s"):format(files.path(directory, name), why))
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

-- Who holds the file: nil where nobody does; else { pid = , name = }, each where it is known. nil and why, where nobody
-- can.
function files.holder(directory, name)
  local pid = core.owner(directory, name)
  if not pid then
    return nil
  elseif pid == NO_LOCK then
    return nil, "its .lock is no plain file, and no program can take it"
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
  return file or exit.with(exit.FAILED, ("%s: %s"):format(output.printable(directory), why))
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

return files
