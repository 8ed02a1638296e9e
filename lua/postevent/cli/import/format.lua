-- What a file's content is: JSON Lines, JSON (an array, or values one behind the other), or CSV; by its beginning
-- first, since that does not lie, and by its name where that says nothing. Opens the reader of its records.

local ascii = require("postevent.ascii")
local exit = require("postevent.cli.exit")
local foreign = require("postevent.foreign")

local format = {}

format.NAMES = { "jsonl", "json", "csv" }

-- What is read of the kinds that a text may be of.
local OF_KIND = { CSV = "csv", ["a JSON array"] = "json", ["JSON over several lines"] = "json",
  ["several JSON values on a line"] = "json", ["JSON Lines"] = "jsonl" }

-- "events.csv.gz" -> "csv"
local function of_name(path)
  local extension = ascii.lower(path):gsub("%.gz$", ""):gsub("%.zst$", ""):match("%.(%w+)$")
  return (extension == "csv" or extension == "tsv") and "csv" or extension == "json" and "json"
    or (extension == "jsonl" or extension == "ndjson") and "jsonl" or nil
end

local TEXT = { name = "text", line = 1 }

local function refuse(source, found)
  if not found then
    exit.usage(("FILE: %s: cannot tell what it is; expected %s; --format says which"):format(source.name,
      foreign.WANTED.records.words))
  end
  exit.usage(("FILE: %s:%d: %s%s"):format(source.name, found.line, foreign.explain(found, "records"),
    found.name == "text" and "; --format csv reads it as that" or ""))
end

-- Whether a text that is of no kind may be what its name says: a sentence is no header.
local function may_be(named, beginning)
  return named and (named ~= "csv" or foreign.may_be_header(beginning:match("[^\r\n]+")))
end

-- The format of a file whose text begins so. Ends the command where it is none.
local function find(beginning, source)
  local found, named = foreign.find(beginning), of_name(source.path)
  if not beginning:find("%S") then
    return "jsonl" -- nothing, whatever it is called
  elseif found and OF_KIND[found.name] then
    return OF_KIND[found.name]
  elseif not found and beginning:find("^%s*[{%[]") then
    return beginning:find("^%s*{") and "jsonl" or "json"
  end
  return (not found or found.name == "text") and may_be(named, beginning) and named
    or refuse(source, found or (named and TEXT))
end

-- The reader of the records in `text`, a window, and the format's name. args: format and delimiter, where they are
-- given.
function format.open(text, source, args)
  local name = args.format or find(text:ahead(), source)
  if name == "csv" then
    return require("postevent.cli.import.csv").open(text, args.delimiter, source.name), name
  elseif name == "json" then
    return require("postevent.cli.import.items").open(text), name
  end
  return require("postevent.cli.import.lines").open(text), name
end

return format
