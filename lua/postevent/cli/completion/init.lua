-- `postevent completion SHELL`: the script that makes a shell complete the command. What is installed beside the manual
-- pages is the same (tools/manual.lua).

local notes = require("postevent.cli.notes")
local outline = require("postevent.cli.outline")
local output = require("postevent.cli.output")

local completion = {}

completion.SHELLS = { "bash", "fish", "zsh" }

function completion.define(parser)
  local command = parser:command("completion", "Print what makes a shell complete this command.")
  notes.set_choices(command:argument("shell", "Which shell: bash, fish or zsh."):argname("SHELL"), "SHELL",
    completion.SHELLS)
  notes.set_statuses(command, { { 0, "done" } })
  notes.set_examples(command, {
    { "In this bash, from now on:", 'eval "$(postevent completion bash)"' },
    { "In every fish:", "postevent completion fish >~/.config/fish/completions/postevent.fish" },
    { "In every zsh, where its fpath has that directory:", "postevent completion zsh >~/.zfunc/_postevent" },
  })
  return command
end

-- The commands by their names alone, as arguments of `help`.
local function names_of(commands, above)
  local made = {}
  for i, command in ipairs(commands) do
    local words = above .. " " .. command.name
    made[i] = { name = command.name, words = words, summary = command.summary, arguments = {}, options = {},
      commands = names_of(command.commands, words) }
  end
  return made
end

-- The outline, with the topics of help as if they were commands of it.
local function with_topics(tree)
  for _, command in ipairs(tree.commands) do
    if command.name == "help" then
      command.arguments, command.commands = {}, names_of(tree.commands, command.words)
    end
  end
  return tree
end

-- The script for a shell, of argparse's parser.
function completion.write(shell, parser)
  return require("postevent.cli.completion." .. shell)(with_topics(outline.of(parser)))
end

function completion.run(args, parser)
  output.say((completion.write(args.shell, parser):gsub("\n$", "")))
  return 0
end

return completion
