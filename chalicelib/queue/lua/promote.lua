-- promote: a delayed job whose retry is due goes back on its tenant's list, at the end.
--
-- KEYS  1 delayed    2 job's hash    3 list of its tenant and lane    4 list of the tenant's other lane
--       5 ring       6 paused        7 retries
-- ARGV  1 ref    2 tenant
-- Reply 1 if it was put back, 0 if it is not due (somebody else did it, or it was cancelled)

local delayed, job, list, other, ring, paused, retries = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local ref, tenant = ARGV[1], ARGV[2]

local time = redis.call('TIME')
local due = redis.call('ZSCORE', delayed, ref)
if not due or tonumber(due) > time[1] * 1000 + math.floor(time[2] / 1000) then
  return 0
end
redis.call('ZREM', delayed, ref)
if redis.call('HINCRBY', retries, tenant, -1) <= 0 then
  redis.call('HDEL', retries, tenant)
end
redis.call('HSET', job, 'state', 'waiting')
local first = redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0
if first and redis.call('SISMEMBER', paused, tenant) == 0 then
  redis.call('RPUSH', ring, tenant)
end
redis.call('RPUSH', list, ref)
return 1
