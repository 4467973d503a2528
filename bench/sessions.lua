-- For wrk: requests that were written before, in rotation. Its argument is a file with the value of
-- a Cookie field in each line; an empty line is a request without one. A second argument is how many
-- milliseconds each connection waits before a request.
local requests = {}
local last = 0

function init(arguments)
  if arguments[2] then
    delay = function() return tonumber(arguments[2]) end
  end
  for cookie in io.lines(arguments[1]) do
    local fields = {}
    if cookie ~= "" then fields["Cookie"] = cookie end
    requests[#requests + 1] = wrk.format("GET", nil, fields)
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  io.write(string.format("99%%: %.3f ms\n", latency:percentile(99) / 1000))
end
