-- `postevent import --failed FILE`: what did not arrive, to be mended and imported again.
local cjson = require "cjson"
local helper = require "support.helper"
local importing = require "support.importing"

local deliver = importing.deliver

describe("postevent import --failed", function()
  helper.guard()
  local sandbox = helper.shared_sandbox {}

  -- Imports a text of which the second event is rejected; returns what is in the file.
  local function fail(text, suffix, ...)
    sandbox:fault { code = 7001, event = "bad" }
    local path, failed = helper.new_file(text, suffix), helper.new_path("failed." .. suffix)
    local status, _, errors = deliver(sandbox, path, "--failed", failed, ...)
    assert.equal(1, status, errors)
    sandbox:heal()
    return helper.read_file(failed), failed
  end

  -- Mends it with sed, imports it again, and returns the events that arrived in all.
  local function mend(failed)
    local mended = helper.read_file(failed):gsub("bad", "good")
    helper.write_file(failed, mended)
    local status, output, errors = deliver(sandbox, failed)
    assert.equal(0, status, output .. errors)
    for _, event in ipairs(importing.sent(sandbox)) do
      assert.is_nil(event.import_reason)
    end
    return importing.sent(sandbox)
  end

  it("has JSON Lines, with the reason and the id", function()
    local text, failed = fail('{"event_name":"e","n":1}\n{"event_name":"bad","n":2.50}\n{"n":3}\n{"x\n', "x.jsonl",
      "--skip-bad")
    local lines = {}
    for line in text:gmatch "[^\n]+" do
      lines[#lines + 1] = line
    end
    assert.equal(3, #lines)
    assert.truthy(lines[1]:find('{"event_name":"bad","n":2.50,"external_event_id":"', 1, true), lines[1])
    assert.truthy(cjson.decode(lines[1]).import_reason:find("^rejected: .*7001"))
    assert.equal("event_name: missing", cjson.decode(lines[2]).import_reason)
    assert.equal('{"x', lines[3])
    helper.write_file(failed, lines[1] .. "\n")
    local events = mend(failed)
    assert.equal(2, #events)
    assert.equal(cjson.decode(lines[1]).external_event_id, events[2].external_event_id)
  end)

  it("has an array where there was one, and values where they were", function()
    local text, failed = fail('[{"event_name":"e"},{"event_name":"bad", "n":[1]},{"event_name":"bad","n":2}]', "x.json")
    assert.equal(2, #cjson.decode(text))
    assert.equal(3, #mend(failed))
    sandbox:reset()
    text, failed = fail('{\n"event_name":"e"}\n{\n"event_name":"bad"\n}\n', "x.json")
    assert.truthy(text:find '^{\n"event_name":"bad"\n,"external_event_id":"[^\n]*}\n$', text)
    assert.equal(2, #mend(failed))
  end)

  it("has CSV with two columns more", function()
    local text, failed = fail('event_name;note\r\ne;"1"\r\nbad;"a ""b""\r\nc"\r\nbad;\r\n', "x.csv")
    local start = '^event_name;note;external_event_id;import_reason\nbad;"a ""b""\r\nc";"%x[%x-]+";"rejected: '
    assert.truthy(text:find(start), text)
    local events = mend(failed)
    assert.equal(3, #events)
    assert.equal('a "b"\r\nc', events[2].note)
  end)

  it("is whole after an interruption, and empty when all has arrived", function()
    local path, failed = importing.lines(50), helper.new_path "failed"
    sandbox:fault { code = 7001, times = 3 }
    assert.equal(1, (deliver(sandbox, path)))
    assert.equal(1, (deliver(sandbox, path, "--failed", failed)))
    assert.equal(3, select(2, helper.read_file(failed):gsub("\n", "")))
    assert.equal(0, (deliver(sandbox, importing.lines(5), "--failed", failed)))
    assert.equal("", helper.read_file(failed))
  end)

  it("has what was not delivered, from stdin too, which is read once", function()
    local failed = helper.new_path "failed"
    sandbox:fault { status = 503 }
    local status, _, errors = importing.run({ "--url", sandbox.url, "-", "--failed", failed, "--give-up", "0.5",
      "--no-check" }, { stdin = '{"event_name":"e","n":1}\n{"event_name":"e","n":2}\n' })
    assert.equal(75, status, errors)
    local text = helper.read_file(failed)
    assert.equal(2, select(2, text:gsub('"import_reason":"not known to be delivered"', "")), text)
  end)

  it("says where it cannot be written, before anything is sent", function()
    local status, _, errors = deliver(sandbox, importing.lines(3), "--failed", "/nowhere/failed")
    assert.equal(2, status)
    assert.truthy(errors:find("--failed: /nowhere/failed: No such file", 1, true), errors)
    local path = importing.lines(3)
    status, _, errors = deliver(sandbox, path, "--failed", path)
    assert.equal(2, status)
    assert.truthy(errors:find("that is the file that is imported", 1, true), errors)
    assert.equal(0, #sandbox:events())
  end)

  it("has all that is behind the place at which an array could be read no further", function()
    local first = '[{"event_name":"e","n":1},\n'
    local cases = {
      { '{"event_name":"e","n":2,"x":"abc', '{"event_name":"e","n":2,"x":"abc' },
      { '{"event_name":"e","n":2} {"event_name":"e","n":3}]', '{"event_name":"e","n":3}]' },
      { '{"event_name":"e","n":2},,{"event_name":"e","n":3}]', ',{"event_name":"e","n":3}]' },
    }
    for _, case in ipairs(cases) do
      local path, failed = helper.new_file(first .. case[1], "x.json"), helper.new_path "failed.json"
      local status, output = deliver(sandbox, path, "--skip-bad", "--failed", failed)
      assert.equal(1, status)
      assert.truthy(output:find("the rest of the file is not read", 1, true), output)
      assert.equal("[\n" .. case[2], helper.read_file(failed))
    end
  end)

  it("can be imported with the options of the file that it is of, of which a column is the id", function()
    sandbox:fault { code = 7001, event = "bad" }
    local texts = { ["x.csv"] = "event_name,no\nbad,\nbad,own\n",
      ["x.json"] = '[{"event_name":"bad","no":null},{"event_name":"bad","no":"own"}]' }
    for suffix, text in pairs(texts) do
      local path, failed = helper.new_file(text, suffix), helper.new_path("failed." .. suffix)
      local status, output, errors = deliver(sandbox, path, "--failed", failed, "--map", "no=external_event_id")
      assert.equal(1, status, output .. errors)
      helper.write_file(failed, (helper.read_file(failed):gsub("bad", "good")))
      status, output, errors = deliver(sandbox, failed, "--map", "no=external_event_id")
      assert.equal(0, status, output .. errors)
      local sent = importing.pluck(importing.sent(sandbox), "external_event_id")
      table.sort(sent)
      assert.equal(2, #sent)
      assert.truthy(sent[1]:find "^%x+%-%x+%-8" and sent[2] == "own", table.concat(sent, " "))
      assert.truthy(helper.read_file(failed):find(sent[1], 1, true))
      sandbox:reset()
    end
  end)

  it("can be imported when it is itself what failed before, with one reason and the first id", function()
    local texts = {
      ["x.csv"] = 'event_name;external_event_id;note\nbad;;"a;b"\nbad;own;"c ""d"""\nbad;;\n',
      ["y.csv"] = "event_name,note\nbad,x\nbad,y\nbad,z\n",
      ["x.json"] = '[{"event_name":"bad","external_event_id":""},{"event_name":"bad","n":2.50},\n'
        .. '{"a":{"import_reason":1},"external\\u005fevent_id":null,"event_name":"bad"}]',
      ["x.jsonl"] = '{"event_name":"bad","external_event_id":null}\n{"external_event_id":"","event_name":"bad"}\n'
        .. '{"event_name":"bad","external_event_id":"own"}\n',
    }
    for suffix, text in pairs(texts) do
      local _, first = fail(text, suffix)
      local status, output, errors
      sandbox:fault { code = 7002, event = "bad" }
      local second = helper.new_path("second." .. suffix)
      status, output, errors = deliver(sandbox, first, "--failed", second)
      assert.equal(1, status, output .. errors)
      sandbox:heal()
      local before, after = helper.read_file(first), helper.read_file(second)
      assert.equal(3, select(2, before:gsub("rejected: [^\n]*7001", "")), before)
      assert.equal(3, select(2, after:gsub("rejected: [^\n]*7002", "")), after)
      assert.falsy(after:find("7001", 1, true), after)
      local ids = {}
      for id in before:gmatch "%x+%-%x+%-8%x+%-%x+%-%x+" do
        ids[#ids + 1] = id
        assert.truthy(after:find(id, 1, true), after)
      end
      assert.truthy(#ids == 2 + (text:find "own" and 0 or 1), before)
      assert.equal(3, #mend(second))
      sandbox:reset()
    end
  end)

  it("needs no LPeg for JSON Lines, be it a second time", function()
    sandbox:fault { code = 7001, event = "bad" }
    local path = helper.new_file('{"event_name":"bad","import_reason":"before, {\\"x\\"}"}\n', "x.jsonl")
    local failed = helper.new_path "failed.jsonl"
    local status, _, errors = importing.run({ "--url", sandbox.url, path, "--failed", failed },
      { env = { LUA_INIT = 'package.preload.lpeg = function() error "no LPeg" end' } })
    assert.equal(1, status, errors)
    assert.equal(1, select(2, helper.read_file(failed):gsub('"import_reason"', "")), errors)
    sandbox:heal()
  end)

  it("is not made of another file than the one that was imported", function()
    sandbox:fault { code = 7001, event = "bad" }
    local scripts = { 'printf \'{"event_name":"other"}\\n\' >"$0.new"; mv "$0.new" "$0"', 'mv "$0" "$0.away"',
      'sed s/e/other/ "$0" >"$0.new"; mv "$0.new" "$0"' }
    for _, script in ipairs(scripts) do
      local path = helper.new_file('{"event_name":"bad"}\n' .. ('{"event_name":"e"}\n'):rep(300), "x.jsonl")
      local failed = helper.new_file("before", "failed.jsonl")
      sandbox:fault { delay = 0.02 }
      local import = importing.start(sandbox, path, "--failed", failed, "--concurrency", "2")
      helper.wait_until(function()
        return #sandbox:events() >= 8
      end, 20, "8 events")
      assert.equal(0, (helper.run { "sh", "-c", script, path }))
      assert.same({ "exited", 75 }, { import:wait(30) })
      assert.truthy(import:errors():find("--failed: " .. failed, 1, true), import:errors())
      assert.equal("before", helper.read_file(failed))
      sandbox:heal()
      sandbox:reset()
    end
  end)

  it("has the rest of a stream, too, of which no more was sent", function()
    local line = '{"event_name":"e","note":"' .. ("x"):rep(990) .. '"}\n'
    local failed = helper.new_path "failed"
    sandbox:fault { status = 503 }
    local status, _, errors = importing.run({ "--url", sandbox.url, "-", "--failed", failed, "--give-up", "0.5",
      "--no-check" }, { stdin = line:rep(2000) })
    assert.equal(75, status, errors)
    assert.truthy(errors:find("nothing of it is in a journal", 1, true), errors)
    assert.equal(2000, select(2, helper.read_file(failed):gsub('"import_reason":"not known to be delivered"', "")))
  end)

  it("is never the journal, nor another file that is read", function()
    local path, definitions = importing.lines(3), importing.definitions_file()
    assert.equal(0, (deliver(sandbox, path)))
    local journal = helper.read_file(path .. ".postevent")
    local status, _, errors = deliver(sandbox, path, "--failed", path .. ".postevent")
    assert.equal(2, status)
    assert.truthy(errors:find("--failed: that is the journal", 1, true), errors)
    assert.equal(journal, helper.read_file(path .. ".postevent"))
    assert.equal(2, (deliver(sandbox, path, "--journal", path .. ".j", "--failed", path .. ".j")))
    assert.equal(2, (deliver(sandbox, path, "--definitions", definitions, "--failed", definitions)))
  end)

  it("is as it was where the run is interrupted", function()
    sandbox:fault { delay = 0.02 }
    local failed = helper.new_file("before", "failed")
    local import = importing.start(sandbox, importing.lines(2000), "--concurrency", "4", "--failed", failed)
    helper.wait_until(function()
      return #sandbox:events() >= 8
    end, 20, "8 events")
    import:kill "SIGINT"
    assert.same({ "exited", 75 }, { import:wait(15) })
    assert.equal("before", helper.read_file(failed))
    assert.truthy(import:errors():find("is written at the end of a run", 1, true), import:errors())
  end)
end)
