-- What is to be said of a command, or of an option, beyond what argparse has words for: the help, the manual pages
-- (tools/manual.lua) and the completion of shells are made of both.

local ascii = require("postevent.ascii")
local given = require("postevent.cli.given")
local nearest = require("postevent.nearest")

local notes = {}

local WRONG_USAGE = { 2, "wrong usage" }

-- What is noted goes with its object.
local function new_list()
  return setmetatable({}, { __mode = "k" })
end

local statuses, examples, offers = new_list(), new_list(), new_list()

-- Sorted, with the one that every command has.
local function complete(list)
  local all = { WRONG_USAGE }
  for _, status in ipairs(list) do
    all[status[1] == WRONG_USAGE[1] and 1 or #all + 1] = status
  end
  table.sort(all, function(a, b)
    return a[1] < b[1]
  end)
  return all
end

-- The exit statuses of a command: a list of { 0, "done" }; 2 is added. They end its help, behind `before`.
function notes.set_statuses(command, list, before)
  local parts = {}
  statuses[command] = complete(list)
  for i, status in ipairs(statuses[command]) do
    parts[i] = ("%d %s"):format(status[1], status[2])
  end
  command:epilog((before and before .. "\n\n" or "") .. "Exit status: " .. table.concat(parts, ", ") .. ".")
end

-- How a command is used, for its manual page: a list of { "what it does", "the line of a shell" }.
function notes.set_examples(command, list)
  examples[command] = list
end

-- What a shell may offer for the value of an option or an argument that takes others, too.
function notes.set_offers(element, list)
  offers[element] = list
end

-- The values that an option or an argument takes, and no others; `name` is what a message calls it. (argparse's own
-- `choices` came with 0.7.)
function notes.set_choices(element, name, list)
  notes.set_offers(element, list)
  element:convert(function(text)
    for _, choice in ipairs(list) do
      if choice == text then
        return text
      end
    end
    local meant = nearest(ascii.lower(text), list)
    return nil, ("%s: expected %s%s%s"):format(name, table.concat(list, ", "), given.got(text),
      meant and ("; did you mean %s?"):format(meant) or "")
  end)
end

-- What was set of an object; nil: nothing was.
function notes.of(object)
  return { statuses = statuses[object], examples = examples[object], offers = offers[object] }
end

return notes
