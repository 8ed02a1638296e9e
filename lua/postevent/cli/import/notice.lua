-- What an import says beside its line of progress, on stderr: for people, or as an object a line for programs.

local output = require("postevent.cli.output")

local notice = {}

-- args: log. phase: "warning", "skipped", "error". more: members of the object besides its message.
function notice.say(args, phase, message, more)
  if args.log ~= "json" then
    io.stderr:write("postevent: ", phase == "warning" and "warning: " or "", output.printable(message), "\n")
    return
  end
  local members = { { "phase", phase }, { "message", message } }
  for _, member in ipairs(more or {}) do
    members[#members + 1] = member
  end
  io.stderr:write(output.to_json(members), "\n")
end

return notice
