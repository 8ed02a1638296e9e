-- examples/kong/api.lua
return {
  ["/postevent/metrics"] = {
    GET = function()
      return kong.response.exit(200, require("postevent.resty").metrics(), { ["Content-Type"] = "text/plain" })
    end,
  },
}
