-- figures: how many jobs of all, and of some tenants, are in which state, at one moment. Reads only.
--
-- KEYS  1 depth    2 leases    3 delayed    4 dead    5 retries    6 paused
--       then for each tenant: its interactive list, its bulk list, its dead
-- ARGV  1 ms that a failed job is kept; those that failed earlier are not counted    2… the tenants
-- Reply {now in µs, {waiting, active, delayed, failed, 1 if paused} of all,
--        then of each tenant the same, and the first ref of each of its lists}

local depth, leases, delayed, dead, retries, paused = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local time = redis.call('TIME')
local kept_since = string.format('(%.0f', time[1] * 1000 + math.floor(time[2] / 1000) - tonumber(ARGV[1]))

local active, later = redis.call('ZCARD', leases), redis.call('ZCARD', delayed)
local unfinished = tonumber(redis.call('ZSCORE', depth, '*') or 0)
local reply = {
  string.format('%.0f', time[1] * 1000000 + time[2]),
  {
    unfinished - active - later, active, later, redis.call('ZCOUNT', dead, kept_since, '+inf'),
    redis.call('SISMEMBER', paused, '*'),
  },
}
for t = 1, #ARGV - 1 do
  local tenant = ARGV[1 + t]
  local waiting = redis.call('LLEN', KEYS[4 + 3 * t]) + redis.call('LLEN', KEYS[5 + 3 * t])
  later = tonumber(redis.call('HGET', retries, tenant) or 0)
  unfinished = tonumber(redis.call('ZSCORE', depth, tenant) or 0)
  reply[2 + t] = {
    waiting, unfinished - waiting - later, later, redis.call('ZCOUNT', KEYS[6 + 3 * t], kept_since, '+inf'),
    redis.call('SISMEMBER', paused, tenant),
    redis.call('LINDEX', KEYS[4 + 3 * t], 0), redis.call('LINDEX', KEYS[5 + 3 * t], 0),
  }
end
return reply
