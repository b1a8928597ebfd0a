-- release: give a lease back without charging an attempt; the job returns to the front of its list.
--
-- KEYS  1 job's hash    2 leases    3 list of its tenant and lane    4 list of the tenant's other lane
--       5 ring          6 paused
-- ARGV  1 ref    2 tenant    3 token
-- Reply 1, or 0 if this token does not hold the job

local job, leases, list, other, ring, paused = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local ref, tenant = ARGV[1], ARGV[2]

if redis.call('HGET', job, 'token') ~= ARGV[3] or redis.call('HGET', job, 'state') ~= 'active' then
  return 0
end
redis.call('ZREM', leases, ref)
redis.call('HSET', job, 'state', 'waiting')
local first = redis.call('LLEN', list) == 0 and redis.call('LLEN', other) == 0
if first and redis.call('SISMEMBER', paused, tenant) == 0 then
  redis.call('RPUSH', ring, tenant)
end
redis.call('LPUSH', list, ref)
return 1
