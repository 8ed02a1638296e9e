-- The completion of shells, in the shells themselves.
local children = require "support.children"
local command = require "support.command"
local helper = require "support.helper"

local function has(program)
  return (children.run { "sh", "-c", "command -v " .. program }) == 0
end

local ROOT = helper.process.current_directory()

-- A directory with files, one of whose names has a blank, and a directory.
local function new_place()
  local place = helper.new_directory()
  helper.write_file(place .. "/events.json", "{}")
  helper.write_file(place .. "/my notes.txt", "")
  assert.equal(0, (helper.run { "mkdir", place .. "/spool-dir" }))
  return place
end

-- In each shell `postevent` is a function that shows what it was called with.
local SHELLS = {
  bash = { argv = "bash --norc --noprofile -i", prepare = ". ROOT/share/bash-completion/completions/postevent" },
  zsh = { argv = "zsh -f -i", prepare = "autoload -U compinit; compinit -u -D; unsetopt prompt_sp; "
    .. ". ROOT/share/zsh/site-functions/_postevent" },
}

-- Types lines with tabs into a shell in a terminal; returns for each what the command got, "<spool><list>", and all
-- that the terminal showed.
local function type_into(shell, lines)
  local place = new_place()
  local prepare = SHELLS[shell].prepare:gsub("ROOT", ROOT)
  local keys = ("PS1=; %s; postevent() { printf 'got:'; printf '<%%s>' \"$@\"; echo; }\n%s\nexit\n"):format(prepare,
    table.concat(lines, "\n"))
  local status, output, errors = helper.run({ "script", "-qec", SHELLS[shell].argv, "/dev/null" }, {
    stdin = keys, directory = place, env = { TERM = "dumb", HOME = place, INPUTRC = "/dev/null", LC_ALL = "C.UTF-8" },
  })
  assert.equal(0, status, output .. errors)
  local got = {}
  for line in output:gmatch "got:(<[^\r\n]*>)" do
    got[#got + 1] = line
  end
  return got, output
end

-- What is typed, and what the command gets.
local TYPED = {
  { "postevent spo\tli\t.", "<spool><list><.>" },
  { "postevent help def\tsam\t", "<help><definitions><sample>" },
  { "postevent post --au\t", "<post><--authorization>" },
  { "postevent sandbox --scen\tpoi\t", "<sandbox><--scenario><poison>" },
  { "postevent sandbox --scenario=fl\t", "<sandbox><--scenario=flaky>" },
  { "postevent completion f\t", "<completion><fish>" },
  { "postevent check --definitions eve\t my\t", "<check><--definitions><events.json><my notes.txt>" },
  { "postevent post --json=eve\t", "<post><--json=events.json>" },
  { "postevent spool show s\tx", "<spool><show><spool-dir/x>" },
  { "postevent spool show e\t", "<spool><show><e>" }, -- no directory
  { "postevent definitions show events.json eve\t", "<definitions><show><events.json><eve>" }, -- no file
  { "postevent --url x spo\t", "<--url><x><spool>" },
}

describe("the completion", function()
  helper.guard()

  it("of bash completes commands, options, their values, files and directories", function()
    local lines = {}
    for i, typed in ipairs(TYPED) do
      lines[i] = typed[1]
    end
    local got, output = type_into("bash", lines)
    for i, typed in ipairs(TYPED) do
      assert.equal(typed[2], got[i], output)
    end
  end)

  it("of bash shows what there is to choose from", function()
    local _, output = type_into("bash", { "postevent spool \t\tlist .", "postevent definitions lint --\t\thelp" })
    for _, name in ipairs { "list", "show", "retry", "export", "purge", "deliver" } do
      assert.truthy(output:find(name, 1, true), output)
    end
    assert.is_nil(output:find("-h", 1, true) and output:find("events.json", 1, true), output)
  end)

  it("of zsh is a script that zsh takes, and completes", function()
    if not has "zsh" then
      return pending "needs zsh"
    end
    assert.equal(0, (helper.run { "zsh", "-n", "share/zsh/site-functions/_postevent" }))
    local got, output = type_into("zsh", { "postevent spo\tli\t.", "postevent sandbox --scenario poi\t",
      "postevent check --definitions eve\t my\t", "postevent spool show s\tx" })
    assert.same({ "<spool><list><.>", "<sandbox><--scenario><poison>",
      "<check><--definitions><events.json><my notes.txt>", "<spool><show><spool-dir/x>" }, got, output)
  end)

  it("of fish is a script that fish takes, and completes", function()
    if not has "fish" then
      return pending "needs fish"
    end
    local script = ROOT .. "/share/fish/vendor_completions.d/postevent.fish"
    assert.equal(0, (helper.run { "fish", "-n", script }))
    local place = new_place()
    for line, expected in pairs {
      ["postevent spo"] = "spool\n", ["postevent spool d"] = "deliver\n", ["postevent spool list --j"] = "--json\n",
      ["postevent sandbox --scenario poi"] = "poison\n", ["postevent completion f"] = "fish\n",
      ["postevent help spool ret"] = "retry\n", ["postevent check --definitions eve"] = "events.json\n",
      ["postevent check --definitions x my"] = "my notes.txt\n", ["postevent spool show s"] = "spool-dir/\n",
      ["postevent definitions show events.json eve"] = "", ["postevent post --json x --de"] = "--definitions\n",
      ["postevent spool show e"] = "",
    } do
      local status, output, errors = helper.run({ "fish", "--no-config", "-c",
        ("source '%s'; complete -C '%s'"):format(script, line) }, { directory = place, env = { HOME = place } })
      assert.equal(0, status, errors)
      assert.equal(expected, (output:gsub("\t[^\n]*", "")), line)
    end
  end)

  it("is printed by the command, for each shell", function()
    for shell, path in pairs { bash = "bash-completion/completions/postevent",
      fish = "fish/vendor_completions.d/postevent.fish", zsh = "zsh/site-functions/_postevent" } do
      assert.equal(helper.read_file("share/" .. path), (command.expect(0, nil, { "completion", shell })))
    end
    command.expect(2, "SHELL: expected bash, fish, zsh", { "completion", "ksh" })
    command.expect(2, "see: postevent help completion", { "completion" })
  end)

  it("offers the scenarios that the sandbox has", function()
    local names = {}
    for i, scenario in ipairs(require("postevent.sandbox.scenarios").list()) do
      names[i] = scenario.name
    end
    assert.truthy(helper.read_file "share/bash-completion/completions/postevent"
      :find(("--scenario') kind='%s'"):format(table.concat(names, " ")), 1, true))
  end)
end)
