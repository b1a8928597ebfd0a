-- redrive: a failed job waits again, with fresh attempts. The bounds are not asked: it was let in once.
--
-- KEYS  1 job's hash    2 list of its tenant and lane    3 list of the tenant's other lane
--       4 ring          5 dead                           6 depth
-- ARGV  1 ref    2 tenant
-- Reply waiting if it was put back, or `refused:` and the state that does not allow it

local job, list, other, ring, dead, depth = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local ref, tenant = ARGV[1], ARGV[2]

local state = redis.call('HGET', job, 'state') or ''
if state ~= 'failed' then
  return 'refused:' .. state
end
redis.call('HSET', job, 'state', 'waiting', 'attempts_made', 0, 'stalls', 0, 'processed', 0)
redis.call('HDEL', job, 'error', 'started_at', 'finished_at')
redis.call('PERSIST', job)
redis.call('ZREM', dead, ref)
redis.call('HINCRBY', depth, tenant, 1)
redis.call('HINCRBY', depth, '*', 1)
if redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0 then
  redis.call('RPUSH', ring, tenant)
end
redis.call('RPUSH', list, ref)
return 'waiting'
