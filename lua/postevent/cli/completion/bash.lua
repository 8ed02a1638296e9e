-- The completion of bash: a function that walks along the words, with a table of what may stand where. It needs nothing
-- but bash itself, 3.2 or newer; before 4.0 it offers no files.

local outline = require("postevent.cli.outline")

local SCRIPT = [=[
# bash completion for postevent, as `postevent completion bash` prints it.

# What may stand behind the words of $1: sets commands, flags (options without a value), options (with one), and
# arguments, the kinds of what follows, of which the last stays: file, directory, none, or a list of words.
_postevent_at() {
  commands= flags= options= arguments=()
  case $1 in
@PLACES@
  esac
}

# The kind of the value of option $2 behind the words of $1, in the same words.
_postevent_value() {
  case "$1 $2" in
@VALUES@
  *) kind=none ;;
  esac
}

_postevent() {
  local at=postevent commands flags options arguments kind option= count=0 i word
  local current=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  _postevent_at "$at"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == = && -n $option ]]; then
      continue # bash takes --option=value apart
    elif [[ -n $option ]]; then
      option=
    elif [[ " $options " == *" $word "* ]]; then
      option=$word
    elif [[ " $commands " == *" $word "* ]]; then
      at="$at $word"
      _postevent_at "$at"
    elif [[ $word != -?* ]]; then
      count=$((count + 1))
    fi
  done
  [[ $current != = || -z $option ]] || current=
  if [[ -n $option ]]; then
    _postevent_value "$at" "$option"
  elif [[ $current == -* ]]; then
    kind="$flags $options"
  elif [[ -n $commands ]]; then
    kind=$commands
  else
    [[ $count -lt ${#arguments[@]} ]] || count=$((${#arguments[@]} - 1))
    [[ $count -ge 0 ]] && kind=${arguments[count]} || kind=none
  fi
  case $kind in
  file) compopt -o default 2>/dev/null ;;
  directory) compopt -o dirnames 2>/dev/null ;;
  none) ;;
  *) COMPREPLY=($(compgen -W "$kind" -- "$current")) ;;
  esac
}

complete -F _postevent postevent
]=]

-- How it is called what an option or an argument takes.
local function kind_of(element)
  return element.values and table.concat(element.values, " ") or element.kind or "none"
end

local function quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

local function assign(name, words)
  return words[1] and (" %s=%s"):format(name, quote(table.concat(words, " "))) or ""
end

-- The kinds of the arguments; where the last may not be repeated, none follows.
local function list_arguments(arguments)
  local kinds = {}
  for i, argument in ipairs(arguments) do
    kinds[i] = quote(kind_of(argument))
  end
  local last = arguments[#arguments]
  if last and not last.is_list then
    kinds[#kinds + 1] = "none"
  end
  return kinds[1] and (" arguments=(%s)"):format(table.concat(kinds, " ")) or ""
end

-- The names of options: those without a value, and those with one.
local function split_options(options)
  local flags, others = {}, {}
  for _, option in ipairs(options) do
    for _, name in ipairs(option.names) do
      table.insert(option.takes_value and others or flags, name)
    end
  end
  return flags, others
end

local function write_place(command)
  local names = {}
  for i, sub in ipairs(command.commands) do
    names[i] = sub.name
  end
  local flags, options = split_options(command.options)
  local assignments = assign("commands", names) .. assign("flags", flags) .. assign("options", options)
    .. list_arguments(command.arguments)
  return assignments ~= "" and ("  %s)%s ;;"):format(quote(command.words), assignments) or nil
end

local function write_values(lines, command)
  for _, option in ipairs(command.options) do
    for _, name in ipairs(option.takes_value and option.names or {}) do
      local kind = kind_of(option)
      if kind ~= "none" then
        lines[#lines + 1] = ("  %s) kind=%s ;;"):format(quote(command.words .. " " .. name), quote(kind))
      end
    end
  end
end

-- The script, of an outline.
return function(tree)
  local places, values = {}, {}
  outline.each(tree, function(command)
    places[#places + 1] = write_place(command)
    write_values(values, command)
  end)
  return (SCRIPT:gsub("@(%u+)@", { PLACES = table.concat(places, "\n"), VALUES = table.concat(values, "\n") }))
end
