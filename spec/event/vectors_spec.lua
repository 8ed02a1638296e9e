-- The copies under spec/vectors are the shared ones, where those are at hand.
local files = require "support.files"

describe("the test vectors", function()
  for _, name in ipairs { "definitions.json", "events.jsonl", "dates.jsonl", "replies.jsonl", "encoding.jsonl" } do
    it("has the shared copy of " .. name, function()
      local shared = io.open("../shared/vectors/" .. name, "rb")
      if not shared then
        return pending "no shared vectors beside this checkout"
      end
      local text = shared:read "*a"
      shared:close()
      assert.equal(text, files.read("spec/vectors/" .. name))
    end)
  end
end)
