-- CSV for `postevent import`: RFC 4180, and what makes attributes of its cells.
local helper = require "support.helper"
local importing = require "support.importing"

local check = importing.check

describe("postevent import of CSV", function()
  helper.guard()
  local sandbox = helper.shared_sandbox {}

  local function deliver(text, ...)
    sandbox:reset()
    local status, output, errors = importing.deliver(sandbox, helper.new_file(text, "x.csv"), "--concurrency", "1", ...)
    assert.equal(0, status, output .. errors)
    local events = importing.sent(sandbox)
    table.sort(events, function(a, b)
      return tostring(a.k) < tostring(b.k)
    end)
    for _, event in ipairs(events) do
      event.eventDateTime, event.external_event_id = nil, nil
    end
    return events
  end

  it("reads quotes and what is in them, CRLF, a byte-order mark, a last line without its break", function()
    local events = deliver('\239\187\191event_name,k,"a,b"\r\n'
      .. 'e,1,"x, ""y""\r\nz"\r\n\r\ne,2,\r\n,,\r\ne,3," s "')
    assert.same({
      { event_name = "e", k = "1", ["a,b"] = 'x, "y"\r\nz' }, { event_name = "e", k = "2" },
      { event_name = "e", k = "3", ["a,b"] = " s " },
    }, events)
  end)

  it("finds the delimiter, or takes the one that is given", function()
    for _, delimiter in ipairs { ",", ";", "\t", "|" } do
      local text = ("event_name%sk\ne%s1\n"):gsub("%%s", delimiter)
      assert.same({ { event_name = "e", k = "1" } }, deliver(text))
    end
    assert.same({ { event_name = "e", k = "1,2" } },
      deliver("event_name:k\ne:1,2\n", "--delimiter", ":", "--format", "csv"))
  end)

  it("finds it in the header, and not in what is above, or in its quotes", function()
    for _, above in ipairs { "", "\n", "\r\n\n" } do
      for _, header in ipairs { "event_name;age", '"event_name";"age"', '"event_name";"age, in\nyears,,"' } do
        local _, lines = importing.check(above .. header .. "\ne;20\n", "x.csv")
        assert.equal("1 line, 0 with problems", lines[#lines], table.concat(lines, "\n"))
        assert.equal(1, #lines, table.concat(lines, "\n"))
      end
    end
    local _, lines = importing.check("event_name;age\re;20\r", "x.csv")
    assert.truthy(lines[1]:find("a CR without LF", 1, true), lines[1])
  end)

  it("has the types of the definitions, else those of --types", function()
    local text = "event_name,customer_id,k,age,vip,seen_on\n"
      .. "visit,9988776655,1,20,TRUE,2024-04-11\nvisit,9988776655,2,,,\n"
    local definitions = { visit = { customer_id = "customer:mobile", k = "string", age = "double?", vip = "boolean?",
      seen_on = "date?" } }
    local typed = { event_name = "visit", customer_id = "9988776655", k = "1", age = 20, vip = true,
      seen_on = "2024-04-11" }
    local empty = { event_name = "visit", customer_id = "9988776655", k = "2" }
    assert.same({ typed, empty }, deliver(text, "--definitions", importing.definitions_file(definitions)))
    assert.same({ typed, empty }, deliver(text, "--types", "age=number,vip=boolean"))
    typed.age, typed.vip = "20", "TRUE"
    assert.same({ typed, empty }, deliver(text))
  end)

  it("has the types of the definition that --common names before those of --types, none for what --set has", function()
    local definitions = importing.definitions_file()
    assert.same({ { event_name = "visit", customer_id = "9988776655", age = 7, vip = true, note = "20" } },
      deliver("customer_id,age,vip,note\n9988776655,unknown,TRUE,20\n", "--definitions", definitions, "--common",
        "event_name=visit", "--set", "age:=7", "--types", "note=number,vip=text"))
  end)

  it("has --map, --drop, --set and --common", function()
    local events = deliver("Guest mobile,k,secret,kind\n99,1,x,own\n98,2,,\n", "--map",
      "Guest mobile=customer_id", "--drop", "secret", "--set", "event_name=visit", "--set", "n:=5",
      "--common", "kind=walk-in")
    assert.same({
      { event_name = "visit", customer_id = "99", k = "1", n = 5, kind = "own" },
      { event_name = "visit", customer_id = "98", k = "2", n = 5, kind = "walk-in" },
    }, events)
  end)

  it("says that a header has too many columns", function()
    local status, lines = check("event_name" .. (",a"):rep(1000) .. "\n", "x.csv")
    assert.equal(2, status)
    assert.truthy(lines[1]:find("more than 1000 columns", 1, true), lines[1])
  end)

  it("says which column is not there, and which was meant", function()
    local status, lines = check("Guest mobile,k\n1,2\n", "x.csv", "--map", "guest mobil=customer_id")
    assert.equal(2, status)
    assert.truthy(lines[1]:find("--map: .* has no column that is guest mobil; did you mean Guest mobile%?"), lines[1])
    status, lines = check("a,b,a\n1,2,3\n", "x.csv")
    assert.equal(2, status)
    assert.truthy(lines[1]:find("two columns are a", 1, true), lines[1])
  end)

  it("has a problem for a cell that does not fit, and for a row that is uneven, by its first line", function()
    local text = 'event_name,age,vip,note\n"e\n",old,no,\ne,1,true\ne,9007199254740993,,\ne,007,,x\n'
    local status, lines = check(text, "x.csv", "--types", "age=number,vip=boolean")
    assert.equal(1, status)
    table.sort(lines, nil)
    local found = table.concat(lines, "\n")
    for _, expected in ipairs {
      "2: age: expected a number\n", "2: vip: expected true or false\n", "4: 3 cells, and the header has 4\n",
      "5: age: a number of 2^53 or more that would be rounded", "6: age: expected a number\n",
      "4 lines, 4 with problems",
    } do
      assert.truthy(found:find(expected, 1, true), expected .. " not in " .. found)
    end
  end)

  it("loses one line to a quote that is one too many, and not what is behind it", function()
    local status, lines = check('event_name,size\ne,5"\ne,6"\ne,"7\ne,8\n', "x.csv")
    assert.equal(1, status)
    assert.truthy(lines[1]:find("^2: a quote"), lines[1])
    assert.truthy(lines[2]:find("^3: a quote"), lines[2])
    assert.truthy(lines[3]:find("^4: a quote"), lines[3])
    assert.equal("4 lines, 3 with problems", lines[#lines])
  end)

  it("reads records across blocks, and counts lines as an editor does", function()
    local rows = { "event_name,text,k" }
    for i = 1, 3000 do
      rows[#rows + 1] = ('e,"%s\n%s",%d'):format(("a"):rep(i % 50), ("b"):rep(i % 31), i)
    end
    rows[#rows + 1] = "e,x"
    local status, lines = check(table.concat(rows, "\n"), "x.csv")
    assert.equal(1, status)
    assert.equal("6002: 2 cells, and the header has 3", lines[1])
    assert.equal("3,001 lines, 1 with problems", lines[#lines])
  end)

  it("names a line that is not UTF-8, or too long", function()
    local status, lines = check("event_name,a\ne,\200\ne," .. ("x"):rep(2000000) .. "\ne,1\n", "x.csv")
    assert.equal(1, status)
    assert.truthy(lines[1]:find("^2: a: .*UTF%-8"), lines[1])
    assert.truthy(lines[2]:find("^3: longer than"), lines[2])
    assert.equal("3 lines, 2 with problems", lines[#lines])
  end)
end)
