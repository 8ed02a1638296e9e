-- `postevent spool deliver`: sends what is there and ends, for a cron job or a shutdown script.

local credential = require("postevent.cli.credential")
local endpoint_of = require("postevent.options.endpoint")
local exit = require("postevent.cli.exit")
local files = require("postevent.cli.spool.files")
local numbers = require("postevent.cli.numbers")
local output = require("postevent.cli.output")
local survey = require("postevent.cli.spool.survey")
local system = require("postevent.native")("postevent.core").command
local target = require("postevent.cli.target")

local printable = output.printable

local deliver = {
  summary = "Send what no running program has, and end.",
  statuses = { { 0, "all was delivered" }, { 1, "some were refused or lost" }, { 75, "some are left, or may be" } },
}

local TIMEOUT = 60
local ENDS = { "delivered", "rejected", "expired", "dropped", "unknown", "unreadable" }

function deliver.define(command)
  target.define(command)
  command:option("--timeout", "Leave the rest after so many seconds (60)."):argname("SECONDS"):overwrite(false)
    :convert(numbers.read("--timeout", { type = "seconds", above = 0, most = 86400 }))
  target.define_way(command)
  command:option("--from", "Send what is there for another URL, too, which has moved to this one. May be given again.")
    :argname("URL"):count("*")
end

-- "100 events are for https://...", of what no program has that could send it.
local function describe_others(directory, others)
  local lines = {}
  for endpoint, count in next, others do
    lines[#lines + 1] = ("%s: %d event%s for %s: that may be given as --url; or as --from, and they go to this one")
      :format(printable(directory), count, count == 1 and " is" or "s are", printable(endpoint))
  end
  table.sort(lines)
  return lines
end

-- What is there after the sending: { left, held, closed, failed, troubles }: events that are pending for these
-- endpoints (a set) in files that nobody holds, and in those of running programs; files of which it is not known what
-- is in them, and those of them that may be read later; and a line for each file that is, or was, not as it should be,
-- and for each other endpoint. Files of which `known` says that they were set aside before are of no interest.
local function take_stock(directory, endpoints, known)
  local others = {}
  local stock = { left = 0, held = 0, closed = 0, failed = 0, troubles = {} }
  for _, file in ipairs(survey.take(directory).files) do
    if endpoints[file.endpoint or false] then
      local which = file.holder and "held" or "left"
      stock[which] = stock[which] + file.pending
    elseif file.endpoint and not file.holder and file.pending > 0 then
      others[file.endpoint] = (others[file.endpoint] or 0) + file.pending
    end
    stock.closed = stock.closed + (survey.is_closed(file) and 1 or 0)
    stock.failed = stock.failed + (file.state == "failed" and 1 or 0)
    if file.aside and not known[file.name] then
      table.insert(stock.troubles, files.path(directory, file.name) .. ": it was damaged, and is set aside")
    elseif file.state ~= "works" and not file.aside then
      table.insert(stock.troubles, files.explain(directory, file.name, file.state, file.why))
    end
  end
  for _, line in ipairs(describe_others(directory, others)) do
    table.insert(stock.troubles, line)
  end
  return stock
end

-- The names of the files that were set aside before.
local function set_aside(list)
  local known = {}
  for _, entry in ipairs(list) do
    known[entry.name] = entry.damaged or nil
  end
  return known
end

-- For which endpoints there are files, as a set; and whether there may be others: a file does not tell.
local function find_endpoints(directory, list)
  local found, is_unsure = {}, false
  for _, entry in ipairs(list) do
    local file, kind = nil, "damaged"
    if not entry.damaged then
      file, kind = files.open(directory, entry.name)
    end
    if file then
      found[file:about().endpoint] = true
      file:close()
    end
    is_unsure = is_unsure or (not file and kind == "damaged")
  end
  return found, is_unsure
end

-- Ends the command where nothing is there for one of these endpoints: its name is wrong, or its files are elsewhere.
local function check_there(args, list, endpoints)
  local found, is_unsure = find_endpoints(args.directory, list)
  local names = {}
  for endpoint in next, found do
    names[#names + 1] = printable(endpoint)
  end
  table.sort(names)
  for at = 1, #endpoints - 1 do -- the last is that of --url
    if names[1] and not is_unsure and not found[endpoints[at]] then
      exit.usage(("--from: nothing here is for %s, but for %s"):format(printable(endpoints[at]),
        table.concat(names, ", ")))
    end
  end
end

-- The endpoints whose events are sent, and they as a set: those that have moved, whose events are older, come first.
local function list_endpoints(args, endpoint)
  local list, set = {}, {}
  for _, url in ipairs(args.from) do
    local moved = endpoint_of(url)
    if moved ~= endpoint and not set[moved] then
      list[#list + 1] = moved
      set[moved] = true
    end
  end
  list[#list + 1] = endpoint
  set[endpoint] = true
  return list, set
end

-- What the stock at the end says, too, and names.
local SAID_LATER = { "are for another url", "a newer version of postevent has written" }

local function is_said_later(message)
  for _, words in ipairs(SAID_LATER) do
    if message:find(words, 1, true) then
      return true
    end
  end
  return false
end

-- What the log is told, each line once: there is a client for each endpoint.
local function new_log(authorization)
  local said = {}
  return function(_, message)
    if not said[message] and not is_said_later(message) then
      said[message] = true
      output.warn(credential.hide(message, authorization))
    end
  end
end

-- Adds what became of the events of one endpoint.
local function add(sum, stats)
  for _, outcome in ipairs(ENDS) do
    sum[outcome] = (sum[outcome] or 0) + (stats[outcome] or 0)
  end
  local unreadable = stats.dropped_by.spool or 0
  sum.unreadable, sum.dropped = sum.unreadable + unreadable, sum.dropped - unreadable
  for _, name in ipairs { "dead_lost", "uncounted" } do
    sum[name] = (sum[name] or 0) + stats.spool[name]
  end
  sum.restored = (sum.restored or 0) + stats.restored
  sum.trouble = stats.spool.state ~= "works" and stats.spool.last_error or stats.last_error or sum.trouble
end

-- Sends what is there for each of the endpoints, until nothing is left, or time is up: what is not sent stays theirs.
-- Returns what became of it.
local function send(args, found, sources, endpoints)
  local sum, log = {}, new_log(found.authorization)
  local stop = system.now() + (args.timeout or TIMEOUT)
  for at, endpoint in ipairs(endpoints) do
    local seconds = stop - system.now()
    if at > 1 and seconds <= 0 then
      break
    end
    local client = target.new_client(args, found, sources, {
      spool = { path = args.directory, endpoint = endpoint }, log = log,
    })
    assert(client:start())
    client:flush(math.max(seconds, 0.001))
    client:close(0)
    add(sum, client:stats())
  end
  return sum
end

-- "73 delivered, 27 unreadable, 0 left"
local function describe(sum, left)
  local parts = {}
  for _, outcome in ipairs(ENDS) do
    if outcome == "delivered" or sum[outcome] > 0 then
      parts[#parts + 1] = ("%d %s"):format(sum[outcome], outcome)
    end
  end
  parts[#parts + 1] = ("%d left"):format(left)
  return table.concat(parts, ", ")
end

local function report(sum, stock)
  output.report(describe(sum, stock.left))
  if sum.dead_lost > 0 then
    output.say(("%d dead event%s could not be kept"):format(sum.dead_lost, sum.dead_lost == 1 and "" or "s"))
  end
  if sum.uncounted > 0 then
    output.say(("nobody knows how many more were in %d damaged file%s"):format(sum.uncounted,
      sum.uncounted == 1 and "" or "s"))
  end
  if stock.closed > 0 then
    output.say(("it is not known what is in %d file%s"):format(stock.closed, stock.closed == 1 and "" or "s"))
  end
  if stock.held > 0 then
    output.say(("%d more in the hands of running programs"):format(stock.held))
  end
end

-- Ends the command where not all of it was delivered.
local function finish(directory, sum, stock, authorization)
  local words = sum.trouble and ": " .. credential.hide(sum.trouble.message, authorization) or ""
  if stock.left > 0 then
    table.insert(stock.troubles, 1, ("%s: %d left%s"):format(printable(directory), stock.left, words))
  elseif sum.delivered < sum.restored then
    table.insert(stock.troubles, 1, ("%s: not all of it was delivered%s"):format(printable(directory), words))
  end
  if stock.troubles[1] then
    exit.with(stock.left + stock.failed > 0 and exit.TRY_AGAIN or exit.FAILED, table.concat(stock.troubles, "\n"))
  end
end

function deliver.run(args)
  local found, sources = target.find(args)
  local list = files.list_own(args.directory)
  local known = set_aside(list)
  local endpoints, wanted = list_endpoints(args, endpoint_of(found.url))
  check_there(args, list, endpoints)
  local sum = send(args, found, sources, endpoints)
  local stock = take_stock(args.directory, wanted, known)
  report(sum, stock)
  finish(args.directory, sum, stock, found.authorization)
  return exit.OK
end

return deliver
