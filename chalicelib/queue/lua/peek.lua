-- peek: what a consumer could do now. Reads only.
--
-- KEYS  1 ring    2 leases    3 delayed    4 claims    5 paused
-- ARGV  1 how many tenants of the ring    2 how many expired leases, and how many due retries
-- Reply {number of claims so far, tenants in ring order (none while all are paused), refs with an expired lease,
--        refs due for a retry, ms until the next lease expires or retry is due: 0 if one has, -1 if there is none,
--        1 while all are paused}

local ring, leases, delayed, claims, paused = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local next_in = -1
for _, due in ipairs({leases, delayed}) do
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.max(0, tonumber(first[2]) - now)
    next_in = next_in < 0 and wait or math.min(next_in, wait)
  end
end

local tenants, shut = tonumber(ARGV[1]), redis.call('SISMEMBER', paused, '*')
return {
  tonumber(redis.call('GET', claims) or 0),
  shut == 0 and tenants > 0 and redis.call('LRANGE', ring, 0, tenants - 1) or {},
  redis.call('ZRANGE', leases, '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2]),
  redis.call('ZRANGE', delayed, '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[2]),
  math.ceil(next_in),
  shut,
}
