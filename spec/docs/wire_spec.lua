-- What the pages say of a request is what is sent, and the messages that they explain are messages of ours.
local children = require "support.children"
local cleanup = require "support.cleanup"
local helper = require "support.helper"
local markdown = require "support.markdown"
local pages = require "support.pages"
local socket = require "socket"

local WIRE = helper.read_file "docs/howto/wire.md"
local TROUBLE = helper.read_file "docs/howto/troubleshooting.md"

-- Messages of others, and those that are put together from words that stand apart.
local OTHERS = {
  ["module 'postevent' not found"] = true, ["module 'postevent.core' not found"] = true,
  ["undefined symbol: lua_"] = true, ["cannot open shared object file"] = true, ["expected a number, got text"] = true,
  ["expected text, got a number"] = true, ["would show the credentials"] = true,
}

-- { ["host"] = "127.0.0.1", ... }, and the first line and the body.
local function parse(text)
  local head, body = text:gsub("\r\n", "\n"):match "^(.-)\n\n(.*)$"
  local headers = {}
  for name, value in head:gmatch "\n([%w-]+): ([^\n]*)" do
    headers[name] = value
  end
  return headers, head:match "^[^\n]*", (body:gsub("\n$", ""))
end

-- The members of a flat object of JSON, sorted.
local function members(body)
  local list = {}
  for member in body:match("^{(.*)}$"):gmatch '"[^"]*":[^,]*' do
    list[#list + 1] = member
  end
  table.sort(list)
  return list
end

describe("the page about the wire", function()
  helper.guard()

  it("shows the request of the twelve lines, and a length that is right", function()
    local server = assert(socket.bind("127.0.0.1", 0))
    cleanup.defer(function()
      server:close()
    end)
    local _, port = server:getsockname()
    local shown, reply = markdown.blocks(WIRE)[1].text, markdown.blocks(WIRE)[2].text
    local path = shown:match "^POST (%S+)"
    local child = helper.spawn { helper.lua(), helper.new_file(pages.blocks("lua")[1].text, "first.lua"), env = {
      POSTEVENT_URL = ("http://127.0.0.1:%d%s"):format(port, path),
      POSTEVENT_AUTHORIZATION = shown:match "Authorization: ([^\n]*)",
    } }
    server:settimeout(10)
    local connection = assert(server:accept())
    cleanup.defer(function()
      connection:close()
    end)
    connection:settimeout(10)
    local lines = {}
    repeat
      lines[#lines + 1] = assert(connection:receive "*l")
    until lines[#lines] == ""
    local headers, first = parse(table.concat(lines, "\n") .. "\n")
    local body = connection:receive(tonumber(headers["Content-Length"]))
    connection:send((reply:gsub("\n$", ""):gsub("\n", "\r\n")))
    child:wait()
    assert.equal("1100\n", child:output())

    local shown_headers, shown_first, shown_body = parse(shown)
    assert.equal(#shown_body, tonumber(shown_headers["Content-Length"]))
    headers.Host, shown_headers.Host = nil, nil
    assert.same(headers, shown_headers)
    assert.equal(first, shown_first)
    local now = body:match '"eventDateTime":"(.-)"'
    assert.same(members(body), members((shown_body:gsub('("eventDateTime":)".-"', '%1"' .. now .. '"'))))
    local reply_headers, _, reply_body = parse(reply)
    assert.equal(#reply_body, tonumber(reply_headers["Content-Length"]))
  end)
end)

describe("the page about messages", function()
  it("explains messages that there are", function()
    local _, sources = children.run { "sh", "-c",
      "find csrc lua Makefile tools -name '*.[ch]' -o -name '*.lua' -o -name Makefile -o -name '*.mk' | xargs cat" }
    sources = sources:gsub('"%s*\n%s*%.?%.?%s*"', ""):gsub('\\"', '"')
    local count = 0
    for _, candidate in ipairs(markdown.tables(TROUBLE)) do
      for _, row in ipairs(candidate) do
        local message = markdown.code(row[1])[1]
        local text = message:gsub(" %(HTTP %d+%)$", ""):gsub("^delivery is %l+$", "delivery is ")
        assert.is_true(OTHERS[message] or sources:find(text, 1, true) ~= nil, message)
        count = count + 1
      end
    end
    assert.is_true(count > 40)
  end)
end)
