---@meta postevent.resty

-- Types of the module `postevent.resty`, for nginx. Nothing here is ever run.

---The options of `postevent.resty.new`: those of `postevent.new`, and one more.
---@class postevent.resty.options : postevent.options
---@field shared? string|false The lua_shared_dict of the counters. Absent: "postevent", where there is one.

---@class postevent.resty
local resty = {}

---Makes a client whose `post` and `close` let the worker go on. In init_by_lua, init_worker_by_lua, or later. Raises, naming the
---option, on a mistake.
---@param options postevent.resty.options
---@return postevent.client
function resty.new(options) end

---The client of this worker for these options: the same one for options that are equal. Made at need; the hundred that
---were asked for last are kept; when another is made, those that nobody asked for in ten minutes go. nil where they are
---refused; the log says why.
---@param options postevent.resty.options
---@return postevent.client?
---@return string? message
function resty.get(options) end

---Whether `new` and `get` take these options: for the schema of a plugin.
---@param options postevent.resty.options
---@return true?
---@return string? message
function resty.check(options) end

---A copy of the options, with `url` and `authorization` from POSTEVENT_URL and POSTEVENT_AUTHORIZATION where they are
---not given. Raises when there is no url.
---@param options? postevent.resty.options
---@return postevent.resty.options
function resty.from_env(options) end

---The counters of all workers together, in the text format of Prometheus.
---@param labels? table<string, string> They go into every sample.
---@param name? string Of the shared dictionary. Default: "postevent".
---@return string
function resty.metrics(labels, name) end

---Closes all clients of this worker and publishes what they have counted. For exit_worker_by_lua; without it they have
---the time of their option `drain` when the worker ends.
---@param seconds? number That it may take in all. Default: 5.
---@return true?
---@return string? message
---@return "timeout"? code
---@return { remaining: integer }? detail
function resty.close(seconds) end

return resty
