-- tools/manual.lua DIRECTORY: writes below DIRECTORY/share the manual pages of the command and the completion of
-- shells, as they lie in share/ here and as `make install` copies them. `make manual` runs it. All of it is made of
-- what the help is made of (lua/postevent/cli/outline.lua); spec/cli/cli_manual_spec.lua says where it is out of date.

local brief = require("postevent.cli.completion.brief")
local commands = require("postevent.cli.commands")
local completion = require("postevent.cli.completion")
local outline = require("postevent.cli.outline")

local LONGEST_LINE = 79
local EDITION = "2026-11-27" -- of the texts; a page names it
local COMPLETIONS = { bash = "bash-completion/completions/postevent", fish = "fish/vendor_completions.d/postevent.fish",
  zsh = "zsh/site-functions/_postevent" }

-- ---- roff ----

local SIGNS = { ["\\"] = "\\e", ["-"] = "\\-", ["'"] = "\\(aq", ["`"] = "\\(ga", ["^"] = "\\(ha", ["~"] = "\\(ti" }

-- The text as it is.
local function plain(text)
  return (text:gsub("[\\'`^~-]", SIGNS))
end

-- In lines that are no longer than a terminal's, where blanks are that may become line breaks; none is a request.
local function wrap(text)
  local lines, line = {}, ""
  for word in text:gsub("\\ ", "\1"):gmatch("%S+") do
    word = word:gsub("^%.", "\\&."):gsub("\1", "\\ ")
    if line ~= "" and #line + 1 + #word > LONGEST_LINE then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function bold(text)
  return "\\fB" .. plain(text) .. "\\fR"
end

local function italic(text)
  return "\\fI" .. plain(text) .. "\\fR"
end

-- Text of the help: options stand out in it, and so does the placeholder `shown`.
local function prose(text, shown)
  local made = (" " .. plain(text)):gsub("%S*%w_%w%S*", "\\%%%0") -- \%: a name is not taken apart
    :gsub("([ (])(\\%-\\%-%l[%l\\-]*)", "%1\\fB%2\\fR"):sub(2)
  if shown and shown:find("^%u+$") then
    made = made:gsub("%f[%w_]" .. shown .. "%f[^%w_]", "\\fI%0\\fR")
  end
  return wrap(made)
end

local function page_of(words)
  return (words:gsub(" ", "-"))
end

local function reference(words)
  return bold(page_of(words)) .. "(1)"
end

-- ---- the sections of a page: each is a list of lines; an empty one is left out ----

-- Without spaces in which a line may be broken.
local function keep_together(text)
  return (text:gsub(" ", "\\ "))
end

local function option_usage(option)
  return keep_together(bold(option.names[#option.names])
    .. (option.takes_value and " " .. italic(option.shown) or ""))
end

local function rivals_usage(rivals)
  local parts = {}
  for i, option in ipairs(rivals) do
    parts[i] = option_usage(option)
  end
  return "[" .. table.concat(parts, " | ") .. "]"
end

local function argument_usage(argument)
  local shown = italic(argument.shown) .. (argument.is_list and " ..." or "")
  return keep_together(argument.is_optional and "[" .. shown .. "]" or shown)
end

-- The group of rivals that an option is in, or nil.
local function rivals_of(command, option)
  for _, rivals in ipairs(command.rivals) do
    for _, rival in ipairs(rivals) do
      if rival == option then
        return rivals
      end
    end
  end
end

local function synopsis(command)
  local lines, told = { ".SY " .. keep_together(plain(command.words)) }, {}
  for _, option in ipairs(command.options) do
    local rivals = rivals_of(command, option)
    local usage = rivals and rivals_usage(rivals) or option_usage(option)
    if option.names[1] ~= "-h" and not told[rivals or option] then
      usage = (rivals or option.is_required) and usage or "[" .. usage .. "]"
      lines[#lines + 1] = wrap(usage .. (option.is_repeated and "\\ ..." or ""))
    end
    told[rivals or option] = true
  end
  for _, argument in ipairs(command.arguments) do
    lines[#lines + 1] = argument_usage(argument)
  end
  if command.commands[1] then
    lines[#lines + 1] = italic("COMMAND") .. " ..."
  end
  lines[#lines + 1] = ".YS"
  return lines
end

local function description(command)
  local lines = { prose(command.summary) }
  for paragraph in (command.before or ""):gmatch("[^\n]+") do
    lines[#lines + 1] = ".PP"
    lines[#lines + 1] = prose(paragraph)
  end
  return lines
end

local function add_item(lines, label, text)
  lines[#lines + 1] = ".TP"
  lines[#lines + 1] = label
  lines[#lines + 1] = text
end

local function arguments(command)
  local lines = {}
  for _, argument in ipairs(command.arguments) do
    add_item(lines, argument_usage(argument), prose(argument.text, argument.shown))
  end
  return lines
end

local function options(command)
  local lines = {}
  for _, option in ipairs(command.options) do
    local names = {}
    for i, name in ipairs(option.names) do
      names[i] = bold(name)
    end
    add_item(lines, table.concat(names, ", ") .. (option.takes_value and " " .. italic(option.shown) or ""),
      prose(option.text .. (option.default and (" Default: %s."):format(option.default) or ""), option.shown))
  end
  return lines
end

local function list_commands(command)
  local lines = {}
  for _, sub in ipairs(command.commands) do
    add_item(lines, reference(sub.words), prose(sub.summary))
  end
  return lines
end

local function exit_status(command)
  local lines = {}
  for _, status in ipairs(command.statuses or {}) do
    add_item(lines, bold(tostring(status[1])), prose((status[2]:gsub("^%l", string.upper)) .. "."))
  end
  return lines
end

-- The variables that stand in for options, of a command and all below it.
local function environment(command)
  local lines, told = {}, {}
  outline.each(command, function(one)
    for _, option in ipairs(one.options) do
      local variable = option.text:match("%$([%u_]+)")
      if variable and not told[variable] then
        told[variable] = true
        add_item(lines, bold(variable), prose(("In place of %s."):format(option.names[#option.names])))
      end
    end
  end)
  return lines
end

local function examples(command)
  local lines = {}
  for _, example in ipairs(command.examples or {}) do
    for _, line in ipairs { ".PP", prose(example[1]), ".PP", ".RS 4", ".nf", plain(example[2]), ".fi", ".RE" } do
      lines[#lines + 1] = line
    end
  end
  if lines[1] then
    table.remove(lines, 1) -- a section begins a paragraph
  end
  return lines
end

-- The pages beside this one: what it is an action of, and the others of that. `above`: the outlines from the first on.
local function see_also(command, above)
  local names = {}
  for _, one in ipairs(above) do
    names[#names + 1] = reference(one.words)
  end
  for _, other in ipairs(above[1] and above[#above].commands or {}) do
    names[#names + 1] = other ~= command and reference(other.words) or nil
  end
  return names[1] and { table.concat(names, ",\n") } or {}
end

local SECTIONS = {
  { "SYNOPSIS", synopsis }, { "DESCRIPTION", description }, { "ARGUMENTS", arguments }, { "OPTIONS", options },
  { "COMMANDS", list_commands }, { "EXIT STATUS", exit_status }, { "ENVIRONMENT", environment },
  { "EXAMPLES", examples }, { "SEE ALSO", see_also },
}

local function name_line(command)
  return ("%s \\- %s"):format(plain(page_of(command.words)),
    plain((brief(command.summary):gsub("%.$", ""):gsub("^%u", string.lower))))
end

local function write_page(command, above)
  local lines = {
    ".\\\" Made by `make manual` of what the help is made of: not to be edited.",
    (".TH %s 1 %s \"postevent %s\" \"postevent\""):format(plain(page_of(command.words):upper()), EDITION,
      require("postevent").version),
    ".ad l", ".SH NAME", name_line(command),
  }
  for _, section in ipairs(SECTIONS) do
    local body = section[2](command, above)
    if body[1] then
      lines[#lines + 1] = ".SH " .. section[1]
      lines[#lines + 1] = table.concat(body, "\n")
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- files ----

local function write(path, text)
  assert(os.execute(("mkdir -p '%s'"):format(path:match("^(.*)/"))))
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

local function write_pages(directory, command, above)
  write(("%s/man/man1/%s.1"):format(directory, page_of(command.words)), write_page(command, above))
  local here = {}
  for i, one in ipairs(above) do
    here[i] = one
  end
  here[#here + 1] = command
  for _, sub in ipairs(command.commands) do
    write_pages(directory, sub, here)
  end
end

local share = assert(arg[1], "tools/manual.lua: say where to") .. "/share"
local parser = commands.build()
write_pages(share, outline.of(parser), {})
for shell, path in pairs(COMPLETIONS) do
  write(share .. "/" .. path, completion.write(shell, parser))
end
