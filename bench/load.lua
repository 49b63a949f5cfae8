-- wrk's script. Arguments: method, bytes of the body, and optionally a file of Authorization values, which are sent in
-- turn, and the place in it to begin at. Prints what was measured as JSON.

local requests, place = {}, 0

function init(arguments)
  wrk.method = arguments[1]
  local bytes = tonumber(arguments[2])
  if bytes > 0 then wrk.body = string.rep("x", bytes) end
  if not arguments[3] then return end
  for value in io.lines(arguments[3]) do
    wrk.headers["Authorization"] = value
    requests[#requests + 1] = wrk.format()
  end
  place = tonumber(arguments[4])
  function request()
    place = place % #requests + 1
    return requests[place]
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
