-- The commands as plain tables: what is made of them (manual pages, the completion of shells) is made of these. Here
-- alone are the fields of argparse's objects known, of its versions 0.6 and 0.7.

local ascii = require("postevent.ascii")
local notes = require("postevent.cli.notes")

local outline = {}

-- What the placeholder of a value says of what it is.
local KINDS = { FILE = "file", EVENTS = "file", DIR = "directory" }

-- What stands for the value in the help.
local function placeholder(element)
  local name = element._argname or ascii.upper(element._name)
  return type(name) == "table" and table.concat(name, " ") or name
end

-- What options and arguments have in common.
local function describe(element)
  local shown = placeholder(element)
  return {
    text = element._description or "",
    shown = shown,
    kind = KINDS[shown],
    values = notes.of(element).offers,
    default = type(element._default) == "string" and element._default or nil,
  }
end

local function describe_argument(argument)
  local made = describe(argument)
  made.name = argument._name
  made.is_optional, made.is_list = argument._minargs == 0, argument._maxargs > 1
  return made
end

local function describe_option(option)
  local made = describe(option)
  made.names = option._public_aliases or option._aliases -- 0.7, 0.6
  made.takes_value = option._maxargs > 0
  made.is_required, made.is_repeated = option._mincount > 0, option._maxcount > 1
  return made
end

local function list(elements, convert)
  local made = {}
  for _, element in ipairs(elements) do
    made[#made + 1] = not element._hidden and convert(element) or nil
  end
  return made
end

-- With the one of help first: where it stands depends on argparse's version.
local function list_options(object)
  local made = list(object._options, describe_option)
  for i, option in ipairs(made) do
    if option.names[1] == "-h" then
      table.insert(made, 1, table.remove(made, i))
    end
  end
  return made
end

-- The options that exclude each other: a list of lists.
local function list_rivals(object, options)
  local by_name, rivals = {}, {}
  for _, option in ipairs(options) do
    by_name[option.names[1]] = option
  end
  for i, mutex in ipairs(object._mutexes) do
    rivals[i] = list(mutex, function(option)
      return by_name[option._name]
    end)
  end
  return rivals
end

-- What the help says behind the options, without what notes.lua knows better.
local function text_before(object, noted)
  local before = noted.statuses and object._epilog:match("^(.-)%s*Exit status: ") or object._epilog
  return before ~= "" and before or nil
end

-- A parser, or a command of it, with all that is below:
--   name, summary    as the help lists it; `words`: "postevent spool list"
--   before           what the help says behind the options, and before the exit statuses; may be nil
--   statuses, examples  of notes.lua; may be nil
--   arguments        each: name, shown, text, kind ("file", "directory" or nil), values (or nil), is_optional, is_list
--   options          each: names, takes_value, shown, text, kind, values, default, is_required, is_repeated
--   rivals           lists of those options that exclude each other
--   commands         the same as this
function outline.of(object, above)
  local noted = notes.of(object)
  local words = (above and above .. " " or "") .. object._name
  local options = list_options(object)
  return {
    name = object._name, words = words, summary = object._description or "",
    before = text_before(object, noted),
    statuses = noted.statuses, examples = noted.examples,
    arguments = list(object._arguments, describe_argument), options = options,
    rivals = list_rivals(object, options),
    commands = list(object._commands, function(command)
      return outline.of(command, words)
    end),
  }
end

-- Calls `visit` with an outline and all that are below it, in their order.
function outline.each(tree, visit)
  visit(tree)
  for _, command in ipairs(tree.commands) do
    outline.each(command, visit)
  end
end

return outline
