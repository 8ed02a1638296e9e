-- The journal of `postevent import`: where it is, what it refuses, what is left of it.
local helper = require "support.helper"
local importing = require "support.importing"

local deliver, run = importing.deliver, importing.run
local assert_each_once = importing.assert_each_once

describe("the journal of postevent import", function()
  helper.guard()
  local sandbox = helper.shared_sandbox {}

  it("refuses the journal of another address, and what is no journal", function()
    local path = importing.lines(5)
    assert.equal(0, (deliver(sandbox, path)))
    local status, _, errors = run { "--url", sandbox.url .. "x", path }
    assert.equal(2, status)
    assert.truthy(errors:find("another address", 1, true), errors)
    for _, text in ipairs { "a list\nof mine\n", "mine", ("x"):rep(100000) } do
      helper.write_file(path .. ".postevent", text)
      for _, option in ipairs { "--quiet", "--restart" } do
        status, _, errors = deliver(sandbox, path, option)
        assert.equal(2, status)
        assert.truthy(errors:find("is no journal of an import", 1, true), errors)
        assert.equal(text, helper.read_file(path .. ".postevent"))
      end
    end
  end)

  it("keeps the journal elsewhere where it cannot be beside the file, and says so", function()
    local home = helper.new_directory()
    local path = helper.new_directory() .. "/" .. ("x"):rep(250) -- with the journal's name it is too long
    helper.write_file(path, helper.read_file(importing.lines(5)))
    local options = { env = { XDG_STATE_HOME = home .. "/a/b" } }
    local status, _, errors = run({ "--url", sandbox.url, path }, options)
    assert.equal(0, status, errors)
    assert.truthy(errors:find("the journal is " .. home .. "/a/b/postevent/", 1, true), errors)
    local output
    status, output = run({ "--url", sandbox.url, path }, options)
    assert.equal(0, status)
    assert.truthy(output:find("5 of them in runs before", 1, true), output)
    assert.equal(5, #sandbox:events())
    status, _, errors = run({ "--url", sandbox.url, path }, { env = { XDG_STATE_HOME = false, HOME = false } })
    assert.equal(2, status)
    assert.truthy(errors:find("--journal says where", 1, true), errors)
  end)

  it("takes up stdin again with --journal", function()
    local journal = helper.new_path "journal"
    local options = { stdin = helper.read_file(importing.lines(5)) }
    for _ = 1, 2 do
      local status, _, errors = run({ "--url", sandbox.url, "-", "--journal", journal }, options)
      assert.equal(0, status, errors)
    end
    assert.equal(5, #sandbox:events())
  end)

  it("stops where the journal cannot grow, and has lost no answer", function()
    local path = importing.lines(3000)
    local status, _, errors = importing.shell('ulimit -f 200; exec "$@"', { "--url", sandbox.url, path })
    assert.equal(75, status, errors)
    assert.truthy(errors:find(path .. ".postevent: File too large", 1, true), errors)
    local _, output = deliver(sandbox, path)
    assert.truthy(output:find "delivered +3,000 ", output)
    assert_each_once(sandbox, 3000)
  end)

  it("goes on with the journal that there is, wherever it is", function()
    local path, home = importing.lines(5), helper.new_directory()
    local options = { env = { XDG_STATE_HOME = home } }
    assert.equal(0, (run({ "--url", sandbox.url, path }, options)))
    assert.equal(0, (helper.run { "sh", "-c", ('mkdir %s/postevent && mv %s.postevent "%s/postevent/$(basename %s)-$('
      .. 'printf %%s "$(realpath %s)" | sha256sum | cut -c1-16).postevent"'):format(home, path, home, path, path) }))
    local status, output, errors = run({ "--url", sandbox.url, path }, options)
    assert.equal(0, status, errors)
    assert.truthy(errors:find("it was begun elsewhere; the journal is " .. home, 1, true), errors)
    assert.truthy(output:find("5 of them in runs before", 1, true), output)
    assert.is_nil(io.open(path .. ".postevent"))
  end)

  it("begins no other where there is one that cannot be used", function()
    local path, home = importing.lines(5), helper.new_directory()
    local cases = {
      { "ln -s %s %s.postevent", "it is a symbolic link" }, { "mkdir %.0s%s.postevent", "Is a directory" },
      { "mkfifo %.0s%s.postevent", "it is no file" },
    }
    for _, case in ipairs(cases) do
      assert.equal(0, (helper.run { "sh", "-c", case[1]:format(path, path) }))
      local status, _, errors = run({ "--url", sandbox.url, path }, { env = { XDG_STATE_HOME = home } })
      assert.equal(2, status, errors)
      assert.truthy(errors:find("it is there, and cannot be used: " .. case[2], 1, true), errors)
      assert.equal(0, (helper.run { "rm", "-r", path .. ".postevent" }))
    end
    assert.equal(0, #sandbox:events())
  end)

  it("leaves none behind where nothing was sent, and the one before as it was", function()
    local path = helper.new_file('{"event_name":"e"}\n{"n":2}\n', "x.jsonl")
    assert.equal(1, (deliver(sandbox, path)))
    assert.equal(2, (deliver(sandbox, path, "--format", "csv", "--map", "x=y")))
    assert.is_nil(io.open(path .. ".postevent"))
    assert.equal(1, (deliver(sandbox, path, "--skip-bad")))
    local before = helper.read_file(path .. ".postevent")
    assert.equal(1, (deliver(sandbox, path, "--restart")))
    assert.equal(before, helper.read_file(path .. ".postevent"))
  end)

  it("refuses what it would misread, and names the line", function()
    local path = importing.lines(5)
    assert.equal(0, (deliver(sandbox, path)))
    local journal = helper.read_file(path .. ".postevent")
    local _, above = journal:sub(1, (journal:find "\n3\t")):gsub("\n", "") -- answers come in any order
    local cases = {
      { journal:gsub("import 1", "import 2", 1), ".postevent: is a journal of another version of postevent (2" },
      { journal:gsub("\n3\t[^\n]*", "\nfoo", 1), (".postevent:%d: is damaged"):format(above + 1) },
      { journal:gsub("\tdelivered", "\tlost", 1), ".postevent:2: is damaged" },
      { journal .. "99999999999999999999\tdelivered\tx\n", ".postevent:7: is damaged" },
      { journal .. "0\tdelivered\tx\n", ".postevent:7: is damaged" },
    }
    for _, case in ipairs(cases) do
      helper.write_file(path .. ".postevent", case[1])
      local status, _, errors = deliver(sandbox, path)
      assert.equal(2, status)
      assert.truthy(errors:find(path .. case[#case], 1, true), errors)
    end
    assert.equal(5, #sandbox:events())
    assert.equal(0, (deliver(sandbox, path, "--restart")))
    assert.equal(10, #sandbox:events())
    sandbox:reset()
    helper.write_file(path .. ".postevent", (journal:gsub("\n3\t[^\n]*", "", 1)))
    assert.equal(0, (deliver(sandbox, path)))
    assert.equal(1, #sandbox:events())
  end)

  it("is the same for each name that links give the file", function()
    local path = importing.lines(5)
    local link, directory = helper.new_path "link.jsonl", helper.new_path "directory"
    assert.equal(0, (helper.run { "ln", "-s", path, link }))
    assert.equal(0, (helper.run { "ln", "-s", path:match "^(.*)/", directory }))
    assert.equal(0, (deliver(sandbox, link)))
    assert.equal(0, (deliver(sandbox, path)))
    assert.equal(0, (deliver(sandbox, directory .. "/" .. path:match "[^/]*$")))
    assert.equal(5, #sandbox:events())
    assert.equal(2, (deliver(sandbox, link, "--failed", path .. ".postevent")))
    local other = importing.lines(5) -- a journal that was begun beside a link stays in use
    local near = helper.new_path "near.jsonl"
    helper.write_file(near .. ".postevent", "")
    assert.equal(0, (helper.run { "ln", "-s", other, near }))
    assert.equal(0, (deliver(sandbox, near)))
    assert.is_nil(io.open(other .. ".postevent"))
  end)

  it("is of one kind of events, where one file is imported as two", function()
    local path = helper.new_file("n\n1\n2\n", "x.csv")
    assert.equal(0, (deliver(sandbox, path, "--set", "event_name=a")))
    local status, _, errors = deliver(sandbox, path, "--set", "event_name=b")
    assert.equal(2, status)
    assert.truthy(errors:find(".postevent was begun with --set event_name=a; --journal names", 1, true), errors)
    status, _, errors = deliver(sandbox, path, "--common", "event_name=b")
    assert.equal(2, status, errors)
    assert.equal(0, (deliver(sandbox, path, "--set", "event_name=b", "--journal", path .. ".b")))
    assert.equal(0, (deliver(sandbox, path, "--set", "event_name=b", "--journal", path .. ".b")))
    assert.equal(4, #sandbox:events())
  end)

  it("is of one format, since it says by that which record is which", function()
    local path = helper.new_file('{"event_name":"e"}\n\n{"event_name":"e"}\n{"event_name":"e"}\n', "x.jsonl")
    assert.equal(0, (deliver(sandbox, path)))
    for _, option in ipairs { "--quiet", "--no-check" } do
      local status, _, errors = deliver(sandbox, path, "--format", "json", option)
      assert.equal(2, status)
      assert.truthy(errors:find(".postevent was begun with --format jsonl", 1, true), errors)
    end
    assert.equal(3, #sandbox:events())
  end)
end)
