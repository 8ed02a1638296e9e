-- What argparse says of wrong usage, in our words: with what was probably meant, and without what may be a credential.

local nearest = require("postevent.nearest")
local outline = require("postevent.cli.outline")

local usage = {}

local LONGEST_SHOWN = 32

-- Whether a word may be shown: a name of an option or a command, and no value out of place.
local function is_name(word)
  return #word <= LONGEST_SHOWN and word:find("^%-?%-?%l[%l-]*$") ~= nil
end

local function did_you_mean(name)
  return name and ("; did you mean %s?"):format(name) or ""
end

-- The long names of options; -x counts as the beginning of its long name.
local function list_options(command)
  local names = {}
  for _, option in ipairs(command.options) do
    for _, name in ipairs(option.names) do
      names[#names + 1] = name:find("^%-%-") and name or nil
    end
  end
  return names
end

local function has(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then
      return true
    end
  end
end

-- "; postevent post has it", of an option of other commands.
local function find_elsewhere(option, tree)
  local words
  outline.each(tree, function(command)
    words = words or (has(list_options(command), option) and command.words) or nil
  end)
  return words and ("; %s has it"):format(words)
end

local function list_names(commands)
  local names = {}
  for i, command in ipairs(commands) do
    names[i] = command.name
  end
  return names
end

local function explain_option(option, command, tree)
  if option:find("^%-%d$") then -- argparse takes -1d, a value, for an option -1
    return ("unknown option %s; a value that begins so stands behind an equals sign: --option=%s"):format(option,
      option)
  elseif not is_name(option) then
    return "unknown option"
  end
  local meant = nearest(option:gsub("^%-(%l)$", "--%1"), list_options(command))
  return ("unknown option %s%s"):format(option, meant and did_you_mean(meant) or find_elsewhere(option, tree) or "")
end

-- "DIR [ID]"
local function list_arguments(command)
  local parts = {}
  for i, argument in ipairs(command.arguments) do
    local shown = argument.shown .. (argument.is_list and " ..." or "")
    parts[i] = argument.is_optional and "[" .. shown .. "]" or shown
  end
  return parts[1] and table.concat(parts, " ") or "nothing"
end

-- An argument as the help calls it: "EVENTS", of events.
local function shown_name(command, name)
  for _, argument in ipairs(command.arguments) do
    if argument.name == name then
      return argument.shown
    end
  end
  return name
end

-- An option by its long name.
local function long_name(command, name)
  for _, option in ipairs(command.options) do
    if has(option.names, name) then
      return option.names[#option.names]
    end
  end
  return name
end

-- The outline of the command that the words of the command line begin with, as far as they go.
local function find(tree, argv)
  local at = tree
  for i = 1, 2 do
    for _, command in ipairs(at.commands) do
      if command.name == argv[i] then
        at = command
        break
      end
    end
  end
  return at
end

-- Of a word that is no command of `command`.
function usage.unknown(word, names)
  if not is_name(word) then
    return "unknown command"
  end
  local meant = nearest(word, names)
  local all = names[1] and ": there are " .. table.concat(names, ", ") or ""
  return ("unknown command %s%s"):format(word, meant and did_you_mean(meant) or all)
end

-- The message of argparse's `parser` about the command line `argv`, explained.
function usage.explain(message, parser, argv)
  local tree = outline.of(parser)
  local command = find(tree, argv)
  local option, word = message:match("^unknown option '(.-)'"), message:match("^unknown command '(.-)'")
  if option then
    return explain_option(option, command, tree)
  elseif word then
    return usage.unknown(word, list_names(command.commands))
  elseif message == "a command is required" then
    return message .. ": " .. table.concat(list_names(command.commands), ", ")
  elseif message == "too many arguments" then
    return ("%s: %s takes %s"):format(message, command.words, list_arguments(command))
  end
  return (message:gsub("argument '(.-)'", function(name)
    return shown_name(command, name)
  end):gsub("option '(.-)'", "'%1'"):gsub("'(%-.-)'", function(name)
    return long_name(command, name)
  end))
end

return usage
