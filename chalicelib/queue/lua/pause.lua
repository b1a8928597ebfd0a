-- pause: nothing of a tenant, or of all, is claimed until `resume`. A paused tenant is off the ring, so that nobody
-- comes past it; when all are paused the ring stays as it is and `peek` and `claim` look away.
--
-- KEYS  1 paused    2 ring
-- ARGV  1 tenant, or * for all
-- Reply 1 if it was paused by this call, else 0

local paused, ring = KEYS[1], KEYS[2]

local new = redis.call('SADD', paused, ARGV[1])
redis.call('LREM', ring, 0, ARGV[1])
return new
