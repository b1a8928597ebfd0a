-- resume: a tenant, or all, is served again. A tenant that has waiting jobs goes to the end of the ring.
--
-- KEYS  1 paused    2 ring    3 interactive list of the tenant    4 its bulk list (neither exists for `*`)
-- ARGV  1 tenant, or * for all (those paused by name stay so)
-- Reply 1 if it was paused until now, else 0

local paused, ring, interactive, bulk = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

if redis.call('SREM', paused, ARGV[1]) == 0 then
  return 0
end
if redis.call('LLEN', interactive) > 0 or redis.call('LLEN', bulk) > 0 then
  redis.call('RPUSH', ring, ARGV[1])
end
return 1
