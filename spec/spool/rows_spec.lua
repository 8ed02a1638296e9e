-- A file whose rows are not those that we give: up to the last that there can be, which Lua's numbers cannot tell from
-- the one before.
local where = require "support.where"
if not where.is("lua5.4", "luajit") or not where.spools() then
  return
end

local children = require "support.children"
local files = require "support.files"
local helper = require "support.helper"
local posting = require "support.posting"
local rude = require "support.rude"
local spooled = require "support.spooled"
local waiting = require "support.waiting"

describe("a file with the last rows that there can be", function()
  helper.guard()

  -- Three of its events are pending, three dead.
  local function make(url, directory)
    local client = posting.client(url, {
      spool = { path = directory }, retry = { initial = 0.05, max = 0.1 }, id_attribute = "external_event_id",
    })
    for number = 1, 6 do
      assert(client:track { event_name = "e", external_event_id = "e" .. number })
    end
    waiting.wait_until(function()
      local stats = client:stats()
      return stats.rejected == 3 and stats.spool.uncommitted == 0
    end, 10, "three dead letters")
    client:close(0)
    local _, path = children.run { "sh", "-c", "ls " .. directory .. "/*.spool" }
    local status, _, errors = children.run { "sqlite3", (path:gsub("\n", "")), [[
      UPDATE event SET row = 9223372036854775807 - (SELECT max(row) FROM event) + row;
      UPDATE dead SET row = 9223372036854775807 - (SELECT max(row) FROM dead) + row;
      UPDATE account SET last_row = 9223372036854775807;]] }
    assert.equal(0, status, errors)
  end

  it("is listed, shown and exported, and each of its events comes once", function()
    if children.run { "sh", "-c", "command -v sqlite3" } ~= 0 then
      return pending "no shell of SQLite"
    end
    local server = rude.start("script", { script = [[
      if request.mode == "open" then return nil end
      if tonumber(request.id:match "%d+") > 3 then return { status = 503 } end
      return { status = 400, body = '{"status":{"code":1101,"message":"no"},"requestId":"r"}' }
    ]] })
    local directory = files.new_path "spool"
    make(server.url, directory)
    local listed = spooled.list(directory)
    assert.same({ 3, 3 }, { listed.pending, listed.dead })
    assert.equal(6, #spooled.exported(directory))
    assert.same({ "e1", "e2", "e3" }, spooled.exported(directory, "--dead"))
    spooled.command(0, nil, "show", directory, "e6")
    spooled.command(0, nil, "show", directory, "e1")
    local before = server:requests()
    server:set "open"
    local client = posting.client(server.url, { spool = { path = directory } })
    assert(client:start())
    waiting.wait_until(function()
      return client:stats().delivered == 3
    end, 10, "what is pending")
    assert.same(before + 3, server:requests())
    client:close(1)
  end)
end)
