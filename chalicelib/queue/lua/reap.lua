-- reap: take an expired lease back. The job stalled: it returns to the front of its list, or fails if it did so often.
--
-- KEYS  1 leases    2 job's hash    3 list of its tenant and lane    4 list of the tenant's other lane
--       5 ring      6 paused        7 depth
--       8 dead      9 dead of its tenant        10 failed of its tenant    11 unburied
-- ARGV  1 ref    2 tenant    3 job id    4 stalls that are forgiven    5 error of a job that stalled too often (JSON)
--       6 ms that a failed job is kept
-- Reply waiting | failed | kept (the lease has not expired, or is somebody else's affair already)

local leases, job, list, other, ring, paused, depth = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local dead, dead_of, failed, unburied = KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local ref, tenant, id, kept_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[6]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expires = redis.call('ZSCORE', leases, ref)
if not expires or tonumber(expires) > now then
  return 'kept'
end
redis.call('ZREM', leases, ref)
redis.call('HDEL', job, 'token')  -- else a repeat of `fail` would take this failure for its own

if redis.call('HINCRBY', job, 'stalls', 1) <= tonumber(ARGV[4]) then
  redis.call('HSET', job, 'state', 'waiting')
  local first = redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0
  if first and redis.call('SISMEMBER', paused, tenant) == 0 then
    redis.call('RPUSH', ring, tenant)
  end
  redis.call('LPUSH', list, ref)
  return 'waiting'
end

local finished_at = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', job, 'state', 'failed', 'error', ARGV[5], 'finished_at', finished_at)
redis.call('PEXPIRE', job, kept_ms)
for _, whose in ipairs({'*', tenant}) do
  if tonumber(redis.call('ZINCRBY', depth, -1, whose)) <= 0 then
    redis.call('ZREM', depth, whose)
  end
end

-- Note it among the dead, and drop some of those that were forgotten meanwhile.
local forgotten = now - tonumber(kept_ms)
for _, old in ipairs(redis.call('ZRANGE', dead, '-inf', forgotten, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', dead, old)
end
for _, old in ipairs(redis.call('ZRANGE', dead_of, '-inf', forgotten, 'BYSCORE', 'LIMIT', 0, 100)) do
  redis.call('ZREM', dead_of, old)
  redis.call('ZREM', failed, old)
end
redis.call('ZADD', dead, now, ref)
redis.call('ZADD', dead_of, now, id)
redis.call('ZADD', failed, 0, id)
redis.call('SADD', unburied, ref)
redis.call('PEXPIRE', dead, kept_ms)
redis.call('PEXPIRE', dead_of, kept_ms)
redis.call('PEXPIRE', failed, kept_ms)
redis.call('PEXPIRE', unburied, kept_ms)
return 'failed'
