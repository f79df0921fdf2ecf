-- Posts the requests of a file, each behind its length in eight digits.
--   wrk -t1 ... -s wrk.lua URL -- FILE [once]
-- Round and round; with `once` each exactly once, after which connections fall silent until wrk is interrupted.

local requests, handed = {}, 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  while true do
    local length = file:read(8)
    if not length then break end
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
  if arguments[2] == "once" then
    function delay()
      return handed < #requests and 0 or 1e9
    end
  end
  -- wrk asks for one request before the run, to see whether it is well-formed.
  handed = -1
end

function request()
  handed = handed + 1
  return requests[(handed == 0 and 0 or handed - 1) % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "refused": %d, "broken": %d, "p50_ms": %f, "p99_ms": %f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
