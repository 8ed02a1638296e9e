-- The completion of zsh: a function for each command, on _arguments.

local brief = require("postevent.cli.completion.brief")
local outline = require("postevent.cli.outline")

local SCRIPT = [=[
#compdef postevent
# zsh completion for postevent, as `postevent completion zsh` prints it.

@FUNCTIONS@

# Loaded by zsh for its name, or read by hand.
if [[ $funcstack[1] == _postevent ]]; then
  _postevent "$@"
elif (( $+functions[compdef] )); then
  compdef _postevent postevent
fi
]=]

local GROUP = [=[
@NAME@() {
  local -a commands line
  local state
  commands=(
@COMMANDS@
  )
  _arguments -C@SPECS@ '1: :->command' '*:: :->rest'
  case $state in
  command) _describe -t commands command commands ;;
  rest)
    case $line[1] in
@CASES@
    esac ;;
  esac
}]=]

local function quote(text)
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end

-- In a specification, brackets and colons mean something.
local function escape(text)
  return (text:gsub("[%[%]:\\]", "\\%0"))
end

local function function_of(command)
  return "_" .. command.words:gsub("[ -]", "_")
end

-- What completes a value: an action of _arguments.
local function action_of(element)
  if element.values then
    return ("(%s)"):format(table.concat(element.values, " "))
  elseif element.kind == "directory" then
    return "_files -/"
  end
  return element.kind == "file" and "_files" or " "
end

-- The names that an option excludes: its own, unless it may be repeated, and its rivals'.
local function list_excluded(command, option)
  local names = {}
  local function add(other)
    for _, name in ipairs(other.names) do
      names[#names + 1] = name
    end
  end
  if not option.is_repeated then
    add(option)
  end
  for _, rivals in ipairs(command.rivals) do
    local is_one = false
    for _, rival in ipairs(rivals) do
      is_one = is_one or rival == option
    end
    for _, rival in ipairs(is_one and rivals or {}) do
      if rival ~= option then
        add(rival)
      end
    end
  end
  return names
end

local function add_option(specs, command, option)
  local value = option.takes_value and (":%s:%s"):format(escape(option.shown), action_of(option)) or ""
  local excluded = list_excluded(command, option)
  for _, name in ipairs(option.names) do
    specs[#specs + 1] = quote(("%s%s%s%s[%s]%s"):format(option.is_repeated and "*" or "",
      excluded[1] and ("(%s)"):format(table.concat(excluded, " ")) or "", name,
      option.takes_value and name:find("^%-%-") and "=" or "", escape(brief(option.text)), value))
  end
end

local function list_specs(command)
  local specs = {}
  for _, option in ipairs(command.options) do
    add_option(specs, command, option)
  end
  for i, argument in ipairs(command.arguments) do
    specs[#specs + 1] = quote(("%s:%s:%s"):format(argument.is_list and "*" or i, escape(argument.shown),
      action_of(argument)))
  end
  return specs
end

local function write_group(command)
  local names, cases = {}, {}
  for i, sub in ipairs(command.commands) do
    names[i] = "    " .. quote(("%s:%s"):format(escape(sub.name), brief(sub.summary)))
    cases[i] = ("    %s) %s ;;"):format(sub.name, function_of(sub))
  end
  return (GROUP:gsub("@(%u+)@", {
    NAME = function_of(command), COMMANDS = table.concat(names, "\n"), CASES = table.concat(cases, "\n"),
    SPECS = command.options[1] and " " .. table.concat(list_specs(command), " ") or "",
  }))
end

local function write_leaf(command)
  local specs = list_specs(command)
  return ("%s() {\n  %s\n}"):format(function_of(command),
    specs[1] and "_arguments -s -S \\\n    " .. table.concat(specs, " \\\n    ") or "_message 'nothing more'")
end

-- The script, of an outline.
return function(tree)
  local functions = {}
  outline.each(tree, function(command)
    functions[#functions + 1] = command.commands[1] and write_group(command) or write_leaf(command)
  end)
  return (SCRIPT:gsub("@FUNCTIONS@", (table.concat(functions, "\n\n"):gsub("%%", "%%%%"))))
end
