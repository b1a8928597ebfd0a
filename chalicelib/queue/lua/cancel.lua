-- cancel: a job that waits, or is delayed, will not run. Its data is deleted and its hash expires after the retention.
--
-- KEYS  1 job's hash    2 list of its tenant and lane    3 list of the tenant's other lane
--       4 ring          5 delayed                        6 retries    7 depth
-- ARGV  1 ref    2 tenant    3 ms that a cancelled job is kept
-- Reply cancelled, also for a repeat of the same call, or the state that does not allow it (empty: no such job)

local job, list, other, ring, delayed, retries = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local depth = KEYS[7]
local ref, tenant = ARGV[1], ARGV[2]

local state = redis.call('HGET', job, 'state') or ''
if state == 'waiting' then
  redis.call('LREM', list, 1, ref)
  if redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0 then
    redis.call('LREM', ring, 1, tenant)
  end
elseif state == 'delayed' then
  redis.call('ZREM', delayed, ref)
  if redis.call('HINCRBY', retries, tenant, -1) <= 0 then
    redis.call('HDEL', retries, tenant)
  end
else
  return state
end
local time = redis.call('TIME')
redis.call('HDEL', job, 'data')
redis.call('HSET', job, 'state', 'cancelled', 'finished_at', string.format('%.0f', time[1] * 1000000 + time[2]))
redis.call('PEXPIRE', job, ARGV[3])
for _, whose in ipairs({'*', tenant}) do
  if tonumber(redis.call('ZINCRBY', depth, -1, whose)) <= 0 then
    redis.call('ZREM', depth, whose)
  end
end
return 'cancelled'
