-- Arguments of an import that do not go together, or that would do harm.

local exit = require("postevent.cli.exit")
local failed = require("postevent.cli.import.failed")
local given = require("postevent.cli.given")
local place = require("postevent.cli.import.place")
local system = require("postevent.native")("postevent.core").command

local arguments = {}

-- A file has one journal, and one job that adds to it.
local function check_twice(paths)
  local seen = {}
  for _, path in ipairs(paths) do
    local real = system.real_path(path) or path
    if seen[real] then
      exit.usage(("FILE: %s is given twice"):format(path))
    end
    seen[real] = true
  end
end

-- What the end of the run is not to be written over.
local function check_failed(args)
  local others = { { args.files[1], "the file that is imported" }, { place.of(args), "the journal" } }
  for option, path in next, { ["--definitions"] = args.definitions, ["--authorization-file"] = args.authorization_file,
    ["--ca-file"] = args.ca_file } do
    others[#others + 1] = { path, "the file of " .. option }
  end
  failed.check(args.failed, others)
end

-- Ends the command where they cannot be followed.
function arguments.check(args)
  if #args.files > 1 and (args.journal or args.failed) then
    exit.usage(("%s: for one FILE at a time"):format(args.journal and "--journal" or "--failed"))
  end
  for _, path in ipairs(args.files) do
    if path == "-" and (#args.files > 1 or args.authorization_file == "-" or args.definitions == "-") then
      exit.usage("FILE -: stdin has to be the one file, and is read by nothing else")
    end
  end
  check_twice(args.files)
  if args.failed then
    check_failed(args)
  end
  if args.delimiter and (#args.delimiter ~= 1 or args.delimiter:find('[%w"\r\n]')) then
    exit.usage("--delimiter: expected one character, no letter, digit or quote" .. given.got(args.delimiter))
  end
end

return arguments
