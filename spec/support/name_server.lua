-- Name look-ups of a test's own: a script in a child with its own network (loopback alone, so servers of the test are
-- out of its reach), its own /etc/hosts, which it may change, and its own /etc/resolv.conf, which names a server there
-- that never answers ("silent") or answers that every name is unknown ("unknown"). It takes Linux and the right to make
-- namespaces, which root has.
local children = require "support.children"
local files = require "support.files"

local name_server = {}
local probed, refusal

-- run("silent" | "unknown", path of a script or {code = text}, options of children.run) -> status, stdout, stderr.
function name_server.run(answer, script, options)
  if type(script) == "table" then
    script = files.write(files.new_path "script.lua", script.code)
  end
  return children.run({
    children.lua(), files.write(files.new_path "names.lua", 'require "support.name_server_child"\n'),
    answer, files.new_directory "etc", script,
  }, options)
end

-- true; or nil and why not, for a spec's `pending`.
function name_server.available()
  if not probed then
    local status, _, errors = name_server.run("silent", { code = "" })
    probed, refusal = true, status ~= 0 and errors or nil
  end
  if refusal then
    return nil, "no namespaces here: " .. refusal
  end
  return true
end

return name_server
