-- The command with these arguments, in this process: prints the CPU seconds that it took, and the KiB of memory that it
-- had at most (Linux).
local status = require("postevent.cli.main") { "import", "--log", "json", (table.unpack or unpack)(arg) }
assert(status == 0, "the import failed")
local most = "0"
for line in io.lines "/proc/self/status" do
  most = line:match "^VmHWM:%s*(%d+)" or most
end
print(("%.6f %s"):format(os.clock(), most))
os.exit(0)
