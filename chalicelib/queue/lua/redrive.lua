-- redrive: a failed job waits again, with fresh attempts. The bounds are not asked: it was let in once.
--
-- KEYS  1 job's hash    2 list of its tenant and lane    3 list of the tenant's other lane
--       4 ring          5 paused                         6 depth
--       7 dead          8 dead of its tenant             9 failed of its tenant    10 unburied
-- ARGV  1 ref    2 tenant    3 job id
-- Reply waiting if it was put back, or `refused:` and the state that does not allow it
--
-- `processed` stays: what was done of the job before it failed is done.

local job, list, other, ring, paused, depth = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local dead, dead_of, failed, unburied = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local ref, tenant, id = ARGV[1], ARGV[2], ARGV[3]

local state = redis.call('HGET', job, 'state') or ''
if state ~= 'failed' then
  return 'refused:' .. state
end
redis.call('HSET', job, 'state', 'waiting', 'attempts_made', 0, 'stalls', 0)
redis.call('HDEL', job, 'error', 'started_at', 'finished_at')
redis.call('PERSIST', job)
redis.call('ZREM', dead, ref)
redis.call('ZREM', dead_of, id)
redis.call('ZREM', failed, id)
redis.call('SREM', unburied, ref)
redis.call('ZINCRBY', depth, 1, tenant)
redis.call('ZINCRBY', depth, 1, '*')
local first = redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0
if first and redis.call('SISMEMBER', paused, tenant) == 0 then
  redis.call('RPUSH', ring, tenant)
end
redis.call('RPUSH', list, ref)
return 'waiting'
