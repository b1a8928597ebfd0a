-- reap: take an expired lease back. The job stalled: it returns to the front of its list, or fails if it did so too often.
--
-- KEYS  1 leases    2 job's hash    3 list of its tenant and lane    4 list of the tenant's other lane
--       5 ring      6 depth         7 dead
-- ARGV  1 ref    2 tenant    3 stalls that are forgiven    4 error of a job that stalled too often (JSON)
--       5 ms that a failed job is kept
-- Reply waiting | failed | kept (the lease has not expired, or is somebody else's affair already)

local leases, job, list, other, ring, depth, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local ref, tenant = ARGV[1], ARGV[2]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expires = redis.call('ZSCORE', leases, ref)
if not expires or tonumber(expires) > now then
  return 'kept'
end
redis.call('ZREM', leases, ref)
redis.call('HDEL', job, 'token')  -- else a repeat of `fail` would take this failure for its own

if redis.call('HINCRBY', job, 'stalls', 1) <= tonumber(ARGV[3]) then
  redis.call('HSET', job, 'state', 'waiting')
  if redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0 then
    redis.call('RPUSH', ring, tenant)
  end
  redis.call('LPUSH', list, ref)
  return 'waiting'
end

local finished_at = string.format('%.0f', time[1] * 1000000 + time[2])
redis.call('HSET', job, 'state', 'failed', 'error', ARGV[4], 'finished_at', finished_at)
redis.call('PEXPIRE', job, ARGV[5])
redis.call('ZREMRANGEBYSCORE', dead, '-inf', now - tonumber(ARGV[5]))
redis.call('ZADD', dead, now, ref)
redis.call('HINCRBY', depth, '*', -1)
if redis.call('HINCRBY', depth, tenant, -1) <= 0 then
  redis.call('HDEL', depth, tenant)
end
return 'failed'
