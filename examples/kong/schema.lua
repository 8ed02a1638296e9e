-- examples/kong/schema.lua
local options_of = require "kong.plugins.postevent.options"
local typedefs = require "kong.db.schema.typedefs"

-- Refuses what postevent would refuse, in its words. What a vault holds is not known yet.
local function check(config)
  local options = options_of(config)
  if kong.vault.is_reference(options.url) then
    options.url = "https://localhost/"
  end
  if kong.vault.is_reference(options.authorization) then
    options.authorization = "Basic Og=="
  end
  return require("postevent.resty").check(options)
end

return {
  name = "postevent",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = {
      type = "record",
      fields = {
        { url = { type = "string", required = true, referenceable = true } },
        { authorization = { type = "string", required = true, referenceable = true, encrypted = true } },
        { event_name = { type = "string", required = true, default = "page_viewed" } },
        { customer_header = { type = "string", required = true, default = "x-customer-id" } },
        { nobody = { type = "string", required = true, default = "anonymous" } },
        { wait = { type = "boolean", required = true, default = false } },
        { drain = { type = "number", required = true, default = 5, between = { 0.1, 60 } } },
      },
      custom_validator = check,
    } },
  },
}
