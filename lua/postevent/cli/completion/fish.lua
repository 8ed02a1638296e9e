-- The completion of fish, 3.0 or newer: a line for whatever may come, with the command behind which it may.

local brief = require("postevent.cli.completion.brief")
local outline = require("postevent.cli.outline")

local SCRIPT = [=[
# fish completion for postevent, as `postevent completion fish` prints it.

# The commands among the words so far, and in a line of its own how many arguments stand behind them.
function __postevent_walk
    set -l commands @COMMANDS@
    set -l options @OPTIONS@
    set -l at postevent
    set -l count 0
    set -l is_value no
    for word in (commandline -opc)[2..-1]
        if test $is_value = yes
            set is_value no
        else if contains -- "$at $word" $commands
            set at "$at $word"
        else if contains -- "$at $word" $options
            set is_value yes
        else if not string match -q -- '-?*' $word
            set count (math $count + 1)
        end
    end
    printf '%s\n' $at $count
end

# Whether those are the commands in $argv[1], and, where they are given, as many arguments as $argv[2] ("3+": or more).
function __postevent_at
    set -l walked (__postevent_walk)
    test "$walked[1]" = "$argv[1]"
    or return 1
    if string match -q -- '*+' "$argv[2]"
        test "$walked[2]" -ge (string replace + '' -- "$argv[2]")
    else
        test -z "$argv[2]"
        or test "$walked[2]" = "$argv[2]"
    end
end

complete -c postevent -f
@LINES@
]=]

local function quote(text)
  return "'" .. text:gsub("[\\']", "\\%0") .. "'"
end

-- What offers the values of an option or an argument; nothing: "".
local function offer(element)
  if element.values then
    return " -a " .. quote(table.concat(element.values, " "))
  elseif element.kind == "directory" then
    return " -a '(__fish_complete_directories)'"
  end
  return element.kind == "file" and " -F" or ""
end

-- The condition: behind those commands, and `count` arguments.
local function at(command, count)
  return (" -n %s"):format(quote(('__postevent_at "%s"%s'):format(command.words, count and " " .. count or "")))
end

local function names_of(option)
  local parts = {}
  for i, name in ipairs(option.names) do
    local long = name:match("^%-%-(.+)")
    parts[i] = long and "-l " .. long or "-s " .. name:sub(2)
  end
  return table.concat(parts, " ")
end

-- -r: it takes a value; -x: one that is no file.
local function write_option(command, option)
  local way = not option.takes_value and "" or option.kind == "file" and " -r" or " -x"
  return ("complete -c postevent%s %s%s%s -d %s"):format(at(command), names_of(option), way, offer(option),
    quote(brief(option.text)))
end

local function write_argument(command, index, argument)
  local count = tostring(index - 1) .. (argument.is_list and "+" or "")
  return ("complete -c postevent%s%s"):format(at(command, count), offer(argument))
end

local function add_lines(lines, command)
  for _, sub in ipairs(command.commands) do
    lines[#lines + 1] = ("complete -c postevent%s -a %s -d %s"):format(at(command, 0), sub.name,
      quote(brief(sub.summary)))
  end
  for i, argument in ipairs(command.arguments) do
    lines[#lines + 1] = offer(argument) ~= "" and write_argument(command, i, argument) or nil
  end
  for _, option in ipairs(command.options) do
    lines[#lines + 1] = write_option(command, option)
  end
end

-- The script, of an outline.
return function(tree)
  local lines, commands, options = {}, {}, {}
  outline.each(tree, function(command)
    add_lines(lines, command)
    commands[#commands + 1] = command ~= tree and quote(command.words) or nil
    for _, option in ipairs(command.options) do
      for _, name in ipairs(option.takes_value and option.names or {}) do
        options[#options + 1] = quote(command.words .. " " .. name)
      end
    end
  end)
  return (SCRIPT:gsub("@(%u+)@", { COMMANDS = table.concat(commands, " "), OPTIONS = table.concat(options, " "),
    LINES = table.concat(lines, "\n") }))
end
