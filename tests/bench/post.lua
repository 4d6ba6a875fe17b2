-- What wrk sends for hack/bench.sh: one POST of a file, the same bytes each time, and what it reports.
--
--     wrk ... -s post.lua URL -- FILE [close]
--
-- "close" asks for a new connection, and TLS handshake, for each request. Prints one line:
-- requests, seconds, p50 and p99 in microseconds, failures.

local message

function init(args)
    local file = assert(io.open(args[1], "rb"))
    local body = file:read("*a")
    file:close()
    local headers = {["Content-Type"] = "application/json"}
    if args[2] == "close" then
        headers["Connection"] = "close"
    end
    message = wrk.format("POST", nil, headers, body)
end

function request()
    return message
end

function done(summary, latency)
    local errors = summary.errors
    print(string.format("RESULT %d %.6f %d %d %d", summary.requests, summary.duration / 1e6,
        latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
