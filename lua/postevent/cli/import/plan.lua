-- What the options say of events: --map, --drop, --set, --types, --common, read into tables. Ends the command where one
-- will not do.

local assignments = require("postevent.cli.assignments")
local exit = require("postevent.cli.exit")
local given = require("postevent.cli.given")
local types = require("postevent.cli.import.types")
local words = require("postevent.options.words")

local plan = {}

local function set_of(list)
  local set = {}
  for _, item in ipairs(list) do
    set[item] = true
  end
  return set
end

-- "; did you mean Guest mobile?", where there is a name like this one.
local function similar(name, names)
  local near = words.nearest(name, set_of(names))
  return near and ("; did you mean %s?"):format(near) or ""
end

local function read_map(list)
  local map = {}
  for i, text in ipairs(list) do
    local column, attribute = text:match("^(.+)=([^=]+)$")
    if not column then
      exit.usage(("--map %d: expected COLUMN=ATTRIBUTE%s"):format(i, given.got(text)))
    elseif map[column] then
      exit.usage(("--map %d: the column is given twice"):format(i))
    end
    map[column] = attribute
  end
  return map
end

local TYPE_NAMES = { "number", "boolean", "text", "json" }

local function refuse_type(part, name)
  exit.usage(("--types: expected ATTRIBUTE=TYPE,..., a TYPE being number, boolean, text or json%s%s"):format(
    given.got(part), similar(name or "", TYPE_NAMES)))
end

local function read_types(list)
  local read = {}
  for _, text in ipairs(list) do
    for part in text:gmatch("[^,]+") do
      local attribute, name = part:match("^(.+)=(%w+)$")
      if not attribute or not types.NAMES[name] then
        refuse_type(part, name)
      end
      read[attribute] = name
    end
  end
  return read
end

-- The tables that events.new wants, but for `definitions` and `time`; and `common`.
function plan.read(args)
  local common = assignments(args.common, "--common")
  return {
    map = read_map(args.map), drop = set_of(args.drop), set = assignments(args.set, "--set"),
    types = read_types(args.types), id_attribute = args.id_attribute, common = next(common) and common or nil,
  }
end

local function find(name, header)
  for _, column in ipairs(header) do
    if column == name then
      return true
    end
  end
end

local function find_attribute(read, header, attribute)
  for _, column in ipairs(header) do
    if not read.drop[column] and (read.map[column] or column) == attribute then
      return true
    end
  end
end

-- Not where --map makes one what another is called: --failed adds a column for ids.
local function check_twice(read, header, file)
  local seen = {}
  for _, column in ipairs(header) do
    local is_left_out = read.drop[column] or column == ""
    local key = (read.map[column] and "mapped " or "own ") .. (read.map[column] or column)
    if not is_left_out and seen[key] then
      exit.usage(("FILE: %s: two columns are %s; --drop or --map one"):format(file, read.map[column] or column))
    end
    seen[key] = true
  end
end

-- Ends the command where the header of a file, a list of columns, does not have what the options name, or has one
-- attribute twice.
function plan.check_header(read, header, file)
  for option, names in next, { ["--map"] = read.map, ["--drop"] = read.drop } do
    for name in next, names do
      if not find(name, header) then
        exit.usage(("%s: %s has no column that is %s%s"):format(option, file, name, similar(name, header)))
      end
    end
  end
  for attribute in next, read.types do
    if not find_attribute(read, header, attribute) then
      exit.usage(("--types: %s has no column that is %s%s"):format(file, attribute, similar(attribute, header)))
    end
  end
  check_twice(read, header, file)
end

-- What is said of options that name something that no record of a file has had, `met` being what they have had. For one
-- without a header: nobody can say before what it has.
function plan.find_unmet(read, met)
  local found = {}
  for option, names in next, { ["--map"] = read.map, ["--drop"] = read.drop } do
    for name in next, names do
      found[#found + 1] = not met[name] and ("%s: no event has %s"):format(option, name) or nil
    end
  end
  found[#found + 1] = next(read.types) and "--types: says nothing of JSON, which has types" or nil
  table.sort(found)
  return found
end

return plan
