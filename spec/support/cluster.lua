-- A cluster of Redis: nodes on loopback that share the slots evenly.
--
-- start(3) -> an object with .nodes, each as redis.start returns it, and
--   :owner(key), :others(key)    the node on which a key lies, and a list of those on which it does not
local ports = require "support.ports"
local redis = require "support.redis"
local waiting = require "support.waiting"

local cluster = {}

local Cluster = {}
Cluster.__index = Cluster

local SLOTS = 16384

-- Its port for the other nodes is one of its own: 10,000 above the first, as Redis would have it, may be the kernel's.
local function start_node(number)
  local bus = ports.free_port()
  local node = redis.start { args = { "--cluster-enabled", "yes", "--cluster-port", tostring(bus) } }
  node.bus = bus
  node:call("CLUSTER", "SET-CONFIG-EPOCH", number)
  return node
end

local function knows_all(node, count)
  local about = node:call("CLUSTER", "INFO")
  return about:find("cluster_state:ok", 1, true) and about:find("cluster_size:" .. count, 1, true)
end

function cluster.start(count)
  local self = setmetatable({ nodes = {} }, Cluster)
  for i = 1, count do
    local node = start_node(i)
    node.first, node.last = math.floor(SLOTS / count * (i - 1)), math.floor(SLOTS / count * i) - 1
    node:call("CLUSTER", "ADDSLOTSRANGE", node.first, node.last)
    self.nodes[i] = node
  end
  for i = 2, count do
    self.nodes[1]:call("CLUSTER", "MEET", "127.0.0.1", self.nodes[i].port, self.nodes[i].bus)
  end
  for _, node in ipairs(self.nodes) do
    waiting.wait_until(function()
      return knows_all(node, count)
    end, 20, "the cluster")
  end
  return self
end

function Cluster:slot(key)
  return self.nodes[1]:call("CLUSTER", "KEYSLOT", key)
end

function Cluster:owner(key)
  local slot = self:slot(key)
  for _, node in ipairs(self.nodes) do
    if slot >= node.first and slot <= node.last then
      return node
    end
  end
end

function Cluster:others(key)
  local others, owner = {}, self:owner(key)
  for _, node in ipairs(self.nodes) do
    others[#others + 1] = node ~= owner and node or nil
  end
  return others
end

return cluster
