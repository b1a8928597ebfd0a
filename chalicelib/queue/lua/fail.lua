-- fail: an attempt failed. The job is delayed for its next one, or dead if that was the last; its data is kept.
--
-- KEYS  1 job's hash    2 leases    3 delayed    4 depth    5 dead
-- ARGV  1 ref    2 tenant    3 token    4 error (JSON)    5 ms that a failed job is kept
--       6 a random number in [0, 1) for the jitter (Lua's own starts from the same seed in every script)
--       7 longest backoff in ms
-- Reply delayed | failed, also for a repeat of the same call, or lost if this token does not hold the job

local job, leases, delayed, depth, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ref, tenant = ARGV[1], ARGV[2]

local held = redis.call('HMGET', job, 'token', 'state', 'max_attempts', 'backoff_ms', 'backoff_type', 'jitter')
if held[1] ~= ARGV[3] then
  return 'lost'
end
if held[2] ~= 'active' then
  return (held[2] == 'delayed' or held[2] == 'failed') and held[2] or 'lost'
end
redis.call('ZREM', leases, ref)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local attempts = redis.call('HINCRBY', job, 'attempts_made', 1)

if attempts < tonumber(held[3]) then
  local delay = tonumber(held[4])
  if held[5] == 'exponential' then
    delay = delay * 2 ^ (attempts - 1)
  end
  delay = math.min(delay, tonumber(ARGV[7]))
  local jitter = tonumber(held[6])
  delay = math.floor(delay * (1 - jitter) + delay * jitter * tonumber(ARGV[6]))
  redis.call('HSET', job, 'state', 'delayed', 'error', ARGV[4])
  redis.call('ZADD', delayed, string.format('%.0f', now + delay), ref)
  return 'delayed'
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
