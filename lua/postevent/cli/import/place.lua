-- Where the journal of a file is: beside it, as FILE.postevent, or where --journal says; and where nobody may write
-- there, among the user's own files, by a name made of the file's path. Of what has no place, a temporary file.

local exit = require("postevent.cli.exit")
local journal = require("postevent.cli.import.journal")
local notice = require("postevent.cli.import.notice")
local system = require("postevent.native")("postevent.core").command

local place = {}

local SUFFIX = ".postevent"
local LONGEST = 150 -- of a file's name within the name of a journal that is elsewhere

-- The user's own directory for what programs keep (XDG Base Directory); nil: there is none.
local function state_directory()
  local state, home = os.getenv("XDG_STATE_HOME"), os.getenv("HOME")
  if state and state:sub(1, 1) == "/" then
    return state .. "/postevent"
  end
  return home and home:sub(1, 1) == "/" and home .. "/.local/state/postevent" or nil
end

-- The directory and the path there; nil: there is no such directory.
local function find_elsewhere(source)
  local directory = state_directory()
  local name = source.path:match("[^/]*$"):sub(1, LONGEST):gsub("[\192-\255][\128-\191]*$", "")
  return directory, directory and ("%s/%s-%s%s"):format(directory, name,
    system.sha256(system.real_path(source.path) or source.path):sub(1, 16), SUFFIX)
end

local function open_elsewhere(source, args, beside, why)
  local directory, path = find_elsewhere(source)
  local opened = path and system.make_directory(directory) and journal.open(path, args.restart)
  if not opened then
    exit.usage(("%s: the journal cannot be made there: %s; --journal says where"):format(beside, why))
  end
  if not args.quiet then
    notice.say(args, "warning", ("%s: %s; the journal is %s"):format(beside, why, path))
  end
  return opened
end

-- The path of the file that a link names, through any number of links; of what is no link, and of what is below linked
-- directories, the path as it is given: what is beside it is beside the file.
local function follow(path)
  local directory, name = path:match("^(.*/)([^/]*)$")
  local above = system.real_path(directory or ".")
  local real = system.real_path(path)
  local unlinked = above and (above:gsub("/$", "") .. "/" .. (name or path))
  return real and real ~= unlinked and real or path
end

-- Where the journal of the file at `path` is, if nothing is in the way: beside the file, whichever of its names is
-- given, so that two imports of it meet. One beside that name is the one, if it is there.
local function find_beside(path)
  local near, beside = path .. SUFFIX, follow(path) .. SUFFIX
  return system.kind(near) and near or beside
end

-- One that is there already is the one, wherever it is: with another, all would be sent again.
local function open_beside(source, args)
  local beside = find_beside(source.path)
  local is_there = system.kind(beside) ~= nil
  local _, elsewhere = find_elsewhere(source)
  if not is_there and elsewhere and system.kind(elsewhere) then
    return open_elsewhere(source, args, beside, "it was begun elsewhere")
  end
  local opened, why = journal.open(beside, args.restart)
  if not opened and is_there then
    exit.usage(("%s: it is there, and cannot be used: %s; --journal names another file"):format(beside, why))
  end
  return opened or open_elsewhere(source, args, beside, why)
end

-- A file that goes with the process.
local function open_nowhere()
  local path = os.tmpname()
  local opened, why = journal.open(path)
  os.remove(path)
  if not opened then
    exit.with(exit.FAILED, ("%s: %s"):format(path, why))
  end
  opened.is_temporary = true
  return opened
end

-- Where it is meant to be.
function place.of(args)
  return args.journal or find_beside(args.files[1])
end

-- The journal of a file, opened. args: journal, restart, quiet. Ends the command where there can be none.
function place.open(source, args)
  if args.journal then
    local opened, why = journal.open(args.journal, args.restart)
    return opened or exit.usage(("--journal: %s: %s"):format(args.journal, why))
  elseif not source.is_file then
    return open_nowhere()
  end
  return open_beside(source, args)
end

return place
