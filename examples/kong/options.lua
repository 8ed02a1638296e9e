-- examples/kong/options.lua
-- The client that a route's settings ask for. The schema tries these options, and the handler uses them.
return function(conf)
  return {
    url = conf.url, authorization = conf.authorization,
    id_attribute = "external_event_id", results = 0, drain = conf.drain,
    invalid_utf8 = "replace", -- a path may hold any byte
  }
end
