std = "max"
max_line_length = 120
exclude_files = { "build", "library" }
files["spec"] = { std = "max+busted" }
files["examples/testing"] = { std = "max+busted" }
files["examples/love"] = { std = "max+love" }
files["examples/kong"] = { std = "max+ngx_lua", globals = { "kong" }, self = false }
files["examples/apisix"] = { std = "max+ngx_lua" }
files["lua/postevent/phase.lua"] = { std = "max+ngx_lua" }
files["lua/postevent/resty"] = { std = "max+ngx_lua" }
